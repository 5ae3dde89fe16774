//! The ceiling: a single-threaded server that sends every text to everybody in the same room and does nothing else. No tokens, no
//! storage, no presence. Whatever a real server adds is seen against it.

use std::{
    collections::HashMap,
    io::{ErrorKind, Read, Write},
    net::SocketAddr,
};

use anyhow::{Context, Result};
use mio::{
    Events, Interest, Poll, Token,
    net::{TcpListener, TcpStream},
};
use socket2::{Domain, Socket, Type};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

const DOOR: Token = Token(usize::MAX);
const READ_BYTES: usize = 256 * 1024;

struct Line {
    stream: TcpStream,
    room: Option<String>,
    rest: Vec<u8>,
    output: Vec<u8>,
}

struct Server {
    poll: Poll,
    lines: Vec<Option<Line>>,
    free: Vec<usize>,
    rooms: HashMap<String, Vec<usize>>,
    dirty: Vec<usize>,
    read: Vec<u8>,
}

/// `bare ADDRESS`
fn main() -> Result<()> {
    // As many descriptors as the system lets us have.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let address: SocketAddr = std::env::args().nth(1).context("usage: bare ADDRESS")?.parse()?;
    let mut door = listen(address)?;
    let poll = Poll::new()?;
    poll.registry().register(&mut door, DOOR, Interest::READABLE)?;
    println!("bare listening on http://{}", door.local_addr()?);
    let mut server =
        Server { poll, lines: Vec::new(), free: Vec::new(), rooms: HashMap::new(), dirty: Vec::new(), read: vec![0; READ_BYTES] };
    let mut events = Events::with_capacity(1_024);
    loop {
        match server.poll.poll(&mut events, None) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            other => other?,
        }
        for event in &events {
            match event.token() {
                DOOR => server.accept(&door),
                Token(number) => {
                    if event.is_writable() {
                        server.write(number);
                    }
                    if event.is_readable() || event.is_read_closed() {
                        server.read(number, event.is_read_closed());
                    }
                }
            }
        }
        for number in std::mem::take(&mut server.dirty) {
            server.write(number);
        }
    }
}

/// The usual 128 places before the door are too few when a thousand come at once.
fn listen(address: SocketAddr) -> Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(4_096)?;
    Ok(TcpListener::from_std(socket.into()))
}

impl Server {
    fn accept(&mut self, door: &TcpListener) {
        loop {
            match door.accept() {
                // Whoever has gone already is noticed when read from.
                Ok((stream, _)) => drop(self.seat(stream)),
                Err(error) if error.kind() == ErrorKind::ConnectionAborted || error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    fn seat(&mut self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let number = self.free.pop().unwrap_or_else(|| {
            self.lines.push(None);
            self.lines.len() - 1
        });
        self.poll.registry().register(&mut stream, Token(number), Interest::READABLE | Interest::WRITABLE)?;
        self.lines[number] = Some(Line { stream, room: None, rest: Vec::new(), output: Vec::new() });
        Ok(())
    }

    fn leave(&mut self, number: usize) {
        let Some(line) = self.lines[number].take() else { return };
        self.free.push(number);
        if let Some(members) = line.room.as_ref().and_then(|room| self.rooms.get_mut(room)) {
            members.retain(|member| *member != number);
        }
    }

    fn write(&mut self, number: usize) {
        let Some(line) = &mut self.lines[number] else { return };
        while !line.output.is_empty() {
            match line.stream.write(&line.output) {
                Ok(written) => drop(line.output.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return self.leave(number),
            }
        }
        // An idle connection keeps no buffer.
        if line.output.capacity() > 4_096 {
            line.output = Vec::new();
        }
    }

    /// A read that does not fill the buffer has emptied the socket, unless its end has come, too.
    fn read(&mut self, number: usize, to_the_end: bool) {
        while let Some(line) = &mut self.lines[number] {
            let mut buffer = std::mem::take(&mut self.read);
            let kept = line.rest.len();
            buffer[..kept].copy_from_slice(&line.rest);
            line.rest = Vec::new();
            let result = line.stream.read(&mut buffer[kept..]);
            let is_over = match result {
                Ok(count) if count > 0 => {
                    let is_emptied = kept + count < buffer.len();
                    let goes_on = self.take(number, &mut buffer[..kept + count]);
                    if !goes_on {
                        self.leave(number);
                    }
                    !goes_on || (is_emptied && !to_the_end)
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => false,
                Err(error) if error.kind() == ErrorKind::WouldBlock => true,
                Ok(_) | Err(_) => {
                    self.leave(number);
                    true
                }
            };
            self.read = buffer;
            if is_over {
                return;
            }
        }
    }

    /// Takes the whole frames of what was read; false is the end of the connection.
    fn take(&mut self, number: usize, bytes: &mut [u8]) -> bool {
        let mut at = 0;
        if self.lines[number].as_ref().is_some_and(|line| line.room.is_none()) {
            match memchr::memmem::find(bytes, b"\r\n\r\n") {
                Some(end) if self.welcome(number, &bytes[..end]) => at = end + 4,
                Some(_) => return false,
                None => {}
            }
        }
        while let Some((opcode, head, length)) = frame(&bytes[at..]) {
            let (key, payload) = bytes[at + head - 4..at + head + length].split_at_mut(4);
            payload.iter_mut().zip(key.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
            match opcode {
                1 => self.broadcast(number, payload),
                8 => return false,
                _ => {}
            }
            at += head + length;
        }
        if let Some(line) = &mut self.lines[number] {
            line.rest.extend_from_slice(&bytes[at..]);
        }
        true
    }

    /// Answers the handshake and seats the connection in the room that its path names.
    fn welcome(&mut self, number: usize, request: &[u8]) -> bool {
        let request = String::from_utf8_lossy(request);
        let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
        let (Some(key), Some(path), Some(line)) = (key, request.split(' ').nth(1), &mut self.lines[number]) else { return false };
        let room = path.split('?').next().unwrap_or_default().to_owned();
        let accept = derive_accept_key(key.as_bytes());
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        line.output.extend_from_slice(answer.as_bytes());
        line.room = Some(room.clone());
        self.dirty.push(number);
        self.rooms.entry(room).or_default().push(number);
        true
    }

    fn broadcast(&mut self, number: usize, text: &[u8]) {
        let mut head = vec![0x81];
        match u8::try_from(text.len()) {
            Ok(length) if length < 126 => head.push(length),
            _ => {
                head.push(126);
                head.extend((text.len() as u16).to_be_bytes());
            }
        }
        let members = self.lines[number].as_ref().and_then(|line| self.rooms.get(line.room.as_ref()?));
        for &member in members.into_iter().flatten() {
            let Some(line) = &mut self.lines[member] else { continue };
            if line.output.is_empty() {
                self.dirty.push(member);
            }
            line.output.extend_from_slice(&head);
            line.output.extend_from_slice(text);
        }
    }
}

/// The opcode, length of the head, and length of the payload of the first frame, if it is whole.
fn frame(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let short = usize::from(bytes.get(1)? & 0x7f);
    let (head, length) = if short < 126 { (6, short) } else { (8, usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?]))) };
    (bytes.len() >= head + length).then(|| (bytes[0] & 15, head, length))
}
