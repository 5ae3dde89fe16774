//! What a careful client (v=1) remembers: its copy of each room it follows, what it has not got acked, and, on the inbox, the list
//! of rooms. Pure: frames go in, the ledger is told, frames to send come out.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use frontdesk_protocol::{
    ErrorCode, Id, Message, Room, Seq, ServerFrame,
    frame::{InboxReady, Ready, Resume, RoomReady},
};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    cast::Person,
    ledger::{Acked, Ledger, Wrong, count},
    outbox::Outbox,
    view::View,
};

/// Waits this long before sending again when the server does not say how long.
const RETRY: Duration = Duration::from_millis(300);

/// How long a room may take to open before it is asked for again.
const OPEN_PATIENCE: Duration = Duration::from_secs(5);

/// Where a client connects to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    Room(Id),
    Inbox,
}

/// What a client says of its copy when it connects. Whoever says what cannot be is told to forget it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    Honest,
    /// More than the room has.
    Beyond,
    /// Another history.
    OtherEpoch,
}

const FAR_BEYOND: Seq = 1_000_000;
const OTHER_EPOCH: &str = "0123456789abcdef0123456789abcdef";

#[derive(Debug)]
pub struct Desk {
    pub who: String,
    pub person: Person,
    pub door: Door,
    pub views: BTreeMap<Id, View>,
    pub outboxes: BTreeMap<Id, Outbox>,
    /// Rooms that the server serves on this connection now.
    pub open: BTreeSet<Id>,
    /// From where each open room was asked to resume.
    asked: BTreeMap<Id, Option<Seq>>,
    /// When a room was asked for on the inbox last.
    asked_at: BTreeMap<Id, Instant>,
    claim: Claim,
    /// The inbox's list of rooms, once it was loaded.
    pub list: BTreeMap<Id, Room>,
    /// Rooms told of since the list was asked for: they are newer than what comes.
    fresh: BTreeSet<Id>,
    pub reload: bool,
    pub loaded: bool,
    version: Option<String>,
    epoch: String,
    pub connected: bool,
    /// Its person has gone and is not expected.
    pub away: bool,
    /// Where it goes by itself, and where it is.
    pub home: usize,
    pub node: usize,
    /// How often this connection was told that nothing can be stored.
    pub refusals: usize,
    /// Since when this connection follows each room, and up to where each was shown on any.
    since: BTreeMap<Id, Instant>,
    farthest: BTreeMap<Id, Seq>,
    /// The server asked to stay away for so long.
    pub stay_away: Option<Duration>,
}

impl Desk {
    pub fn new(actor: usize, person: &Person, door: Door, rooms: &[Id], window: usize, home: usize) -> Self {
        let who = format!("{} (actor {actor}, {door:?})", person.name);
        let views = rooms.iter().map(|room| (*room, View::new(&who, *room))).collect();
        Self {
            who,
            person: person.clone(),
            door,
            views,
            outboxes: rooms.iter().map(|room| (*room, Outbox::new(window))).collect(),
            open: BTreeSet::new(),
            asked: BTreeMap::new(),
            asked_at: BTreeMap::new(),
            claim: Claim::Honest,
            list: BTreeMap::new(),
            fresh: BTreeSet::new(),
            reload: false,
            loaded: false,
            version: None,
            epoch: String::new(),
            connected: false,
            away: false,
            home,
            node: home,
            refusals: 0,
            since: BTreeMap::new(),
            farthest: BTreeMap::new(),
            stay_away: None,
        }
    }

    /// Begins a new connection and answers its path. A first visit to a room asks for everything, or for what is new only.
    pub fn dials(&mut self, from_start: bool, claim: Claim) -> String {
        self.connected = false;
        self.refusals = 0;
        self.open.clear();
        self.asked.clear();
        self.asked_at.clear();
        self.outboxes.values_mut().for_each(Outbox::unsend);
        self.claim = claim;
        let epoch = if claim == Claim::OtherEpoch { OTHER_EPOCH } else { &self.epoch };
        match self.door {
            Door::Room(room) => {
                let beyond = (claim == Claim::Beyond).then_some(FAR_BEYOND);
                let after = beyond.or(self.views[&room].after()).or(from_start.then_some(0));
                self.asked.insert(room, after);
                let resume = after.map(|after| format!("&after={after}&epoch={epoch}")).unwrap_or_default();
                format!("/ws/chat/{room}/?v=1{resume}")
            }
            Door::Inbox => match &self.version {
                Some(version) => format!("/ws/inbox/?after={version}&epoch={epoch}"),
                None => "/ws/inbox/".into(),
            },
        }
    }

    /// Rooms that could not be opened, and may be asked for again.
    pub fn shut(&mut self, now: Instant) -> Vec<Value> {
        let long_ago = |at: &Instant| now.duration_since(*at) > OPEN_PATIENCE;
        let asked = self.asked_at.iter().filter(|(room, at)| !self.open.contains(*room) && long_ago(at));
        let rooms: Vec<Id> = asked.map(|(room, _)| *room).collect();
        rooms.into_iter().map(|room| self.opens_room(room)).collect()
    }

    /// Everything that waits to be sent now.
    pub fn due(&mut self, ledger: &Ledger, now: Instant) -> Vec<Value> {
        let Self { outboxes, open, door, node, .. } = self;
        let rooms = outboxes.iter_mut().filter(|(room, _)| open.contains(*room));
        let letters = rooms.flat_map(|(room, outbox)| outbox.due(now).into_iter().map(|letter| (*room, letter)));
        letters
            .map(|(room, (client_id, text))| {
                ledger.trips.leaves(&client_id, *node, now);
                addressed(*door, room, json!({"type": "chat_message", "message": text, "client_id": client_id}))
            })
            .collect()
    }

    /// What was written and is not acked.
    pub fn waiting(&self) -> usize {
        self.outboxes.values().map(Outbox::len).sum()
    }

    /// What is missing until all is calm.
    pub fn restless(&self) -> Option<String> {
        let waiting = self.waiting();
        let what = match self.door {
            _ if self.away => return None,
            _ if !self.connected => "is not connected".into(),
            _ if waiting > 0 => format!("waits for {waiting} acks"),
            _ if self.open.len() < self.views.len() => format!("has only {:?} open", self.open),
            Door::Inbox if self.reload || !self.loaded => "waits for the list".into(),
            _ => return None,
        };
        Some(format!("{} {what}", self.who))
    }

    pub fn is_overdue(&self, now: Instant) -> bool {
        self.outboxes.values().any(|outbox| outbox.is_overdue(now))
    }

    /// Takes a frame in; answers what has to be said to it.
    pub fn take(&mut self, ledger: &Ledger, frame: ServerFrame) -> Vec<Value> {
        let mine = if let Door::Room(room) = self.door { Some(room) } else { None };
        let side = self.person.role;
        match frame {
            ServerFrame::Ready(Ready::Room(ready)) => self.room_ready(ledger, &ready),
            ServerFrame::Ready(Ready::Inbox(ready)) => return self.inbox_ready(ledger, *ready),
            ServerFrame::RoomOpened { room_id, epoch, room, receipts, resume } => {
                ledger.epoch(&epoch);
                let asked = self.asked.get(&room_id).copied().flatten();
                self.view(ledger, room_id, |view| view.opens(ledger, &room, &receipts, resume, asked, false));
                self.opened(room_id);
            }
            ServerFrame::ChatMessage(message) => {
                self.shows(ledger, &message);
                self.view(ledger, message.room_id, |view| view.message(ledger, &message, side));
            }
            ServerFrame::RoomUpdated { room_id, seq, status, .. } => self.view(ledger, room_id, |view| view.status(ledger, seq, status)),
            ServerFrame::ReadReceipt { room_id, user_id, seq, .. } => {
                self.view(ledger, room_id, |view| view.receipt(ledger, user_id, seq, true));
            }
            ServerFrame::Delivered { room_id, user_id, seq, .. } => {
                self.view(ledger, room_id, |view| view.receipt(ledger, user_id, seq, false));
            }
            ServerFrame::Resumed { room_id, after, last_seq, resume } => {
                self.view(ledger, room_id, |view| view.resumed(ledger, after, last_seq, resume));
            }
            ServerFrame::Ack { client_id, id, room_id, seq, created_at, duplicate } => {
                let room = room_id.or(mine).unwrap_or_default();
                self.acked(ledger, &client_id, Acked { room, id, seq, created_at }, duplicate);
            }
            ServerFrame::Error { code, message, client_id, retryable, retry_after_ms, room_id } => {
                let wait = retry_after_ms.map_or(RETRY, Duration::from_millis);
                self.refused(ledger, code, &message, client_id.as_deref(), room_id, retryable.then_some(wait));
            }
            ServerFrame::Heartbeat { last_seq, version } => {
                if let (Some(room), Some(last_seq)) = (mine, last_seq) {
                    self.view(ledger, room, |view| view.heartbeat(ledger, last_seq));
                }
                self.version = version.or(self.version.take());
            }
            ServerFrame::RoomSummary { room, version } => {
                self.fresh.insert(room.id);
                self.list.insert(room.id, room);
                self.version = Some(version);
            }
            ServerFrame::Reconnect { after_ms } => self.stay_away = Some(Duration::from_millis(after_ms)),
            ServerFrame::Typing { .. }
            | ServerFrame::UserStatus { .. }
            | ServerFrame::SupportStatus { .. }
            | ServerFrame::TokenExpiring { .. }
            | ServerFrame::AuthOk { .. }
            | ServerFrame::Pong
            | ServerFrame::RoomClosed { .. } => {}
        }
        Vec::new()
    }

    fn view(&mut self, ledger: &Ledger, room: Id, change: impl FnOnce(&mut View)) {
        match self.views.get_mut(&room) {
            Some(view) => change(view),
            None => ledger.wrong(Wrong::Other, format!("{} heard of room {room}, which it does not follow", self.who)),
        }
    }

    fn room_ready(&mut self, ledger: &Ledger, ready: &RoomReady) {
        ledger.epoch(&ready.epoch);
        self.epoch.clone_from(&ready.epoch);
        let room = ready.room.id;
        let asked = self.asked.get(&room).copied().flatten();
        let other_epoch = self.claim == Claim::OtherEpoch;
        self.view(ledger, room, |view| view.opens(ledger, &ready.room, &ready.receipts, ready.resume, asked, other_epoch));
        self.opened(room);
        self.connected = true;
    }

    fn opened(&mut self, room: Id) {
        self.open.insert(room);
        self.since.insert(room, Instant::now());
    }

    /// What is shown again after a resume has arrived long ago.
    fn shows(&mut self, ledger: &Ledger, message: &Message) {
        let farthest = self.farthest.entry(message.room_id).or_default();
        if message.seq > *farthest
            && let (Some(client_id), Some(since)) = (&message.client_id, self.since.get(&message.room_id))
        {
            ledger.trips.arrives(client_id, self.node, *since);
        }
        *farthest = message.seq.max(*farthest);
    }

    fn inbox_ready(&mut self, ledger: &Ledger, ready: InboxReady) -> Vec<Value> {
        ledger.epoch(&ready.epoch);
        if self.claim == Claim::OtherEpoch && ready.resume == Resume::Complete {
            ledger.wrong(Wrong::Other, format!("{} resumed another epoch", self.who));
        }
        self.epoch = ready.epoch;
        self.version = Some(ready.version);
        self.connected = true;
        if ready.resume != Resume::Complete || !self.loaded {
            self.reload = true;
        }
        let rooms: Vec<Id> = self.views.keys().copied().collect();
        rooms.into_iter().map(|room| self.opens_room(room)).collect()
    }

    /// The frame that follows a room on the inbox.
    fn opens_room(&mut self, room: Id) -> Value {
        let after = self.views[&room].after();
        self.asked.insert(room, after);
        self.asked_at.insert(room, Instant::now());
        match after {
            Some(after) => json!({"type": "open_room", "room_id": room, "after": after, "epoch": self.epoch}),
            None => json!({"type": "open_room", "room_id": room}),
        }
    }

    /// The frame that asks for a room's events again, on the living connection.
    pub fn resumes(&self, room: Id) -> Value {
        addressed(self.door, room, json!({"type": "resume", "after": self.views[&room].head, "epoch": self.epoch}))
    }

    /// From now on what is told of a room is newer than the list that was asked for.
    pub fn asks_for_list(&mut self) {
        self.reload = false;
        self.fresh.clear();
    }

    pub fn takes_list(&mut self, rooms: Vec<Room>) {
        for room in rooms {
            if !self.fresh.contains(&room.id) {
                self.list.insert(room.id, room);
            }
        }
        self.loaded = true;
    }

    fn acked(&mut self, ledger: &Ledger, client_id: &str, acked: Acked, duplicate: bool) {
        if duplicate {
            count(&ledger.tally.repeats);
        }
        ledger.acked(client_id, acked);
        let Some(outbox) = self.outboxes.get_mut(&acked.room) else {
            return ledger.wrong(Wrong::Other, format!("{} got an ack in room {}", self.who, acked.room));
        };
        if let Err(what) = outbox.acked(client_id, acked.seq, acked.id) {
            ledger.wrong(Wrong::Reordered, format!("{}: {what}", self.who));
        }
    }

    /// Whatever may pass is tried again with the same `client_id`; nothing that this client says is wrong in itself.
    fn refused(
        &mut self,
        ledger: &Ledger,
        code: ErrorCode,
        message: &str,
        client_id: Option<&str>,
        room: Option<Id>,
        wait: Option<Duration>,
    ) {
        match code {
            ErrorCode::NotDurable => {
                self.refusals += 1;
                count(&ledger.tally.not_durable);
            }
            ErrorCode::RateLimited => {
                client_id.into_iter().for_each(|client_id| ledger.trips.turns_back(client_id));
                count(&ledger.tally.rate_limited);
            }
            ErrorCode::Unavailable => count(&ledger.tally.unavailable),
            _ => {}
        }
        match (client_id, wait) {
            (Some(client_id), Some(wait)) => self.outboxes.values_mut().for_each(|outbox| outbox.refused(client_id, wait)),
            (Some(client_id), None) => {
                self.outboxes.values_mut().for_each(|outbox| outbox.drop_letter(client_id));
                ledger.wrong(Wrong::Lost, format!("{}: {client_id} was refused for good in {room:?}: {code:?} {message}", self.who));
            }
            (None, Some(_)) => {}
            (None, None) => ledger.wrong(Wrong::Other, format!("{} was refused in {room:?}: {code:?} {message}", self.who)),
        }
    }
}

/// On the inbox every frame names its room.
pub fn addressed(door: Door, room: Id, mut frame: Value) -> Value {
    if door == Door::Inbox {
        frame["room_id"] = room.into();
    }
    frame
}
