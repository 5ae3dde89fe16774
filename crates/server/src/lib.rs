//! The Frontdesk server: two doors (`http`, `socket`), one room (`chat`), two memories (the store and `hub`), one wire (`bus`).
//!
//! ARCHITECTURE.md shows how they meet. `run` is what production and tests share.

pub mod accounts;
pub mod app;
pub mod backup;
pub mod bus;
pub mod caller;
pub mod chat;
pub mod cli;
pub mod config;
pub mod data;
pub mod demo;
pub mod door;
pub mod error;
pub mod files;
pub mod http;
pub mod hub;
pub mod logs;
pub mod metrics;
pub mod socket;
pub mod transfer;

use std::{sync::Arc, time::Duration};

use frontdesk_store::{Batches, Store};
use tokio::{
    net::TcpListener,
    sync::{Notify, mpsc},
    task::JoinSet,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    accounts::{limits::LoginLimits, passwords::Passwords, tokens::Tokens},
    app::{App, Parts, Timing},
    bus::{Bus, Line},
    chat::{inbox::Inbox, limits::Limits, nodes::Nodes, presence::LastSeen, typing::TypingGate},
    config::Config,
    data::{DataFolder, Hold},
    door::{address::Addresses, memory::Memory, places::Places},
    files::Files,
    hub::{Hub, RegistryLimits},
    metrics::Metrics,
};

/// How often sessions that ended long ago are removed.
const PRUNE_EVERY: Duration = Duration::from_secs(3_600);
/// Hints of other nodes that were not looked at yet; more are dropped.
const HINTS_MAX: usize = 4_096;

/// A server that is ready to serve.
pub struct Server {
    app: App,
    batches: Batches,
    /// The data folder is ours until the last write.
    _hold: Hold,
}

impl Server {
    /// Opens the data folder and everything in it. Nothing listens yet.
    ///
    /// # Errors
    /// What keeps the server from starting: the data folder, the database, the attachments' folder.
    pub async fn prepare(config: Config, timing: Timing, shutdown: CancellationToken) -> anyhow::Result<Self> {
        if config.postgres.is_some() && config.jwt_secret.is_none() {
            return Err(config::no_shared_secret().into());
        }
        let folder = DataFolder::open(&config)?;
        let hold = folder.hold()?;
        let (store, batches) = Store::open(folder.store(), true).await?;
        if config.demo {
            demo::fill(&store, &folder).await?;
        }
        let app = build(config, timing, &folder, store, shutdown).await?;
        chat::attachments::begin(&app).await?;
        Ok(Self { app, batches, _hold: hold })
    }

    /// What it is built of.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Serves until `shutdown`, then leaves: what was accepted is finished, clients are told to come back.
    pub async fn serve(self, listener: TcpListener) {
        let mut background = spawn(&self.app, self.batches);
        door::serve(listener, http::router(&self.app), &self.app).await;
        leave(&self.app, &mut background).await;
    }
}

/// Prepares a server and serves until `shutdown`.
///
/// # Errors
/// See `Server::prepare`.
pub async fn run(config: Config, timing: Timing, listener: TcpListener, shutdown: CancellationToken) -> anyhow::Result<()> {
    Server::prepare(config, timing, shutdown).await?.serve(listener).await;
    Ok(())
}

async fn build(config: Config, timing: Timing, folder: &DataFolder, store: Store, shutdown: CancellationToken) -> anyhow::Result<App> {
    let secret = config.jwt_secret.clone().map_or_else(|| folder.jwt_secret(), Ok)?;
    let unlimited = config.limits_off();
    let hub = Hub::new(RegistryLimits {
        per_user: if unlimited { 0 } else { config.connections_per_user },
        per_address: if unlimited { 0 } else { config.connections_per_address },
    });
    let bus = match &config.redis {
        None => Bus::Local(hub.clone()),
        Some(address) => {
            let epoch = store.epoch();
            let family = epoch.split('-').next().unwrap_or_default();
            Bus::Redis(hub.clone(), Arc::new(Line::new(address.clone(), family)))
        }
    };
    Ok(App::new(Parts {
        addresses: Addresses::new(config.trusted_proxies.clone()),
        places: Arc::new(Places::new(if unlimited { 0 } else { config.connections_per_address }, Memory::new(config.memory_max))),
        timing,
        inbox: Inbox::new(store.version().await?),
        store,
        bus,
        hub,
        nodes: Nodes::default(),
        last_seen: LastSeen::default(),
        typing: TypingGate::default(),
        scan_now: Notify::new(),
        files: Files::open(folder).await?,
        passwords: Passwords::new(),
        tokens: Tokens::new(&secret),
        limits: Limits::new(config.rate_limit),
        logins: LoginLimits::new(!unlimited),
        metrics: Metrics::new(),
        shutdown,
        tracker: TaskTracker::new(),
        config,
    }))
}

/// What runs beside the doors for as long as the server does.
fn spawn(app: &App, batches: Batches) -> JoinSet<()> {
    let mut background = JoinSet::new();
    background.spawn(chat::publish::run(app.clone(), batches));
    background.spawn(chat::inbox::run(app.clone()));
    background.spawn(chat::presence::run(app.clone()));
    background.spawn(chat::sync::run(app.clone()));
    background.spawn(chat::nodes::run(app.clone()));
    let (hints, heard) = mpsc::channel(HINTS_MAX);
    background.spawn(app.bus.clone().run(hints));
    background.spawn(chat::nodes::hear(app.clone(), heard));
    background.spawn(chat::attachments::run(app.clone()));
    let wheel = app.clone();
    background.spawn(async move { wheel.hub.wheel().turn().await });
    let pruned = app.clone();
    background.spawn(async move {
        loop {
            tokio::time::sleep(PRUNE_EVERY).await;
            if let Err(error) = pruned.store.prune().await {
                tracing::warn!(%error, "old sessions could not be removed; trying again later");
            }
        }
    });
    background
}

/// Contract, section 7. The doors take nobody new any more; `/readyz` says so since `shutdown`.
async fn leave(app: &App, background: &mut JoinSet<()>) {
    tracing::info!(connections = app.hub.connections(), "leaving");
    app.hub.leave_all();
    app.tracker.close();
    if timeout(app.timing.drain, app.tracker.wait()).await.is_err() {
        tracing::warn!(tasks = app.tracker.len(), "leaving without waiting longer");
    }
    chat::presence::store_last_seen(app).await;
    app.bus.flush().await;
    // Nobody is left to be told of anything, and nothing may read a store that is closed.
    background.shutdown().await;
    chat::nodes::leave(app).await;
    app.store.close().await;
}
