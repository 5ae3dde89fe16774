//! Shares with other nodes who is here. Each node says who has come to it and gone from it (after the grace), and that it lives; what
//! follows for whom is told on each node for itself. A node that says nothing any more is forgotten with its people.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use frontdesk_protocol::{Id, Role, Timestamp};
use frontdesk_store::{Elsewhere, Error, Whereabouts};
use tokio::{
    select,
    sync::{Notify, mpsc},
    time::{Instant, MissedTickBehavior, interval, sleep},
};
use uuid::Uuid;

use super::presence;
use crate::{
    app::App,
    bus::Hint,
    hub::{DESK, DESK_PERSON, Person},
};

/// How often a node says that it lives; three times within its lease.
const BEAT_EVERY: Duration = Duration::from_secs(3);
/// How long changes gather before they are said.
const GATHER: Duration = Duration::from_millis(50);

/// This node among others, and what it has not said yet.
pub struct Nodes {
    id: String,
    unsaid: Mutex<HashMap<(Id, Id), (Role, bool)>>,
    changed: Notify,
    /// A beat was not answered: it may be stored after all, and only its answer would have said that this node had been forgotten.
    in_doubt: AtomicBool,
    /// Another node has said something.
    look_now: Notify,
}

impl Default for Nodes {
    fn default() -> Self {
        Self {
            id: Uuid::new_v4().to_string(),
            unsaid: Mutex::default(),
            changed: Notify::new(),
            in_doubt: AtomicBool::new(false),
            look_now: Notify::new(),
        }
    }
}

impl Nodes {
    fn note(&self, room_id: Id, person: Person, here: bool) {
        let mut unsaid = self.unsaid.lock().expect("no code panics while it holds what is unsaid");
        unsaid.insert((room_id, person.user_id), (person.role, here));
        drop(unsaid);
        self.changed.notify_one();
    }

    fn take(&self) -> Vec<Whereabouts> {
        let unsaid = std::mem::take(&mut *self.unsaid.lock().expect("no code panics while it holds what is unsaid"));
        let node = |((room_id, user_id), (role, here))| Whereabouts { node: self.id.clone(), room_id, user_id, role, here };
        unsaid.into_iter().map(node).collect()
    }

    /// What could not be said is said later, unless it has changed meanwhile.
    fn give_back(&self, changes: Vec<Whereabouts>) {
        let mut unsaid = self.unsaid.lock().expect("no code panics while it holds what is unsaid");
        for Whereabouts { room_id, user_id, role, here, .. } in changes {
            unsaid.entry((room_id, user_id)).or_insert((role, here));
        }
    }
}

/// A person has come to this node, or has gone from it for longer than the grace.
pub fn note(app: &App, room_id: Id, person: Person, here: bool) {
    if app.store.is_shared() {
        app.nodes.note(room_id, person, here);
    }
}

/// Whether this node has an admin has changed.
pub fn note_desk(app: &App, here: bool) {
    note(app, DESK, DESK_PERSON, here);
}

/// Says and hears until the server has left. One node has nobody to say it to.
pub async fn run(app: App) {
    if !app.store.is_shared() {
        return;
    }
    let mut heard = Heard::default();
    let (mut beat, mut look) = (interval(BEAT_EVERY), interval(app.timing.scan));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let done = select! {
            () = app.nodes.changed.notified() => {
                sleep(GATHER).await;
                say(&app).await
            }
            _ = beat.tick() => live(&app).await,
            _ = look.tick() => heard.look(&app).await,
            () = app.nodes.look_now.notified() => heard.look(&app).await,
        };
        if let Err(error) = done {
            tracing::warn!(%error, "other nodes could not be reached by the database; trying again");
        }
    }
}

/// Follows the hints of other nodes until the server has left.
pub async fn hear(app: App, mut hints: mpsc::Receiver<Hint>) {
    while let Some(hint) = hints.recv().await {
        match hint {
            Hint::Touched { version, rooms } => app.inbox.touch(&app.hub, version, rooms),
            Hint::Ended => app.scan_now.notify_one(),
            Hint::Moved => app.nodes.look_now.notify_one(),
            Hint::Sent { user_id } => app.limits.sent_elsewhere(user_id),
            Hint::Tried { who, address } => app.logins.tried_elsewhere(&who, address),
        }
    }
}

/// Tells the other nodes that nobody is here any more.
pub async fn leave(app: &App) {
    if app.store.is_shared()
        && let Err(error) = app.store.leave(&app.nodes.id).await
    {
        tracing::warn!(%error, "other nodes will find out by themselves that this one has left");
    }
}

async fn say(app: &App) -> Result<(), Error> {
    let changes = app.nodes.take();
    if changes.is_empty() {
        return Ok(());
    }
    app.store.announce(changes.clone()).await.inspect_err(|_| app.nodes.give_back(changes))?;
    app.bus.tell(Hint::Moved);
    Ok(())
}

async fn live(app: &App) -> Result<(), Error> {
    let forgotten = app.store.beat(&app.nodes.id).await.inspect_err(|_| app.nodes.in_doubt.store(true, Ordering::Relaxed))?;
    if app.nodes.in_doubt.swap(false, Ordering::Relaxed) || forgotten {
        for (room_id, person) in app.hub.everybody() {
            app.nodes.note(room_id, person, true);
        }
        if app.hub.support_here() {
            app.nodes.note(DESK, DESK_PERSON, true);
        }
    }
    // Also what could not be said before.
    say(app).await
}

/// What was heard of other nodes.
#[derive(Default)]
struct Heard {
    place: i64,
    alive: Vec<String>,
    /// People of nodes that are gone, until the grace is over: most of them come back to another node.
    graces: VecDeque<(Instant, Id, Person)>,
}

impl Heard {
    async fn look(&mut self, app: &App) -> Result<(), Error> {
        while !self.look_at_page(app).await? {}
        Ok(())
    }

    /// True: there was no more.
    async fn look_at_page(&mut self, app: &App) -> Result<bool, Error> {
        let Elsewhere { alive, changes, place, is_last } = app.store.elsewhere(&app.nodes.id, self.place).await?;
        // What a node had said before it was taken for dead is still there, and would not be told again.
        let anew = self.place > 0 && alive.iter().any(|node| !self.alive.contains(node));
        self.place = if anew { 0 } else { place };
        self.alive.clone_from(&alive);
        let due = Instant::now() + app.timing.presence_grace;
        self.graces.extend(app.hub.only_nodes(&alive).into_iter().map(|(room_id, person)| (due, room_id, person)));
        for Whereabouts { node, room_id, user_id, role, here } in changes {
            // A node that has just come back may not have said that it lives.
            if here && !alive.contains(&node) {
                continue;
            }
            let person = Person { user_id, role };
            let was_here = is_present(app, room_id, user_id);
            app.hub.set_elsewhere(&node, room_id, person, here);
            if is_present(app, room_id, user_id) != was_here {
                tell(app, room_id, person, here);
            }
        }
        while self.graces.front().is_some_and(|(due, ..)| *due <= Instant::now()) {
            let Some((_, room_id, person)) = self.graces.pop_front() else { break };
            if !is_present(app, room_id, person.user_id) {
                tell(app, room_id, person, false);
            }
        }
        Ok(is_last && !anew)
    }
}

fn is_present(app: &App, room_id: Id, user_id: Id) -> bool {
    if room_id == DESK { app.hub.support_online() } else { app.hub.is_present(room_id, user_id) }
}

fn tell(app: &App, room_id: Id, person: Person, here: bool) {
    if room_id == DESK {
        presence::tell_support(app, here);
    } else {
        presence::tell(app, room_id, &person, (!here).then(Timestamp::now));
    }
}
