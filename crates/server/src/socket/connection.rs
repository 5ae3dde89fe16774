//! One connection, one task, one loop: frames in, frames out, what is timed, and the end.

use std::{pin::Pin, time::Duration};

use frontdesk_protocol::{CloseCode, ServerFrame, Timestamp, limits};
use futures_util::{StreamExt, stream::FuturesUnordered};
use rand::Rng;
use tokio::{
    select,
    time::{Instant, Sleep, sleep},
};

use super::{
    dispatch::{Answer, Inbound},
    inbox::InboxView,
    room::{RoomView, Stop},
    wire::{Gone, Incoming, Wire, refusal},
};
use crate::{
    app::App,
    caller::Caller,
    chat::limits::FrameLimits,
    error::Error,
    hub::{Class, Connected, INBOX, Kind, Signals, Taken},
};

/// Commits that a connection may wait for; past that it reads no further frame.
const WAITING_MAX: usize = 64;

/// What a connection follows.
pub(super) enum View {
    /// One room.
    Room(Box<RoomView>),
    /// The inbox and the rooms that are open on it.
    Inbox(Box<InboxView>),
}

/// How a connection ends.
#[derive(Debug)]
pub(super) enum End {
    /// The peer is gone, or takes nothing.
    Gone,
    /// It is closed with this code.
    Close(CloseCode, String),
}

impl From<Gone> for End {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

pub(super) type Waiting = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// A connection while it lives.
pub(super) struct Connection {
    pub(super) app: App,
    pub(super) wire: Wire,
    pub(super) caller: Caller,
    pub(super) connected: Connected,
    pub(super) view: View,
    /// Commits that it waits for.
    pub(super) waiting: FuturesUnordered<Waiting>,
    /// A frame of an origin connection that came too fast, until it may be handled.
    pub(super) held: Option<(Pin<Box<Sleep>>, Inbound)>,
    pub(super) limits: Option<Box<FrameLimits>>,
    clock: Beat,
    leaving: bool,
}

/// When something timed is due.
struct Beat {
    heartbeat: Duration,
    next: Instant,
    heard: Instant,
    /// How much of the time since then went into writing.
    deaf: Duration,
    warned: bool,
}

impl Beat {
    /// How long the peer has said nothing while somebody listened: whoever takes what is written, however slowly, is not silent.
    fn silence(&mut self, heard: Instant) -> Duration {
        self.hear(heard);
        self.heard.elapsed().saturating_sub(self.deaf)
    }

    fn wrote(&mut self, begun: Instant, heard: Instant) {
        self.hear(heard);
        self.deaf += begun.elapsed();
    }

    fn hear(&mut self, heard: Instant) {
        if heard > self.heard {
            self.heard = heard;
            self.deaf = Duration::ZERO;
        }
    }
}

impl Connection {
    pub(super) fn new(app: App, wire: Wire, caller: Caller, connected: Connected, view: View, kind: Kind) -> Self {
        app.metrics.connection_opened(kind);
        let now = Instant::now();
        let heartbeat = app.timing.heartbeat.mul_f64(rand::rng().random_range(0.9..=1.1));
        let clock = Beat { heartbeat, next: now + heartbeat, heard: now, deaf: Duration::ZERO, warned: false };
        Self { app, wire, caller, connected, view, waiting: FuturesUnordered::new(), held: None, limits: None, clock, leaving: false }
    }

    pub(super) fn is_origin(&self) -> bool {
        self.connected.outbox.is_origin()
    }

    pub(super) async fn run(mut self) {
        let end = match self.begin().await {
            Ok(()) => self.live().await,
            Err(end) => end,
        };
        if let End::Close(code, reason) = end {
            // The peer may already be gone; there is nobody to tell.
            let _ = self.wire.close(code, &reason).await;
        }
    }

    async fn begin(&mut self) -> Result<(), End> {
        let Self { app, wire, caller, view, .. } = self;
        let heartbeat_ms = u64::try_from(self.clock.heartbeat.as_millis()).unwrap_or(limits::HEARTBEAT_MS);
        let origin = self.connected.outbox.is_origin();
        let begun = match view {
            View::Room(room) => room.begin(app, caller, wire, origin, heartbeat_ms).await,
            View::Inbox(inbox) => inbox.begin(app, caller, wire, heartbeat_ms).await,
        };
        self.ended(begun).await?;
        self.clock.heard = Instant::now();
        self.remind();
        // Whoever came while the server was leaving was not told with the others.
        if self.app.shutdown.is_cancelled() {
            self.connected.outbox.signal(|signals| signals.leaving = true);
        }
        Ok(())
    }

    /// A store that cannot be read is told, and the client comes back later.
    async fn ended(&mut self, result: Result<(), Stop>) -> Result<(), End> {
        match result {
            Ok(()) => Ok(()),
            Err(Stop::Gone) => Err(End::Gone),
            Err(Stop::Failed(error)) => {
                self.refuse(&error, None, None).await?;
                Err(End::Close(CloseCode::TryAgainLater, error.to_string()))
            }
        }
    }

    async fn live(&mut self) -> End {
        let outbox = self.connected.outbox.clone();
        loop {
            let reads = !self.leaving && self.held.is_none() && self.waiting.len() < WAITING_MAX;
            let done = select! {
                taken = outbox.take() => self.hand_out(taken).await,
                Some(answer) = self.waiting.next() => self.answer(answer).await,
                () = until(&mut self.held) => self.release().await,
                incoming = self.wire.read(), if reads => self.hear(incoming).await,
            };
            if let Err(end) = done {
                return end;
            }
            if self.leaving && self.waiting.is_empty() && self.held.is_none() {
                return self.leave().await;
            }
        }
    }

    async fn hear(&mut self, incoming: Incoming) -> Result<(), End> {
        match incoming {
            Incoming::Text(text) => Box::pin(self.dispatch(&text)).await,
            Incoming::Binary => Box::pin(self.bad_frame("binary frames are not understood; send JSON text", None)).await,
            Incoming::Sign => Ok(()),
            Incoming::TooBig => Err(End::Close(CloseCode::TooBig, format!("a frame has more than {} bytes", limits::FRAME_BYTES_MAX))),
            Incoming::Gone => Err(End::Gone),
        }
    }

    async fn release(&mut self) -> Result<(), End> {
        match self.held.take() {
            Some((_, inbound)) => Box::pin(self.handle(inbound)).await,
            None => Ok(()),
        }
    }

    /// Writes what the hub put into the outbox, in one go, then does what it signalled.
    pub(super) async fn hand_out(&mut self, taken: Taken) -> Result<(), End> {
        let Taken { frames, signals, writing } = taken;
        let begun = Instant::now();
        for (class, bytes) in frames {
            if !self.is_news(class) {
                continue;
            }
            self.wire.feed(bytes).await?;
            match (class, &mut self.view) {
                (Class::Event(seq), View::Room(room)) => room.written = seq,
                (Class::Summary { version, .. }, View::Inbox(inbox)) => inbox.version = inbox.version.max(version),
                _ => {}
            }
        }
        self.wire.flush().await?;
        drop(writing);
        self.clock.wrote(begun, self.wire.heard());
        self.heed(signals).await
    }

    /// A receipt that was published before a newer one was read from the store, and arrives after it, is none.
    fn is_news(&self, class: Class) -> bool {
        let Class::Receipt(mark) = class else { return true };
        match &self.view {
            View::Room(room) => room.is_news(&mark),
            View::Inbox(inbox) => inbox.rooms.get(&mark.room_id).is_none_or(|room| room.is_news(&mark)),
        }
    }

    async fn heed(&mut self, signals: Signals) -> Result<(), End> {
        if let Some(code) = signals.close {
            let error = Error::Unauthorized("the session has ended; sign in again".into());
            self.refuse(&error, None, None).await?;
            return Err(End::Close(code, error.to_string()));
        }
        for room_id in signals.lagging {
            self.recover(room_id).await?;
        }
        if signals.leaving && !self.leaving {
            self.leaving = true;
            if !self.is_origin() {
                let after_ms = spread(self.app.hub.connections());
                self.wire.write(ServerFrame::Reconnect { after_ms }).await?;
            }
        }
        if signals.tick { self.tick().await } else { Ok(()) }
    }

    async fn recover(&mut self, room_id: i64) -> Result<(), End> {
        let (origin, begun) = (self.is_origin(), Instant::now());
        let Self { app, wire, view, .. } = self;
        let recovered = match view {
            View::Room(room) => room.recover(app, wire, origin).await,
            View::Inbox(inbox) if room_id == INBOX => inbox.catch_up(app, wire, 0).await,
            View::Inbox(inbox) => match inbox.rooms.get_mut(&room_id) {
                Some(room) => room.recover(app, wire, false).await,
                None => Ok(()),
            },
        };
        self.clock.wrote(begun, self.wire.heard());
        self.ended(recovered).await
    }

    /// Looks at everything timed: expiry, death, heartbeat. Asks to be reminded again.
    async fn tick(&mut self) -> Result<(), End> {
        self.check_expiry().await?;
        let now = Instant::now();
        let silence_max = self.clock.heartbeat * u32::try_from(limits::SERVER_SILENCE_PERCENT).unwrap_or(250) / 100;
        if self.clock.silence(self.wire.heard()) > silence_max {
            return Err(End::Close(CloseCode::Dead, "nothing was heard for too long".into()));
        }
        if now >= self.clock.next {
            self.clock.next = now + self.clock.heartbeat;
            if let Some(frame) = self.heartbeat() {
                self.wire.write(frame).await?;
            }
            self.wire.ping().await?;
        }
        self.remind();
        Ok(())
    }

    fn heartbeat(&self) -> Option<ServerFrame> {
        if self.is_origin() {
            return None;
        }
        Some(match &self.view {
            View::Room(room) => ServerFrame::Heartbeat { last_seq: Some(room.written), version: None },
            View::Inbox(inbox) => ServerFrame::Heartbeat { last_seq: None, version: Some(inbox.version.to_string()) },
        })
    }

    async fn check_expiry(&mut self) -> Result<(), End> {
        let left_ms = self.expires_at().as_millis() - Timestamp::now().as_millis();
        if left_ms <= 0 {
            let error = Error::Unauthorized("the token has expired".into());
            self.refuse(&error, None, None).await?;
            return Err(End::Close(CloseCode::Unauthorized, error.to_string()));
        }
        if !self.is_origin() && !self.clock.warned && left_ms <= limits::TOKEN_WARNING_SECS * 1_000 {
            self.clock.warned = true;
            self.wire.write(ServerFrame::TokenExpiring { expires_at: self.caller.expires_at }).await?;
        }
        Ok(())
    }

    /// Origin connections cannot renew their token and may outlive it.
    fn expires_at(&self) -> Timestamp {
        if self.is_origin() {
            let grace = i64::try_from(self.app.config.origin_grace.as_millis()).unwrap_or(i64::MAX);
            self.caller.expires_at.plus_millis(grace)
        } else {
            self.caller.expires_at
        }
    }

    /// The connection has a new token.
    pub(super) fn renew(&mut self, caller: Caller) {
        self.connected.renew(super::upgrade::credentials(&caller));
        self.caller = caller;
        self.clock.warned = false;
        self.remind();
    }

    fn remind(&self) {
        let heartbeat = self.clock.next.saturating_duration_since(Instant::now());
        let now = Timestamp::now().as_millis();
        let warning = if self.clock.warned || self.is_origin() { 0 } else { limits::TOKEN_WARNING_SECS * 1_000 };
        let expiry = u64::try_from(self.expires_at().as_millis() - warning - now).unwrap_or(0);
        self.app.hub.wheel().remind(&self.connected.outbox, heartbeat.min(Duration::from_millis(expiry)));
    }

    /// Tells why something was refused. Too many frames that make no sense end the connection.
    pub(super) async fn refuse(&mut self, error: &Error, client_id: Option<String>, room_id: Option<i64>) -> Result<(), End> {
        self.app.metrics.refused(error.code());
        self.wire.write(refusal(error, client_id, room_id)).await?;
        let invalid = matches!(error, Error::BadRequest(_) | Error::Invalid(_));
        if invalid && self.app.limits.on() && !self.limits.get_or_insert_default().bad_frame() {
            return Err(End::Close(CloseCode::Policy, "too many invalid frames".into()));
        }
        Ok(())
    }

    async fn leave(&mut self) -> End {
        // What was published meanwhile still goes out.
        let taken = self.connected.outbox.take_now();
        for (_, bytes) in taken.frames {
            if self.wire.feed(bytes).await.is_err() {
                return End::Gone;
            }
        }
        End::Close(CloseCode::Restart, "the server is leaving; come back".into())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.app.metrics.connection_closed(self.connected.outbox.kind);
    }
}

async fn until(held: &mut Option<(Pin<Box<Sleep>>, Inbound)>) {
    match held {
        Some((sleep, _)) => sleep.as_mut().await,
        None => std::future::pending().await,
    }
}

/// Makes a pause for a frame that came too fast.
pub(super) fn pause(wait: Duration) -> Pin<Box<Sleep>> {
    Box::pin(sleep(wait))
}

/// When a client comes back after a restart: the more there are, the further they are spread.
fn spread(connections: usize) -> u64 {
    let most = 250 + (connections as u64).saturating_mul(2).min(5_000);
    rand::rng().random_range(100..=most)
}
