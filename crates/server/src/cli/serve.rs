//! `frontdesk serve`: from settings to a server that listens, and its end on a signal.

use std::{
    io::{self, Write},
    net::SocketAddr,
};

use anyhow::Context;
use tokio::{
    net::{TcpListener, TcpSocket},
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Server,
    app::{App, Timing},
    bus::Health,
    chat::sessions,
    config::{Config, Settings},
    demo, logs,
};

/// Connections that the kernel keeps for us; it may allow fewer (net.core.somaxconn).
const BACKLOG: u32 = 4_096;

pub(super) fn run(settings: Settings) -> anyhow::Result<()> {
    let config = Config::load(settings)?;
    logs::start()?;
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
    Runtime::new()?.block_on(serve(config))
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let shutdown = CancellationToken::new();
    stop_on_signals(shutdown.clone())?;
    let address = config.listen;
    let server = Server::prepare(config, Timing::default(), shutdown).await?;
    if let Some(copy) = server.app().store.copy_before_migration() {
        tracing::info!(copy = %copy.display(), "the database was migrated; as it was before, it is kept in the copy");
    }
    if server.app().store.is_shared() && server.app().bus.health() == Health::None {
        tracing::info!("without --redis-url, other nodes' messages are found by looking into the database twice a second");
    }
    let listener = listen(address).with_context(|| format!("--listen (FRONTDESK_LISTEN): {address}"))?;
    announce(server.app(), &format!("http://{}", listener.local_addr()?)).await?;
    server.serve(listener).await;
    Ok(())
}

/// After a restart everybody comes back at once: whoever finds the kernel's queue full waits a second or more.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn stop_on_signals(shutdown: CancellationToken) -> anyhow::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        shutdown.cancel();
    });
    Ok(())
}

/// The kernel already queues connections, so whoever reads this line can connect.
async fn announce(app: &App, address: &str) -> anyhow::Result<()> {
    // Nobody reading standard output is no reason not to serve.
    let mut out = std::io::stdout().lock();
    writeln!(out, "frontdesk listening on {address}").ok();
    if app.config.demo {
        writeln!(out, "\nThe demo's accounts (users at {address}/, admins at {address}/console/):").ok();
        for account in demo::accounts() {
            let role = if account.role == frontdesk_protocol::Role::Admin { "admin" } else { "user" };
            writeln!(out, "  {role:<5}  {}  {}  {}", account.phone, account.password, account.name).ok();
        }
    }
    out.flush().ok();
    drop(out);
    if !sessions::has_accounts(app).await? {
        tracing::warn!("there is no account yet; make the first with: frontdesk user add --phone PHONE --name NAME --admin");
    }
    Ok(())
}
