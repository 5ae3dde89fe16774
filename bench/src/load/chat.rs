//! People in many rooms who write to each other, and many listeners in one.

use std::{
    ops::Range,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use clap::Args;
use frontdesk_protocol::Id;
use serde_json::{Value, json};

use crate::{
    crowd::{self, AT_ONCE, Pace},
    host::{Memory, round},
    lines::Lines,
    talk::{Style, Talk},
    target::{ADMINS, Target, admin_of, user_of},
};

/// How they write.
#[derive(Args, Clone, Debug)]
pub struct Manner {
    /// Messages under way in each room: the next is written when one is done
    #[arg(long, default_value_t = 1)]
    pub outstanding: u32,
    /// Instead: messages a second over all rooms, due at even distances whatever becomes of them
    #[arg(long)]
    pub rate: Option<f64>,
    /// Length of a message
    #[arg(long, default_value_t = 128)]
    pub bytes: usize,
    /// A read receipt for every so many messages of others
    #[arg(long, default_value_t = 0)]
    pub receipts: u32,
    /// Seconds before measuring
    #[arg(long, default_value_t = 1.0)]
    pub warmup: f64,
    /// Seconds of measuring
    #[arg(long, default_value_t = 5.0)]
    pub seconds: f64,
    /// Seconds to wait at the end for what has not come
    #[arg(long, default_value_t = 30.0)]
    pub drain: f64,
}

impl Manner {
    pub fn style(&self, target: &Target) -> Style {
        Style { origin: target.origin, bytes: self.bytes, receipts: self.receipts }
    }

    pub fn pace(&self) -> Pace {
        let seconds = Duration::from_secs_f64;
        Pace {
            outstanding: self.outstanding,
            rate: self.rate,
            warmup: seconds(self.warmup),
            time: seconds(self.seconds),
            drain: seconds(self.drain),
        }
    }
}

/// A user and an admin in each room, both writing.
#[derive(Args, Debug)]
pub struct Chat {
    #[command(flatten)]
    pub target: Target,
    #[command(flatten)]
    pub manner: Manner,
    /// How many rooms
    #[arg(long, default_value_t = 50)]
    pub rooms: Id,
    /// Only the user is there, so that twice as many rooms can be had
    #[arg(long)]
    pub alone: bool,
}

/// Seats a user and an admin in each room.
///
/// # Errors
/// When somebody cannot connect.
pub fn pairs(lines: &mut Lines, target: &Target, style: Style, rooms: Range<Id>) -> Result<Talk> {
    seat(lines, target, style, rooms, |room| vec![user_of(room), admin_of(room)])
}

fn seat(lines: &mut Lines, target: &Target, style: Style, rooms: Range<Id>, people: impl Fn(Id) -> Vec<Id>) -> Result<Talk> {
    let mut talk = Talk::new(style, lines.count());
    let mut paths = Vec::new();
    for (place, room) in rooms.enumerate() {
        for person in people(room) {
            paths.push(target.path(room, person));
            talk.join(place, true);
        }
    }
    crowd::gather(lines, target, &paths, AT_ONCE, |pens, line, frame| talk.hear(pens, line, frame))?;
    Ok(talk)
}

/// Runs it.
///
/// # Errors
/// When somebody cannot connect.
pub fn chat(args: &Chat) -> Result<Value> {
    let mut lines = Lines::new()?;
    let (style, rooms) = (args.manner.style(&args.target), 1..1 + args.rooms);
    let mut talk = if args.alone {
        seat(&mut lines, &args.target, style, rooms, |room| vec![user_of(room)])?
    } else {
        pairs(&mut lines, &args.target, style, rooms)?
    };
    let mut report = crowd::converse(&mut lines, &mut talk, &args.target.pid, args.manner.pace())?;
    report["rooms"] = args.rooms.into();
    report["memory_kib"] = Memory::of(&args.target.pid).report();
    Ok(report)
}

/// Writes until so many messages are stored: the server is the fastest way into its database.
#[derive(Args, Debug)]
pub struct Fill {
    #[command(flatten)]
    pub target: Target,
    /// How many messages
    #[arg(long)]
    pub messages: u64,
    /// Rooms they are spread over
    #[arg(long, default_value_t = 1_000)]
    pub rooms: Id,
}

/// Messages under way in each room that is filled: many, so that the disk is asked seldom.
const FILL_OUTSTANDING: usize = 8;

/// Runs it.
///
/// # Errors
/// When somebody cannot connect, or a message is not stored.
pub fn fill(args: &Fill) -> Result<Value> {
    let mut lines = Lines::new()?;
    let style = Style { origin: args.target.origin, bytes: 128, receipts: 0 };
    let mut talk = seat(&mut lines, &args.target, style, 1..1 + args.rooms, |room| vec![user_of(room)])?;
    let start = Instant::now();
    talk.answers = true;
    for room in 0..talk.rooms() {
        (0..FILL_OUTSTANDING).for_each(|_| talk.say(&mut lines.pens, room, 0, start));
    }
    while talk.counts.sent < args.messages && talk.counts.disconnected == 0 {
        crowd::turn(&mut lines, &mut talk, Instant::now() + Duration::from_secs(10))?;
    }
    talk.answers = false;
    crowd::drain(&mut lines, &mut talk, Duration::from_secs(30))?;
    ensure!(talk.waiting() == 0 && talk.counts.done >= args.messages, "only {} messages were stored", talk.counts.done);
    Ok(json!({"stored": talk.counts.done, "seconds": start.elapsed().as_secs()}))
}

/// Many admins' connections in one room, and its user who writes.
#[derive(Args, Debug)]
pub struct Fanout {
    #[command(flatten)]
    pub target: Target,
    #[command(flatten)]
    pub manner: Manner,
    /// How many connections listen
    #[arg(long, default_value_t = 100)]
    pub listeners: Id,
    /// How many admins they belong to: each is announced to all others who are there
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(Id).range(1..=ADMINS))]
    pub people: Id,
    /// The room
    #[arg(long, default_value_t = 1)]
    pub room: Id,
}

/// Runs it. Joining is timed, too, until nothing more is said of it: whoever tells everybody of everybody needs long.
///
/// # Errors
/// When somebody cannot connect.
pub fn fanout(args: &Fanout) -> Result<Value> {
    let mut lines = Lines::new()?;
    let mut talk = Talk::new(args.manner.style(&args.target), lines.count());
    let people = std::iter::once(user_of(args.room)).chain((0..args.listeners).map(|number| 1 + number % args.people));
    let paths: Vec<_> = people.map(|person| args.target.path(args.room, person)).collect();
    (0..paths.len()).for_each(|place| talk.join(0, place == 0));
    let start = Instant::now();
    let arrival = crowd::gather(&mut lines, &args.target, &paths, AT_ONCE, |pens, line, frame| talk.hear(pens, line, frame))?;
    crowd::until_quiet(&mut lines, &mut talk)?;
    let joined = start.elapsed().saturating_sub(crowd::QUIET).as_secs_f64();
    let mut report = crowd::converse(&mut lines, &mut talk, &args.target.pid, args.manner.pace())?;
    report["listeners"] = args.listeners.into();
    report["joining"] = arrival.report();
    report["joining"]["quiet_after_seconds"] = json!(round(joined));
    report["memory_kib"] = Memory::of(&args.target.pid).report();
    Ok(report)
}
