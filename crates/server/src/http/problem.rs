//! Errors as RFC 9457 problem+json.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use frontdesk_protocol::{ErrorCode, body::Problem};

use crate::error::Error;

/// Told to `observe` beside the answer, so that refusals are counted by code.
#[derive(Clone, Copy, Debug)]
pub struct Refusal(pub ErrorCode);

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = status(self.code());
        let retry_after = self.retry_after();
        let errors = match &self {
            Self::Invalid(errors) => errors.clone(),
            _ => Vec::new(),
        };
        let mut answer = problem(status, self.code(), self.to_string(), errors);
        let headers = answer.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(wait) = retry_after {
            let secs = wait.as_millis().div_ceil(1_000).max(1);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(u64::try_from(secs).unwrap_or(u64::MAX)));
        }
        answer
    }
}

/// What is answered when a handler panicked: nothing of the inside is told.
pub fn internal() -> Response {
    problem(StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::Internal, "the server failed; the log says why".into(), Vec::new())
}

/// The answer to a range that a file of this size does not have.
pub fn not_satisfiable(size: u64) -> Response {
    let detail = format!("the file has {size} bytes; ask for some of them");
    let mut answer = problem(StatusCode::RANGE_NOT_SATISFIABLE, ErrorCode::Invalid, detail, Vec::new());
    let range = HeaderValue::try_from(format!("bytes */{size}")).expect("digits only");
    answer.headers_mut().insert(header::CONTENT_RANGE, range);
    answer
}

fn problem(status: StatusCode, code: ErrorCode, detail: String, errors: Vec<frontdesk_protocol::body::FieldError>) -> Response {
    let title = status.canonical_reason().unwrap_or("Error").to_owned();
    let body = Problem { title, status: status.as_u16(), detail, code, errors };
    let mut answer = (status, Json(body)).into_response();
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    answer.extensions_mut().insert(Refusal(code));
    answer
}

fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::BadFrame | ErrorCode::BadRequest => StatusCode::BAD_REQUEST,
        ErrorCode::Invalid | ErrorCode::TooLong | ErrorCode::Empty => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorCode::Unauthorized => StatusCode::UNAUTHORIZED,
        ErrorCode::Forbidden => StatusCode::FORBIDDEN,
        ErrorCode::NotFound => StatusCode::NOT_FOUND,
        ErrorCode::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::ClientIdReused | ErrorCode::Stale => StatusCode::CONFLICT,
        ErrorCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorCode::RateLimited | ErrorCode::TooManyRooms => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::NotDurable | ErrorCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
