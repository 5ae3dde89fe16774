//! A connection's view of the inbox: its summaries, and the rooms that are open on it.

use std::{collections::BTreeMap, sync::Arc};

use frontdesk_protocol::{
    Id, Seq, ServerFrame,
    frame::{InboxReady, PROTOCOL, Ready},
    limits::INBOX_ROOMS_MAX,
};

use super::{
    room::{RoomView, Stop},
    wire::Wire,
};
use crate::{
    app::App,
    caller::Caller,
    chat::{access, inbox, presence, rooms, sync},
    error::Error,
    hub::{InboxSeat, Outbox},
};

/// Rooms read at once for a connection that missed some.
const PAGE: i64 = 100;

/// A connection's place at the inbox.
pub(super) struct InboxView {
    seat: InboxSeat,
    after: Option<String>,
    epoch: Option<String>,
    /// Every change up to here was written.
    pub(super) version: i64,
    pub(super) rooms: BTreeMap<Id, RoomView>,
}

impl InboxView {
    pub(super) fn new(seat: InboxSeat, after: Option<String>, epoch: Option<String>) -> Self {
        Self { seat, after, epoch, version: 0, rooms: BTreeMap::new() }
    }

    /// `ready`, then every room that changed since.
    pub(super) async fn begin(&mut self, app: &App, caller: &Caller, wire: &mut Wire, heartbeat_ms: u64) -> Result<(), Stop> {
        let inbox::Begin { resume, version } = inbox::begin(app, self.after.as_deref(), self.epoch.as_deref()).await?;
        let ready = InboxReady {
            protocol: PROTOCOL,
            epoch: sync::epoch(app),
            user: caller.user.clone(),
            version: version.to_string(),
            summary: rooms::summary(app, caller).await?,
            resume,
            heartbeat_ms,
        };
        wire.write(ServerFrame::Ready(Ready::Inbox(Box::new(ready)))).await?;
        self.version = version;
        self.catch_up(app, wire).await
    }

    /// Writes every room that changed past our version, until the hub can go on.
    pub(super) async fn catch_up(&mut self, app: &App, wire: &mut Wire) -> Result<(), Stop> {
        loop {
            let mut changes = inbox::changes_after(app, self.version, PAGE).await?;
            // What the first page shows, all pages show.
            let seen = changes.seen;
            loop {
                for bytes in changes.frames {
                    wire.feed(bytes).await?;
                }
                wire.flush().await?;
                if changes.is_last {
                    break;
                }
                changes = inbox::changes_after(app, changes.next, PAGE).await?;
            }
            // Rooms that changed again since are found under their newer version.
            self.version = self.version.max(seen.version);
            if self.seat.go_live(seen.version, |change| seen.shows(change)) {
                return Ok(());
            }
        }
    }

    /// Opens a room on this connection. The caller has closed it before, if it was open.
    pub(super) async fn open(&mut self, app: &App, caller: &Caller, outbox: &Arc<Outbox>, wish: Wish, wire: &mut Wire) -> Result<(), Stop> {
        let Wish { room_id, after, epoch } = wish;
        if self.rooms.len() >= INBOX_ROOMS_MAX {
            return Err(Error::TooManyRooms(INBOX_ROOMS_MAX).into());
        }
        let pass = access::enter(app, caller, room_id).await?;
        let joined = app.hub.join(room_id, outbox, &caller.user, app.timing.presence_grace);
        if joined.arrived {
            presence::arrived(app, room_id, &caller.user);
        }
        let mut view = RoomView::new(pass, joined, after, epoch);
        let found = view.find(app).await?;
        let (epoch, cursor, head) = (sync::epoch(app), found.cursor, found.room.last_seq);
        view.note_told(&found.receipts);
        wire.write(ServerFrame::RoomOpened { room_id, epoch, room: found.room, receipts: found.receipts, resume: found.resume }).await?;
        view.tell_others(wire).await?;
        view.catch_up(app, wire, cursor, head, false).await?;
        self.rooms.insert(room_id, view);
        Ok(())
    }
}

/// What `open_room` asks for.
pub(super) struct Wish {
    pub(super) room_id: Id,
    pub(super) after: Option<Seq>,
    pub(super) epoch: Option<String>,
}
