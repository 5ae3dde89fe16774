//! Where the database is, and how connections to it are made.

use std::{path::PathBuf, sync::Arc};

use tokio::sync::watch;

use crate::{
    Database, Error, postgres,
    sql::{Connection, Dialect, query, query_as},
    sqlite,
};

/// An opened database. Clones share it.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Sqlite { path: PathBuf, epoch: watch::Receiver<Arc<str>> },
    Postgres(Arc<postgres::Server>),
}

/// A database that was opened just now.
pub(crate) struct Opened {
    pub(crate) source: Source,
    /// The one that writes.
    pub(crate) writer: Connection,
    /// The newest change number.
    pub(crate) version: i64,
    /// The copy that was made before a migration.
    pub(crate) copy: Option<PathBuf>,
}

impl Source {
    pub(crate) async fn open(database: Database, migrate: bool) -> Result<Opened, Error> {
        match database {
            Database::Sqlite(path) => {
                let (connection, copy) = sqlite::open(&path, migrate).await?;
                let mut writer = Connection::from(connection);
                let (epoch, version) = meta(&mut writer).await?;
                let (_, epoch) = watch::channel(Arc::from(epoch));
                Ok(Opened { source: Self::Sqlite { path, epoch }, writer, version, copy })
            }
            Database::Postgres(url) => {
                let server = postgres::Server::open(&url, migrate).await?;
                let writer = server.connect().await?;
                Ok(Opened { source: Self::Postgres(Arc::new(server)), writer, version: 0, copy: None })
            }
        }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite { .. } => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// A connection that reads.
    pub(crate) async fn reader(&self) -> sqlx::Result<Connection> {
        match self {
            Self::Sqlite { path, .. } => sqlite::connect_reader(path).await.map(Connection::from),
            Self::Postgres(server) => server.connect().await,
        }
    }

    /// A connection that writes, after the one before was of no more use.
    pub(crate) async fn writer(&self) -> sqlx::Result<Connection> {
        match self {
            Self::Sqlite { path, .. } => {
                let mut connection = sqlite::connect(path).await?;
                sqlite::settle(path, &mut connection).await?;
                Ok(connection.into())
            }
            Self::Postgres(server) => server.connect().await,
        }
    }

    /// The history that all seqs belong to, as far as is known.
    pub(crate) fn epoch(&self) -> watch::Receiver<Arc<str>> {
        match self {
            Self::Sqlite { epoch, .. } => epoch.clone(),
            Self::Postgres(server) => server.epoch(),
        }
    }
}

/// The epoch, made with the database, and the newest version.
async fn meta(connection: &mut Connection) -> Result<(String, i64), Error> {
    query("insert into meta (one, epoch, version) values (1, $1, 0) on conflict (one) do nothing")
        .bind(uuid::Uuid::new_v4().simple().to_string())
        .execute(&mut *connection)
        .await?;
    Ok(query_as("select epoch, version from meta").fetch_one(connection).await?)
}
