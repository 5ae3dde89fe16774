//! Import and export: the records that are lines of a JSONL file.

use frontdesk_protocol::{Id, Role, RoomStatus, Seq, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Error;

/// One line of an import or export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Record {
    /// The database itself.
    Meta {
        /// The history that the seqs belong to; taken over by a database without rooms.
        epoch: String,
    },
    /// A person; one that is there already is updated.
    User(UserRecord),
    /// A room; one that is there already is left.
    Room(RoomRecord),
    /// A message; one that is there already is left.
    Message(MessageRecord),
    /// A change of status; one that is there already is left.
    Event(EventRecord),
    /// A person's watermarks in a room; they only grow.
    Receipt(ReceiptRecord),
    /// A file of a message; one that is there already is left.
    Attachment(AttachmentRecord),
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRecord {
    /// The id.
    pub id: Id,
    /// The phone number that is the account's name.
    pub phone: String,
    /// The name shown to others.
    pub name: String,
    /// What the person may do.
    pub role: Role,
    /// The hash of the password, a PHC string or the origin's `pbkdf2_sha256$…`; left as it is if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<String>,
    /// Whether the person is shut out; left as it is if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
    /// When the person was last here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Timestamp>,
}

/// A room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomRecord {
    /// The id.
    pub id: Id,
    /// Whose.
    pub user_id: Id,
    /// The status after all that follows; open if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<RoomStatus>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its newest event happened; that of its newest record if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
}

/// A message. It needs an `id` or a `client_id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRecord {
    /// The id; a new one if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Id>,
    /// Where.
    pub room_id: Id,
    /// Its place; the next one if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<Seq>,
    /// Who wrote it.
    pub sender_id: Id,
    /// The side it was sent from; the sender's role if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<Role>,
    /// The text.
    pub message: String,
    /// The sender's own id for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// When it was stored.
    pub created_at: Timestamp,
}

/// A change of status, as history: the room's own record says what holds now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRecord {
    /// Where.
    pub room_id: Id,
    /// Its place.
    pub seq: Seq,
    /// The status from then on.
    pub status: RoomStatus,
    /// Who changed it.
    pub user_id: Id,
    /// When.
    pub created_at: Timestamp,
}

/// A person's watermarks in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptRecord {
    /// Where.
    pub room_id: Id,
    /// Whose.
    pub user_id: Id,
    /// The side; the person's role if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<Role>,
    /// The newest message that was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_message_id: Option<Id>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_at: Option<Timestamp>,
    /// The newest message that arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_message_id: Option<Id>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Timestamp>,
}

/// A file of a message. `bytes` is the server's: it makes a file of them before it imports the record, and sets them
/// from the file when it exports it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentRecord {
    /// The id; a new one if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Id>,
    /// Of which message.
    pub message_id: Id,
    /// The name that people see.
    pub name: String,
    /// The media type.
    pub content_type: String,
    /// The size in bytes; set by the server.
    #[serde(default)]
    pub size: i64,
    /// The width in pixels, if it is an image that could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<i64>,
    /// The height in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<i64>,
    /// The file in base64; not stored here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<String>,
    /// The file's name in the attachment folder; set by the server.
    #[serde(skip)]
    pub key: String,
    /// Whether there is a small copy; set by the server.
    #[serde(skip)]
    pub thumbnail: bool,
    /// SHA-256 of the bytes; set by the server.
    #[serde(skip)]
    pub sha256: Option<[u8; 32]>,
}

/// Why nothing of an import was applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// A record is wrong.
    #[error("record {index}: {message}")]
    Record {
        /// Which, counted from 0.
        index: usize,
        /// What is wrong and what would be right.
        message: String,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] Error),
}
