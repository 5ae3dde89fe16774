//! The one writer: takes everything that waits, in one transaction (group commit), and hands the committed batch to the
//! publisher, with whom the callers' answers travel.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::{Instant, Timeout, sleep, timeout, timeout_at},
};

use crate::{
    Batch, Batches, Clock, Error, Store,
    batch::{self, BoxFuture, Done, Job, Reply, Wakes, Work, answer},
    readers::Readers,
    source::Source,
    sql::{Connection, Dialect, is_lost, is_worth_repeating, query},
    sqlite::{self, Checkpoints},
};

/// Most jobs of one transaction.
const BATCH_MAX: usize = 1_024;
/// Most jobs that wait; a sender past them waits for its place.
const QUEUE_MAX: usize = 4_096;
/// When a caller is told that its job is not known to be stored, so that people hear it within five seconds.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(4_500);
/// Jobs after which the write-ahead log is worth copying at once: some thousand pages, of which many are the same.
const CHECKPOINT_JOBS: usize = 8_192;
/// How long a batch is tried on PostgreSQL; its callers give up a little later.
const TRY_FOR: Duration = Duration::from_secs(4);
/// Between two tries.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(50);
/// Batches after which the parts of the inbox's sums are added up.
const FOLD_BATCHES: usize = 256;
/// How long closing waits for readers before it leaves them behind, and the log to the next start.
const READERS_TIMEOUT: Duration = Duration::from_secs(2);
/// How long saying goodbye to PostgreSQL may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

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
    Job::Task(Some(Box::new(move |transaction| {
        Box::pin(async move {
            let value = work(transaction).await?;
            Ok(answer(reply, value))
        })
    })))
}

struct Writer {
    queue: mpsc::Receiver<Job>,
    /// `None` after a failure, until it can be opened again.
    work: Option<Work>,
    source: Source,
    readers: Readers,
    clock: Clock,
    version: i64,
    committed: mpsc::UnboundedSender<Batch>,
    /// See [`crate::Batches`].
    published: Arc<AtomicBool>,
    upkeep: Upkeep,
    /// Dropped with the writer, which tells who closes.
    _ended: watch::Sender<()>,
}

/// What the database needs beside the batches.
enum Upkeep {
    /// The write-ahead log is copied into the database.
    Sqlite { checkpoints: Arc<Checkpoints>, checkpointer: JoinHandle<()>, jobs: usize },
    /// The parts of the inbox's sums are added up.
    Postgres { batches: usize },
}

impl Upkeep {
    fn new(source: &Source) -> Self {
        match source {
            Source::Sqlite { path, .. } => {
                let checkpoints = Arc::new(Checkpoints::default());
                let checkpointer = tokio::spawn(Arc::clone(&checkpoints).run(path.clone()));
                Self::Sqlite { checkpoints, checkpointer, jobs: 0 }
            }
            Source::Postgres(_) => Self::Postgres { batches: 0 },
        }
    }

    /// Before a batch, on its connection.
    async fn before(&mut self, connection: &mut Connection) -> sqlx::Result<()> {
        match (self, connection) {
            (Self::Sqlite { checkpoints, .. }, Connection::Sqlite(connection)) => checkpoints.relieve(connection).await,
            (Self::Postgres { batches }, connection) if *batches >= FOLD_BATCHES => {
                *batches = 0;
                query(
                    "with parts as (delete from inbox_deltas where ctid = any (array(select ctid from inbox_deltas for update skip locked)) \
                     returning *) insert into inbox_deltas (open, resolved, rooms_unread, unread) \
                     select sum(open), sum(resolved), sum(rooms_unread), sum(unread) from parts having count(*) > 0",
                )
                .execute(connection)
                .await?;
            }
            _ => {}
        }
        Ok(())
    }

    /// After a batch of so many jobs.
    fn after(&mut self, size: usize) {
        match self {
            Self::Sqlite { checkpoints, jobs, .. } => {
                *jobs += size;
                let due = *jobs >= CHECKPOINT_JOBS;
                if due {
                    *jobs = 0;
                }
                checkpoints.note(due);
            }
            Self::Postgres { batches } => *batches += 1,
        }
    }
}

/// Starts the writer's task, which ends with its queue.
pub(crate) fn start(connection: Connection, source: Source, readers: Readers, clock: Clock, version: i64) -> (Queue, Batches) {
    let (committed, batches) = mpsc::unbounded_channel();
    let published = Arc::new(AtomicBool::new(false));
    let batches = Batches { batches, published: published.clone() };
    let (jobs, queue) = mpsc::channel(QUEUE_MAX);
    let (_ended, ended) = watch::channel(());
    let upkeep = Upkeep::new(&source);
    let work = Some(Work::new(connection));
    let writer = Writer { queue, work, source, readers, clock, version, committed, published, upkeep, _ended };
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
            let jobs = std::mem::replace(&mut jobs, Vec::with_capacity(BATCH_MAX));
            match self.source.dialect() {
                Dialect::Sqlite => self.commit(jobs).await,
                Dialect::Postgres => {
                    for jobs in cut_at_tasks(jobs) {
                        self.commit(jobs).await;
                    }
                }
            }
        }
        self.shut_down().await;
    }

    /// One batch. When it fails its jobs are dropped, which tells every caller. On SQLite nothing is tried again: what a failed sync has
    /// left behind is not known. On PostgreSQL, which other nodes use and which may be elsewhere, it is, as far as that is safe.
    async fn commit(&mut self, mut jobs: Vec<Job>) {
        let started = Instant::now();
        loop {
            let size = jobs.len();
            let Err((error, rest)) = self.attempt(jobs, started).await else { return };
            if rest.is_empty() || started.elapsed() >= TRY_FOR {
                return tracing::error!(%error, jobs = size, "a batch was not committed");
            }
            tracing::warn!(%error, jobs = size, again = rest.len(), "a batch was not committed and is tried again");
            jobs = rest;
            sleep(TRY_AGAIN_AFTER).await;
        }
    }

    /// The error, and the jobs that may be done again.
    async fn attempt(&mut self, jobs: Vec<Job>, started: Instant) -> Result<(), (sqlx::Error, Vec<Job>)> {
        let (size, now) = (jobs.len(), self.clock.now());
        let work = match self.take_work().await {
            Ok(work) => work,
            Err(error) if self.source.dialect() == Dialect::Postgres => return Err((error, jobs)),
            Err(error) => return Err((error, Vec::new())),
        };
        // A task of its own, so that a panic costs this batch and not the writer.
        let batch = tokio::spawn(async move {
            let (mut work, mut jobs) = (work, jobs);
            let result = batch::run(&mut work, &mut jobs, now).await;
            (work, jobs, result)
        });
        match batch.await {
            Ok((work, _, Ok(done))) => {
                self.committed(work, done, size, started.elapsed());
                Ok(())
            }
            Ok((work, jobs, Err(error))) => {
                let jobs = repeatable(&work, jobs, &error);
                // Closing rolls back; what else is wrong with the connection goes with it.
                let _ = timeout(CLOSE_TIMEOUT, work.connection.close()).await;
                Err((error, jobs))
            }
            Err(error) => {
                tracing::error!(%error, jobs = size, "a batch broke off");
                Ok(())
            }
        }
    }

    /// The connection, opened anew after a failure.
    async fn take_work(&mut self) -> sqlx::Result<Work> {
        let mut work = match self.work.take() {
            Some(work) => work,
            None => Work::new(self.source.writer().await?),
        };
        self.upkeep.before(&mut work.connection).await?;
        Ok(work)
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
        self.upkeep.after(size);
    }

    /// The writer's connection is the last to go, so that it can empty the log.
    async fn shut_down(mut self) {
        if let Upkeep::Sqlite { checkpoints, checkpointer, .. } = &mut self.upkeep {
            checkpoints.stop();
            let _ = checkpointer.await;
        }
        if timeout(READERS_TIMEOUT, self.readers.close()).await.is_err() {
            tracing::warn!("somebody still reads, and is left behind");
        }
        match self.work.take().map(|work| work.connection) {
            Some(Connection::Sqlite(connection)) => {
                if let Err(error) = sqlite::close(connection).await {
                    tracing::warn!(%error, "the write-ahead log was not emptied");
                }
            }
            Some(connection) => drop(timeout(CLOSE_TIMEOUT, connection.close()).await),
            None => {}
        }
    }
}

/// Tasks have transactions of their own on PostgreSQL: each takes few locks, in one order, and what cannot be done again takes nothing
/// else with it.
fn cut_at_tasks(jobs: Vec<Job>) -> Vec<Vec<Job>> {
    let mut cuts: Vec<Vec<Job>> = Vec::new();
    for job in jobs {
        match cuts.last_mut() {
            Some(last) if !matches!(job, Job::Task(_)) && !matches!(last[0], Job::Task(_)) => last.push(job),
            _ => cuts.push(vec![job]),
        }
    }
    cuts
}

/// What may be done again after an error: on PostgreSQL all that was not stored for certain, and of what may have been stored, what is
/// stored once however often it is sent.
fn repeatable(work: &Work, mut jobs: Vec<Job>, error: &sqlx::Error) -> Vec<Job> {
    if work.connection.dialect() == Dialect::Sqlite || !is_worth_repeating(error) {
        return Vec::new();
    }
    let in_doubt = work.is_committing() && is_lost(error);
    jobs.retain(|job| !matches!(job, Job::Task(None)) && (!in_doubt || job.is_repeatable()));
    jobs
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
