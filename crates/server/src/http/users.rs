//! Finding people; for admins.

use axum::{Json, extract::State};
use frontdesk_protocol::body::{Problem, UserPage};

use super::extract::Params;
use crate::{app::App, caller::Admin, chat::people, error::Error};

/// Finds people by part of their name or phone.
#[utoipa::path(
    get, path = "/api/users/", operation_id = "findUsers", tag = "users",
    params(
        ("q" = Option<String>, Query, description = "Part of the name or phone."),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before."),
    ),
    responses((status = 200, body = UserPage), (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"))
)]
pub async fn search(State(app): State<App>, admin: Admin, mut params: Params) -> Result<Json<UserPage>, Error> {
    let (q, cursor) = (params.text("q"), params.text("cursor"));
    params.judged()?;
    people::search(&app, &admin, q.as_deref().unwrap_or_default(), cursor.as_deref()).await.map(Json)
}
