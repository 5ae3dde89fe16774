//! The one error of the server: each variant is something that a client can act on.

use std::time::Duration;

use frontdesk_protocol::{ErrorCode, Seq, body::FieldError};

/// Why a call was refused. Both doors encode it: problem+json over HTTP, an `error` frame on a socket.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The body is not what it should be (400); the text says why.
    #[error("{0}")]
    BadRequest(String),
    /// Fields or parameters are wrong (422).
    #[error("{}", fields(.0))]
    Invalid(Vec<FieldError>),
    /// The message has too many characters.
    #[error("the message has {chars} characters; {max} are allowed")]
    TooLong {
        /// What it has, in Unicode scalar values.
        chars: usize,
        /// What is allowed.
        max: usize,
    },
    /// The message is empty or only white space.
    #[error("the message is empty; write something or send a file with it")]
    Empty,
    /// No token, or one that is not good; the text says why without naming it.
    #[error("{0}")]
    Unauthorized(String),
    /// The caller is known, but may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// There is no such thing, or it is another person's.
    #[error("{0}")]
    NotFound(String),
    /// The path exists, but not with this method.
    #[error("this path does not take this method")]
    MethodNotAllowed,
    /// Too much in too short a time.
    #[error("{what}; try again in {} ms", .retry_after.as_millis())]
    RateLimited {
        /// Which limit was hit.
        what: String,
        /// How long to wait.
        retry_after: Duration,
    },
    /// More rooms than an inbox connection may open.
    #[error("{0} rooms are open on this connection, more are not allowed; close one first")]
    TooManyRooms(usize),
    /// The sender used this `client_id` in another room.
    #[error("this client_id was used in another room; a client_id is good for one message")]
    ClientIdReused,
    /// The other side wrote since `if_last_seq`.
    #[error("the other side wrote since; the room is at seq {last_seq}")]
    Stale {
        /// The room's newest seq.
        last_seq: Seq,
    },
    /// A body or file is too large (413).
    #[error("{0}")]
    TooLarge(String),
    /// A body of this kind is not taken here (415).
    #[error("{0}")]
    UnsupportedMediaType(String),
    /// Not known to be stored.
    #[error("the message could not be stored safely; send it again with the same client_id")]
    NotDurable,
    /// Not possible now.
    #[error("{0}")]
    Unavailable(String),
}

fn fields(errors: &[FieldError]) -> String {
    errors.iter().map(|error| format!("{}: {}", error.field, error.message)).collect::<Vec<_>>().join("; ")
}

impl Error {
    /// One wrong field or parameter.
    #[must_use]
    pub fn field(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError { field: field.into(), message: message.into() }])
    }

    /// What is said of a room that is absent or another's.
    #[must_use]
    pub fn no_room() -> Self {
        Self::NotFound("there is no such room".into())
    }

    /// What went wrong, for a program.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::BadRequest(_) => ErrorCode::BadRequest,
            Self::Invalid(_) => ErrorCode::Invalid,
            Self::TooLong { .. } => ErrorCode::TooLong,
            Self::Empty => ErrorCode::Empty,
            Self::Unauthorized(_) => ErrorCode::Unauthorized,
            Self::Forbidden(_) => ErrorCode::Forbidden,
            Self::NotFound(_) => ErrorCode::NotFound,
            Self::MethodNotAllowed => ErrorCode::MethodNotAllowed,
            Self::RateLimited { .. } => ErrorCode::RateLimited,
            Self::TooManyRooms(_) => ErrorCode::TooManyRooms,
            Self::ClientIdReused => ErrorCode::ClientIdReused,
            Self::Stale { .. } => ErrorCode::Stale,
            Self::TooLarge(_) => ErrorCode::TooLarge,
            Self::UnsupportedMediaType(_) => ErrorCode::UnsupportedMediaType,
            Self::NotDurable => ErrorCode::NotDurable,
            Self::Unavailable(_) => ErrorCode::Unavailable,
        }
    }

    /// How long to wait before trying again, if that helps.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. } => Some(*retry_after),
            Self::NotDurable | Self::Unavailable(_) => Some(Duration::from_secs(1)),
            _ => None,
        }
    }
}

impl From<frontdesk_store::Error> for Error {
    fn from(error: frontdesk_store::Error) -> Self {
        match error {
            frontdesk_store::Error::NotDurable(reason) => {
                tracing::error!(%reason, "the store did not accept a change");
                Self::NotDurable
            }
            frontdesk_store::Error::Cursor(bad) => Self::field("cursor", bad.to_string()),
            other => {
                tracing::error!(error = %other, "the store could not be read");
                Self::Unavailable("the database cannot be read now".into())
            }
        }
    }
}
