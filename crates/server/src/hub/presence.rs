//! People, not tabs: who is in a room, who types there, whether any admin is connected; with the grace after the last tab.

use std::sync::{Mutex, MutexGuard};

use frontdesk_protocol::{Id, Role, Timestamp, User, limits::TYPING_MS};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::Notify,
    time::{Duration, Instant},
};

use super::{ConnId, Hub, Outbox, add, give_back};

/// A person who is in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Who.
    pub user_id: Id,
    /// The role in which they came.
    pub role: Role,
}

/// The people of one room.
#[derive(Default)]
pub(super) struct People {
    here: Vec<Here>,
    typists: Vec<Typist>,
}

struct Here {
    person: Person,
    connections: usize,
    /// Without connections: when the grace ends.
    until: Option<Instant>,
}

struct Typist {
    user_id: Id,
    role: Role,
    name: String,
    conn: ConnId,
    until: Instant,
}

impl People {
    pub(super) fn is_empty(&self) -> bool {
        self.here.is_empty()
    }

    /// Everybody who is there; people within their grace are.
    pub(super) fn all(&self) -> impl Iterator<Item = Person> {
        self.here.iter().map(|here| here.person)
    }

    /// Everybody who is there but this person; people within their grace are.
    pub(super) fn others(&self, user_id: Id) -> Vec<Person> {
        self.here.iter().map(|here| here.person).filter(|person| person.user_id != user_id).collect()
    }

    /// Who else types there now, by id and name.
    pub(super) fn others_typing(&self, user_id: Id) -> Vec<(Id, String)> {
        self.typists.iter().filter(|typist| typist.user_id != user_id).map(|typist| (typist.user_id, typist.name.clone())).collect()
    }

    /// Counts one more connection; true if the person was not there.
    pub(super) fn enter(&mut self, user: &User) -> bool {
        if let Some(here) = self.here.iter_mut().find(|here| here.person.user_id == user.id) {
            here.connections += 1;
            here.until = None;
            return false;
        }
        add(&mut self.here, Here { person: Person { user_id: user.id, role: user.role }, connections: 1, until: None });
        true
    }

    /// Counts one connection less. The last one out leaves a departure that is due after the grace.
    pub(super) fn leave(&mut self, room_id: Id, outbox: &Outbox, due: Instant) -> Option<Departure> {
        let ended_typing = self.take_typist(|typist| typist.conn == outbox.conn).map(|typist| typist.name);
        let here = self.here.iter_mut().find(|here| here.person.user_id == outbox.user_id)?;
        here.connections = here.connections.saturating_sub(1);
        let left = here.connections == 0;
        here.until = left.then_some(due);
        (left || ended_typing.is_some()).then(|| Departure {
            room_id,
            person: here.person,
            ended_typing,
            left: left.then_some((due, Timestamp::now())),
        })
    }

    fn take_typist(&mut self, which: impl Fn(&Typist) -> bool) -> Option<Typist> {
        let at = self.typists.iter().position(which)?;
        Some(self.typists.swap_remove(at))
    }

    /// Forgets a person whose grace is over; false if they have come back, or left again later.
    fn forget(&mut self, user_id: Id) -> bool {
        let (before, now) = (self.here.len(), Instant::now());
        self.here.retain(|here| here.person.user_id != user_id || here.until.is_none_or(|until| until > now));
        self.here.len() < before
    }
}

/// Somebody whose typing has ended.
#[derive(Debug)]
pub struct Typed {
    /// Which room.
    pub room_id: Id,
    /// Who.
    pub user_id: Id,
    /// The role in which they typed.
    pub role: Role,
    /// The person's name.
    pub name: String,
}

/// A connection left a room with consequences that others must be told.
#[derive(Debug)]
pub struct Departure {
    /// Which room.
    pub room_id: Id,
    /// Whose connection.
    pub person: Person,
    /// The name of the typist who went while typing.
    pub ended_typing: Option<String>,
    /// Set if it was the person's last one: when the grace ends, and when they left.
    pub left: Option<(Instant, Timestamp)>,
}

/// Departures that nobody has looked at yet.
#[derive(Default)]
pub(super) struct Departures {
    waiting: Mutex<Vec<Departure>>,
    pub(super) changed: Notify,
}

impl Departures {
    pub(super) fn add(&self, departure: Departure) {
        self.waiting.lock().expect("no code panics while it holds departures").push(departure);
        self.changed.notify_one();
    }
}

/// Whether any admin is connected to this node.
#[derive(Default)]
pub(super) struct Support(Mutex<SupportState>);

#[derive(Default)]
struct SupportState {
    connections: usize,
    online: bool,
    gone_since: Option<Instant>,
}

impl Support {
    fn lock(&self) -> MutexGuard<'_, SupportState> {
        self.0.lock().expect("no code panics while it holds the support state")
    }

    pub(super) fn enter(&self) {
        let mut state = self.lock();
        state.connections += 1;
        state.gone_since = None;
    }

    pub(super) fn leave(&self) {
        let mut state = self.lock();
        state.connections = state.connections.saturating_sub(1);
        if state.connections == 0 {
            state.gone_since = Some(Instant::now());
        }
    }
}

impl Hub {
    /// Waits until a connection left a room with consequences, and takes what there is.
    pub async fn departed(&self) -> Vec<Departure> {
        loop {
            let waiting = std::mem::take(&mut *self.0.departures.waiting.lock().expect("no code panics while it holds departures"));
            if !waiting.is_empty() {
                return waiting;
            }
            self.departures_changed().notified().await;
        }
    }

    /// A grace of a person who left is over; true if they have not come back meanwhile, so that the room must be told.
    #[must_use]
    pub fn forget_person(&self, room_id: Id, user_id: Id) -> bool {
        let mut shard = self.0.rooms.lock(room_id);
        let Some(room) = shard.get_mut(&room_id) else { return false };
        let gone = room.people.forget(user_id);
        if room.is_idle() {
            shard.remove(&room_id);
            give_back(&mut shard);
        }
        gone
    }

    /// Whether a person is in a room, or left it within the grace, here or on another node.
    #[must_use]
    pub fn is_present(&self, room_id: Id, user_id: Id) -> bool {
        self.is_here(room_id, user_id) || self.is_elsewhere(room_id, user_id)
    }

    /// Whether a person is in a room on this node, or left it within the grace.
    #[must_use]
    pub fn is_here(&self, room_id: Id, user_id: Id) -> bool {
        self.0.rooms.lock(room_id).get(&room_id).is_some_and(|room| room.people.here.iter().any(|here| here.person.user_id == user_id))
    }

    /// Notes that a person types or has stopped. True if others must be told; a repeated "stopped" need not be.
    #[must_use]
    pub fn set_typing(&self, room_id: Id, conn: ConnId, user: &User, is_typing: bool) -> bool {
        let mut shard = self.0.rooms.lock(room_id);
        let Some(room) = shard.get_mut(&room_id) else { return false };
        let was_typing = room.people.take_typist(|typist| typist.user_id == user.id).is_some();
        if is_typing {
            let until = Instant::now() + Duration::from_millis(TYPING_MS);
            room.people.typists.push(Typist { user_id: user.id, role: user.role, name: user.name.clone(), conn, until });
        }
        drop(shard);
        if is_typing && !was_typing {
            self.0.typists.lock().expect("no code panics while it holds the typists").insert((room_id, user.id));
        }
        is_typing || was_typing
    }

    /// Ends the typing of everybody who has been silent for too long; whoever types on another node is told of there.
    #[must_use]
    pub fn end_stale_typing(&self) -> Vec<Typed> {
        self.0.elsewhere.end_stale_typing();
        let now = Instant::now();
        let mut typists = self.0.typists.lock().expect("no code panics while it holds the typists");
        let mut ended = Vec::new();
        typists.retain(|&(room_id, user_id)| {
            let mut shard = self.0.rooms.lock(room_id);
            let Some(room) = shard.get_mut(&room_id) else { return false };
            if let Some(Typist { role, name, .. }) = room.people.take_typist(|typist| typist.user_id == user_id && typist.until <= now) {
                ended.push(Typed { room_id, user_id, role, name });
            }
            room.people.typists.iter().any(|typist| typist.user_id == user_id)
        });
        ended
    }

    /// Whether any admin is connected, or left within the grace, here or to another node.
    #[must_use]
    pub fn support_online(&self) -> bool {
        self.support_here() || self.support_elsewhere()
    }

    /// Whether any admin is connected to this node, or left within the grace.
    #[must_use]
    pub fn support_here(&self) -> bool {
        let state = self.0.support.lock();
        state.connections > 0 || state.online
    }

    /// Looks whether the desk was manned or left for longer than the grace; the new state if it changed.
    #[must_use]
    pub fn support_changed(&self, grace: Duration) -> Option<bool> {
        let mut state = self.0.support.lock();
        let left = state.gone_since.is_some_and(|since| since.elapsed() >= grace);
        let online = state.connections > 0 || (state.online && !left);
        let changed = online != state.online;
        state.online = online;
        changed.then_some(online)
    }
}
