/** The admins' list of all rooms as the server's frames and pages tell it. Pure. */
import type { Room, RoomPage, RoomsSummary, ServerFrame } from './protocol.gen'
import { assertNever, typists } from './state'
import type { InboxFilter, InboxState } from './types'

/** What the list is made from; pages see `view` only. */
export interface InboxModel {
  view: InboxState
  /** Every room ever seen here, also those outside the filter: what a change is compared with. */
  known: ReadonlyMap<number, Room>
  typing: Readonly<Record<number, { user_id: number; name: string }[]>>
  /** The next page's cursor; undefined before the first page. */
  cursor: string | null | undefined
  /** The newest message seen anywhere; ids grow over all rooms. */
  newest_message_id: number
  /** A change came whose effect on the counts is not known here. */
  summary_is_stale: boolean
  version: string | null
  epoch: string | null
}

export function emptyInbox(): InboxModel {
  return {
    view: {
      phase: 'loading',
      rooms: [],
      filter: { q: '', show: 'all' },
      has_more: false,
      loading_more: false,
      summary: null,
      typing: {},
      last_arrival: null,
    },
    known: new Map(),
    typing: {},
    cursor: undefined,
    newest_message_id: 0,
    summary_is_stale: false,
    version: null,
    epoch: null,
  }
}

export function applyInbox(model: InboxModel, frame: ServerFrame): InboxModel {
  switch (frame.type) {
    case 'ready': {
      if (!('summary' in frame)) return model
      const { epoch, version, summary } = frame
      return {
        ...model,
        epoch,
        version,
        // Counted with what is told next, against which the rooms that are known here are old.
        summary_is_stale: model.known.size > 0,
        typing: {},
        view: { ...model.view, summary, typing: {} },
      }
    }
    case 'room_summary':
      return { ...roomChanged(model, frame.room), version: frame.version }
    case 'room_opened':
      return roomChanged(model, frame.room)
    case 'heartbeat':
      return frame.version === undefined ? model : { ...model, version: frame.version }
    case 'user_status': {
      const room = model.known.get(frame.room_id)
      if (room?.user.id !== frame.user_id) return model
      return replaceRoom(model, { ...room, online: frame.status === 'online', last_seen: frame.last_seen })
    }
    case 'typing':
      return withTyping(model, frame.room_id, typists(model.typing[frame.room_id] ?? [], frame))
    case 'chat_message':
      return withTyping(
        model,
        frame.room_id,
        (model.typing[frame.room_id] ?? []).filter((person) => person.user_id !== frame.sender.id),
      )
    case 'read_receipt':
    case 'error':
    case 'ack':
    case 'delivered':
    case 'support_status':
    case 'room_updated':
    case 'token_expiring':
    case 'auth_ok':
    case 'reconnect':
    case 'pong':
    case 'resumed':
    case 'room_closed':
      return model
    default:
      return assertNever(frame, model)
  }
}

function roomChanged(model: InboxModel, room: Room): InboxModel {
  const before = model.known.get(room.id)
  const { summary } = model.view
  const next = { ...replaceRoom(model, room), newest_message_id: newestOf(model.newest_message_id, [room]) }
  const last = room.last_message
  const arrived = last && last.sender.role === 'user' && last.id > model.newest_message_id
  return {
    ...next,
    summary_is_stale: model.summary_is_stale || !before,
    view: {
      ...next.view,
      summary: before && summary && !model.summary_is_stale ? moved(summary, before, room) : summary,
      last_arrival: arrived
        ? { room_id: room.id, message_id: last.id, name: last.sender.name, text: last.message }
        : model.view.last_arrival,
    },
  }
}

/** The counts, moved by what changed in one room. */
function moved(summary: RoomsSummary, before: Room, after: Room): RoomsSummary {
  const is = (value: boolean) => (value ? 1 : 0)
  const opened = is(after.status === 'open') - is(before.status === 'open')
  return {
    rooms: summary.rooms,
    rooms_unread: summary.rooms_unread + is(after.unread_count > 0) - is(before.unread_count > 0),
    unread: summary.unread + after.unread_count - before.unread_count,
    open: summary.open + opened,
    resolved: summary.resolved - opened,
  }
}

function replaceRoom(model: InboxModel, room: Room): InboxModel {
  const known = new Map(model.known).set(room.id, room)
  const others = model.view.rooms.filter((one) => one.id !== room.id)
  const isShown = others.length < model.view.rooms.length
  const fits = isShown ? fitsShow(room, model.view.filter) : isInReach(model, room)
  const rooms = fits ? sorted([...others, room]) : others
  return { ...model, known, view: { ...model.view, rooms } }
}

const fitsShow = (room: Room, { show }: InboxFilter) =>
  show === 'all' || (show === 'unread' ? room.unread_count > 0 : room.status === show)

/**
 * Whether a room that is not in the list belongs there. One that would stand past the last loaded row comes with its page;
 * a search by phone number is the server's alone, since a room does not hold it.
 */
function isInReach(model: InboxModel, room: Room): boolean {
  const { filter, rooms, has_more } = model.view
  if (model.cursor === undefined || !fitsShow(room, filter)) return false
  if (!room.user.name.toLowerCase().includes(filter.q.trim().toLowerCase())) return false
  const last = rooms.at(-1)
  return !has_more || !last || newerFirst(room, last) < 0
}

const newerFirst = (a: Room, b: Room) =>
  a.updated_at === b.updated_at ? b.id - a.id : a.updated_at < b.updated_at ? 1 : -1

const sorted = (rooms: Room[]) => rooms.sort(newerFirst)

const newestOf = (id: number, rooms: Room[]) => Math.max(id, ...rooms.map((room) => room.last_message?.id ?? 0))

function withTyping(model: InboxModel, room_id: number, people: { user_id: number; name: string }[]): InboxModel {
  if (people.length === 0 && !model.typing[room_id]) return model
  const { [room_id]: _, ...others } = model.typing
  const typing = people.length === 0 ? others : { ...others, [room_id]: people }
  const names = Object.fromEntries(Object.entries(typing).map(([id, who]) => [id, who.map((person) => person.name)]))
  return { ...model, typing, view: { ...model.view, typing: names } }
}

/** The first page takes the place of the list, a further one follows it. */
export function withRoomPage(model: InboxModel, page: RoomPage, isFirst: boolean): InboxModel {
  const known = new Map(model.known)
  for (const room of page.results) known.set(room.id, room)
  const ids = new Set(page.results.map((room) => room.id))
  const kept = isFirst ? [] : model.view.rooms.filter((room) => !ids.has(room.id))
  return {
    ...model,
    known,
    cursor: page.next,
    newest_message_id: newestOf(model.newest_message_id, page.results),
    view: {
      ...model.view,
      phase: 'ready',
      rooms: sorted([...kept, ...page.results]),
      has_more: page.next !== null,
      loading_more: false,
    },
  }
}

/** What is known and fits is shown at once, while the server is asked for the rest. */
export function withFilter(model: InboxModel, change: Partial<InboxFilter>): InboxModel {
  const filter = { ...model.view.filter, ...change }
  const words = filter.q.trim().toLowerCase()
  const rooms = [...model.known.values()].filter(
    (room) => fitsShow(room, filter) && room.user.name.toLowerCase().includes(words),
  )
  const view: InboxState = {
    ...model.view,
    filter,
    rooms: sorted(rooms),
    phase: rooms.length > 0 ? 'ready' : 'loading',
    has_more: false,
  }
  return { ...model, cursor: undefined, view }
}
