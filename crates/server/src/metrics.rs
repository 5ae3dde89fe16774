//! What the server counts, for `/metrics`. A registry of its own for each server, so that several can live in one test process.

use std::{sync::atomic::Ordering, time::Duration};

use frontdesk_protocol::ErrorCode;
use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

use crate::{bus::Health, hub::Kind};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct KindLabel {
    kind: &'static str,
}

impl KindLabel {
    fn of(kind: Kind) -> Self {
        let kind = match kind {
            Kind::Origin => "origin",
            Kind::Room => "room",
            Kind::Inbox => "inbox",
        };
        Self { kind }
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct QueueLabel {
    queue: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CodeLabel {
    code: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabel {
    method: String,
    route: String,
    status: u16,
}

/// All counters of one server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    connections: Family<KindLabel, Gauge>,
    messages: Counter,
    batch_size: Histogram,
    batch_seconds: Histogram,
    delivery_seconds: Histogram,
    queues: Family<QueueLabel, Gauge>,
    refusals: Family<CodeLabel, Counter>,
    requests: Family<RequestLabel, Counter>,
    tasks: Gauge,
    memory_bytes: Gauge,
    bus_up: Gauge,
    bus_lost: Counter,
    bus_rebuilt: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// With everything at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("frontdesk"),
            connections: Family::default(),
            messages: Counter::default(),
            batch_size: Histogram::new(exponential_buckets(1.0, 2.0, 9)),
            batch_seconds: Histogram::new(exponential_buckets(0.000_25, 2.0, 15)),
            delivery_seconds: Histogram::new(exponential_buckets(0.000_25, 2.0, 15)),
            queues: Family::default(),
            refusals: Family::default(),
            requests: Family::default(),
            tasks: Gauge::default(),
            memory_bytes: Gauge::default(),
            bus_up: Gauge::default(),
            bus_lost: Counter::default(),
            bus_rebuilt: Counter::default(),
        };
        metrics.register();
        for kind in [Kind::Origin, Kind::Room, Kind::Inbox] {
            metrics.connections.get_or_create(&KindLabel::of(kind)).set(0);
        }
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("connections", "WebSocket connections now, by kind", self.connections.clone());
        registry.register("messages_stored", "Messages stored", self.messages.clone());
        registry.register("commit_batch_size", "Changes in one commit", self.batch_size.clone());
        registry.register_with_unit("commit", "Time of one commit", Unit::Seconds, self.batch_seconds.clone());
        registry.register_with_unit(
            "delivery",
            "Time from stored to handed to the connections of this node",
            Unit::Seconds,
            self.delivery_seconds.clone(),
        );
        registry.register("queue_length", "What waits in a queue now", self.queues.clone());
        registry.register("refusals", "Calls and frames refused, by code", self.refusals.clone());
        registry.register(
            "bus_up",
            "Whether Redis carries what nodes tell each other: 1 or 0, and -1 where there is none",
            self.bus_up.clone(),
        );
        registry.register("bus_lost", "Messages to or from other nodes that were dropped", self.bus_lost.clone());
        registry.register("bus_rebuilt", "How often the connection to Redis was built anew", self.bus_rebuilt.clone());
        registry.register("tasks", "Tasks alive in this process now", self.tasks.clone());
        registry.register_with_unit("memory", "Memory of this process now", Unit::Bytes, self.memory_bytes.clone());
        registry.register("http_requests", "HTTP requests answered, by route and status", self.requests.clone());
    }

    /// A connection is there.
    pub fn connection_opened(&self, kind: Kind) {
        self.connections.get_or_create(&KindLabel::of(kind)).inc();
    }

    /// A connection is gone.
    pub fn connection_closed(&self, kind: Kind) {
        self.connections.get_or_create(&KindLabel::of(kind)).dec();
    }

    /// A commit stored `messages` messages among `size` changes.
    pub fn committed(&self, size: usize, messages: usize, took: Duration) {
        #[expect(clippy::cast_precision_loss, reason = "a batch has at most some hundreds of changes")]
        self.batch_size.observe(size as f64);
        self.batch_seconds.observe(took.as_secs_f64());
        self.messages.inc_by(messages as u64);
    }

    /// A stored event was handed to every connection of its room on this node.
    pub fn delivered(&self, since_stored: Duration) {
        self.delivery_seconds.observe(since_stored.as_secs_f64());
    }

    /// How much waits in a queue now.
    pub fn queue(&self, queue: &'static str, length: usize) {
        self.queues.get_or_create(&QueueLabel { queue }).set(i64::try_from(length).unwrap_or(i64::MAX));
    }

    /// How the wire to other nodes is now, and what it has lost.
    pub fn bus(&self, health: Health, (lost, rebuilt): (u64, u64)) {
        self.bus_up.set(match health {
            Health::Up => 1,
            Health::Down => 0,
            Health::None => -1,
        });
        self.bus_lost.inner().store(lost, Ordering::Relaxed);
        self.bus_rebuilt.inner().store(rebuilt, Ordering::Relaxed);
    }

    /// What this process is made of now.
    pub fn process(&self, tasks: usize, memory_bytes: Option<u64>) {
        self.tasks.set(i64::try_from(tasks).unwrap_or(i64::MAX));
        self.memory_bytes.set(i64::try_from(memory_bytes.unwrap_or(0)).unwrap_or(i64::MAX));
    }

    /// Something was refused.
    pub fn refused(&self, code: ErrorCode) {
        let code = serde_json::to_value(code).ok().and_then(|code| code.as_str().map(str::to_owned)).unwrap_or_default();
        self.refusals.get_or_create(&CodeLabel { code }).inc();
    }

    /// A request was answered. `route` is the pattern, never the path: paths are the client's to choose.
    pub fn answered(&self, method: &str, route: &str, status: u16) {
        self.requests.get_or_create(&RequestLabel { method: method.into(), route: route.into(), status }).inc();
    }

    /// Everything as OpenMetrics text.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = String::new();
        text::encode(&mut text, &self.registry).expect("writing to a String cannot fail");
        text
    }
}
