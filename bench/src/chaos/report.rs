//! One readable table, the four zeros last.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::{
    director::FaultCounts,
    ledger::{Ledger, Pages, Wrong},
    play::Facts,
    wire::WireCounts,
};

/// Longest line about a broken promise.
const TOLD_CHARS_MAX: usize = 600;

pub fn table(ledger: &Ledger, facts: &Facts, faults: &FaultCounts, wire: &WireCounts) -> String {
    let (pages, tally) = (ledger.pages(), &ledger.tally);
    let get = |counter: &AtomicU64| counter.load(Relaxed);
    let tasks = |held: Option<usize>| held.map_or("-".into(), |tasks| tasks.to_string());
    let rows: Vec<(&str, String)> = vec![
        ("people", format!("{} on {} clients, {} connections in all", facts.people, facts.clients, get(&tally.connects))),
        ("sent", format!("{} with a client_id, {} by origin clients, {} files", pages.said.len(), get(&tally.origin_said), facts.files)),
        ("acked", format!("{}, {} of them as repeats", pages.acked.len(), get(&tally.repeats))),
        ("delivered", format!("{} times a message was shown", get(&tally.delivered))),
        (
            "not now",
            format!(
                "{} not_durable, {} rate_limited, {} unavailable; all sent again",
                get(&tally.not_durable),
                get(&tally.rate_limited),
                get(&tally.unavailable)
            ),
        ),
        (
            "server",
            format!(
                "{} kills, {} drains, {} stops, {} starts, {} tools beside it",
                faults.kills, faults.drains, faults.stops, faults.starts, faults.tools
            ),
        ),
        ("power", format!("{} cuts, {} changes undone that were not durable", faults.power_cuts, faults.undone)),
        ("disk", format!("{} faults, hit {} times", faults.disk, facts.disk_hits)),
        (
            "wire",
            format!(
                "{} cuts, {} half-closed, {} held back, {} delayed, {} sliced",
                get(&wire.cuts),
                get(&wire.half_closed),
                get(&wire.holes),
                get(&wire.slow),
                get(&wire.sliced)
            ),
        ),
        ("resumed", format!("{} complete, {} resets", get(&tally.resumes), get(&tally.resets))),
        ("origin", format!("{} texts died with their line before the echo, as they may", get(&tally.origin_lost))),
        ("calm", format!("{:.1} s after the last fault", facts.calm_after.as_secs_f32())),
        (
            "given back",
            format!(
                "descriptors {} → {}, tasks {} → {}, memory {} → {} KiB",
                facts.before.descriptors,
                facts.after.descriptors,
                tasks(facts.before.tasks),
                tasks(facts.after.tasks),
                facts.before.memory_kib,
                facts.after.memory_kib
            ),
        ),
    ];
    let mut text: String = rows.iter().map(|(name, value)| format!("  {name:<11} {value}\n")).collect();
    text.push_str(&format!("\n  {}\n", zeros(&pages)));
    if pages.count_of(Wrong::Other) > 0 {
        text.push_str(&format!("  other promises broken {}\n", pages.count_of(Wrong::Other)));
    }
    text.push_str(&told(&pages));
    text
}

/// The four zeros.
pub fn zeros(pages: &Pages) -> String {
    let zeros =
        [("lost", Wrong::Lost), ("doubled", Wrong::Doubled), ("reordered", Wrong::Reordered), ("shown but not stored", Wrong::Phantom)];
    zeros.map(|(name, kind)| format!("{name} {}", pages.count_of(kind))).join("   ")
}

/// What was broken, in words.
pub fn told(pages: &Pages) -> String {
    pages.told.iter().map(|told| format!("  - {}\n", told.chars().take(TOLD_CHARS_MAX).collect::<String>())).collect()
}
