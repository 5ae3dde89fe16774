//! One transaction: the jobs of a batch in arrival order, what they changed, and who waits for it.

use std::{
    collections::BTreeSet,
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use frontdesk_protocol::{Id, Message, RoomStatus, Seq, Timestamp};
use tokio::sync::{mpsc::UnboundedReceiver, oneshot};

use crate::{
    Mark, MarkOutcome, NewMessage, ReceiptMark, SendOutcome, columns, receipts, sends,
    sql::{Connection, Dialect, query, query_scalar},
};

/// What one commit changed, in the order in which it happened.
#[derive(Debug)]
pub struct Batch {
    /// The newest change number that this store has made.
    pub version: i64,
    /// What happened.
    pub events: Vec<Event>,
    /// How long the transaction took, its commit included.
    pub committed_in: Duration,
    /// How many jobs it carried.
    pub size: usize,
    #[expect(dead_code, reason = "dropping it wakes the callers")]
    pub(crate) wakes: Wakes,
}

/// Every committed batch, in commit order.
///
/// Once somebody waits in [`Batches::recv`], the callers of a batch have their answers when it is dropped: published first, an
/// event and the answer to its sender arrive together. Before that, and without a listener, they have them at once.
#[derive(Debug)]
pub struct Batches {
    pub(crate) batches: UnboundedReceiver<Batch>,
    pub(crate) published: Arc<AtomicBool>,
}

impl Batches {
    /// The next batch; `None` when the writer has ended.
    pub async fn recv(&mut self) -> Option<Batch> {
        self.published.store(true, Ordering::Relaxed);
        self.batches.recv().await
    }

    /// A batch that is there already.
    pub fn try_recv(&mut self) -> Option<Batch> {
        self.batches.try_recv().ok()
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.batches.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }
}

/// Wakes the callers of a batch when it is dropped.
pub(crate) struct Wakes(pub(crate) Vec<Wake>);

impl Drop for Wakes {
    fn drop(&mut self) {
        for wake in self.0.drain(..) {
            wake();
        }
    }
}

impl fmt::Debug for Wakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} callers", self.0.len())
    }
}

/// A change of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A message: durable, has a seq.
    Message(Message),
    /// The room was resolved or reopened by hand: durable, has a seq.
    StatusChanged {
        /// Where.
        room_id: Id,
        /// The event's place in the room.
        seq: Seq,
        /// The status from now on.
        status: RoomStatus,
        /// Who changed it.
        user_id: Id,
        /// When.
        created_at: Timestamp,
    },
    /// A person's watermark that moved.
    Receipt(ReceiptMark),
    /// A new, empty room.
    RoomMade {
        /// Which.
        room_id: Id,
    },
}

impl Event {
    /// The event's place in its room, if it is a durable one.
    #[must_use]
    pub fn seq(&self) -> Option<Seq> {
        match self {
            Self::Message(message) => Some(message.seq),
            Self::StatusChanged { seq, .. } => Some(*seq),
            Self::Receipt(_) | Self::RoomMade { .. } => None,
        }
    }
}

/// Where the answer to a job goes. Dropped, it tells the caller that the job is not known to be stored.
pub(crate) type Reply<T> = oneshot::Sender<T>;
/// Wakes a caller after the commit.
pub(crate) type Wake = Box<dyn FnOnce() + Send>;
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
/// A job that runs alone, between the sets. A closure, since each has an answer of its own type.
pub(crate) type Task = Box<dyn for<'a> FnOnce(&'a mut Work) -> BoxFuture<'a, sqlx::Result<Wake>> + Send>;

/// What waits in the writer's queue. What a job asks for is taken out when it is done.
pub(crate) enum Job {
    Send(Option<Box<NewMessage>>, Reply<SendOutcome>),
    Mark(Mark, Reply<MarkOutcome>),
    Task(Option<Task>),
    /// The last: what comes after it is refused.
    Close,
}

impl Job {
    /// Whether it may be done again when nobody knows whether it was done: a mark, and what has a `client_id`, is stored once.
    pub(crate) fn is_repeatable(&self) -> bool {
        match self {
            Self::Send(message, _) => message.as_ref().is_some_and(|message| message.client_id.is_some()),
            Self::Mark(..) => true,
            Self::Task(_) | Self::Close => false,
        }
    }
}

/// What became of a job.
enum Outcome {
    Send(SendOutcome),
    Mark(MarkOutcome),
    Task(Wake),
}

/// A transaction in the making.
pub(crate) struct Work {
    /// The one connection that writes.
    pub(crate) connection: Connection,
    /// One time for everything in the transaction.
    pub(crate) now: Timestamp,
    /// What happened so far.
    pub(crate) events: Vec<Event>,
    version: Option<i64>,
    stage: Stage,
}

/// How far a transaction is. Statements in one text go to the connection's thread together, and each trip there costs as much as a
/// small statement, so the first may begin and the last may commit it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    New,
    Begun,
    Committed,
}

impl Work {
    pub(crate) fn new(connection: Connection) -> Self {
        Self { connection, now: Timestamp::default(), events: Vec::new(), version: None, stage: Stage::New }
    }

    /// What the text of the next statement must begin with.
    pub(crate) fn opening(&mut self) -> &'static str {
        match (std::mem::replace(&mut self.stage, Stage::Begun), self.connection.dialect()) {
            (Stage::New, Dialect::Sqlite) => "begin immediate;",
            (Stage::New, Dialect::Postgres) => "begin",
            (Stage::Begun | Stage::Committed, _) => "",
        }
    }

    pub(crate) async fn begin(&mut self) -> sqlx::Result<()> {
        let opening = self.opening();
        if !opening.is_empty() {
            query(opening).execute(&mut self.connection).await?;
        }
        Ok(())
    }

    /// Whether the commit was asked for: then an error does not tell whether it came about.
    pub(crate) fn is_committing(&self) -> bool {
        self.stage == Stage::Committed
    }

    /// What the text of the last statement must end with.
    pub(crate) fn closing(&mut self) -> &'static str {
        self.stage = Stage::Committed;
        "commit"
    }

    /// The message of a job. PostgreSQL's jobs keep it, since they may have to be done again.
    fn taken(&self, message: &mut Option<Box<NewMessage>>) -> Box<NewMessage> {
        let taken = match self.connection.dialect() {
            Dialect::Sqlite => message.take(),
            Dialect::Postgres => message.clone(),
        };
        taken.expect("a message is taken once")
    }

    async fn commit(&mut self) -> sqlx::Result<()> {
        if self.stage == Stage::Begun {
            query(self.closing()).execute(&mut self.connection).await?;
        }
        Ok(())
    }

    /// This transaction's change number, taken by the first room that it changes.
    pub(crate) async fn version(&mut self) -> sqlx::Result<i64> {
        if let Some(version) = self.version {
            return Ok(version);
        }
        let next = match self.connection.dialect() {
            Dialect::Sqlite => "update meta set version = version + 1 returning version",
            Dialect::Postgres => "select pg_current_xact_id()::text::bigint",
        };
        let version = query_scalar(next).fetch_one(&mut self.connection).await?;
        self.version = Some(version);
        Ok(version)
    }

    /// By how much a statement that takes the number by itself must raise it.
    pub(crate) fn version_step(&self) -> i64 {
        i64::from(self.version.is_none())
    }

    /// Notes the number that a statement has taken.
    pub(crate) fn note_version(&mut self, version: i64) {
        self.version = Some(version);
    }
}

/// What a job may fall back to without failing its batch.
pub(crate) struct Savepoint {
    version: Option<i64>,
    events: usize,
}

impl Work {
    pub(crate) async fn savepoint(&mut self) -> sqlx::Result<Savepoint> {
        query("savepoint job").execute(&mut self.connection).await?;
        Ok(Savepoint { version: self.version, events: self.events.len() })
    }

    pub(crate) async fn release(&mut self) -> sqlx::Result<()> {
        query("release savepoint job").execute(&mut self.connection).await.map(drop)
    }

    pub(crate) async fn roll_back_to(&mut self, savepoint: Savepoint) -> sqlx::Result<()> {
        query("rollback to savepoint job").execute(&mut self.connection).await?;
        self.version = savepoint.version;
        self.events.truncate(savepoint.events);
        self.release().await
    }
}

/// What a commit made true.
pub(crate) struct Done {
    /// The change number, if a room changed.
    pub(crate) version: Option<i64>,
    pub(crate) events: Vec<Event>,
    pub(crate) wakes: Vec<Wake>,
}

/// Runs the jobs in one transaction. On an error nothing of it is stored, or, when the commit was asked for, nobody knows; the
/// connection is of no more use, and what is [repeatable](Job::is_repeatable) on PostgreSQL is still in the jobs.
pub(crate) async fn run(work: &mut Work, jobs: &mut Vec<Job>, now: Timestamp) -> sqlx::Result<Done> {
    work.now = now;
    work.version = None;
    work.events.clear();
    work.stage = Stage::New;
    let outcomes = apply(work, jobs).await?;
    work.commit().await?;
    let wakes = jobs.drain(..).zip(outcomes).map(|(job, outcome)| wake(job, outcome)).collect();
    Ok(Done { version: work.version, events: std::mem::take(&mut work.events), wakes })
}

fn wake(job: Job, outcome: Outcome) -> Wake {
    match (job, outcome) {
        (Job::Send(_, reply), Outcome::Send(outcome)) => answer(reply, outcome),
        (Job::Mark(_, reply), Outcome::Mark(outcome)) => answer(reply, outcome),
        (_, Outcome::Task(wake)) => wake,
        _ => unreachable!("an outcome is that of its job"),
    }
}

/// Runs of sends are one set each, the receipts of the whole batch one at the end.
async fn apply(work: &mut Work, jobs: &mut [Job]) -> sqlx::Result<Vec<Outcome>> {
    if work.connection.dialect() == Dialect::Postgres {
        work.begin().await?;
        let rooms = rooms_of(jobs);
        lock_rooms(work, rooms).await?;
    }
    let mut outcomes: Vec<Option<Outcome>> = jobs.iter().map(|_| None).collect();
    let (mut sends, mut send_places) = (Vec::new(), Vec::new());
    let (mut marks, mut mark_places) = (Vec::new(), Vec::new());
    for (place, job) in jobs.iter_mut().enumerate() {
        match job {
            Job::Send(message, _) => {
                sends.push(*work.taken(message));
                send_places.push(place);
            }
            Job::Mark(mark, _) => {
                marks.push(mark.clone());
                mark_places.push(place);
            }
            Job::Task(task) => {
                let stored = sends::store(work, std::mem::take(&mut sends), false).await?;
                put(&mut outcomes, std::mem::take(&mut send_places), stored, Outcome::Send);
                work.begin().await?;
                let task = task.take().expect("a task runs once");
                outcomes[place] = Some(Outcome::Task(task(work).await?));
            }
            Job::Close => unreachable!("the writer has seen to it"),
        }
    }
    let stored = sends::store(work, sends, marks.is_empty()).await?;
    put(&mut outcomes, send_places, stored, Outcome::Send);
    if !marks.is_empty() {
        work.begin().await?;
        let moved = receipts::store(work, marks).await?;
        put(&mut outcomes, mark_places, moved, Outcome::Mark);
    }
    Ok(outcomes.into_iter().map(|outcome| outcome.expect("every job has been done")).collect())
}

fn rooms_of(jobs: &[Job]) -> BTreeSet<Id> {
    let room = |job: &Job| match job {
        Job::Send(message, _) => message.as_ref().map(|message| message.room_id),
        Job::Mark(mark, _) => Some(mark.room_id),
        Job::Task(_) | Job::Close => None,
    };
    jobs.iter().filter_map(room).collect()
}

/// In the order of their ids, so that nodes that write to the same rooms cannot wait for each other.
async fn lock_rooms(work: &mut Work, rooms: BTreeSet<Id>) -> sqlx::Result<()> {
    if rooms.is_empty() {
        return Ok(());
    }
    query(concat!("select 1 from rooms where id in ", columns::ids_sql!(), " order by id for no key update"))
        .bind(columns::ids(rooms))
        .execute(&mut work.connection)
        .await
        .map(drop)
}

fn put<T>(outcomes: &mut [Option<Outcome>], places: Vec<usize>, done: Vec<T>, outcome: impl Fn(T) -> Outcome) {
    for (place, done) in places.into_iter().zip(done) {
        outcomes[place] = Some(outcome(done));
    }
}

/// A caller that no longer waits is no concern of the writer.
pub(crate) fn answer<T: Send + 'static>(reply: Reply<T>, value: T) -> Wake {
    Box::new(move || drop(reply.send(value)))
}
