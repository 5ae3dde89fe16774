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
mod readers;
mod receipts;
mod rooms;
mod search;
mod sends;
mod sessions;
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
use writer::Queue;

pub use attachments::{NewAttachment, StoredAttachment};
pub use batch::{Batch, Batches, Event};
pub use check::{Checked, Counts, Inspection, Problems, StoredFile};
pub use copy::{begin_new_history, copy_database};
pub use export::Export;
pub use inbox::{BadCursor, Cursor, RoomQuery};
pub use messages::MessageQuery;
pub use people::{Account, AddOutcome, NewUser};
pub use receipts::{Mark, MarkKind, MarkOutcome, ReceiptMark};
pub use rooms::{Head, OpenOutcome, StatusOutcome};
pub use sends::{NewMessage, SendOutcome};
pub use sessions::{Authenticated, Revocation, RotateOutcome};
pub use transfer::{AttachmentRecord, EventRecord, ImportError, MessageRecord, ReceiptRecord, Record, RoomRecord, UserRecord};
pub use writer::Pending;

/// Where the database is and how many connections read it.
#[derive(Clone, Debug)]
pub struct Options {
    /// The SQLite file.
    pub path: PathBuf,
    /// How many connections read.
    pub read_connections: u32,
}

impl Options {
    /// The usual settings for a file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), read_connections: 4 }
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
    readers: Readers,
    writer: Queue,
    epoch: String,
    clock: Clock,
    copy: Option<PathBuf>,
}

impl Store {
    /// Opens or creates the file (0600, whatever the umask) and starts the writer. With `migrate` the schema is brought
    /// up to date, after a copy of a database that is in use; without it a differing one is [`Error::Schema`].
    ///
    /// The receiver gets every committed batch in commit order; a dropped one discards them.
    pub async fn open(options: Options, migrate: bool) -> Result<(Self, Batches), Error> {
        Self::open_with_clock(options, migrate, Clock::System).await
    }

    /// As [`Store::open`], with the time taken from `clock`.
    pub async fn open_with_clock(options: Options, migrate: bool, clock: Clock) -> Result<(Self, Batches), Error> {
        let (mut connection, copy) = sqlite::open(&options.path, migrate).await?;
        let (epoch, version) = meta(&mut connection).await?;
        let readers = Readers::new(options.path.clone(), options.read_connections);
        let (writer, batches) = writer::start(connection, options.path, readers.clone(), clock.clone(), version);
        let inner = Inner { readers, writer, epoch, clock, copy };
        Ok((Self { inner: Arc::new(inner) }, batches))
    }

    /// The unbroken history that all seqs belong to: 32 hex digits made with the database. An import that brings another
    /// into an empty database is seen when it is opened the next time.
    #[must_use]
    pub fn epoch(&self) -> &str {
        &self.inner.epoch
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
                sqlx::query("update meta set probed_at = $1").bind(now).execute(&mut work.connection).await?;
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

/// The epoch, made with the database, and the newest version.
async fn meta(connection: &mut sqlite::Connection) -> Result<(String, i64), Error> {
    sqlx::query("insert into meta (one, epoch, version) values (1, $1, 0) on conflict (one) do nothing")
        .bind(uuid::Uuid::new_v4().simple().to_string())
        .execute(&mut *connection)
        .await?;
    Ok(sqlx::query_as("select epoch, version from meta").fetch_one(connection).await?)
}
