//! A careful client at work: connects, follows, writes, reads, types, loses its line, comes back. What it knows lies in its desk,
//! where the verdict finds it.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use anyhow::Result;
use frontdesk_bench::{
    http::Api,
    socket::{Heard, Socket},
};
use frontdesk_protocol::{Id, Room, body::RoomPage};
use rand::{Rng, rngs::StdRng, seq::IteratorRandom};
use serde_json::{Value, json};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep_until},
};

use super::{
    desk::{Claim, Desk, addressed},
    ledger::{Said, Wrong, count},
    stage::{self, Phase, Stage},
};

/// 1.5 times the heartbeat: who hears nothing for so long connects anew.
const SILENCE: Duration = Duration::from_millis(37_500);
/// Some go to another node when theirs has said so often that it cannot store.
const REFUSALS_MAX: usize = 3;
/// Nobody writes on while so much waits; a person would look at the screen.
const WAITING_MAX: usize = 20;
/// How often somebody who is away is asked whether to come back.
const LOOK_EVERY: Duration = Duration::from_millis(100);

pub struct Client {
    stage: Stage,
    desk: Arc<Mutex<Desk>>,
    actor: usize,
    dice: StdRng,
    written: usize,
    /// The mean time between two things done.
    pace_ms: u64,
}

enum End {
    /// The line broke, or was left without a goodbye.
    Broken,
    /// The tab was closed.
    Left,
}

impl Client {
    pub fn new(stage: &Stage, actor: usize, desk: Desk, pace_ms: u64) -> (Self, Arc<Mutex<Desk>>) {
        let desk = Arc::new(Mutex::new(desk));
        let client = Self { stage: stage.clone(), desk: Arc::clone(&desk), actor, dice: stage.dice(actor), written: 0, pace_ms };
        (client, desk)
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().expect("nobody panics at a desk")
    }

    pub async fn live(mut self) {
        let from_start = self.dice.random_bool(0.7);
        let mut failures = 0;
        while !self.stage.is(Phase::Over) {
            if self.stays_away() {
                self.stage.pause(LOOK_EVERY).await;
                continue;
            }
            let claim = match self.dice.random_range(0..60) {
                0 => Claim::Beyond,
                1 => Claim::OtherEpoch,
                _ => Claim::Honest,
            };
            let (path, token, node) = {
                let mut desk = self.desk();
                desk.node = self.stage.node(desk.home, failures);
                (desk.dials(from_start, claim), desk.person.token.clone(), desk.node)
            };
            let mut away = Duration::from_millis(self.dice.random_range(20..400));
            if let Ok(socket) = Socket::open(self.stage.address(node), &path, &token).await {
                count(&self.stage.ledger.tally.connects);
                if let End::Left = self.attend(socket).await {
                    away = Duration::from_millis(self.dice.random_range(200..3_000));
                }
            }
            let asked = {
                let mut desk = self.desk();
                // A node that was of no use is left for another.
                failures = if desk.connected && !self.is_fed_up(&desk) { 0 } else { failures + 1 };
                desk.connected = false;
                desk.stay_away.take()
            };
            self.stage.pause(away.max(asked.unwrap_or_default())).await;
        }
    }

    fn stays_away(&self) -> bool {
        let mut desk = self.desk();
        desk.away = self.stage.is_away(desk.person.id);
        desk.away
    }

    /// Half of them wait where they are, half try elsewhere.
    fn is_fed_up(&self, desk: &Desk) -> bool {
        self.actor.is_multiple_of(2) && self.stage.wires.len() > 1 && desk.refusals >= REFUSALS_MAX
    }

    /// One connection, from its first frame to its end.
    async fn attend(&mut self, mut socket: Socket) -> End {
        let mut heard_at = Instant::now();
        let mut next_act = self.next_act();
        let mut list: Option<oneshot::Receiver<Option<Vec<Room>>>> = None;
        let mut phase = self.stage.phase.clone();
        loop {
            let mut say = Vec::new();
            tokio::select! {
                heard = socket.next() => {
                    heard_at = Instant::now();
                    match heard {
                        Heard::Frame(frame) => say = self.desk().take(&self.stage.ledger, *frame),
                        Heard::Ping => {}
                        Heard::Closed(code) => return self.closed(code),
                        Heard::Nonsense(what) => self.stage.ledger.wrong(Wrong::Other, format!("{}: {what}", self.desk().who)),
                    }
                }
                () = sleep_until(next_act) => {
                    next_act = self.next_act();
                    if self.stage.is(Phase::Busy) {
                        match self.act() {
                            Act::Say(frames) => say = frames,
                            Act::Leave => { socket.leave().await; return End::Left }
                            Act::Vanish => return End::Broken,
                        }
                    }
                }
                rooms = async { match &mut list { Some(list) => list.await, None => std::future::pending().await } } => {
                    list = None;
                    match rooms {
                        Ok(Some(rooms)) => self.desk().takes_list(rooms),
                        _ => self.desk().reload = true,
                    }
                }
                _ = phase.changed() => if self.stage.is(Phase::Over) { socket.leave().await; return End::Left },
            }
            {
                let (mut desk, now) = (self.desk(), Instant::now());
                say.extend(desk.due(&self.stage.ledger, now));
                say.extend(desk.shut(now));
            }
            for frame in say {
                if socket.send(&frame).await.is_err() {
                    return End::Broken;
                }
            }
            if list.is_none() && self.desk().reload {
                list = Some(self.asks_for_list());
            }
            if heard_at.elapsed() > SILENCE || self.desk().is_overdue(Instant::now()) || self.is_fed_up(&self.desk()) {
                return End::Broken;
            }
        }
    }

    fn next_act(&mut self) -> Instant {
        Instant::now() + Duration::from_millis(self.dice.random_range(self.pace_ms / 4..self.pace_ms * 2))
    }

    /// Codes that mean "stop" are wrong for somebody who may be here.
    fn closed(&self, code: Option<u16>) -> End {
        if let Some(code @ (1_008 | 1_009 | 4_400..=4_407)) = code {
            self.stage.ledger.wrong(Wrong::Other, format!("{} was closed with {code}", self.desk().who));
        }
        End::Broken
    }

    fn asks_for_list(&self) -> oneshot::Receiver<Option<Vec<Room>>> {
        self.desk().asks_for_list();
        let (answer, list) = oneshot::channel();
        let api = {
            let desk = self.desk();
            self.stage.api(&desk.person, desk.node)
        };
        // Whoever asked may have lost the line meanwhile, and asks again on the next.
        tokio::spawn(async move { drop(answer.send(all_rooms(&api).await.ok())) });
        list
    }

    fn act(&mut self) -> Act {
        let Some(room) = self.desk.lock().expect("nobody panics at a desk").open.iter().copied().choose(&mut self.dice) else {
            return Act::Say(Vec::new());
        };
        let door = self.desk().door;
        let frame = match self.dice.random_range(0..100) {
            0..46 => return self.writes(room, 1),
            46..48 => return self.writes(room, 40),
            48..56 => json!({"type": "typing", "is_typing": self.dice.random_bool(0.7)}),
            56..90 => {
                let Some(message_id) = self.desk().views[&room].newest else { return Act::Say(Vec::new()) };
                let kind = if self.dice.random_bool(0.6) { "read_receipt" } else { "delivered" };
                json!({"type": kind, "message_id": message_id})
            }
            90..93 => return Act::Say(vec![self.desk().resumes(room)]),
            93..95 => return self.repeats(room),
            95..96 => json!({"type": "ping"}),
            96..98 => return Act::Leave,
            _ => return Act::Vanish,
        };
        Act::Say(vec![addressed(door, room, frame)])
    }

    fn writes(&mut self, room: Id, letters: usize) -> Act {
        if self.desk().waiting() < WAITING_MAX {
            for _ in 0..letters {
                self.written += 1;
                let client_id = stage::client_id(&mut self.dice, self.actor, self.written);
                let text = stage::text(&mut self.dice, self.actor, self.written, room);
                let sender = self.desk().person.id;
                self.stage.ledger.says(&client_id, Said { room, sender, text: text.clone() });
                self.desk().outboxes.get_mut(&room).expect("every view has an outbox").put(client_id, text);
            }
        }
        Act::Say(Vec::new())
    }

    /// Sends something again that was acked long ago, with another text: the first use stands.
    fn repeats(&mut self, room: Id) -> Act {
        let desk = self.desk();
        let Some((client_id, _)) = desk.outboxes[&room].done.front() else { return Act::Say(Vec::new()) };
        let frame = json!({"type": "chat_message", "message": "another text for a known id", "client_id": client_id});
        Act::Say(vec![addressed(desk.door, room, frame)])
    }
}

enum Act {
    Say(Vec<Value>),
    Leave,
    Vanish,
}

/// The whole list, page by page.
pub async fn all_rooms(api: &Api) -> Result<Vec<Room>> {
    let (mut rooms, mut cursor) = (Vec::new(), String::new());
    loop {
        let page: RoomPage = serde_json::from_value(api.read(&format!("/api/chat/rooms/?limit=200{cursor}")).await?)?;
        rooms.extend(page.results);
        match page.next {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(rooms),
        }
    }
}
