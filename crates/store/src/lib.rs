//! What Frontdesk remembers for good: SQL, transactions, seqs, durability. The only place that knows sqlx.
//!
//! Every write goes through one writer that commits in groups ([`Batch`]); reads have connections of their own.

mod attachments;
mod batch;
mod check;
mod columns;
mod copy;
mod export;
mod import;
mod inbox;
mod messages;
mod people;
mod postgres;
mod presence;
mod readers;
mod receipts;
mod rooms;
mod search;
mod sends;
mod sessions;
mod source;
mod sql;
mod sqlite;
mod transfer;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use frontdesk_protocol::Timestamp;
use readers::{Reader, Readers};
use source::{Opened, Source};
use sql::query;
use tokio::sync::watch;
use writer::Queue;

pub use attachments::{NewAttachment, StoredAttachment};
pub use batch::{Batch, Batches, Event};
pub use check::{Checked, Counts, Inspection, Problems, StoredFile};
pub use copy::{begin_new_history, copy_database};
pub use export::Export;
pub use inbox::{BadCursor, Cursor, RoomQuery};
pub use messages::MessageQuery;
pub use people::{Account, AddOutcome, NewUser};
pub use presence::{Elsewhere, Whereabouts};
pub use receipts::{Mark, MarkKind, MarkOutcome, MarksMoved, ReceiptMark};
pub use rooms::{Changed, Head, OpenOutcome, Seen, StatusOutcome};
pub use sends::{NewMessage, SendOutcome};
pub use sessions::{Authenticated, Revocation, RotateOutcome};
pub use transfer::{AttachmentRecord, EventRecord, ImportError, MessageRecord, ReceiptRecord, Record, RoomRecord, UserRecord};
pub use writer::Pending;

/// Where the database is and how many connections read it.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it is.
    pub database: Database,
    /// How many connections read.
    pub read_connections: u32,
}

/// A place for a database.
#[derive(Clone, PartialEq, Eq)]
pub enum Database {
    /// A SQLite file of its own.
    Sqlite(PathBuf),
    /// A PostgreSQL database that several nodes share, by its URL.
    Postgres(String),
}

impl From<&Path> for Database {
    fn from(path: &Path) -> Self {
        Self::Sqlite(path.into())
    }
}

impl From<&PathBuf> for Database {
    fn from(path: &PathBuf) -> Self {
        Self::Sqlite(path.into())
    }
}

impl From<&Database> for Database {
    fn from(database: &Database) -> Self {
        database.clone()
    }
}

/// A URL may hold a password, so that no log may hold the URL.
impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => f.debug_tuple("Sqlite").field(path).finish(),
            Self::Postgres(_) => f.debug_tuple("Postgres").finish_non_exhaustive(),
        }
    }
}

impl Options {
    /// The usual settings for a SQLite file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { database: Database::Sqlite(path.into()), read_connections: 4 }
    }

    /// The usual settings for a PostgreSQL database: `postgres://…`.
    pub fn postgres(url: impl Into<String>) -> Self {
        Self { database: Database::Postgres(url.into()), read_connections: 8 }
    }
}

/// Where the store takes the time from.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The system's clock.
    System,
    /// Milliseconds since the Unix epoch that somebody else sets: tests need not wait.
    Set(Arc<AtomicI64>),
}

impl Clock {
    fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::now(),
            Self::Set(ms) => Timestamp::from_millis(ms.load(Ordering::Relaxed)),
        }
    }
}

/// Why something could not be done. What the rules refuse is an outcome, not an error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not known to be stored: the commit failed, the writer is gone or took too long. It may still appear.
    #[error("not known to be stored: {0}")]
    NotDurable(String),
    /// A read failed, or the database cannot be reached.
    #[error("the database cannot be read: {0}")]
    Unavailable(String),
    /// A copy of the database could not be made; there is no part of one.
    #[error("the database could not be copied: {0}")]
    Copy(String),
    /// The database's schema is not this version's, or SQLite is too old.
    #[error("the database does not fit this version: {0}")]
    Schema(String),
    /// The database holds no Frontdesk.
    #[error("the database does not fit this version: it holds no Frontdesk")]
    Empty,
    /// A cursor that no page has given.
    #[error(transparent)]
    Cursor(#[from] BadCursor),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// The database. Clones share it.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    source: Source,
    readers: Readers,
    writer: Queue,
    clock: Clock,
    copy: Option<PathBuf>,
}

impl Store {
    /// Opens the database and starts the writer; a file is made if it is not there (0600, whatever the umask). With `migrate` the
    /// schema is brought up to date, after a copy of a file that is in use; without it a differing one is [`Error::Schema`].
    ///
    /// The receiver gets every committed batch in commit order; a dropped one discards them.
    pub async fn open(options: Options, migrate: bool) -> Result<(Self, Batches), Error> {
        Self::open_with_clock(options, migrate, Clock::System).await
    }

    /// As [`Store::open`], with the time taken from `clock`.
    pub async fn open_with_clock(options: Options, migrate: bool, clock: Clock) -> Result<(Self, Batches), Error> {
        let Opened { source, writer, version, copy } = Source::open(options.database, migrate).await?;
        let readers = Readers::new(source.clone(), options.read_connections);
        let (writer, batches) = writer::start(writer, source.clone(), readers.clone(), clock.clone(), version);
        let inner = Inner { source, readers, writer, clock, copy };
        Ok((Self { inner: Arc::new(inner) }, batches))
    }

    /// The unbroken history that all seqs belong to: 32 hex digits made with the database, on PostgreSQL more after a failover. An
    /// import that brings another into an empty database is seen when it is opened the next time.
    #[must_use]
    pub fn epoch(&self) -> Arc<str> {
        self.inner.source.epoch().borrow().clone()
    }

    /// Tells when the history has become another, as after a failover of PostgreSQL.
    #[must_use]
    pub fn epochs(&self) -> watch::Receiver<Arc<str>> {
        self.inner.source.epoch()
    }

    /// The copy of the database that was made because this opening migrated it.
    #[must_use]
    pub fn copy_before_migration(&self) -> Option<&Path> {
        self.inner.copy.as_deref()
    }

    /// How many changes wait for the writer.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.inner.writer.queued()
    }

    /// Whether something can be stored now: a real small commit through the writer.
    pub async fn probe(&self) -> Result<(), Error> {
        self.write(|work| {
            Box::pin(async move {
                let now = work.now.as_millis();
                query("update meta set probed_at = $1").bind(now).execute(&mut work.connection).await?;
                Ok(())
            })
        })
        .await
    }

    /// Finishes what is queued, empties the write-ahead log and closes the file. Later writes are [`Error::NotDurable`].
    pub async fn close(&self) {
        self.inner.writer.close().await;
    }

    /// A connection for reading.
    async fn reader(&self) -> Result<Reader, Error> {
        self.inner.readers.lend().await
    }

    fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }
}
