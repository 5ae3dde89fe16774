//! Who may have the bytes of an attachment: whoever may see its room. And which files no message needs.

use std::collections::HashSet;

use frontdesk_protocol::{Attachment, Id};

use super::access;
use crate::{app::App, caller::Caller, error::Error};

const KEYS_A_PAGE: i64 = 1_000;

/// An attachment that the caller may have.
#[derive(Clone, Debug)]
pub struct Granted {
    /// What is told of it.
    pub attachment: Attachment,
    /// Its file among the attachments.
    pub key: String,
}

/// Finds an attachment for a caller.
///
/// # Errors
/// `NotFound` if it is absent or in another's room.
pub async fn find(app: &App, caller: &Caller, id: Id) -> Result<Granted, Error> {
    let absent = || Error::NotFound("there is no such attachment".into());
    let stored = app.store.attachment(id).await?.ok_or_else(absent)?;
    access::enter(app, caller, stored.room_id).await.map_err(|error| match error {
        Error::NotFound(_) => absent(),
        other => other,
    })?;
    Ok(Granted { attachment: stored.attachment, key: stored.key })
}

/// Removes files that no stored message needs, left behind when the server last ended in the middle of something.
///
/// # Errors
/// `Unavailable` if the store or the folder cannot be read.
pub async fn sweep(app: &App) -> Result<(), Error> {
    let removed = app.files.sweep(needed(app).await?).await.map_err(|error| {
        tracing::error!(%error, "the attachments could not be swept");
        Error::Unavailable("the attachments cannot be read".into())
    })?;
    if removed > 0 {
        tracing::info!(removed, "files that belong to no message were removed");
    }
    Ok(())
}

async fn needed(app: &App) -> Result<HashSet<String>, Error> {
    let mut needed = HashSet::new();
    let mut after = 0;
    loop {
        let page = app.store.attachment_keys(after, KEYS_A_PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(needed) };
        after = *last;
        needed.extend(page.into_iter().map(|(_, key)| key));
    }
}
