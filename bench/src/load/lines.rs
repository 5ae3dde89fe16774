//! All connections of the generator, on one thread: opening them from several source addresses, reading whole frames, and writing what
//! was put into a connection's buffer in one go at the end of a turn.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr},
    os::fd::{AsRawFd, OwnedFd},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use mio::{Events, Interest, Poll, Token, net::TcpStream, unix::SourceFd};
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime};
use socket2::{Domain, Socket, Type};

use crate::frame::{self, Found};

const CLOCK: Token = Token(usize::MAX);
const READ_BYTES: usize = 256 * 1024;
/// Few, since the kernel looks long for a free port on an address of which many are taken or were taken a minute ago.
const LINES_PER_ADDRESS: usize = 1_000;

/// What a connection has to say.
#[derive(Debug)]
pub enum Heard<'a> {
    /// The handshake was answered well.
    Up,
    /// A text frame.
    Text(&'a [u8]),
    /// It has ended: the close code, or the status of a refused handshake.
    Down(Option<u16>),
}

/// What is to be written, for the one who hears to write into.
#[derive(Debug)]
pub struct Pens {
    buffers: Vec<Vec<u8>>,
    dirty: Vec<usize>,
    mask: u32,
    /// When the bytes that are now heard were read.
    pub now: Instant,
}

impl Pens {
    /// Empty buffers for so many connections.
    pub fn new(lines: usize) -> Self {
        Self { buffers: vec![Vec::new(); lines], dirty: Vec::new(), mask: 1, now: Instant::now() }
    }

    /// Puts a text frame into a connection's buffer.
    pub fn text(&mut self, line: usize, write: impl FnOnce(&mut Vec<u8>)) {
        self.push(line, 1, write);
    }

    fn push(&mut self, line: usize, opcode: u8, write: impl FnOnce(&mut Vec<u8>)) {
        self.mask = self.mask.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let buffer = &mut self.buffers[line];
        if buffer.is_empty() {
            self.dirty.push(line);
        }
        frame::push(buffer, opcode, self.mask.to_le_bytes(), write);
    }
}

#[derive(Debug)]
struct Line {
    stream: TcpStream,
    /// The start of a frame whose end has not come.
    rest: Vec<u8>,
    is_up: bool,
}

/// The connections. A number, once given, is never given again.
#[derive(Debug)]
pub struct Lines {
    poll: Poll,
    events: Events,
    clock: OwnedFd,
    lines: Vec<Option<Line>>,
    read: Vec<u8>,
    /// The network of loopback addresses from which this run comes.
    home: [u8; 2],
    /// The buffers for writing.
    pub pens: Pens,
    /// Bytes read, calls to read, calls to write.
    pub calls: [u64; 3],
}

impl Lines {
    /// None yet.
    ///
    /// # Errors
    /// When the kernel has no epoll or timer to give.
    pub fn new() -> Result<Self> {
        let poll = Poll::new()?;
        let clock = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK)?;
        poll.registry().register(&mut SourceFd(&clock.as_raw_fd()), CLOCK, Interest::READABLE)?;
        let home = [rand::random_range(1..=255), rand::random()];
        let events = Events::with_capacity(1_024);
        Ok(Self { poll, events, clock, lines: Vec::new(), read: vec![0; READ_BYTES], home, pens: Pens::new(0), calls: [0; 3] })
    }

    /// Begins a connection to `at` and answers its number.
    ///
    /// # Errors
    /// When no socket can be had.
    pub fn open(&mut self, at: SocketAddr, path: &str) -> Result<usize> {
        let number = self.lines.len();
        let mut stream = dial(at, self.home, number).context("no socket could be opened")?;
        self.poll.registry().register(&mut stream, Token(number), Interest::READABLE | Interest::WRITABLE)?;
        self.lines.push(Some(Line { stream, rest: Vec::new(), is_up: false }));
        self.pens.buffers.push(frame::request(path).into_bytes());
        Ok(number)
    }

    /// The generator's end of a connection, by which the kernel's tools know it.
    pub fn address(&self, number: usize) -> Option<SocketAddr> {
        self.lines[number].as_ref()?.stream.local_addr().ok()
    }

    /// Cuts a connection without a goodbye.
    pub fn cut(&mut self, number: usize) {
        if let Some(line) = self.lines[number].take() {
            // It may be gone already, which is what is wanted.
            let _ = line.stream.shutdown(Shutdown::Both);
        }
        self.pens.buffers[number] = Vec::new();
    }

    /// How many there ever were: the number of the next.
    pub fn count(&self) -> usize {
        self.lines.len()
    }

    /// Writes what waits, then waits for something to be heard, until `until` at the latest, and hands it out.
    ///
    /// # Errors
    /// When the kernel refuses to wait.
    pub fn turn(&mut self, until: Instant, hear: &mut impl FnMut(&mut Pens, usize, Heard<'_>)) -> Result<()> {
        self.flush(hear);
        let wait = until.saturating_duration_since(Instant::now());
        if !wait.is_zero() {
            self.set_clock(wait)?;
        }
        match self.poll.poll(&mut self.events, wait.is_zero().then_some(Duration::ZERO)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            other => other?,
        }
        // Taken out for the loop, which needs the rest of `self`.
        let events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        for event in events.iter().filter(|event| event.token() != CLOCK) {
            let number = event.token().0;
            if event.is_writable() {
                self.write(number, hear);
            }
            if event.is_readable() || event.is_read_closed() || event.is_error() {
                self.read(number, event.is_read_closed() || event.is_error(), hear);
            }
        }
        self.events = events;
        self.pens.now = Instant::now();
        self.flush(hear);
        Ok(())
    }

    /// A timer of its own, since epoll counts whole milliseconds, which would be seen as latency.
    fn set_clock(&self, wait: Duration) -> Result<()> {
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        let value = Timespec { tv_sec: wait.as_secs() as i64, tv_nsec: i64::from(wait.subsec_nanos()) };
        timerfd_settime(&self.clock, TimerfdTimerFlags::empty(), &Itimerspec { it_interval: zero, it_value: value })?;
        Ok(())
    }

    fn flush(&mut self, hear: &mut impl FnMut(&mut Pens, usize, Heard<'_>)) {
        let mut dirty = std::mem::take(&mut self.pens.dirty);
        for number in dirty.drain(..) {
            if self.lines[number].as_ref().is_some_and(|line| line.is_up) {
                self.write(number, hear);
            }
        }
        // Whoever heard of an end may have written meanwhile.
        dirty.append(&mut self.pens.dirty);
        self.pens.dirty = dirty;
    }

    fn write(&mut self, number: usize, hear: &mut impl FnMut(&mut Pens, usize, Heard<'_>)) {
        let (Some(line), buffer) = (&mut self.lines[number], &mut self.pens.buffers[number]) else { return };
        while !buffer.is_empty() {
            self.calls[2] += 1;
            match line.stream.write(buffer) {
                Ok(written) => drop(buffer.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Not yet connected: its event comes.
                Err(error) if error.kind() == ErrorKind::NotConnected => return,
                Err(_) => {
                    self.cut(number);
                    return hear(&mut self.pens, number, Heard::Down(None));
                }
            }
        }
    }

    /// Reads until nothing is left. A read that does not fill the buffer has emptied the socket, unless its end has come, too.
    fn read(&mut self, number: usize, to_the_end: bool, hear: &mut impl FnMut(&mut Pens, usize, Heard<'_>)) {
        while let Some(line) = &mut self.lines[number] {
            let kept = line.rest.len();
            if self.read.len() < kept + READ_BYTES / 2 {
                self.read.resize(kept + READ_BYTES, 0);
            }
            self.read[..kept].copy_from_slice(&line.rest);
            self.calls[1] += 1;
            let count = match line.stream.read(&mut self.read[kept..]) {
                Ok(count) if count > 0 => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Ok(_) | Err(_) => {
                    self.cut(number);
                    return hear(&mut self.pens, number, Heard::Down(None));
                }
            };
            self.calls[0] += count as u64;
            self.pens.now = Instant::now();
            let is_emptied = kept + count < self.read.len();
            match hand_out(&self.read[..kept + count], number, &mut line.is_up, &mut self.pens, hear) {
                Ok(used) => {
                    line.rest.clear();
                    line.rest.extend_from_slice(&self.read[used..kept + count]);
                    // An idle connection keeps no buffer.
                    if line.rest.is_empty() {
                        line.rest = Vec::new();
                    }
                }
                Err(code) => {
                    self.cut(number);
                    return hear(&mut self.pens, number, Heard::Down(code));
                }
            }
            if is_emptied && !to_the_end {
                return;
            }
        }
    }
}

/// Hands out the whole frames of `bytes` and answers how many bytes they were; an error is the end, with its code.
fn hand_out(
    bytes: &[u8],
    number: usize,
    is_up: &mut bool,
    pens: &mut Pens,
    hear: &mut impl FnMut(&mut Pens, usize, Heard<'_>),
) -> Result<usize, Option<u16>> {
    let mut at = 0;
    if !*is_up {
        match frame::answered(bytes) {
            None => return Ok(0),
            Some((101, end)) => at = end,
            Some((status, _)) => return Err(Some(status)),
        }
        *is_up = true;
        hear(pens, number, Heard::Up);
    }
    loop {
        match frame::next(&bytes[at..]) {
            Found::Part => return Ok(at),
            Found::Text(text, length) => {
                hear(pens, number, Heard::Text(text));
                at += length;
            }
            Found::Ping(payload, length) => {
                pens.push(number, 10, |out| out.extend_from_slice(payload));
                at += length;
            }
            Found::Pong(length) => at += length,
            Found::Close(code) => return Err(code),
            Found::Nonsense => return Err(None),
        }
    }
}

/// Towards loopback, each thousand connections come from an address of their own, and each run from a network that was not used lately.
fn dial(at: SocketAddr, home: [u8; 2], number: usize) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(at), Type::STREAM.nonblocking(), None)?;
    socket.set_tcp_nodelay(true)?;
    if at.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST) {
        let last = 2 + (number / LINES_PER_ADDRESS % 250) as u8;
        socket.bind(&SocketAddr::from(([127, home[0], home[1], last], 0)).into())?;
    }
    match socket.connect(&at.into()) {
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
        other => other?,
    }
    Ok(TcpStream::from_std(socket.into()))
}
