//! One connection, one task, one loop: frames in, frames out, what is timed, and the end.

use std::{pin::Pin, time::Duration};

use frontdesk_protocol::{CloseCode, ServerFrame, limits};
use futures_util::{FutureExt, StreamExt, stream::FuturesUnordered};
use rand::Rng;
use tokio::{
    select,
    time::{Instant, Sleep, sleep},
};

use super::{
    dispatch::{Answer, Inbound},
    inbox::InboxView,
    room::{RoomView, Stop},
    timed::Beat,
    wire::{Gone, Incoming, Wire, refusal},
};
use crate::{
    app::App,
    caller::Caller,
    chat::{limits::FrameLimits, presence},
    error::Error,
    hub::{Class, Connected, INBOX, Kind, Signals, Taken, Writing},
};

/// Commits that a connection may wait for; past that it reads no further frame.
const WAITING_MAX: usize = 64;
/// Rounds of looking for more to write before it is sent.
const TOGETHER_MAX: usize = 64;

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
    /// Counts what was fed until it is sent.
    writing: Vec<Writing>,
    pub(super) clock: Beat,
    leaving: bool,
}

impl Connection {
    pub(super) fn new(app: App, wire: Wire, caller: Caller, connected: Connected, view: View, kind: Kind) -> Self {
        app.metrics.connection_opened(kind);
        let clock = Beat::new(app.timing.heartbeat);
        Self {
            app,
            wire,
            caller,
            connected,
            view,
            waiting: FuturesUnordered::new(),
            held: None,
            limits: None,
            writing: Vec::new(),
            clock,
            leaving: false,
        }
    }

    pub(super) fn is_origin(&self) -> bool {
        self.connected.outbox.is_origin()
    }

    /// An idle connection is as big as the largest step that stands in this future, so what is rare is boxed.
    pub(super) async fn run(mut self: Box<Self>) {
        let end = match Box::pin(self.begin()).await {
            Ok(()) => self.live().await,
            Err(end) => end,
        };
        if let End::Close(code, reason) = end {
            // The peer may already be gone; there is nobody to tell.
            let _ = Box::pin(self.wire.close(code, &reason)).await;
        }
    }

    async fn begin(&mut self) -> Result<(), End> {
        let Self { app, wire, caller, view, .. } = self;
        let heartbeat_ms = self.clock.heartbeat_ms();
        let origin = self.connected.outbox.is_origin();
        let begun = match view {
            View::Room(room) => room.begin(app, caller, wire, origin, heartbeat_ms).await,
            View::Inbox(inbox) => inbox.begin(app, caller, wire, heartbeat_ms).await,
        };
        self.ended(begun).await?;
        self.wire.flush().await?;
        self.clock.starts();
        self.remind();
        // Whoever came while the server was leaving was not told with the others.
        if self.app.shutdown.is_cancelled() {
            self.connected.outbox.signal(|signals| signals.leaving = true);
        }
        Ok(())
    }

    /// A store that cannot be read is told, and the client comes back later.
    pub(super) async fn ended(&mut self, result: Result<(), Stop>) -> Result<(), End> {
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
                Some(answer) = self.waiting.next(), if !self.waiting.is_empty() => self.answer(answer).await,
                () = until(&mut self.held) => self.release().await,
                incoming = self.wire.read(), if reads => self.hear(incoming).await,
            };
            let done = match done {
                Ok(()) => self.send_all().await,
                ended => ended,
            };
            if let Err(end) = done {
                return end;
            }
            if self.leaving && self.waiting.is_empty() && self.held.is_none() {
                return Box::pin(self.leave()).await;
            }
        }
    }

    /// What is there to be written by now goes out in one write: a message's echo and its ack, or a burst.
    async fn send_all(&mut self) -> Result<(), End> {
        for _ in 0..TOGETHER_MAX {
            let taken = self.connected.outbox.take_now();
            let nothing = taken.is_none();
            if let Some(taken) = taken {
                self.hand_out(taken).await?;
            }
            let answer = if self.waiting.is_empty() { None } else { self.waiting.next().now_or_never().flatten() };
            match answer {
                Some(answer) => self.answer(answer).await?,
                None if nothing => break,
                None => {}
            }
        }
        let begun = Instant::now();
        self.wire.flush().await?;
        self.writing.clear();
        self.clock.wrote(begun, self.wire.heard());
        Ok(())
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

    /// Feeds what the hub put into the outbox, then does what it signalled.
    pub(super) async fn hand_out(&mut self, taken: Taken) -> Result<(), End> {
        let Taken { frames, signals, writing } = taken;
        let begun = Instant::now();
        for (class, bytes) in frames {
            if !self.is_news(class) {
                continue;
            }
            self.wire.feed(bytes).await?;
            match (class, &mut self.view) {
                (Class::Receipt(mark), View::Room(room)) => room.note(mark),
                (Class::Receipt(mark), View::Inbox(inbox)) => {
                    if let Some(room) = inbox.rooms.get_mut(&mark.room_id) {
                        room.note(mark);
                    }
                }
                (Class::Event(seq), View::Room(room)) => room.written = seq,
                (Class::Summary { version, .. }, View::Inbox(inbox)) => inbox.version = inbox.version.max(version),
                _ => {}
            }
        }
        self.writing.push(writing);
        self.clock.wrote(begun, self.wire.heard());
        if signals.any() { Box::pin(self.heed(signals)).await } else { Ok(()) }
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
        for about in signals.presence {
            self.wire.feed(presence::now(&self.app, about)).await?;
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
            View::Inbox(inbox) if room_id == INBOX => inbox.catch_up(app, wire).await,
            View::Inbox(inbox) => match inbox.rooms.get_mut(&room_id) {
                Some(room) => room.recover(app, wire, false).await,
                None => Ok(()),
            },
        };
        self.clock.wrote(begun, self.wire.heard());
        self.ended(recovered).await
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
        for (_, bytes) in taken.into_iter().flat_map(|taken| taken.frames) {
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
