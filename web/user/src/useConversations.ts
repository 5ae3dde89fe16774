/** Which conversations the user has, and which one is on the screen. The address keeps the choice over a reload. */
import type { Client, Room, RoomHandle, RoomState, User } from '@frontdesk/sdk'
import { useCallback, useEffect, useState, useSyncExternalStore } from 'react'

const retry_ms = 3000
const address = /^#\/conversations\/(\d+)$/

export interface Conversations {
  /** Newest activity first; null until the server has answered. */
  list: Room[] | null
  /** The one to show; null until it is known. */
  current: number | null
  /** The server could not be asked; it is being asked again. */
  failed: boolean
  /** Goes to one, or with null to the open one. */
  show(room_id: number | null): void
  /** Asks again which one is open. */
  reload(): void
}

const onHash = (listener: () => void) => {
  addEventListener('hashchange', listener)
  return () => removeEventListener('hashchange', listener)
}
const hashedRoom = () => Number(address.exec(location.hash)?.[1] ?? 0) || null

export function useConversations(client: Client, user: User, isActive: boolean): Conversations {
  const chosen = useSyncExternalStore(onHash, hashedRoom)
  const [own, setOwn] = useState<number | null>(() => rememberedRoom(user.id))
  const [list, setList] = useState<Room[] | null>(null)
  const [failed, setFailed] = useState(false)
  const [attempt, setAttempt] = useState(0)
  const reload = useCallback(() => setAttempt((count) => count + 1), [])

  // `attempt` is a dependency so that a new one runs the effect again.
  useEffect(() => {
    if (!isActive) return
    let current = true
    let timer: ReturnType<typeof setTimeout> | undefined
    const ask = async () => {
      const room = await client.openRoom()
      const rooms = await client.rooms()
      if (!current) return
      setOwn(room.id)
      rememberRoom(user.id, room.id)
      setList(rooms)
      setFailed(false)
    }
    ask().catch(() => {
      if (!current) return
      setFailed(true)
      timer = setTimeout(reload, retry_ms)
    })
    return () => {
      current = false
      clearTimeout(timer)
    }
  }, [client, user.id, attempt, isActive, reload])

  useEffect(() => {
    const onVisible = () => {
      if (document.visibilityState === 'visible') reload()
    }
    addEventListener('online', reload)
    document.addEventListener('visibilitychange', onVisible)
    return () => {
      removeEventListener('online', reload)
      document.removeEventListener('visibilitychange', onVisible)
    }
  }, [reload])

  const show = useCallback((room_id: number | null) => {
    location.hash = room_id === null ? '' : `#/conversations/${room_id}`
  }, [])

  return { list, current: chosen ?? own, failed, show, reload }
}

const nothing = { get: () => null, subscribe: () => () => {} }

/** The state of the shown conversation, if there is one. */
export function useShownState(shown: RoomHandle | null): RoomState | null {
  const source = shown ?? nothing
  return useSyncExternalStore<RoomState | null>(source.subscribe, source.get)
}

/** The list, with what the shown conversation knows of itself. */
export function useLiveList({ list }: Conversations, shown: RoomHandle | null): Room[] {
  const room = useShownState(shown)?.room
  return list?.map((each) => (each.id === room?.id ? room : each)) ?? []
}

const roomKey = (user_id: number) => `frontdesk.user.room.${user_id}`

/** The last open conversation, so that a reload without network can show what is kept of it. */
function rememberedRoom(user_id: number): number | null {
  try {
    return Number(localStorage.getItem(roomKey(user_id))) || null
  } catch {
    return null
  }
}

function rememberRoom(user_id: number, room_id: number): void {
  try {
    localStorage.setItem(roomKey(user_id), String(room_id))
  } catch {
    // Forbidden storage: the server is asked each time.
  }
}
