//! People who use HTTP: some post messages, some with files, some admins change the status of rooms. Each call is made again, with
//! the same `client_id`, until it is answered for good.

use std::time::Duration;

use anyhow::Result;
use frontdesk_bench::http::{Answer, Api};
use frontdesk_protocol::{Id, Message, Room};
use rand::{Rng, rngs::StdRng, seq::IndexedRandom};
use reqwest::multipart::{Form, Part};
use serde_json::json;
use tokio::time::Instant;

use super::{
    cast::Person,
    ledger::{Acked, Said, Wrong, count},
    stage::{self, Phase, Stage},
};

const FILE_BYTES_MAX: usize = 200_000;

pub struct Caller {
    stage: Stage,
    person: Person,
    rooms: Vec<Id>,
    api: Api,
    node: usize,
    work: Work,
    actor: usize,
    dice: StdRng,
    written: usize,
}

/// What somebody does over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    Posts,
    /// Resolves and reopens rooms.
    Resolves,
}

/// What became of a call.
enum Outcome {
    Done(Answer),
    /// It may be made again.
    Later(Duration),
}

impl Caller {
    pub fn new(stage: &Stage, actor: usize, person: &Person, rooms: &[Id], node: usize, work: Work) -> Self {
        let (api, dice) = (stage.api(person, node), stage.dice(actor));
        Self { stage: stage.clone(), person: person.clone(), rooms: rooms.to_vec(), api, node, work, actor, dice, written: 0 }
    }

    /// Until the play settles; what was begun is finished. It can be asked to go on later.
    pub async fn works(mut self) -> Self {
        match self.work {
            Work::Posts => self.posts().await,
            Work::Resolves => self.resolves().await,
        }
        self
    }

    async fn posts(&mut self) {
        while self.stage.is(Phase::Busy) {
            self.written += 1;
            let room = *self.rooms.choose(&mut self.dice).expect("everybody has a room");
            let client_id = stage::client_id(&mut self.dice, self.actor, self.written);
            let text = stage::text(&mut self.dice, self.actor, self.written, room);
            // Each node keeps files in a folder of its own.
            let file = (self.stage.wires.len() == 1 && self.dice.random_bool(0.3)).then(|| self.file());
            let said = Said { room, sender: self.person.id, text: text.clone() };
            self.stage.ledger.says(&client_id, said);
            self.stage.ledger.trips.leaves(&client_id, self.node, Instant::now());
            if let Some(file) = &file {
                self.stage.ledger.pages().files.insert(client_id.clone(), file.clone());
            }
            self.post(room, &client_id, &text, file.as_deref()).await;
            let pause = Duration::from_millis(self.dice.random_range(100..1_500));
            self.stage.pause(pause).await;
        }
    }

    fn file(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; self.dice.random_range(1..FILE_BYTES_MAX)];
        self.dice.fill(bytes.as_mut_slice());
        bytes
    }

    async fn post(&mut self, room: Id, client_id: &str, text: &str, file: Option<&[u8]>) {
        let path = format!("/api/chat/rooms/{room}/messages/");
        while !self.stage.is(Phase::Over) {
            let answer = match file {
                None => self.api.post(&path, &json!({"message": text, "client_id": client_id})).await,
                Some(bytes) => {
                    let part = Part::bytes(bytes.to_vec()).file_name("notes.bin");
                    let form = Form::new().text("message", text.to_owned()).text("client_id", client_id.to_owned()).part("file", part);
                    self.api.upload(&path, form).await
                }
            };
            match self.outcome(answer, &[200, 201]) {
                Some(Outcome::Done(answer)) => return self.stored(room, client_id, &answer),
                Some(Outcome::Later(wait)) => self.stage.pause(wait).await,
                None => return,
            }
        }
    }

    fn stored(&self, room: Id, client_id: &str, answer: &Answer) {
        let ledger = &self.stage.ledger;
        match serde_json::from_slice::<Message>(&answer.body) {
            Ok(message) if message.client_id.as_deref() == Some(client_id) && message.room_id == room => {
                if answer.status == 200 {
                    count(&ledger.tally.repeats);
                }
                ledger.acked(client_id, Acked { room, id: message.id, seq: message.seq, created_at: message.created_at });
                ledger.shown(&message);
            }
            other => ledger.wrong(Wrong::Other, format!("the answer to {client_id} in room {room} was {other:?}")),
        }
    }

    async fn resolves(&mut self) {
        while self.stage.is(Phase::Busy) {
            let room = *self.rooms.choose(&mut self.dice).expect("there are rooms");
            let status = if self.dice.random_bool(0.6) { "resolved" } else { "open" };
            let answer = self.api.patch(&format!("/api/chat/rooms/{room}/"), &json!({"status": status})).await;
            // A change that was not answered may have happened or not; somebody else would look and decide anew.
            if let Some(Outcome::Done(answer)) = self.outcome(answer, &[200])
                && let Ok(room) = serde_json::from_slice::<Room>(&answer.body)
            {
                self.stage.ledger.pages().head(room.id, room.last_seq);
            }
            let pause = Duration::from_millis(self.dice.random_range(100..1_200));
            self.stage.pause(pause).await;
        }
    }

    /// `None` if it was refused for good, which is wrong.
    fn outcome(&mut self, answer: Result<Answer>, good: &[u16]) -> Option<Outcome> {
        let Ok(answer) = answer else {
            // Nobody answers there; perhaps at the next node.
            self.node = self.stage.node(self.node, 1);
            self.api = self.stage.api(&self.person, self.node);
            return Some(Outcome::Later(Duration::from_millis(300)));
        };
        if good.contains(&answer.status) {
            return Some(Outcome::Done(answer));
        }
        if matches!(answer.status, 429 | 503) {
            let tally = &self.stage.ledger.tally;
            let body = String::from_utf8_lossy(&answer.body);
            count(if body.contains("not_durable") {
                &tally.not_durable
            } else if answer.status == 429 {
                &tally.rate_limited
            } else {
                &tally.unavailable
            });
            return Some(Outcome::Later(answer.retry_after.unwrap_or(Duration::from_millis(300))));
        }
        let what = format!("{} got {} {}", self.person.name, answer.status, String::from_utf8_lossy(&answer.body));
        self.stage.ledger.wrong(Wrong::Other, what);
        None
    }
}
