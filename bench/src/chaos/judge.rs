//! What is asked from outside when all is calm, of one server or of each of several nodes, and compared with what everybody knows.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::Result;
use frontdesk_bench::{http::Api, process::Setup};
use frontdesk_protocol::Id;
use futures_util::future::try_join_all;
use tokio::time::{Instant, sleep};

use super::{
    cast::Cast,
    client,
    desk::{Desk, Door},
    ledger::{Ledger, Wrong},
    observer::{Look, PRESENCE_WITHIN},
    troupe::Troupe,
    truth::{self, Truth},
    verdict,
};

/// How long what was begun may take to come to its end once all faults are over.
pub const CALM_WITHIN: Duration = Duration::from_secs(90);
const CALL_PATIENCE: Duration = Duration::from_secs(20);

pub struct Judge<'a> {
    pub cast: &'a Cast,
    pub ledger: &'a Ledger,
    /// Reads the disk, or the database, past the servers.
    pub tools: &'a Setup,
    /// Where the servers listen themselves.
    pub addresses: Vec<String>,
    /// Which room is looked into at which node changes with it.
    pub turn: usize,
    /// Receipts and summaries follow messages by so long at most.
    pub hints_within: Duration,
}

impl Judge<'_> {
    /// Calls past the wire.
    pub fn observer(&self, address: &str) -> Api {
        Api::new(address, &self.cast.observers[0].token, CALL_PATIENCE)
    }

    /// Everybody is connected and everything said is acked; then everything that was acked has reached everybody.
    pub async fn calm(&self, troupe: &Troupe) -> Result<()> {
        let until = Instant::now() + CALM_WITHIN;
        while let Some(who) = troupe.restless() {
            if Instant::now() > until {
                self.ledger.wrong(Wrong::Lost, format!("not calm {} s after the last fault: {who}", CALM_WITHIN.as_secs()));
                break;
            }
            sleep(Duration::from_millis(50)).await;
        }
        let (observer, until) = (self.observer(&self.addresses[0]), Instant::now() + PRESENCE_WITHIN);
        while Instant::now() < until {
            let heads: BTreeMap<Id, i64> = client::all_rooms(&observer).await?.into_iter().map(|room| (room.id, room.last_seq)).collect();
            if troupe.has_seen(&heads) {
                break;
            }
            sleep(Duration::from_millis(100)).await;
        }
        sleep(self.hints_within).await;
        Ok(())
    }

    /// A newcomer's look into every room, at one node or another.
    pub async fn look(&self) -> Result<Vec<Look>> {
        let mut looks = Vec::new();
        for (index, (room, observer)) in self.cast.looks().enumerate() {
            let address = &self.addresses[(index + self.turn) % self.addresses.len()];
            looks.push(Look::into(address, observer, room).await?);
        }
        Ok(looks)
    }

    /// Everything but who is there. Answers how many files there are.
    pub async fn judge(&self, troupe: &Troupe, looks: &[Look]) -> Result<usize> {
        let (observer, ledger) = (self.observer(&self.addresses[self.turn % self.addresses.len()]), self.ledger);
        let mut truth = truth::learn(self.tools, &observer, &self.cast.rooms, ledger).await?;
        for look in looks {
            truth.entry(look.ready.room.id).or_default().receipts = super::view::watermarks(&look.ready.receipts);
        }
        verdict::seqs(&truth, ledger);
        verdict::acks(&truth, ledger);
        verdict::shown(&truth, ledger);
        verdict::receipts(&truth, ledger);
        troupe.compared(&truth, ledger);
        for address in &self.addresses {
            self.counts(troupe, address, &truth).await?;
        }
        verdict::files(&observer, &truth, ledger).await
    }

    async fn counts(&self, troupe: &Troupe, address: &str, truth: &Truth) -> Result<()> {
        let observer = self.observer(address);
        let rooms = client::all_rooms(&observer).await?;
        {
            let desks: Vec<_> = troupe.desks.iter().map(|desk| desk.lock().expect("nobody panics at a desk")).collect();
            let inboxes: Vec<&Desk> = desks.iter().map(|desk| &**desk).filter(|desk| desk.door == Door::Inbox).collect();
            verdict::lists(truth, &rooms, &inboxes, self.ledger);
        }
        verdict::summary(&observer, truth, &rooms, self.ledger).await?;
        let users = self.cast.users.iter().map(|user| async move {
            let api = Api::new(address, &user.token, CALL_PATIENCE);
            verdict::own_counts(&api, user.id, truth, self.ledger).await
        });
        try_join_all(users).await.map(drop)
    }

    /// Those who are connected count as online, and nobody else: in the rooms that are looked into, and in the list of each server.
    pub async fn presence(&self, troupe: &Troupe, looks: &mut [Look], until: Instant) -> Result<()> {
        for look in looks {
            look.sees(&troupe.people_in(look.ready.room.id), until, self.ledger).await;
        }
        for address in &self.addresses {
            let observer = self.observer(address);
            loop {
                let rooms = client::all_rooms(&observer).await?;
                let online = |people: BTreeSet<Id>, user: Id| people.contains(&user);
                let wrong = rooms.iter().find(|room| room.online != online(troupe.people_in(room.id), room.user.id));
                let Some(room) = wrong else { break };
                if Instant::now() > until {
                    let what = format!("the list says of user {} in room {}: online {}", room.user.id, room.id, room.online);
                    self.ledger.wrong(Wrong::Other, what);
                    break;
                }
                sleep(Duration::from_millis(100)).await;
            }
        }
        Ok(())
    }
}

/// They say goodbye.
pub async fn end(looks: Vec<Look>) {
    for look in looks {
        look.ends().await;
    }
}
