//! What everybody in the play shares: the wire to speak over, the ledger, and how far the play has come.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use frontdesk_bench::http::Api;
use frontdesk_protocol::Id;
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::{sync::watch, time::timeout};

use super::{
    cast::{HALL, Person},
    ledger::Ledger,
    wire::Wire,
};

/// How long a call over HTTP may take before it is made again.
const CALL_PATIENCE: Duration = Duration::from_secs(8);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// People write, faults happen.
    Busy,
    /// Nobody begins anything new; what was begun is finished.
    Settling,
    /// Everybody leaves.
    Over,
}

#[derive(Clone, Debug)]
pub struct Stage {
    /// The way to each node; there is one if there is one server.
    pub wires: Vec<Arc<Wire>>,
    pub ledger: Arc<Ledger>,
    pub phase: watch::Receiver<Phase>,
    pub seed: u64,
    /// Who has gone away and does not come back for now.
    pub away: Arc<Mutex<BTreeSet<Id>>>,
}

impl Stage {
    pub fn is(&self, phase: Phase) -> bool {
        *self.phase.borrow() == phase
    }

    /// Dice of one actor's own, so that what it does depends on the seed alone and not on who comes first.
    pub fn dice(&self, actor: usize) -> StdRng {
        StdRng::seed_from_u64(self.seed ^ (actor as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// Where somebody goes after so many failures: home first, then to the next node.
    pub fn node(&self, home: usize, failures: usize) -> usize {
        (home + failures) % self.wires.len()
    }

    pub fn address(&self, node: usize) -> &str {
        &self.wires[node].address
    }

    pub fn api(&self, person: &Person, node: usize) -> Api {
        Api::new(self.address(node), &person.token, CALL_PATIENCE)
    }

    pub fn is_away(&self, person: Id) -> bool {
        self.away.lock().expect("nobody panics with the list in hand").contains(&person)
    }

    /// Waits, unless the phase changes before.
    pub async fn pause(&self, time: Duration) {
        let mut phase = self.phase.clone();
        let _ = timeout(time, phase.changed()).await;
    }
}

/// A `client_id`: some writers use UUIDs, which the server stores in another form than texts.
pub fn client_id(dice: &mut StdRng, actor: usize, number: usize) -> String {
    if actor.is_multiple_of(2) {
        uuid::Builder::from_random_bytes(dice.random()).into_uuid().to_string()
    } else {
        format!("actor-{actor}-{number}")
    }
}

/// A text that says whose it is; a few are long (in the hall many, so that who stops reading there falls behind), some hold more
/// than ASCII.
pub fn text(dice: &mut StdRng, actor: usize, number: usize, room: Id) -> String {
    let mut text = format!("{actor}/{number} in {room}");
    let long = if room == HALL { 0..20 } else { 0..1 };
    match dice.random_range(0..40) {
        kind if long.contains(&kind) => text.push_str(&" and so on".repeat(300)),
        1..6 => text.push_str(" — „schön“ 🙂\n\u{202e}\"\\"),
        _ => {}
    }
    text
}
