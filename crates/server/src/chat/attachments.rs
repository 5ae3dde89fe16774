//! Who may have the bytes of an attachment: whoever may see its room. And which files no message needs.

use std::{
    collections::HashSet,
    time::{Duration, SystemTime},
};

use frontdesk_protocol::{Attachment, Id};

use super::access;
use crate::{app::App, caller::Caller, error::Error};

const KEYS_A_PAGE: i64 = 1_000;
/// How often a bucket is swept, besides at start.
const SWEEP_EVERY: Duration = Duration::from_secs(24 * 3_600);

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

/// Readies the attachments for uploads: removes what a dead server left behind in its folder. A bucket may hold very many, so
/// it is only tried here and swept by `run`.
///
/// # Errors
/// `Unavailable` if the store or the folder cannot be read; a bucket that cannot be written.
pub async fn begin(app: &App) -> anyhow::Result<()> {
    app.files.clear_arriving().await.map_err(|error| unswept(&error))?;
    match app.files.bucket() {
        Some(_) => app.files.prove_writable().await,
        None => Ok(sweep(app).await?),
    }
}

/// Sweeps a bucket, at start and daily.
pub async fn run(app: App) {
    while app.files.bucket().is_some() {
        // Said in the log by then; the next time is soon enough.
        let _ = sweep(&app).await;
        tokio::time::sleep(SWEEP_EVERY).await;
    }
}

/// Removes files that no stored message needs, left behind when a server ended in the middle of something.
async fn sweep(app: &App) -> Result<(), Error> {
    let moment = SystemTime::now();
    let needed = needed(app).await?;
    let removed = app.files.sweep(needed, moment).await.map_err(|error| unswept(&error))?;
    if removed > 0 {
        tracing::info!(removed, "files that belong to no message were removed");
    }
    Ok(())
}

fn unswept(error: &std::io::Error) -> Error {
    tracing::error!(%error, "the attachments could not be swept");
    Error::Unavailable("the attachments cannot be read".into())
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
