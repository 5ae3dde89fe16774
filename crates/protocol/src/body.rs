//! The records that both doors share, and the bodies of HTTP requests and answers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Timestamp, code::ErrorCode};

/// The id of a person, room, message or attachment: a positive integer below 2^53.
pub type Id = i64;

/// The place of a durable event in its room: 1, 2, 3, … without holes.
pub type Seq = i64;

/// What a person may do; also the *side* of a message: the sender's role when it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Asks for help; reaches their own rooms only.
    User,
    /// Answers; reaches every room.
    Admin,
}

/// A person as everybody in a room may see them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct User {
    /// The person's id.
    pub id: Id,
    /// The name shown to others.
    pub name: String,
    /// What the person may do now.
    pub role: Role,
}

/// A stored message. `message` is its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Message {
    /// The message's id.
    pub id: Id,
    /// The room it stands in.
    pub room_id: Id,
    /// Its place among the room's durable events.
    pub seq: Seq,
    /// Who wrote it; `role` is the side it was sent from.
    pub sender: User,
    /// The text, as it was sent.
    pub message: String,
    /// Files sent with it.
    pub attachments: Vec<Attachment>,
    /// The sender's own id for it, if one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub client_id: Option<String>,
    /// When it was stored.
    #[schema(value_type = String, format = DateTime)]
    #[cfg_attr(test, ts(type = "string"))]
    pub created_at: Timestamp,
    /// Whether someone of the other side has read it.
    pub read: bool,
}

/// A file of a message. The URLs are absolute paths on this server and need the token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Attachment {
    /// The attachment's id.
    pub id: Id,
    /// The file's name, without folders and control characters, at most 255 bytes.
    pub name: String,
    /// The media type as sniffed from the bytes.
    pub content_type: String,
    /// The size in bytes.
    pub size: i64,
    /// Where the bytes are.
    pub url: String,
    /// The width in pixels, turned upright, if it is an image that could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub width: Option<i64>,
    /// The height in pixels, turned upright.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub height: Option<i64>,
    /// Where a small copy of the image is, if one could be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub thumbnail_url: Option<String>,
}

/// Whether a room still waits for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum RoomStatus {
    /// In work.
    Open,
    /// Done; a message of its user opens it again.
    Resolved,
}

/// One user's conversation with the admins, as the caller sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Room {
    /// The room's id.
    pub id: Id,
    /// The user whose room it is.
    pub user: User,
    /// Whether it still waits for something.
    pub status: RoomStatus,
    /// For a user: the admins' messages past the user's watermark. For admins: the user's messages
    /// past the furthest watermark of any admin.
    pub unread_count: i64,
    /// The newest message.
    pub last_message: Option<Message>,
    /// The seq of the newest durable event; 0 in an empty room.
    pub last_seq: Seq,
    /// Whether the user is in the room now.
    pub online: bool,
    /// When the user was last here; null while online or if never.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[cfg_attr(test, ts(type = "string | null"))]
    pub last_seen: Option<Timestamp>,
    /// When the room was made.
    #[schema(value_type = String, format = DateTime)]
    #[cfg_attr(test, ts(type = "string"))]
    pub created_at: Timestamp,
    /// When its newest durable event happened.
    #[schema(value_type = String, format = DateTime)]
    #[cfg_attr(test, ts(type = "string"))]
    pub updated_at: Timestamp,
}

/// Counts over all rooms that the caller may see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RoomsSummary {
    /// All rooms.
    pub rooms: i64,
    /// Rooms with at least one unread message.
    pub rooms_unread: i64,
    /// Unread messages in all rooms.
    pub unread: i64,
    /// Open rooms.
    pub open: i64,
    /// Resolved rooms.
    pub resolved: i64,
}

/// A page of a list of rooms. `next` is the cursor of the next page.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RoomPage {
    /// The rooms, newest activity first.
    pub results: Vec<Room>,
    /// The cursor of the next page, null on the last.
    pub next: Option<String>,
}

/// A page of a room's history, oldest first. `next` is the seq for the same parameter.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct MessagePage {
    /// The messages, oldest first.
    pub results: Vec<Message>,
    /// What to give as `before` (or `after`) for the next page, null on the last.
    pub next: Option<Seq>,
}

/// A page of a list of people.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct UserPage {
    /// The people, by name.
    pub results: Vec<User>,
    /// The cursor of the next page, null on the last.
    pub next: Option<String>,
}

/// The body of `POST /api/auth/login/`.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct LoginRequest {
    /// The phone number that is the account's name, to 32 bytes.
    pub phone: String,
    /// The password, to 1,024 bytes.
    pub password: String,
}

/// The answer of a good login.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct LoginAnswer {
    /// An access token (JWT), good for 15 minutes.
    pub access: String,
    /// A refresh token, good for 30 days and for one use.
    pub refresh: String,
    /// Who logged in.
    pub user: User,
}

/// The body of `POST /api/auth/refresh/`.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RefreshRequest {
    /// The refresh token of the last pair.
    pub refresh: String,
}

/// A new pair of tokens.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct TokenPair {
    /// An access token (JWT), good for 15 minutes.
    pub access: String,
    /// The refresh token that replaces the one used.
    pub refresh: String,
}

/// The body of `POST /api/auth/logout/`; it may be left out.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct LogoutRequest {
    /// End every session of the person, not only this one.
    #[serde(default)]
    pub all: bool,
}

/// The body of `POST /api/auth/password/`.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct PasswordRequest {
    /// The password until now.
    pub old_password: String,
    /// The password from now on, 8 to 1,024 bytes.
    pub new_password: String,
}

/// The body of `POST /api/chat/rooms/`; it may be left out by a user.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct OpenRoomRequest {
    /// Whose room; admins must say it, users may only name themselves.
    #[cfg_attr(test, ts(optional))]
    pub user_id: Option<Id>,
}

/// The body of `PATCH /api/chat/rooms/{id}/`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct PatchRoomRequest {
    /// The status from now on.
    pub status: RoomStatus,
}

/// The JSON body of `POST /api/chat/rooms/{id}/messages/`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct SendRequest {
    /// The text.
    pub message: String,
    /// The sender's own id for it, 1 to 64 characters, which makes sending again safe.
    #[cfg_attr(test, ts(optional))]
    pub client_id: Option<String>,
}

/// The body of `POST /api/chat/rooms/{id}/read/`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ReadRequest {
    /// The newest message that was read.
    pub message_id: Id,
}

/// An account that the login page of a demo offers.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct DemoAccount {
    /// The phone number to log in with.
    pub phone: String,
    /// The password to log in with.
    pub password: String,
    /// The person's name.
    pub name: String,
    /// The person's role.
    pub role: Role,
}

/// The answer of `GET /api/options/`: what the login page needs to know.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Options {
    /// The accounts of a demo, null otherwise.
    pub demo: Option<Vec<DemoAccount>>,
    /// Whether any account exists.
    pub has_accounts: bool,
    /// The longest message in characters (Unicode scalar values).
    pub message_max: usize,
}

/// One wrong field or parameter of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct FieldError {
    /// The field's or parameter's name.
    pub field: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// An error answer: RFC 9457 `application/problem+json` with a stable `code`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Problem {
    /// The status as a short text (RFC 9457, section 3.1.3).
    pub title: String,
    /// The HTTP status code.
    pub status: u16,
    /// What was wrong and what would be right, for a person.
    pub detail: String,
    /// What was wrong, for a program.
    pub code: ErrorCode,
    /// The wrong fields of a 422.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, ts(optional, as = "Option<Vec<FieldError>>"))]
    pub errors: Vec<FieldError>,
}
