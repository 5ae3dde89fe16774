/** The rows that the list shows: what the inbox says, held still while a person points at them or has scrolled away. */
import type { InboxState, Room } from '@frontdesk/sdk'
import { useMemo, useState } from 'react'
import { heldBack, hold, withSelected } from './held'

interface Shown {
  /** The filter they belong to; another one is followed at once. */
  filter: InboxState['filter']
  /** Whether that filter's first page has come. */
  settled: boolean
  rooms: Room[]
}

export interface HeldRooms {
  rooms: Room[]
  /** How many changes of place wait. */
  waiting: number
  /** Shows everything in its new place. */
  release(): void
}

export function useHeldRooms(inbox: InboxState, selected: Room | null, holding: boolean): HeldRooms {
  const [shown, setShown] = useState<Shown>({ filter: inbox.filter, settled: false, rooms: inbox.rooms })
  const same = shown.filter.show === inbox.filter.show && shown.filter.q === inbox.filter.q
  const kept = same && selected && shown.rooms.some((room) => room.id === selected.id) ? selected : null
  const next = useMemo(() => withSelected(inbox.rooms, kept), [inbox.rooms, kept])

  const settled = same && (shown.settled || inbox.phase === 'ready')
  const rooms = settled && shown.settled && holding ? hold(shown.rooms, next) : next
  // Derived from what was shown before, so it is kept as state, set while rendering rather than a frame later.
  if (!same || settled !== shown.settled || rooms !== shown.rooms) setShown({ filter: inbox.filter, settled, rooms })

  const waiting = useMemo(() => (rooms === next ? 0 : heldBack(rooms, next)), [rooms, next])
  return { rooms, waiting, release: () => setShown({ filter: inbox.filter, settled, rooms: next }) }
}
