//! What is to be sent to other nodes, a message for each channel; bounded, and given up from the oldest on.

use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicU64, Ordering},
};

use frontdesk_protocol::Id;
use tokio::sync::Notify;

use super::note::{self, HEAD_BYTES, NodeId};

/// How many channels there are. Rooms are spread over them, so that the servers of a cluster share the work.
pub(super) const CHANNELS: usize = 16;
/// Past this a channel's waiting message is given up: those who miss it look into the database.
const MESSAGE_BYTES_MAX: usize = 64 * 1_024;

/// The messages that wait.
pub(super) struct Waiting {
    node: NodeId,
    messages: Mutex<[Vec<u8>; CHANNELS]>,
    /// Something waits.
    pub(super) some: Notify,
    given_up: AtomicU64,
}

impl Waiting {
    pub(super) fn new(node: NodeId) -> Self {
        Self { node, messages: Mutex::default(), some: Notify::new(), given_up: AtomicU64::new(0) }
    }

    fn lock(&self) -> MutexGuard<'_, [Vec<u8>; CHANNELS]> {
        self.messages.lock().expect("no code panics while it holds what waits")
    }

    /// Adds a note to its channel's message.
    pub(super) fn add(&self, room_id: Id, write: impl FnOnce(&mut Vec<u8>)) {
        let channel = usize::try_from(room_id.unsigned_abs()).unwrap_or(0) % CHANNELS;
        self.add_to(channel, write);
        self.some.notify_one();
    }

    pub(super) fn add_to(&self, channel: usize, write: impl FnOnce(&mut Vec<u8>)) {
        let mut messages = self.lock();
        let message = &mut messages[channel];
        if message.is_empty() {
            *message = note::begin(&self.node);
        } else if message.len() > MESSAGE_BYTES_MAX {
            message.truncate(HEAD_BYTES);
            self.given_up.fetch_add(1, Ordering::Relaxed);
        }
        write(message);
    }

    /// Takes all that waits, by channel.
    pub(super) fn take(&self) -> Vec<(usize, Vec<u8>)> {
        let mut messages = self.lock();
        messages
            .iter_mut()
            .enumerate()
            .filter(|(_, message)| !message.is_empty())
            .map(|(at, message)| (at, std::mem::take(message)))
            .collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().iter().all(Vec::is_empty)
    }

    /// How many messages were given up.
    pub(super) fn given_up(&self) -> u64 {
        self.given_up.load(Ordering::Relaxed)
    }
}
