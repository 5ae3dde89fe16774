//! What the login page needs to know before anybody has a token.

use axum::{Json, extract::State};
use frontdesk_protocol::body::Options;

use crate::{app::App, chat::sessions, demo, error::Error};

/// Says how to sign in here.
#[utoipa::path(get, path = "/api/options/", operation_id = "getOptions", tag = "server", security(()), responses((status = 200, body = Options)))]
pub async fn get(State(app): State<App>) -> Result<Json<Options>, Error> {
    let demo = app.config.demo.then(demo::accounts);
    Ok(Json(Options { demo, has_accounts: sessions::has_accounts(&app).await?, message_max: app.config.message_max }))
}
