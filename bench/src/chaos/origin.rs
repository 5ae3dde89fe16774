//! A client of old: no `v=1`, no `client_id`, no epoch. What it says may be lost only if its line died before the echo; it must
//! never be doubled, and must stand in the order in which it was said.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use frontdesk_bench::socket::{Heard, Socket};
use frontdesk_protocol::{Id, Message, Seq, ServerFrame};
use rand::{Rng, rngs::StdRng};
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use super::{
    cast::Person,
    ledger::{Wrong, count},
    stage::{Phase, Stage},
};

/// An echo comes with the commit, and a commit that takes longer is told by an error and the end of the line.
const ECHO_PATIENCE: Duration = Duration::from_secs(20);
/// How often somebody who is away is asked whether to come back.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What one origin client has seen, for the verdict.
#[derive(Debug)]
pub struct OriginSight {
    pub who: String,
    pub person: Id,
    pub room: Id,
    pub mark: String,
    /// The seqs of messages of each connection, in the order in which they came.
    pub runs: Vec<Vec<Seq>>,
    pub connected: bool,
    pub away: bool,
    pub home: usize,
    pub node: usize,
    /// Said, but not echoed on the living connection.
    pub waiting: Vec<(String, Instant)>,
}

impl OriginSight {
    /// What is missing until all is calm.
    pub fn restless(&self) -> Option<String> {
        if self.away {
            return None;
        }
        (!self.connected || !self.waiting.is_empty())
            .then(|| format!("{} waits for {} echoes, connected: {}", self.who, self.waiting.len(), self.connected))
    }
}

pub struct Origin {
    stage: Stage,
    sight: Arc<Mutex<OriginSight>>,
    token: String,
    dice: StdRng,
    said: usize,
}

impl Origin {
    pub fn new(stage: &Stage, actor: usize, person: &Person, room: Id, home: usize) -> (Self, Arc<Mutex<OriginSight>>) {
        let sight = OriginSight {
            who: format!("{} (actor {actor}, origin)", person.name),
            person: person.id,
            room,
            mark: format!("origin-{actor}-"),
            runs: Vec::new(),
            connected: false,
            away: false,
            home,
            node: home,
            waiting: Vec::new(),
        };
        let sight = Arc::new(Mutex::new(sight));
        let origin =
            Self { stage: stage.clone(), sight: Arc::clone(&sight), token: person.token.clone(), dice: stage.dice(actor), said: 0 };
        (origin, sight)
    }

    fn sight(&self) -> std::sync::MutexGuard<'_, OriginSight> {
        self.sight.lock().expect("nobody panics with the sight in hand")
    }

    pub async fn live(mut self) {
        let path = format!("/ws/chat/{}/", self.sight().room);
        let mut failures = 0;
        while !self.stage.is(Phase::Over) {
            let node = {
                let mut sight = self.sight();
                sight.away = self.stage.is_away(sight.person);
                sight.node = self.stage.node(sight.home, failures);
                (!sight.away).then_some(sight.node)
            };
            let Some(node) = node else {
                self.stage.pause(LOOK_EVERY).await;
                continue;
            };
            failures += 1;
            if let Ok(socket) = Socket::open(self.stage.address(node), &path, &self.token).await {
                failures = 0;
                count(&self.stage.ledger.tally.connects);
                {
                    let mut sight = self.sight();
                    sight.connected = true;
                    sight.runs.push(Vec::new());
                }
                self.attend(socket).await;
                let mut sight = self.sight();
                sight.connected = false;
                for _ in sight.waiting.drain(..) {
                    count(&self.stage.ledger.tally.origin_lost);
                }
            }
            let pause = Duration::from_millis(self.dice.random_range(50..600));
            self.stage.pause(pause).await;
        }
    }

    async fn attend(&mut self, mut socket: Socket) {
        let mut phase = self.stage.phase.clone();
        let mut next = self.next_act();
        loop {
            tokio::select! {
                heard = socket.next() => match heard {
                    Heard::Frame(frame) => self.take(*frame),
                    Heard::Ping => {}
                    Heard::Closed(_) => return,
                    Heard::Nonsense(what) => self.stage.ledger.wrong(Wrong::Other, format!("{}: {what}", self.sight().who)),
                },
                () = sleep_until(next) => {
                    next = self.next_act();
                    let frame = if self.dice.random_bool(0.7) { self.speak() } else { json!({"type": "typing", "is_typing": true}) };
                    if self.stage.is(Phase::Busy) && socket.send(&frame).await.is_err() {
                        return;
                    }
                }
                _ = phase.changed() => if self.stage.is(Phase::Over) { return socket.leave().await },
            }
            // A line that is silent for so long is given up by people, too.
            if self.sight().waiting.first().is_some_and(|(_, at)| at.elapsed() > ECHO_PATIENCE) {
                return;
            }
        }
    }

    fn next_act(&mut self) -> Instant {
        Instant::now() + Duration::from_millis(self.dice.random_range(150..1_500))
    }

    fn speak(&mut self) -> serde_json::Value {
        if !self.stage.is(Phase::Busy) {
            return json!({"type": "typing", "is_typing": false});
        }
        self.said += 1;
        let mut sight = self.sight.lock().expect("nobody panics with the sight in hand");
        let text = format!("{}{}-{}", sight.mark, sight.node, self.said);
        sight.waiting.push((text.clone(), Instant::now()));
        count(&self.stage.ledger.tally.origin_said);
        json!({"type": "chat_message", "message": text})
    }

    fn take(&self, frame: ServerFrame) {
        let ledger = &self.stage.ledger;
        match frame {
            ServerFrame::ChatMessage(message) => self.sees(&message),
            ServerFrame::Typing { .. } | ServerFrame::ReadReceipt { .. } | ServerFrame::UserStatus { .. } | ServerFrame::Error { .. } => {}
            other => ledger.wrong(Wrong::Other, format!("an origin connection heard {other:?}")),
        }
    }

    fn sees(&self, message: &Message) {
        let ledger = &self.stage.ledger;
        ledger.shown(message);
        let mut sight = self.sight();
        let run = sight.runs.last_mut().expect("a connection begins a run");
        let before = run.last().copied().unwrap_or_default();
        if message.seq <= before {
            let kind = if run.contains(&message.seq) { Wrong::Doubled } else { Wrong::Reordered };
            ledger.wrong(kind, format!("{} in room {}: after seq {before} came {}", sight.who, sight.room, message.seq));
            return;
        }
        run.push(message.seq);
        sight.waiting.retain(|(text, _)| *text != message.message);
    }
}
