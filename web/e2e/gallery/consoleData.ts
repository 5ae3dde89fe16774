/** Rooms and conversations for the console's screens. Times count back from now, so that they look the same every day. */
import type {
  InboxState,
  Message,
  PersonHere,
  Receipt,
  Room,
  RoomState,
  RoomsSummary,
  ShownMessage,
  StatusChange,
  User,
} from '@frontdesk/sdk'
import { ada, picture } from './people'

const minute_ms = 60_000
const hour = 60
const day = 24 * hour

/** So many minutes ago. */
export const ago = (minutes: number) => new Date(Date.now() - minutes * minute_ms).toISOString()

const ines: User = { id: 10, name: 'Ines', role: 'admin' }
export const amara: User = { id: 17, name: 'Amara Okonkwo-Villanueva', role: 'user' }

interface Line {
  id: number
  name: string
  minutes: number
  text: string
  rest?: Partial<Room>
  from?: User
  read?: boolean
  file?: Message['attachments'][number]
}

function line({ id, name, minutes, text, rest, from, read = false, file }: Line): Room {
  const user: User = { id, name, role: 'user' }
  const last_message: Message = {
    id: id * 100,
    room_id: id,
    seq: 9,
    sender: from ?? user,
    message: text,
    attachments: file ? [file] : [],
    created_at: ago(minutes),
    read,
  }
  return {
    id,
    user,
    status: 'open',
    unread_count: 0,
    last_message,
    last_seq: 9,
    online: false,
    last_seen: ago(minutes + 3),
    created_at: ago(minutes + 3 * day),
    updated_at: ago(minutes),
    ...rest,
  }
}

const online = { online: true, last_seen: null }
export const rooms: Room[] = [
  line({ id: 17, name: amara.name, minutes: 0, text: 'تعذّر تحميل الفاتورة. حاول مرة أخرى لاحقًا.', rest: online }),
  line({
    id: 22,
    name: 'Jonas Lindqvist',
    minutes: 2,
    text: 'The export stops at 2,048 rows every time 😕',
    rest: { ...online, unread_count: 2 },
  }),
  line({
    id: 11,
    name: '佐藤 美咲',
    minutes: 7,
    text: 'CSVの文字コードはUTF-8で合っていますか？',
    rest: { ...online, unread_count: 1 },
  }),
  line({ id: 26, name: 'ليلى حداد', minutes: 12, text: 'شكرًا جزيلًا، وصلت الفاتورة الآن 🌿' }),
  line({ id: 20, name: 'Priya Raghunathan', minutes: 24, text: 'Could you check with billing?' }),
  line({
    id: 24,
    name: 'Maximiliane von Hohenstein-Trautmannsdorff',
    minutes: 41,
    text: 'Here is the fixed build, could you try it once more?',
    from: ada,
    rest: online,
  }),
  line({
    id: 13,
    name: 'Thiago Barbosa',
    minutes: hour,
    text: '',
    from: ines,
    read: true,
    file: picture(5, 'router-back.jpg'),
  }),
  line({
    id: 30,
    name: 'Оксана Ковальчук',
    minutes: 2 * hour,
    text: 'Дякуємо! Передала команді, напишу до п’ятниці.',
    from: ada,
    read: true,
  }),
  line({ id: 23, name: 'Guest 4821', minutes: 3 * hour, text: 'ok that is all, thanks a lot' }),
  line({
    id: 18,
    name: 'Nguyễn Thị Minh Châu',
    minutes: day,
    text: 'Dạ, em đã gửi lại hoá đơn qua email rồi ạ.',
    from: ada,
    read: true,
    rest: { status: 'resolved' },
  }),
  line({
    id: 27,
    name: 'Fiadh Ní Dhomhnaill',
    minutes: 3 * day,
    text: 'Go raibh maith agat! 🙌',
    rest: { status: 'resolved' },
  }),
]

export const summary: RoomsSummary = { rooms: 38, rooms_unread: 2, unread: 3, open: 29, resolved: 9 }

export function inboxState(rest: Partial<InboxState> = {}): InboxState {
  return {
    phase: 'ready',
    rooms,
    filter: { q: '', show: 'all' },
    has_more: false,
    loading_more: false,
    summary,
    typing: { 17: [amara.name] },
    last_arrival: null,
    ...rest,
  }
}

let seq = 0

export function said(sender: User, minutes: number, message: string, rest: Partial<ShownMessage> = {}): ShownMessage {
  seq += 1
  const own = sender.id === ada.id
  return {
    key: `m${seq}`,
    id: seq,
    seq,
    room_id: amara.id,
    sender,
    message,
    attachments: [],
    uploads: [],
    created_at: ago(minutes),
    own,
    state: own ? 'read' : null,
    ...rest,
  }
}

/** Written here and not stored. */
export const unsent = (message: string, rest: Partial<ShownMessage>) =>
  said(ada, 0, message, { id: null, seq: null, key: `unsent ${message}`, ...rest })

const before: ShownMessage[] = [
  said(amara, 75, 'Hello! Our last invoice counts 17 seats, but we went down to 14 in October.'),
  said(amara, 75, 'The circled line should say 14.', { attachments: [picture(4, 'invoice.jpg')] }),
  said(ines, 66, 'Good morning Amara, of course. One moment, I am opening your workspace.'),
]
const reopened: StatusChange = { seq: ++seq, status: 'open', user_id: ines.id, created_at: ago(60) }
const found =
  'Found it. The downgrade reached your plan but not the seat count, so you were billed for 17 instead of 14:\n' +
  '```\nGET /v1/workspaces/8841/seats\n{ "plan": "team", "seats": 14, "billed": 17 }\n```'
const conversation: ShownMessage[] = [
  ...before,
  said(ada, 16, found),
  said(amara, 12, 'That explains it, thank you! My colleague in Amman sees this when she opens the same page:'),
  said(amara, 12, 'تعذّر تحميل الفاتورة. حاول مرة أخرى لاحقًا.'),
]
/** The newest stored message; the user wrote it and the one before. */
export const stored_to = seq

const people: PersonHere[] = [
  { user_id: amara.id, role: 'user', status: 'online', last_seen: null },
  { user_id: ines.id, role: 'admin', status: 'online', last_seen: null },
]
const receipts: Receipt[] = [{ user_id: amara.id, role: 'user', read_seq: stored_to - 2, delivered_seq: stored_to }]

export function roomState(rest: Partial<RoomState> = {}, more: ShownMessage[] = []): RoomState {
  return {
    room_id: amara.id,
    phase: 'ready',
    room: rooms[0] ?? null,
    me: ada,
    messages: [...conversation, ...more],
    status_changes: [reopened],
    receipts,
    typing: [],
    people,
    support_online: true,
    has_older: false,
    loading_older: false,
    first_unread_seq: stored_to - 1,
    rate_limited_until: null,
    not_durable: false,
    unkept: false,
    last_seq: stored_to,
    epoch: 'gallery',
    ...rest,
  }
}
