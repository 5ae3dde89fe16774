//! Opening the data beside a server that may be running, for changing them or for looking only.

use std::time::Duration;

use frontdesk_store::{Batches, Database, Error, Inspection, Store};
use tokio::runtime::Builder;

use super::Place;
use crate::{
    config::Config,
    data::{DataError, DataFolder},
};

/// How often a tool that finds the folder held and the schema old looks again: the holder may be a tool that is migrating.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(100);

/// What a tool works on.
pub struct Opened {
    /// The settings.
    pub config: Config,
    /// The data folder.
    pub folder: DataFolder,
    /// The database.
    pub store: Store,
}

/// Opens the data, does something with it, and closes it.
pub fn with_data<T>(place: Place, work: impl AsyncFnOnce(&Opened) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let config = place.load()?;
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let opened = open(config).await?;
        let done = work(&opened).await;
        opened.store.close().await;
        done
    })
}

/// Opens the data for looking at them, as they are: nothing is migrated. What is absent is made.
pub async fn to_read(config: Config) -> anyhow::Result<(DataFolder, Inspection)> {
    let folder = DataFolder::open_for_tool(&config)?;
    let database = folder.store().database;
    if is_absent(&database).await {
        open(config).await?.store.close().await;
    }
    for _ in 0..TRIES {
        let inspection = Inspection::open(&database).await?;
        if inspection.is_current() || folder.try_hold()?.is_some() {
            return Ok((folder, inspection));
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(Error::Schema("a server of another version is running".into()).into())
}

async fn is_absent(database: &Database) -> bool {
    match database {
        Database::Sqlite(path) => !path.exists(),
        Database::Postgres(_) => matches!(Inspection::open(database).await, Err(Error::Empty)),
    }
}

/// Migrates only while nobody else holds the folder: a server's schema is not changed under its feet.
async fn open(config: Config) -> anyhow::Result<Opened> {
    let folder = DataFolder::open_for_tool(&config)?;
    let mut tries = 0;
    loop {
        tries += 1;
        match try_open(&folder).await {
            Ok(store) => return Ok(Opened { config, folder, store }),
            Err(TryError::Held(Error::Schema(_) | Error::Empty)) if tries < TRIES => tokio::time::sleep(PAUSE).await,
            Err(TryError::Held(error) | TryError::Store(error)) => return Err(error.into()),
            Err(TryError::Folder(error)) => return Err(error.into()),
        }
    }
}

enum TryError {
    Folder(DataError),
    Held(Error),
    Store(Error),
}

async fn try_open(folder: &DataFolder) -> Result<Store, TryError> {
    let hold = folder.try_hold().map_err(TryError::Folder)?;
    let opened = open_store(folder, hold.is_some()).await;
    // What this process stores is found by the server's scan; nobody listens to batches here.
    let store = opened.map(|(store, _)| store).map_err(if hold.is_some() { TryError::Store } else { TryError::Held })?;
    if let Some(copy) = store.copy_before_migration() {
        eprintln!("the database was migrated; as it was before, it is kept in {}", copy.display());
    }
    Ok(store)
}

/// In a PostgreSQL database a tool only makes what is absent: other nodes, which this folder knows nothing of, may be running.
async fn open_store(folder: &DataFolder, migrate: bool) -> Result<(Store, Batches), Error> {
    if !folder.is_elsewhere() {
        return Store::open(folder.store(), migrate).await;
    }
    match Store::open(folder.store(), false).await {
        Err(Error::Empty) => Store::open(folder.store(), true).await,
        opened => opened,
    }
}
