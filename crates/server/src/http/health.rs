//! For those who operate the server: alive, ready, and what it counts.

use std::net::SocketAddr;

use axum::{
    Json,
    extract::{ConnectInfo, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use frontdesk_protocol::body::Problem;
use subtle::ConstantTimeEq;
use tokio::runtime::Handle;

use super::extract::bearer;
use crate::{app::App, caller, chat::sync, door::memory, error::Error};

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Says that the process is alive.
#[utoipa::path(get, path = "/healthz", operation_id = "isAlive", tag = "server", security(()), responses((status = 200, description = "Alive.")))]
pub async fn alive() -> Json<serde_json::Value> {
    Json(serde_json::json!({ "status": "ok" }))
}

/// Says whether messages can be stored now.
#[utoipa::path(
    get, path = "/readyz", operation_id = "isReady", tag = "server", security(()),
    responses((status = 200, description = "Able to store; degraded, if other nodes are found only by looking."), (status = 503, body = Problem, content_type = "application/problem+json"))
)]
pub async fn ready(State(app): State<App>) -> Result<Json<serde_json::Value>, Error> {
    if app.shutdown.is_cancelled() {
        return Err(Error::Unavailable("the server is leaving".into()));
    }
    Ok(Json(match sync::ready(&app).await? {
        None => serde_json::json!({ "status": "ok" }),
        Some(reason) => serde_json::json!({ "status": "degraded", "detail": reason }),
    }))
}

/// Shows what the server counts, to an admin, the holder of `--metrics-token`, or a direct peer on this machine.
#[utoipa::path(
    get, path = "/metrics", operation_id = "getMetrics", tag = "server",
    responses((status = 200, content_type = "application/openmetrics-text", body = String),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"))
)]
pub async fn metrics(State(app): State<App>, ConnectInfo(peer): ConnectInfo<SocketAddr>, headers: HeaderMap) -> Result<Response, Error> {
    if !is_direct_loopback(peer, &headers) {
        let token = bearer(&headers).ok_or_else(|| Error::Unauthorized("send an admin's token or the metrics token".into()))?;
        if !is_metrics_token(&app, token) {
            caller::identify(&app, token).await?.admin()?;
        }
    }
    // Looked at when somebody asks, which costs nothing while nobody does.
    app.metrics.queue("writer", app.store.queued());
    app.metrics.queue("outboxes_bytes", app.hub.queued_bytes());
    app.metrics.bus(app.bus.health(), app.bus.losses());
    app.metrics.process(Handle::current().metrics().num_alive_tasks(), memory::resident());
    Ok(([(header::CONTENT_TYPE, OPENMETRICS)], app.metrics.encode()).into_response())
}

/// A proxy on this machine forwards for others, and says so; another page in a browser on this machine says so by `Origin`.
fn is_direct_loopback(peer: SocketAddr, headers: &HeaderMap) -> bool {
    let forwarded = ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "forwarded", "via"];
    peer.ip().to_canonical().is_loopback()
        && !forwarded.iter().any(|name| headers.contains_key(*name))
        && !headers.contains_key(header::ORIGIN)
}

fn is_metrics_token(app: &App, token: &str) -> bool {
    app.config.metrics_token.as_ref().is_some_and(|known| known.reveal().as_bytes().ct_eq(token.as_bytes()).into())
}
