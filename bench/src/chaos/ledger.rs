//! What was said, acked and shown, by whomever, and every promise that was seen broken. One book for all clients, so that two of
//! them who were told different things are found out.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use frontdesk_protocol::{Id, Message, Seq, Timestamp};

use super::trips::Trips;

/// Most broken promises that are told in words; all are counted.
const TOLD_MAX: usize = 40;

/// A kind of broken promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Wrong {
    /// An acked message is not there, or one never arrived.
    Lost,
    /// A message is stored or shown twice, or acked as two.
    Doubled,
    /// Somebody saw events in another order, or with a hole.
    Reordered,
    /// Somebody saw what is not stored.
    Phantom,
    /// Anything else: receipts, counts, presence, resources.
    Other,
}

/// What a sender was told of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acked {
    pub room: Id,
    pub id: Id,
    pub seq: Seq,
    pub created_at: Timestamp,
}

/// What somebody was shown at a place of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub id: Id,
    pub sender: Id,
    pub text: String,
    pub client_id: Option<String>,
    pub created_at: Timestamp,
}

impl Shown {
    pub fn of(message: &Message) -> Self {
        Self {
            id: message.id,
            sender: message.sender.id,
            text: message.message.clone(),
            client_id: message.client_id.clone(),
            created_at: message.created_at,
        }
    }
}

/// Something that a person wrote with a `client_id`.
#[derive(Clone, Debug)]
pub struct Said {
    pub room: Id,
    pub sender: Id,
    pub text: String,
}

#[derive(Debug, Default)]
pub struct Pages {
    pub said: HashMap<String, Said>,
    pub acked: HashMap<String, Acked>,
    pub shown: HashMap<(Id, Seq), Shown>,
    /// Places where two people saw different things; each is told once.
    disputed: HashSet<(Id, Seq)>,
    /// The highest seq of a room that anybody was told.
    pub heads: HashMap<Id, Seq>,
    /// The furthest (read, delivered) of a person in a room that anybody was told.
    pub marks: HashMap<(Id, Id), (Seq, Seq)>,
    /// Files by the `client_id` of their message.
    pub files: HashMap<String, Vec<u8>>,
    pub epoch: Option<String>,
    counts: HashMap<Wrong, usize>,
    /// What was written down already: over several nodes the same is judged again and again.
    known: HashSet<String>,
    /// What happened last, over several nodes.
    pub after: Option<&'static str>,
    pub told: Vec<String>,
}

/// The book.
#[derive(Debug, Default)]
pub struct Ledger {
    pages: Mutex<Pages>,
    pub tally: Tally,
    pub trips: Trips,
}

/// What is only counted.
#[derive(Debug, Default)]
pub struct Tally {
    pub delivered: AtomicU64,
    pub origin_said: AtomicU64,
    pub origin_lost: AtomicU64,
    pub connects: AtomicU64,
    pub resumes: AtomicU64,
    pub resets: AtomicU64,
    pub repeats: AtomicU64,
    pub not_durable: AtomicU64,
    pub rate_limited: AtomicU64,
    pub unavailable: AtomicU64,
}

/// Counts one more.
pub fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

impl Ledger {
    pub fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().expect("nobody panics with the book in hand")
    }

    pub fn wrong(&self, kind: Wrong, what: impl Into<String>) {
        self.pages().wrong(kind, what);
    }

    pub fn says(&self, client_id: &str, said: Said) {
        self.pages().said.insert(client_id.into(), said);
    }

    /// A repeat must be told what the first was told.
    pub fn acked(&self, client_id: &str, acked: Acked) {
        let mut pages = self.pages();
        match pages.acked.insert(client_id.into(), acked) {
            Some(before) if before != acked => {
                pages.wrong(Wrong::Doubled, format!("{client_id} was acked as {before:?}, then as {acked:?}"));
            }
            _ => {}
        }
        pages.head(acked.room, acked.seq);
    }

    /// At one place of a room everybody must see the same message.
    pub fn shown(&self, message: &Message) {
        count(&self.tally.delivered);
        let (place, now) = ((message.room_id, message.seq), Shown::of(message));
        let mut pages = self.pages();
        pages.head(message.room_id, message.seq);
        match pages.shown.get(&place) {
            Some(before) if *before != now => {
                let what = format!("at {place:?} one saw {before:?}, another {now:?}");
                if pages.disputed.insert(place) {
                    pages.wrong(Wrong::Phantom, what);
                }
            }
            Some(_) => {}
            None => {
                pages.shown.insert(place, now);
            }
        }
    }

    /// No backup is restored during a run, so there is one history.
    pub fn epoch(&self, epoch: &str) {
        let mut pages = self.pages();
        let known = pages.epoch.get_or_insert_with(|| epoch.to_owned()).clone();
        if known != epoch {
            pages.wrong(Wrong::Other, format!("the epoch was {known}, then {epoch}"));
        }
    }
}

impl Pages {
    pub fn wrong(&mut self, kind: Wrong, what: impl Into<String>) {
        let what = format!("{kind:?}: {}", what.into());
        if !self.known.insert(what.clone()) {
            return;
        }
        *self.counts.entry(kind).or_default() += 1;
        if self.told.len() < TOLD_MAX {
            self.told.push(self.after.map_or(what.clone(), |after| format!("after \"{}\": {what}", after.trim())));
        }
    }

    pub fn count_of(&self, kind: Wrong) -> usize {
        self.counts.get(&kind).copied().unwrap_or_default()
    }

    pub fn wrongs(&self) -> usize {
        self.counts.values().sum()
    }

    /// Somebody was told that the room has come so far.
    pub fn head(&mut self, room: Id, seq: Seq) {
        let head = self.heads.entry(room).or_default();
        *head = (*head).max(seq);
    }

    /// Somebody was told a watermark.
    pub fn mark(&mut self, room: Id, user: Id, read: Seq, delivered: Seq) {
        let mark = self.marks.entry((room, user)).or_default();
        *mark = (mark.0.max(read), mark.1.max(delivered));
    }
}
