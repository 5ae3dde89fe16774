//! Whatever people do in a room, in whatever order: in the end all who were there agree with the server.

use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use crate::fixture::*;

const STEPS: usize = 250;

/// A room full of people who come, go, come back, write, repeat themselves, read, resolve and reopen.
struct Party {
    house: House,
    dice: StdRng,
    tabs: Vec<(Person, Tab)>,
    /// Who left, and the last seq that they had seen.
    left: Vec<(Person, i64)>,
    epoch: String,
}

impl Party {
    async fn begins(seed: u64) -> Self {
        let house = House::opens().await;
        let first = house.enters(ADA, GRACE.room).await;
        let epoch = first.ready["epoch"].as_str().expect("an epoch").to_owned();
        Self { house, dice: StdRng::seed_from_u64(seed), tabs: vec![(ADA, first)], left: Vec::new(), epoch }
    }

    async fn step(&mut self) {
        match self.dice.random_range(0..100) {
            0..8 => self.somebody_comes().await,
            8..14 => self.somebody_leaves().await,
            14..20 => self.somebody_comes_back().await,
            20..70 => self.somebody_writes().await,
            70..85 => self.somebody_reads().await,
            85..92 => self.somebody_posts().await,
            _ => self.an_admin_changes_the_status().await,
        }
    }

    fn anybody(&mut self) -> Option<&mut (Person, Tab)> {
        let count = self.tabs.len();
        let index = self.dice.random_range(0..count.max(1));
        self.tabs.get_mut(index)
    }

    async fn somebody_comes(&mut self) {
        let who = *[ADA, ALAN, GRACE].choose(&mut self.dice).expect("three people");
        if self.tabs.len() < 12 {
            self.tabs.push((who, self.house.enters(who, GRACE.room).await));
        }
    }

    async fn somebody_leaves(&mut self) {
        if self.tabs.is_empty() {
            return;
        }
        let index = self.dice.random_range(0..self.tabs.len());
        let (who, mut tab) = self.tabs.swap_remove(index);
        let base = tab.ready["room"]["last_seq"].as_i64().expect("a seq");
        let seen = tab.seqs().last().copied().unwrap_or(if tab.ready["resume"] == "complete" { 0 } else { base });
        if self.dice.random_bool(0.5) {
            tab.leaves().await;
        }
        self.left.push((who, seen));
    }

    async fn somebody_comes_back(&mut self) {
        if let Some((who, seen)) = self.left.pop() {
            self.tabs.push((who, self.house.resumes(who, GRACE.room, seen, &self.epoch).await));
        }
    }

    /// Ids come from a small pool, so that many are repeats.
    async fn somebody_writes(&mut self) {
        let number = self.dice.random_range(0..120);
        if let Some((who, tab)) = self.anybody() {
            let id = format!("{}-{number}", who.name);
            tab.send(json!({"type": "chat_message", "message": format!("message {id}"), "client_id": id})).await;
        }
    }

    async fn somebody_reads(&mut self) {
        let kind = if self.dice.random_bool(0.6) { "read_receipt" } else { "delivered" };
        let dice = self.dice.random_range(0..1_000);
        if let Some((_, tab)) = self.anybody() {
            let seen = tab.seen("chat_message");
            if let Some(message) = seen.get(dice % seen.len().max(1)) {
                tab.send(json!({"type": kind, "message_id": message["id"]})).await;
            }
        }
    }

    async fn somebody_posts(&mut self) {
        let id = format!("Grace-{}", self.dice.random_range(0..120));
        let path = format!("/api/chat/rooms/{}/messages/", GRACE.room);
        self.house.api(GRACE).post(&path, json!({"message": format!("message {id}"), "client_id": id})).await.done();
    }

    async fn an_admin_changes_the_status(&mut self) {
        let status = if self.dice.random_bool(0.5) { "resolved" } else { "open" };
        self.house.api(ALAN).patch(&format!("/api/chat/rooms/{}/", GRACE.room), json!({"status": status})).await.ok();
    }
}

#[tokio::test]
async fn whatever_people_do_all_agree_in_the_end() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(rand::random);
    println!("SEED={seed}");
    let mut party = Party::begins(seed).await;
    for _ in 0..STEPS {
        party.step().await;
    }
    let stored = fold::history(GRACE.room, &party.house.api(ADA)).await;
    let texts = stored.values().map(|message| message["message"].to_string());
    let distinct = texts.collect::<std::collections::BTreeSet<_>>().len();
    assert_eq!(stored.len(), distinct, "each client_id is stored once");
    party.house.closes().await;
}
