//! Who may enter which room: users their own, admins all.

use frontdesk_protocol::{Id, User};

use crate::{app::App, caller::Caller, error::Error};

/// The proof that a person may act in a room. Made by `admit` only.
#[derive(Clone, Debug)]
pub struct Pass {
    room_id: Id,
    user: User,
}

impl Pass {
    /// The room.
    #[must_use]
    pub fn room_id(&self) -> Id {
        self.room_id
    }

    /// The person; the role is the side that they write from.
    #[must_use]
    pub fn user(&self) -> &User {
        &self.user
    }
}

/// Lets a person into a room.
///
/// # Errors
/// `NotFound` if there is no such room *or it is another's*: a stranger cannot tell which.
pub async fn enter(app: &App, caller: &Caller, room_id: Id) -> Result<Pass, Error> {
    admit(caller, room_id, app.store.room_owner(room_id).await?)
}

/// As [`enter`], for whoever has asked already whose room it is.
///
/// # Errors
/// As [`enter`].
pub fn admit(caller: &Caller, room_id: Id, owner: Option<Id>) -> Result<Pass, Error> {
    match owner {
        Some(owner) if caller.is_admin() || owner == caller.id() => Ok(Pass { room_id, user: caller.user.clone() }),
        _ => Err(Error::no_room()),
    }
}
