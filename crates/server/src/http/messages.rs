//! A room's messages: its history, and sending with or without files.

use axum::{
    Json,
    extract::{FromRequest, Request, State},
    http::{StatusCode, header},
};
use frontdesk_protocol::{
    Message,
    body::{MessagePage, Problem, SendRequest},
    limits::{ID_MAX, PAGE_DEFAULT, PAGE_MAX},
};
use utoipa::ToSchema;

use super::{
    extract::{Body, Params, PathId},
    multipart,
};
use crate::{
    app::App,
    caller::Caller,
    chat::{
        access,
        messages::{self, Draft, MessageQuery},
    },
    error::Error,
};

/// The parts of a message with files.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes the form; `multipart` reads it part by part")]
pub struct SendForm {
    /// The text; may be left out beside a file.
    message: Option<String>,
    /// The sender's own id for it, 1 to 64 characters, which makes sending again safe.
    client_id: Option<String>,
    /// Up to 10 files of 25 MB.
    #[schema(value_type = Option<Vec<String>>, format = Binary)]
    file: Option<Vec<Vec<u8>>>,
}

/// Gives a page of a room's messages, oldest first; the newest page if neither `before` nor `after` is given.
#[utoipa::path(
    get, path = "/api/chat/rooms/{id}/messages/", operation_id = "listMessages", tag = "messages",
    params(
        ("id" = i64, Path, description = "The room's id."),
        ("before" = Option<i64>, Query, description = "Only messages with a smaller seq, the newest of them."),
        ("after" = Option<i64>, Query, description = "Only messages with a larger seq, the oldest of them."),
        ("limit" = Option<i64>, Query, description = "How many, 1 to 200; 50 if left out.", minimum = 1, maximum = 200),
    ),
    responses((status = 200, body = MessagePage), (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"))
)]
pub async fn history(State(app): State<App>, caller: Caller, PathId(id): PathId, mut params: Params) -> Result<Json<MessagePage>, Error> {
    let query = MessageQuery {
        before: params.number("before", 0, ID_MAX),
        after: params.number("after", 0, ID_MAX),
        limit: params.number("limit", 1, PAGE_MAX).unwrap_or(PAGE_DEFAULT),
    };
    if query.before.is_some() && query.after.is_some() {
        params.wrong("after", "cannot be given together with before");
    }
    params.judged()?;
    messages::history(&app, &caller, id, query).await.map(Json)
}

/// Sends a message. Sent again with the same `client_id`, it is stored once.
#[utoipa::path(
    post, path = "/api/chat/rooms/{id}/messages/", operation_id = "sendMessage", tag = "messages", params(("id" = i64, Path, description = "The room's id.")),
    request_body(content((SendRequest = "application/json"), (SendForm = "multipart/form-data"))),
    responses((status = 201, body = Message, description = "It is stored."),
        (status = 200, body = Message, description = "It had been stored before."),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 413, body = Problem, content_type = "application/problem+json"),
        (status = 415, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
        (status = 429, body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json"))
)]
pub async fn send(
    State(app): State<App>,
    caller: Caller,
    PathId(id): PathId,
    request: Request,
) -> Result<(StatusCode, Json<Message>), Error> {
    // Judged before the body is read: a stranger's files are not even taken.
    access::enter(&app, &caller, id).await?;
    let draft = if is_multipart(&request) {
        multipart::read(&app, request).await?
    } else {
        let Body(SendRequest { message, client_id }) = Body::from_request(request, &app).await?;
        Draft { text: message, client_id, ..Draft::default() }
    };
    // A task of its own, so that a client that hangs up cannot leave a stored message without its files.
    let sending = app.tracker.spawn(send_with_files(app.clone(), caller, id, draft));
    let sent = sending.await.map_err(|_| Error::NotDurable)??;
    Ok((if sent.duplicate { StatusCode::OK } else { StatusCode::CREATED }, Json(*sent.message)))
}

/// Files of a message that was not stored anew are removed; where nobody knows, they stay until the next sweep.
async fn send_with_files(app: App, caller: Caller, room_id: i64, draft: Draft) -> Result<messages::Sent, Error> {
    let attachments = draft.attachments.clone();
    let sent = messages::send(&app, &caller, room_id, draft).await;
    let needed = match &sent {
        Ok(sent) => !sent.duplicate,
        Err(error) => *error == Error::NotDurable,
    };
    if !needed {
        app.files.discard(&attachments).await;
    }
    sent
}

fn is_multipart(request: &Request) -> bool {
    let declared = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    declared.trim_start().to_ascii_lowercase().starts_with("multipart/form-data")
}
