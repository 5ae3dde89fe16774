//! PostgreSQL: connections with their settings, version and schema, and which history its data belongs to.

use std::{fmt, sync::Arc, time::Duration};

use sqlx::{
    Connection as _,
    migrate::{MigrateError, Migrator},
    postgres::{PgConnectOptions, PgConnection},
};
use tokio::{sync::watch, time::timeout};
use uuid::Uuid;

use crate::{
    Error,
    sql::{Connection, query_as},
};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// PostgreSQL 15.
const VERSION_MIN: i32 = 150_000;
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// What every connection asks for. A commit answers when it is on disk, whatever the server's own setting; whatever takes longer
/// than this would be given up by its caller anyway, and a node that stands still must not hold others up.
const SETTINGS: [(&str, &str); 4] =
    [("synchronous_commit", "on"), ("statement_timeout", "10s"), ("lock_timeout", "4s"), ("idle_in_transaction_session_timeout", "5s")];
/// Held while the schema is looked at, so that of many nodes that start at once one migrates: "frontdsk".
const MIGRATION_LOCK: i64 = 0x6672_6f6e_7464_736b;
/// The timeline of the write-ahead log, which a failover to another server makes anew, and the cluster and database.
macro_rules! here_sql {
    () => {
        "substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8), \
         (select system_identifier from pg_control_system()) || '/' || (select oid from pg_database where datname = current_database())"
    };
}

/// Where the database is.
pub(crate) struct Server {
    options: PgConnectOptions,
    /// The history, as the newest connection found it.
    epoch: watch::Sender<Arc<str>>,
}

/// Without the password.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("host", &self.options.get_host()).field("port", &self.options.get_port()).finish_non_exhaustive()
    }
}

impl Server {
    /// Connects once, and sees to the schema: with `migrate` it is brought up to date, without it a differing one is
    /// [`Error::Schema`].
    pub(crate) async fn open(url: &str, migrate: bool) -> Result<Self, Error> {
        let options: PgConnectOptions = url.parse()?;
        let options = options.application_name("frontdesk").options(SETTINGS);
        let server = Self { options, epoch: watch::Sender::new(Arc::from("")) };
        let mut connection = server.reach().await?;
        check_version(&mut connection).await?;
        if migrate {
            run_migrations(&mut connection).await?;
        } else {
            check_schema(&mut connection).await?;
        }
        server.look(&mut Connection::from(connection)).await?;
        Ok(server)
    }

    /// One more connection.
    pub(crate) async fn connect(&self) -> sqlx::Result<Connection> {
        let mut connection = Connection::from(self.reach().await?);
        self.look(&mut connection).await?;
        Ok(connection)
    }

    async fn reach(&self) -> sqlx::Result<PgConnection> {
        let connecting = PgConnection::connect_with(&self.options);
        timeout(CONNECT_TIMEOUT, connecting).await.map_err(|_| sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()))?
    }

    pub(crate) fn epoch(&self) -> watch::Receiver<Arc<str>> {
        self.epoch.subscribe()
    }

    /// Finds out which history it is. After a failover the log has another timeline, and what was acknowledged before may be missing.
    async fn look(&self, connection: &mut Connection) -> sqlx::Result<()> {
        let (epoch, first, now, _): (String, String, String, String) =
            query_as(concat!("select m.epoch, m.timeline, ", here_sql!(), " from meta m")).fetch_one(connection).await?;
        let epoch = if first == now { epoch } else { format!("{epoch}-{now}") };
        self.epoch.send_if_modified(|known| {
            let is_new = **known != *epoch;
            if is_new {
                *known = Arc::from(epoch.as_str());
            }
            is_new
        });
        Ok(())
    }
}

async fn check_version(connection: &mut PgConnection) -> Result<(), Error> {
    let (version, is_standby): (i32, bool) =
        sqlx::query_as("select current_setting('server_version_num')::int, pg_is_in_recovery()").fetch_one(connection).await?;
    if version < VERSION_MIN {
        return Err(Error::Schema(format!("PostgreSQL {} is too old; 15 or newer is needed", version / 10_000)));
    }
    if is_standby {
        return Err(Error::Unavailable("this PostgreSQL server is a standby; give the address of the one that writes".into()));
    }
    Ok(())
}

/// All in one transaction: whoever comes second finds it done.
async fn run_migrations(connection: &mut PgConnection) -> Result<(), Error> {
    let mut transaction = connection.begin().await?;
    sqlx::query("set local statement_timeout = 0").execute(&mut *transaction).await?;
    sqlx::query("set local lock_timeout = 0").execute(&mut *transaction).await?;
    sqlx::query("select pg_advisory_xact_lock($1)").bind(MIGRATION_LOCK).execute(&mut *transaction).await?;
    let mut migrations = Migrator { locking: false, ..Migrator::DEFAULT };
    migrations.migrations = MIGRATIONS.migrations.clone();
    migrations.run_direct(None, &mut *transaction, false).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) => newer(version),
        other => Error::Schema(other.to_string()),
    })?;
    settle_history(&mut transaction).await?;
    Ok(transaction.commit().await?)
}

fn newer(version: i64) -> Error {
    Error::Schema(format!("it was made by a newer Frontdesk (migration {version} is unknown here)"))
}

/// A new database begins a history. One that was copied to another place goes on with one of its own: transactions have other numbers
/// there, and who signed out after the copy was made must stay out.
async fn settle_history(connection: &mut PgConnection) -> sqlx::Result<()> {
    let (timeline, home): (String, String) = sqlx::query_as(concat!("select ", here_sql!())).fetch_one(&mut *connection).await?;
    let epoch = Uuid::new_v4().simple().to_string();
    sqlx::query("insert into meta (one, epoch, timeline, home) values (1, $1, $2, $3) on conflict (one) do nothing")
        .bind(&epoch)
        .bind(&timeline)
        .bind(&home)
        .execute(&mut *connection)
        .await?;
    let moved = sqlx::query("update meta set epoch = $1, timeline = $2, home = $3 where home <> $3")
        .bind(&epoch)
        .bind(&timeline)
        .bind(&home)
        .execute(&mut *connection)
        .await?;
    if moved.rows_affected() > 0 {
        for statement in [
            "update rooms set version = pg_current_xact_id()::text::bigint",
            "update revocations set version = pg_current_xact_id()::text::bigint",
            "delete from refresh_tokens",
            "delete from sessions",
        ] {
            sqlx::query(statement).execute(&mut *connection).await?;
        }
    }
    Ok(())
}

async fn check_schema(connection: &mut PgConnection) -> Result<(), Error> {
    let any: bool = sqlx::query_scalar("select to_regclass('_sqlx_migrations') is not null").fetch_one(&mut *connection).await?;
    if !any {
        return Err(Error::Empty);
    }
    let applied: Vec<i64> =
        sqlx::query_scalar("select version from _sqlx_migrations where success order by version").fetch_all(connection).await?;
    if let Some(unknown) = applied.iter().find(|version| !MIGRATIONS.version_exists(**version)) {
        return Err(newer(*unknown));
    }
    match MIGRATIONS.iter().find(|migration| !applied.contains(&migration.version)) {
        Some(missing) => Err(Error::Schema(format!("migration {} has not run; start the server of this version once", missing.version))),
        None => Ok(()),
    }
}
