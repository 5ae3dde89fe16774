/** Rooms in which an own message could not be sent, as far as they were open on this page: their rows say so. */
import type { RoomState } from '@frontdesk/sdk'
import { useState } from 'react'

export function useFailedRooms(state: RoomState | null): ReadonlySet<number> {
  const [failed, setFailed] = useState<ReadonlySet<number>>(new Set())
  if (state?.phase === 'ready') {
    const fails = state.messages.some((message) => message.state === 'failed')
    if (fails !== failed.has(state.room_id)) {
      const next = new Set(failed)
      if (fails) next.add(state.room_id)
      else next.delete(state.room_id)
      setFailed(next)
      return next
    }
  }
  return failed
}
