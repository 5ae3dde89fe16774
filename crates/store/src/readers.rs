//! The connections that read: opened when they are needed, each lent to one caller at a time.
//!
//! sqlx's own pool asks each connection that comes back whether it lives, in a task of its own; beside a file in the next room that
//! is as much as a short read itself.

use std::{
    ops::{Deref, DerefMut},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard},
};

use sqlx::Connection as _;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{
    Error,
    sqlite::{self, BUSY_TIMEOUT, Connection},
};

/// All of them; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Readers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    places: Arc<Semaphore>,
    most: u32,
}

impl Inner {
    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().expect("no code panics while it holds the readers")
    }
}

impl Readers {
    /// At most so many for a file; none is open yet.
    pub(crate) fn new(path: PathBuf, most: u32) -> Self {
        let most = most.max(1);
        let places = Arc::new(Semaphore::new(most as usize));
        Self(Arc::new(Inner { path, idle: Mutex::default(), places, most }))
    }

    /// Lends one. Whoever finds all of them lent waits a while.
    pub(crate) async fn lend(&self) -> Result<Reader, Error> {
        let place = timeout(BUSY_TIMEOUT, self.0.places.clone().acquire_owned()).await;
        let place = place.map_err(|_| Error::Unavailable("too much is read at once".into()))?.map_err(|_| closed())?;
        let idle = self.0.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.open().await?,
        };
        Ok(Reader { readers: self.0.clone(), connection: Some(connection), _place: place })
    }

    /// One more, for whoever keeps it for long.
    pub(crate) async fn open(&self) -> Result<Connection, Error> {
        Ok(sqlite::connect_reader(&self.0.path).await?)
    }

    /// Waits until all are back, and closes them.
    pub(crate) async fn close(&self) {
        let _all = self.0.places.acquire_many(self.0.most).await;
        self.0.places.close();
        let idle = std::mem::take(&mut *self.0.idle());
        for connection in idle {
            // It has written nothing that could be lost.
            let _ = connection.close().await;
        }
    }
}

fn closed() -> Error {
    Error::Unavailable("the store is closed".into())
}

/// A connection on loan; dropping it gives it back, whatever it was about to do: sqlx rolls back what was begun before it does
/// anything else.
#[derive(Debug)]
pub(crate) struct Reader {
    readers: Arc<Inner>,
    connection: Option<Connection>,
    _place: OwnedSemaphorePermit,
}

impl Deref for Reader {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("it is given back by `drop` only")
    }
}

impl DerefMut for Reader {
    fn deref_mut(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("it is given back by `drop` only")
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.readers.idle().extend(self.connection.take());
    }
}
