//! The room: the only place that decides who may do what, what changes, and who hears of it.
//!
//! Verbs are functions of one shape, `verb(&app, who, what) -> Result<answer, Error>`; both doors call them.

pub mod access;
pub mod attachments;
pub mod inbox;
pub mod limits;
pub mod messages;
pub mod nodes;
pub mod people;
pub mod presence;
pub mod publish;
pub mod receipts;
pub mod rooms;
pub mod sessions;
pub mod sync;
pub mod typing;
