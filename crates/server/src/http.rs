//! The HTTP door: decodes a request, names the caller, calls one verb, encodes the answer. It decides nothing.

mod assets;
mod attachments;
mod auth;
mod extract;
mod guard;
mod health;
mod messages;
mod multipart;
mod observe;
pub mod openapi;
mod options;
mod problem;
mod ranges;
mod rooms;
mod router;
mod users;

pub use router::router;
