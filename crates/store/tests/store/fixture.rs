//! A temporary database with people in it, and short words for what they do.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use frontdesk_protocol::{Id, Message, Role, Room, Seq, User, frame::Receipt};
use frontdesk_store::{
    AddOutcome, Batches, Clock, Database, Error, Event, Mark, MarkKind, MarkOutcome, NewAttachment, NewMessage, NewUser, Options,
    SendOutcome, Store,
};
use sqlx::{Connection as _, SqliteConnection, migrate::Migrator, sqlite::SqliteConnectOptions};

use crate::postgres;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// 2026-01-01T00:00:00Z.
pub const START_MS: i64 = 1_767_225_600_000;

pub struct Desk {
    pub store: Store,
    pub batches: Batches,
    pub ada: User,
    pub grace: User,
    pub room: Id,
    pub clock: Arc<AtomicI64>,
    pub options: Options,
    /// The file, if it is one.
    pub path: PathBuf,
    _folder: tempfile::TempDir,
}

/// An admin, Ada, and a user, Grace, who has an empty room.
pub async fn desk() -> Desk {
    let folder = tempfile::tempdir().expect("a temporary folder");
    desk_in(empty(&folder).await, folder).await
}

/// As `desk`, on PostgreSQL.
pub async fn desk_of_nodes() -> Desk {
    let folder = tempfile::tempdir().expect("a temporary folder");
    desk_in(Options::postgres(postgres::database().await), folder).await
}

/// As `desk`, on a server of the test's own.
pub async fn desk_on(options: Options) -> Desk {
    desk_in(options, tempfile::tempdir().expect("a temporary folder")).await
}

/// A place for a new database.
pub async fn empty(folder: &tempfile::TempDir) -> Options {
    if postgres::is_wanted() {
        return Options::postgres(postgres::database().await);
    }
    Options::new(folder.path().join(format!("{}.db", std::fs::read_dir(folder.path()).expect("a folder").count())))
}

async fn desk_in(options: Options, folder: tempfile::TempDir) -> Desk {
    let path = match &options.database {
        Database::Sqlite(path) => path.clone(),
        Database::Postgres(_) => PathBuf::new(),
    };
    let clock = Arc::new(AtomicI64::new(START_MS));
    let (store, batches) = open(&options, &clock).await;
    let ada = person(&store, "Ada", "9999999999", Role::Admin).await;
    let grace = person(&store, "Grace", "5550001", Role::User).await;
    let room = store.open_room(grace.id).await.expect("stored").expect("she exists").room_id;
    Desk { store, batches, ada, grace, room, clock, options, path, _folder: folder }
}

pub async fn open(options: &Options, clock: &Arc<AtomicI64>) -> (Store, Batches) {
    Store::open_with_clock(options.clone(), true, Clock::Set(Arc::clone(clock))).await.expect("the store opens")
}

pub async fn person(store: &Store, name: &str, phone: &str, role: Role) -> User {
    let new = NewUser { phone: phone.into(), name: name.into(), role, password_hash: None };
    match store.add_user(new).await.expect("stored") {
        AddOutcome::Added(id) => User { id, name: name.into(), role },
        AddOutcome::PhoneTaken => panic!("{phone} is taken"),
    }
}

/// A file as an upload leaves it.
pub fn file(key: &str) -> NewAttachment {
    NewAttachment {
        key: key.into(),
        name: "file.pdf".into(),
        content_type: "application/pdf".into(),
        size: 3,
        width: None,
        height: None,
        thumbnail: false,
        sha256: Some([7; 32]),
    }
}

/// A plain message; change what a test is about.
pub fn text(room_id: Id, sender: &User, text: &str) -> NewMessage {
    NewMessage {
        room_id,
        sender: sender.clone(),
        text: text.into(),
        client_id: None,
        if_last_seq: None,
        attachments: Vec::new(),
        refused: false,
    }
}

pub fn stored(outcome: SendOutcome) -> Message {
    match outcome {
        SendOutcome::Stored(message) => *message,
        other => panic!("not stored: {other:?}"),
    }
}

impl Desk {
    pub async fn send(&self, message: NewMessage) -> SendOutcome {
        self.try_send(message).await.expect("stored")
    }

    pub async fn try_send(&self, message: NewMessage) -> Result<SendOutcome, Error> {
        self.store.send(message).await.expect("queued").await
    }

    /// Grace (or Ada) says something in Grace's room.
    pub async fn says(&self, sender: &User, words: &str) -> Message {
        stored(self.send(text(self.room, sender, words)).await)
    }

    /// All of them in one batch: queueing does not yield on a test's single thread, so the writer finds them together.
    pub async fn send_together(&self, messages: Vec<NewMessage>) -> Vec<SendOutcome> {
        let mut pending = Vec::new();
        for message in messages {
            pending.push(self.store.send(message).await.expect("queued"));
        }
        let mut outcomes = Vec::new();
        for answer in pending {
            outcomes.push(answer.await.expect("stored"));
        }
        outcomes
    }

    pub async fn mark(&self, person: &User, message: &Message, kind: MarkKind) -> MarkOutcome {
        let mark = Mark { room_id: message.room_id, person: person.clone(), message_id: message.id, kind };
        self.store.mark(mark).await.expect("queued").await.expect("stored")
    }

    pub async fn room(&self, viewer: Role) -> Room {
        self.store.room(self.room, viewer).await.expect("read").expect("it exists")
    }

    pub async fn history(&self) -> Vec<Event> {
        self.store.events_after(self.room, 0, 10_000).await.expect("read")
    }

    /// The version after all that has happened here. On PostgreSQL it lags behind while other tests' transactions are on their way.
    pub async fn version(&self) -> i64 {
        loop {
            let version = self.store.version().await.expect("read");
            if self.store.heads_changed(version, 1).await.expect("read").heads.is_empty() {
                return version;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    /// Everything that was published until now.
    pub fn published(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(batch) = self.batches.try_recv() {
            events.extend(batch.events);
        }
        events
    }

    pub fn wait_ms(&self, ms: i64) {
        self.clock.fetch_add(ms, Ordering::Relaxed);
    }

    /// Changes the database as no rule would, without a look at what refers to what.
    pub async fn damages(&self, statement: &'static str) {
        let options = SqliteConnectOptions::new().filename(&self.path).foreign_keys(false);
        let mut connection = SqliteConnection::connect_with(&options).await.expect("it opens");
        sqlx::query(statement).execute(&mut connection).await.expect(statement);
        connection.close().await.expect("it closes");
    }

    /// A connection as another process would have it.
    pub async fn stranger(&self) -> SqliteConnection {
        SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(&self.path)).await.expect("it opens")
    }
}

pub fn seq(event: &Event) -> Option<Seq> {
    match event {
        Event::Message(message) => Some(message.seq),
        Event::StatusChanged { seq, .. } => Some(*seq),
        Event::Receipt(_) | Event::RoomMade { .. } => None,
    }
}

/// An empty database as a version left it that had so many migrations.
pub async fn of_version(migrations: usize, path: &Path) -> SqliteConnection {
    let migrations = MIGRATIONS.iter().take(migrations).cloned().collect();
    let migrator = Migrator { migrations: Cow::Owned(migrations), ..Migrator::DEFAULT };
    let mut connection = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(path).create_if_missing(true)).await.unwrap();
    migrator.run_direct(None, &mut connection, false).await.unwrap();
    connection
}

/// A hundred thousand people with a room each, as the second version left them: every fourth resolved, and one or two unread messages
/// in two of three.
pub async fn hundred_thousand(folder: &tempfile::TempDir) -> PathBuf {
    let path = folder.path().join("frontdesk.db");
    let mut old = of_version(2, &path).await;
    for statement in [
        "begin",
        "insert into meta (one, epoch, version) values (1, '00000000000000000000000000000001', 1)",
        "create temp table numbers as with recursive n (i) as (select 1 union all select i + 1 from n where i < 100000) select i from n",
        "insert into users (id, phone, name, role, search) select i, 5000000 + i, 'User ' || i, 'user', 'user ' || i || char(10) || (5000000 + i) \
         from numbers",
        "insert into rooms (id, user_id, status, created_at, updated_at, last_seq, last_message_id, user_messages, user_last_seq, version) \
         select i, i, iif(i % 4, 'open', 'resolved'), i, i, i % 3, iif(i % 3, i * 2, null), i % 3, i % 3, 1 from numbers",
        "insert into messages (id, room_id, seq, sender_id, side, text, created_at, user_count, admin_count) \
         select i * 2, i, i % 3, i, 'user', 'Hi', i, i % 3, 0 from numbers where i % 3 union all \
         select i * 2 - 1, i, 1, i, 'user', 'Hi', i, 1, 0 from numbers where i % 3 = 2",
        "commit",
    ] {
        sqlx::query(statement).execute(&mut old).await.unwrap();
    }
    old.close().await.unwrap();
    path
}

/// How far everybody has come in a room.
pub async fn receipts(store: &Store, room: Id) -> Vec<Receipt> {
    store.room_with_receipts(room, Role::Admin).await.expect("it can be read").expect("there is a room").1
}
