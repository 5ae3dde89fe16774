/** Which rooms the list shows, in which order, while changes are held back so that no row moves under the pointer. Pure. */
import type { Room } from '@frontdesk/sdk'

/** Newest activity first; the server's order. */
export function byActivity(a: Room, b: Room): number {
  if (a.updated_at !== b.updated_at) return a.updated_at < b.updated_at ? 1 : -1
  return b.id - a.id
}

/** The open room keeps its row although it no longer fits the filter (just read, just resolved) until another is opened. */
export function withSelected(rooms: Room[], selected: Room | null): Room[] {
  if (!selected || rooms.some((room) => room.id === selected.id)) return rooms
  const after = rooms.findIndex((room) => byActivity(selected, room) < 0)
  const place = after === -1 ? rooms.length : after
  return [...rooms.slice(0, place), selected, ...rooms.slice(place)]
}

/** The rows in their places with what is new in them; further pages are added at the end, all else waits. */
export function hold(shown: Room[], next: Room[]): Room[] {
  const latest = new Map(next.map((room) => [room.id, room]))
  const known = new Set(shown.map((room) => room.id))
  const kept = shown.map((room) => latest.get(room.id) ?? room)
  const further: Room[] = []
  for (let at = next.length - 1; at >= 0; at -= 1) {
    const room = next[at]
    if (!room || known.has(room.id)) break
    further.unshift(room)
  }
  const rows = [...kept, ...further]
  const same = rows.length === shown.length && rows.every((room, index) => room === shown[index])
  return same ? shown : rows
}

/** How many rooms would rise in the list, or come into it above its end, if nothing was held. */
export function heldBack(shown: Room[], next: Room[]): number {
  const places = new Map(shown.map((room, index) => [room.id, index]))
  let above = Number.POSITIVE_INFINITY
  let count = 0
  for (const room of [...next].reverse()) {
    // A room rises when one that stood above it now comes after it.
    const place = places.get(room.id)
    const rises = place === undefined ? above !== Number.POSITIVE_INFINITY : place > above
    if (rises) count += 1
    if (place !== undefined) above = Math.min(above, place)
  }
  return count
}
