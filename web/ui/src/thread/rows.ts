/** From a room's state to the rows that a list shows: day lines, the "new messages" line, status lines and groups of bubbles. */
import type { RoomState, ShownMessage, StatusChange } from '@frontdesk/sdk'
import { last } from './unread'

export interface Group {
  kind: 'group'
  key: string
  messages: ShownMessage[]
  /** Stands on the trailing edge: written by the side that looks at this page. */
  ours: boolean
  /** Written by the account that is signed in. */
  own: boolean
  /** Ends in the newest message that the other side has read. */
  newestRead: boolean
}
export type Row =
  | { kind: 'day'; key: string; at: string }
  | { kind: 'new'; key: string }
  | { kind: 'status'; key: string; change: StatusChange }
  | Group

type Item = { at: string; seq: number | null } & (
  | { message: ShownMessage; change?: undefined }
  | { message?: undefined; change: StatusChange }
)

/** What of a room's state the rows are made from. */
export type Listed = Pick<RoomState, 'messages' | 'status_changes' | 'first_unread_seq' | 'has_older'>

/** Reading dates would be most of the work in a long room. */
const moments = new WeakMap<object, { minute: number; day: string }>()

function momentOf(item: ShownMessage | StatusChange): { minute: number; day: string } {
  let moment = moments.get(item)
  if (!moment) {
    const date = new Date(item.created_at)
    moment = { minute: Math.floor(date.getTime() / 60_000), day: date.toDateString() }
    moments.set(item, moment)
  }
  return moment
}
const isUploading = (message: ShownMessage) => message.uploads.some((upload) => upload.state !== 'done')
/** A message whose foot says something of its own stands alone. */
const standsAlone = (message: ShownMessage) => message.state === 'failed' || isUploading(message)

/** Same sender, same side, same minute; queued ones among themselves; nothing failed. */
export function belongsTogether(a: ShownMessage, b: ShownMessage): boolean {
  return (
    a.sender.id === b.sender.id &&
    a.sender.role === b.sender.role &&
    momentOf(a).minute === momentOf(b).minute &&
    (a.state === 'queued') === (b.state === 'queued') &&
    !standsAlone(a) &&
    !standsAlone(b)
  )
}

/** Stored messages and status changes by seq, then what is still on its way. */
function items(state: Listed): Item[] {
  const stored: Item[] = []
  const unsent: Item[] = []
  for (const message of state.messages) {
    ;(message.seq === null ? unsent : stored).push({ at: message.created_at, seq: message.seq, message })
  }
  const firstSeq = stored[0]?.seq ?? 0
  for (const change of state.status_changes) {
    // What lies before the oldest loaded message shows up together with its surroundings.
    if (change.seq >= firstSeq || !state.has_older) stored.push({ at: change.created_at, seq: change.seq, change })
  }
  stored.sort((a, b) => (a.seq ?? 0) - (b.seq ?? 0))
  return [...stored, ...unsent]
}

export function rows(state: Listed, side: 'user' | 'admin'): Row[] {
  const result: Row[] = []
  let day = ''
  let group: Group | null = null
  let newShown = state.first_unread_seq === null
  const newestRead = last(state.messages, (message) => message.own && message.state === 'read')?.key

  for (const { at, seq, message, change } of items(state)) {
    const itsDay = momentOf(message ?? change).day
    if (itsDay !== day) {
      day = itsDay
      group = null
      result.push({ kind: 'day', key: `day ${day}`, at })
    }
    if (change) {
      group = null
      result.push({ kind: 'status', key: `status ${change.seq}`, change })
    }
    if (!message) continue
    const isUnread = seq !== null && state.first_unread_seq !== null && seq >= state.first_unread_seq
    if (!newShown && isUnread && !message.own) {
      newShown = true
      group = null
      result.push({ kind: 'new', key: 'new' })
    }
    const above = group?.messages.at(-1)
    if (group && above && belongsTogether(above, message)) {
      group.messages.push(message)
    } else {
      const ours = message.own || message.sender.role === side
      group = { kind: 'group', key: message.key, messages: [message], ours, own: message.own, newestRead: false }
      result.push(group)
    }
    group.newestRead = message.key === newestRead
  }
  return result
}

/** Whether two computed groups show the same: messages are replaced when they change, never mutated. */
export function sameGroup(a: Group, b: Group): boolean {
  return (
    a.key === b.key &&
    a.newestRead === b.newestRead &&
    a.messages.length === b.messages.length &&
    a.messages.every((message, index) => message === b.messages[index])
  )
}
