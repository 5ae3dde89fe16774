//! Rooms: the list, its summary, one room, opening and resolving.

use axum::{Json, extract::State, http::StatusCode};
use frontdesk_protocol::{
    Room, RoomStatus,
    body::{OpenRoomRequest, PatchRoomRequest, Problem, ReadRequest, RoomPage, RoomsSummary},
    limits::{PAGE_DEFAULT, PAGE_MAX},
};

use super::extract::{Body, OptionalBody, Params, PathId};
use crate::{
    app::App,
    caller::{Admin, Caller},
    chat::{
        receipts,
        rooms::{self, Selection},
    },
    error::Error,
};

/// Lists the caller's own rooms, or all of them for an admin, newest activity first.
#[utoipa::path(
    get, path = "/api/chat/rooms/", operation_id = "listRooms", tag = "rooms",
    params(
        ("q" = Option<String>, Query, description = "Part of the user's name or phone."),
        ("status" = Option<RoomStatus>, Query, description = "Only rooms with this status."),
        ("unread" = Option<u8>, Query, description = "1: only rooms with something unread."),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before."),
        ("limit" = Option<i64>, Query, description = "How many, 1 to 200; 50 if left out.", minimum = 1, maximum = 200),
    ),
    responses((status = 200, body = RoomPage), (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"))
)]
pub async fn list(State(app): State<App>, caller: Caller, mut params: Params) -> Result<Json<RoomPage>, Error> {
    let selection = Selection {
        q: params.text("q"),
        status: params.word("status", "open or resolved"),
        unread: params.flag("unread"),
        cursor: params.cursor("cursor"),
        limit: params.number("limit", 1, PAGE_MAX).unwrap_or(PAGE_DEFAULT),
    };
    params.judged()?;
    rooms::list(&app, &caller, selection).await.map(Json)
}

/// Counts the rooms and unread messages that the caller may see.
#[utoipa::path(
    get, path = "/api/chat/rooms/summary/", operation_id = "summariseRooms", tag = "rooms",
    responses((status = 200, body = RoomsSummary), (status = 401, body = Problem, content_type = "application/problem+json"))
)]
pub async fn summary(State(app): State<App>, caller: Caller) -> Result<Json<RoomsSummary>, Error> {
    rooms::summary(&app, &caller).await.map(Json)
}

/// Gives the caller's newest open room, made if there is none; an admin names the user.
#[utoipa::path(
    post, path = "/api/chat/rooms/", operation_id = "openRoom", tag = "rooms", request_body = Option<OpenRoomRequest>,
    responses((status = 200, body = Room, description = "It was there."), (status = 201, body = Room, description = "It was made."),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"))
)]
pub async fn open(
    State(app): State<App>,
    caller: Caller,
    OptionalBody(request): OptionalBody<OpenRoomRequest>,
) -> Result<(StatusCode, Json<Room>), Error> {
    let (room, made) = rooms::open(&app, &caller, request.user_id).await?;
    Ok((if made { StatusCode::CREATED } else { StatusCode::OK }, Json(room)))
}

/// Gives one room.
#[utoipa::path(
    get, path = "/api/chat/rooms/{id}/", operation_id = "getRoom", tag = "rooms", params(("id" = i64, Path, description = "The room's id.")),
    responses((status = 200, body = Room), (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"))
)]
pub async fn get(State(app): State<App>, caller: Caller, PathId(id): PathId) -> Result<Json<Room>, Error> {
    rooms::get(&app, &caller, id).await.map(Json)
}

/// Resolves or reopens a room; for admins.
#[utoipa::path(
    patch, path = "/api/chat/rooms/{id}/", operation_id = "patchRoom", tag = "rooms", request_body = PatchRoomRequest,
    params(("id" = i64, Path, description = "The room's id.")),
    responses((status = 200, body = Room), (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"))
)]
pub async fn patch(
    State(app): State<App>,
    caller: Caller,
    PathId(id): PathId,
    Body(request): Body<PatchRoomRequest>,
) -> Result<Json<Room>, Error> {
    // A stranger's room is absent to a user before anything else is said of it.
    rooms::get(&app, &caller, id).await?;
    let admin: Admin = caller.admin()?;
    rooms::set_status(&app, &admin, id, request.status).await.map(Json)
}

/// Moves the caller's read watermark up to a message; it never moves back.
#[utoipa::path(
    post, path = "/api/chat/rooms/{id}/read/", operation_id = "readRoom", tag = "rooms", request_body = ReadRequest,
    params(("id" = i64, Path, description = "The room's id.")),
    responses((status = 204, description = "It was read."), (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"))
)]
pub async fn read(
    State(app): State<App>,
    caller: Caller,
    PathId(id): PathId,
    Body(request): Body<ReadRequest>,
) -> Result<StatusCode, Error> {
    receipts::read(&app, &caller, id, request.message_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
