//! One WebSocket connection: frames of the protocol out, frames of the protocol in.

use std::time::Duration;

use anyhow::{Context, Result};
use frontdesk_protocol::ServerFrame;
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

/// How long connecting may take before the caller tries anew.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a frame may need to leave before the connection counts as broken.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);

/// An open connection.
#[derive(Debug)]
pub struct Socket(WebSocketStream<TcpStream>);

/// What came from the server.
#[derive(Debug)]
pub enum Heard {
    /// A frame.
    Frame(Box<ServerFrame>),
    /// Something that is no frame of the protocol: a broken promise.
    Nonsense(String),
    /// A sign of life.
    Ping,
    /// The end; the close code if there was a goodbye.
    Closed(Option<u16>),
}

impl Socket {
    /// Connects to a path with its query, such as `/ws/chat/7/?v=1`; the token is added.
    ///
    /// # Errors
    /// When nobody answers, or not with an upgrade.
    pub async fn open(address: &str, path: &str, token: &str) -> Result<Self> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let url = format!("ws://{address}{path}{joint}token={token}");
        let handshake = async {
            let line = TcpStream::connect(address).await?;
            line.set_nodelay(true)?;
            Ok::<_, anyhow::Error>(client_async(url, line).await?.0)
        };
        timeout(HANDSHAKE_TIMEOUT, handshake).await.context("the handshake took too long")?.map(Self)
    }

    /// Sends a frame.
    ///
    /// # Errors
    /// When the connection is broken.
    pub async fn send(&mut self, frame: &Value) -> Result<()> {
        timeout(SEND_TIMEOUT, self.0.send(Message::text(frame.to_string()))).await.context("the line is full")??;
        Ok(())
    }

    /// The next thing that comes. May be dropped and called again.
    pub async fn next(&mut self) -> Heard {
        match self.0.next().await {
            Some(Ok(Message::Text(text))) => match serde_json::from_str(text.as_str()) {
                Ok(frame) => Heard::Frame(Box::new(frame)),
                Err(error) => Heard::Nonsense(format!("{error}: {text}")),
            },
            Some(Ok(Message::Close(frame))) => Heard::Closed(frame.map(|frame| frame.code.into())),
            Some(Ok(Message::Ping(_))) => Heard::Ping,
            Some(Ok(other)) => Heard::Nonsense(format!("the server sent {other:?}")),
            Some(Err(_)) | None => Heard::Closed(None),
        }
    }

    /// Breaks the line without a goodbye, as a network does.
    pub fn cut(self) {
        // A line that is broken already cannot be broken again.
        let _ = self.0.get_ref().set_zero_linger();
    }

    /// Says goodbye and does not wait for the answer.
    pub async fn leave(mut self) {
        // Whoever is gone already needs no goodbye.
        let _ = timeout(SEND_TIMEOUT, self.0.close(None)).await;
    }
}
