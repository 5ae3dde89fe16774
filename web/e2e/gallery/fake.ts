/** Stand-ins for the SDK's objects: they hold still, or do what a screen needs to show. */
import type {
  Client,
  ConnectionState,
  Options,
  Readable,
  Room,
  RoomHandle,
  RoomState,
  SendState,
  Session,
  SessionState,
} from '@frontdesk/sdk'

export interface Held<T> extends Readable<T> {
  set(next: T): void
}

export function held<T>(value: T): Held<T> {
  const listeners = new Set<() => void>()
  let current = value
  return {
    get: () => current,
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    set: (next) => {
      current = next
      for (const listener of listeners) listener()
    },
  }
}

export const connectionState = (status: ConnectionState['status'], change: Partial<ConnectionState> = {}) =>
  ({ status, since: Date.now() - 5000, attempt: 0, retryAt: null, ...change }) satisfies ConnectionState

export function fakeHandle(state: Readable<RoomState>): RoomHandle {
  return {
    room_id: state.get().room_id,
    get: state.get,
    subscribe: state.subscribe,
    send: () => '',
    sendFiles: () => '',
    retry() {},
    discard() {},
    stopUpload() {},
    typing() {},
    read() {},
    loadOlder: () => Promise.resolve(),
    markLeft() {},
    release() {},
  }
}

export interface FakeClientOptions {
  connection?: Readable<ConnectionState>
  room?: Readable<RoomState>
  rooms?: Room[]
  /** Never answers, as a server that is not there. */
  silent?: boolean
}

const never = <T>() => new Promise<T>(() => {})

export function fakeClient({ connection, room, rooms = [], silent }: FakeClientOptions): Client {
  const unsentOf = (state: SendState) => room?.get().messages.filter((message) => message.state === state) ?? []
  const unsent = room?.get().messages.filter((message) => message.seq === null).length ?? 0
  const own = room?.get().room ?? rooms[0]
  return {
    connection: connection ?? held(connectionState('online')),
    room: () => {
      if (!room) throw new Error('this screen shows no room')
      return fakeHandle(room)
    },
    openRoom: () => (silent || !own ? never() : Promise.resolve(own)),
    rooms: () => (silent ? never() : Promise.resolve(rooms)),
    setStatus: () => never(),
    blobUrl: (url) => Promise.resolve(url),
    retryNow() {},
    failedRooms: held(new Set(own && unsentOf('failed').length > 0 ? [own.id] : [])),
    unsent: () => unsent,
    forget: () => Promise.resolve(),
    close() {},
  }
}

export function fakeSession(state: SessionState, options?: Partial<Options>, refuse?: Error): Session {
  return {
    ...held(state),
    login: () => (refuse ? Promise.reject(refuse) : never()),
    logout: () => Promise.resolve(),
    token: () => never(),
    options: () => Promise.resolve({ demo: null, has_accounts: true, message_max: 4000, ...options }),
    close() {},
  }
}
