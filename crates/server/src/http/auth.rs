//! Signing in and out.

use axum::{Json, extract::State, http::StatusCode};
use frontdesk_protocol::{
    User,
    body::{LoginAnswer, LoginRequest, LogoutRequest, PasswordRequest, Problem, RefreshRequest, TokenPair},
};

use super::extract::{Body, From, OptionalBody};
use crate::{app::App, caller::Caller, chat::sessions, error::Error};

/// Signs in by phone and password.
#[utoipa::path(
    post, path = "/api/auth/login/", operation_id = "login", tag = "auth", request_body = LoginRequest, security(()),
    responses((status = 200, body = LoginAnswer), (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
        (status = 429, body = Problem, content_type = "application/problem+json"))
)]
pub async fn login(State(app): State<App>, From(address): From, Body(request): Body<LoginRequest>) -> Result<Json<LoginAnswer>, Error> {
    sessions::login(&app, address, request).await.map(Json)
}

/// Gives a new pair of tokens for a refresh token.
#[utoipa::path(
    post, path = "/api/auth/refresh/", operation_id = "refresh", tag = "auth", request_body = RefreshRequest, security(()),
    responses((status = 200, body = TokenPair), (status = 401, body = Problem, content_type = "application/problem+json"))
)]
pub async fn refresh(State(app): State<App>, Body(request): Body<RefreshRequest>) -> Result<Json<TokenPair>, Error> {
    sessions::refresh(&app, &request).await.map(Json)
}

/// Ends this session, or all of the caller's.
#[utoipa::path(
    post, path = "/api/auth/logout/", operation_id = "logout", tag = "auth", request_body = Option<LogoutRequest>,
    responses((status = 204, description = "It has ended."), (status = 401, body = Problem, content_type = "application/problem+json"))
)]
pub async fn logout(
    State(app): State<App>,
    caller: Caller,
    OptionalBody(request): OptionalBody<LogoutRequest>,
) -> Result<StatusCode, Error> {
    sessions::logout(&app, &caller, request.all).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says who the caller is.
#[utoipa::path(
    get, path = "/api/auth/me/", operation_id = "me", tag = "auth",
    responses((status = 200, body = User), (status = 401, body = Problem, content_type = "application/problem+json"))
)]
pub async fn me(caller: Caller) -> Json<User> {
    Json(sessions::me(&caller))
}

/// Changes the caller's password. It ends all of the caller's sessions; the answer is a new one.
#[utoipa::path(
    post, path = "/api/auth/password/", operation_id = "changePassword", tag = "auth", request_body = PasswordRequest,
    responses((status = 200, body = TokenPair), (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"))
)]
pub async fn password(
    State(app): State<App>,
    caller: Caller,
    From(address): From,
    Body(request): Body<PasswordRequest>,
) -> Result<Json<TokenPair>, Error> {
    sessions::change_password(&app, &caller, address, request).await.map(Json)
}
