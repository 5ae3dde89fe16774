//! Connections that do nothing: how fast they come, what they cost, what becomes of others' chat beside them, and what stays when they
//! have left.

use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;
use frontdesk_protocol::Id;
use serde_json::{Value, json};

use crate::{
    chat::{Manner, pairs},
    crowd::{self, AT_ONCE},
    host::{Memory, Reading, round},
    lines::Lines,
    talk::Talk,
    target::{Target, user_of},
};

/// Each in a room of their own.
#[derive(Args, Debug)]
pub struct Connect {
    #[command(flatten)]
    pub target: Target,
    /// How many connect
    #[arg(long, default_value_t = 1_000)]
    pub connections: Id,
    /// Handshakes under way at the same time
    #[arg(long, default_value_t = AT_ONCE)]
    pub at_once: usize,
}

/// Connects them and says how fast the first and the last were let in.
///
/// # Errors
/// When somebody is refused.
pub fn connect(args: &Connect) -> Result<Value> {
    let mut lines = Lines::new()?;
    let paths = alone(&args.target, 1..=args.connections);
    let before = Reading::take(&args.target.pid);
    let arrival = crowd::gather(&mut lines, &args.target, &paths, args.at_once, |_, _, _| {})?;
    let after = Reading::take(&args.target.pid);
    let mut report = arrival.report();
    report["cpu"] = before.until(&after);
    report["server_ms_per_connect"] = before.server_ms_each(&after, args.connections as u64);
    Ok(report)
}

fn alone(target: &Target, rooms: impl Iterator<Item = Id>) -> Vec<String> {
    rooms.map(|room| target.path(room, user_of(room))).collect()
}

/// Many idle connections, and some that chat beside them.
#[derive(Args, Debug)]
pub struct Idle {
    #[command(flatten)]
    pub connect: Connect,
    #[command(flatten)]
    pub manner: Manner,
    /// Rooms in which people chat, after those of the idle ones
    #[arg(long, default_value_t = 50)]
    pub chat_rooms: Id,
    /// Seconds in which nobody does anything
    #[arg(long, default_value_t = 10.0)]
    pub idle_seconds: f64,
    /// Seconds that memory may take to come back
    #[arg(long, default_value_t = 30.0)]
    pub return_seconds: f64,
}

/// Runs it. The chat is measured before they come, beside them, and when they have left, since a machine's speed drifts in such a time.
///
/// # Errors
/// When somebody is refused.
pub fn idle(args: &Idle) -> Result<Value> {
    let (target, count) = (&args.connect.target, args.connect.connections);
    let mut lines = Lines::new()?;
    let rooms = count + 1..count + 1 + args.chat_rooms;
    let mut talk = pairs(&mut lines, target, args.manner.style(target), rooms)?;
    let chat = |lines: &mut Lines, talk: &mut Talk| crowd::converse(lines, talk, &target.pid, args.manner.pace());
    let chat_before = chat(&mut lines, &mut talk)?;
    let before = Memory::of(&target.pid);

    let mut talk = talk.anew();
    let paths = alone(target, 1..=count);
    let arrival = crowd::gather(&mut lines, target, &paths, args.connect.at_once, |pens, line, frame| talk.hear(pens, line, frame))?;
    wait(&mut lines, &mut talk, Duration::from_secs(1))?;
    let with_first = Memory::of(&target.pid);
    let reading = Reading::take(&target.pid);
    wait(&mut lines, &mut talk, Duration::from_secs_f64(args.idle_seconds))?;
    let while_idle = reading.until(&Reading::take(&target.pid));
    let with_last = Memory::of(&target.pid);
    let chat_beside = chat(&mut lines, &mut talk)?;
    let disconnected = talk.counts.disconnected;

    let mut talk = talk.anew();
    (arrival.first..lines.count()).for_each(|line| lines.cut(line));
    let (after, back_after) = memory_returns(&mut lines, &mut talk, args, before)?;
    let chat_after = chat(&mut lines, &mut talk)?;
    let with = if with_last.resident > with_first.resident { with_last } else { with_first };
    Ok(json!({
        "joining": arrival.report(), "disconnected": disconnected, "idle_seconds": args.idle_seconds, "idle_cpu": while_idle,
        "memory_kib": {"before": before.report(), "with": with.report(), "after": after.report(), "back_within_10_percent_after_s": back_after},
        "kib_per_connection": with.each_beyond(before, count as u64),
        "chat_before": chat_before, "chat_beside": chat_beside, "chat_after": chat_after,
    }))
}

/// Memory at the end, and after how many seconds it was back within a tenth of what it had been.
fn memory_returns(lines: &mut Lines, talk: &mut Talk, args: &Idle, before: Memory) -> Result<(Memory, Option<f64>)> {
    let left = Instant::now();
    let (mut after, mut back_after) = (before, None);
    while left.elapsed().as_secs_f64() < args.return_seconds && back_after.is_none() {
        wait(lines, talk, Duration::from_secs(1))?;
        after = Memory::of(&args.connect.target.pid);
        back_after = (after.resident * 10 <= before.resident * 11).then(|| round(left.elapsed().as_secs_f64()));
    }
    Ok((after, back_after))
}

fn wait(lines: &mut Lines, talk: &mut Talk, time: Duration) -> Result<()> {
    let until = Instant::now() + time;
    while Instant::now() < until {
        crowd::turn(lines, talk, until)?;
    }
    Ok(())
}
