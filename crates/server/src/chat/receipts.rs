//! Moving a person's watermarks: what was read, and what has reached a device.

use frontdesk_protocol::Id;
pub use frontdesk_store::MarkKind;
use frontdesk_store::{Mark, MarkOutcome, Pending};

use super::access::{self, Pass};
use crate::{app::App, caller::Caller, error::Error};

/// Everything up to a message was read; waits until that is stored.
///
/// # Errors
/// `NotFound` if the room or the message is not there.
pub async fn read(app: &App, caller: &Caller, room_id: Id, message_id: Id) -> Result<(), Error> {
    let pass = access::enter(app, caller, room_id).await?;
    settle(submit(app, &pass, MarkKind::Read, message_id).await?).await
}

/// Hands a mark to the writer without waiting for its commit.
///
/// # Errors
/// `Unavailable` if the writer takes nothing.
pub async fn submit(app: &App, pass: &Pass, kind: MarkKind, message_id: Id) -> Result<Pending<MarkOutcome>, Error> {
    let mark = Mark { room_id: pass.room_id(), person: pass.user().clone(), message_id, kind };
    Ok(app.store.mark(mark).await?)
}

/// Waits for a mark's commit.
///
/// # Errors
/// `NotFound` if the message is not one of the room's.
pub async fn settle(pending: Pending<MarkOutcome>) -> Result<(), Error> {
    match pending.await? {
        MarkOutcome::Moved | MarkOutcome::Unmoved => Ok(()),
        MarkOutcome::NoSuchMessage => Err(Error::NotFound("message_id is not a message of this room".into())),
    }
}
