//! A WebSocket client that does only what it is told to: reads as many bytes as the test allows, and answers no ping by itself.

use std::{net::SocketAddr, time::Duration};

use serde_json::Value;
use socket2::{Domain, Socket, Type};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::fixture::DEADLINE;

/// What the line to a client holds of what is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// So little that whoever stops reading is noticed at once. What it carries is slow.
    Narrow,
    /// Some 100 kB.
    Plain,
}

impl Line {
    fn socket(self, domain: Domain) -> Socket {
        let socket = Socket::new(domain, Type::STREAM, None).expect("a socket can be made");
        let bytes = if self == Self::Narrow { 4_096 } else { 32 * 1_024 };
        socket.set_recv_buffer_size(bytes).expect("a buffer may be small");
        if self == Self::Narrow {
            // Small segments keep the server's side of the line small, too: Linux sizes it by them.
            socket.set_tcp_mss(536).expect("segments may be small");
        }
        socket
    }
}

/// What came from the server.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    Frame(Value),
    Ping(Vec<u8>),
    Close(u16),
    /// The line was cut.
    Cut,
}

pub struct Raw {
    line: TcpStream,
    /// Read, but no whole frame yet.
    bytes: Vec<u8>,
}

impl Raw {
    /// Connects; the handshake must be good.
    pub async fn connects(address: &str, path: &str, line: Line) -> Self {
        let (status, raw) = Self::dials(address, path, line).await;
        assert_eq!(status, 101);
        raw
    }

    /// Asks for a connection and reads the head of the answer byte by byte, so that nothing after it is taken.
    pub async fn dials(address: &str, path: &str, line: Line) -> (u16, Self) {
        let address: SocketAddr = address.parse().expect("an address with a port");
        let socket = line.socket(Domain::for_address(address));
        socket.connect(&address.into()).expect("the server listens");
        socket.set_nonblocking(true).expect("a socket need not block");
        let mut line = TcpStream::from_std(socket.into()).expect("the runtime takes a socket");
        let head = format!(
            " HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        line.write_all(format!("GET {path}{head}").as_bytes()).await.expect("the server takes a request");
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(timeout(DEADLINE, line.read_u8()).await.expect("an answer in time").expect("an answer"));
        }
        let status = answer.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
        (status.expect("an answer has a status"), Self { line, bytes: Vec::new() })
    }

    /// Reads at most so many bytes more. False: the line was cut.
    pub async fn reads(&mut self, most: usize) -> bool {
        let begun = self.bytes.len();
        self.bytes.resize(begun + most, 0);
        let read = timeout(DEADLINE, self.line.read(&mut self.bytes[begun..])).await.expect("something comes in time");
        let read = read.unwrap_or(0);
        self.bytes.truncate(begun + read);
        read > 0
    }

    /// The next whole frame among the bytes that were read.
    pub fn next(&mut self) -> Option<Heard> {
        let (&[first, second], mut at) = (self.bytes.first_chunk::<2>()?, 2);
        let length = match second {
            126 => u16::from_be_bytes(*self.bytes[at..].first_chunk()?).into(),
            127 => u64::from_be_bytes(*self.bytes[at..].first_chunk()?),
            short => short.into(),
        };
        at += match second {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let end = at + usize::try_from(length).expect("frames are small");
        let payload = self.bytes.get(at..end)?.to_vec();
        self.bytes.drain(..end);
        Some(match first & 0x0f {
            1 => Heard::Frame(serde_json::from_slice(&payload).expect("the server speaks JSON")),
            8 => Heard::Close(payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code))),
            9 => Heard::Ping(payload),
            other => panic!("the server sent a frame of kind {other}"),
        })
    }

    /// Reads as fast as it can until a whole frame is there.
    pub async fn hears(&mut self) -> Heard {
        loop {
            if let Some(heard) = self.next() {
                return heard;
            }
            if !self.reads(64 * 1024).await {
                return Heard::Cut;
            }
        }
    }

    /// Everything up to the end of the connection, with the close code if there was one.
    pub async fn hears_to_the_end(&mut self) -> (Vec<Value>, Option<u16>) {
        let (mut frames, mut code) = (Vec::new(), None);
        loop {
            match self.hears().await {
                Heard::Frame(frame) => frames.push(frame),
                Heard::Close(closed) => code = Some(closed),
                Heard::Ping(_) => {}
                Heard::Cut => return (frames, code),
            }
        }
    }

    pub async fn text(&mut self, text: &str) {
        self.send(&frame(1, text.as_bytes())).await;
    }

    pub async fn pong(&mut self, payload: &[u8]) {
        self.send(&frame(10, payload)).await;
    }

    /// Bytes as they are; a server that has cut the line is seen when reading.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = timeout(Duration::from_secs(1), self.line.write_all(bytes)).await;
    }
}

/// A client's frame. The mask is zero, which changes nothing and is allowed.
pub fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x80 | kind];
    match u16::try_from(payload.len()).expect("tests send small frames") {
        short @ 0..126 => bytes.push(0x80 | short as u8),
        long => {
            bytes.push(0x80 | 126);
            bytes.extend(long.to_be_bytes());
        }
    }
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes
}
