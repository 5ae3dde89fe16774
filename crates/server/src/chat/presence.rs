//! Tells people who is here: arrivals at once, departures after the grace, whether the desk is manned; keeps `last_seen`.

use std::{
    collections::{HashMap, VecDeque},
    sync::Mutex,
    time::Duration,
};

use bytes::Bytes;
use frontdesk_protocol::{Id, Role, ServerFrame, Timestamp, User, frame::Presence};
use tokio::{
    select,
    time::{Instant, MissedTickBehavior, interval},
};

use super::{nodes, publish::encode, typing};
use crate::{
    app::App,
    hub::{About, Audience, Class, Departure, Envelope, Person},
};

/// How often graces, typing and the desk are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How often `last_seen` is stored: a connect or disconnect writes nothing by itself.
const STORE_EVERY: Duration = Duration::from_secs(30);

/// When people left lately; what is not yet stored.
#[derive(Default)]
pub struct LastSeen(Mutex<HashMap<Id, Timestamp>>);

impl LastSeen {
    /// When a person left, if that was lately.
    #[must_use]
    pub fn of(&self, user_id: Id) -> Option<Timestamp> {
        self.0.lock().expect("no code panics while it holds last_seen").get(&user_id).copied()
    }

    fn note(&self, user_id: Id, at: Timestamp) {
        self.0.lock().expect("no code panics while it holds last_seen").insert(user_id, at);
    }

    fn snapshot(&self) -> Vec<(Id, Timestamp)> {
        self.0.lock().expect("no code panics while it holds last_seen").iter().map(|(id, at)| (*id, *at)).collect()
    }

    fn forget(&self, stored: &[(Id, Timestamp)]) {
        let mut map = self.0.lock().expect("no code panics while it holds last_seen");
        for (id, at) in stored {
            if map.get(id) == Some(at) {
                map.remove(id);
            }
        }
        if map.is_empty() {
            map.shrink_to_fit();
        }
    }
}

/// The frame that tells of one person.
#[must_use]
pub fn status_frame(room_id: Id, person: &Person, gone_at: Option<Timestamp>) -> Bytes {
    let status = if gone_at.is_some() { Presence::Offline } else { Presence::Online };
    let &Person { user_id, role } = person;
    encode(&ServerFrame::UserStatus { room_id, user_id, role, status, last_seen: gone_at })
}

/// The frame that tells a connection of what it missed, as it is by now.
#[must_use]
pub fn now(app: &App, about: About) -> Bytes {
    match about {
        About::Support => encode(&ServerFrame::SupportStatus { online: app.hub.support_online() }),
        About::Person { room_id, person, .. } if app.hub.is_present(room_id, person.user_id) => status_frame(room_id, &person, None),
        About::Person { room_id, person, gone_at } => {
            let gone_at = app.last_seen.of(person.user_id).or(gone_at).unwrap_or_else(Timestamp::now);
            status_frame(room_id, &person, Some(gone_at))
        }
    }
}

/// A person who was not there has come into a room.
pub fn arrived(app: &App, room_id: Id, user: &User) {
    let person = Person { user_id: user.id, role: user.role };
    nodes::note(app, room_id, person, true);
    if !app.hub.is_elsewhere(room_id, user.id) {
        tell(app, room_id, &person, None);
    }
}

/// An admin has connected: the desk may be manned now.
pub fn admin_connected(app: &App) {
    if let Some(online) = app.hub.support_changed(app.timing.presence_grace) {
        nodes::note_desk(app, online);
        if !app.hub.support_elsewhere() {
            tell_support(app, online);
        }
    }
}

/// Whether anybody is at the desk, on any node, has changed.
pub(super) fn tell_support(app: &App, online: bool) {
    let bytes = encode(&ServerFrame::SupportStatus { online });
    let class = Class::Presence(About::Support);
    app.hub.deliver(&Envelope { audience: Audience::EveryRoom, class, origin: false, also_inbox: false, except: None, bytes });
}

/// Tells whoever follows the room on this node, and its admins: other nodes do so for themselves.
pub(super) fn tell(app: &App, room_id: Id, person: &Person, gone_at: Option<Timestamp>) {
    let bytes = status_frame(room_id, person, gone_at);
    let also_inbox = person.role == Role::User;
    let class = Class::Presence(About::Person { room_id, person: *person, gone_at });
    let except = Some(person.user_id);
    app.hub.deliver(&Envelope { audience: Audience::Room(room_id), class, origin: true, also_inbox, except, bytes: bytes.clone() });
    if also_inbox {
        app.hub.deliver(&Envelope { audience: Audience::Inbox, class, origin: false, also_inbox: false, except: None, bytes });
    }
}

/// Watches departures, graces, typing and the desk until the server has left.
pub async fn run(app: App) {
    let mut graces: VecDeque<(Instant, Id, Person, Timestamp)> = VecDeque::new();
    let mut look = interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stored_at = Instant::now();
    loop {
        select! {
            departures = app.hub.departed() => {
                for departure in departures {
                    graces.extend(depart(&app, departure));
                }
            }
            _ = look.tick() => {
                end_graces(&app, &mut graces);
                for typed in app.hub.end_stale_typing() {
                    typing::tell(&app, typed.room_id, typed.user_id, typed.role, typed.name, false);
                }
                typing::tell_held(&app);
                admin_connected(&app);
                if stored_at.elapsed() >= STORE_EVERY {
                    stored_at = Instant::now();
                    store_last_seen(&app).await;
                    app.limits.forget_silent();
                }
            }
        }
    }
}

fn depart(app: &App, departure: Departure) -> Option<(Instant, Id, Person, Timestamp)> {
    let Departure { room_id, person, ended_typing, left } = departure;
    if let Some(name) = ended_typing {
        typing::tell(app, room_id, person.user_id, person.role, name, false);
    }
    left.map(|(due, at)| (due, room_id, person, at))
}

/// The grace is the same for everybody, so the first in line is always due first.
fn end_graces(app: &App, graces: &mut VecDeque<(Instant, Id, Person, Timestamp)>) {
    let now = Instant::now();
    while graces.front().is_some_and(|(due, ..)| *due <= now) {
        let Some((_, room_id, person, at)) = graces.pop_front() else { break };
        if app.hub.forget_person(room_id, person.user_id) {
            app.last_seen.note(person.user_id, at);
            nodes::note(app, room_id, person, false);
            if !app.hub.is_elsewhere(room_id, person.user_id) {
                tell(app, room_id, &person, Some(at));
            }
        }
    }
    if graces.is_empty() {
        graces.shrink_to_fit();
    }
}

/// Stores when people left; what cannot be stored now is tried again later.
pub async fn store_last_seen(app: &App) {
    let seen = app.last_seen.snapshot();
    if seen.is_empty() {
        return;
    }
    match app.store.touch_last_seen(seen.clone()).await {
        Ok(()) => app.last_seen.forget(&seen),
        Err(error) => tracing::warn!(%error, "when people were last seen could not be stored; trying again later"),
    }
}
