//! One client's copy of one room, folded from frames as a careful program would fold them. Whatever comes twice, out of order or
//! goes back is written into the ledger.

use std::collections::BTreeMap;

use frontdesk_protocol::{
    Id, Message, Role, Room, RoomStatus, Seq,
    frame::{Receipt, Resume},
    limits::RESUME_EVENTS_MAX,
};

use super::ledger::{Ledger, Shown, Wrong, count};

/// A durable event as it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    Message(Shown),
    Status(RoomStatus),
}

/// The copy.
#[derive(Debug, Default)]
pub struct View {
    /// Whose it is, for the ledger.
    pub who: String,
    pub room: Id,
    /// Everything after `base` up to `head` was seen; nothing is known of what came before.
    pub base: Seq,
    pub head: Seq,
    pub begun: bool,
    pub events: BTreeMap<Seq, Seen>,
    pub status: Option<RoomStatus>,
    pub receipts: BTreeMap<Id, (Seq, Seq)>,
    /// What frames of this connection said of watermarks; among themselves they never go back.
    told: BTreeMap<(Id, bool), Seq>,
    /// The newest message of the other side, which may be marked as read.
    pub newest: Option<Id>,
}

impl View {
    pub fn new(who: &str, room: Id) -> Self {
        Self { who: who.into(), room, ..Self::default() }
    }

    /// From where to resume: nothing if nothing was ever seen.
    pub fn after(&self) -> Option<Seq> {
        self.begun.then_some(self.head)
    }

    /// `ready` or `room_opened`. Whoever asks for what is there gets it; whoever cannot be served is told to forget, and nobody else.
    pub fn opens(&mut self, ledger: &Ledger, room: &Room, receipts: &[Receipt], resume: Resume, asked: Option<Seq>, other_epoch: bool) {
        ledger.pages().head(self.room, room.last_seq);
        let cannot = |after: Seq| other_epoch || after > room.last_seq || room.last_seq - after > RESUME_EVENTS_MAX;
        match (resume, asked) {
            (Resume::Complete, Some(after)) if !cannot(after) => {
                count(&ledger.tally.resumes);
                self.rewind(after);
            }
            (Resume::None, None) => self.forget(room.last_seq),
            (Resume::Reset, Some(after)) if cannot(after) => {
                count(&ledger.tally.resets);
                self.forget(room.last_seq);
            }
            _ => {
                let what =
                    format!("asked to resume after {asked:?} (of another epoch: {other_epoch}), told {resume:?} at {}", room.last_seq);
                self.wrong(ledger, Wrong::Other, what);
                self.forget(room.last_seq);
            }
        }
        self.begun = true;
        self.status = Some(room.status);
        self.told.clear();
        self.take_receipts(ledger, receipts);
    }

    /// What was asked for comes again from here, also what came between asking and the answer.
    fn rewind(&mut self, after: Seq) {
        if !self.begun {
            self.base = after;
        }
        self.events.split_off(&(after + 1));
        self.head = after;
        self.base = self.base.min(after);
    }

    fn forget(&mut self, head: Seq) {
        (self.base, self.head) = (head, head);
        self.events.clear();
    }

    /// Watermarks are stored before they are told, so a new snapshot is never behind.
    fn take_receipts(&mut self, ledger: &Ledger, receipts: &[Receipt]) {
        let fresh = watermarks(receipts);
        for (user, before) in &self.receipts {
            let now = fresh.get(user).copied().unwrap_or_default();
            if now.0 < before.0 || now.1 < before.1 {
                self.wrong(ledger, Wrong::Other, format!("the receipts of {user} went back from {before:?} to {now:?}"));
            }
        }
        let mut pages = ledger.pages();
        for (user, (read, delivered)) in &fresh {
            pages.mark(self.room, *user, *read, *delivered);
        }
        drop(pages);
        self.receipts = fresh;
    }

    pub fn message(&mut self, ledger: &Ledger, message: &Message, my_side: Role) {
        ledger.shown(message);
        if !self.next(ledger, message.seq, message.id) {
            return;
        }
        if message.sender.role == Role::User {
            self.status = Some(RoomStatus::Open);
        }
        if message.sender.role != my_side {
            self.newest = Some(message.id);
        }
        self.events.insert(message.seq, Seen::Message(Shown::of(message)));
    }

    pub fn status(&mut self, ledger: &Ledger, seq: Seq, status: RoomStatus) {
        ledger.pages().head(self.room, seq);
        if self.next(ledger, seq, 0) {
            self.status = Some(status);
            self.events.insert(seq, Seen::Status(status));
        }
    }

    fn next(&mut self, ledger: &Ledger, seq: Seq, id: Id) -> bool {
        if seq == self.head + 1 {
            self.head = seq;
            return true;
        }
        let kind = if seq <= self.head { Wrong::Doubled } else { Wrong::Reordered };
        self.wrong(ledger, kind, format!("after seq {} came {seq} (message {id})", self.head));
        false
    }

    pub fn receipt(&mut self, ledger: &Ledger, user: Id, seq: Seq, read: bool) {
        let told = self.told.entry((user, read)).or_default();
        if seq < *told {
            let what = format!("a watermark of {user} (read: {read}) went back from {told} to {seq}");
            self.wrong(ledger, Wrong::Other, what);
            return;
        }
        *told = seq;
        let marks = self.receipts.entry(user).or_default();
        // What was read has arrived, too.
        *marks = (marks.0.max(if read { seq } else { 0 }), marks.1.max(seq));
        ledger.pages().mark(self.room, user, if read { seq } else { 0 }, seq);
    }

    /// Everything up to here was written to this connection.
    pub fn heartbeat(&mut self, ledger: &Ledger, last_seq: Seq) {
        ledger.pages().head(self.room, last_seq);
        if self.begun && last_seq > self.head {
            self.wrong(ledger, Wrong::Lost, format!("a heartbeat at {last_seq}, but nothing came after {}", self.head));
        }
    }

    /// The answer to a `resume` on the living connection: what was asked for comes again from there.
    pub fn resumed(&mut self, ledger: &Ledger, after: Seq, last_seq: Seq, resume: Resume) {
        match resume {
            Resume::Complete => {
                count(&ledger.tally.resumes);
                self.rewind(after);
            }
            Resume::Reset => {
                count(&ledger.tally.resets);
                self.forget(last_seq);
            }
            Resume::None => self.wrong(ledger, Wrong::Other, "a resume was answered by none".into()),
        }
    }

    fn wrong(&self, ledger: &Ledger, kind: Wrong, what: String) {
        ledger.wrong(kind, format!("{} in room {}: {what}", self.who, self.room));
    }
}

/// (read, delivered) of everybody who has one.
pub fn watermarks(receipts: &[Receipt]) -> BTreeMap<Id, (Seq, Seq)> {
    let marks = receipts.iter().map(|receipt| (receipt.user_id, (receipt.read_seq, receipt.delivered_seq)));
    marks.filter(|(_, marks)| *marks != (0, 0)).collect()
}

#[cfg(test)]
mod tests {
    use frontdesk_protocol::{Timestamp, User};

    use super::*;

    fn message(seq: Seq) -> Message {
        Message {
            id: 100 + seq,
            room_id: 7,
            seq,
            sender: User { id: 1, name: "Ada".into(), role: Role::Admin },
            message: format!("text {seq}"),
            attachments: Vec::new(),
            client_id: None,
            created_at: Timestamp::from_millis(seq),
            read: false,
        }
    }

    fn broken(seqs: &[Seq]) -> (usize, usize) {
        let (ledger, mut view) = (Ledger::default(), View::new("Grace", 7));
        for seq in seqs {
            view.message(&ledger, &message(*seq), Role::User);
        }
        let pages = ledger.pages();
        (pages.count_of(Wrong::Doubled), pages.count_of(Wrong::Reordered))
    }

    #[test]
    fn what_comes_in_order_and_once_is_well() {
        assert_eq!(broken(&[1, 2, 3]), (0, 0));
    }

    #[test]
    fn what_comes_twice_or_too_early_is_written_down() {
        assert_eq!(broken(&[1, 2, 2, 3]), (1, 0));
        assert_eq!(broken(&[1, 3, 2]), (0, 1));
    }

    #[test]
    fn two_people_who_see_different_messages_at_one_place_are_found_out() {
        let ledger = Ledger::default();
        ledger.shown(&message(1));
        ledger.shown(&Message { message: "another".into(), ..message(1) });
        assert_eq!(ledger.pages().count_of(Wrong::Phantom), 1);
    }

    #[test]
    fn an_ack_that_differs_from_the_first_is_a_second_message() {
        let ledger = Ledger::default();
        let first = super::super::ledger::Acked { room: 7, id: 1, seq: 1, created_at: Timestamp::from_millis(1) };
        ledger.acked("a", first);
        ledger.acked("a", first);
        assert_eq!(ledger.pages().count_of(Wrong::Doubled), 0);
        ledger.acked("a", super::super::ledger::Acked { seq: 2, ..first });
        assert_eq!(ledger.pages().count_of(Wrong::Doubled), 1);
    }
}
