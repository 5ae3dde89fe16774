//! A connection's view of one room: what it is told first, and reading what it missed until it is live.

use std::time::Duration;

use bytes::Bytes;
use frontdesk_protocol::{
    Id, Room, Seq, ServerFrame,
    frame::{PROTOCOL, Ready, Receipt, Resume, RoomReady},
};
use tokio::time::Instant;

use super::wire::{Gone, Wire};
use crate::{
    app::App,
    caller::Caller,
    chat::{access::Pass, presence::status_frame, rooms, sync},
    error::Error,
    hub::{Joined, Person, Seat, Watermark},
};

const ASK_AGAIN: Duration = Duration::from_millis(20);

/// A connection's place in a room.
pub(super) struct RoomView {
    pub(super) pass: Pass,
    seat: Seat,
    others: Vec<Person>,
    typists: Vec<(Id, String)>,
    typing_elsewhere: Vec<Bytes>,
    after: Option<Seq>,
    epoch: Option<String>,
    pub(super) resumed_at: Option<Instant>,
    /// Every event up to this seq was written.
    pub(super) written: Seq,
    /// Watermarks that were written: what is not further, and arrives later, is no news.
    told: Vec<Watermark>,
}

/// Why a view could not go on.
pub(super) enum Stop {
    /// The peer is gone.
    Gone,
    /// The store cannot be read.
    Failed(Error),
}

impl From<Gone> for Stop {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// A room as a newcomer finds it.
pub(super) struct Found {
    pub(super) room: Room,
    pub(super) receipts: Vec<Receipt>,
    pub(super) resume: Resume,
    /// From where on events must be written.
    pub(super) cursor: Seq,
}

impl RoomView {
    pub(super) fn new(pass: Pass, joined: Joined, after: Option<Seq>, epoch: Option<String>) -> Self {
        let Joined { seat, others, typists, typing_elsewhere, .. } = joined;
        Self { pass, seat, others, typists, typing_elsewhere, after, epoch, resumed_at: None, written: 0, told: Vec::new() }
    }

    /// The room as it is now. The seat was taken before, so whatever comes later is handed over or found by `catch_up`.
    pub(super) async fn find(&self, app: &App) -> Result<Found, Error> {
        let (room, receipts) = rooms::entered(app, &self.pass).await?;
        let (resume, cursor) = sync::resume(app, room.last_seq, self.after, self.epoch.as_deref());
        Ok(Found { room, receipts, resume, cursor })
    }

    /// `ready` (v=1), then who else is there, then what was missed.
    pub(super) async fn begin(&mut self, app: &App, caller: &Caller, wire: &mut Wire, origin: bool, heartbeat_ms: u64) -> Result<(), Stop> {
        let found = self.find(app).await?;
        let (cursor, head) = (found.cursor, found.room.last_seq);
        if !origin {
            self.note_told(&found.receipts);
            wire.write(self.ready(app, caller, found, heartbeat_ms)).await?;
        }
        self.epoch = None;
        self.tell_others(wire).await?;
        self.catch_up(app, wire, cursor, head, origin).await
    }

    pub(super) fn note_told(&mut self, receipts: &[Receipt]) {
        let room_id = self.pass.room_id();
        let marks = |receipt: &Receipt| {
            let mark = |read, seq| Watermark { room_id, user_id: receipt.user_id, read, seq };
            [mark(true, receipt.read_seq), mark(false, receipt.delivered_seq)]
        };
        self.told = receipts.iter().flat_map(marks).collect();
    }

    /// A watermark was told of: an older one that comes later is none, nor is the same again.
    pub(super) fn note(&mut self, mark: Watermark) {
        match self.told.iter_mut().find(|told| (told.user_id, told.read) == (mark.user_id, mark.read)) {
            Some(told) => *told = mark,
            None => self.told.push(mark),
        }
    }

    /// Whether a watermark on its way is further than what the connection was told.
    pub(super) fn is_news(&self, mark: &Watermark) -> bool {
        let same = |told: &&Watermark| (told.user_id, told.read) == (mark.user_id, mark.read);
        self.told.iter().find(same).is_none_or(|told| told.seq < mark.seq)
    }

    fn ready(&self, app: &App, caller: &Caller, found: Found, heartbeat_ms: u64) -> ServerFrame {
        let Found { room, receipts, resume, .. } = found;
        ServerFrame::Ready(Ready::Room(Box::new(RoomReady {
            protocol: PROTOCOL,
            epoch: sync::epoch(app),
            room,
            user: caller.user.clone(),
            receipts,
            support_online: app.hub.support_online(),
            resume,
            heartbeat_ms,
        })))
    }

    pub(super) async fn tell_others(&mut self, wire: &mut Wire) -> Result<(), Gone> {
        for person in std::mem::take(&mut self.others) {
            wire.feed(status_frame(self.pass.room_id(), &person, None)).await?;
        }
        let room_id = self.pass.room_id();
        for (user_id, name) in std::mem::take(&mut self.typists) {
            wire.write(ServerFrame::Typing { room_id, user_id, name, is_typing: true }).await?;
        }
        for frame in std::mem::take(&mut self.typing_elsewhere) {
            wire.feed(frame).await?;
        }
        wire.flush().await
    }

    /// Writes every event past `cursor` from the store, a page at a time, up to `head` at least and until the hub can go on.
    pub(super) async fn catch_up(&mut self, app: &App, wire: &mut Wire, mut cursor: Seq, head: Seq, origin: bool) -> Result<(), Stop> {
        while cursor < head || !self.seat.go_live(cursor) {
            cursor = self.write_page(app, wire, cursor, origin).await?;
        }
        self.written = cursor;
        Ok(())
    }

    async fn write_page(&self, app: &App, wire: &mut Wire, cursor: Seq, origin: bool) -> Result<Seq, Stop> {
        let events = sync::events_after(app, self.pass.room_id(), cursor).await?;
        let Some(last) = events.last().map(|event| event.seq) else {
            // The hub knows of something newer, so the store has it; a read that does not show it yet is asked again.
            tokio::time::sleep(ASK_AGAIN).await;
            return Ok(cursor);
        };
        for event in events {
            if !origin || event.origin {
                wire.feed(event.bytes).await?;
            }
        }
        wire.flush().await?;
        Ok(last)
    }

    /// The outbox was full: what did not fit is read from the store, and every watermark is told anew.
    pub(super) async fn recover(&mut self, app: &App, wire: &mut Wire, origin: bool) -> Result<(), Stop> {
        self.catch_up(app, wire, self.seat.cursor(), 0, origin).await?;
        let marks = sync::receipts(app, self.pass.room_id(), origin).await?;
        self.told = marks.iter().map(|(mark, _)| *mark).collect();
        for (_, bytes) in marks {
            wire.feed(bytes).await?;
        }
        Ok(wire.flush().await?)
    }

    /// Hands over nothing more; what is already in the outbox is written before the answer to `resume`.
    pub(super) fn pause(&self) {
        self.seat.pause();
    }

    /// The answer to `resume`: `resumed`, then what was missed, as in the handshake.
    pub(super) async fn resume(&mut self, app: &App, wire: &mut Wire, after: Seq, epoch: Option<String>) -> Result<(), Stop> {
        (self.after, self.epoch) = (Some(after), epoch);
        let Found { room, resume, cursor, .. } = self.find(app).await?;
        let last_seq = room.last_seq;
        wire.write(ServerFrame::Resumed { room_id: self.pass.room_id(), after, last_seq, resume }).await?;
        self.catch_up(app, wire, cursor, last_seq, false).await
    }
}
