/** What changes a room from this side: loaded pages, what waits in the outbox, coming and leaving. All pure. */

import type { Delay, Stored, Waiting } from './entries'
import type { MessagePage, User } from './protocol.gen'
import { apply, isUnread, mergeMessages, shown, sideReadSeq, withUnread } from './state'
import type { RoomState, ShownMessage } from './types'

/** How many messages of a room are kept for showing it at once the next time. */
const cachedMessagesMax = 100

export function withPage(state: RoomState, page: MessagePage): RoomState {
  const more = page.results.map((message) => shown(message, state.me, state.receipts))
  const messages = mergeMessages(state.messages, more)
  return withUnread({ ...state, phase: 'ready', messages, has_older: page.next !== null, loading_older: false })
}

/** The first page, loaded before the connection was made: what follows it is asked for by its last seq. */
export function withFirstPage(state: RoomState, page: MessagePage, me: User): RoomState {
  const next = withPage({ ...state, me }, page)
  return { ...next, last_seq: page.results.at(-1)?.seq ?? 0 }
}

export function withWaiting(state: RoomState, waiting: Waiting[], delay: Delay | undefined): RoomState {
  const stored = state.messages.filter((message) => message.seq !== null)
  const keys = new Set(stored.map((message) => message.key))
  const unsent = waiting.filter((entry) => !keys.has(entry.client_id)).map((entry) => shownWaiting(entry, state.me))
  return {
    ...state,
    messages: [...stored, ...unsent],
    rate_limited_until: delay?.code === 'rate_limited' ? delay.until : null,
    not_durable: delay?.code === 'not_durable',
    unkept: waiting.some((entry) => entry.unkept),
  }
}

function shownWaiting(entry: Waiting, me: User | null): ShownMessage {
  const message: ShownMessage = {
    key: entry.client_id,
    id: null,
    seq: null,
    room_id: entry.room_id,
    sender: me ?? { id: 0, name: '', role: 'user' },
    message: entry.text,
    attachments: [],
    uploads: entry.uploads,
    created_at: entry.created_at,
    own: true,
    state: entry.state,
  }
  if (entry.failed) message.error = entry.failed
  if (entry.if_last_seq !== undefined) message.if_last_seq = entry.if_last_seq
  return message
}

/** The server has it; the event itself may come before or after. */
export function withStored(state: RoomState, stored: Stored): RoomState {
  if (!stored.message) return apply(state, { type: 'ack', duplicate: false, ...stored })
  return { ...state, messages: mergeMessages(state.messages, [shown(stored.message, state.me, state.receipts)]) }
}

/** The first unread message of the other side, as far as it is loaded. */
export function firstUnreadSeq(state: RoomState): number | null {
  const { me } = state
  if (!me) return null
  const readSeq = sideReadSeq(state)
  return state.messages.find((message) => isUnread(message, me.role, readSeq))?.seq ?? null
}

/** What is worth keeping for the next visit. */
export function forCache(state: RoomState): RoomState {
  const stored = state.messages.filter((message) => message.seq !== null)
  const kept = stored.slice(-cachedMessagesMax)
  const has_older = state.has_older || kept.length < stored.length
  const oldest = has_older ? (kept[0]?.seq ?? 0) : 0
  return {
    ...state,
    messages: kept,
    status_changes: state.status_changes.filter((change) => change.seq >= oldest),
    has_older,
    loading_older: false,
    typing: [],
    people: [],
    support_online: null,
    first_unread_seq: null,
  }
}
