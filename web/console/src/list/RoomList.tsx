/** The pane with all rooms: search, filters, rows, and what it says when there are none. */

import type { InboxHandle, InboxState, Room } from '@frontdesk/sdk'
import { useSkeleton } from '@frontdesk/ui'
import { type ReactNode, useCallback, useRef, useState } from 'react'
import { useShortcuts } from '../keyboard/useShortcuts'
import { useConsoleText } from '../text'
import { EmptyList } from './EmptyList'
import { ListHead } from './ListHead'
import './list.css'
import { Rows } from './Rows'
import { RowsSkeleton } from './RowsSkeleton'
import { useHeldRooms } from './useHeldRooms'

export interface RoomListProps {
  handle: InboxHandle
  inbox: InboxState
  meId: number
  failed: ReadonlySet<number>
  /** The open room, as it is now. */
  open: Room | null
  openId: number | null
  phone: boolean
  hidden: boolean
  /** What stands at its edge, to change its width. */
  edge: ReactNode
  onOpen(room_id: number): void
  onStatus(room: Room): void
}

export function RoomList(props: RoomListProps) {
  const { handle, inbox, openId, onOpen } = props
  const text = useConsoleText()
  const scroller = useRef<HTMLDivElement>(null)
  const field = useRef<HTMLInputElement>(null)
  const [pointed, setPointed] = useState(false)
  const [scrolled, setScrolled] = useState(false)
  const setFilter = useCallback(
    (filter: Partial<InboxState['filter']>) => {
      scroller.current?.scrollTo({ top: 0 })
      handle.setFilter(filter)
    },
    [handle],
  )
  const loadMore = useCallback(() => void handle.loadMore(), [handle])
  const { rooms, waiting, release } = useHeldRooms(inbox, props.open, pointed || scrolled)

  const step = (by: 1 | -1) => {
    const here = rooms.findIndex((room) => room.id === openId)
    const next = here === -1 ? rooms[0] : rooms[here + by]
    if (next) onOpen(next.id)
  }
  useShortcuts({
    next: () => step(1),
    previous: () => step(-1),
    search: () => field.current?.select(),
  })

  const Pane = props.phone ? 'main' : 'section'
  const skeleton = useSkeleton(inbox.phase === 'loading' && rooms.length === 0)
  const showWaiting = () => {
    scroller.current?.scrollTo({ top: 0 })
    release()
  }
  return (
    <Pane className="list on-app" aria-label={text.rooms} data-pane="list" hidden={props.hidden}>
      <ListHead
        inbox={inbox}
        field={field}
        onFilter={setFilter}
        onLeaveDown={() => scroller.current?.querySelector<HTMLElement>('[tabindex="0"]')?.focus()}
      />
      <div
        className="rows-frame"
        // A finger does not rest on the rows as a mouse does. The button that tells of new rooms lies over them, too.
        onPointerEnter={(event) => setPointed(event.pointerType === 'mouse')}
        onPointerLeave={() => setPointed(false)}
      >
        {waiting > 0 && (
          <button type="button" className="held" onClick={showWaiting}>
            {text.held(waiting)}
          </button>
        )}
        <div
          className="rows scroll"
          ref={scroller}
          onScroll={(event) => setScrolled(event.currentTarget.scrollTop > 0)}
        >
          {rooms.length === 0 && inbox.phase === 'loading' ? (
            skeleton === 'shown' && <RowsSkeleton />
          ) : rooms.length === 0 ? (
            <EmptyList
              inbox={inbox}
              onRetry={() => void handle.reload()}
              onFilter={setFilter}
              onClear={() => setFilter({ q: '' })}
            />
          ) : (
            <Rows {...props} scroller={scroller} rooms={rooms} rowPx={props.phone ? 70 : 66} loadMore={loadMore} />
          )}
        </div>
      </div>
      {props.edge}
    </Pane>
  )
}
