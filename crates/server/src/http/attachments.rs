//! The bytes of attachments, to those who may see the room. They come from strangers: nothing in them may run as a page of ours.

use std::io;

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use frontdesk_protocol::{Id, body::Problem};
use utoipa::ToSchema;

use super::{
    extract::PathId,
    problem,
    ranges::{self, Wanted},
};
use crate::{app::App, caller::Caller, chat::attachments, error::Error, files::Opened, files::sniff};

/// A file's bytes, as the OpenAPI document describes them.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "bodies are streamed")]
pub struct FileBytes(Vec<u8>);

struct Described {
    content_type: String,
    disposition: HeaderValue,
    etag: HeaderValue,
}

/// Gives the bytes of an attachment, as they were uploaded.
#[utoipa::path(
    get, path = "/api/chat/attachments/{id}/", operation_id = "getAttachment", tag = "attachments", params(("id" = i64, Path, description = "The attachment's id.")),
    responses((status = 200, description = "The bytes.", content_type = "application/octet-stream", body = FileBytes),
        (status = 206, description = "The part that `Range` asked for.", content_type = "application/octet-stream", body = FileBytes),
        (status = 304, description = "Not changed."), (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 416, body = Problem, content_type = "application/problem+json"))
)]
pub async fn get(State(app): State<App>, caller: Caller, PathId(id): PathId, headers: HeaderMap) -> Result<Response, Error> {
    let granted = attachments::find(&app, &caller, id).await?;
    let opened = app.files.read(&granted.key).await.map_err(|error| unreadable(&error, id))?;
    let attachment = granted.attachment;
    let described = Described {
        disposition: disposition(&attachment.name, sniff::is_picture(&attachment.content_type)),
        content_type: attachment.content_type,
        etag: etag(&granted.key),
    };
    answer(opened, described, &headers).await.map_err(|error| unreadable(&error, id))
}

/// Gives the small copy of a picture.
#[utoipa::path(
    get, path = "/api/chat/attachments/{id}/thumbnail/", operation_id = "getThumbnail", tag = "attachments",
    params(("id" = i64, Path, description = "The attachment's id.")),
    responses((status = 200, description = "A JPEG or PNG.", content_type = "image/jpeg", body = FileBytes),
        (status = 304, description = "Not changed."), (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"))
)]
pub async fn thumbnail(State(app): State<App>, caller: Caller, PathId(id): PathId, headers: HeaderMap) -> Result<Response, Error> {
    let granted = attachments::find(&app, &caller, id).await?;
    let (opened, content_type) = app.files.read_thumbnail(&granted.key).await.map_err(|error| unreadable(&error, id))?;
    let described = Described {
        disposition: disposition(&granted.attachment.name, true),
        content_type: content_type.into(),
        etag: etag(&format!("{}.t", granted.key)),
    };
    answer(opened, described, &headers).await.map_err(|error| unreadable(&error, id))
}

/// What every answer of these calls carries, refusals too.
pub async fn harmless(request: Request, next: Next) -> Response {
    let mut answer = next.run(request).await;
    let always: [(HeaderName, HeaderValue); 3] = [
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox")),
        (header::CACHE_CONTROL, HeaderValue::from_static("private")),
    ];
    answer.headers_mut().extend(always);
    answer.headers_mut().entry(header::CONTENT_DISPOSITION).or_insert(HeaderValue::from_static("attachment"));
    answer
}

async fn answer(opened: Opened, described: Described, asked: &HeaderMap) -> io::Result<Response> {
    let Described { content_type, disposition, etag } = described;
    if is_known(asked, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag), (header::CONTENT_DISPOSITION, disposition)]).into_response());
    }
    let size = opened.size;
    let (status, first, length) = match ranges::wanted(asked_range(asked, &etag), size) {
        Wanted::Whole => (StatusCode::OK, 0, size),
        Wanted::Part { first, last } => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Wanted::Nothing => return Ok(problem::not_satisfiable(size)),
    };
    let body = Body::from_stream(opened.part(first, length).await?);
    let mut answer = (status, body).into_response();
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, media_type(&content_type));
    headers.insert(header::CONTENT_DISPOSITION, disposition);
    headers.insert(header::ETAG, etag);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {first}-{}/{size}", first + length - 1);
        headers.insert(header::CONTENT_RANGE, HeaderValue::try_from(range).expect("digits only"));
    }
    Ok(answer)
}

/// What a browser could run as a page is not even called by its name; plain text is UTF-8, or it would not have been found to be text.
fn media_type(content_type: &str) -> HeaderValue {
    let full = match content_type {
        "text/plain" => "text/plain; charset=utf-8",
        "text/html" | "text/xml" | "application/xml" | "application/xhtml+xml" | "image/svg+xml" => "application/octet-stream",
        other => other,
    };
    HeaderValue::try_from(full).unwrap_or(HeaderValue::from_static("application/octet-stream"))
}

fn is_known(asked: &HeaderMap, etag: &HeaderValue) -> bool {
    let Some(known) = asked.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok()) else { return false };
    known.split(',').map(str::trim).any(|known| known == "*" || known.trim_start_matches("W/").as_bytes() == etag.as_bytes())
}

/// A range for another state of the file counts for nothing (`If-Range`).
fn asked_range<'a>(asked: &'a HeaderMap, etag: &HeaderValue) -> Option<&'a str> {
    let same = asked.get(header::IF_RANGE).is_none_or(|known| known == etag);
    asked.get(header::RANGE).filter(|_| same).and_then(|range| range.to_str().ok())
}

fn etag(key: &str) -> HeaderValue {
    HeaderValue::try_from(format!("\"{key}\"")).expect("keys are hexadecimal digits")
}

/// The name twice (RFC 6266): in ASCII for old programs, and as it is.
fn disposition(name: &str, inline: bool) -> HeaderValue {
    let kind = if inline { "inline" } else { "attachment" };
    let ascii: String =
        name.chars().map(|c| if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') || c == ' ' { c } else { '_' }).collect();
    let full = format!("{kind}; filename=\"{ascii}\"; filename*=UTF-8''{}", percent_encoded(name));
    HeaderValue::try_from(full).expect("printable ASCII only")
}

fn percent_encoded(name: &str) -> String {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    name.bytes().map(|byte| if unreserved(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn unreadable(error: &io::Error, id: Id) -> Error {
    if error.kind() == io::ErrorKind::NotFound {
        return Error::NotFound("there is no such file".into());
    }
    tracing::error!(%error, attachment_id = id, "an attachment could not be read");
    Error::Unavailable("the file cannot be read now".into())
}
