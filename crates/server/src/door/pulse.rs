//! When something last went through a connection, in each direction: any byte counts, whatever frame it belongs to.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Duration, Instant},
};

use super::places::Place;

/// The times of one connection.
#[derive(Debug)]
pub struct Pulse {
    begun: Instant,
    /// Milliseconds since `begun`; they are enough for 49 days, after which a connection would be taken for dead once.
    heard_ms: AtomicU32,
    taken_ms: AtomicU32,
}

impl Default for Pulse {
    fn default() -> Self {
        Self { begun: Instant::now(), heard_ms: AtomicU32::new(0), taken_ms: AtomicU32::new(0) }
    }
}

impl Pulse {
    /// When the peer's last byte came.
    #[must_use]
    pub fn heard(&self) -> Instant {
        self.at(&self.heard_ms)
    }

    /// When the last byte for the peer was taken, by the system if not by the peer.
    #[must_use]
    pub fn taken(&self) -> Instant {
        self.at(&self.taken_ms)
    }

    fn at(&self, ms: &AtomicU32) -> Instant {
        self.begun + Duration::from_millis(ms.load(Ordering::Relaxed).into())
    }

    fn beat(&self, ms: &AtomicU32) {
        ms.store(u32::try_from(self.begun.elapsed().as_millis()).unwrap_or(u32::MAX), Ordering::Relaxed);
    }
}

/// A stream that notes its pulse.
pub struct Pulsing {
    pub(super) stream: TcpStream,
    /// Its place in the house.
    pub place: Arc<Place>,
}

impl Pulsing {
    fn took(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if matches!(written, Poll::Ready(Ok(1..))) {
            self.place.pulse.beat(&self.place.pulse.taken_ms);
        }
        written
    }
}

impl AsyncRead for Pulsing {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            self.place.pulse.beat(&self.place.pulse.heard_ms);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pulsing {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.took(written)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.took(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
