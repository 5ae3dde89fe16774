/** What the SDK shows to pages: pure state and the handles that change it. Wire types are in `protocol.gen.ts`. */
import type {
  Attachment,
  ErrorCode,
  Presence,
  Receipt,
  Role,
  Room,
  RoomStatus,
  RoomsSummary,
  User,
} from './protocol.gen'

/** Something with a current value that tells when it changed; fits `useSyncExternalStore`. The value is replaced, never mutated. */
export interface Readable<T> {
  get(): T
  subscribe(listener: () => void): () => void
}

/**
 * - `connecting`: the first attempt runs.
 * - `online`: the server has said `ready`.
 * - `reconnecting`: the connection was lost, or could not be made; tried again for ever.
 * - `offline`: the browser says that there is no network.
 * - `signed_out`: the token was refused and could not be renewed; nothing is tried until a new sign-in.
 * - `closed`: `client.close()` was called.
 */
export type ConnectionStatus = 'connecting' | 'online' | 'reconnecting' | 'offline' | 'signed_out' | 'closed'

export interface ConnectionState {
  status: ConnectionStatus
  /** When this status began (milliseconds since the epoch). */
  since: number
  /** Failed attempts since the last good one. */
  attempt: number
  /** When the next attempt is due (milliseconds since the epoch), if one waits. */
  retryAt: number | null
}

/** Own messages only. `queued`: no connection. `sending`: handed to the server. `sent`: stored. `failed`: the server refused it. */
export type SendState = 'queued' | 'sending' | 'sent' | 'delivered' | 'read' | 'failed'

/** A message as a list shows it: stored, or still on its way. */
export interface ShownMessage {
  /** Stays the same from the first keystroke to "read": the `client_id`, else `m<id>`. */
  key: string
  /** Null until it is stored. */
  id: number | null
  /** Null until it is stored. */
  seq: number | null
  room_id: number
  sender: User
  message: string
  attachments: Attachment[]
  /** Files still being sent with it. */
  uploads: Upload[]
  created_at: string
  /** Written by the account that is signed in here. */
  own: boolean
  /** Null for other people's messages. */
  state: SendState | null
  /** Why the server refused it. */
  error?: { code: ErrorCode | 'network'; message: string }
  /** Not stored yet: the newest message that its writer knew of. */
  if_last_seq?: number
}

/** A file on its way. */
export interface Upload {
  name: string
  size: number
  content_type: string
  /** A `blob:` URL of an image that can be shown meanwhile. */
  preview_url?: string
  /** Bytes sent. */
  sent: number
  state: 'waiting' | 'uploading' | 'stopped' | 'failed' | 'done'
  /** What was wrong, as a code that pages translate. */
  error?: ErrorCode | 'network'
}

/** A durable event that is no message. */
export interface StatusChange {
  seq: number
  status: RoomStatus
  user_id: number
  created_at: string
}

export interface PersonHere {
  user_id: number
  role: Role
  status: Presence
  last_seen: string | null
}

export interface RoomState {
  room_id: number
  /** `loading` until something can be shown, from the cache or the server; `gone`: no such room, or not ours. */
  phase: 'loading' | 'ready' | 'gone'
  room: Room | null
  /** Who is signed in. */
  me: User | null
  /** Stored ones by seq, then unsent ones in the order in which they were written. */
  messages: ShownMessage[]
  status_changes: StatusChange[]
  receipts: Receipt[]
  typing: { user_id: number; name: string }[]
  people: PersonHere[]
  /** Whether any admin is connected anywhere; null while unknown. */
  support_online: boolean | null
  has_older: boolean
  loading_older: boolean
  /** The first message of the other side that was unread when the room was opened; stays until `markLeft()`. */
  first_unread_seq: number | null
  /** Until when sending waits after `rate_limited` (milliseconds since the epoch). */
  rate_limited_until: number | null
  /** A message was refused as not durable and is being sent again. */
  not_durable: boolean
  /** Storage did not take what waits here: it is lost when the page goes. */
  unkept: boolean
  last_seq: number
  epoch: string | null
}

export interface RoomHandle extends Readable<RoomState> {
  readonly room_id: number
  /** Queues a message, shows it at once, and returns its key. */
  send(text: string, options?: { if_last_seq?: number }): string
  /** Uploads files as one message; the message shows the progress at once. Returns its key. */
  sendFiles(files: File[], text?: string): string
  /** Sends a failed message again, under the same `client_id` unless that id is used up. */
  retry(key: string): void
  /** Removes a message that is not stored: failed or queued, or stops its upload. */
  discard(key: string): void
  /** Stops a running upload but keeps the message, so that it can be retried. */
  stopUpload(key: string): void
  /** Says that the person types; repeats and ends by itself. Call on each input. */
  typing(is_typing: boolean): void
  /** Everything up to this message was really seen. */
  read(message_id: number): void
  /** Loads the page before the oldest message. */
  loadOlder(): Promise<void>
  /** The person leaves the room on this page: the "new messages" line goes. */
  markLeft(): void
  /** One holder less; the last one leaves the room. */
  release(): void
}

export interface InboxFilter {
  q: string
  show: 'all' | 'unread' | 'open' | 'resolved'
}

export interface InboxState {
  phase: 'loading' | 'ready' | 'failed'
  /** The rooms that fit the filter and are loaded, newest activity first. */
  rooms: Room[]
  filter: InboxFilter
  has_more: boolean
  loading_more: boolean
  /** Counts over all rooms, kept current. */
  summary: RoomsSummary | null
  /** Names of the people who type, by room. */
  typing: Record<number, string[]>
  /** The newest room and message that arrived live (for sound and announcements). */
  last_arrival: { room_id: number; message_id: number; name: string; text: string } | null
}

export interface InboxHandle extends Readable<InboxState> {
  setFilter(filter: Partial<InboxFilter>): void
  loadMore(): Promise<void>
  reload(): Promise<void>
}

export interface ClientOptions {
  /** The server's address: `https://chat.example.com`; the page's own if left out. */
  url?: string
  /** An access token that is good now. Called at each connect and when one is about to expire; `refused` names one that the server no longer takes. */
  token: (refused?: string) => Promise<string>
  /** Separates caches and outboxes of accounts in one browser. */
  account?: string
}

export interface Client {
  readonly connection: Readable<ConnectionState>
  /** Follows a room. Asking twice shares one subscription; each holder calls `release()` once. */
  room(room_id: number): RoomHandle
  /** The caller's newest open room, made if there is none; an admin names the user. */
  openRoom(user_id?: number): Promise<Room>
  /** The caller's rooms. */
  rooms(): Promise<Room[]>
  /** Admins: resolve or reopen. */
  setStatus(room_id: number, status: RoomStatus): Promise<Room>
  /** The bytes of an attachment or thumbnail, fetched with the token, as a `blob:` URL; shared and kept for the page's life. */
  blobUrl(url: string): Promise<string>
  /** Try to connect now. */
  retryNow(): void
  /** Rooms in which a message was refused, whether they are followed or not. */
  readonly failedRooms: Readable<ReadonlySet<number>>
  /** How many messages wait in the outbox of this account. */
  unsent(): number
  /** Empties the outbox of this account (at sign-out, after asking). */
  forget(): Promise<void>
  close(): void
}

/** For admins: rooms are followed over one inbox connection. */
export interface InboxClient extends Client {
  /** The list of all rooms. */
  inbox(): InboxHandle
}

/** A refused HTTP call. */
export interface ApiError extends Error {
  status: number
  code: ErrorCode | 'network'
  retry_after_ms?: number
}

export type SessionState =
  /** Storage is being read, or a refresh runs. */
  | { status: 'unknown'; user: null; reason: null }
  /** `expired`: it was ended from outside. `left`: by the person, in this tab or another. */
  | { status: 'signed_out'; user: User | null; reason: 'none' | 'left' | 'expired' }
  | { status: 'signed_in'; user: User; reason: null }

export interface SessionOptions {
  url?: string
  /** Names the page: prefix of its storage keys, Web Lock and BroadcastChannel, so that two pages keep separate sessions. */
  name: string
}

/** Who is signed in on this page, in all its tabs. */
export interface Session extends Readable<SessionState> {
  login(phone: string, password: string): Promise<User>
  /** Ends this session in all tabs of the page, or with `all` on all devices. */
  logout(options?: { all?: boolean }): Promise<void>
  /** An access token that is good for a minute at least, and not the `refused` one; renewed under a Web Lock. Rejects when signed out. */
  token(refused?: string): Promise<string>
  /** What the login page needs to know. */
  options(): Promise<import('./protocol.gen').Options>
  close(): void
}
