/** One room in the list: who, when, what was said last, how much is unread, and the one thing to do without opening it. */

import type { Room } from '@frontdesk/sdk'
import { Avatar, ago, draftKey, Icon, IconButton, Ticks, useDraft } from '@frontdesk/ui'
import { memo } from 'react'
import { routeHash } from '../route'
import { type ConsoleText, useConsoleText } from '../text'
import { type Preview, preview } from './preview'

export interface RoomRowProps {
  room: Room
  index: number
  /** Of all rooms in the list; -1 while more may come. */
  count: number
  typing: boolean
  meId: number
  failed: boolean
  open: boolean
  /** The row that Tab reaches. */
  tabbable: boolean
  now: number
  topPx: number
  onOpen(room_id: number): void
  onStatus(room: Room): void
}

export const RoomRow = memo(function RoomRow(props: RoomRowProps) {
  const { room, open, tabbable } = props
  const text = useConsoleText()
  const draft = useDraft(draftKey(props.meId, room.id))
  // What is being written is on screen already while the room is open.
  const shown = preview(room, { typing: props.typing, draft: open ? '' : draft, failed: props.failed })
  const words = previewWords(shown, text)
  const time = room.last_message?.created_at ?? room.created_at
  return (
    <li
      className={`row${room.unread_count > 0 ? ' unread' : ''}${open ? ' is-open' : ''}`}
      aria-posinset={props.index + 1}
      aria-setsize={props.count}
      data-room={room.id}
      style={{ transform: `translateY(${props.topPx}px)` }}
    >
      <a
        className="row-link"
        href={routeHash({ page: 'room', room_id: room.id, details: false })}
        tabIndex={tabbable ? 0 : -1}
        aria-current={open ? 'true' : undefined}
        onClick={(event) => {
          if (event.metaKey || event.ctrlKey || event.shiftKey) return
          event.preventDefault()
          props.onOpen(room.id)
        }}
      >
        <span className="sr">
          {text.row_name({ name: room.user.name, unread: room.unread_count, online: room.online, last: words })}
        </span>
        <span className="row-face" aria-hidden="true">
          <Avatar id={room.user.id} name={room.user.name} presence={room.online ? 'online' : null} />
          <span className="name clip" dir="auto">
            {room.user.name}
          </span>
          <time className="meta" dateTime={time}>
            {ago(time, props.now)}
          </time>
          <PreviewLine shown={shown} words={words} />
          {room.unread_count > 0 && <span className="pill">{room.unread_count > 9 ? '9+' : room.unread_count}</span>}
        </span>
      </a>
      <div className="acts">
        <IconButton
          icon={room.status === 'open' ? 'done' : 'retry'}
          label={`${room.status === 'open' ? text.resolve : text.reopen}: ${room.user.name}`}
          small
          tabIndex={-1}
          onClick={() => props.onStatus(room)}
        />
      </div>
    </li>
  )
})

function PreviewLine({ shown, words }: { shown: Preview; words: string }) {
  const text = useConsoleText()
  if (shown.kind === 'typing') return <span className="prev typing">{words}</span>
  if (shown.kind === 'failed')
    return (
      <span className="prev failed">
        <Icon name="alert" size={14} />
        {words}
      </span>
    )
  if (shown.kind === 'draft')
    return (
      <span className="prev">
        <span className="draft">{text.draft}</span>
        <span className="clip" dir="auto">
          {shown.text}
        </span>
      </span>
    )
  return (
    <span className="prev">
      {shown.kind === 'message' && shown.tick && <Ticks state={shown.tick} />}
      {shown.kind === 'message' && shown.file && <Icon name={shown.file === 'image' ? 'image' : 'clip'} size={14} />}
      <span className="clip" dir="auto">
        {words}
      </span>
    </span>
  )
}

function previewWords(shown: Preview, text: ConsoleText): string {
  switch (shown.kind) {
    case 'typing':
      return text.typing
    case 'draft':
      return `${text.draft} ${shown.text}`
    case 'failed':
      return text.could_not_send
    case 'empty':
      return text.no_messages
    case 'message':
      return shown.text || (shown.file === 'image' ? text.photo : (shown.name ?? ''))
  }
}
