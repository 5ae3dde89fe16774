//! One socket: frames in, bytes out in as few writes as possible, never waiting for ever on a peer that does not read.

use std::{
    io,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use frontdesk_protocol::{CloseCode, ErrorCode, Id, ServerFrame};
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::{
    io::AsyncWrite,
    time::{Instant, timeout, timeout_at},
};
use tokio_tungstenite::{WebSocketStream, tungstenite};
use tungstenite::{
    Message, Utf8Bytes,
    protocol::{
        CloseFrame,
        frame::{
            FrameHeader,
            coding::{CloseCode as StandardCode, Control, Data, OpCode},
        },
    },
};

use crate::{
    chat::publish::encode,
    door::{places::Place, pulse::Pulsing},
    error::Error,
};

/// How long a peer may take to answer our close.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);
/// What was fed is sent at the latest when it is as much as this.
const FED_BYTES_MAX: usize = 8_192;
/// Two bytes, and eight for the longest length.
const HEAD_BYTES_MAX: usize = 10;

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

/// A socket, and how long it may take nothing while something waits for it.
pub(super) struct Wire {
    socket: WebSocketStream<Pulsing>,
    write_timeout: Duration,
    fed: Fed,
}

impl Wire {
    pub(super) fn new(socket: WebSocketStream<Pulsing>, write_timeout: Duration) -> Self {
        Self { socket, write_timeout, fed: Fed::default() }
    }

    fn place(&self) -> &Place {
        &self.socket.get_ref().place
    }

    /// When the peer's last byte was read.
    pub(super) fn heard(&self) -> Instant {
        self.place().pulse.heard()
    }

    pub(super) async fn read(&mut self) -> Incoming {
        match self.socket.next().await {
            Some(Ok(Message::Text(text))) => Incoming::Text(text),
            Some(Ok(Message::Binary(_))) => Incoming::Binary,
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Incoming::Sign,
            Some(Ok(Message::Close(_))) | None => Incoming::Gone,
            Some(Err(tungstenite::Error::Capacity(_))) => Incoming::TooBig,
            Some(Err(tungstenite::Error::Utf8(_))) => Box::pin(self.fail(StandardCode::Invalid)).await,
            Some(Err(tungstenite::Error::Protocol(_))) => Box::pin(self.fail(StandardCode::Protocol)).await,
            Some(Err(_)) => Incoming::Gone,
        }
    }

    /// What breaks the rules of WebSocket itself ends the connection (RFC 6455, section 7.1.7), and says so if it still can.
    async fn fail(&mut self, code: StandardCode) -> Incoming {
        let frame = Message::Close(Some(CloseFrame { code, reason: Utf8Bytes::default() }));
        let _ = timeout(CLOSE_WITHIN, self.socket.send(frame)).await;
        Incoming::Gone
    }

    /// Takes a frame's text; `flush` sends it.
    pub(super) async fn feed(&mut self, text: Bytes) -> Result<(), Gone> {
        self.fed.push(OpCode::Data(Data::Text), &text);
        if self.fed.bytes.len() < FED_BYTES_MAX { Ok(()) } else { self.flush().await }
    }

    /// Sends what was fed.
    pub(super) async fn flush(&mut self) -> Result<(), Gone> {
        if self.fed.is_empty() {
            return Ok(());
        }
        // An answer to a ping may still stand in the library's buffer, half written.
        self.patiently(async |socket, fed| {
            socket.flush().await?;
            std::future::poll_fn(|context| fed.poll_write(socket.get_mut(), context)).await.map_err(tungstenite::Error::Io)
        })
        .await
    }

    /// As `feed`, for a frame that was not encoded yet.
    pub(super) async fn write(&mut self, frame: ServerFrame) -> Result<(), Gone> {
        self.feed(encode(&frame)).await
    }

    /// Sends a ping, after what was fed and in the same write.
    pub(super) async fn ping(&mut self) -> Result<(), Gone> {
        self.fed.push(OpCode::Control(Control::Ping), &[]);
        self.flush().await
    }

    async fn patiently(
        &mut self,
        act: impl AsyncFnOnce(&mut WebSocketStream<Pulsing>, &mut Fed) -> Result<(), tungstenite::Error>,
    ) -> Result<(), Gone> {
        let Self { socket, write_timeout, fed } = self;
        let place = socket.get_ref().place.clone();
        match while_taken(&place, *write_timeout, act(socket, fed)).await {
            Some(done) => done.map_err(|_| Gone),
            None => {
                // It cannot be told in order any more; between two frames, what the kernel still takes is the close frame.
                if !self.fed.is_inside() {
                    let frame = close_frame(CloseCode::TryAgainLater, "the connection takes nothing");
                    let _ = timeout(Duration::from_millis(10), self.socket.send(frame)).await;
                }
                Err(Gone)
            }
        }
    }

    /// Says goodbye and waits a moment for the peer's.
    pub(super) async fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Gone> {
        self.flush().await?;
        let frame = close_frame(code, reason);
        self.patiently(async |socket, _| socket.send(frame).await).await?;
        let answered = async { while !matches!(self.read().await, Incoming::Gone | Incoming::TooBig) {} };
        let _ = timeout(CLOSE_WITHIN, answered).await;
        Ok(())
    }
}

/// Frames on their way, in one piece, so that they go out in one write. Nothing is kept once they are out: the library's buffer
/// for the same would keep its size, and writing them from where they are (`writev`) costs the kernel more than a copy does.
#[derive(Default)]
struct Fed {
    bytes: Vec<u8>,
    /// How much of them is out.
    written: usize,
}

impl Fed {
    fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether a frame may be out in part.
    fn is_inside(&self) -> bool {
        self.written > 0
    }

    /// A frame in one piece, not masked, as a server's are (RFC 6455, section 5.2).
    fn push(&mut self, opcode: OpCode, payload: &[u8]) {
        self.bytes.reserve(HEAD_BYTES_MAX + payload.len());
        let header = FrameHeader { opcode, ..FrameHeader::default() };
        header.format(payload.len() as u64, &mut self.bytes).expect("there is always room in memory");
        self.bytes.extend_from_slice(payload);
    }

    fn poll_write(&mut self, stream: &mut Pulsing, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.bytes.len() {
            match ready!(Pin::new(&mut *stream).poll_write(context, &self.bytes[self.written..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                taken => self.written += taken,
            }
        }
        *self = Self::default();
        Poll::Ready(Ok(()))
    }
}

/// Waits for a write as long as anything is taken, however little; `None` once nothing was for `patience`.
async fn while_taken<T>(place: &Place, patience: Duration, write: impl Future<Output = T>) -> Option<T> {
    let mut write = pin!(write);
    // Mostly the kernel takes all of it at once, and nobody need look at the clock.
    if let Some(done) = (&mut write).now_or_never() {
        return Some(done);
    }
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
    Message::Close(Some(CloseFrame { code: code.code().into(), reason: reason[..end].into() }))
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
