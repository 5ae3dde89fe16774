//! The frames of both WebSockets, as two closed enums: what clients say and what the server says.

use serde::{Deserialize, Serialize};

use crate::{
    Timestamp,
    body::{Id, Message, Role, Room, RoomStatus, RoomsSummary, Seq, User},
    code::ErrorCode,
};

/// The version of the protocol that `ready` names.
pub const PROTOCOL: u32 = 1;

/// What a client says. Unknown fields are ignored, so that older servers understand newer clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientFrame {
    /// **origin.** A message.
    ChatMessage {
        /// The text: 1 to 4,000 Unicode scalar values, not only white space.
        message: String,
        /// The sender's own id for it; asks for an `ack` and makes resending safe.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        client_id: Option<String>,
        /// Refuse with `stale` when the other side wrote something past this seq.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        if_last_seq: Option<Seq>,
    },
    /// **origin.** The person types, or has stopped.
    Typing {
        /// Whether the person is typing now.
        is_typing: bool,
    },
    /// **origin.** Everything up to this message was read.
    ReadReceipt {
        /// The newest message that was read.
        message_id: Id,
    },
    /// Everything up to this message has reached this device.
    Delivered {
        /// The newest message that arrived.
        message_id: Id,
    },
    /// Send what came after this seq again.
    Resume {
        /// The last seq that the client has.
        after: Seq,
        /// The epoch it belongs to; the current one if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        epoch: Option<String>,
    },
    /// A new token for this connection.
    Auth {
        /// The access token.
        token: String,
    },
    /// Answered by `pong`.
    Ping,
    /// *inbox.* Follow this room on this connection.
    OpenRoom {
        /// The room.
        room_id: Id,
        /// Resume past this seq.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        after: Option<Seq>,
        /// The epoch that `after` belongs to; the current one if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        epoch: Option<String>,
    },
    /// *inbox.* Stop following this room.
    CloseRoom {
        /// The room.
        room_id: Id,
    },
}

/// Whether a person is in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Here, on at least one connection, or gone for less than the grace.
    Online,
    /// Not here.
    Offline,
}

/// How a resume went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Resume {
    /// None was asked for.
    None,
    /// Every missed event follows.
    Complete,
    /// Forget what you have and load the newest page.
    Reset,
}

/// A person's two watermarks in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Receipt {
    /// Whose.
    pub user_id: Id,
    /// The person's role when it last moved.
    pub role: Role,
    /// Everything up to this seq was read; 0 for nothing.
    pub read_seq: Seq,
    /// Everything up to this seq has reached a device of theirs; 0 for nothing.
    pub delivered_seq: Seq,
}

/// The first frame of a room's v=1 connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RoomReady {
    /// The protocol's version, 1.
    pub protocol: u32,
    /// The unbroken history that all seqs belong to.
    pub epoch: String,
    /// The room as the caller sees it now.
    pub room: Room,
    /// Who the caller is.
    pub user: User,
    /// The watermarks of everybody who has one.
    pub receipts: Vec<Receipt>,
    /// Whether any admin is connected anywhere.
    pub support_online: bool,
    /// How the resume went.
    pub resume: Resume,
    /// The time between heartbeats on this connection, in milliseconds.
    pub heartbeat_ms: u64,
}

/// The first frame of an inbox connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct InboxReady {
    /// The protocol's version, 1.
    pub protocol: u32,
    /// The unbroken history that all seqs and versions belong to.
    pub epoch: String,
    /// Who the caller is.
    pub user: User,
    /// Where to resume from: every change up to it was written to this connection.
    pub version: String,
    /// Counts over all rooms.
    pub summary: RoomsSummary,
    /// How the resume went.
    pub resume: Resume,
    /// The time between heartbeats on this connection, in milliseconds.
    pub heartbeat_ms: u64,
}

/// `ready` of a room or of the inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(untagged)]
pub enum Ready {
    /// On `/ws/chat/{room_id}/`.
    Room(Box<RoomReady>),
    /// On `/ws/inbox/`.
    Inbox(Box<InboxReady>),
}

/// What the server says. Origin connections hear the first five only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame {
    /// **origin.** A stored message, to every connection in the room, the sender's own included.
    ChatMessage(Message),
    /// **origin.** Somebody else types or has stopped.
    Typing {
        /// Where.
        room_id: Id,
        /// Who.
        user_id: Id,
        /// The person's name.
        name: String,
        /// Whether they are typing now.
        is_typing: bool,
    },
    /// **origin.** A person has read everything up to a message.
    ReadReceipt {
        /// Where.
        room_id: Id,
        /// Who.
        user_id: Id,
        /// The person's role.
        role: Role,
        /// The newest message that was read.
        message_id: Id,
        /// The seq of that message.
        seq: Seq,
        /// When.
        #[cfg_attr(test, ts(type = "string"))]
        read_at: Timestamp,
    },
    /// **origin.** A person came or went.
    UserStatus {
        /// Where.
        room_id: Id,
        /// Who.
        user_id: Id,
        /// The person's role.
        role: Role,
        /// Here or not.
        status: Presence,
        /// When the person was last here; null while online.
        #[cfg_attr(test, ts(type = "string | null"))]
        last_seen: Option<Timestamp>,
    },
    /// Something that the client said was refused, or the connection is about to be closed.
    Error {
        /// What was wrong, for a program.
        code: ErrorCode,
        /// What was wrong and what would be right, for a person.
        message: String,
        /// The refused message's `client_id`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        client_id: Option<String>,
        /// *inbox.* The room that the refused frame named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        room_id: Option<Id>,
        /// Whether the same thing may succeed later.
        retryable: bool,
        /// How long to wait before trying again, in milliseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        retry_after_ms: Option<u64>,
    },
    /// The first frame.
    Ready(Ready),
    /// The message is stored and would survive a power cut; to the connection that sent it.
    Ack {
        /// The id that the sender gave.
        client_id: String,
        /// The message's id.
        id: Id,
        /// *inbox.* Where.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        room_id: Option<Id>,
        /// Its place in the room.
        seq: Seq,
        /// When it was stored.
        #[cfg_attr(test, ts(type = "string"))]
        created_at: Timestamp,
        /// Whether it had been stored before.
        duplicate: bool,
    },
    /// Messages up to one have reached a device of a person.
    Delivered {
        /// Where.
        room_id: Id,
        /// Who.
        user_id: Id,
        /// The person's role.
        role: Role,
        /// The newest message that arrived.
        message_id: Id,
        /// The seq of that message.
        seq: Seq,
    },
    /// Whether any admin is connected anywhere.
    SupportStatus {
        /// True while one is.
        online: bool,
    },
    /// The room's status changed: a durable event.
    RoomUpdated {
        /// Where.
        room_id: Id,
        /// The event's place in the room.
        seq: Seq,
        /// The status from now on.
        status: RoomStatus,
        /// Who changed it.
        user_id: Id,
        /// When.
        #[cfg_attr(test, ts(type = "string"))]
        created_at: Timestamp,
    },
    /// The connection lives, and everything up to here was written to it.
    Heartbeat {
        /// *room.* The seq up to which everything was written.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        last_seq: Option<Seq>,
        /// *inbox.* The version up to which everything was written.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        version: Option<String>,
    },
    /// The connection's token expires in a minute.
    TokenExpiring {
        /// When.
        #[cfg_attr(test, ts(type = "string"))]
        expires_at: Timestamp,
    },
    /// The answer to `auth`.
    AuthOk {
        /// When the new token expires.
        #[cfg_attr(test, ts(type = "string"))]
        expires_at: Timestamp,
    },
    /// The server is leaving; come back after this long.
    Reconnect {
        /// How long, in milliseconds.
        after_ms: u64,
    },
    /// The answer to `ping`.
    Pong,
    /// The answer to `resume`; the missed events follow.
    Resumed {
        /// Where.
        room_id: Id,
        /// What was asked for.
        after: Seq,
        /// The room's newest seq.
        last_seq: Seq,
        /// How it went.
        resume: Resume,
    },
    /// *inbox.* A room's summary changed.
    RoomSummary {
        /// The room as admins see it now.
        room: Room,
        /// Every change up to this version was written to this connection.
        version: String,
    },
    /// *inbox.* The answer to `open_room`; the room's frames follow.
    RoomOpened {
        /// Where.
        room_id: Id,
        /// The unbroken history that all seqs belong to.
        epoch: String,
        /// The room as admins see it now.
        room: Room,
        /// The watermarks of everybody who has one.
        receipts: Vec<Receipt>,
        /// How the resume went.
        resume: Resume,
    },
    /// *inbox.* The answer to `close_room`.
    RoomClosed {
        /// Where.
        room_id: Id,
    },
}
