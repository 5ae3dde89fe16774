//! Sending and reading messages.

use frontdesk_protocol::{Id, Message, Seq, body::MessagePage, limits::CLIENT_ID_CHARS_MAX};
pub use frontdesk_store::MessageQuery;
use frontdesk_store::{NewAttachment, NewMessage, Pending, SendOutcome};

use super::access::{self, Pass};
use crate::{app::App, caller::Caller, error::Error};

/// A message that somebody wants to send.
#[derive(Debug, Default)]
pub struct Draft {
    /// The text.
    pub text: String,
    /// The sender's own id for it.
    pub client_id: Option<String>,
    /// Refuse it when the other side wrote past this seq.
    pub if_last_seq: Option<Seq>,
    /// Files that were already taken in.
    pub attachments: Vec<NewAttachment>,
}

/// A message that is stored.
#[derive(Debug)]
pub struct Sent {
    /// The message.
    pub message: Box<Message>,
    /// Whether it had been stored before.
    pub duplicate: bool,
}

/// A message that waits for its commit.
pub struct Submitted {
    outcome: Pending<SendOutcome>,
    refusal: Option<Error>,
}

/// Sends a message and waits until it is stored.
///
/// # Errors
/// See `submit` and `Submitted::stored`.
pub async fn send(app: &App, caller: &Caller, room_id: Id, draft: Draft) -> Result<Sent, Error> {
    let pass = access::enter(app, caller, room_id).await?;
    let counted = count(app, &pass);
    submit(app, &pass, draft, counted).await?.stored().await
}

/// Counts a message against its sender's rate.
///
/// # Errors
/// `RateLimited` if it is one too many. Give that to `submit`, or wait.
pub fn count(app: &App, pass: &Pass) -> Result<(), Error> {
    app.limits.message(pass.user().id).map_err(|retry_after| Error::RateLimited { what: "too many messages".into(), retry_after })
}

/// Hands a message to the writer, in the order of the calls, without waiting for its commit.
///
/// What the rules refuse is asked after all when it has a `client_id`: if it is a repeat of a stored message, that is
/// the answer, before anything else is judged.
///
/// # Errors
/// `Empty`, `TooLong`, `Invalid`, `RateLimited`; `Unavailable` if the writer takes nothing.
pub async fn submit(app: &App, pass: &Pass, draft: Draft, counted: Result<(), Error>) -> Result<Submitted, Error> {
    if let Some(client_id) = &draft.client_id {
        check_client_id(client_id)?;
    }
    let refusal = check(app, &draft).and(counted).err();
    if let Some(error) = &refusal
        && draft.client_id.is_none()
    {
        return Err(error.clone());
    }
    let new = NewMessage {
        room_id: pass.room_id(),
        sender: pass.user().clone(),
        text: draft.text,
        client_id: draft.client_id,
        if_last_seq: draft.if_last_seq,
        attachments: draft.attachments,
        refused: refusal.is_some(),
    };
    let outcome = app.store.send(new).await?;
    Ok(Submitted { outcome, refusal })
}

impl Submitted {
    /// Waits for the commit.
    ///
    /// # Errors
    /// Why it was refused; `NotDurable` if it is not known to be stored.
    pub async fn stored(self) -> Result<Sent, Error> {
        match self.outcome.await? {
            SendOutcome::Stored(message) => Ok(Sent { message, duplicate: false }),
            SendOutcome::Duplicate(message) => Ok(Sent { message, duplicate: true }),
            SendOutcome::ClientIdReused => Err(Error::ClientIdReused),
            SendOutcome::Stale { last_seq } => Err(Error::Stale { last_seq }),
            SendOutcome::NoSuchRoom => Err(Error::no_room()),
            SendOutcome::Refused => Err(self.refusal.unwrap_or(Error::NotDurable)),
        }
    }
}

fn check_client_id(client_id: &str) -> Result<(), Error> {
    let chars = client_id.chars().count();
    if chars == 0 || chars > CLIENT_ID_CHARS_MAX {
        return Err(Error::field("client_id", format!("must have 1 to {CLIENT_ID_CHARS_MAX} characters, not {chars}")));
    }
    no_nul("client_id", client_id)
}

fn no_nul(field: &str, text: &str) -> Result<(), Error> {
    match text.find('\0') {
        Some(at) => Err(Error::field(field, format!("must not contain U+0000 (at byte {at})"))),
        None => Ok(()),
    }
}

fn check(app: &App, draft: &Draft) -> Result<(), Error> {
    no_nul("message", &draft.text)?;
    if draft.attachments.is_empty() && draft.text.chars().all(char::is_whitespace) {
        return Err(Error::Empty);
    }
    let max = app.config.message_max;
    // A character has at least one byte, so most texts need not be counted.
    if draft.text.len() > max {
        let chars = draft.text.chars().count();
        if chars > max {
            return Err(Error::TooLong { chars, max });
        }
    }
    Ok(())
}

/// A page of a room's messages, oldest first.
///
/// # Errors
/// `NotFound` for a room that is absent or another's.
pub async fn history(app: &App, caller: &Caller, room_id: Id, query: MessageQuery) -> Result<MessagePage, Error> {
    access::enter(app, caller, room_id).await?;
    let (limit, forward) = (query.limit, query.after.is_some());
    // One more than asked for tells whether there is another page.
    let mut results = app.store.messages(room_id, MessageQuery { limit: limit + 1, ..query }).await?;
    let more = i64::try_from(results.len()).is_ok_and(|len| len > limit);
    if more && forward {
        results.pop();
    } else if more {
        results.remove(0);
    }
    let edge = if forward { results.last() } else { results.first() };
    Ok(MessagePage { next: edge.filter(|_| more).map(|message| message.seq), results })
}
