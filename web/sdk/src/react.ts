/** The SDK's values for React. The only file that knows a framework. */
import { useMemo, useSyncExternalStore } from 'react'
import { emptyRoom } from './state'
import type {
  Client,
  ConnectionState,
  InboxClient,
  InboxHandle,
  InboxState,
  Readable,
  RoomHandle,
  RoomState,
  Session,
  SessionState,
} from './types'

export function useReadable<T>(readable: Readable<T>): T {
  return useSyncExternalStore(readable.subscribe, readable.get, readable.get)
}

export const useConnection = (client: Client): ConnectionState => useReadable(client.connection)

export const useSession = (session: Session): SessionState => useReadable(session)

export function useInbox(client: InboxClient): { state: InboxState; handle: InboxHandle } {
  const handle = client.inbox()
  return { state: useReadable(handle), handle }
}

/** Follows the room while the component is mounted. */
export function useRoom(client: Client, room_id: number): { state: RoomState; handle: RoomHandle } {
  const handle = useMemo(() => whileSubscribed(client, room_id), [client, room_id])
  return { state: useReadable(handle), handle }
}

/** A handle that holds the room while somebody subscribes, so that a render that is thrown away holds nothing. */
function whileSubscribed(client: Client, room_id: number): RoomHandle {
  const loading = emptyRoom(room_id)
  let held: RoomHandle | null = null
  let subscribers = 0

  /** Children's effects run before their parent has subscribed: they get a handle for the moment. */
  function using<T>(run: (handle: RoomHandle) => T): T {
    if (held) return run(held)
    const moment = client.room(room_id)
    try {
      return run(moment)
    } finally {
      moment.release()
    }
  }

  return {
    room_id,
    get: () => held?.get() ?? loading,
    subscribe(listener) {
      held ??= client.room(room_id)
      subscribers++
      const stop = held.subscribe(listener)
      return () => {
        stop()
        if (--subscribers > 0) return
        held?.release()
        held = null
      }
    },
    send: (text, options) => using((handle) => handle.send(text, options)),
    sendFiles: (files, text) => using((handle) => handle.sendFiles(files, text)),
    retry: (key) => using((handle) => handle.retry(key)),
    discard: (key) => using((handle) => handle.discard(key)),
    stopUpload: (key) => using((handle) => handle.stopUpload(key)),
    typing: (is_typing) => using((handle) => handle.typing(is_typing)),
    read: (message_id) => using((handle) => handle.read(message_id)),
    loadOlder: () => using((handle) => handle.loadOlder()),
    markLeft: () => using((handle) => handle.markLeft()),
    release() {},
  }
}
