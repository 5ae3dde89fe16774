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
    host::{self, Reading, round},
    lines::Lines,
    talk::Talk,
    target::{Target, user_of},
};

/// How long memory may take to come back.
const RETURN_TIME: Duration = Duration::from_secs(30);

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
}

/// Runs it.
///
/// # Errors
/// When somebody is refused.
pub fn idle(args: &Idle) -> Result<Value> {
    let (target, count) = (&args.connect.target, args.connect.connections);
    let mut lines = Lines::new()?;
    let mut talk = pairs(&mut lines, target, args.manner.style(target), count + 1..count + 1 + args.chat_rooms)?;
    let chat_alone = crowd::converse(&mut lines, &mut talk, &target.pid, args.manner.pace())?;
    let memory_before = host::memory_kib(&target.pid);

    let mut talk = talk.anew();
    let paths = alone(target, 1..=count);
    let arrival = crowd::gather(&mut lines, target, &paths, args.connect.at_once, |pens, line, frame| talk.hear(pens, line, frame))?;
    wait(&mut lines, &mut talk, Duration::from_secs(1))?;
    let memory_with = host::memory_kib(&target.pid);

    let before = Reading::take(&target.pid);
    wait(&mut lines, &mut talk, Duration::from_secs_f64(args.idle_seconds))?;
    let while_idle = before.until(&Reading::take(&target.pid));
    let chat_beside = crowd::converse(&mut lines, &mut talk, &target.pid, args.manner.pace())?;

    (arrival.first..lines.count()).for_each(|line| lines.cut(line));
    let left = Instant::now();
    let (mut memory_after, mut back_after) = (u64::MAX, None);
    while left.elapsed() < RETURN_TIME && back_after.is_none() {
        wait(&mut lines, &mut talk, Duration::from_secs(1))?;
        memory_after = host::memory_kib(&target.pid);
        back_after = (memory_after * 10 <= memory_before * 11).then(|| round(left.elapsed().as_secs_f64()));
    }
    Ok(json!({
        "joining": arrival.report(), "disconnected": talk.counts.disconnected,
        "memory_kib": {"before": memory_before, "with": memory_with, "after": memory_after, "back_within_10_percent_after_s": back_after},
        "kib_per_connection": round((memory_with as f64 - memory_before as f64) / count as f64),
        "idle_cpu": while_idle, "chat_alone": chat_alone, "chat_beside": chat_beside,
    }))
}

fn wait(lines: &mut Lines, talk: &mut Talk, time: Duration) -> Result<()> {
    let until = Instant::now() + time;
    while Instant::now() < until {
        crowd::turn(lines, talk, until)?;
    }
    Ok(())
}
