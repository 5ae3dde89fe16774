//! The one writer: takes everything that waits, in one transaction (group commit), and hands the committed batch to the
//! publisher, with whom the callers' answers travel.

use std::{
    fmt,
    future::Future,
    path::PathBuf,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use sqlx::Connection as _;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::{Instant, Timeout, timeout, timeout_at},
};

use crate::{
    Batch, Batches, Clock, Error, Store,
    batch::{self, BoxFuture, Done, Job, Reply, Wakes, Work, answer},
    readers::Readers,
    sqlite::{self, Checkpoints, Connection},
};

/// Most jobs of one transaction.
const BATCH_MAX: usize = 1_024;
/// Most jobs that wait; a sender past them waits for its place.
const QUEUE_MAX: usize = 4_096;
/// When a caller is told that its job is not known to be stored, so that people hear it within five seconds.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(4_500);
/// Jobs after which the write-ahead log is worth copying at once: some thousand pages, of which many are the same.
const CHECKPOINT_JOBS: usize = 8_192;
/// How long closing waits for readers before it leaves the log to the next start.
const READERS_TIMEOUT: Duration = Duration::from_secs(2);

/// The answer to a write that is in the queue: comes once it is committed, or is known not to be.
#[must_use = "the answer says whether it was stored"]
pub struct Pending<T>(Pin<Box<Timeout<oneshot::Receiver<T>>>>);

impl<T> fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pending")
    }
}

impl<T> Future for Pending<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(context).map(|answer| match answer {
            Ok(answer) => answer.map_err(|_| not_committed()),
            Err(_) => Err(too_slow()),
        })
    }
}

fn not_committed() -> Error {
    Error::NotDurable("the transaction was not committed".into())
}

fn too_slow() -> Error {
    Error::NotDurable("the database is too slow".into())
}

fn closed() -> Error {
    Error::NotDurable("the store is closed".into())
}

/// The writer's queue.
pub(crate) struct Queue {
    jobs: mpsc::Sender<Job>,
    /// Closes when the writer has ended.
    ended: watch::Receiver<()>,
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Queue")
    }
}

impl Queue {
    /// How many jobs wait.
    pub(crate) fn queued(&self) -> usize {
        self.jobs.max_capacity() - self.jobs.capacity()
    }

    /// Takes a place in the order.
    pub(crate) async fn push<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<Pending<T>, Error> {
        let deadline = Instant::now() + ANSWER_TIMEOUT;
        let (reply, answer) = oneshot::channel();
        timeout_at(deadline, self.jobs.send(job(reply))).await.map_err(|_| too_slow())?.map_err(|_| closed())?;
        Ok(Pending(Box::pin(timeout_at(deadline, answer))))
    }

    /// As `push`, for work that may take its time.
    pub(crate) async fn push_patiently<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        self.jobs.send(job(reply)).await.map_err(|_| closed())?;
        answer.await.map_err(|_| not_committed())
    }

    /// Resolves when the writer has ended, whoever asked for it.
    pub(crate) async fn close(&self) {
        // An error means that it is ending.
        let _ = self.jobs.send(Job::Close).await;
        let _ = self.ended.clone().changed().await;
    }
}

impl Store {
    pub(crate) fn queue(&self) -> &Queue {
        &self.inner.writer
    }

    /// Runs a job alone in the order of the queue and answers once it is committed.
    pub(crate) async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&'a mut Work) -> BoxFuture<'a, sqlx::Result<T>> + Send + 'static,
    {
        self.queue().push(|reply| task(work, reply)).await?.await
    }

    /// As `write`, for work that may take its time.
    pub(crate) async fn write_patiently<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&'a mut Work) -> BoxFuture<'a, sqlx::Result<T>> + Send + 'static,
    {
        self.queue().push_patiently(|reply| task(work, reply)).await
    }
}

fn task<T, F>(work: F, reply: Reply<T>) -> Job
where
    T: Send + 'static,
    F: for<'a> FnOnce(&'a mut Work) -> BoxFuture<'a, sqlx::Result<T>> + Send + 'static,
{
    Job::Task(Box::new(move |transaction| {
        Box::pin(async move {
            let value = work(transaction).await?;
            Ok(answer(reply, value))
        })
    }))
}

struct Writer {
    queue: mpsc::Receiver<Job>,
    /// `None` after a failure, until it can be opened again.
    work: Option<Work>,
    path: PathBuf,
    readers: Readers,
    clock: Clock,
    version: i64,
    committed: mpsc::UnboundedSender<Batch>,
    /// See [`crate::Batches`].
    published: Arc<AtomicBool>,
    checkpoints: Arc<Checkpoints>,
    checkpointer: JoinHandle<()>,
    jobs_since_checkpoint: usize,
    /// Dropped with the writer, which tells who closes.
    _ended: watch::Sender<()>,
}

/// Starts the writer's task, which ends with its queue.
pub(crate) fn start(connection: Connection, path: PathBuf, readers: Readers, clock: Clock, version: i64) -> (Queue, Batches) {
    let (committed, batches) = mpsc::unbounded_channel();
    let published = Arc::new(AtomicBool::new(false));
    let batches = Batches { batches, published: published.clone() };
    let (jobs, queue) = mpsc::channel(QUEUE_MAX);
    let (_ended, ended) = watch::channel(());
    let checkpoints = Arc::new(Checkpoints::default());
    let checkpointer = tokio::spawn(Arc::clone(&checkpoints).run(path.clone()));
    let work = Some(Work::new(connection));
    let jobs_since_checkpoint = 0;
    let writer = Writer {
        queue,
        work,
        path,
        readers,
        clock,
        version,
        committed,
        published,
        checkpoints,
        checkpointer,
        jobs_since_checkpoint,
        _ended,
    };
    tokio::spawn(writer.run());
    (Queue { jobs, ended }, batches)
}

impl Writer {
    /// The first job starts at once; while a commit runs, the next batch gathers.
    async fn run(mut self) {
        let mut jobs = Vec::with_capacity(BATCH_MAX);
        while self.queue.recv_many(&mut jobs, BATCH_MAX).await > 0 {
            if jobs.iter().any(|job| matches!(job, Job::Close)) {
                self.queue.close();
                jobs.retain(|job| !matches!(job, Job::Close));
            }
            if jobs.is_empty() {
                continue;
            }
            self.commit(std::mem::replace(&mut jobs, Vec::with_capacity(BATCH_MAX))).await;
        }
        self.shut_down().await;
    }

    /// One batch. When it fails its jobs are dropped, which tells every caller; nothing is tried again.
    async fn commit(&mut self, jobs: Vec<Job>) {
        let (started, size, now) = (Instant::now(), jobs.len(), self.clock.now());
        let work = match self.take_work().await {
            Ok(work) => work,
            Err(error) => return tracing::error!(%error, jobs = size, "the database cannot be opened for writing"),
        };
        // A task of its own, so that a panic costs this batch and not the writer.
        let batch = tokio::spawn(async move {
            let mut work = work;
            let result = batch::run(&mut work, jobs, now).await;
            (work, result)
        });
        match batch.await {
            Ok((work, Ok(done))) => self.committed(work, done, size, started.elapsed()),
            Ok((work, Err(error))) => {
                tracing::error!(%error, jobs = size, "a batch was not committed");
                // Closing rolls back; what else is wrong with the connection goes with it.
                let _ = work.connection.close().await;
            }
            Err(error) => tracing::error!(%error, jobs = size, "a batch broke off"),
        }
    }

    /// The connection, opened anew after a failure.
    async fn take_work(&mut self) -> sqlx::Result<Work> {
        match self.work.take() {
            Some(mut work) => {
                self.checkpoints.relieve(&mut work.connection).await;
                Ok(work)
            }
            None => {
                let mut connection = sqlite::connect(&self.path).await?;
                sqlite::settle(&self.path, &mut connection).await?;
                Ok(Work::new(connection))
            }
        }
    }

    /// The publisher hears of it before the callers do, so that batches are published in commit order.
    fn committed(&mut self, work: Work, done: Done, size: usize, committed_in: Duration) {
        self.work = Some(work);
        self.version = done.version.unwrap_or(self.version);
        let wakes = Wakes(done.wakes);
        let (with_batch, now) =
            if self.published.load(Ordering::Relaxed) { (wakes, Wakes(Vec::new())) } else { (Wakes(Vec::new()), wakes) };
        // Nobody listens in a command beside the server.
        drop(self.committed.send(Batch { version: self.version, events: done.events, committed_in, size, wakes: with_batch }));
        drop(now);
        self.jobs_since_checkpoint += size;
        let due = self.jobs_since_checkpoint >= CHECKPOINT_JOBS;
        if due {
            self.jobs_since_checkpoint = 0;
        }
        self.checkpoints.note(due);
    }

    /// The writer's connection is the last to go, so that it can empty the log.
    async fn shut_down(mut self) {
        self.checkpoints.stop();
        let _ = (&mut self.checkpointer).await;
        if timeout(READERS_TIMEOUT, self.readers.close()).await.is_err() {
            tracing::warn!("somebody still reads; the write-ahead log is left to the next start");
        }
        if let Some(work) = self.work.take()
            && let Err(error) = sqlite::close(work.connection).await
        {
            tracing::warn!(%error, "the write-ahead log was not emptied");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Error, Options, Store};

    #[tokio::test]
    async fn a_panic_costs_its_batch_and_not_the_writer() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (store, _batches) = Store::open(Options::new(folder.path().join("frontdesk.db")), true).await.expect("it opens");
        let broken = store.write::<(), _>(|_| Box::pin(async { panic!("as a bug would") })).await;
        assert!(matches!(broken, Err(Error::NotDurable(_))));
        assert_eq!(store.probe().await, Ok(()));
    }
}
