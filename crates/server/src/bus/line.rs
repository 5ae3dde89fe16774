//! The line to Redis: one connection that publishes and hears, built anew whenever it fails, and watched by canaries.
//!
//! Nothing waits for it. While it is down nothing is queued: other nodes find what they missed in the database.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use frontdesk_protocol::Id;
use redis::{PushInfo, PushKind, Value};
use tokio::{
    select,
    sync::{Notify, mpsc, watch},
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use uuid::Uuid;

use super::{
    address::{Address, CALL_TIMEOUT, Wire},
    note::{self, Canary, Hint, NodeId, Note},
    waiting::{CHANNELS, Waiting},
};
use crate::hub::{Envelope, Hub};

/// How often each channel is tried.
const CANARY_EVERY: Duration = Duration::from_secs(1);
/// So many canaries in a row that did not come back mean that a channel is dead.
const CANARIES_MISSED_MAX: u64 = 2;
/// Reaching Redis and subscribing may take so long, over all servers of a cluster.
const BUILD_TIMEOUT: Duration = Duration::from_secs(5);
const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_LONGEST: Duration = Duration::from_secs(2);
/// Messages that have arrived and were not read yet; more are dropped.
const ARRIVED_MAX: usize = 1_024;
const FLUSH_TIMEOUT: Duration = Duration::from_millis(500);

/// The line of one node.
pub struct Line {
    address: Address,
    node: NodeId,
    channels: Vec<String>,
    waiting: Waiting,
    /// What was taken and is being sent.
    sending: AtomicBool,
    up: watch::Sender<bool>,
    dropped: Arc<AtomicU64>,
    built: AtomicU64,
    canaries: AtomicU64,
}

/// Why a connection is no use any more.
type Reason = String;

impl Line {
    /// A line that is not there yet. `family` keeps the nodes of one database apart from those of another on the same Redis.
    #[must_use]
    pub fn new(address: Address, family: &str) -> Self {
        let node = Uuid::new_v4().into_bytes();
        Self {
            address,
            node,
            channels: (0..CHANNELS).map(|channel| format!("frontdesk:{family}:{channel}")).collect(),
            waiting: Waiting::new(node),
            sending: AtomicBool::new(false),
            up: watch::Sender::new(false),
            dropped: Arc::default(),
            built: AtomicU64::new(0),
            canaries: AtomicU64::new(0),
        }
    }

    pub(super) fn is_up(&self) -> bool {
        *self.up.borrow()
    }

    pub(super) fn changes(&self) -> watch::Receiver<bool> {
        self.up.subscribe()
    }

    /// Messages that were dropped, to be sent or received.
    pub(super) fn lost(&self) -> u64 {
        self.waiting.given_up() + self.dropped.load(Ordering::Relaxed)
    }

    /// How often it was built after the first time.
    pub(super) fn rebuilt(&self) -> u64 {
        self.built.load(Ordering::Relaxed).saturating_sub(1)
    }

    pub(super) fn say_event(&self, room_id: Id, envelope: &Envelope) {
        if self.is_up() {
            self.waiting.add(room_id, |message| note::write_event(message, envelope));
        }
    }

    pub(super) fn say_hint(&self, hint: Hint) {
        if self.is_up() {
            self.waiting.add(0, |message| note::write_hint(message, hint));
        }
    }

    pub(super) async fn flush(&self) {
        let sent = async {
            while self.is_up() && (self.sending.load(Ordering::Acquire) || !self.waiting.is_empty()) {
                sleep(Duration::from_millis(2)).await;
            }
        };
        // What is not sent by then is found in the database.
        let _in_time = timeout(FLUSH_TIMEOUT, sent).await;
    }

    /// Keeps the line up until it is dropped.
    pub(super) async fn run(&self, hub: &Hub, hints: &mpsc::Sender<Hint>) {
        let mut pause = PAUSE_FIRST;
        let mut last = Reason::new();
        loop {
            let reason = self.use_once(hub, hints).await;
            let was_up = self.up.send_replace(false);
            if was_up {
                pause = PAUSE_FIRST;
            }
            if was_up || reason != last {
                tracing::warn!(%reason, "Redis does not carry what nodes tell each other; they look into the database meanwhile");
            }
            last = reason;
            sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
            pause = (pause * 2).min(PAUSE_LONGEST);
        }
    }

    /// One connection, until it is no use any more.
    async fn use_once(&self, hub: &Hub, hints: &mpsc::Sender<Hint>) -> Reason {
        let (arrived, messages) = mpsc::channel(ARRIVED_MAX);
        let closed = Arc::new(Notify::new());
        let built = timeout(BUILD_TIMEOUT, self.build(arrived, closed.clone()));
        let wire = match built.await {
            Ok(Ok(wire)) => wire,
            Ok(Err(error)) => return explain(&error),
            Err(_) => return "it does not answer".into(),
        };
        self.built.fetch_add(1, Ordering::Relaxed);
        // What waited for a line that broke was found in the database by now.
        drop(self.waiting.take());
        let first = self.canaries.load(Ordering::Relaxed) + 1;
        let heard: [AtomicU64; CHANNELS] = std::array::from_fn(|_| AtomicU64::new(first - 1));
        select! {
            reason = self.send(wire, &heard) => reason,
            () = self.hear(messages, &heard, first, hub, hints) => "the connection was closed".into(),
            () = closed.notified() => "the connection was closed".into(),
        }
    }

    async fn build(&self, arrived: mpsc::Sender<Vec<u8>>, closed: Arc<Notify>) -> redis::RedisResult<Wire> {
        let dropped = self.dropped.clone();
        let heard = move |push: PushInfo| match push.kind {
            PushKind::SMessage => {
                if let Some(Value::BulkString(message)) = push.data.into_iter().nth(1)
                    && arrived.try_send(message).is_err()
                {
                    dropped.fetch_add(1, Ordering::Relaxed);
                }
            }
            // A channel that has moved to another server of the cluster is heard there by a new connection.
            PushKind::Disconnection | PushKind::SUnsubscribe => closed.notify_one(),
            _ => {}
        };
        let mut wire = self.address.dial(heard).await?;
        for channel in &self.channels {
            wire.subscribe(channel).await?;
        }
        Ok(wire)
    }

    /// Sends what waits, and canaries.
    async fn send(&self, mut wire: Wire, heard: &[AtomicU64; CHANNELS]) -> Reason {
        let mut canary = interval(CANARY_EVERY);
        canary.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            select! {
                () = self.waiting.some.notified() => {}
                _ = canary.tick() => {
                    let sent = self.canaries.load(Ordering::Relaxed);
                    let missed = heard.iter().map(|number| sent - number.load(Ordering::Relaxed)).max().unwrap_or(0);
                    if missed >= CANARIES_MISSED_MAX {
                        return "what is published does not come back".into();
                    }
                    let number = self.canaries.fetch_add(1, Ordering::Relaxed) + 1;
                    for channel in 0..CHANNELS {
                        self.waiting.add_to(channel, |message| note::write_canary(message, Canary { channel, number }));
                    }
                }
            }
            self.sending.store(true, Ordering::Release);
            let messages: Vec<_> = self.waiting.take().into_iter().map(|(channel, message)| (&*self.channels[channel], message)).collect();
            // A canary may have taken what was told of.
            if messages.is_empty() {
                self.sending.store(false, Ordering::Release);
                continue;
            }
            let sent = timeout(CALL_TIMEOUT, wire.publish(messages)).await;
            self.sending.store(false, Ordering::Release);
            match sent {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return explain(&error),
                Err(_) => return "it does not answer".into(),
            }
        }
    }

    /// Hands on what arrives.
    async fn hear(
        &self,
        mut messages: mpsc::Receiver<Vec<u8>>,
        canaries: &[AtomicU64; CHANNELS],
        first: u64,
        hub: &Hub,
        hints: &mpsc::Sender<Hint>,
    ) {
        while let Some(message) = messages.recv().await {
            let Some((node, notes)) = note::read(&message) else { continue };
            for note in notes {
                if node == self.node {
                    self.hear_own(&note, canaries, first);
                } else {
                    self.hear_others(note, hub, hints);
                }
            }
        }
    }

    fn hear_own(&self, note: &Note<'_>, canaries: &[AtomicU64; CHANNELS], first: u64) {
        let &Note::Canary(Canary { channel, number }) = note else { return };
        if let Some(heard) = canaries.get(channel) {
            heard.fetch_max(number, Ordering::Relaxed);
        }
        self.note_up(canaries, first);
    }

    fn hear_others(&self, note: Note<'_>, hub: &Hub, hints: &mpsc::Sender<Hint>) {
        match note {
            Note::Event(told) => {
                let envelope = told.envelope();
                hub.note_typing(&envelope);
                hub.deliver(&envelope);
            }
            Note::Hint(hint) => {
                let dropped = u64::from(hints.try_send(hint).is_err());
                self.dropped.fetch_add(dropped, Ordering::Relaxed);
            }
            Note::Canary(_) => {}
        }
    }

    fn note_up(&self, canaries: &[AtomicU64; CHANNELS], first: u64) {
        let all_heard = canaries.iter().all(|number| number.load(Ordering::Relaxed) >= first);
        let is_new = |up: &mut bool| all_heard && !std::mem::replace(up, true);
        if self.up.send_if_modified(is_new) {
            tracing::info!("nodes tell each other over Redis");
        }
    }
}

/// In words of an operator; addresses stay, passwords are never part of it.
fn explain(error: &redis::RedisError) -> Reason {
    match error.code() {
        Some("MOVED" | "CROSSSLOT") => "it is a cluster; write redis+cluster:// in its URL".into(),
        Some("ERR") if error.to_string().to_lowercase().contains("unknown command") => "it is older than Redis 7".into(),
        _ => error.to_string(),
    }
}
