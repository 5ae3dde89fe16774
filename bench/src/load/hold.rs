//! One of several generators that hold many connections together, since a process may have only so many descriptors. Whoever started
//! it says by lines on standard input when to go on, and is answered by a line of JSON each.

use std::{
    collections::BTreeMap,
    io::{self, BufRead},
    sync::mpsc::{self, Receiver, TryRecvError},
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;
use clap::Args;
use frontdesk_protocol::Id;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

use crate::{
    crowd::{self, AT_ONCE},
    host::Memory,
    lines::{Heard, Lines},
    mark,
    target::{Target, user_of},
};

/// How soon a line from standard input is noticed.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The text of a message that is timed: this, and when it was sent.
const SAMPLE: &str = "sample ";

/// Each in a room of their own.
#[derive(Args, Debug)]
pub struct Hold {
    #[command(flatten)]
    pub target: Target,
    /// The first room; its user comes first
    #[arg(long, default_value_t = 1)]
    pub first_room: Id,
    /// How many connect
    #[arg(long, default_value_t = 1_000)]
    pub connections: Id,
    /// Handshakes under way at the same time
    #[arg(long, default_value_t = AT_ONCE)]
    pub at_once: usize,
}

/// What came while they were held.
#[derive(Debug, Default)]
struct Heed {
    disconnected: u64,
    /// How many ended with which close code; 0 is none.
    codes: BTreeMap<u16, u64>,
    /// The room and the milliseconds that a timed message took.
    samples: Vec<(Id, f64)>,
}

/// Says that it is prepared, connects at the first line, answers each further one, and ends when there are no more.
///
/// # Errors
/// When somebody is refused.
pub fn hold(args: &Hold) -> Result<()> {
    let mut lines = Lines::new()?;
    let paths: Vec<_> = (args.first_room..).take(args.connections as usize).map(|room| args.target.path(room, user_of(room))).collect();
    let words = words();
    println!("{}", json!({"prepared": paths.len()}));
    if words.recv().is_err() {
        return Ok(());
    }
    let arrival = crowd::gather(&mut lines, &args.target, &paths, args.at_once, |_, _, _| {})?;
    drop(paths);
    println!("{}", arrival.report());
    let mut heed = Heed::default();
    loop {
        match words.try_recv() {
            Ok(()) => println!("{}", heed.report()),
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => return Ok(()),
        }
        lines.turn(Instant::now() + LOOK_EVERY, &mut |_, line, heard| heed.hear(args.first_room + line as Id, &heard))?;
    }
}

impl Heed {
    fn hear(&mut self, room: Id, heard: &Heard<'_>) {
        match heard {
            Heard::Up => {}
            Heard::Text(frame) if mark::kind(frame) == b"chat_message" => {
                self.samples.extend(sent_at(frame).map(|sent| (room, since(sent))))
            }
            Heard::Text(_) => {}
            Heard::Down(code) => {
                self.disconnected += 1;
                *self.codes.entry(code.unwrap_or(0)).or_default() += 1;
            }
        }
    }

    fn report(&self) -> Value {
        let own = Memory::of(&[std::process::id()]);
        json!({"disconnected": self.disconnected, "codes": self.codes, "samples": self.samples, "memory_kib": own.report()})
    }
}

/// A thread of its own waits for the lines.
fn words() -> Receiver<()> {
    let (said, words) = mpsc::channel();
    thread::spawn(move || {
        // The end of the lines, or of those who want to know, ends it.
        io::stdin().lock().lines().map_while(Result::ok).try_for_each(|_| said.send(()))
    });
    words
}

/// Nanoseconds of the clock that all processes of a machine share.
fn sent_at(frame: &[u8]) -> Option<u64> {
    mark::word(frame, "\"message\":")?.strip_prefix(SAMPLE)?.parse().ok()
}

/// Milliseconds.
fn since(nanos: u64) -> f64 {
    let now = clock_gettime(ClockId::Monotonic);
    let now = now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64;
    (now.saturating_sub(nanos) / 1_000) as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_timed_message_is_a_sample() {
        let now = clock_gettime(ClockId::Monotonic);
        let sent = now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64;
        let timed = format!("{{\"type\":\"chat_message\",\"id\":5,\"message\":\"{SAMPLE}{sent}\"}}");
        let mut heed = Heed::default();
        heed.hear(7, &Heard::Text(timed.as_bytes()));
        heed.hear(8, &Heard::Text(br#"{"type":"chat_message","id":6,"message":"sample, please"}"#));
        heed.hear(9, &Heard::Text(br#"{"type":"typing"}"#));
        heed.hear(9, &Heard::Down(Some(1013)));
        assert_eq!((heed.samples.len(), heed.samples[0].0, heed.disconnected, heed.codes.get(&1013)), (1, 7, 1, Some(&1)));
        assert!((0.0..10_000.0).contains(&heed.samples[0].1), "{:?}", heed.samples);
    }
}
