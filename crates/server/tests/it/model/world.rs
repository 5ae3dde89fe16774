//! One room in small: a store that is a number, the publisher's queue, the real hub, and connections that take the steps which
//! `socket::connection` and `socket::room` take between two awaits.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use frontdesk::hub::{Audience, Class, Connected, Credentials, Envelope, Hub, Kind, RegistryLimits, Seat, Taken, Watermark};
use frontdesk_protocol::{Id, Role, Seq, User};

const ROOM: Id = 7;
/// Events read at once; small, so that catching up takes several steps.
const PAGE: Seq = 2;
/// One of these fits into an outbox, the next makes its reader lag.
static BIG: [u8; 40 * 1024] = [b'x'; 40 * 1024];
/// Steps after which whoever is not done never will be.
const STEPS_MAX: usize = 10_000;

/// How connections go about it: right, or wrong in a way that the explorer must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    Right,
    /// Reads where the room stands before it takes its seat.
    ReadsFirst,
    /// Goes on after its outbox was full as if nothing had happened.
    ForgetsThatItLags,
    /// Empties its outbox once before it answers a `resume`, though recovering makes it live again.
    PausesOnce,
    /// Writes receipts that waited while it recovered, though it has read newer ones from the store.
    RepeatsOldReceipts,
}

/// Everything that can happen next, each under one lock or in one read of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The store takes an event; it waits for the publisher.
    Commit,
    /// The store takes a receipt; it waits for the publisher, too.
    Mark,
    /// The publisher hands the oldest one to the hub.
    Publish,
    /// The oldest one is never published, as after a crash or when another process wrote it.
    Lose,
    /// The scan looks where the store stands …
    Look,
    /// … and tells the hub later.
    Tell,
    /// A connection takes its next step.
    Go(usize),
    /// A connection ends, wherever it is; the client comes back with what it has.
    Leave(usize),
    /// A client asks for everything again.
    Resume(usize),
}

/// What a connection does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Away,
    /// It has read where the room stands, but has no seat yet: only in a wrong manner.
    Found(Seq),
    /// It has a seat and reads where the room stands.
    Seated,
    /// It asks whether it has everything.
    Behind {
        cursor: Seq,
        head: Seq,
    },
    /// It reads a page.
    Reading {
        cursor: Seq,
        head: Seq,
    },
    /// It takes what is in its outbox …
    Live,
    /// … and writes it, which may take long.
    Writing,
    /// It was told that it lags and asks up to where it was served.
    Lagging,
    /// It has caught up and reads the watermark.
    Telling,
    /// It empties its outbox before it answers a `resume`.
    Emptying,
}

struct Line {
    user: User,
    place: Option<(Seat, Connected)>,
    /// What was taken out of its outbox and is being written.
    taken: Option<Taken>,
    phase: Phase,
    resuming: bool,
    /// It lagged, so that it may have missed a receipt.
    lagged: bool,
    /// The watermark in `ready`, and the one that the client was last told.
    known: Seq,
    told: Seq,
    /// The next seq that the client must hear; none before it has heard where the room stands.
    next: Option<Seq>,
}

pub struct World {
    manner: Manner,
    hub: Hub,
    head: Seq,
    /// Somebody's watermark.
    mark: Seq,
    unpublished: VecDeque<News>,
    seen: Option<Seq>,
    lost: bool,
    lines: Vec<Line>,
}

impl World {
    pub fn new(manner: Manner, lines: usize) -> Self {
        let line = |id: usize| Line {
            user: User { id: id as Id + 1, name: String::new(), role: Role::User },
            place: None,
            taken: None,
            phase: Phase::Away,
            resuming: false,
            lagged: false,
            known: 0,
            told: 0,
            next: None,
        };
        Self {
            manner,
            hub: Hub::new(RegistryLimits { per_user: 0, per_address: 0 }),
            head: 0,
            mark: 0,
            unpublished: VecDeque::new(),
            seen: None,
            lost: false,
            lines: (0..lines).map(line).collect(),
        }
    }

    /// Takes a step. False: nothing came of it.
    pub fn take(&mut self, step: Step) -> Result<bool, String> {
        match step {
            Step::Commit => {
                self.head += 1;
                self.unpublished.push_back(News::Event(self.head));
                Ok(true)
            }
            Step::Mark => {
                self.mark += 1;
                self.unpublished.push_back(News::Mark(self.mark));
                Ok(true)
            }
            Step::Publish => Ok(self.unpublished.pop_front().is_some_and(|news| {
                self.hub.deliver(&news.envelope());
                true
            })),
            Step::Lose => {
                // What finds lost events does not look for lost receipts: they are lost with the process that wrote them.
                let gone = matches!(self.unpublished.front(), Some(News::Event(_)));
                if gone {
                    self.unpublished.pop_front();
                }
                self.lost |= gone;
                Ok(gone)
            }
            Step::Look => Ok(self.seen.replace(self.head) != Some(self.head)),
            Step::Tell => Ok(self.seen.take().is_some_and(|seen| {
                self.hub.store_is_at(ROOM, seen);
                true
            })),
            Step::Go(line) => self.go(line),
            Step::Leave(line) => Ok(self.lines[line].leave()),
            Step::Resume(line) => Ok(self.lines[line].asks_again()),
        }
    }

    /// Lets everything that is under way come to its end. Then everybody must have everything; what was lost, after the scan.
    pub fn settle(&mut self) -> Result<(), String> {
        while self.take(Step::Publish)? {}
        self.run_out()?;
        if !self.lost {
            self.all_have_everything("though nothing was lost")?;
        }
        self.take(Step::Look)?;
        self.take(Step::Tell)?;
        self.run_out()?;
        self.all_have_everything("even after the scan")?;
        match self.hub.queued_bytes() {
            0 => Ok(()),
            left => Err(format!("{left} bytes are counted as queued in empty outboxes")),
        }
    }

    fn run_out(&mut self) -> Result<(), String> {
        for _ in 0..STEPS_MAX {
            let mut moved = false;
            for line in 0..self.lines.len() {
                moved |= self.lines[line].phase != Phase::Away && self.go(line)?;
            }
            if !moved {
                return Ok(());
            }
        }
        Err("somebody never comes to rest".into())
    }

    fn all_have_everything(&self, when: &str) -> Result<(), String> {
        for (number, line) in self.lines.iter().enumerate().filter(|(_, line)| line.phase != Phase::Away) {
            if line.next != Some(self.head + 1) {
                return Err(format!("the room is at {}, but connection {number} waits for {:?}, {when}", self.head, line.next));
            }
            if line.known.max(line.told) != self.mark {
                return Err(format!("the watermark is {}, but connection {number} knows {}, {when}", self.mark, line.told));
            }
        }
        Ok(())
    }

    fn go(&mut self, number: usize) -> Result<bool, String> {
        let (manner, head, mark) = (self.manner, self.head, self.mark);
        let line = &mut self.lines[number];
        line.phase = match line.phase {
            Phase::Away if manner == Manner::ReadsFirst => Phase::Found(head),
            Phase::Away => {
                line.sit(&self.hub);
                Phase::Seated
            }
            Phase::Found(found) => {
                line.sit(&self.hub);
                line.begin(found, mark)
            }
            Phase::Seated => line.begin(head, mark),
            Phase::Behind { cursor, head } if cursor < head || !line.seat().go_live(cursor) => Phase::Reading { cursor, head },
            Phase::Behind { .. } if std::mem::take(&mut line.lagged) => Phase::Telling,
            Phase::Behind { .. } => line.goes_on(manner),
            Phase::Telling => {
                line.hear_mark(number, mark)?;
                line.goes_on(manner)
            }
            Phase::Reading { cursor, head: least } => {
                let last = head.min(cursor + PAGE);
                for seq in cursor + 1..=last {
                    line.hear(number, seq)?;
                }
                Phase::Behind { cursor: last, head: least }
            }
            Phase::Live => {
                if !line.takes() {
                    return Ok(false);
                }
                Phase::Writing
            }
            Phase::Writing => match line.writes(number, manner)? {
                true if manner != Manner::ForgetsThatItLags => Phase::Lagging,
                _ => line.goes_on(manner),
            },
            Phase::Lagging => {
                line.lagged = true;
                Phase::Behind { cursor: line.seat().cursor(), head: 0 }
            }
            Phase::Emptying => {
                line.seat().pause();
                if line.takes() { Phase::Writing } else { Phase::Seated }
            }
        };
        Ok(true)
    }
}

impl Line {
    fn seat(&self) -> &Seat {
        &self.place.as_ref().expect("only who has a seat takes such steps").0
    }

    fn sit(&mut self, hub: &Hub) {
        let connected = hub.connect(self.user.id, self.user.role, Kind::Room, None, Credentials::default()).expect("no limit");
        let joined = hub.join(ROOM, &connected.outbox, &self.user, Duration::ZERO);
        self.place = Some((joined.seat, connected));
    }

    /// What `ready` or `resumed` says: a newcomer is served from the head, all others from where they ask.
    fn begin(&mut self, head: Seq, mark: Seq) -> Phase {
        self.known = mark;
        if std::mem::take(&mut self.resuming) {
            self.next = Some(1);
        }
        let cursor = self.next.get_or_insert(head + 1).saturating_sub(1);
        Phase::Behind { cursor, head }
    }

    fn goes_on(&self, manner: Manner) -> Phase {
        match (self.resuming, manner) {
            (false, _) => Phase::Live,
            (true, Manner::PausesOnce) => Phase::Seated,
            (true, _) => Phase::Emptying,
        }
    }

    fn leave(&mut self) -> bool {
        (self.place, self.taken) = (None, None);
        (self.resuming, self.lagged, self.told) = (false, false, 0);
        std::mem::replace(&mut self.phase, Phase::Away) != Phase::Away
    }

    /// A frame is only read while the connection is neither catching up nor writing.
    fn asks_again(&mut self) -> bool {
        let reads = self.phase == Phase::Live;
        if reads {
            self.resuming = true;
            self.phase = Phase::Emptying;
        }
        reads
    }

    /// False: there was nothing.
    fn takes(&mut self) -> bool {
        self.taken = self.place.as_ref().expect("it has a place").1.outbox.take_now();
        self.taken.is_some()
    }

    /// True: it lags.
    fn writes(&mut self, number: usize, manner: Manner) -> Result<bool, String> {
        let taken = self.taken.take().expect("it was taken in the step before");
        for (class, bytes) in &taken.frames {
            match class {
                Class::Event(seq) => self.hear(number, *seq)?,
                _ => {
                    let mark = std::str::from_utf8(bytes).expect("a number").parse().expect("a number");
                    if mark > self.told || manner == Manner::RepeatsOldReceipts {
                        self.hear_mark(number, mark)?;
                    }
                }
            }
        }
        Ok(!taken.signals.lagging.is_empty())
    }

    fn hear(&mut self, number: usize, seq: Seq) -> Result<(), String> {
        if self.next != Some(seq) {
            return Err(format!("connection {number} was written {seq}, but its client waits for {:?}", self.next));
        }
        self.next = Some(seq + 1);
        Ok(())
    }

    /// A watermark that was on its way when `ready` was made may be lower; among themselves they never go back.
    fn hear_mark(&mut self, number: usize, mark: Seq) -> Result<(), String> {
        if mark < self.told {
            return Err(format!("connection {number} was told watermark {mark} after {}", self.told));
        }
        self.told = mark;
        Ok(())
    }
}

/// What the store has and the publisher tells.
#[derive(Clone, Copy, Debug)]
enum News {
    Event(Seq),
    Mark(Seq),
}

impl News {
    fn envelope(self) -> Envelope {
        let (class, bytes) = match self {
            Self::Event(seq) if seq % 2 == 0 => (Class::Event(seq), Bytes::from_static(&BIG)),
            Self::Event(seq) => (Class::Event(seq), Bytes::from_static(b"small")),
            Self::Mark(mark) => {
                (Class::Receipt(Watermark { room_id: ROOM, user_id: 1, read: true, seq: mark }), Bytes::from(mark.to_string()))
            }
        };
        Envelope { audience: Audience::Room(ROOM), class, origin: true, also_inbox: false, except: None, bytes }
    }
}
