//! The admins' view of all rooms: one summary for each room that changed, made once and handed to every inbox connection.
//!
//! The first change of a room goes out at once, then at most one summary each 250 ms, the last state always. The
//! *version* that a summary carries promises that every change up to it was handed out; it never passes one that is held back.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use bytes::Bytes;
use frontdesk_protocol::{Id, Role, ServerFrame, frame::Resume, limits};
use frontdesk_store::{Changed, Head, Seen};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::{publish::encode, rooms::show_presence, sync};
use crate::{
    app::App,
    error::Error,
    hub::{Audience, Class, Envelope, Hub},
};

const INTERVAL: Duration = Duration::from_millis(limits::SUMMARY_INTERVAL_MS);

/// Which rooms have changed and were not told yet.
pub struct Inbox {
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    /// Every change up to this version has passed through `touch`.
    known: i64,
    /// The newest change of each room that has passed through, as far as it is above `known`: the scan finds these again.
    passed: HashMap<Id, i64>,
    /// Rooms to tell of, each with the first and the newest change that was not told.
    dirty: BTreeMap<Id, (i64, i64)>,
    /// When a room was told of last, for as long as that matters.
    told_at: HashMap<Id, Instant>,
}

/// A page of rooms that changed, for a connection that missed them.
pub struct Changes {
    /// Encoded summaries in the order of their versions.
    pub frames: Vec<Bytes>,
    /// Where the next page begins.
    pub next: i64,
    /// Whether there was no more.
    pub is_last: bool,
    /// Which changes they show at least.
    pub seen: Seen,
}

impl Inbox {
    /// An inbox that starts at the store's present version.
    #[must_use]
    pub fn new(version: i64) -> Self {
        Self {
            state: Mutex::new(State { known: version, passed: HashMap::new(), dirty: BTreeMap::new(), told_at: HashMap::new() }),
            changed: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no code panics while it holds the inbox")
    }

    /// A commit of this process changed these rooms.
    pub fn touch(&self, hub: &Hub, version: i64, rooms: Vec<Id>) {
        let mut state = self.lock();
        // Another process' change in between is found by the scan; until then the version stays below it.
        if version == state.known + 1 {
            state.known = version;
        } else {
            state.passed.extend(rooms.iter().map(|room_id| (*room_id, version)));
        }
        state.add(hub, rooms.into_iter().map(|room_id| (room_id, version)));
        drop(state);
        self.changed.notify_one();
    }

    /// The scan found that these rooms changed, whoever changed them, and that nothing else did up to this version.
    pub fn scanned(&self, hub: &Hub, heads: &[Head], version: i64) {
        let mut state = self.lock();
        let news: Vec<_> = heads.iter().filter(|head| state.is_news(head)).map(|head| (head.room_id, head.version)).collect();
        state.known = state.known.max(version);
        let known = state.known;
        state.passed.extend(news.iter().copied());
        state.passed.retain(|_, version| *version > known);
        state.add(hub, news.into_iter());
        drop(state);
        self.changed.notify_one();
    }
}

impl State {
    fn is_news(&self, head: &Head) -> bool {
        head.version > self.known && self.passed.get(&head.room_id).is_none_or(|passed| *passed < head.version)
    }

    fn add(&mut self, hub: &Hub, rooms: impl Iterator<Item = (Id, i64)>) {
        // Without a listener nothing need be told: who comes later reads the store.
        if !hub.inbox_is_followed() {
            self.dirty.clear();
            return;
        }
        for (room_id, version) in rooms {
            let (first, newest) = self.dirty.entry(room_id).or_insert((version, version));
            *first = (*first).min(version);
            *newest = (*newest).max(version);
        }
    }

    /// The rooms that may be told of now, earliest change first, and when the next one may.
    fn take_due(&mut self, now: Instant) -> (Vec<(Id, i64, i64)>, Option<Instant>) {
        self.told_at.retain(|_, told_at| now.duration_since(*told_at) < INTERVAL);
        let mut due: Vec<_> =
            self.dirty.iter().filter(|(id, _)| !self.told_at.contains_key(id)).map(|(id, &(first, newest))| (*id, first, newest)).collect();
        due.sort_unstable_by_key(|&(_, first, _)| first);
        for (room_id, ..) in &due {
            self.dirty.remove(room_id);
            self.told_at.insert(*room_id, now);
        }
        let next = self.dirty.keys().filter_map(|id| self.told_at.get(id)).min().map(|told_at| *told_at + INTERVAL);
        (due, next)
    }

    /// The version up to which everything was told, once these remaining rooms are told too.
    fn complete_up_to(&self, remaining: &[(Id, i64, i64)]) -> i64 {
        let held = self.dirty.values().map(|(first, _)| *first).chain(remaining.iter().map(|(_, first, _)| *first)).min();
        held.map_or(self.known, |first| self.known.min(first - 1))
    }
}

/// Tells of changed rooms until the server has left.
pub async fn run(app: App) {
    loop {
        let (due, next) = app.inbox.lock().take_due(Instant::now());
        if !due.is_empty() {
            tell(&app, &due).await;
            continue;
        }
        let later = async {
            match next {
                Some(next) => sleep_until(next).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = app.inbox.changed.notified() => {}
            () = later => {}
        }
    }
}

async fn tell(app: &App, due: &[(Id, i64, i64)]) {
    let ids: Vec<Id> = due.iter().map(|(id, ..)| *id).collect();
    let rooms = match app.store.rooms_by_id(&ids, Role::Admin).await {
        Ok(rooms) => rooms,
        Err(error) => {
            tracing::warn!(%error, "summaries could not be read; trying again");
            app.inbox.lock().add(&app.hub, due.iter().map(|&(id, first, _)| (id, first)));
            tokio::time::sleep(INTERVAL).await;
            return;
        }
    };
    let mut rooms: HashMap<Id, _> = rooms.into_iter().map(|room| (room.id, room)).collect();
    for (at, (room_id, _, change)) in due.iter().enumerate() {
        let Some(mut room) = rooms.remove(room_id) else { continue };
        show_presence(app, &mut room);
        let version = app.inbox.lock().complete_up_to(&due[at + 1..]);
        let bytes = encode(&ServerFrame::RoomSummary { room, version: version.to_string() });
        let class = Class::Summary { version, change: *change };
        app.hub.deliver(&Envelope { audience: Audience::Inbox, class, origin: false, also_inbox: false, except: None, bytes });
    }
}

/// How an inbox connection begins.
pub struct Begin {
    /// How its resume goes.
    pub resume: Resume,
    /// The version that it has.
    pub version: i64,
}

/// Looks how an inbox connection begins that has every change up to `after`.
///
/// # Errors
/// `Unavailable` if the store cannot be read.
pub async fn begin(app: &App, after: Option<&str>, epoch: Option<&str>) -> Result<Begin, Error> {
    let current = app.store.version().await?;
    let from_now = |resume| Begin { resume, version: current };
    let Some(after) = after else { return Ok(from_now(Resume::None)) };
    let same_history = sync::is_current(app, epoch);
    let Some(after) = after.parse::<i64>().ok().filter(|after| same_history && (0..=current).contains(after)) else {
        return Ok(from_now(Resume::Reset));
    };
    let missed = app.store.heads_changed(after, limits::RESUME_EVENTS_MAX + 1).await?;
    let too_many = i64::try_from(missed.heads.len()).is_ok_and(|missed| missed > limits::RESUME_EVENTS_MAX);
    Ok(if too_many { from_now(Resume::Reset) } else { Begin { resume: Resume::Complete, version: after } })
}

/// The next rooms that changed after a version.
///
/// # Errors
/// `Unavailable` if the store cannot be read.
pub async fn changes_after(app: &App, version: i64, limit: i64) -> Result<Changes, Error> {
    let Changed { heads, seen, is_last } = app.store.heads_changed(version, limit).await?;
    let ids: Vec<Id> = heads.iter().map(|head| head.room_id).collect();
    let mut rooms: HashMap<Id, _> = app.store.rooms_by_id(&ids, Role::Admin).await?.into_iter().map(|room| (room.id, room)).collect();
    let mut frames = Vec::with_capacity(heads.len());
    for (at, head) in heads.iter().enumerate() {
        let Some(mut room) = rooms.remove(&head.room_id) else { continue };
        show_presence(app, &mut room);
        let complete = heads.get(at + 1).is_none_or(|next| next.version > head.version);
        let so_far = if complete { head.version } else { head.version - 1 };
        frames.push(encode(&ServerFrame::RoomSummary { room, version: so_far.min(seen.version).to_string() }));
    }
    Ok(Changes { frames, next: heads.last().map_or(version, |head| head.version), is_last, seen })
}
