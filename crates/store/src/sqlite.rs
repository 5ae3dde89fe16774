//! SQLite: opening the file with its settings, file modes, version and schema, and keeping the write-ahead log short.

use std::{
    ffi::OsString,
    fs,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sqlx::{
    Connection as _, Row as _,
    migrate::{Migration, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use tokio::sync::Notify;

use crate::{Error, copy};

pub(crate) use sqlx::sqlite::SqliteConnection as Connection;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// Older ones can corrupt a database when a writer meets a checkpointer.
const VERSION_MIN: (u32, u32, u32) = (3, 51, 3);
/// Both of these count as memory of the process, so both are small.
const READER_CACHE: &str = "-1024";
const WRITER_CACHE: &str = "-8192";
/// Texts of statements that stay prepared for the writer: sets of every size, together with each other.
const WRITER_STATEMENTS: usize = 256;
/// What the write-ahead log shrinks to when it starts anew.
const WAL_BYTES_KEPT: &str = "67108864";
/// Past this many pages the writer gives the log a chance to start anew, which writing without a pause denies it.
const WAL_PAGES_MAX: i64 = 16_384;
/// A dirty log is copied into the database at least this often.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(1);
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(path).busy_timeout(BUSY_TIMEOUT).foreign_keys(true).pragma("mmap_size", "0")
}

/// A connection that may write. Automatic checkpoints are off: they would make some sender wait.
pub(crate) async fn connect(path: &Path) -> sqlx::Result<Connection> {
    let options = options(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("cache_size", WRITER_CACHE)
        // Statements over sets keep journals, which would be files.
        .pragma("temp_store", "memory")
        .pragma("wal_autocheckpoint", "0")
        .pragma("journal_size_limit", WAL_BYTES_KEPT)
        .statement_cache_capacity(WRITER_STATEMENTS);
    Connection::connect_with(&options).await
}

/// A connection that only reads; a single one, beside whoever writes.
pub(crate) async fn connect_to_read(path: &Path) -> sqlx::Result<Connection> {
    let options = options(path).read_only(true).pragma("cache_size", WRITER_CACHE).pragma("temp_store", "file");
    Connection::connect_with(&options).await
}

/// A connection that writes to a database in one file, without a log beside it: one that nobody else has open.
pub(crate) async fn connect_alone(path: &Path) -> sqlx::Result<Connection> {
    let options = options(path).journal_mode(SqliteJournalMode::Delete).synchronous(SqliteSynchronous::Full);
    Connection::connect_with(&options).await
}

/// One of the connections that read beside each other.
pub(crate) async fn connect_reader(path: &Path) -> sqlx::Result<Connection> {
    Connection::connect_with(&options(path).read_only(true).pragma("cache_size", READER_CACHE)).await
}

/// Makes the file or opens it, for its owner alone, and sees to its schema. Also answers the copy that was made first, if
/// the schema of a database in use was brought up to date.
pub(crate) async fn open(path: &Path, migrate: bool) -> Result<(Connection, Option<PathBuf>), Error> {
    if !migrate && !path.exists() {
        return Err(Error::Schema(format!("there is no database at {}", path.display())));
    }
    keep_private(path).map_err(|error| Error::Unavailable(format!("{}: {error}", path.display())))?;
    let mut connection = connect(path).await?;
    check_version(&mut connection).await?;
    let mut copy = None;
    if migrate {
        settle(path, &mut connection).await?;
        copy = run_migrations(path, &mut connection).await?;
    } else {
        check_schema(&mut connection).await?;
    }
    Ok((connection, copy))
}

/// Makes durable what the log holds, before anybody is shown it. A process that died may have written a commit without syncing
/// it, or may have failed to, and the system's cache shows it all the same. Copied into the database and synced there it stays.
pub(crate) async fn settle(path: &Path, connection: &mut Connection) -> sqlx::Result<()> {
    let row = sqlx::query("pragma wal_checkpoint(truncate)").fetch_one(connection).await?;
    if row.try_get::<i64, _>(0)? == 0 {
        return Ok(());
    }
    // Somebody still reads an older state, so not all could be copied.
    let log = beside(path, "-wal");
    tokio::task::spawn_blocking(move || fs::File::open(log)?.sync_all()).await.map_err(std::io::Error::other)??;
    Ok(())
}

/// SQLite gives its other files the mode of the database, whatever the umask; those of an earlier run are set here.
fn keep_private(path: &Path) -> std::io::Result<()> {
    fs::OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
    for suffix in ["", "-wal", "-shm"] {
        match fs::set_permissions(beside(path, suffix), fs::Permissions::from_mode(0o600)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// The path with something appended to its last part.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

async fn check_version(connection: &mut Connection) -> Result<(), Error> {
    let text: String = sqlx::query_scalar("select sqlite_version()").fetch_one(connection).await?;
    let mut parts = text.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    let version = (next(), next(), next());
    if version < VERSION_MIN {
        let (major, minor, patch) = VERSION_MIN;
        return Err(Error::Schema(format!("SQLite {text} is too old; {major}.{minor}.{patch} or newer is needed")));
    }
    Ok(())
}

/// A database that holds something is copied before it is changed: what a migration does cannot be undone.
async fn run_migrations(path: &Path, connection: &mut Connection) -> Result<Option<PathBuf>, Error> {
    let applied = applied(connection).await?;
    let Some(next) = pending(applied) else { return Ok(None) };
    let copy = if applied == 0 { None } else { Some(copy::before_migration(connection, path, next.version).await?) };
    // Not `run`: the compiler cannot prove its future to be `Send` (sqlx asks for `Acquire` with any lifetime).
    match MIGRATIONS.run_direct(None, connection, false).await {
        Ok(()) => Ok(copy),
        // Another process may have been faster at the same migration.
        Err(error) => check_schema(connection).await.map(|()| copy).map_err(|_| Error::Schema(error.to_string())),
    }
}

/// How many of our migrations have run: none in a new database. Any others are [`Error::Schema`].
pub(crate) async fn applied(connection: &mut Connection) -> Result<usize, Error> {
    let any: bool = sqlx::query_scalar("select exists (select 1 from sqlite_schema where name = '_sqlx_migrations')")
        .fetch_one(&mut *connection)
        .await?;
    if !any {
        return Ok(0);
    }
    let rows = sqlx::query("select version, checksum from _sqlx_migrations where success order by version").fetch_all(connection).await?;
    let mut known = MIGRATIONS.iter();
    for row in &rows {
        let (version, checksum): (i64, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
        let migration = known.next().ok_or_else(|| newer(version))?;
        if migration.version != version || migration.checksum.as_ref() != checksum {
            return Err(Error::Schema(format!("migration {version} is not the one of this version")));
        }
    }
    Ok(rows.len())
}

/// The first migration that has not run.
pub(crate) fn pending(applied: usize) -> Option<&'static Migration> {
    MIGRATIONS.iter().nth(applied)
}

fn newer(version: i64) -> Error {
    Error::Schema(format!("it was made by a newer Frontdesk (migration {version} is unknown here)"))
}

async fn check_schema(connection: &mut Connection) -> Result<(), Error> {
    let applied = applied(connection).await?;
    match pending(applied) {
        Some(_) if applied == 0 => Err(Error::Empty),
        Some(missing) => Err(Error::Schema(format!("migration {} has not run; start the server of this version once", missing.version))),
        None => Ok(()),
    }
}

/// Copies the write-ahead log into the database beside the writer, on a connection of its own.
#[derive(Debug, Default)]
pub(crate) struct Checkpoints {
    /// Something was committed since the last one.
    dirty: Notify,
    /// Enough was committed not to wait any longer.
    due: Notify,
    /// The log has grown past its bound.
    large: AtomicBool,
    stopped: AtomicBool,
}

impl Checkpoints {
    /// Tells of a commit; `due` when it should not wait.
    pub(crate) fn note(&self, due: bool) {
        self.dirty.notify_one();
        if due {
            self.due.notify_one();
        }
    }

    /// Ends `run`.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.note(true);
    }

    /// Runs until stopped.
    pub(crate) async fn run(self: Arc<Self>, path: PathBuf) {
        let mut connection = None;
        while !self.stopped.load(Ordering::Relaxed) {
            self.dirty.notified().await;
            let _ = tokio::time::timeout(CHECKPOINT_INTERVAL, self.due.notified()).await;
            if let Err(error) = self.checkpoint(&path, &mut connection).await {
                connection = None;
                tracing::warn!(%error, "the write-ahead log could not be copied into the database");
            }
        }
        if let Some(connection) = connection {
            let _ = connection.close().await;
        }
    }

    async fn checkpoint(&self, path: &Path, slot: &mut Option<Connection>) -> sqlx::Result<()> {
        if slot.is_none() {
            *slot = Some(connect(path).await?);
        }
        let connection = slot.as_mut().expect("it was set above");
        let row = sqlx::query("pragma wal_checkpoint(passive)").fetch_one(connection).await?;
        if row.try_get::<i64, _>(1)? > WAL_PAGES_MAX {
            self.large.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Between two transactions of the writer: when nobody else writes, a checkpoint gets to the end of the log.
    pub(crate) async fn relieve(&self, writer: &mut Connection) {
        if self.large.swap(false, Ordering::Relaxed)
            && let Err(error) = sqlx::query("pragma wal_checkpoint(passive)").fetch_one(writer).await
        {
            tracing::warn!(%error, "the write-ahead log grows");
        }
    }
}

/// Empties the write-ahead log and closes the file. Does not wait for other processes, since their writers would wait too.
pub(crate) async fn close(mut writer: Connection) -> sqlx::Result<()> {
    sqlx::query("pragma busy_timeout = 0").fetch_optional(&mut writer).await?;
    sqlx::query("pragma wal_checkpoint(truncate)").fetch_one(&mut writer).await?;
    writer.close().await
}
