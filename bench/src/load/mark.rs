//! How a message is known again: a UUIDv7 that holds the room, the writer and the number, and stands both in the text and, where the
//! protocol has it, in `client_id`. Servers are read with a few searches, never with a JSON parser.

use memchr::memmem::Finder;

/// Length of a mark.
pub const LENGTH: usize = 36;

/// Which message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Tells this run from others on the same database.
    pub run: u16,
    /// Place of the writer among the room's.
    pub writer: u16,
    /// Place of the room in this run.
    pub room: u32,
    /// The writer's count.
    pub number: u32,
}

impl Mark {
    /// In canonical form, made `millis` after 1970.
    pub fn text(self, millis: u64) -> [u8; LENGTH] {
        let mut text = *b"00000000-0000-7000-8000-000000000000";
        digits(&mut text[..8], millis >> 16);
        digits(&mut text[9..13], millis);
        digits(&mut text[15..18], self.run.into());
        digits(&mut text[20..23], self.writer.into());
        digits(&mut text[24..30], self.room.into());
        digits(&mut text[30..36], self.number.into());
        text
    }

    /// Reads one at the start of `text`.
    pub fn read(text: &[u8]) -> Option<Self> {
        let text = text.get(..LENGTH)?;
        let run = value(&text[15..18])? as u16;
        let writer = value(&text[20..23])? as u16;
        Some(Self { run, writer, room: value(&text[24..30])?, number: value(&text[30..36])? })
    }
}

fn digits(text: &mut [u8], value: u64) {
    for (place, digit) in text.iter_mut().rev().enumerate() {
        *digit = b"0123456789abcdef"[(value >> (4 * place) & 15) as usize];
    }
}

fn value(text: &[u8]) -> Option<u32> {
    text.iter().try_fold(0, |sum, digit| Some(sum * 16 + (*digit as char).to_digit(16)?))
}

/// The fields that the generator looks for.
#[derive(Debug)]
pub struct Fields {
    message: Finder<'static>,
    client_id: Finder<'static>,
    seq: Finder<'static>,
    last_seq: Finder<'static>,
    id: Finder<'static>,
}

impl Default for Fields {
    fn default() -> Self {
        let of = |needle: &'static str| Finder::new(needle.as_bytes());
        Self {
            message: of("\"message\":"),
            client_id: of("\"client_id\":"),
            seq: of("\"seq\":"),
            last_seq: of("\"last_seq\":"),
            id: of("\"id\":"),
        }
    }
}

impl Fields {
    /// The mark in the text of a message.
    pub fn message(&self, frame: &[u8]) -> Option<Mark> {
        Mark::read(string(after(&self.message, frame)?)?)
    }

    /// The mark in `client_id`.
    pub fn client_id(&self, frame: &[u8]) -> Option<Mark> {
        Mark::read(string(after(&self.client_id, frame)?)?)
    }

    /// The place in the room, where the protocol has it.
    pub fn seq(&self, frame: &[u8]) -> Option<u64> {
        number(after(&self.seq, frame)?)
    }

    /// The room's head.
    pub fn last_seq(&self, frame: &[u8]) -> Option<u64> {
        number(after(&self.last_seq, frame)?)
    }

    /// The message's id, which stands before its sender's.
    pub fn id(&self, frame: &[u8]) -> Option<u64> {
        number(after(&self.id, frame)?)
    }
}

/// The value of `"type"`, which stands first in every server's frames here.
pub fn kind(frame: &[u8]) -> &[u8] {
    let text = frame.strip_prefix(b"{\"type\":").and_then(string).unwrap_or_default();
    &text[..memchr::memchr(b'"', text).unwrap_or(0)]
}

/// The value of a short text field, for what happens once a connection.
pub fn word<'a>(frame: &'a [u8], name: &str) -> Option<&'a str> {
    let text = string(&frame[memchr::memmem::find(frame, name.as_bytes())? + name.len()..])?;
    std::str::from_utf8(&text[..memchr::memchr(b'"', text)?]).ok()
}

fn after<'a>(name: &Finder<'_>, frame: &'a [u8]) -> Option<&'a [u8]> {
    Some(&frame[name.find(frame)? + name.needle().len()..])
}

fn string(value: &[u8]) -> Option<&[u8]> {
    value.trim_ascii_start().strip_prefix(b"\"")
}

fn number(value: &[u8]) -> Option<u64> {
    let value = value.trim_ascii_start();
    let length = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&value[..length]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_a_uuid_and_is_known_again() {
        let mark = Mark { run: 0x5c1, writer: 1, room: 99_999, number: 1_234_567 };
        let text = mark.text(1_767_225_605_000);
        assert_eq!(uuid::Uuid::try_parse_ascii(&text).expect("a UUID").get_version_num(), 7);
        assert_eq!(Mark::read(&text), Some(mark));
    }

    #[test]
    fn fields_are_found_with_and_without_spaces() {
        let fields = Fields::default();
        let frame = br#"{"type": "chat_message", "id": 5, "room_id":7,"seq":3,"sender":{"id":2},"message": "hi"}"#;
        assert_eq!((fields.id(frame), fields.seq(frame), kind(frame)), (Some(5), Some(3), &b"chat_message"[..]));
        assert_eq!(kind(br#"{"type":"ack","id":5}"#), b"ack");
    }
}
