//! Backups: one tar with the database, the attachments that it names, and the secret. What it holds and under which names
//! stands here; `pack` writes one, `unpack` reads one and believes nothing of it, `restore` puts one into place.

mod pack;
mod restore;
mod unpack;

use frontdesk_protocol::Timestamp;
use frontdesk_store::Counts;
use serde::{Deserialize, Serialize};

pub use pack::write;
pub use restore::{Restored, restore, verify};

use crate::files;

/// Says what the tar is; its first entry.
const MANIFEST: &str = "backup.json";
const DATABASE: &str = "frontdesk.db";
const SECRET: &str = "jwt.secret";
/// Marks a demo's folder, also one that somebody makes of a backup by hand.
const DEMO: &str = "demo";
const ATTACHMENTS: &str = "attachments/";
/// The sums of all other entries, as sha256sum(1) writes them; the last entry: a tar without it is torn.
const SUMS: &str = "SHA256SUMS";

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version that made it.
    pub frontdesk: String,
    /// When.
    pub made_at: Timestamp,
    /// Whether it is of a demo, whose passwords everybody knows.
    pub demo: bool,
}

/// What a backup holds.
#[derive(Clone, Debug)]
pub struct Contents {
    /// What it says of itself.
    pub manifest: Manifest,
    /// What is in its database.
    pub counts: Counts,
}

/// An entry that a backup may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part<'a> {
    Manifest,
    Database,
    Secret,
    Demo,
    /// A file of an attachment or of its thumbnail.
    Attachment(&'a str),
    Sums,
}

impl<'a> Part<'a> {
    /// Only names that we give: whatever else a tar may hold could be meant to end up elsewhere.
    fn named(name: &'a str) -> Option<Self> {
        match name {
            MANIFEST => Some(Self::Manifest),
            DATABASE => Some(Self::Database),
            SECRET => Some(Self::Secret),
            DEMO => Some(Self::Demo),
            SUMS => Some(Self::Sums),
            _ => name.strip_prefix(ATTACHMENTS).filter(|name| files::is_name(name)).map(Self::Attachment),
        }
    }
}

/// What is in a database, for people.
#[must_use]
pub fn describe(counts: &Counts) -> String {
    let parts = [(counts.users, "user"), (counts.rooms, "room"), (counts.messages, "message"), (counts.attachments, "attachment")];
    let parts = parts.map(|(number, name)| plural(number, name)).join(", ");
    format!("{parts} ({})", plural(counts.attachment_bytes, "byte"))
}

fn plural(number: i64, name: &str) -> String {
    format!("{number} {name}{}", if number == 1 { "" } else { "s" })
}
