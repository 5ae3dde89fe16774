//! The writer against a plain model: whatever is asked of it, in whatever order and with whatever going wrong, what it acknowledged is
//! there, also in what a crash would leave; and it publishes what it stored, in the order in which it stored it.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs,
    path::Path,
    sync::Arc,
    time::Duration,
};

use frontdesk_protocol::{Id, Message, Role, RoomStatus, Seq, User};
use frontdesk_store::{Batches, Error, Event, Inspection, Mark, MarkKind, MarkOutcome, Options, Pending, Problems, SendOutcome, Store};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use sqlx::SqliteConnection;

use crate::fixture::{Desk, desk, open, person, receipts, seq, text};

/// Histories that a test run tries; `PROPTEST_CASES` tries more.
const CASES: u32 = 6;
const STEPS_MAX: usize = 160;
const ROOMS: usize = 3;
/// A message with this text makes its batch fail.
const BAD: &str = "bad";
/// More than the writer puts into one statement.
const CROWD: u8 = 150;

#[derive(Clone, Debug)]
enum Step {
    /// One of Grace and Ada says something; a number makes it a `client_id` from a small pool, so that many are repeats.
    Send { room: usize, by_admin: bool, client_id: Option<u8>, waits: bool },
    /// More than one statement takes is said at once, in all rooms.
    Crowd,
    /// Something that cannot be stored takes all that share its batch with it.
    SendBad { room: usize },
    /// A watermark moves to a message that was acknowledged.
    Mark { by_admin: bool, message: usize, kind: MarkKind, waits: bool },
    /// A room is resolved or reopened.
    Status { room: usize, status: RoomStatus },
    /// The answers to all that is under way are awaited.
    Settle,
    /// Whoever is at it goes on for a moment.
    Pause,
    /// Another process holds the lock.
    Lock { ms: u64 },
    /// Another process writes.
    Elsewhere { room: usize },
    /// The power is cut: what is on disk at this instant is opened.
    Crash,
    /// The store is closed while things are under way, and opened again.
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let room = 0..ROOMS;
    let status = prop_oneof![Just(RoomStatus::Open), Just(RoomStatus::Resolved)];
    let kind = prop_oneof![Just(MarkKind::Read), Just(MarkKind::Delivered)];
    let often = any::<prop::sample::Index>().prop_map(|index| index.index(10) > 0);
    prop_oneof![
        40 => (room.clone(), any::<bool>(), prop::option::weighted(0.7, 0..40_u8), often.clone())
            .prop_map(|(room, by_admin, client_id, waits)| Step::Send { room, by_admin, client_id, waits }),
        1 => Just(Step::Crowd),
        2 => room.clone().prop_map(|room| Step::SendBad { room }),
        12 => (any::<bool>(), any::<usize>(), kind, often)
            .prop_map(|(by_admin, message, kind, waits)| Step::Mark { by_admin, message, kind, waits }),
        4 => (room.clone(), status).prop_map(|(room, status)| Step::Status { room, status }),
        6 => Just(Step::Settle),
        6 => Just(Step::Pause),
        2 => (1..25_u64).prop_map(|ms| Step::Lock { ms }),
        2 => room.prop_map(|room| Step::Elsewhere { room }),
        2 => Just(Step::Crash),
        1 => Just(Step::Reopen),
    ]
}

/// What was asked for and is not yet answered.
enum Asked {
    Send { sender: Id, client_id: Option<String>, pending: Pending<SendOutcome> },
    Mark { mark: Mark, pending: Pending<MarkOutcome> },
}

/// What was promised: by an answer, so it must never be gone.
#[derive(Clone, Default)]
struct Promised {
    messages: Vec<Message>,
    /// By sender and `client_id`.
    firsts: HashMap<(Id, String), (Id, Seq)>,
    /// Read up to this seq, by room and person.
    read: BTreeMap<(Id, Id), Seq>,
}

struct World {
    desk: Desk,
    beside: Store,
    beside_batches: Batches,
    rooms: Vec<(Id, User)>,
    asked: Vec<Asked>,
    promised: Promised,
    published: Vec<Event>,
    version: i64,
    /// What crashes would have left, to be compared with what came of it.
    copies: Vec<BTreeMap<Id, Vec<Event>>>,
}

impl World {
    async fn begins() -> Self {
        let desk = desk().await;
        let mut rooms = vec![(desk.room, desk.grace.clone())];
        for number in 1..ROOMS {
            let user = person(&desk.store, &format!("User {number}"), &format!("777{number}"), Role::User).await;
            let room = desk.store.open_room(user.id).await.expect("stored").expect("they exist").room_id;
            rooms.push((room, user));
        }
        let mut stranger = desk.stranger().await;
        sqlx::raw_sql("create trigger bad before insert on messages when new.text = 'bad' begin select raise(abort, 'no'); end")
            .execute(&mut stranger)
            .await
            .expect("a trigger can be made");
        let (beside, beside_batches) = open(&desk.options, &desk.clock).await;
        Self {
            desk,
            beside,
            beside_batches,
            rooms,
            asked: Vec::new(),
            promised: Promised::default(),
            published: Vec::new(),
            version: 0,
            copies: Vec::new(),
        }
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Send { room, by_admin, client_id, waits } => self.send(room, by_admin, client_id, waits).await,
            Step::Crowd => {
                for number in 0..CROWD {
                    let room = usize::from(number) % ROOMS;
                    self.send(room, number % 2 == 0, (number % 3 > 0).then_some(number), true).await;
                }
            }
            Step::SendBad { room } => {
                let (room, user) = self.rooms[room].clone();
                let answer = self.desk.store.send(text(room, &user, BAD)).await.expect("queued").await;
                assert!(matches!(answer, Err(Error::NotDurable(_))), "{answer:?}");
            }
            Step::Mark { by_admin, message, kind, waits } => self.mark(by_admin, message, kind, waits).await,
            Step::Status { room, status } => {
                let answer = self.desk.store.set_status(self.rooms[room].0, self.desk.ada.id, status).await;
                assert!(!matches!(answer, Ok(None)), "the room is there");
            }
            Step::Settle => self.settle().await,
            Step::Pause => tokio::time::sleep(Duration::from_millis(1)).await,
            Step::Lock { ms } => self.lock(ms).await,
            Step::Elsewhere { room } => {
                let (room, user) = self.rooms[room].clone();
                let answer = self.beside.send(text(room, &user, "from elsewhere")).await.expect("queued").await;
                self.promised.messages.extend(answer.ok().map(crate::fixture::stored));
            }
            Step::Crash => self.crash().await,
            Step::Reopen => self.reopen().await,
        }
    }

    async fn send(&mut self, room: usize, by_admin: bool, client_id: Option<u8>, waits: bool) {
        let (room, user) = self.rooms[room].clone();
        let sender = if by_admin { self.desk.ada.clone() } else { user };
        let mut new = text(room, &sender, "Hi");
        new.client_id = client_id.map(client_id_of);
        let client_id = new.client_id.clone();
        let pending = self.desk.store.send(new).await.expect("queued");
        // Whoever goes away before the answer leaves the message where it is.
        if waits {
            self.asked.push(Asked::Send { sender: sender.id, client_id, pending });
        }
    }

    async fn mark(&mut self, by_admin: bool, message: usize, kind: MarkKind, waits: bool) {
        let Some(message) = self.promised.messages.get(message % self.promised.messages.len().max(1)) else { return };
        let owner = self.rooms.iter().find(|(room, _)| *room == message.room_id).expect("it has an owner").1.clone();
        let person = if by_admin { self.desk.ada.clone() } else { owner };
        let mark = Mark { room_id: message.room_id, person, message_id: message.id, kind };
        let pending = self.desk.store.mark(mark.clone()).await.expect("queued");
        if waits {
            self.asked.push(Asked::Mark { mark, pending });
        }
    }

    async fn settle(&mut self) {
        for asked in std::mem::take(&mut self.asked) {
            match asked {
                Asked::Send { sender, client_id, pending } => {
                    let answer = pending.await;
                    self.hear_published();
                    self.note(sender, client_id, answer);
                }
                Asked::Mark { mark, pending } => {
                    let answer = pending.await;
                    assert_ne!(answer, Ok(MarkOutcome::NoSuchMessage));
                    if answer.is_ok() && mark.kind == MarkKind::Read {
                        let named = self.promised.messages.iter().find(|message| message.id == mark.message_id).expect("it was promised");
                        let read = self.promised.read.entry((mark.room_id, mark.person.id)).or_default();
                        *read = named.seq.max(*read);
                    }
                }
            }
        }
    }

    fn note(&mut self, sender: Id, client_id: Option<String>, answer: Result<SendOutcome, Error>) {
        let message = match answer {
            Ok(SendOutcome::Stored(message)) => {
                let told = self.published.iter().any(|event| matches!(event, Event::Message(told) if told.id == message.id));
                assert!(told, "the publisher hears of it before its sender: {message:?}");
                *message
            }
            Ok(SendOutcome::Duplicate(message)) => *message,
            // Nothing is known, or the id is another room's: the end shows whether that is true.
            Ok(SendOutcome::ClientIdReused) | Err(Error::NotDurable(_)) => return,
            other => panic!("{other:?}"),
        };
        if let Some(client_id) = client_id {
            let first = *self.promised.firsts.entry((sender, client_id)).or_insert((message.id, message.seq));
            assert_eq!(first, (message.id, message.seq), "the first use of a client_id stands");
        }
        self.promised.messages.push(message);
    }

    /// Batches come in the order of their commits, each seq after the one before.
    fn hear_published(&mut self) {
        while let Some(batch) = self.desk.batches.try_recv() {
            assert!(batch.version >= self.version, "versions only grow: {} after {}", batch.version, self.version);
            self.version = batch.version;
            self.published.extend(batch.events);
        }
    }

    async fn lock(&self, ms: u64) {
        let mut stranger = self.desk.stranger().await;
        sqlx::query("pragma busy_timeout = 5000").fetch_optional(&mut stranger).await.expect("a setting");
        sqlx::query("begin immediate").execute(&mut stranger).await.expect("nobody holds it for long");
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            sqlx::query("rollback").execute(&mut stranger).await.expect("it holds the lock");
        });
    }

    /// What is promised before the cut must be in what the cut leaves, whatever goes on meanwhile.
    async fn crash(&mut self) {
        let promised = self.promised.clone();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (from, to) = (self.desk.path.clone(), folder.path().join("copy.db"));
        let mut stranger = self.desk.stranger().await;
        let copying = copy_as_a_crash_would_leave_it(&mut stranger, &from, &to);
        tokio::join!(copying, self.settle());
        let (copy, _) = open(&Options::new(&to), &Arc::clone(&self.desk.clock)).await;
        let left = histories(&copy, &self.rooms).await;
        holds(&promised, &copy, &left).await;
        copy.close().await;
        is_sound(&to).await;
        self.copies.push(left);
    }

    async fn reopen(&mut self) {
        self.desk.store.close().await;
        self.settle().await;
        self.hear_published();
        (self.desk.store, self.desk.batches) = open(&self.desk.options, &self.desk.clock).await;
    }

    async fn ends(mut self) {
        self.settle().await;
        self.desk.store.probe().await.expect("it can be stored");
        self.hear_published();
        let stored = histories(&self.desk.store, &self.rooms).await;
        holds(&self.promised, &self.desk.store, &stored).await;
        is_sound(&self.desk.path).await;
        for copy in &self.copies {
            for (room, left) in copy {
                assert_eq!(places(&stored[room])[..left.len()], places(left), "a crash leaves a beginning of what was to come");
            }
        }
        let mut elsewhere = Vec::new();
        while let Some(batch) = self.beside_batches.try_recv() {
            elsewhere.extend(batch.events);
        }
        for (room, events) in stored {
            let (here, there) = (of_room(&self.published, room), of_room(&elsewhere, room));
            assert!(here.is_sorted() && there.is_sorted(), "published in order: {here:?} {there:?}");
            let mut all = [here, there].concat();
            all.sort_unstable();
            assert_eq!(all, places(&events), "each event is published once, and nothing else is");
        }
    }
}

/// Ids of all forms: of ours, of ours in capitals, which is another, and of any other form.
fn client_id_of(number: u8) -> String {
    let uuid = format!("019b76da-a800-7c1e-8f7b-3d2a9c5e4f{:02x}", number / 3);
    match number % 3 {
        0 => uuid,
        1 => uuid.to_uppercase(),
        _ => format!("id {number}"),
    }
}

/// The database as the kernel has it at one instant. An open read keeps the log from starting anew between the two files, as no
/// time passes between them when the power is cut.
async fn copy_as_a_crash_would_leave_it(stranger: &mut SqliteConnection, from: &Path, to: &Path) {
    sqlx::query("begin").execute(&mut *stranger).await.expect("a read");
    let _: i64 = sqlx::query_scalar("select version from meta").fetch_one(&mut *stranger).await.expect("a read");
    let files = [(from.to_owned(), to.to_owned()), (from.with_extension("db-wal"), to.with_extension("db-wal"))];
    tokio::task::spawn_blocking(move || {
        for (from, to) in files {
            fs::copy(from, to).expect("the file is there");
        }
    })
    .await
    .expect("files can be copied");
    sqlx::query("rollback").execute(stranger).await.expect("a read ends");
}

async fn histories(store: &Store, rooms: &[(Id, User)]) -> BTreeMap<Id, Vec<Event>> {
    let mut all = BTreeMap::new();
    for (room, _) in rooms {
        let events = store.events_after(*room, 0, 10_000).await.expect("it can be read");
        let seqs: Vec<_> = events.iter().filter_map(seq).collect();
        assert_eq!(seqs, (1..=events.len() as Seq).collect::<Vec<_>>(), "seqs without holes");
        all.insert(*room, events);
    }
    all
}

/// Nothing that is counted differs from a recount.
async fn is_sound(path: &Path) {
    let mut inspection = Inspection::open(path).await.expect("it can be read");
    assert_eq!(inspection.check().await.expect("it can be read").problems, Problems::default());
    inspection.close().await.expect("it closes");
}

/// Everything promised is there, as it was told, and no `client_id` twice.
async fn holds(promised: &Promised, store: &Store, histories: &BTreeMap<Id, Vec<Event>>) {
    for told in &promised.messages {
        let event = histories[&told.room_id].get(usize::try_from(told.seq - 1).expect("a seq"));
        let Some(Event::Message(stored)) = event else { panic!("{told:?} was promised; there is {event:?}") };
        let same = |message: &Message| (message.id, message.sender.id, message.message.clone(), message.client_id.clone());
        assert_eq!((same(stored), stored.created_at), (same(told), told.created_at));
    }
    let mut ids = HashSet::new();
    for message in histories.values().flatten().filter_map(|event| if let Event::Message(message) = event { Some(message) } else { None }) {
        assert_ne!(message.message, BAD);
        assert!(message.client_id.as_ref().is_none_or(|id| ids.insert((message.sender.id, id.clone()))), "{message:?} is there twice");
    }
    for ((room, person), seq) in &promised.read {
        let receipts = receipts(store, *room).await;
        let receipt = receipts.iter().find(|receipt| receipt.user_id == *person).expect("a watermark that was promised");
        assert!(receipt.read_seq >= *seq && receipt.delivered_seq >= *seq, "{receipt:?} should be at {seq} at least");
    }
}

/// Seq and message id of each event.
fn places(events: &[Event]) -> Vec<(Seq, Option<Id>)> {
    let id = |event: &Event| if let Event::Message(message) = event { Some(message.id) } else { None };
    events.iter().filter_map(|event| Some((seq(event)?, id(event)))).collect()
}

fn of_room(events: &[Event], room: Id) -> Vec<(Seq, Option<Id>)> {
    let here = |event: &&Event| match event {
        Event::Message(message) => message.room_id == room,
        Event::StatusChanged { room_id, .. } => *room_id == room,
        Event::Receipt(_) | Event::RoomMade { .. } => false,
    };
    places(&events.iter().filter(here).cloned().collect::<Vec<_>>())
}

#[test]
fn whatever_goes_wrong_what_was_acknowledged_is_there_and_what_is_there_was_published() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    let config = Config { cases, max_shrink_iters: 200, failure_persistence: None, ..Config::default() };
    let history = prop::collection::vec(step(), 1..STEPS_MAX);
    let tried = TestRunner::new(config).run(&history, |steps| {
        runtime.block_on(async {
            let mut world = World::begins().await;
            for step in steps {
                world.take(step).await;
            }
            world.ends().await;
        });
        Ok(())
    });
    tried.unwrap_or_else(|failure| panic!("{failure}"));
}
