/** Who speaks in the gallery, and builders for what they say. Times lie on the day on which it is looked at. */
import type { Attachment, Room, RoomState, ShownMessage, Upload, User } from '@frontdesk/sdk'

export const grace: User = { id: 3, name: 'Grace Hopkins', role: 'user' }
export const ines: User = { id: 2, name: 'Ines Duarte', role: 'admin' }
export const noah: User = { id: 1, name: 'Noah Ahmadi', role: 'admin' }
export const ada: User = { id: 8, name: 'Ada', role: 'admin' }

/** `at(0, '10:34')` is today. */
export function at(daysAgo: number, clock: string): string {
  const [hours = 0, minutes = 0] = clock.split(':').map(Number)
  const date = new Date()
  date.setDate(date.getDate() - daysAgo)
  date.setHours(hours, minutes, 0, 0)
  return date.toISOString()
}

let nextSeq = 1

export interface Said {
  files?: Attachment[]
  state?: ShownMessage['state']
  /** Not stored yet. */
  unsent?: boolean
  uploads?: Upload[]
  error?: ShownMessage['error']
}

/** A message as `viewer` sees it. */
export function said(viewer: User, sender: User, message: string, created_at: string, more: Said = {}): ShownMessage {
  const seq = more.unsent ? null : nextSeq++
  const own = sender.id === viewer.id
  return {
    key: seq === null ? `unsent ${message} ${created_at}` : `m${seq}`,
    id: seq,
    seq,
    room_id: 7,
    sender,
    message,
    attachments: more.files ?? [],
    uploads: more.uploads ?? [],
    created_at,
    own,
    state: own ? (more.state ?? 'read') : null,
    ...(more.error ? { error: more.error } : {}),
  }
}

export function room(user: User, change: Partial<Room> = {}): Room {
  return {
    id: 7,
    user,
    status: 'open',
    unread_count: 0,
    last_message: null,
    last_seq: 0,
    online: true,
    last_seen: null,
    created_at: at(3, '08:54'),
    updated_at: at(0, '10:34'),
    ...change,
  }
}

export function roomState(me: User, messages: ShownMessage[], change: Partial<RoomState> = {}): RoomState {
  const last_seq = messages.reduce((max, message) => Math.max(max, message.seq ?? 0), 0)
  return {
    room_id: 7,
    phase: 'ready',
    room: room(grace),
    me,
    messages,
    status_changes: [],
    receipts: [{ user_id: me.id, role: me.role, read_seq: last_seq, delivered_seq: last_seq }],
    typing: [],
    people: [],
    support_online: true,
    has_older: false,
    loading_older: false,
    first_unread_seq: null,
    rate_limited_until: null,
    not_durable: false,
    unkept: false,
    last_seq,
    epoch: 'gallery',
    ...change,
  }
}

const parcelText = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 280 190"><rect width="280" height="190" fill="#c3ccce"/><rect y="132" width="280" height="58" fill="#8f8474"/><path d="M62 66l78-22 82 20-6 84-84 24-66-28z" fill="#c49a66"/><path d="M62 66l76 22 84-24-82-20z" fill="#d8b384"/><path d="M138 88l-6 84-66-28-4-78z" fill="#ae8450"/><path d="M96 56l78 20 2 22-10-4-8 6-2-22-74-20z" fill="#ecd9b5"/><path d="M158 112l42-12-2 28-42 12z" fill="#f6f4ee"/></svg>`
export const parcelUrl = URL.createObjectURL(new Blob([parcelText], { type: 'image/svg+xml' }))

export const picture = (id: number, name: string, width = 1120, height = 760): Attachment => ({
  id,
  name,
  content_type: 'image/jpeg',
  size: 1_840_000,
  url: parcelUrl,
  width,
  height,
  thumbnail_url: parcelUrl,
})

export const pdf = (id: number, name: string): Attachment => ({
  id,
  name,
  content_type: 'application/pdf',
  size: 92_300,
  url: parcelUrl,
})

export const upload = (name: string, change: Partial<Upload>): Upload => ({
  name,
  size: 1_830_000,
  content_type: 'image/jpeg',
  sent: 1_061_000,
  state: 'uploading',
  ...change,
})
