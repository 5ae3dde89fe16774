//! People in rooms who write to each other: what was sent, acked and delivered, what is missing, doubled or out of order, and how long it
//! took from when it was due. A message is done when its ack (where the protocol has one) and every delivery have come.

use std::{
    collections::VecDeque,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::{
    lines::Pens,
    mark::{self, Fields, Mark},
};

/// Raw counts since the talk began.
#[derive(Debug, Default)]
pub struct Counts {
    pub sent: u64,
    pub acked: u64,
    pub delivered: u64,
    pub done: u64,
    pub doubled: u64,
    pub out_of_order: u64,
    pub seq_wrong: u64,
    pub errors: u64,
    pub first_error: Option<String>,
    pub presence: u64,
    pub others: u64,
    pub disconnected: u64,
}

/// One connection's view.
#[derive(Debug, Default)]
struct Member {
    /// Its place among the writers of its room, or none if it only listens.
    writer: Option<usize>,
    seen: Vec<Seen>,
    last_seq: u64,
    since_receipt: u32,
}

/// What one connection has of one writer.
#[derive(Clone, Debug, Default)]
struct Seen {
    next: u32,
    missing: Vec<u32>,
}

#[derive(Debug, Default)]
struct Room {
    members: u32,
    writers: Vec<Writer>,
}

#[derive(Debug)]
struct Writer {
    line: usize,
    /// Number of the first in `pending`.
    first: u32,
    pending: VecDeque<Pending>,
}

#[derive(Debug)]
struct Pending {
    due: Instant,
    missing: u32,
}

/// How people talk.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Frames of old: no `client_id`, no ack.
    pub origin: bool,
    /// Length of each text.
    pub bytes: usize,
    /// A read receipt for every so many messages of others; 0 for none.
    pub receipts: u32,
}

/// The rooms, their people and the books about them.
#[derive(Debug)]
pub struct Talk {
    style: Style,
    run: u16,
    began: Instant,
    began_millis: u64,
    fields: Fields,
    padding: Vec<u8>,
    first_line: usize,
    members: Vec<Member>,
    rooms: Vec<Room>,
    /// Whose message was done is followed by the next writer's while this is set.
    pub answers: bool,
    /// Messages due before are not timed.
    pub timed_from: Instant,
    pub counts: Counts,
    ack: Histogram<u64>,
    delivery: Histogram<u64>,
    /// How late the generator itself was.
    lag: Histogram<u64>,
}

impl Talk {
    /// Nobody yet; the first to join has the connection `first_line`, and the next the next.
    pub fn new(style: Style, first_line: usize) -> Self {
        let histogram = || Histogram::new_with_bounds(1, 120_000_000, 3).expect("the bounds are well-formed");
        Self {
            style,
            run: rand::random_range(0..0x1000),
            began: Instant::now(),
            began_millis: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64),
            fields: Fields::default(),
            padding: vec![b'x'; style.bytes.saturating_sub(mark::LENGTH)],
            first_line,
            members: Vec::new(),
            rooms: Vec::new(),
            answers: false,
            timed_from: Instant::now(),
            counts: Counts::default(),
            ack: histogram(),
            delivery: histogram(),
            lag: histogram(),
        }
    }

    /// Seats the next connection in a room, as one who writes or who listens only.
    pub fn join(&mut self, room: usize, writes: bool) {
        if self.rooms.len() <= room {
            self.rooms.resize_with(room + 1, Room::default);
        }
        let line = self.first_line + self.members.len();
        let place = &mut self.rooms[room];
        place.members += 1;
        let writer = writes.then(|| {
            place.writers.push(Writer { line, first: 0, pending: VecDeque::new() });
            place.writers.len() - 1
        });
        self.members.push(Member { writer, ..Member::default() });
    }

    /// The same people in the same rooms, with empty books.
    pub fn anew(&self) -> Self {
        let mut talk = Self::new(self.style, self.first_line);
        talk.members.extend(self.members.iter().map(|member| Member {
            writer: member.writer,
            last_seq: member.last_seq,
            ..Member::default()
        }));
        let writers =
            |room: &Room| room.writers.iter().map(|from| Writer { line: from.line, first: 0, pending: VecDeque::new() }).collect();
        talk.rooms.extend(self.rooms.iter().map(|room| Room { members: room.members, writers: writers(room) }));
        talk
    }

    /// The next message of a writer, which was due at `due`.
    pub fn say(&mut self, pens: &mut Pens, room: usize, writer: usize, due: Instant) {
        let place = &mut self.rooms[room];
        let missing = place.members + u32::from(!self.style.origin);
        let from = &mut place.writers[writer];
        let number = from.first + from.pending.len() as u32;
        from.pending.push_back(Pending { due, missing });
        let mark = Mark { run: self.run, writer: writer as u16, room: room as u32, number };
        let text = mark.text(self.began_millis + pens.now.saturating_duration_since(self.began).as_millis() as u64);
        let (padding, origin) = (&self.padding, self.style.origin);
        pens.text(from.line, |out| {
            out.extend_from_slice(b"{\"type\":\"chat_message\",\"message\":\"");
            out.extend_from_slice(&text);
            out.extend_from_slice(padding);
            if !origin {
                out.extend_from_slice(b"\",\"client_id\":\"");
                out.extend_from_slice(&text);
            }
            out.extend_from_slice(b"\"}");
        });
        self.counts.sent += 1;
    }

    /// How late the generator is with a message that was due at `due`.
    pub fn is_late(&mut self, due: Instant, now: Instant) {
        if due >= self.timed_from {
            note(&mut self.lag, now.saturating_duration_since(due));
        }
    }

    /// Takes a frame that came on a connection; those of others are none of the talk's business.
    pub fn hear(&mut self, pens: &mut Pens, line: usize, frame: &[u8]) {
        if !(self.first_line..self.first_line + self.members.len()).contains(&line) {
            return;
        }
        match mark::kind(frame) {
            b"chat_message" => self.delivered(pens, line, frame),
            b"ack" => {
                let Some(mark) = self.fields.client_id(frame).filter(|mark| mark.run == self.run) else { return };
                self.counts.acked += 1;
                if let Some(due) = self.part_done(pens, mark) {
                    self.time(due, pens.now, true);
                }
            }
            b"ready" => self.members[line - self.first_line].last_seq = self.fields.last_seq(frame).unwrap_or(0),
            b"error" => {
                self.counts.errors += 1;
                self.counts.first_error.get_or_insert_with(|| String::from_utf8_lossy(frame).into_owned());
            }
            b"user_status" => self.counts.presence += 1,
            _ => self.counts.others += 1,
        }
    }

    fn delivered(&mut self, pens: &mut Pens, line: usize, frame: &[u8]) {
        let Some(mark) = self.fields.message(frame).filter(|mark| mark.run == self.run) else { return };
        let member = &mut self.members[line - self.first_line];
        let seq = self.fields.seq(frame).unwrap_or(0);
        if seq > 0 {
            self.counts.seq_wrong += u64::from(member.last_seq > 0 && seq != member.last_seq + 1);
            member.last_seq = seq;
        }
        let writer = usize::from(mark.writer);
        if member.seen.len() <= writer {
            member.seen.resize(writer + 1, Seen::default());
        }
        match member.seen[writer].take(mark.number) {
            Order::Next => {}
            Order::Late => self.counts.out_of_order += 1,
            Order::Again => {
                self.counts.doubled += 1;
                return;
            }
        }
        self.counts.delivered += 1;
        let is_own = member.writer == Some(writer);
        if !is_own && self.style.receipts > 0 {
            member.since_receipt += 1;
            if member.since_receipt == self.style.receipts {
                member.since_receipt = 0;
                let id = self.fields.id(frame).unwrap_or(0);
                pens.text(line, |out| out.extend_from_slice(format!("{{\"type\":\"read_receipt\",\"message_id\":{id}}}").as_bytes()));
            }
        }
        if let Some(due) = self.part_done(pens, mark) {
            // To those of old their own message is the only ack.
            if !is_own || self.style.origin {
                self.time(due, pens.now, is_own);
            }
        }
    }

    /// One of the things that a message waits for has come. Answers when it was due.
    fn part_done(&mut self, pens: &mut Pens, mark: Mark) -> Option<Instant> {
        let (room, writer) = (mark.room as usize, usize::from(mark.writer));
        let from = self.rooms.get_mut(room)?.writers.get_mut(writer)?;
        let pending = from.pending.get_mut(mark.number.checked_sub(from.first)? as usize)?;
        pending.missing = pending.missing.saturating_sub(1);
        let (due, is_done) = (pending.due, pending.missing == 0);
        while from.pending.front().is_some_and(|first| first.missing == 0) {
            from.pending.pop_front();
            from.first += 1;
        }
        if is_done {
            self.counts.done += 1;
            if self.answers {
                let next = (writer + 1) % self.rooms[room].writers.len();
                self.say(pens, room, next, pens.now);
            }
        }
        Some(due)
    }

    fn time(&mut self, due: Instant, now: Instant, is_ack: bool) {
        if due >= self.timed_from {
            note(if is_ack { &mut self.ack } else { &mut self.delivery }, now.saturating_duration_since(due));
        }
    }

    /// How many messages wait for something.
    pub fn waiting(&self) -> u64 {
        self.counts.sent - self.counts.done
    }

    /// How many can write in a room.
    pub fn writers(&self, room: usize) -> usize {
        self.rooms[room].writers.len()
    }

    /// How many rooms there are.
    pub fn rooms(&self) -> usize {
        self.rooms.len()
    }

    /// Deliveries that never came.
    fn lost(&self) -> u64 {
        let due = |room: &Room| {
            room.writers.iter().map(|from| u64::from(from.first) + from.pending.len() as u64).sum::<u64>() * u64::from(room.members)
        };
        self.rooms.iter().map(due).sum::<u64>() - self.counts.delivered
    }

    /// The books, closed.
    pub fn report(&self) -> Value {
        let counts = &self.counts;
        json!({
            "counts": {
                "sent": counts.sent, "acked": if self.style.origin { Value::Null } else { counts.acked.into() }, "delivered": counts.delivered,
                "done": counts.done, "lost": self.lost(), "doubled": counts.doubled, "out_of_order": counts.out_of_order,
                "seq_wrong": counts.seq_wrong, "errors": counts.errors, "first_error": counts.first_error, "presence": counts.presence,
                "disconnected": counts.disconnected,
            },
            "ack_ms": quantiles(&self.ack), "delivery_ms": quantiles(&self.delivery), "generator_late_ms": quantiles(&self.lag),
        })
    }
}

enum Order {
    Next,
    Late,
    Again,
}

impl Seen {
    fn take(&mut self, number: u32) -> Order {
        if number >= self.next {
            self.missing.extend(self.next..number);
            self.next = number + 1;
            return Order::Next;
        }
        match self.missing.iter().position(|missing| *missing == number) {
            Some(place) => {
                self.missing.swap_remove(place);
                Order::Late
            }
            None => Order::Again,
        }
    }
}

fn note(histogram: &mut Histogram<u64>, time: Duration) {
    histogram.saturating_record(time.as_micros() as u64);
}

/// Percentiles in milliseconds.
pub fn quantiles(histogram: &Histogram<u64>) -> Value {
    if histogram.is_empty() {
        return Value::Null;
    }
    let at = |quantile: f64| histogram.value_at_quantile(quantile) as f64 / 1_000.0;
    json!({"count": histogram.len(), "p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "p999": at(0.999), "max": at(1.0)})
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a server of old would send for the writer's message with this number.
    fn echo(talk: &Talk, number: u32) -> Vec<u8> {
        let text = Mark { run: talk.run, writer: 0, room: 0, number }.text(0);
        format!("{{\"type\":\"chat_message\",\"id\":5,\"message\":\"{}\"}}", String::from_utf8_lossy(&text)).into_bytes()
    }

    #[test]
    fn what_is_missing_doubled_or_late_is_counted() {
        let mut talk = Talk::new(Style { origin: true, bytes: 64, receipts: 0 }, 0);
        let mut pens = Pens::new(2);
        talk.join(0, true);
        talk.join(0, false);
        (0..4).for_each(|_| talk.say(&mut pens, 0, 0, Instant::now()));
        for (line, number) in [(0, 0), (1, 0), (0, 2), (0, 1), (0, 1), (1, 1)] {
            talk.hear(&mut pens, line, &echo(&talk, number));
        }
        let counts = &talk.counts;
        assert_eq!((counts.sent, counts.done, counts.delivered, counts.doubled, counts.out_of_order), (4, 2, 5, 1, 1));
        assert_eq!((talk.lost(), talk.waiting()), (3, 2));
    }

    #[test]
    fn a_message_that_is_done_is_followed_by_the_next_writers() {
        let mut talk = Talk::new(Style { origin: false, bytes: 64, receipts: 0 }, 0);
        let mut pens = Pens::new(2);
        talk.join(0, true);
        talk.join(0, true);
        talk.answers = true;
        talk.say(&mut pens, 0, 0, Instant::now());
        talk.hear(&mut pens, 0, &echo(&talk, 0));
        talk.hear(&mut pens, 1, &echo(&talk, 0));
        assert_eq!(talk.counts.sent, 1, "the ack is missing");
        let text = Mark { run: talk.run, writer: 0, room: 0, number: 0 }.text(0);
        let ack = format!("{{\"type\":\"ack\",\"client_id\":\"{}\",\"seq\":1}}", String::from_utf8_lossy(&text));
        talk.hear(&mut pens, 0, ack.as_bytes());
        assert_eq!((talk.counts.done, talk.counts.sent, talk.rooms[0].writers[1].pending.len()), (1, 2, 1));
    }
}
