/**
 * A room as the server's frames tell it. `apply` is pure: the same frames in the same order give the same state, and a
 * frame that comes twice changes nothing the second time. What the person does here is in `edits.ts`.
 */
import type { Message, Receipt, Role, Room, ServerFrame, User } from './protocol.gen'
import type { RoomState, SendState, ShownMessage } from './types'

export function emptyRoom(room_id: number): RoomState {
  return {
    room_id,
    phase: 'loading',
    room: null,
    me: null,
    messages: [],
    status_changes: [],
    receipts: [],
    typing: [],
    people: [],
    support_online: null,
    has_older: false,
    loading_older: false,
    first_unread_seq: null,
    rate_limited_until: null,
    not_durable: false,
    unkept: false,
    last_seq: 0,
    epoch: null,
  }
}

/** Makes the compiler object when a kind of frame is forgotten; at run time a newer server's frame is ignored. */
export function assertNever<T>(_frame: never, unchanged: T): T {
  return unchanged
}

/** Whether a durable event is missing between what is here and this frame. */
export function isGap(state: RoomState, frame: ServerFrame): boolean {
  if (frame.type === 'heartbeat') return (frame.last_seq ?? 0) > state.last_seq
  return (frame.type === 'chat_message' || frame.type === 'room_updated') && frame.seq > state.last_seq + 1
}

export function apply(state: RoomState, frame: ServerFrame): RoomState {
  switch (frame.type) {
    case 'ready':
      if (!('room' in frame)) return state
      return opened({ ...state, support_online: frame.support_online }, frame, frame.user)
    case 'room_opened':
      // Whoever hears this is an admin, connected.
      return opened({ ...state, support_online: true }, frame, state.me)
    case 'chat_message':
      return heardMessage(state, frame)
    case 'ack':
      return acked(state, frame)
    case 'room_updated':
      return roomUpdated(state, frame)
    case 'typing':
      return { ...state, typing: typists(state.typing, frame) }
    case 'read_receipt':
      return withUnread(moveReceipt(state, frame, frame.seq, frame.seq))
    case 'delivered':
      return moveReceipt(state, frame, 0, frame.seq)
    case 'user_status':
      return personMoved(state, frame)
    case 'support_status':
      return { ...state, support_online: frame.online }
    case 'room_summary':
      return frame.room.id === state.room_id ? { ...state, room: frame.room } : state
    case 'resumed':
      return frame.resume === 'reset' ? forgotten(state, frame.last_seq) : state
    case 'error':
    case 'heartbeat':
    case 'token_expiring':
    case 'auth_ok':
    case 'reconnect':
    case 'pong':
    case 'room_closed':
      return state
    default:
      return assertNever(frame, state)
  }
}

type Frame<T extends ServerFrame['type']> = Extract<ServerFrame, { type: T }>

interface Opened {
  room: Room
  epoch: string
  receipts: Receipt[]
  resume: 'none' | 'complete' | 'reset'
}

function opened(state: RoomState, frame: Opened, me: User | null): RoomState {
  const kept = frame.resume === 'complete' ? state : forgotten(state, frame.room.last_seq)
  return withUnread(
    withTicks({
      ...kept,
      room: frame.room,
      epoch: frame.epoch,
      me,
      receipts: frame.receipts,
      typing: [],
      // Those who are here are told right after.
      people: [],
    }),
  )
}

/** What was stored is loaded anew; what waits here to be sent stays. */
function forgotten(state: RoomState, last_seq: number): RoomState {
  const messages = state.messages.filter((message) => message.id === null)
  return {
    ...state,
    phase: 'loading',
    messages,
    status_changes: [],
    has_older: false,
    last_seq,
    first_unread_seq: null,
  }
}

export function shown(message: Message, me: User | null, receipts: Receipt[]): ShownMessage {
  const own = me !== null && message.sender.id === me.id
  const { id, seq, room_id, sender, attachments, created_at } = message
  return {
    key: own && message.client_id !== undefined ? message.client_id : `m${id}`,
    id,
    seq,
    room_id,
    sender,
    message: message.message,
    attachments,
    uploads: [],
    created_at,
    own,
    state: own ? tick(seq, sender.role, receipts, message.read ? 'read' : 'sent') : null,
  }
}

function heardMessage(state: RoomState, frame: Message): RoomState {
  const typing = state.typing.filter((person) => person.user_id !== frame.sender.id)
  const room = state.room && roomAfter(state.room, frame, state.me)
  const next = { ...state, typing, room, last_seq: Math.max(state.last_seq, frame.seq) }
  if (state.messages.some((message) => message.id === frame.id)) return withUnread(next)
  return withUnread({ ...next, messages: mergeMessages(state.messages, [shown(frame, state.me, state.receipts)]) })
}

/** A user's message reopens the room; what the room already counted is not counted again. */
function roomAfter(room: Room, last: Message, me: User | null): Room {
  if (last.seq <= room.last_seq) return room
  const { sender, seq, created_at } = last
  const status = sender.role === 'user' ? 'open' : room.status
  const unread_count = room.unread_count + (me && sender.role !== me.role ? 1 : 0)
  return { ...room, status, unread_count, last_message: last, last_seq: seq, updated_at: created_at }
}

/** Stored ones by seq without repeats, then those on their way; a stored one takes the place of its own waiting copy. */
export function mergeMessages(before: ShownMessage[], more: ShownMessage[]): ShownMessage[] {
  // An older page, the usual case in a long room.
  const [oldest, newest] = [before[0]?.seq ?? null, more.at(-1)?.seq ?? null]
  if (oldest !== null && newest !== null && newest < oldest && before.at(-1)?.seq !== null) return [...more, ...before]
  const byKey = new Map<string, ShownMessage>()
  for (const message of [...before, ...more]) {
    const known = byKey.get(message.key)
    byKey.set(message.key, known ? merged(known, message) : message)
  }
  const all = [...byKey.values()]
  const stored = all.filter((message) => message.seq !== null).sort((a, b) => a.seq! - b.seq!)
  return [...stored, ...all.filter((message) => message.seq === null)]
}

function merged(known: ShownMessage, next: ShownMessage): ShownMessage {
  if (next.seq === null) return known
  if (known.seq === null) return next
  const state = furthest(known.state, next.state)
  return state === next.state ? next : { ...next, state }
}

function acked(state: RoomState, ack: Frame<'ack'>): RoomState {
  const index = state.messages.findIndex((message) => message.key === ack.client_id && message.seq === null)
  const waiting = state.messages[index]
  if (!waiting) return state
  const role = state.me?.role ?? waiting.sender.role
  const stored: ShownMessage = {
    ...waiting,
    id: ack.id,
    seq: ack.seq,
    created_at: ack.created_at,
    state: tick(ack.seq, role, state.receipts, 'sent'),
  }
  delete stored.error
  const rest = state.messages.filter((message) => message !== waiting)
  return { ...state, messages: mergeMessages(rest, [stored]) }
}

function roomUpdated(state: RoomState, frame: Frame<'room_updated'>): RoomState {
  const last_seq = Math.max(state.last_seq, frame.seq)
  if (state.status_changes.some((change) => change.seq === frame.seq)) return { ...state, last_seq }
  const { seq, status, user_id, created_at } = frame
  const changes = [...state.status_changes, { seq, status, user_id, created_at }].sort((a, b) => a.seq - b.seq)
  const room =
    state.room && seq > state.room.last_seq
      ? { ...state.room, status, last_seq: seq, updated_at: created_at }
      : state.room
  return { ...state, last_seq, status_changes: changes, room }
}

export function typists<T extends { user_id: number; name: string }>(
  before: T[],
  frame: Frame<'typing'>,
): { user_id: number; name: string }[] {
  const others = before.filter((person) => person.user_id !== frame.user_id)
  return frame.is_typing ? [...others, { user_id: frame.user_id, name: frame.name }] : others
}

function moveReceipt(
  state: RoomState,
  who: { user_id: number; role: Role },
  read_seq: number,
  delivered_seq: number,
): RoomState {
  const before = state.receipts.find((receipt) => receipt.user_id === who.user_id)
  const moved: Receipt = {
    user_id: who.user_id,
    role: who.role,
    read_seq: Math.max(before?.read_seq ?? 0, read_seq),
    delivered_seq: Math.max(before?.delivered_seq ?? 0, delivered_seq),
  }
  const same = before && before.read_seq === moved.read_seq && before.delivered_seq === moved.delivered_seq
  if (same && before.role === moved.role) return state
  return withTicks({ ...state, receipts: [...state.receipts.filter((receipt) => receipt !== before), moved] })
}

const order: SendState[] = ['failed', 'queued', 'sending', 'sent', 'delivered', 'read']

function furthest(a: SendState | null, b: SendState | null): SendState | null {
  if (a === null || b === null) return a ?? b
  return order.indexOf(a) > order.indexOf(b) ? a : b
}

/** What the other side's watermarks say about a message of this side. */
function tick(seq: number, side: Role, receipts: Receipt[], least: SendState): SendState {
  const others = receipts.filter((receipt) => receipt.role !== side)
  if (others.some((receipt) => receipt.read_seq >= seq)) return furthest('read', least)!
  if (others.some((receipt) => receipt.delivered_seq >= seq)) return furthest('delivered', least)!
  return least
}

export function withTicks(state: RoomState): RoomState {
  let changed = false
  const messages = state.messages.map((message) => {
    if (!message.own || message.seq === null || message.state === null) return message
    const next = tick(message.seq, message.sender.role, state.receipts, message.state)
    if (next === message.state) return message
    changed = true
    return { ...message, state: next }
  })
  return changed ? { ...state, messages } : state
}

/** How far this side has read: for admins as a team, for a user alone. */
export function sideReadSeq(state: RoomState): number {
  const mine = state.receipts.filter((receipt) => receipt.role === state.me?.role)
  return Math.max(0, ...mine.map((receipt) => receipt.read_seq))
}

/** Counts the unread ones where all of them are loaded; elsewhere the server's number stands. */
export function withUnread(state: RoomState): RoomState {
  const { me, room } = state
  if (!me || !room || state.phase !== 'ready') return state
  const readSeq = sideReadSeq(state)
  const oldest = state.messages[0]?.seq ?? null
  if (oldest === null || (state.has_older && oldest > readSeq + 1)) return state
  const unread = state.messages.filter((message) => isUnread(message, me.role, readSeq)).length
  return unread === room.unread_count ? state : { ...state, room: { ...room, unread_count: unread } }
}

export const isUnread = (message: ShownMessage, side: Role, readSeq: number) =>
  message.seq !== null && message.sender.role !== side && message.seq > readSeq

function personMoved(state: RoomState, frame: Frame<'user_status'>): RoomState {
  const { user_id, role, status, last_seen } = frame
  const people = [...state.people.filter((person) => person.user_id !== user_id), { user_id, role, status, last_seen }]
  const typing = status === 'offline' ? state.typing.filter((person) => person.user_id !== user_id) : state.typing
  const room = state.room?.user.id === user_id ? { ...state.room, online: status === 'online', last_seen } : state.room
  return { ...state, people, typing, room }
}
