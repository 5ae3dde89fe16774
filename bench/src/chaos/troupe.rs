//! Everybody who takes part in a run: who sits where at the beginning, and what they know at the end.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use frontdesk_protocol::Id;
use rand::{SeedableRng, rngs::StdRng, seq::IndexedRandom};
use tokio::task::JoinHandle;

use super::{
    caller::Caller,
    cast::{Cast, HALL, Person},
    client::Client,
    desk::{Desk, Door},
    ledger::Ledger,
    origin::{Origin, OriginSight},
    stage::Stage,
    truth::Truth,
    verdict,
};

const ROOMS_PER_INBOX: usize = 8;

/// Everybody who takes part, and what they know.
#[derive(Default)]
pub struct Troupe {
    pub desks: Vec<Arc<Mutex<Desk>>>,
    pub sights: Vec<Arc<Mutex<OriginSight>>>,
    pub lives: Vec<JoinHandle<()>>,
    pub callers: Vec<JoinHandle<()>>,
}

impl Troupe {
    /// Users with tabs of several kinds, admins with the inbox and a loud tab in the hall; some of both use HTTP.
    pub fn enters(stage: &Stage, cast: &Cast) -> Self {
        let (mut troupe, mut dice) = (Self::default(), StdRng::seed_from_u64(stage.seed ^ 1));
        for (index, user) in cast.users.iter().enumerate() {
            let first = user.rooms[0];
            troupe.sits(stage, |actor| Desk::new(actor, user, Door::Room(first), &[first], 1), 500);
            if index % 2 == 0 {
                troupe.sits(stage, |actor| Desk::new(actor, user, Door::Room(first), &[first], 8), 700);
            }
            if let Some(second) = user.rooms.get(1) {
                troupe.sits(stage, |actor| Desk::new(actor, user, Door::Room(*second), &[*second], 1), 700);
            }
            if index % 4 == 1 {
                troupe.speaks_as_of_old(stage, user, first);
            }
            if index % 4 == 2 {
                troupe.calls(|actor| tokio::spawn(Caller::new(stage, actor, user, &user.rooms).posts()));
            }
        }
        for (index, admin) in cast.admins.iter().enumerate() {
            let rooms: Vec<Id> = cast.rooms.choose_multiple(&mut dice, ROOMS_PER_INBOX).copied().collect();
            troupe.sits(stage, |actor| Desk::new(actor, admin, Door::Inbox, &rooms, 1 + 7 * (index % 2)), 150);
            troupe.sits(stage, |actor| Desk::new(actor, admin, Door::Room(HALL), &[HALL], 8), 120);
            troupe.speaks_as_of_old(stage, admin, *cast.rooms.choose(&mut dice).expect("there are rooms"));
            troupe.calls(|actor| match index % 2 {
                0 => tokio::spawn(Caller::new(stage, actor, admin, &cast.rooms).resolves()),
                _ => tokio::spawn(Caller::new(stage, actor, admin, &cast.rooms).posts()),
            });
        }
        troupe
    }

    fn next_actor(&self) -> usize {
        self.desks.len() + self.sights.len() + self.callers.len()
    }

    fn sits(&mut self, stage: &Stage, desk: impl FnOnce(usize) -> Desk, pace_ms: u64) {
        let actor = self.next_actor();
        let (client, desk) = Client::new(stage, actor, desk(actor), pace_ms);
        self.desks.push(desk);
        self.lives.push(tokio::spawn(client.live()));
    }

    fn speaks_as_of_old(&mut self, stage: &Stage, person: &Person, room: Id) {
        let (origin, sight) = Origin::new(stage, self.next_actor(), person, room);
        self.sights.push(sight);
        self.lives.push(tokio::spawn(origin.live()));
    }

    fn calls(&mut self, call: impl FnOnce(usize) -> JoinHandle<()>) {
        let actor = self.next_actor();
        self.callers.push(call(actor));
    }

    /// Somebody who is not connected, or waits for something.
    pub fn restless(&self) -> Option<String> {
        let desks = self.desks.iter().map(|desk| desk.lock().expect("nobody panics at a desk").restless());
        let sights = self.sights.iter().map(|sight| sight.lock().expect("nobody panics with the sight in hand").restless());
        desks.chain(sights).flatten().next()
    }

    pub fn has_seen(&self, heads: &BTreeMap<Id, i64>) -> bool {
        self.desks.iter().all(|desk| {
            let desk = desk.lock().expect("nobody panics at a desk");
            desk.views.values().all(|view| heads.get(&view.room).is_some_and(|head| view.head >= *head))
        })
    }

    pub fn compared(&self, truth: &Truth, ledger: &Ledger) {
        for desk in &self.desks {
            let desk = desk.lock().expect("nobody panics at a desk");
            desk.views.values().for_each(|view| verdict::view(view, &truth[&view.room], ledger));
        }
        for sight in &self.sights {
            let sight = sight.lock().expect("nobody panics with the sight in hand");
            verdict::origin(&sight, &truth[&sight.room], ledger);
        }
    }

    /// Who is in a room now.
    pub fn people_in(&self, room: Id) -> BTreeSet<Id> {
        let desks = self.desks.iter().map(|desk| desk.lock().expect("nobody panics at a desk"));
        let careful = desks.filter(|desk| desk.connected && desk.open.contains(&room)).map(|desk| desk.person.id);
        let sights = self.sights.iter().map(|sight| sight.lock().expect("nobody panics with the sight in hand"));
        let of_old = sights.filter(|sight| sight.connected && sight.room == room).map(|sight| sight.person);
        careful.chain(of_old).collect()
    }
}
