//! What nodes say to each other, and how it is written: a message is the form's number, the sender's id, and notes one after the
//! other. An event's frame follows its head as it is, so that nobody parses it again.

use std::net::IpAddr;

use bytes::Bytes;
use frontdesk_protocol::Id;
use serde::{Deserialize, Serialize};

use crate::hub::{Audience, Class, Envelope};

/// Messages of another form are left alone: nodes of two versions find each other's changes in the database.
const FORM: u8 = 2;
/// Before the notes: the form and the node's id.
pub(super) const HEAD_BYTES: usize = 17;

/// The id of a node, new at each start.
pub(super) type NodeId = [u8; 16];

/// What other nodes should know at once; each of it can be found in the database later, or is of the moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hint {
    /// A commit changed these rooms.
    Touched {
        /// The commit's version.
        version: i64,
        /// Which rooms.
        rooms: Vec<Id>,
    },
    /// Sessions have ended.
    Ended,
    /// People have come or gone.
    Moved,
    /// A person has sent so many messages, which count against their rate on every node.
    Sent {
        /// Who.
        user_id: Id,
    },
    /// A password was tried, which counts on every node.
    Tried {
        /// For which account: a phone, or an id.
        who: String,
        /// From where.
        address: IpAddr,
    },
}

/// One thing that a node says.
pub(super) enum Note<'a> {
    Event(Told<'a>),
    Hint(Hint),
    Canary(Canary),
}

/// Sent only to see whether it comes back.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Canary {
    pub(super) channel: usize,
    pub(super) number: u64,
}

/// An event, as it was received.
pub(super) struct Told<'a> {
    head: EventHead,
    frame: &'a [u8],
}

#[derive(Serialize, Deserialize)]
struct EventHead {
    audience: Audience,
    class: Class,
    origin: bool,
    also_inbox: bool,
    except: Option<Id>,
    length: usize,
}

#[derive(Serialize, Deserialize)]
enum Head {
    Event(EventHead),
    Hint(Hint),
    Canary(Canary),
}

impl Told<'_> {
    /// With its own copy of the frame, so that a slow reader keeps this event and not the whole message.
    pub(super) fn envelope(&self) -> Envelope {
        let EventHead { audience, class, origin, also_inbox, except, .. } = self.head;
        Envelope { audience, class, origin, also_inbox, except, bytes: Bytes::copy_from_slice(self.frame) }
    }
}

/// Begins a message.
pub(super) fn begin(node: &NodeId) -> Vec<u8> {
    let mut message = Vec::with_capacity(512);
    message.push(FORM);
    message.extend_from_slice(node);
    message
}

/// Appends an event to a message.
pub(super) fn write_event(message: &mut Vec<u8>, envelope: &Envelope) {
    let &Envelope { audience, class, origin, also_inbox, except, ref bytes } = envelope;
    write(message, &Head::Event(EventHead { audience, class, origin, also_inbox, except, length: bytes.len() }));
    message.extend_from_slice(bytes);
}

/// Appends a hint to a message.
pub(super) fn write_hint(message: &mut Vec<u8>, hint: Hint) {
    write(message, &Head::Hint(hint));
}

/// Appends a canary to a message.
pub(super) fn write_canary(message: &mut Vec<u8>, canary: Canary) {
    write(message, &Head::Canary(canary));
}

fn write(message: &mut Vec<u8>, head: &Head) {
    *message = postcard::to_extend(head, std::mem::take(message)).expect("heads have no unsupported types, and a Vec grows");
}

/// Who said it, and what. None for a message of another form; the notes end where they cannot be read.
pub(super) fn read(message: &[u8]) -> Option<(NodeId, Notes<'_>)> {
    let (head, rest) = message.split_at_checked(HEAD_BYTES)?;
    let node = head[1..].try_into().expect("what is left of the head is the id");
    (head[0] == FORM).then_some((node, Notes(rest)))
}

/// The notes of a message.
pub(super) struct Notes<'a>(&'a [u8]);

impl<'a> Iterator for Notes<'a> {
    type Item = Note<'a>;

    fn next(&mut self) -> Option<Note<'a>> {
        let (note, rest) = split(self.0).unzip();
        self.0 = rest.unwrap_or_default();
        note
    }
}

fn split(notes: &[u8]) -> Option<(Note<'_>, &[u8])> {
    let (head, rest) = postcard::take_from_bytes(notes).ok()?;
    Some(match head {
        Head::Hint(hint) => (Note::Hint(hint), rest),
        Head::Canary(canary) => (Note::Canary(canary), rest),
        Head::Event(head) => {
            let (frame, rest) = rest.split_at_checked(head.length)?;
            (Note::Event(Told { head, frame }), rest)
        }
    })
}
