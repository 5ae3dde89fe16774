//! The WebSocket door: upgrade, one task for each connection, frames in and out. Decides nothing; it calls `chat`'s verbs.

mod connection;
mod dispatch;
mod inbox;
mod room;
mod timed;
mod upgrade;
mod wire;

use axum::{Router, routing::get};

use crate::app::App;

/// The two WebSocket paths, with and without the trailing slash.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/ws/chat/{room_id}/", get(upgrade::room))
        .route("/ws/chat/{room_id}", get(upgrade::room))
        .route("/ws/inbox/", get(upgrade::inbox))
        .route("/ws/inbox", get(upgrade::inbox))
}
