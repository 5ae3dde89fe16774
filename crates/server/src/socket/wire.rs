//! One socket: frames in, bytes out in as few writes as possible, never waiting for ever on a peer that does not read.

use std::{pin::pin, sync::Arc, time::Duration};

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use bytes::Bytes;
use frontdesk_protocol::{CloseCode, ErrorCode, Id, ServerFrame};
use futures_util::{SinkExt, StreamExt};
use tokio::time::{Instant, timeout, timeout_at};

use crate::{chat::publish::encode, door::places::Place, error::Error};

/// How long a peer may take to answer our close.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

/// The socket is of no use any more.
#[derive(Debug)]
pub(super) struct Gone;

/// What came in.
pub(super) enum Incoming {
    /// A text frame.
    Text(Utf8Bytes),
    /// A frame that is never valid here.
    Binary,
    /// A ping or pong: the peer lives.
    Sign,
    /// A frame over the limit: the connection cannot go on.
    TooBig,
    /// The peer has gone.
    Gone,
}

/// A socket, its place in the house, and how long it may take nothing while something waits for it.
pub(super) struct Wire {
    socket: WebSocket,
    place: Arc<Place>,
    write_timeout: Duration,
    /// Something was fed and not sent.
    fed: bool,
}

impl Wire {
    pub(super) fn new(socket: WebSocket, place: Arc<Place>, write_timeout: Duration) -> Self {
        Self { socket, place, write_timeout, fed: false }
    }

    /// When the peer's last byte was read.
    pub(super) fn heard(&self) -> Instant {
        self.place.pulse.heard()
    }

    pub(super) async fn read(&mut self) -> Incoming {
        match self.socket.next().await {
            Some(Ok(Message::Text(text))) => Incoming::Text(text),
            Some(Ok(Message::Binary(_))) => Incoming::Binary,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Incoming::Sign,
            Some(Ok(Message::Close(_))) | None => Incoming::Gone,
            Some(Err(error)) => match error.into_inner().downcast::<tungstenite::Error>().map(|error| *error) {
                Ok(tungstenite::Error::Capacity(_)) => Incoming::TooBig,
                Ok(tungstenite::Error::Utf8(_)) => self.fail(close_code::INVALID).await,
                Ok(tungstenite::Error::Protocol(_)) => self.fail(close_code::PROTOCOL).await,
                _ => Incoming::Gone,
            },
        }
    }

    /// What breaks the rules of WebSocket itself ends the connection (RFC 6455, section 7.1.7), and says so if it still can.
    async fn fail(&mut self, code: u16) -> Incoming {
        let frame = Message::Close(Some(CloseFrame { code, reason: Utf8Bytes::default() }));
        let _ = timeout(CLOSE_WITHIN, self.socket.send(frame)).await;
        Incoming::Gone
    }

    /// Puts a frame into the buffer; `flush` sends it.
    pub(super) async fn feed(&mut self, bytes: Bytes) -> Result<(), Gone> {
        let text = Utf8Bytes::try_from(bytes).map_err(|_| Gone)?;
        self.fed = true;
        self.patiently(async |socket| socket.feed(Message::Text(text)).await).await
    }

    /// Sends what was fed.
    pub(super) async fn flush(&mut self) -> Result<(), Gone> {
        if !std::mem::take(&mut self.fed) {
            return Ok(());
        }
        self.patiently(async |socket| socket.flush().await).await
    }

    /// As `feed`, for a frame that was not encoded yet.
    pub(super) async fn write(&mut self, frame: ServerFrame) -> Result<(), Gone> {
        self.feed(encode(&frame)).await
    }

    pub(super) async fn ping(&mut self) -> Result<(), Gone> {
        self.patiently(async |socket| socket.send(Message::Ping(Bytes::new())).await).await
    }

    async fn patiently(&mut self, act: impl AsyncFnOnce(&mut WebSocket) -> Result<(), axum::Error>) -> Result<(), Gone> {
        let Self { socket, place, write_timeout, .. } = self;
        match while_taken(place, *write_timeout, act(socket)).await {
            Some(done) => done.map_err(|_| Gone),
            None => {
                // It cannot be told in order any more; what the kernel still takes is the close frame.
                let frame = close_frame(CloseCode::TryAgainLater, "the connection takes nothing");
                let _ = timeout(Duration::from_millis(10), self.socket.send(frame)).await;
                Err(Gone)
            }
        }
    }

    /// Says goodbye and waits a moment for the peer's.
    pub(super) async fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Gone> {
        let frame = close_frame(code, reason);
        self.patiently(async |socket| socket.send(frame).await).await?;
        let answered = async { while !matches!(self.read().await, Incoming::Gone | Incoming::TooBig) {} };
        let _ = timeout(CLOSE_WITHIN, answered).await;
        Ok(())
    }
}

/// Waits for a write as long as anything is taken, however little; `None` once nothing was for `patience`.
async fn while_taken<T>(place: &Place, patience: Duration, write: impl Future<Output = T>) -> Option<T> {
    let mut write = pin!(write);
    let mut deadline = Instant::now() + patience;
    loop {
        if let Ok(done) = timeout_at(deadline, &mut write).await {
            return Some(done);
        }
        let later = place.pulse.taken() + patience;
        if later <= deadline {
            return None;
        }
        deadline = later;
    }
}

/// A control frame carries at most 125 bytes (RFC 6455, section 5.5), two of them the code.
fn close_frame(code: CloseCode, reason: &str) -> Message {
    let end = (0..=reason.len().min(123)).rev().find(|&end| reason.is_char_boundary(end)).unwrap_or(0);
    Message::Close(Some(CloseFrame { code: code.code(), reason: reason[..end].into() }))
}

/// The frame that explains a refusal. What HTTP tells apart as unparseable and wrong is one thing here.
pub(super) fn refusal(error: &Error, client_id: Option<String>, room_id: Option<Id>) -> ServerFrame {
    let code = match error.code() {
        ErrorCode::BadRequest | ErrorCode::Invalid => ErrorCode::BadFrame,
        other => other,
    };
    let retry_after_ms = error.retry_after().map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1));
    ServerFrame::Error { code, message: error.to_string(), client_id, room_id, retryable: code.retryable(), retry_after_ms }
}
