//! Everybody is cut off at once and comes back at once, having missed some messages or none.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use clap::Args;
use frontdesk_protocol::Id;
use serde_json::{Value, json};

use crate::{
    crowd::{self, AT_ONCE},
    host::{Reading, round},
    lines::{Heard, Lines, Pens},
    mark::{self, Fields},
    talk::{Style, Talk},
    target::{Target, admin_of, user_of},
};

/// Rooms into which messages are written at the same time while their users are away.
const CHUNK: usize = 250;

/// Clients, each in a room of their own.
#[derive(Args, Debug)]
pub struct Storm {
    #[command(flatten)]
    pub target: Target,
    /// How many clients
    #[arg(long, default_value_t = 1_000)]
    pub clients: Id,
    /// Messages that each misses while away; needs a server that knows `after`
    #[arg(long, default_value_t = 0)]
    pub missed: u32,
    /// Handshakes under way at the same time
    #[arg(long, default_value_t = 1_000)]
    pub at_once: usize,
    /// Seconds until all must be back
    #[arg(long, default_value_t = 60.0)]
    pub patience: f64,
}

/// What a client has when it is cut off, and what it gets after.
#[derive(Clone, Debug, Default)]
struct Place {
    seq: u64,
    epoch: String,
    got: u32,
    is_wrong: bool,
}

/// Runs it.
///
/// # Errors
/// When somebody is refused.
pub fn storm(args: &Storm) -> Result<Value> {
    ensure!(args.missed == 0 || !args.target.origin, "clients of old cannot ask for what they missed");
    let (target, fields) = (&args.target, Fields::default());
    let mut lines = Lines::new()?;
    let mut places = vec![Place::default(); args.clients as usize];
    let paths: Vec<_> = (1..=args.clients).map(|room| target.path(room, user_of(room))).collect();
    crowd::gather(&mut lines, target, &paths, AT_ONCE, |_, line, frame| places[line].is_in(frame, &fields))?;
    (0..lines.count()).for_each(|line| lines.cut(line));
    if args.missed > 0 {
        write_missed(&mut lines, args)?;
    }
    let back = if args.missed > 0 { resume(&mut lines, args, &mut places, &paths)? } else { answer(&mut lines, args, &paths)? };
    Ok(json!({"clients": args.clients, "missed": args.missed, "back": back}))
}

impl Place {
    fn is_in(&mut self, frame: &[u8], fields: &Fields) {
        if mark::kind(frame) == b"ready" {
            self.seq = fields.last_seq(frame).unwrap_or(0);
            self.epoch = mark::word(frame, "\"epoch\":").unwrap_or_default().into();
        }
    }

    /// What a resumed connection hears must be what was missed, in order, and nothing else.
    fn resumes(&mut self, frame: &[u8], fields: &Fields) {
        match mark::kind(frame) {
            b"ready" => self.is_wrong |= mark::word(frame, "\"resume\":") != Some("complete"),
            b"chat_message" => {
                self.got += 1;
                self.is_wrong |= fields.seq(frame) != Some(self.seq + u64::from(self.got));
            }
            _ => {}
        }
    }
}

/// Admins write to the rooms whose users are away.
fn write_missed(lines: &mut Lines, args: &Storm) -> Result<()> {
    let rooms: Vec<Id> = (1..=args.clients).collect();
    for chunk in rooms.chunks(CHUNK) {
        let first = lines.count();
        let mut talk = Talk::new(Style { origin: false, bytes: 128, receipts: 0 }, first);
        let paths: Vec<_> = chunk.iter().map(|room| args.target.path(*room, admin_of(*room))).collect();
        (0..chunk.len()).for_each(|place| talk.join(place, true));
        crowd::gather(lines, &args.target, &paths, AT_ONCE, |pens, line, frame| talk.hear(pens, line, frame))?;
        for room in 0..chunk.len() {
            (0..args.missed).for_each(|_| talk.say(&mut lines.pens, room, 0, Instant::now()));
        }
        crowd::drain(lines, &mut talk, Duration::from_secs(30))?;
        ensure!(talk.waiting() == 0, "{} messages to those who are away were not stored", talk.waiting());
        (first..lines.count()).for_each(|line| lines.cut(line));
    }
    Ok(())
}

/// All come back with `after`, and are complete when they have what they missed.
fn resume(lines: &mut Lines, args: &Storm, places: &mut [Place], paths: &[String]) -> Result<Value> {
    let fields = Fields::default();
    let paths: Vec<_> =
        paths.iter().zip(&*places).map(|(path, place)| format!("{path}&after={}&epoch={}", place.seq, place.epoch)).collect();
    let (first, missed, complete) = (lines.count(), args.missed, Cell::new(0_usize));
    let (start, before) = (Instant::now(), Reading::take(&args.target.pid));
    let mut hear = |_: &mut Pens, line: usize, frame: &[u8]| {
        let place = &mut places[line - first];
        let got = place.got;
        place.resumes(frame, &fields);
        complete.set(complete.get() + usize::from(got < missed && place.got == missed));
    };
    let arrival = crowd::gather(lines, &args.target, &paths, args.at_once, &mut hear)?;
    let end = start + Duration::from_secs_f64(args.patience);
    let mut disconnected = 0;
    while complete.get() < paths.len() && Instant::now() < end {
        lines.turn(end, &mut |pens, line, heard| match heard {
            Heard::Up => {}
            Heard::Text(frame) => hear(pens, line, frame),
            Heard::Down(_) => disconnected += 1,
        })?;
    }
    let took = start.elapsed();
    let wrong = places.iter().filter(|place| place.is_wrong).count();
    let lost: u64 = places.iter().map(|place| u64::from(missed.saturating_sub(place.got))).sum();
    Ok(json!({
        "seconds": round(took.as_secs_f64()), "connected": arrival.report(), "complete": complete.get(), "lost": lost, "wrong": wrong,
        "disconnected": disconnected, "cpu": before.until(&Reading::take(&args.target.pid)),
    }))
}

/// All come back, and are answered when what each says is stored and shown.
fn answer(lines: &mut Lines, args: &Storm, paths: &[String]) -> Result<Value> {
    let mut talk = Talk::new(Style { origin: args.target.origin, bytes: 128, receipts: 0 }, lines.count());
    (0..paths.len()).for_each(|room| talk.join(room, true));
    let (start, before) = (Instant::now(), Reading::take(&args.target.pid));
    let arrival = crowd::gather(lines, &args.target, paths, args.at_once, |pens, line, frame| talk.hear(pens, line, frame))?;
    for room in 0..paths.len() {
        talk.say(&mut lines.pens, room, 0, Instant::now());
    }
    let end = start + Duration::from_secs_f64(args.patience);
    while talk.waiting() > 0 && Instant::now() < end {
        crowd::turn(lines, &mut talk, end)?;
    }
    let took = start.elapsed();
    let cpu = before.until(&Reading::take(&args.target.pid));
    Ok(json!({"seconds": round(took.as_secs_f64()), "connected": arrival.report(), "talk": talk.report(), "cpu": cpu}))
}
