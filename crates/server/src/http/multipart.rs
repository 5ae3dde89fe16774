//! A message with files, as multipart: parts are written to disk as they come, none is held in memory until it is whole.

use std::time::Duration;

use axum::{
    extract::{
        FromRequest, Request,
        multipart::{Field, Multipart, MultipartError},
    },
    http::StatusCode,
};
use frontdesk_protocol::limits::{FILE_BYTES_MAX, FILES_PER_MESSAGE_MAX};

use crate::{
    app::App,
    chat::messages::Draft,
    error::Error,
    files::{Files, UploadError},
};

/// The largest text part: the longest message in the widest characters, with room to spare.
const TEXT_BYTES_MAX: usize = 64 * 1024;
/// Parts of any kind in one request.
const PARTS_MAX: usize = FILES_PER_MESSAGE_MAX + 8;
/// How long the next piece of a part may take.
const PIECE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long all of them may take: a file that came that long before its message was stored is not yet swept away.
const FORM_TIMEOUT: Duration = Duration::from_secs(45 * 60);
/// How much of a refused body is still read, so that its sender gets to read the refusal.
const DRAIN_BYTES_MAX: usize = 64 * 1024 * 1024;

/// All that a request may have.
pub const BODY_BYTES_MAX: usize = FILES_PER_MESSAGE_MAX * FILE_BYTES_MAX as usize + PARTS_MAX * TEXT_BYTES_MAX;

/// Files that have arrived for a message. Dropped before they are handed on, they are removed.
struct Arrived {
    files: Files,
    draft: Draft,
}

impl Drop for Arrived {
    fn drop(&mut self) {
        self.files.discard_soon(&self.draft.attachments);
    }
}

/// Reads a draft; its files are in place when this returns.
pub async fn read(app: &App, request: Request) -> Result<Draft, Error> {
    let mut parts = Multipart::from_request(request, app).await.map_err(|error| Error::BadRequest(error.body_text()))?;
    let mut arrived = Arrived { files: app.files.clone(), draft: Draft::default() };
    let read = tokio::time::timeout(FORM_TIMEOUT, read_parts(&mut parts, &mut arrived)).await;
    match read.unwrap_or_else(|_| Err(Error::BadRequest("the body did not arrive in time".into()))) {
        Ok(()) => Ok(std::mem::take(&mut arrived.draft)),
        Err(error) => {
            drain(&mut parts).await;
            Err(error)
        }
    }
}

async fn read_parts(parts: &mut Multipart, arrived: &mut Arrived) -> Result<(), Error> {
    for _ in 0..PARTS_MAX {
        let Some(part) = in_time(parts.next_field()).await? else { return Ok(()) };
        match part.name().unwrap_or_default() {
            "message" => arrived.draft.text = text(part, "message").await?,
            "client_id" => arrived.draft.client_id = Some(text(part, "client_id").await?),
            "file" => take_file(part, arrived).await?,
            other => return Err(Error::field(other, "is not known; send message, client_id and file parts")),
        }
    }
    Err(Error::field("file", format!("more than {PARTS_MAX} parts in one message")))
}

async fn take_file(mut part: Field<'_>, arrived: &mut Arrived) -> Result<(), Error> {
    if arrived.draft.attachments.len() == FILES_PER_MESSAGE_MAX {
        return Err(Error::field("file", format!("a message takes {FILES_PER_MESSAGE_MAX} files")));
    }
    let name = part.file_name().unwrap_or_default().to_owned();
    let mut upload = arrived.files.begin().await.map_err(unstorable)?;
    while let Some(piece) = in_time(part.chunk()).await? {
        upload.write(&piece).await.map_err(refused)?;
    }
    arrived.draft.attachments.push(upload.finish(&name).await.map_err(refused)?);
    Ok(())
}

async fn text(mut part: Field<'_>, name: &str) -> Result<String, Error> {
    let mut bytes = Vec::new();
    while let Some(piece) = in_time(part.chunk()).await? {
        if bytes.len() + piece.len() > TEXT_BYTES_MAX {
            return Err(Error::field(name, format!("must have at most {TEXT_BYTES_MAX} bytes")));
        }
        bytes.extend_from_slice(&piece);
    }
    String::from_utf8(bytes).map_err(|_| Error::field(name, "must be UTF-8"))
}

async fn in_time<T>(piece: impl Future<Output = Result<T, MultipartError>>) -> Result<T, Error> {
    match tokio::time::timeout(PIECE_TIMEOUT, piece).await {
        Err(_) => Err(Error::BadRequest("the body did not arrive in time".into())),
        Ok(Err(error)) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Err(Error::TooLarge("the body is larger than ten files may be".into()))
        }
        Ok(Err(error)) => Err(Error::BadRequest(format!("the multipart body cannot be read: {}", error.body_text()))),
        Ok(Ok(piece)) => Ok(piece),
    }
}

fn refused(error: UploadError) -> Error {
    match error {
        UploadError::TooLarge => Error::TooLarge(format!("a file may have {} MB", FILE_BYTES_MAX / 1024 / 1024)),
        UploadError::Io(error) => unstorable(error),
    }
}

fn unstorable(error: std::io::Error) -> Error {
    tracing::error!(%error, "an attachment could not be stored");
    Error::NotDurable
}

/// A browser that is still writing does not read an answer: the rest is taken and thrown away, within bounds.
async fn drain(parts: &mut Multipart) {
    let mut left = DRAIN_BYTES_MAX;
    while let Ok(Some(mut part)) = in_time(parts.next_field()).await {
        while let Ok(Some(piece)) = in_time(part.chunk()).await {
            match left.checked_sub(piece.len()) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    }
}
