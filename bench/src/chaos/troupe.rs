//! Everybody who takes part in a run: who sits where at the beginning, and what they know at the end.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use frontdesk_protocol::Id;
use rand::{SeedableRng, rngs::StdRng, seq::IndexedRandom};
use tokio::{
    task::JoinHandle,
    time::{Instant, timeout_at},
};

use super::{
    caller::{Caller, Work},
    cast::{Cast, HALL, Person},
    client::Client,
    desk::{Desk, Door},
    ledger::{Ledger, Wrong},
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
    pub callers: Vec<JoinHandle<Caller>>,
    resting: Vec<Caller>,
}

impl Troupe {
    /// Users with tabs of several kinds, admins with the inbox and a loud tab in the hall; some of both use HTTP.
    pub fn enters(stage: &Stage, cast: &Cast) -> Self {
        let (mut troupe, mut dice) = (Self::default(), StdRng::seed_from_u64(stage.seed ^ 1));
        let nodes = stage.wires.len();
        for (index, user) in cast.users.iter().enumerate() {
            let (first, home) = (user.rooms[0], index % nodes);
            // A second tab may be on another node.
            let beside = if index % 4 == 0 { (home + 1) % nodes } else { home };
            troupe.sits(stage, |actor| Desk::new(actor, user, Door::Room(first), &[first], 1, home), 500);
            if index % 2 == 0 {
                troupe.sits(stage, |actor| Desk::new(actor, user, Door::Room(first), &[first], 8, beside), 700);
            }
            if let Some(second) = user.rooms.get(1) {
                troupe.sits(stage, |actor| Desk::new(actor, user, Door::Room(*second), &[*second], 1, home), 700);
            }
            if index % 4 == 1 {
                troupe.speaks_as_of_old(stage, user, first, home);
            }
            if index % 4 == 2 {
                troupe.calls(|actor| Caller::new(stage, actor, user, &user.rooms, home, Work::Posts));
            }
        }
        for (index, admin) in cast.admins.iter().enumerate() {
            let (home, beside) = (index % nodes, (index + 1) % nodes);
            let rooms: Vec<Id> = cast.rooms.choose_multiple(&mut dice, ROOMS_PER_INBOX).copied().collect();
            troupe.sits(stage, |actor| Desk::new(actor, admin, Door::Inbox, &rooms, 1 + 7 * (index % 2), home), 150);
            troupe.sits(stage, |actor| Desk::new(actor, admin, Door::Room(HALL), &[HALL], 8, beside), 120);
            troupe.speaks_as_of_old(stage, admin, *cast.rooms.choose(&mut dice).expect("there are rooms"), home);
            let work = if index % 2 == 0 { Work::Resolves } else { Work::Posts };
            troupe.calls(|actor| Caller::new(stage, actor, admin, &cast.rooms, beside, work));
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

    fn speaks_as_of_old(&mut self, stage: &Stage, person: &Person, room: Id, home: usize) {
        let (origin, sight) = Origin::new(stage, self.next_actor(), person, room, home);
        self.sights.push(sight);
        self.lives.push(tokio::spawn(origin.live()));
    }

    fn calls(&mut self, caller: impl FnOnce(usize) -> Caller) {
        let actor = self.next_actor();
        self.callers.push(tokio::spawn(caller(actor).works()));
    }

    /// What was begun over HTTP is answered for good.
    pub async fn callers_end(&mut self, within: Duration, ledger: &Ledger) {
        let until = Instant::now() + within;
        for caller in std::mem::take(&mut self.callers) {
            match timeout_at(until, caller).await {
                Ok(Ok(caller)) => self.resting.push(caller),
                _ => ledger.wrong(Wrong::Lost, "a call over HTTP was not answered for good when all was calm"),
            }
        }
    }

    /// Those who rest begin anew.
    pub fn callers_go_on(&mut self) {
        self.callers.extend(self.resting.drain(..).map(|caller| tokio::spawn(caller.works())));
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
            desk.away || desk.views.values().all(|view| heads.get(&view.room).is_some_and(|head| view.head >= *head))
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

    /// Who is connected to this node and to no other.
    pub fn only_at(&self, node: usize) -> BTreeSet<Id> {
        let desks = self.desks.iter().map(|desk| desk.lock().expect("nobody panics at a desk"));
        let desks: Vec<(Id, bool)> = desks.map(|desk| (desk.person.id, desk.connected && desk.node == node)).collect();
        let sights = self.sights.iter().map(|sight| sight.lock().expect("nobody panics with the sight in hand"));
        let sights: Vec<(Id, bool)> = sights.map(|sight| (sight.person, sight.connected && sight.node == node)).collect();
        let all: Vec<(Id, bool)> = desks.into_iter().chain(sights).collect();
        let elsewhere: BTreeSet<Id> = all.iter().filter(|(_, here)| !here).map(|(id, _)| *id).collect();
        all.into_iter().map(|(id, _)| id).filter(|id| !elsewhere.contains(id)).collect()
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
