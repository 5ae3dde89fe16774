//! Every error code and close code on one page, and which of them mean "try again" or "stop".

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What went wrong, for a program: in `error` frames and in problem+json.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The frame is not valid: not JSON, an unknown type, a wrong or missing field, a binary frame.
    BadFrame,
    /// The HTTP body cannot be parsed (400).
    BadRequest,
    /// Fields or parameters are wrong (422).
    Invalid,
    /// The message is longer than allowed (422 over HTTP).
    TooLong,
    /// The message is empty or only white space (422 over HTTP).
    Empty,
    /// There is no such thing, or it is another person's (404).
    NotFound,
    /// The path exists, but not with this method (405).
    MethodNotAllowed,
    /// The caller may not do this (403).
    Forbidden,
    /// No token, or one that is wrong, expired or revoked (401).
    Unauthorized,
    /// Too much in too short a time (429).
    RateLimited,
    /// More than 64 rooms on one inbox connection.
    TooManyRooms,
    /// The sender used this `client_id` in another room (409).
    ClientIdReused,
    /// The other side wrote since `if_last_seq`; the message was not stored.
    Stale,
    /// The body or file is larger than allowed (413).
    TooLarge,
    /// The body is of a kind that is not taken here (415).
    UnsupportedMediaType,
    /// Not known to be stored; send the same `client_id` again (503).
    NotDurable,
    /// The server cannot do this now (503).
    Unavailable,
    /// The server failed in a way that it did not foresee (500).
    Internal,
}

impl ErrorCode {
    /// Whether sending the same thing again later may succeed.
    #[must_use]
    pub fn retryable(self) -> bool {
        match self {
            Self::RateLimited | Self::NotDurable | Self::Unavailable | Self::Internal => true,
            Self::BadFrame
            | Self::BadRequest
            | Self::Invalid
            | Self::TooLong
            | Self::Empty
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::Forbidden
            | Self::Unauthorized
            | Self::TooManyRooms
            | Self::ClientIdReused
            | Self::Stale
            | Self::TooLarge
            | Self::UnsupportedMediaType => false,
        }
    }
}

/// Why the server closes a WebSocket (RFC 6455, section 7.4; 4000–4999 are ours).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseCode {
    /// 1008: more than 100 invalid frames in a minute.
    Policy,
    /// 1009: a frame over 64 KiB.
    TooBig,
    /// 1012: the server is leaving; come back.
    Restart,
    /// 1013: the peer reads too slowly, or an origin message could not be stored.
    TryAgainLater,
    /// 4401: the token is missing, wrong, expired or revoked.
    Unauthorized,
    /// 4403: not your room, or the inbox for a user.
    Forbidden,
    /// 4404: no such room (admins).
    NotFound,
    /// 4408: nothing was heard for too long.
    Dead,
    /// 4429: too many connections.
    TooManyConnections,
}

impl CloseCode {
    /// Every close code, in numeric order.
    pub const ALL: [Self; 9] = [
        Self::Policy,
        Self::TooBig,
        Self::Restart,
        Self::TryAgainLater,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::Dead,
        Self::TooManyConnections,
    ];

    /// The code as it stands in the close frame.
    #[must_use]
    pub fn code(self) -> u16 {
        match self {
            Self::Policy => 1008,
            Self::TooBig => 1009,
            Self::Restart => 1012,
            Self::TryAgainLater => 1013,
            Self::Unauthorized => 4401,
            Self::Forbidden => 4403,
            Self::NotFound => 4404,
            Self::Dead => 4408,
            Self::TooManyConnections => 4429,
        }
    }

    /// The constant's name in TypeScript.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::TooBig => "too_big",
            Self::Restart => "restart",
            Self::TryAgainLater => "try_again_later",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Dead => "dead",
            Self::TooManyConnections => "too_many_connections",
        }
    }

    /// Whether connecting again with the same token and room may succeed.
    #[must_use]
    pub fn retryable(self) -> bool {
        !matches!(self, Self::Unauthorized | Self::Forbidden | Self::NotFound)
    }
}
