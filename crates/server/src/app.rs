//! What every verb needs, built once and passed down.

use std::{ops::Deref, sync::Arc, time::Duration};

use frontdesk_protocol::limits;
use frontdesk_store::Store;
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    accounts::{limits::LoginLimits, passwords::Passwords, tokens::Tokens},
    bus::Bus,
    chat::{inbox::Inbox, limits::Limits, nodes::Nodes, presence::LastSeen, typing::TypingGate},
    config::Config,
    door::{address::Addresses, places::Places},
    files::Files,
    hub::Hub,
    metrics::Metrics,
};

/// The running server, seen from inside. Clones share it.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The parts of the server.
pub struct Parts {
    /// From which address a request came.
    pub addresses: Addresses,
    /// How many connections there may be.
    pub places: Arc<Places>,
    /// The settings.
    pub config: Config,
    /// How long things take; tests shorten it.
    pub timing: Timing,
    /// What is remembered for good.
    pub store: Store,
    /// Who is here now.
    pub hub: Hub,
    /// The wire to every node's hub.
    pub bus: Bus,
    /// The admins' view of all rooms.
    pub inbox: Inbox,
    /// This node among others.
    pub nodes: Nodes,
    /// When people left lately.
    pub last_seen: LastSeen,
    /// How often the inbox hears of typing.
    pub typing: TypingGate,
    /// Wakes the scan for changes of other processes and for ended sessions.
    pub scan_now: Notify,
    /// Attachments.
    pub files: Files,
    /// Hashing and checking passwords.
    pub passwords: Passwords,
    /// Making and checking access tokens.
    pub tokens: Tokens,
    /// How often a person may do things.
    pub limits: Limits,
    /// How often passwords may be tried.
    pub logins: LoginLimits,
    /// What operators watch.
    pub metrics: Metrics,
    /// Cancelled when the server is to leave.
    pub shutdown: CancellationToken,
    /// Everything that must end before the process does.
    pub tracker: TaskTracker,
}

/// Durations of the protocol that tests shorten.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// The mean time between heartbeats.
    pub heartbeat: Duration,
    /// How long a person who left still counts as online.
    pub presence_grace: Duration,
    /// How often the store is looked at for what was never published.
    pub scan: Duration,
    /// How long a connection may take nothing before it is closed (1013).
    pub write_timeout: Duration,
    /// How long leaving may take.
    pub drain: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_millis(limits::HEARTBEAT_MS),
            presence_grace: Duration::from_millis(limits::PRESENCE_GRACE_MS),
            scan: Duration::from_millis(500),
            write_timeout: Duration::from_secs(15),
            drain: Duration::from_secs(8),
        }
    }
}

impl App {
    /// From its parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
