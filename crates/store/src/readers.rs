//! The connections that read: opened when they are needed, each lent to one caller at a time.
//!
//! sqlx's own pool asks each connection that comes back whether it lives, in a task of its own; beside a file in the next room that
//! is as much as a short read itself.

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{Error, source::Source, sql::Connection, sqlite::BUSY_TIMEOUT};

/// A connection that nobody has needed for so long is closed.
const IDLE_MAX: Duration = Duration::from_secs(10);

/// All of them; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Readers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: Source,
    /// The one that came back last is lent first, so that those at the beginning are needed no more.
    idle: Mutex<Vec<(Connection, Instant)>>,
    places: Arc<Semaphore>,
    most: u32,
}

/// One that has waited for longer is tried before it is lent: the database's server may have gone meanwhile.
const UNTRIED_MAX: Duration = Duration::from_secs(1);

impl Inner {
    fn idle(&self) -> MutexGuard<'_, Vec<(Connection, Instant)>> {
        self.idle.lock().expect("no code panics while it holds the readers")
    }
}

impl Readers {
    /// At most so many; none is open yet.
    pub(crate) fn new(source: Source, most: u32) -> Self {
        let most = most.max(1);
        let places = Arc::new(Semaphore::new(most as usize));
        Self(Arc::new(Inner { source, idle: Mutex::default(), places, most }))
    }

    /// Lends one. Whoever finds all of them lent waits a while.
    pub(crate) async fn lend(&self) -> Result<Reader, Error> {
        let place = timeout(BUSY_TIMEOUT, self.0.places.clone().acquire_owned()).await;
        let place = place.map_err(|_| Error::Unavailable("too much is read at once".into()))?.map_err(|_| closed())?;
        let idle = self.0.idle().pop();
        let connection = match idle {
            Some((mut connection, since)) => {
                if since.elapsed() > UNTRIED_MAX && !connection.is_alive().await {
                    // What ended this one has ended those that waited, too.
                    self.0.idle().clear();
                    connection = self.0.source.reader().await?;
                }
                connection
            }
            None => self.0.source.reader().await?,
        };
        Ok(Reader { readers: self.0.clone(), connection: Some(connection), _place: place })
    }

    /// Waits until all are back, and closes them.
    pub(crate) async fn close(&self) {
        let _all = self.0.places.acquire_many(self.0.most).await;
        self.0.places.close();
        let idle = std::mem::take(&mut *self.0.idle());
        for (connection, _) in idle {
            // It has written nothing that could be lost.
            let _ = connection.close().await;
        }
    }
}

fn closed() -> Error {
    Error::Unavailable("the store is closed".into())
}

/// A connection on loan; dropping it gives it back, whatever it was about to do: sqlx rolls back what was begun before it does
/// anything else. One that is broken is not kept.
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
        let Some(connection) = self.connection.take() else { return };
        let mut idle = self.readers.idle();
        if connection.is_broken() {
            // What ended this one has ended those that waited, too.
            idle.clear();
        } else {
            idle.push((connection, Instant::now()));
        }
        // Each has a cache of its own, which nobody needs after a crowd has left.
        let old = idle.first().is_some_and(|(_, since)| since.elapsed() > IDLE_MAX).then(|| idle.remove(0));
        drop(idle);
        drop(old);
    }
}
