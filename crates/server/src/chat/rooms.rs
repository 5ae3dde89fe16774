//! Rooms as a caller sees them: lists, one room, opening, resolving.

use frontdesk_protocol::{
    Id, Room, RoomStatus,
    body::{RoomPage, RoomsSummary},
    frame::Receipt,
};
use frontdesk_store::{Cursor, RoomQuery};

use super::access::{self, Pass};
use crate::{
    app::App,
    caller::{Admin, Caller},
    error::Error,
};

/// Which rooms, and from where in the list.
#[derive(Debug, Default)]
pub struct Selection {
    /// Part of the user's name or phone.
    pub q: Option<String>,
    /// Only rooms with this status.
    pub status: Option<RoomStatus>,
    /// Only rooms with something unread.
    pub unread: bool,
    /// Where the page begins; the newest activity if left out.
    pub cursor: Option<Cursor>,
    /// How many, 1 to 200.
    pub limit: i64,
}

/// A page of the caller's rooms, or of all for an admin, newest activity first.
///
/// # Errors
/// `Unavailable` if the store cannot be read.
pub async fn list(app: &App, caller: &Caller, selection: Selection) -> Result<RoomPage, Error> {
    let Selection { q, status, unread, cursor, limit } = selection;
    let query = RoomQuery { viewer: caller.user.role, user_id: caller.id(), q, status, unread, cursor, limit };
    let mut page = app.store.rooms(&query).await?;
    page.results.iter_mut().for_each(|room| show_presence(app, room));
    Ok(page)
}

/// One room.
///
/// # Errors
/// `NotFound` for a room that is absent or another's.
pub async fn get(app: &App, caller: &Caller, room_id: Id) -> Result<Room, Error> {
    access::enter(app, caller, room_id).await?;
    let mut room = app.store.room(room_id, caller.user.role).await?.ok_or_else(Error::no_room)?;
    show_presence(app, &mut room);
    Ok(room)
}

/// The room that a pass is for, and every watermark there.
///
/// # Errors
/// `Unavailable` if the store cannot be read.
pub async fn entered(app: &App, pass: &Pass) -> Result<(Room, Vec<Receipt>), Error> {
    let found = app.store.room_with_receipts(pass.room_id(), pass.user().role).await?;
    let (mut room, receipts) = found.ok_or_else(Error::no_room)?;
    show_presence(app, &mut room);
    Ok((room, receipts))
}

/// The newest open room of a user, made if there is none; whether it was made.
///
/// # Errors
/// `Invalid` if an admin names nobody or nobody who may have a room; `Forbidden` if a user names another.
pub async fn open(app: &App, caller: &Caller, user_id: Option<Id>) -> Result<(Room, bool), Error> {
    let owner = match (caller.is_admin(), user_id) {
        (true, None) => return Err(Error::field("user_id", "is required: say whose room")),
        (false, Some(other)) if other != caller.id() => return Err(Error::Forbidden("a user opens only their own room".into())),
        (true, Some(user_id)) => user_id,
        (false, _) => caller.id(),
    };
    let opened = app.store.open_room(owner).await?;
    let opened = opened.ok_or_else(|| Error::field("user_id", format!("there is no user {owner}")))?;
    Ok((get(app, caller, opened.room_id).await?, opened.made))
}

/// Resolves or reopens a room. The same status again changes nothing.
///
/// # Errors
/// `NotFound` if there is no such room.
pub async fn set_status(app: &App, admin: &Admin, room_id: Id, status: RoomStatus) -> Result<Room, Error> {
    app.store.set_status(room_id, admin.0.id(), status).await?.ok_or_else(Error::no_room)?;
    get(app, &admin.0, room_id).await
}

/// Counts over the caller's rooms, or over all for an admin.
///
/// # Errors
/// `Unavailable` if the store cannot be read.
pub async fn summary(app: &App, caller: &Caller) -> Result<RoomsSummary, Error> {
    Ok(app.store.summary(caller.user.role, caller.id()).await?)
}

/// Adds to a stored room whether its user is there now.
pub fn show_presence(app: &App, room: &mut Room) {
    room.online = app.hub.is_present(room.id, room.user.id);
    room.last_seen = if room.online { None } else { room.last_seen.max(app.last_seen.of(room.user.id)) };
}
