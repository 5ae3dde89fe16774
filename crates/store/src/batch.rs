//! One transaction: the jobs of a batch in arrival order, what they changed, and who waits for it.

use std::{
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

use crate::{Mark, MarkOutcome, NewMessage, ReceiptMark, SendOutcome, receipts, sends, sqlite::Connection};

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

/// Where the answer to a job goes. Dropped, it tells the caller that the job is not known to be stored.
pub(crate) type Reply<T> = oneshot::Sender<T>;
/// Wakes a caller after the commit.
pub(crate) type Wake = Box<dyn FnOnce() + Send>;
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
/// A job that runs alone, between the sets. A closure, since each has an answer of its own type.
pub(crate) type Task = Box<dyn for<'a> FnOnce(&'a mut Work) -> BoxFuture<'a, sqlx::Result<Wake>> + Send>;

/// What waits in the writer's queue.
pub(crate) enum Job {
    Send(Box<NewMessage>, Reply<SendOutcome>),
    Mark(Mark, Reply<MarkOutcome>),
    Task(Task),
    /// The last: what comes after it is refused.
    Close,
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
        match std::mem::replace(&mut self.stage, Stage::Begun) {
            Stage::New => "begin immediate;",
            Stage::Begun | Stage::Committed => "",
        }
    }

    async fn begin(&mut self) -> sqlx::Result<()> {
        let opening = self.opening();
        if !opening.is_empty() {
            sqlx::query(opening).execute(&mut self.connection).await?;
        }
        Ok(())
    }

    /// What the text of the last statement must end with.
    pub(crate) fn closing(&mut self) -> &'static str {
        self.stage = Stage::Committed;
        "commit"
    }

    async fn commit(&mut self) -> sqlx::Result<()> {
        if self.stage == Stage::Begun {
            sqlx::query(self.closing()).execute(&mut self.connection).await?;
        }
        Ok(())
    }

    /// This transaction's change number, taken by the first room that it changes.
    pub(crate) async fn version(&mut self) -> sqlx::Result<i64> {
        if let Some(version) = self.version {
            return Ok(version);
        }
        let version = sqlx::query_scalar("update meta set version = version + 1 returning version").fetch_one(&mut self.connection).await?;
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
        sqlx::query("savepoint job").execute(&mut self.connection).await?;
        Ok(Savepoint { version: self.version, events: self.events.len() })
    }

    pub(crate) async fn release(&mut self) -> sqlx::Result<()> {
        sqlx::query("release savepoint job").execute(&mut self.connection).await.map(drop)
    }

    pub(crate) async fn roll_back_to(&mut self, savepoint: Savepoint) -> sqlx::Result<()> {
        sqlx::query("rollback to savepoint job").execute(&mut self.connection).await?;
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

/// Runs the jobs in one transaction. On an error nothing of it is stored and the connection is of no more use.
pub(crate) async fn run(work: &mut Work, jobs: Vec<Job>, now: Timestamp) -> sqlx::Result<Done> {
    work.now = now;
    work.version = None;
    work.events.clear();
    work.stage = Stage::New;
    let wakes = apply(work, jobs).await?;
    work.commit().await?;
    Ok(Done { version: work.version, events: std::mem::take(&mut work.events), wakes })
}

/// Runs of sends are one set each, the receipts of the whole batch one at the end.
async fn apply(work: &mut Work, jobs: Vec<Job>) -> sqlx::Result<Vec<Wake>> {
    let mut wakes = Vec::with_capacity(jobs.len());
    let (mut sends, mut send_replies) = (Vec::new(), Vec::new());
    let (mut marks, mut mark_replies) = (Vec::new(), Vec::new());
    for job in jobs {
        match job {
            Job::Send(message, reply) => {
                sends.push(*message);
                send_replies.push(reply);
            }
            Job::Mark(mark, reply) => {
                marks.push(mark);
                mark_replies.push(reply);
            }
            Job::Task(task) => {
                let outcomes = sends::store(work, std::mem::take(&mut sends), false).await?;
                pair(&mut wakes, std::mem::take(&mut send_replies), outcomes);
                work.begin().await?;
                wakes.push(task(work).await?);
            }
            // The writer has seen to it.
            Job::Close => {}
        }
    }
    let outcomes = sends::store(work, sends, marks.is_empty()).await?;
    pair(&mut wakes, send_replies, outcomes);
    if !marks.is_empty() {
        work.begin().await?;
        let outcomes = receipts::store(work, marks).await?;
        pair(&mut wakes, mark_replies, outcomes);
    }
    Ok(wakes)
}

fn pair<T: Send + 'static>(wakes: &mut Vec<Wake>, replies: Vec<Reply<T>>, outcomes: Vec<T>) {
    wakes.extend(replies.into_iter().zip(outcomes).map(|(reply, outcome)| answer(reply, outcome)));
}

/// A caller that no longer waits is no concern of the writer.
pub(crate) fn answer<T: Send + 'static>(reply: Reply<T>, value: T) -> Wake {
    Box::new(move || drop(reply.send(value)))
}
