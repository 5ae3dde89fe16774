//! Who is on other nodes: of each node whom it has said to be in which room; and who types there.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard},
};

use bytes::Bytes;
use frontdesk_protocol::{Id, Role, limits::TYPING_MS};
use tokio::time::{Duration, Instant};

use super::{Audience, Class, Envelope, Hub, Person, add, give_back};

/// The room that stands for the desk as a whole.
pub const DESK: Id = 0;

/// The people of all other nodes.
#[derive(Default)]
pub(super) struct Elsewhere(Mutex<State>);

#[derive(Default)]
struct State {
    /// By room; a person may be there on several nodes.
    rooms: HashMap<Id, Vec<(Person, Arc<str>)>>,
    /// Nodes with people.
    nodes: BTreeSet<Arc<str>>,
    /// By room; forgotten when they stop, and with their node after the same silence as on it.
    typists: HashMap<Id, Vec<Typist>>,
}

struct Typist {
    user_id: Id,
    until: Instant,
    /// What a newcomer is told of them.
    frame: Bytes,
}

impl Elsewhere {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no code panics while it holds the other nodes' people")
    }

    /// Everybody who is in a room on another node, each once.
    pub(super) fn people(&self, room_id: Id) -> Vec<Person> {
        let state = self.lock();
        let mut people: Vec<Person> = Vec::new();
        for (person, _) in state.rooms.get(&room_id).into_iter().flatten() {
            if people.iter().all(|known| known.user_id != person.user_id) {
                people.push(*person);
            }
        }
        people
    }

    /// What tells of everybody else who types in a room on another node.
    pub(super) fn others_typing(&self, room_id: Id, user_id: Id) -> Vec<Bytes> {
        let (state, now) = (self.lock(), Instant::now());
        let typists = state.typists.get(&room_id).into_iter().flatten();
        typists.filter(|typist| typist.user_id != user_id && typist.until > now).map(|typist| typist.frame.clone()).collect()
    }

    /// Forgets whoever has been silent for too long.
    pub(super) fn end_stale_typing(&self) {
        let (mut state, now) = (self.lock(), Instant::now());
        state.typists.retain(|_, typists| {
            typists.retain(|typist| typist.until > now);
            !typists.is_empty()
        });
    }
}

impl Hub {
    /// Keeps another node's word on who types in a room, for those who come into it later.
    pub fn note_typing(&self, envelope: &Envelope) {
        let &Envelope { audience: Audience::Room(room_id), class: Class::Typing(is_typing), except: Some(user_id), .. } = envelope else {
            return;
        };
        let mut state = self.0.elsewhere.lock();
        let typists = state.typists.entry(room_id).or_default();
        typists.retain(|typist| typist.user_id != user_id);
        if is_typing {
            let until = Instant::now() + Duration::from_millis(TYPING_MS);
            typists.push(Typist { user_id, until, frame: envelope.bytes.clone() });
        } else if typists.is_empty() {
            state.typists.remove(&room_id);
        }
    }

    /// Whether a person is in a room on another node.
    #[must_use]
    pub fn is_elsewhere(&self, room_id: Id, user_id: Id) -> bool {
        let state = self.0.elsewhere.lock();
        state.rooms.get(&room_id).is_some_and(|people| people.iter().any(|(person, _)| person.user_id == user_id))
    }

    /// Whether any other node has an admin.
    #[must_use]
    pub fn support_elsewhere(&self) -> bool {
        self.0.elsewhere.lock().rooms.contains_key(&DESK)
    }

    /// A node has said that a person is in a room, or is no more.
    pub fn set_elsewhere(&self, node: &str, room_id: Id, person: Person, here: bool) {
        let mut state = self.0.elsewhere.lock();
        if here {
            let node = state.nodes.get(node).cloned().unwrap_or_else(|| Arc::from(node));
            state.nodes.insert(node.clone());
            let people = state.rooms.entry(room_id).or_default();
            if !people.iter().any(|(known, at)| known.user_id == person.user_id && *at == node) {
                add(people, (person, node));
            }
        } else if let Some(people) = state.rooms.get_mut(&room_id) {
            people.retain(|(known, at)| known.user_id != person.user_id || **at != *node);
            if people.is_empty() {
                state.rooms.remove(&room_id);
                give_back(&mut state.rooms);
            }
        }
    }

    /// Forgets the people of all nodes but these; answers who was forgotten, and where.
    #[must_use]
    pub fn only_nodes(&self, alive: &[String]) -> Vec<(Id, Person)> {
        let is_alive = |node: &str| alive.iter().any(|one| one == node);
        let mut state = self.0.elsewhere.lock();
        if state.nodes.iter().all(|node| is_alive(node)) {
            return Vec::new();
        }
        state.nodes.retain(|node| is_alive(node));
        let mut forgotten = Vec::new();
        state.rooms.retain(|room_id, people| {
            people.retain(|(person, node)| {
                let stays = is_alive(node);
                if !stays {
                    forgotten.push((*room_id, *person));
                }
                stays
            });
            !people.is_empty()
        });
        give_back(&mut state.rooms);
        forgotten
    }

    /// Everybody who is on this node, in which room.
    #[must_use]
    pub fn everybody(&self) -> Vec<(Id, Person)> {
        let mut everybody = Vec::new();
        for shard in self.0.rooms.shards() {
            for (room_id, room) in shard.iter() {
                everybody.extend(room.people.all().map(|person| (*room_id, person)));
            }
        }
        everybody
    }
}

/// What stands for the admins of a node in the room of the desk.
pub const DESK_PERSON: Person = Person { user_id: 0, role: Role::Admin };
