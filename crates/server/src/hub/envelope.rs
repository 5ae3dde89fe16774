//! An encoded event and the little that the hub and the bus must know of it.

use bytes::Bytes;
use frontdesk_protocol::{Id, Seq, Timestamp};
use serde::{Deserialize, Serialize};

use super::Person;

/// Who is to hear an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Audience {
    /// Everybody who follows this room.
    Room(Id),
    /// Every inbox connection.
    Inbox,
    /// Every v=1 connection in any room.
    EveryRoom,
}

/// What kind of event it is: decides what is dropped first when a reader is slow (contract, section 6, promise 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Class {
    /// Dropped first. Whether its person, whom it is not told to, types or has stopped.
    Typing(bool),
    /// Dropped second; whoever missed it is told of the same people again, as they are then.
    Presence(About),
    /// An inbox summary; all changes up to its version are written once it is. Shedding it makes the reader lag.
    Summary {
        /// The inbox version that this summary completes.
        version: i64,
        /// The version of the change that it tells of; above `version` while an earlier change is held back.
        change: i64,
    },
    /// A watermark; state, so a reader that missed one is sent all of them anew.
    Receipt(Watermark),
    /// A stored event with its place in the room; a reader that missed one reads it from the store.
    Event(Seq),
}

impl Class {
    /// What is dropped first, and may be dropped for what matters more: typing 0, presence 1, all else 2.
    pub(super) fn weight(&self) -> u8 {
        match self {
            Self::Typing(_) => 0,
            Self::Presence(_) => 1,
            Self::Summary { .. } | Self::Receipt(_) | Self::Event(_) => 2,
        }
    }
}

/// Of whose presence an event tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum About {
    /// Somebody in a room.
    Person {
        /// Where.
        room_id: Id,
        /// Who.
        person: Person,
        /// When they left, if they did.
        gone_at: Option<Timestamp>,
    },
    /// Whether any admin is connected.
    Support,
}

impl About {
    /// Whether both tell of the same, however it is.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Person { room_id, person, .. }, Self::Person { room_id: there, person: other, .. }) => {
                (room_id, person.user_id) == (there, other.user_id)
            }
            (Self::Support, Self::Support) => true,
            _ => false,
        }
    }
}

/// How far a person has come, so that a connection can tell news from what it was told already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watermark {
    /// Where.
    pub room_id: Id,
    /// Whose.
    pub user_id: Id,
    /// Whether it is of what was read; else of what has reached a device.
    pub read: bool,
    /// How far.
    pub seq: Seq,
}

/// An event on its way to connections, encoded once.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// Who is to hear it.
    pub audience: Audience,
    /// What kind it is.
    pub class: Class,
    /// Whether origin connections hear it too.
    pub origin: bool,
    /// The inbox is told the same; inbox connections that have the room open hear it there.
    pub also_inbox: bool,
    /// A person who must not hear it (the typist, the one who came).
    pub except: Option<Id>,
    /// The frame's JSON text, shared by all who hear it.
    pub bytes: Bytes,
}

/// What a connection asked to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A room's, in the manner of the origin: hears five kinds of frames only.
    Origin,
    /// A room's, v=1.
    Room,
    /// The inbox, always v=1.
    Inbox,
}
