/** Rooms for tests: who was active when is all that matters. */
import type { Room } from '@frontdesk/sdk'

/** A room whose newest event happened at that minute. */
export function room(id: number, minute: number, rest: Partial<Room> = {}): Room {
  const at = new Date(Date.UTC(2026, 0, 1, 12, minute)).toISOString()
  return {
    id,
    user: { id: id + 100, name: `User ${id}`, role: 'user' },
    status: 'open',
    unread_count: 0,
    last_message: null,
    last_seq: 0,
    online: false,
    last_seen: null,
    created_at: at,
    updated_at: at,
    ...rest,
  }
}

export const ids = (rooms: Room[]) => rooms.map((one) => one.id)
