//! People in many rooms who write to each other, and many listeners in one.

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use frontdesk_protocol::Id;
use serde_json::{Value, json};

use crate::{
    crowd::{self, AT_ONCE, Pace},
    host,
    lines::Lines,
    talk::{Style, Talk},
    target::{Target, admin_of, user_of},
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
    /// The first room
    #[arg(long, default_value_t = 1)]
    pub first_room: Id,
}

/// Seats a user and an admin in each room.
///
/// # Errors
/// When somebody cannot connect.
pub fn pairs(lines: &mut Lines, target: &Target, style: Style, rooms: std::ops::Range<Id>) -> Result<Talk> {
    let mut talk = Talk::new(style, lines.count());
    let mut paths = Vec::new();
    for (place, room) in rooms.enumerate() {
        for person in [user_of(room), admin_of(room)] {
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
    let mut talk = pairs(&mut lines, &args.target, args.manner.style(&args.target), args.first_room..args.first_room + args.rooms)?;
    let mut report = crowd::converse(&mut lines, &mut talk, &args.target.pid, args.manner.pace())?;
    report["rooms"] = args.rooms.into();
    report["server_pss_kib"] = host::memory_kib(&args.target.pid).into();
    Ok(report)
}

/// Many admins' connections in one room, and its user who writes.
#[derive(Args, Debug)]
pub struct Fanout {
    #[command(flatten)]
    pub target: Target,
    #[command(flatten)]
    pub manner: Manner,
    /// How many listen
    #[arg(long, default_value_t = 100)]
    pub listeners: Id,
    /// The room
    #[arg(long, default_value_t = 1)]
    pub room: Id,
}

/// Runs it. Joining is timed, too: whoever tells everybody of everybody needs long.
///
/// # Errors
/// When somebody cannot connect.
pub fn fanout(args: &Fanout) -> Result<Value> {
    let mut lines = Lines::new()?;
    let mut talk = Talk::new(args.manner.style(&args.target), lines.count());
    let people = std::iter::once(user_of(args.room)).chain((0..args.listeners).map(admin_of));
    let paths: Vec<_> = people.map(|person| args.target.path(args.room, person)).collect();
    (0..paths.len()).for_each(|place| talk.join(0, place == 0));
    let arrival = crowd::gather(&mut lines, &args.target, &paths, AT_ONCE, |pens, line, frame| talk.hear(pens, line, frame))?;
    let mut report = crowd::converse(&mut lines, &mut talk, &args.target.pid, args.manner.pace())?;
    report["listeners"] = args.listeners.into();
    report["joining"] = arrival.report();
    report["server_pss_kib"] = json!(host::memory_kib(&args.target.pid));
    Ok(report)
}
