//! What the server has, asked from outside when all is calm: by `frontdesk export`, which reads the disk, and over HTTP, which is
//! what people get. The two must say the same.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use frontdesk_bench::{http::Api, process::Setup};
use frontdesk_protocol::{Id, Message, Role, RoomStatus, Seq, body::MessagePage};
use serde_json::Value;

use super::{
    ledger::{Ledger, Shown, Wrong},
    view::Seen,
};

/// One room.
#[derive(Debug, Default)]
pub struct RoomTruth {
    pub messages: BTreeMap<Seq, Message>,
    pub events: BTreeMap<Seq, Seen>,
    /// (read, delivered) by person.
    pub receipts: BTreeMap<Id, (Seq, Seq)>,
}

impl RoomTruth {
    pub fn head(&self) -> Seq {
        self.events.last_key_value().map_or(0, |(seq, _)| *seq)
    }

    pub fn status(&self) -> RoomStatus {
        let mut status = RoomStatus::Open;
        for (seq, event) in &self.events {
            match event {
                Seen::Status(set) => status = *set,
                Seen::Message(_) if self.messages[seq].sender.role == Role::User => status = RoomStatus::Open,
                Seen::Message(_) => {}
            }
        }
        status
    }

    /// Messages of a side past a seq.
    pub fn past(&self, seq: Seq, side: Role) -> i64 {
        let past = self.messages.range(seq + 1..).filter(|(_, message)| message.sender.role == side).count();
        i64::try_from(past).expect("fewer than 2^63")
    }
}

pub type Truth = BTreeMap<Id, RoomTruth>;

/// Reads everything, and writes into the ledger where disk and door differ.
pub async fn learn(setup: &Setup, api: &Api, rooms: &[Id], ledger: &Ledger) -> Result<Truth> {
    let mut truth = Truth::new();
    for room in rooms {
        let messages = history(api, *room, ledger).await?;
        let events = messages.iter().map(|(seq, message)| (*seq, Seen::Message(Shown::of(message)))).collect();
        truth.insert(*room, RoomTruth { messages, events, receipts: BTreeMap::new() });
    }
    let export = String::from_utf8(setup.tool(&["export"], "").await?)?;
    let mut exported = 0;
    for line in export.lines() {
        let record: Value = serde_json::from_str(line)?;
        match record["type"].as_str() {
            Some("event") => take_event(&mut truth, &record, ledger)?,
            Some("message") => {
                exported += 1;
                compare(&truth, &record, ledger);
            }
            _ => {}
        }
    }
    let served: usize = truth.values().map(|room| room.messages.len()).sum();
    if served != exported {
        ledger.wrong(Wrong::Lost, format!("{exported} messages are on disk, {served} are served"));
    }
    Ok(truth)
}

fn take_event(truth: &mut Truth, record: &Value, ledger: &Ledger) -> Result<()> {
    let (room, seq) = (record["room_id"].as_i64().context("a room")?, record["seq"].as_i64().context("a seq")?);
    let status = serde_json::from_value(record["status"].clone())?;
    if truth.entry(room).or_default().events.insert(seq, Seen::Status(status)).is_some() {
        ledger.wrong(Wrong::Doubled, format!("room {room} has two events at seq {seq}"));
    }
    Ok(())
}

fn compare(truth: &Truth, record: &Value, ledger: &Ledger) {
    let place = (record["room_id"].as_i64().unwrap_or_default(), record["seq"].as_i64().unwrap_or_default());
    let served = truth.get(&place.0).and_then(|room| room.messages.get(&place.1));
    let same = served.is_some_and(|message| record["id"] == message.id && record["message"] == message.message.as_str());
    if !same {
        ledger.wrong(Wrong::Lost, format!("at {place:?} the disk has {record}, people get {served:?}"));
    }
}

async fn history(api: &Api, room: Id, ledger: &Ledger) -> Result<BTreeMap<Seq, Message>> {
    let (mut messages, mut after) = (BTreeMap::new(), 0);
    loop {
        let page = api.read(&format!("/api/chat/rooms/{room}/messages/?after={after}&limit=200")).await?;
        let page: MessagePage = serde_json::from_value(page).context("a page of messages")?;
        for message in page.results {
            if let Some(other) = messages.insert(message.seq, message) {
                ledger.wrong(Wrong::Doubled, format!("message {} of room {room} stands on two pages", other.id));
            }
        }
        match page.next {
            Some(next) => after = next,
            None => return Ok(messages),
        }
    }
}
