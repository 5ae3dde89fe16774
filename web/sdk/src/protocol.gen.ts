// Made from crates/protocol by `make gen`. Do not edit.

export type Role = "user" | "admin";
export type User = {
  /** The person's id. */ id: number,
  /** The name shown to others. */ name: string,
  /** What the person may do now. */ role: Role, };
export type Attachment = {
  /** The attachment's id. */ id: number,
  /** The file's name, without folders and control characters, at most 255 bytes. */ name: string,
  /** The media type as sniffed from the bytes. */ content_type: string,
  /** The size in bytes. */ size: number,
  /** Where the bytes are. */ url: string,
  /** The width in pixels, turned upright, if it is an image that could be read. */ width?: number,
  /** The height in pixels, turned upright. */ height?: number,
  /** Where a small copy of the image is, if one could be made. */ thumbnail_url?: string, };
export type Message = {
  /** The message's id. */ id: number,
  /** The room it stands in. */ room_id: number,
  /** Its place among the room's durable events. */ seq: number,
  /** Who wrote it; `role` is the side it was sent from. */ sender: User,
  /** The text, as it was sent. */ message: string,
  /** Files sent with it. */ attachments: Array<Attachment>,
  /** The sender's own id for it, if one was given. */ client_id?: string,
  /** When it was stored. */ created_at: string,
  /** Whether someone of the other side has read it. */ read: boolean, };
export type RoomStatus = "open" | "resolved";
export type Room = {
  /** The room's id. */ id: number,
  /** The user whose room it is. */ user: User,
  /** Whether it still waits for something. */ status: RoomStatus,
  /** For a user: the admins' messages past the user's watermark. For admins: the user's messages
 * past the furthest watermark of any admin. */ unread_count: number,
  /** The newest message. */ last_message: Message | null,
  /** The seq of the newest durable event; 0 in an empty room. */ last_seq: number,
  /** Whether the user is in the room now. */ online: boolean,
  /** When the user was last here; null while online or if never. */ last_seen: string | null,
  /** When the room was made. */ created_at: string,
  /** When its newest durable event happened. */ updated_at: string, };
export type RoomsSummary = {
  /** All rooms. */ rooms: number,
  /** Rooms with at least one unread message. */ rooms_unread: number,
  /** Unread messages in all rooms. */ unread: number,
  /** Open rooms. */ open: number,
  /** Resolved rooms. */ resolved: number, };
export type RoomPage = {
  /** The rooms, newest activity first. */ results: Array<Room>,
  /** The cursor of the next page, null on the last. */ next: string | null, };
export type MessagePage = {
  /** The messages, oldest first. */ results: Array<Message>,
  /** What to give as `before` (or `after`) for the next page, null on the last. */ next: number | null, };
export type UserPage = {
  /** The people, by name. */ results: Array<User>,
  /** The cursor of the next page, null on the last. */ next: string | null, };
export type LoginRequest = {
  /** The phone number that is the account's name, to 32 bytes. */ phone: string,
  /** The password, to 1,024 bytes. */ password: string, };
export type LoginAnswer = {
  /** An access token (JWT), good for 15 minutes. */ access: string,
  /** A refresh token, good for 30 days and for one use. */ refresh: string,
  /** Who logged in. */ user: User, };
export type RefreshRequest = {
  /** The refresh token of the last pair. */ refresh: string, };
export type TokenPair = {
  /** An access token (JWT), good for 15 minutes. */ access: string,
  /** The refresh token that replaces the one used. */ refresh: string, };
export type LogoutRequest = {
  /** End every session of the person, not only this one. */ all: boolean, };
export type PasswordRequest = {
  /** The password until now. */ old_password: string,
  /** The password from now on, 8 to 1,024 bytes. */ new_password: string, };
export type OpenRoomRequest = {
  /** Whose room; admins must say it, users may only name themselves. */ user_id?: number, };
export type PatchRoomRequest = {
  /** The status from now on. */ status: RoomStatus, };
export type SendRequest = {
  /** The text. */ message: string,
  /** The sender's own id for it, 1 to 64 characters, which makes sending again safe. */ client_id?: string, };
export type ReadRequest = {
  /** The newest message that was read. */ message_id: number, };
export type DemoAccount = {
  /** The phone number to log in with. */ phone: string,
  /** The password to log in with. */ password: string,
  /** The person's name. */ name: string,
  /** The person's role. */ role: Role, };
export type Options = {
  /** The accounts of a demo, null otherwise. */ demo: Array<DemoAccount> | null,
  /** Whether any account exists. */ has_accounts: boolean,
  /** The longest message in characters (Unicode scalar values). */ message_max: number, };
export type ErrorCode = "bad_frame" | "bad_request" | "invalid" | "too_long" | "empty" | "not_found" | "method_not_allowed" | "forbidden" | "unauthorized" | "rate_limited" | "too_many_rooms" | "client_id_reused" | "stale" | "too_large" | "unsupported_media_type" | "not_durable" | "unavailable" | "internal";
export type FieldError = {
  /** The field's or parameter's name. */ field: string,
  /** What is wrong and what would be right. */ message: string, };
export type Problem = {
  /** The status as a short text (RFC 9457, section 3.1.3). */ title: string,
  /** The HTTP status code. */ status: number,
  /** What was wrong and what would be right, for a person. */ detail: string,
  /** What was wrong, for a program. */ code: ErrorCode,
  /** The wrong fields of a 422. */ errors?: Array<FieldError>, };
export type Presence = "online" | "offline";
export type Resume = "none" | "complete" | "reset";
export type Receipt = {
  /** Whose. */ user_id: number,
  /** The person's role when it last moved. */ role: Role,
  /** Everything up to this seq was read; 0 for nothing. */ read_seq: number,
  /** Everything up to this seq has reached a device of theirs; 0 for nothing. */ delivered_seq: number, };
export type RoomReady = {
  /** The protocol's version, 1. */ protocol: number,
  /** The unbroken history that all seqs belong to. */ epoch: string,
  /** The room as the caller sees it now. */ room: Room,
  /** Who the caller is. */ user: User,
  /** The watermarks of everybody who has one. */ receipts: Array<Receipt>,
  /** Whether any admin is connected anywhere. */ support_online: boolean,
  /** How the resume went. */ resume: Resume,
  /** The time between heartbeats on this connection, in milliseconds. */ heartbeat_ms: number, };
export type InboxReady = {
  /** The protocol's version, 1. */ protocol: number,
  /** The unbroken history that all seqs and versions belong to. */ epoch: string,
  /** Who the caller is. */ user: User,
  /** Where to resume from: every change up to it was written to this connection. */ version: string,
  /** Counts over all rooms. */ summary: RoomsSummary,
  /** How the resume went. */ resume: Resume,
  /** The time between heartbeats on this connection, in milliseconds. */ heartbeat_ms: number, };
export type Ready = RoomReady | InboxReady;
export type ClientFrame = { "type": "chat_message",
  /** The text: 1 to 4,000 Unicode scalar values, not only white space. */ message: string,
  /** The sender's own id for it; asks for an `ack` and makes resending safe. */ client_id?: string,
  /** Refuse with `stale` when the other side wrote something past this seq. */ if_last_seq?: number, } | { "type": "typing",
  /** Whether the person is typing now. */ is_typing: boolean, } | { "type": "read_receipt",
  /** The newest message that was read. */ message_id: number, } | { "type": "delivered",
  /** The newest message that arrived. */ message_id: number, } | { "type": "resume",
  /** The last seq that the client has. */ after: number,
  /** The epoch it belongs to; the current one if left out. */ epoch?: string, } | { "type": "auth",
  /** The access token. */ token: string, } | { "type": "ping" } | { "type": "open_room",
  /** The room. */ room_id: number,
  /** Resume past this seq. */ after?: number,
  /** The epoch that `after` belongs to; the current one if left out. */ epoch?: string, } | { "type": "close_room",
  /** The room. */ room_id: number, };
export type ServerFrame = { "type": "chat_message" } & Message | { "type": "typing",
  /** Where. */ room_id: number,
  /** Who. */ user_id: number,
  /** The person's name. */ name: string,
  /** Whether they are typing now. */ is_typing: boolean, } | { "type": "read_receipt",
  /** Where. */ room_id: number,
  /** Who. */ user_id: number,
  /** The person's role. */ role: Role,
  /** The newest message that was read. */ message_id: number,
  /** The seq of that message. */ seq: number,
  /** When. */ read_at: string, } | { "type": "user_status",
  /** Where. */ room_id: number,
  /** Who. */ user_id: number,
  /** The person's role. */ role: Role,
  /** Here or not. */ status: Presence,
  /** When the person was last here; null while online. */ last_seen: string | null, } | { "type": "error",
  /** What was wrong, for a program. */ code: ErrorCode,
  /** What was wrong and what would be right, for a person. */ message: string,
  /** The refused message's `client_id`. */ client_id?: string,
  /** *inbox.* The room that the refused frame named. */ room_id?: number,
  /** Whether the same thing may succeed later. */ retryable: boolean,
  /** How long to wait before trying again, in milliseconds. */ retry_after_ms?: number, } | { "type": "ready" } & Ready | { "type": "ack",
  /** The id that the sender gave. */ client_id: string,
  /** The message's id. */ id: number,
  /** *inbox.* Where. */ room_id?: number,
  /** Its place in the room. */ seq: number,
  /** When it was stored. */ created_at: string,
  /** Whether it had been stored before. */ duplicate: boolean, } | { "type": "delivered",
  /** Where. */ room_id: number,
  /** Who. */ user_id: number,
  /** The person's role. */ role: Role,
  /** The newest message that arrived. */ message_id: number,
  /** The seq of that message. */ seq: number, } | { "type": "support_status",
  /** True while one is. */ online: boolean, } | { "type": "room_updated",
  /** Where. */ room_id: number,
  /** The event's place in the room. */ seq: number,
  /** The status from now on. */ status: RoomStatus,
  /** Who changed it. */ user_id: number,
  /** When. */ created_at: string, } | { "type": "heartbeat",
  /** *room.* The seq up to which everything was written. */ last_seq?: number,
  /** *inbox.* The version up to which everything was written. */ version?: string, } | { "type": "token_expiring",
  /** When. */ expires_at: string, } | { "type": "auth_ok",
  /** When the new token expires. */ expires_at: string, } | { "type": "reconnect",
  /** How long, in milliseconds. */ after_ms: number, } | { "type": "pong" } | { "type": "resumed",
  /** Where. */ room_id: number,
  /** What was asked for. */ after: number,
  /** The room's newest seq. */ last_seq: number,
  /** How it went. */ resume: Resume, } | { "type": "room_summary",
  /** The room as admins see it now. */ room: Room,
  /** Every change up to this version was written to this connection. */ version: string, } | { "type": "room_opened",
  /** Where. */ room_id: number,
  /** The unbroken history that all seqs belong to. */ epoch: string,
  /** The room as admins see it now. */ room: Room,
  /** The watermarks of everybody who has one. */ receipts: Array<Receipt>,
  /** How the resume went. */ resume: Resume, } | { "type": "room_closed",
  /** Where. */ room_id: number, };

export const closeCodes = {
  policy: 1008,
  too_big: 1009,
  restart: 1012,
  try_again_later: 1013,
  unauthorized: 4401,
  forbidden: 4403,
  not_found: 4404,
  dead: 4408,
  too_many_connections: 4429,
} as const

export const limits = {
  message_chars_max: 4000,
  client_id_chars_max: 64,
  file_bytes_max: 26214400,
  files_per_message_max: 10,
  inbox_rooms_max: 64,
  page_default: 50,
  page_max: 200,
  heartbeat_ms: 25000,
  client_silence_percent: 150,
  typing_ms: 6000,
  resume_events_max: 1000,
} as const
