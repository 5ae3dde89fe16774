/** The virtual list of rooms: only the rows in view exist, further pages come as their end nears, and keys move within it. */
import type { InboxState, Room } from '@frontdesk/sdk'
import { useNow } from '@frontdesk/ui'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, type RefObject, useCallback, useEffect, useRef, useState } from 'react'
import { useConsoleText } from '../text'
import { RoomRow } from './RoomRow'

export interface RowsProps {
  scroller: RefObject<HTMLDivElement | null>
  rooms: Room[]
  inbox: InboxState
  meId: number
  failed: ReadonlySet<number>
  openId: number | null
  rowPx: number
  loadMore(): void
  onOpen(room_id: number): void
  onStatus(room: Room): void
}

/** How often "5m" is looked at again. */
const clock_ms = 30_000
/** Rows drawn beyond each edge, so that a fast wheel meets no gap. */
const overscan = 8
/** How many rows before the end the next page is asked for. */
const ahead = 20

export function Rows(props: RowsProps) {
  const { rooms, scroller, openId, inbox, rowPx, loadMore } = props
  const text = useConsoleText()
  const now = useNow(clock_ms)
  const [activeId, setActive] = useState<number | null>(null)
  const active = Math.max(
    0,
    rooms.findIndex((room) => room.id === (activeId ?? openId)),
  )
  const virtual = useVirtualizer({
    count: rooms.length,
    getScrollElement: () => scroller.current,
    estimateSize: useCallback(() => rowPx, [rowPx]),
    // The same function while the rows are the same: another one has all of them measured anew.
    getItemKey: useCallback((index: number) => rooms[index]?.id ?? index, [rooms]),
    overscan,
    // Drawn after the frame that scrolled, not within it: the rows beyond the edge are there meanwhile.
    useFlushSync: false,
    // The row with the tab stop always exists, so that focus is never lost by scrolling.
    rangeExtractor: ({ startIndex, endIndex, count }) => {
      const first = Math.max(0, startIndex - overscan)
      const last = Math.min(count - 1, endIndex + overscan)
      const indexes = Array.from({ length: last - first + 1 }, (_, i) => first + i)
      if (active < count && (active < first || active > last)) indexes.push(active)
      return indexes.sort((a, b) => a - b)
    },
  })
  useEffect(() => virtual.measure(), [virtual, rowPx])
  const rowsNow = useRef(rooms)
  useEffect(() => {
    rowsNow.current = rooms
  })

  // What a key opened comes into view. Only that: nothing that arrives moves the list.
  useEffect(() => {
    setActive(null)
    const index = rowsNow.current.findIndex((room) => room.id === openId)
    if (index >= 0) virtual.scrollToIndex(index, { align: 'auto' })
  }, [openId, virtual])

  const items = virtual.getVirtualItems()
  const seenTo = items.at(-1)?.index ?? 0
  const wanted = inbox.has_more && !inbox.loading_more && seenTo >= rooms.length - ahead
  useEffect(() => {
    if (wanted) loadMore()
  }, [wanted, loadMore])

  const move = useRef(false)
  const focusRow = (index: number) => {
    const room = rooms[index]
    if (!room) return
    move.current = true
    setActive(room.id)
    virtual.scrollToIndex(index)
  }
  useEffect(() => {
    if (!move.current) return
    move.current = false
    scroller.current?.querySelector<HTMLElement>(`[data-room="${activeId}"] a`)?.focus({ preventScroll: true })
  }, [activeId, scroller])

  return (
    <ul
      className="rows-list"
      aria-label={text.rooms}
      aria-busy={inbox.phase === 'loading'}
      data-pane-focus
      style={{ height: virtual.getTotalSize() }}
      onKeyDown={(event) => onKey(event, active, rooms.length, focusRow)}
      onFocus={(event) => setActive(rowOf(event.target))}
    >
      {items.map((item) => {
        const room = rooms[item.index]
        return (
          room && (
            <RoomRow
              key={item.key}
              room={room}
              index={item.index}
              count={inbox.has_more ? -1 : rooms.length}
              typing={(inbox.typing[room.id]?.length ?? 0) > 0}
              meId={props.meId}
              failed={props.failed.has(room.id)}
              open={room.id === openId}
              tabbable={item.index === active}
              now={now}
              topPx={item.start}
              onOpen={props.onOpen}
              onStatus={props.onStatus}
            />
          )
        )
      })}
    </ul>
  )
}

function rowOf(target: Element): number {
  return Number(target.closest<HTMLElement>('[data-room]')?.dataset.room)
}

function onKey(event: KeyboardEvent<HTMLElement>, active: number, count: number, focusRow: (index: number) => void) {
  if (event.altKey || event.ctrlKey || event.metaKey) return
  const row = (event.target as Element).closest('[data-room]')
  const forward = getComputedStyle(event.currentTarget).direction === 'rtl' ? 'ArrowLeft' : 'ArrowRight'
  const steps: Record<string, number> = { ArrowDown: active + 1, ArrowUp: active - 1, Home: 0, End: count - 1 }
  const step = steps[event.key]
  if (step !== undefined) focusRow(Math.min(count - 1, Math.max(0, step)))
  else if (event.key === 'ArrowRight' || event.key === 'ArrowLeft')
    row?.querySelector<HTMLElement>(event.key === forward ? 'button' : 'a')?.focus()
  else return
  event.preventDefault()
}
