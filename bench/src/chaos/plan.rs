//! The plan of faults, drawn from the seed before anything begins: what happens to the server and its disk, in which order, after
//! how long. Faults on the wire happen all the while, from dice of their own.

use std::time::Duration;

use frontdesk_bench::{disk::Mode, power::Cut};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};

/// Something that happens to the server.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// SIGKILL, and a new server after a while.
    Kill { down: Duration },
    /// SIGTERM; it must leave well. A new server comes after a while.
    Drain { down: Duration },
    /// SIGSTOP, and SIGCONT after a while.
    Stop { lasts: Duration },
    /// The disk fails for a while; a kill may come in the middle.
    Disk { mode: Mode, slow_ms: u32, lasts: Duration, killed: bool },
    /// SIGKILL, and everything that was not synced is gone.
    Power { cut: Cut, killed_before: bool },
    /// A reader of everything, beside the server.
    Export,
    /// A backup, and a look whether it is whole, beside the server.
    Backup,
    /// The command line writes, beside the server.
    Write,
}

impl Fault {
    /// Whether another server must come after it.
    pub fn ends_server(self) -> bool {
        matches!(self, Self::Kill { .. } | Self::Drain { .. } | Self::Power { .. } | Self::Disk { killed: true, .. })
    }
}

/// A fault and how long to wait before it.
pub type Step = (Duration, Fault);

fn millis(dice: &mut StdRng, from: u64, to: u64) -> Duration {
    Duration::from_millis(dice.random_range(from..to))
}

/// Draws faults for so long a time, not counting what they last themselves; whoever follows the plan stops when the time is over.
pub fn draw(seed: u64, time: Duration) -> Vec<Step> {
    let mut dice = StdRng::seed_from_u64(seed);
    let (mut steps, mut planned) = (Vec::new(), Duration::ZERO);
    let mut deck = Vec::new();
    while planned < time {
        let wait = millis(&mut dice, 50, 1_500);
        planned += wait;
        if deck.is_empty() {
            deck = DECK.to_vec();
            deck.shuffle(&mut dice);
        }
        let card = deck.pop().expect("it was filled a moment ago");
        steps.push((wait, fault(card, &mut dice)));
    }
    steps
}

/// What may be drawn. Cards, not dice, so that a short run has something of everything.
#[derive(Clone, Copy, Debug)]
enum Card {
    Kill,
    Drain,
    Stop,
    Disk(Mode),
    Power(Cut, bool),
    Export,
    Backup,
    Write,
}

const DECK: [Card; 18] = [
    Card::Kill,
    Card::Kill,
    Card::Kill,
    Card::Kill,
    Card::Drain,
    Card::Stop,
    Card::Disk(Mode::Full),
    Card::Disk(Mode::WriteFails),
    Card::Disk(Mode::SyncFails),
    Card::Disk(Mode::SyncSlow),
    Card::Power(Cut::All, false),
    Card::Power(Cut::All, true),
    Card::Power(Cut::Some, false),
    Card::Power(Cut::Some, true),
    Card::Power(Cut::Torn, false),
    Card::Export,
    Card::Backup,
    Card::Write,
];

fn fault(card: Card, dice: &mut StdRng) -> Fault {
    // Half of the time the server is back at once.
    let down = if dice.random_bool(0.5) { Duration::ZERO } else { millis(dice, 100, 3_000) };
    match card {
        Card::Kill => Fault::Kill { down },
        Card::Drain => Fault::Drain { down },
        Card::Stop => Fault::Stop { lasts: millis(dice, 200, 5_000) },
        Card::Disk(mode) => disk(mode, dice),
        Card::Power(cut, killed_before) => Fault::Power { cut, killed_before },
        Card::Export => Fault::Export,
        Card::Backup => Fault::Backup,
        Card::Write => Fault::Write,
    }
}

fn disk(mode: Mode, dice: &mut StdRng) -> Fault {
    let killed = dice.random_bool(0.3);
    // A server that starts on the slowest disk would be all that is seen of the run.
    let slow_ms = if killed { 300 } else { [100, 700, 6_000][dice.random_range(0..3)] };
    Fault::Disk { mode, slow_ms, lasts: millis(dice, 300, 4_000), killed }
}
