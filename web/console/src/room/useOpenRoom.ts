/** Follows the room that is open, and lets go of it when another is. */
import type { Client, RoomHandle, RoomState } from '@frontdesk/sdk'
import { useCallback, useEffect, useState, useSyncExternalStore } from 'react'

export interface OpenRoom {
  handle: RoomHandle
  state: RoomState
}

const unsubscribed = () => () => {}

export function useOpenRoom(client: Client, room_id: number | null): OpenRoom | null {
  const [handle, setHandle] = useState<RoomHandle | null>(null)
  useEffect(() => {
    if (room_id === null) return
    const taken = client.room(room_id)
    setHandle(taken)
    return () => {
      setHandle(null)
      taken.markLeft()
      taken.release()
    }
  }, [client, room_id])
  const current = handle?.room_id === room_id ? handle : null
  const state = useSyncExternalStore(
    current ? current.subscribe : unsubscribed,
    useCallback(() => current?.get() ?? null, [current]),
  )
  return current && state ? { handle: current, state } : null
}
