//! Who lives there: the same people, rooms and messages in every peer's database.

use std::io::{self, BufWriter, Write};

use anyhow::Result;
use clap::Args;
use frontdesk_protocol::Id;

use crate::target::{ADMINS, admin_of, user_of};

/// One room in so many has something that no admin has read.
const UNREAD_EACH: Id = 10;

/// People, rooms and messages for `frontdesk import`, which the peers read, too.
#[derive(Args, Debug)]
pub struct Data {
    /// How many users, with a room each
    #[arg(long, default_value_t = 1_000)]
    pub rooms: Id,
    /// How many messages, spread over the rooms
    #[arg(long, default_value_t = 0)]
    pub messages: Id,
}

/// Writes the lines to standard output.
///
/// # Errors
/// When nobody reads them.
pub fn write_data(data: &Data) -> Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for id in 1..=ADMINS {
        writeln!(out, r#"{{"type":"user","id":{id},"phone":"{}","name":"Admin {id}","role":"admin"}}"#, 9_000_000_000 + id)?;
    }
    for room in 1..=data.rooms {
        let id = user_of(room);
        writeln!(out, r#"{{"type":"user","id":{id},"phone":"{}","name":"User {id}","role":"user"}}"#, 5_000_000_000 + id)?;
    }
    for room in 1..=data.rooms {
        let (user, status) = (user_of(room), if room % 3 == 0 { "resolved" } else { "open" });
        writeln!(
            out,
            r#"{{"type":"room","id":{room},"user_id":{user},"status":"{status}","created_at":"{}"}}"#,
            rfc3339(1_760_000_000 + room)
        )?;
    }
    for number in 0..data.messages {
        let room = 1 + number % data.rooms;
        let sender = if number / data.rooms % 2 == 0 { user_of(room) } else { admin_of(room) };
        let (id, at) = (message_id(number), rfc3339(1_770_000_000 + number / 1_000));
        let text =
            "Where is my parcel? It should have come on Monday, and the tracking page has not changed since the day before that, sadly.";
        writeln!(
            out,
            r#"{{"type":"message","id":{id},"room_id":{room},"sender_id":{sender},"message":"{number:06} {text}","created_at":"{at}","client_id":"019b76da-a800-7000-8000-{number:012x}"}}"#
        )?;
    }
    // Nearly all has been read, as in a team that does its work.
    for room in (1..=data.rooms.min(data.messages)).filter(|room| room % UNREAD_EACH != 0) {
        let id = message_id(room - 1 + (data.messages - room) / data.rooms * data.rooms);
        let (admin, at) = (admin_of(room), rfc3339(1_780_000_000));
        writeln!(out, r#"{{"type":"receipt","room_id":{room},"user_id":{admin},"read_message_id":{id},"read_at":"{at}"}}"#)?;
    }
    out.flush()?;
    Ok(())
}

fn message_id(number: Id) -> Id {
    number + 1
}

/// Seconds since 1970 as a time in UTC.
fn rfc3339(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).expect("a time of these years").to_string()
}
