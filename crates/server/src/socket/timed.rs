//! What is timed in a connection: heartbeats, silence, the expiry of its token. It owns no timer: the hub's wheel reminds it.

use std::time::Duration;

use frontdesk_protocol::{CloseCode, ServerFrame, Timestamp, limits};
use rand::Rng;
use tokio::time::Instant;

use super::connection::{Connection, End, View};
use crate::{caller::Caller, error::Error};

/// When something timed is due.
pub(super) struct Beat {
    heartbeat: Duration,
    next: Instant,
    heard: Instant,
    /// How much of the time since then went into writing.
    deaf: Duration,
    warned: bool,
}

impl Beat {
    pub(super) fn new(mean: Duration) -> Self {
        let (now, heartbeat) = (Instant::now(), mean.mul_f64(rand::rng().random_range(0.9..=1.1)));
        Self { heartbeat, next: now + heartbeat, heard: now, deaf: Duration::ZERO, warned: false }
    }

    /// The connection has begun: from now on it listens.
    pub(super) fn starts(&mut self) {
        self.heard = Instant::now();
    }

    pub(super) fn heartbeat_ms(&self) -> u64 {
        u64::try_from(self.heartbeat.as_millis()).unwrap_or(limits::HEARTBEAT_MS)
    }

    /// How long the peer has said nothing while somebody listened: whoever takes what is written, however slowly, is not silent.
    fn silence(&mut self, heard: Instant) -> Duration {
        self.hear(heard);
        self.heard.elapsed().saturating_sub(self.deaf)
    }

    pub(super) fn wrote(&mut self, begun: Instant, heard: Instant) {
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
    /// Looks at everything timed: expiry, death, heartbeat. Asks to be reminded again.
    pub(super) async fn tick(&mut self) -> Result<(), End> {
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

    pub(super) fn remind(&self) {
        let heartbeat = self.clock.next.saturating_duration_since(Instant::now());
        let now = Timestamp::now().as_millis();
        let warning = if self.clock.warned || self.is_origin() { 0 } else { limits::TOKEN_WARNING_SECS * 1_000 };
        let expiry = u64::try_from(self.expires_at().as_millis() - warning - now).unwrap_or(0);
        self.app.hub.wheel().remind(&self.connected.outbox, heartbeat.min(Duration::from_millis(expiry)));
    }
}
