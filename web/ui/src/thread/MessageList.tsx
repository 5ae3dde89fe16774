/** A room's messages: grouped, anchored, read when seen. Both pages use it; `look` and `side` are what differs. */
import type { Client, RoomHandle, RoomState, StatusChange } from '@frontdesk/sdk'
import { type ReactNode, type RefObject, useEffect, useLayoutEffect, useMemo, useRef } from 'react'
import { announceArrival } from '../feedback/Announcer'
import { ListSkeleton, useSkeleton } from '../feedback/Skeleton'
import { FilesContext } from '../files/blobs'
import { Icon } from '../Icon'
import { DatePill } from '../later/parts'
import { useSpeech } from '../text/language'
import { BlockView } from './BlockView'
import { blocks } from './blocks'
import { type Row, rows } from './rows'
import './thread.css'
import { TypingRow } from './TypingRow'
import { isTheirs } from './unread'
import { type AnchoredScroll, useAnchoredScroll } from './useAnchoredScroll'
import { useReadMark } from './useReadMark'

/** From here on rows outside the view are skipped by the browser's layout and paint. */
const skip_rows_min = 200
/** How far from the top the page before is asked for. */
const older_px = 600
/** After a page that could not be had, scrolling asks again no sooner than this. */
const older_retry_ms = 3000

export interface MessageListProps {
  state: RoomState
  handle: Pick<RoomHandle, 'retry' | 'discard' | 'stopUpload' | 'loadOlder' | 'read'>
  /** Fetches attachments. */
  client: Pick<Client, 'blobUrl'>
  /** Whose page it is: that side stands on the trailing edge. */
  side: 'user' | 'admin'
  /** `solid`: own bubbles in the accent, for a page visited for a moment. `soft`: for one that is read all day. */
  look: 'solid' | 'soft'
  /** The name of the list for screen readers. */
  label: string
  /** Words for a change of the room's status. */
  statusWords: (change: StatusChange) => string
  /** Shown in an empty room. */
  empty?: ReactNode
  /** The other side's people whose name need not stand over each group (the user in the console). */
  unnamed?: number
}

/** Rooms differ in everything that is remembered here, so each has its own list. */
export function MessageList(props: MessageListProps) {
  return (
    <FilesContext value={props.client}>
      <List key={props.state.room_id} {...props} />
    </FilesContext>
  )
}

function List({ state, handle, side, look, label, statusWords, empty, unnamed }: MessageListProps) {
  const { text } = useSpeech()
  const logRef = useRef<HTMLDivElement>(null)
  const innerRef = useRef<HTMLDivElement>(null)
  const scroll = useAnchoredScroll(logRef, innerRef)
  const skeleton = useSkeleton(state.phase === 'loading')
  const { messages, status_changes, first_unread_seq, has_older } = state
  // Typing, receipts and presence change the state often, and none of the rows.
  const list = useMemo(
    () => rows({ messages, status_changes, first_unread_seq, has_older }, side),
    [messages, status_changes, first_unread_seq, has_older, side],
  )
  const missed = useMissed(state, scroll)

  useReadMark(state, logRef, handle.read)
  usePinOnSend(state, scroll.toBottom)
  useOpenAtNew(list, logRef, scroll.toRow)
  useArrivals(state)
  useLoadOlder(state, logRef, handle)

  const isEmpty = state.phase === 'ready' && state.messages.length === 0 && !state.has_older
  return (
    <div className={`thread ${look} ${list.length >= skip_rows_min ? 'long' : ''}`}>
      <DatePill logRef={logRef} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable without a pointer */}
      <div ref={logRef} className="log scroll" role="log" aria-live="off" aria-label={label} tabIndex={0}>
        <div ref={innerRef} className="in">
          {skeleton === 'shown' && <ListSkeleton words={text.chat.loading} />}
          {isEmpty && skeleton !== 'shown' ? (
            empty
          ) : (
            <>
              {state.loading_older && <p className="older">{text.chat.loading_older}</p>}
              {blocks(list).map((block) => (
                <BlockView
                  key={block.number}
                  block={block}
                  today={new Date().toDateString()}
                  verbs={handle}
                  statusWords={statusWords}
                  unnamed={unnamed}
                  side={side}
                />
              ))}
            </>
          )}
          <TypingRow people={state.typing} />
        </div>
      </div>
      {!scroll.pinned && (
        <div className="jumpw">
          <button type="button" className="jump" onClick={scroll.toBottom}>
            <Icon name="arrowDown" size={16} />
            {missed > 0 ? text.chat.jump_new(missed) : text.chat.jump_latest}
          </button>
        </div>
      )}
    </div>
  )
}

/** How many of the other side's messages arrived since the list left its end. */
function useMissed(state: RoomState, { pinned, isPinned }: AnchoredScroll): number {
  const leftAt = useRef(0)
  // Once the list has been put in its place: only then it is known whether the person has seen what arrived.
  useLayoutEffect(() => {
    if (isPinned()) leftAt.current = state.last_seq
  })
  if (pinned) return 0
  return state.messages.filter((message) => (message.seq ?? 0) > leftAt.current && isTheirs(state, message)).length
}

/** One's own new message is always in view. */
function usePinOnSend(state: RoomState, toBottom: () => void): void {
  const newest = state.messages.at(-1)
  const ownKey = newest?.own && newest.seq === null ? newest.key : null
  const known = useRef(ownKey)
  useLayoutEffect(() => {
    if (ownKey && ownKey !== known.current) toBottom()
    known.current = ownKey
  }, [ownKey, toBottom])
}

/** A room opens where its unread messages begin, if they do not fit the view. */
function useOpenAtNew(list: Row[], logRef: RefObject<HTMLElement | null>, toRow: (row: Element) => void): void {
  const hasNew = list.some((row) => row.kind === 'new')
  useLayoutEffect(() => {
    const line = hasNew ? logRef.current?.querySelector('[data-new]') : null
    if (line) toRow(line)
  }, [hasNew, logRef, toRow])
}

function useArrivals(state: RoomState): void {
  const heard = useRef<number | null>(null)
  useEffect(() => {
    if (state.phase !== 'ready') return
    if (heard.current !== null) {
      for (const message of state.messages) {
        if ((message.seq ?? 0) > heard.current && isTheirs(state, message)) announceArrival(message.sender.name)
      }
    }
    heard.current = Math.max(heard.current ?? 0, state.last_seq)
  }, [state])
}

function useLoadOlder(
  state: RoomState,
  logRef: RefObject<HTMLElement | null>,
  handle: Pick<RoomHandle, 'loadOlder'>,
): void {
  const wanted = state.phase === 'ready' && state.has_older && !state.loading_older
  const failed = useRef(false)
  // The number of messages is a dependency because a page may be shorter than the view.
  useEffect(() => {
    const log = logRef.current
    if (!log || !wanted) return
    const check = () => {
      if (failed.current || log.scrollTop >= older_px || log.clientHeight === 0) return
      handle.loadOlder().catch(() => {
        failed.current = true
        setTimeout(() => {
          failed.current = false
        }, older_retry_ms)
      })
    }
    check()
    log.addEventListener('scroll', check, { passive: true })
    return () => log.removeEventListener('scroll', check)
  }, [wanted, logRef, handle, state.messages.length])
}
