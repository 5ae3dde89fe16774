//! Finds what was never published, so that nobody waits for it: what another process changed, sessions that were ended
//! elsewhere; and reads what a connection missed.

use std::time::Duration;

use bytes::Bytes;
use frontdesk_protocol::{Id, Seq, frame::Resume, limits::RESUME_EVENTS_MAX};
use frontdesk_store::{Event, Head, Revocation};
use tokio::{select, sync::watch, time::sleep};

use super::publish;
use crate::{
    app::App,
    bus::Health,
    error::Error,
    hub::{Credentials, Watermark},
};

/// Events read at once for a connection that missed some.
const PAGE: i64 = 100;
/// How often changed rooms are looked for while the wire between nodes is down.
const SCAN_WITHOUT_WIRE: Duration = Duration::from_millis(250);
/// Rooms looked at in one scan; a longer list is continued in the next.
const SCAN_ROOMS: i64 = 1_000;

/// Goes through the rooms that change, page after page. On PostgreSQL the end of the list is not in order: a smaller version may be
/// committed after a larger one. So it begins anew where all was committed when it began the last time.
struct Sweep {
    /// Where the next page begins.
    after: i64,
    /// Where the next sweep begins, once this one has begun.
    next: Option<i64>,
}

impl Sweep {
    /// Up to which version every change has been found now.
    fn note(&mut self, last: Option<i64>, is_last: bool, seen: i64) -> i64 {
        let begun = *self.next.get_or_insert(seen);
        match last {
            Some(last) if !is_last => {
                self.after = last;
                begun.min(last)
            }
            _ => {
                (self.after, self.next) = (begun, None);
                begun
            }
        }
    }
}

/// A durable event as it goes to a connection.
pub struct Replayed {
    /// Its place in the room.
    pub seq: Seq,
    /// Whether origin connections hear it.
    pub origin: bool,
    /// The frame.
    pub bytes: Bytes,
}

/// The unbroken history that all seqs and versions belong to now.
#[must_use]
pub fn epoch(app: &App) -> String {
    app.store.epoch().to_string()
}

/// Whether a client's epoch is the current one. One that is left out, or empty, means the current one.
#[must_use]
pub fn is_current(app: &App, epoch: Option<&str>) -> bool {
    epoch.is_none_or(|epoch| epoch.is_empty() || epoch == &*app.store.epoch())
}

/// Whether a message could be stored now; and what does not work beside, if anything.
///
/// # Errors
/// `Unavailable` with the reason.
pub async fn ready(app: &App) -> Result<Option<&'static str>, Error> {
    app.store.probe().await.map_err(|error| Error::Unavailable(error.to_string()))?;
    Ok((app.bus.health() == Health::Down).then_some("Redis is away: what is said on other nodes is found in the database, a moment later"))
}

/// How a connection that has everything up to `after` goes on in a room that is at `head`: what it is told, and from
/// which seq it is served.
#[must_use]
pub fn resume(app: &App, head: Seq, after: Option<Seq>, epoch: Option<&str>) -> (Resume, Seq) {
    let Some(after) = after else { return (Resume::None, head) };
    if is_current(app, epoch) && (0..=head).contains(&after) && head - after <= RESUME_EVENTS_MAX {
        (Resume::Complete, after)
    } else {
        (Resume::Reset, head)
    }
}

/// The next events of a room after a seq, as they are now.
///
/// # Errors
/// `Unavailable` if the store cannot be read.
pub async fn events_after(app: &App, room_id: Id, after: Seq) -> Result<Vec<Replayed>, Error> {
    let events = app.store.events_after(room_id, after, PAGE).await?;
    Ok(events.into_iter().filter_map(replayed).collect())
}

fn replayed(event: Event) -> Option<Replayed> {
    let (seq, origin) = match &event {
        Event::Message(message) => (message.seq, true),
        Event::StatusChanged { seq, .. } => (*seq, false),
        Event::Receipt(_) | Event::RoomMade { .. } => return None,
    };
    Some(Replayed { seq, origin, bytes: publish::encode(&publish::frame(event)?) })
}

/// Every watermark of a room with its frame, for a connection that missed some.
///
/// # Errors
/// `Unavailable` if the store cannot be read.
pub async fn receipts(app: &App, room_id: Id, origin: bool) -> Result<Vec<(Watermark, Bytes)>, Error> {
    let marks = app.store.receipt_marks(room_id).await?;
    let heard = marks.into_iter().map(|mark| (publish::watermark(&mark), mark)).filter(|(mark, _)| !origin || mark.read);
    Ok(heard.filter_map(|(mark, event)| Some((mark, publish::encode(&publish::frame(Event::Receipt(event))?)))).collect())
}

/// Scans until the server has left.
pub async fn run(app: App) {
    let after = app.store.version().await.unwrap_or_else(|error| {
        tracing::error!(%error, "the scan starts from the beginning");
        0
    });
    let mut sweep = Sweep { after, next: None };
    let mut moved = Sweep { after, next: None };
    let mut revoked = app.store.last_revocation().await.unwrap_or(0);
    let mut epochs = app.store.epochs();
    let mut seen: Vec<Head> = Vec::new();
    let mut wire = app.bus.changes();
    loop {
        let due = select! {
            () = app.scan_now.notified() => false,
            Ok(()) = epochs.changed() => {
                begin_new_history(&app);
                true
            }
            // What was lost on the wire is looked for at once.
            () = changed(wire.as_mut()) => true,
            () = sleep(scan_every(&app)) => true,
        };
        match app.store.revocations_after(revoked).await {
            Ok((revocations, end)) => {
                for ended in revocations {
                    self::end(&app, &ended);
                }
                revoked = revoked.max(end);
            }
            Err(error) => tracing::warn!(%error, "ended sessions could not be read; trying again"),
        }
        if !due {
            continue;
        }
        // What this process committed a moment ago is still on its way; after one more turn it has arrived.
        for head in seen.drain(..) {
            app.hub.store_is_at(head.room_id, head.last_seq);
        }
        match app.store.heads_changed(sweep.after, SCAN_ROOMS).await {
            Ok(page) => {
                let found = sweep.note(page.heads.last().map(|head| head.version), page.is_last, page.seen.version);
                app.inbox.scanned(&app.hub, &page.heads, found);
                seen = page.heads;
            }
            Err(error) => tracing::warn!(%error, "changed rooms could not be read; trying again"),
        }
        if app.store.is_shared() {
            match app.store.marks_moved(moved.after, SCAN_ROOMS).await {
                Ok(page) => {
                    moved.note(page.last, page.is_last, page.seen);
                    for mark in page.marks {
                        publish::again(&app, mark);
                    }
                }
                Err(error) => tracing::warn!(%error, "moved watermarks could not be read; trying again"),
            }
        }
    }
}

fn scan_every(app: &App) -> Duration {
    if app.bus.health() == Health::Down { app.timing.scan.min(SCAN_WITHOUT_WIRE) } else { app.timing.scan }
}

async fn changed(wire: Option<&mut watch::Receiver<bool>>) {
    if let Some(wire) = wire
        && wire.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

/// PostgreSQL has failed over to a server that may lack what was told of last: everybody comes back and learns what there is.
fn begin_new_history(app: &App) {
    tracing::warn!(epoch = &*app.store.epoch(), "the database goes on with another history; everybody reads anew");
    app.hub.forget_heads();
    app.hub.leave_all();
}

fn end(app: &App, ended: &Revocation) {
    app.hub.end_sessions(ended.user_id, |credentials| is_ended(credentials, ended));
}

fn is_ended(credentials: &Credentials, ended: &Revocation) -> bool {
    match (&ended.sid, &ended.jti) {
        (Some(sid), _) => credentials.sid.as_ref() == Some(sid),
        (None, Some(jti)) => credentials.jti.as_ref() == Some(jti),
        (None, None) => credentials.issued_at < ended.before_iat,
    }
}
