/** How far the user has come, told by the time of the last message reached. Pure. */
import type { RoomState } from '@frontdesk/sdk'

export interface Reached {
  /** Whether anything was. */
  any: boolean
  /** When the last message reached was written; null if it is not loaded. */
  at: string | null
}

function reached(state: RoomState, seq: number): Reached {
  const message = state.messages.findLast((one) => one.seq !== null && one.seq <= seq)
  return { any: seq > 0, at: message?.created_at ?? null }
}

export function userReceipts(state: RoomState): { read: Reached; delivered: Reached } {
  const user_id = state.room?.user.id
  const receipt = state.receipts.find((one) => one.user_id === user_id)
  const read_seq = receipt?.read_seq ?? 0
  return {
    read: reached(state, read_seq),
    // What was read has reached a device, whether or not that was told.
    delivered: reached(state, Math.max(read_seq, receipt?.delivered_seq ?? 0)),
  }
}
