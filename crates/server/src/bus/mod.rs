//! Carries encoded events and hints to every node. With one node there is nothing in between; with several, Redis carries
//! what may be lost: the database is the truth, and whoever misses something finds it there.

mod address;
mod line;
mod note;
mod waiting;

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use crate::hub::{Audience, Envelope, Hub};

pub use address::Address;
pub use line::Line;
pub use note::Hint;

/// The wire between nodes, as a closed set.
#[derive(Clone)]
pub enum Bus {
    /// No wire: straight to the node's own hub. Several nodes find each other's changes by looking.
    Local(Hub),
    /// To the node's own hub, and to the others over Redis.
    Redis(Hub, Arc<Line>),
}

/// How the wire is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// There is none.
    None,
    /// What was sent has come back through every channel.
    Up,
    /// It is not to be relied on: the database is looked at more often.
    Down,
}

impl Bus {
    /// Sends an event on its way. Never waits and never fails: what is lost is found by its seq.
    pub fn publish(&self, envelope: &Envelope) {
        match self {
            Self::Local(hub) => hub.deliver(envelope),
            Self::Redis(hub, line) => {
                hub.deliver(envelope);
                let shard = match envelope.audience {
                    Audience::Room(room_id) => room_id,
                    Audience::Inbox | Audience::EveryRoom => 0,
                };
                line.say_event(shard, envelope);
            }
        }
    }

    /// Tells the other nodes. Never waits; what is lost is found in the database, or was of the moment.
    pub fn tell(&self, hint: Hint) {
        if let Self::Redis(_, line) = self {
            line.say_hint(hint);
        }
    }

    /// How the wire is now.
    #[must_use]
    pub fn health(&self) -> Health {
        match self {
            Self::Local(_) => Health::None,
            Self::Redis(_, line) if line.is_up() => Health::Up,
            Self::Redis(..) => Health::Down,
        }
    }

    /// Tells when the wire has come up or gone down; none, where there is no wire.
    #[must_use]
    pub fn changes(&self) -> Option<watch::Receiver<bool>> {
        match self {
            Self::Local(_) => None,
            Self::Redis(_, line) => Some(line.changes()),
        }
    }

    /// How many notes were given up because the wire did not take them, and how often it was built anew.
    #[must_use]
    pub fn losses(&self) -> (u64, u64) {
        match self {
            Self::Local(_) => (0, 0),
            Self::Redis(_, line) => (line.lost(), line.rebuilt()),
        }
    }

    /// Sends and hears until it is dropped. What the other nodes say goes to the hub, their hints to `hints`.
    pub async fn run(self, hints: mpsc::Sender<Hint>) {
        if let Self::Redis(hub, line) = self {
            line.run(&hub, &hints).await;
        }
    }

    /// Waits until all that was said has been sent, but not for long.
    pub async fn flush(&self) {
        if let Self::Redis(_, line) = self {
            line.flush().await;
        }
    }
}
