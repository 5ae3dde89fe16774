//! Who follows which room, and up to where: each follower hears each stored event once and in the order of its seq.
//!
//! A follower is *live* while it is handed events as they come. One that has just come, or whose outbox was full,
//! *lags*: its connection reads from the store and asks with `go_live` whether it has caught up. The question and the
//! answer happen under the room's lock, so no event falls between the last page read and the first one handed over.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use bytes::Bytes;
use frontdesk_protocol::{Id, Seq, User};
use tokio::time::Instant;

use super::{Class, Departure, Envelope, Hub, Outbox, Person, add, give_back, presence::People};

/// Rooms are spread over this many locks, so that busy rooms do not wait for each other.
const SHARDS: usize = 32;

#[derive(Default)]
pub(super) struct Rooms {
    shards: [Mutex<HashMap<Id, LiveRoom>>; SHARDS],
}

/// A room that at least one connection follows, or that somebody has just left.
#[derive(Default)]
pub(super) struct LiveRoom {
    /// The newest seq that passed through here.
    head: Seq,
    followers: Vec<Follower>,
    pub(super) people: People,
}

struct Follower {
    outbox: Arc<Outbox>,
    /// Every event up to this seq was handed over or skipped.
    cursor: Seq,
    live: bool,
}

impl Rooms {
    pub(super) fn lock(&self, room_id: Id) -> MutexGuard<'_, HashMap<Id, LiveRoom>> {
        let shard = usize::try_from(room_id.unsigned_abs()).unwrap_or(0) % SHARDS;
        self.shards[shard].lock().expect("no code panics while it holds a shard")
    }

    pub(super) fn shards(&self) -> impl Iterator<Item = MutexGuard<'_, HashMap<Id, LiveRoom>>> {
        self.shards.iter().map(|shard| shard.lock().expect("no code panics while it holds a shard"))
    }

    pub(super) fn deliver(&self, room_id: Id, envelope: &Envelope) {
        if let Some(room) = self.lock(room_id).get_mut(&room_id) {
            room.deliver(room_id, envelope);
        }
    }

    pub(super) fn deliver_everywhere(&self, envelope: &Envelope) {
        for mut shard in self.shards() {
            for (room_id, room) in shard.iter_mut() {
                room.deliver(*room_id, envelope);
            }
        }
    }

    fn leave(&self, room_id: Id, outbox: &Outbox, grace: Duration) -> Option<Departure> {
        let mut shard = self.lock(room_id);
        let room = shard.get_mut(&room_id)?;
        room.followers.retain(|follower| follower.outbox.conn != outbox.conn);
        let departure = room.people.leave(room_id, outbox, Instant::now() + grace);
        if room.is_idle() {
            shard.remove(&room_id);
            give_back(&mut shard);
        }
        departure
    }
}

impl LiveRoom {
    pub(super) fn is_idle(&self) -> bool {
        self.followers.is_empty() && self.people.is_empty()
    }

    fn deliver(&mut self, room_id: Id, envelope: &Envelope) {
        if let Class::Event(seq) = envelope.class {
            self.head = self.head.max(seq);
        }
        for follower in &mut self.followers {
            follower.hear(room_id, envelope);
        }
    }
}

impl Follower {
    fn hear(&mut self, room_id: Id, envelope: &Envelope) {
        let hears = (envelope.origin || !self.outbox.is_origin())
            && envelope.except != Some(self.outbox.user_id)
            && !(envelope.also_inbox && self.outbox.is_inbox());
        let Class::Event(seq) = envelope.class else {
            // A receipt that finds no room is lost; the lagging follower is sent all watermarks anew.
            if hears && !self.outbox.push(envelope.class, &envelope.bytes) && matches!(envelope.class, Class::Receipt(_)) {
                self.lag(room_id);
            }
            return;
        };
        if !self.live || seq <= self.cursor {
            return;
        }
        let next = seq == self.cursor + 1;
        if next && (!hears || self.outbox.push(envelope.class, &envelope.bytes)) {
            self.cursor = seq;
        } else {
            self.lag(room_id);
        }
    }

    fn lag(&mut self, room_id: Id) {
        self.live = false;
        self.outbox.lag(room_id);
    }
}

/// What a newcomer finds in a room.
pub struct Joined {
    /// The place taken; dropping it leaves the room.
    pub seat: Seat,
    /// The other people who are there.
    pub others: Vec<Person>,
    /// Who of them types, by id and name.
    pub typists: Vec<(Id, String)>,
    /// What other nodes have said of those who type there.
    pub typing_elsewhere: Vec<Bytes>,
    /// Whether the person was not there before, so that the others must be told.
    pub arrived: bool,
}

/// A connection's place in a room: a guard, dropped by whatever ends the connection, a failed upgrade too.
pub struct Seat {
    hub: Hub,
    room_id: Id,
    outbox: Arc<Outbox>,
    grace: Duration,
}

impl Seat {
    /// The seq up to which events were handed over.
    #[must_use]
    pub fn cursor(&self) -> Seq {
        self.with_follower(|_, follower| follower.cursor).unwrap_or(0)
    }

    /// The connection has everything up to `cursor`: hand over what comes from now on. False, if something newer has
    /// already passed and must be read first.
    #[must_use]
    pub fn go_live(&self, cursor: Seq) -> bool {
        self.with_follower(|head, follower| {
            follower.cursor = cursor;
            follower.live = head <= cursor;
            follower.live
        })
        // Without a follower nothing will ever be handed over: the seat was taken away, the connection ends.
        .unwrap_or(true)
    }

    /// Hand over nothing more until `go_live`.
    pub fn pause(&self) {
        self.with_follower(|_, follower| follower.live = false);
    }

    fn with_follower<T>(&self, act: impl FnOnce(Seq, &mut Follower) -> T) -> Option<T> {
        let mut shard = self.hub.0.rooms.lock(self.room_id);
        let room = shard.get_mut(&self.room_id)?;
        let head = room.head;
        let follower = room.followers.iter_mut().find(|follower| follower.outbox.conn == self.outbox.conn)?;
        Some(act(head, follower))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(departure) = self.hub.0.rooms.leave(self.room_id, &self.outbox, self.grace) {
            self.hub.0.departures.add(departure);
        }
    }
}

impl Hub {
    /// Lets a connection into a room. It hears presence, typing and receipts at once, stored events after `go_live`.
    #[must_use]
    pub fn join(&self, room_id: Id, outbox: &Arc<Outbox>, user: &User, grace: Duration) -> Joined {
        let mut shard = self.0.rooms.lock(room_id);
        let room = shard.entry(room_id).or_default();
        add(&mut room.followers, Follower { outbox: outbox.clone(), cursor: 0, live: false });
        let mut others = room.people.others(user.id);
        let typists = room.people.others_typing(user.id);
        let arrived = room.people.enter(user);
        drop(shard);
        let known = |others: &[Person], person: &Person| others.iter().any(|other| other.user_id == person.user_id);
        for person in self.0.elsewhere.people(room_id) {
            if person.user_id != user.id && !known(&others, &person) {
                others.push(person);
            }
        }
        let typing_elsewhere = self.0.elsewhere.others_typing(room_id, user.id);
        let seat = Seat { hub: self.clone(), room_id, outbox: outbox.clone(), grace };
        Joined { seat, others, typists, typing_elsewhere, arrived }
    }

    /// Tells a room's followers that the store is at `last_seq`: those who are behind lag and read it themselves.
    /// Finds what was never published: the tail of a crash, or another process' change.
    pub fn store_is_at(&self, room_id: Id, last_seq: Seq) {
        let mut shard = self.0.rooms.lock(room_id);
        let Some(room) = shard.get_mut(&room_id) else { return };
        room.head = room.head.max(last_seq);
        for follower in &mut room.followers {
            if follower.live && follower.cursor < last_seq {
                follower.lag(room_id);
            }
        }
    }

    /// What was told of may be no more: whoever follows reads what there is.
    pub fn forget_heads(&self) {
        for mut shard in self.0.rooms.shards() {
            for (room_id, room) in shard.iter_mut() {
                room.head = 0;
                for follower in &mut room.followers {
                    follower.lag(*room_id);
                }
            }
        }
        let mut inbox = self.0.inbox.lock();
        (inbox.complete, inbox.past) = (0, BTreeSet::new());
    }

    /// Whether any connection here follows the room.
    #[must_use]
    pub fn is_followed(&self, room_id: Id) -> bool {
        self.0.rooms.lock(room_id).get(&room_id).is_some_and(|room| !room.followers.is_empty())
    }
}

/// The connections that follow the inbox, each up to its version.
#[derive(Default)]
pub(super) struct InboxFollowers {
    followers: Mutex<InboxState>,
}

#[derive(Default)]
struct InboxState {
    /// Every change up to this version was handed out.
    complete: i64,
    /// And of later ones these.
    past: BTreeSet<i64>,
    followers: Vec<InboxFollower>,
}

struct InboxFollower {
    outbox: Arc<Outbox>,
    live: bool,
}

/// The lagging signal that means the inbox, not a room.
pub const INBOX: Id = 0;

impl InboxFollowers {
    fn lock(&self) -> MutexGuard<'_, InboxState> {
        self.followers.lock().expect("no code panics while it holds the inbox")
    }

    pub(super) fn deliver(&self, envelope: &Envelope) {
        let mut state = self.lock();
        if let Class::Summary { version, change } = envelope.class {
            state.complete = state.complete.max(version);
            state.past.insert(change);
            let complete = state.complete;
            state.past = state.past.split_off(&(complete + 1));
        }
        for follower in &mut state.followers {
            follower.hear(envelope);
        }
    }
}

impl InboxFollower {
    fn hear(&mut self, envelope: &Envelope) {
        if envelope.except == Some(self.outbox.user_id) {
            return;
        }
        if !matches!(envelope.class, Class::Summary { .. }) {
            self.outbox.push(envelope.class, &envelope.bytes);
        } else if self.live && !self.outbox.push(envelope.class, &envelope.bytes) {
            self.live = false;
            self.outbox.lag(INBOX);
        }
    }
}

/// A connection's place at the inbox; dropping it leaves.
pub struct InboxSeat {
    hub: Hub,
    outbox: Arc<Outbox>,
}

impl InboxSeat {
    /// The connection has every change up to `version`, and of later ones those that it `shows`. False, if another has already been
    /// handed out.
    #[must_use]
    pub fn go_live(&self, version: i64, shows: impl Fn(i64) -> bool) -> bool {
        let mut state = self.hub.0.inbox.lock();
        let has_all = version >= state.complete && state.past.iter().all(|change| *change <= version || shows(*change));
        let Some(follower) = state.followers.iter_mut().find(|follower| follower.outbox.conn == self.outbox.conn) else {
            return true;
        };
        follower.live = has_all;
        follower.live
    }
}

impl Drop for InboxSeat {
    fn drop(&mut self) {
        self.hub.0.inbox.lock().followers.retain(|follower| follower.outbox.conn != self.outbox.conn);
    }
}

impl Hub {
    /// Lets a connection follow the inbox. It hears presence and typing at once, summaries after `go_live`.
    #[must_use]
    pub fn join_inbox(&self, outbox: &Arc<Outbox>) -> InboxSeat {
        self.0.inbox.lock().followers.push(InboxFollower { outbox: outbox.clone(), live: false });
        InboxSeat { hub: self.clone(), outbox: outbox.clone() }
    }

    /// Whether anybody follows the inbox here; if not, no summary need be made.
    #[must_use]
    pub fn inbox_is_followed(&self) -> bool {
        !self.0.inbox.lock().followers.is_empty()
    }
}
