//! Remembers who is here now: which connections follow which room, in which order they hear its events, who is present.
//!
//! The hub moves bytes; of an event it knows only where it goes, its seq and its class. It never asks the store:
//! a follower that missed something is told that it lags, and its connection reads what it missed by itself.

mod elsewhere;
mod envelope;
mod outbox;
mod presence;
mod registry;
mod rooms;
mod wheel;

use std::{
    collections::{BTreeSet, HashMap},
    hash::Hash,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use frontdesk_protocol::Id;
use tokio::sync::Notify;

pub use elsewhere::{DESK, DESK_PERSON};
pub use envelope::{About, Audience, Class, Envelope, Kind, Watermark};
pub use outbox::{Outbox, Signals, Taken, Writing};
pub use presence::{Departure, Person, Typed};
pub use registry::{Connected, Credentials, Refusal, RegistryLimits};
pub use rooms::{INBOX, InboxSeat, Joined, Seat};
pub use wheel::Wheel;

/// The id of a connection on this node.
pub type ConnId = u64;

/// Most rooms have one follower and most people one connection, so a first element takes the room of one.
fn add<T>(list: &mut Vec<T>, element: T) {
    if list.capacity() == 0 {
        list.reserve_exact(1);
    }
    list.push(element);
}

/// Gives back the room of a crowd that has left.
fn give_back<K: Eq + Hash, V>(map: &mut HashMap<K, V>) {
    if map.len() < map.capacity() / 8 {
        map.shrink_to(map.len() * 2);
    }
}

/// The live memory of one node. Clones share it.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

struct Inner {
    rooms: rooms::Rooms,
    inbox: rooms::InboxFollowers,
    registry: registry::Registry,
    departures: presence::Departures,
    elsewhere: elsewhere::Elsewhere,
    support: presence::Support,
    /// Rooms and people that type, so that the end of typing need not be looked for in every room.
    typists: Mutex<BTreeSet<(Id, Id)>>,
    wheel: Wheel,
    next_conn: AtomicU64,
    /// Bytes queued in all outboxes together.
    queued_bytes: Arc<AtomicUsize>,
}

impl Hub {
    /// An empty hub.
    #[must_use]
    pub fn new(limits: RegistryLimits) -> Self {
        Self(Arc::new(Inner {
            rooms: rooms::Rooms::default(),
            inbox: rooms::InboxFollowers::default(),
            registry: registry::Registry::new(limits),
            departures: presence::Departures::default(),
            elsewhere: elsewhere::Elsewhere::default(),
            support: presence::Support::default(),
            typists: Mutex::default(),
            wheel: Wheel::default(),
            next_conn: AtomicU64::new(1),
            queued_bytes: Arc::default(),
        }))
    }

    /// The wheel that reminds connections of what is due.
    #[must_use]
    pub fn wheel(&self) -> &Wheel {
        &self.0.wheel
    }

    /// Bytes that wait in all outboxes together, or are being written.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.0.queued_bytes.load(Ordering::Relaxed)
    }

    /// Hands an event to every connection that is to hear it.
    pub fn deliver(&self, envelope: &Envelope) {
        match envelope.audience {
            Audience::Room(room_id) => self.0.rooms.deliver(room_id, envelope),
            Audience::Inbox => self.0.inbox.deliver(envelope),
            Audience::EveryRoom => self.0.rooms.deliver_everywhere(envelope),
        }
    }

    /// Wakes whoever waits for `departed`.
    fn departures_changed(&self) -> &Notify {
        &self.0.departures.changed
    }
}
