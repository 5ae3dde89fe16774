//! What waits to be written to one connection: bounded, with signals beside the queue that are never lost.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use frontdesk_protocol::{CloseCode, Id};
use tokio::sync::Notify;

use super::{About, Class, ConnId, Kind};

/// Frames that may wait for one connection.
const FRAMES_MAX: usize = 256;
/// Bytes that may wait for one connection.
const BYTES_MAX: usize = 64 * 1024;
/// People of whom a connection is told again. Who stops reading while more come and go has been cut before it matters.
const PRESENCE_MAX: usize = 4_096;
/// Bytes that may wait for all connections together.
const ALL_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The bounded queue of one connection, filled by the hub and drained by the connection's task.
pub struct Outbox {
    /// The connection's id.
    pub conn: ConnId,
    /// The person behind it.
    pub user_id: Id,
    /// What the connection asked to be.
    pub kind: Kind,
    queue: Mutex<Queue>,
    wake: Notify,
    all_bytes: Arc<AtomicUsize>,
}

#[derive(Default)]
struct Queue {
    frames: VecDeque<(Class, Bytes)>,
    bytes: usize,
    /// Bytes that were taken out and are still being written.
    writing_bytes: usize,
    signals: Signals,
}

/// What the connection must do besides writing frames.
#[derive(Clone, Debug, Default)]
pub struct Signals {
    /// Something timed may be due: a heartbeat, an expiry.
    pub tick: bool,
    /// The connection must close with this code.
    pub close: Option<CloseCode>,
    /// The server is leaving.
    pub leaving: bool,
    /// Rooms in which it missed events; the inbox is room 0.
    pub lagging: Vec<Id>,
    /// Of whose presence it missed something.
    pub presence: Vec<About>,
}

/// What was taken out of an outbox at once.
pub struct Taken {
    /// Frames in order.
    pub frames: VecDeque<(Class, Bytes)>,
    /// Signals since the last time.
    pub signals: Signals,
    /// Counts the frames until they were written.
    pub writing: Writing,
}

/// Frames that were taken out of an outbox and wait for the socket: they take memory as they did before, so they count
/// until this is dropped.
pub struct Writing {
    outbox: Arc<Outbox>,
    bytes: usize,
}

impl Outbox {
    pub(super) fn new(conn: ConnId, user_id: Id, kind: Kind, all_bytes: Arc<AtomicUsize>) -> Self {
        Self { conn, user_id, kind, queue: Mutex::default(), wake: Notify::new(), all_bytes }
    }

    /// Whether it hears the origin's frames only.
    #[must_use]
    pub fn is_origin(&self) -> bool {
        self.kind == Kind::Origin
    }

    /// Whether it follows the inbox.
    #[must_use]
    pub fn is_inbox(&self) -> bool {
        self.kind == Kind::Inbox
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().expect("no code panics while it holds an outbox")
    }

    /// Adds a frame; false if there is no room for it, even after less important ones were dropped.
    pub(super) fn push(&self, class: Class, bytes: &Bytes) -> bool {
        let mut queue = self.lock();
        if !self.has_room(&queue, bytes.len()) {
            self.shed(&mut queue, class);
            if !self.has_room(&queue, bytes.len()) {
                if let Class::Presence(about) = class {
                    queue.signals.missed(about);
                    drop(queue);
                    self.wake.notify_one();
                }
                return false;
            }
        }
        queue.bytes += bytes.len();
        self.all_bytes.fetch_add(bytes.len(), Ordering::Relaxed);
        queue.frames.push_back((class, bytes.clone()));
        drop(queue);
        self.wake.notify_one();
        true
    }

    /// However much waits for others, a connection that keeps up gets its next frame.
    fn has_room(&self, queue: &Queue, more: usize) -> bool {
        let waiting = queue.bytes + queue.writing_bytes;
        queue.frames.len() < FRAMES_MAX
            && waiting + more <= BYTES_MAX
            && (waiting == 0 || self.all_bytes.load(Ordering::Relaxed) + more <= ALL_BYTES_MAX)
    }

    /// Drops waiting typing frames, then presence, as far as they matter less than what comes.
    fn shed(&self, queue: &mut Queue, class: Class) {
        let before = queue.bytes;
        let Queue { frames, signals, .. } = queue;
        frames.retain(|(kept, _)| {
            let stays = kept.weight() == 2 || kept.weight() >= class.weight();
            if !stays && let Class::Presence(about) = kept {
                signals.missed(*about);
            }
            stays
        });
        queue.bytes = queue.frames.iter().map(|(_, bytes)| bytes.len()).sum();
        self.all_bytes.fetch_sub(before - queue.bytes, Ordering::Relaxed);
    }

    /// Sets signals and wakes the connection.
    pub fn signal(&self, set: impl FnOnce(&mut Signals)) {
        set(&mut self.lock().signals);
        self.wake.notify_one();
    }

    pub(super) fn lag(&self, room_id: Id) {
        self.signal(|signals| {
            if !signals.lagging.contains(&room_id) {
                signals.lagging.push(room_id);
            }
        });
    }

    /// Waits until there is something to take, and takes all of it. Cancelled, it has taken nothing.
    pub async fn take(self: &Arc<Self>) -> Taken {
        loop {
            if let Some(taken) = self.take_now() {
                return taken;
            }
            self.wake.notified().await;
        }
    }

    /// Takes what is there, if anything is.
    #[must_use]
    pub fn take_now(self: &Arc<Self>) -> Option<Taken> {
        let mut queue = self.lock();
        if queue.frames.is_empty() && !queue.signals.any() {
            return None;
        }
        let bytes = std::mem::take(&mut queue.bytes);
        queue.writing_bytes += bytes;
        Some(Taken {
            frames: std::mem::take(&mut queue.frames),
            signals: std::mem::take(&mut queue.signals),
            writing: Writing { outbox: self.clone(), bytes },
        })
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.outbox.lock().writing_bytes -= self.bytes;
        self.outbox.all_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Signals {
    /// Whether there is anything to do.
    #[must_use]
    pub fn any(&self) -> bool {
        self.tick || self.leaving || self.close.is_some() || !self.lagging.is_empty() || !self.presence.is_empty()
    }

    fn missed(&mut self, about: About) {
        self.presence.retain(|missed| !missed.is_same(&about));
        if self.presence.len() < PRESENCE_MAX {
            self.presence.push(about);
        }
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        let bytes = self.lock().bytes;
        self.all_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}
