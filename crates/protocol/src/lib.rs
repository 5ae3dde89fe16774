//! Everything that crosses a wire, as pure data: frames, HTTP bodies, codes and limits.
//!
//! No I/O, no async, no SQL. The TypeScript types (`web/sdk/protocol.gen.ts`) and the golden files
//! (`golden/*.json`) are made from here by a test; see `docs/protocol.md` for the meaning of each.

pub mod body;
pub mod code;
pub mod frame;
pub mod limits;
mod time;

#[cfg(test)]
mod golden;

pub use body::{Attachment, Id, Message, Role, Room, RoomStatus, Seq, User};
pub use code::{CloseCode, ErrorCode};
pub use frame::{ClientFrame, ServerFrame};
pub use time::Timestamp;
