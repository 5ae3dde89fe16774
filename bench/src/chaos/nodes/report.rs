//! One table of what happened and how long messages travelled meanwhile; then each promise, kept or broken.

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use super::{GRACE, Noted, Wish, scene::Scene};
use crate::{
    ledger::{Ledger, Wrong},
    observer::PRESENCE_WITHIN,
    report::{told, zeros},
    trips::Travelled,
};

/// What is promised in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For 99 of 100 messages while Redis is gone, from leaving a client until a client of another node shows it.
    pub delivery: Duration,
    /// Until a node says that its Redis is wedged.
    pub felt: Duration,
    /// By what both may be multiplied on a machine that is busy with other things.
    pub slack: f64,
}

impl Limits {
    pub fn of(slack: f64) -> Self {
        Self { delivery: Duration::from_secs(2), felt: Duration::from_secs(5), slack }
    }
}

struct Verdict {
    kept: bool,
    what: String,
}

/// What is printed.
pub struct Report {
    pub text: String,
    pub kept: bool,
    verdicts: Vec<Verdict>,
}

impl Report {
    pub fn of(mut travelled: BTreeMap<Scene, Travelled>, noted: &BTreeMap<Scene, Noted>, ledger: &Ledger, wish: &Wish) -> Self {
        travelled.values_mut().for_each(|each| each.times.sort_unstable());
        let verdicts = judge(&travelled, noted, ledger, wish);
        let kept = verdicts.iter().all(|verdict| verdict.kept);
        let mut text = table(&travelled, noted, wish);
        text.push('\n');
        for verdict in &verdicts {
            let _ = writeln!(text, "  {}  {}", if verdict.kept { "kept  " } else { "BROKEN" }, verdict.what);
        }
        text.push_str(&told(&ledger.pages()));
        Self { text, kept, verdicts }
    }

    /// Whether a verdict that begins with these words is that the promise was broken.
    pub fn failed(&self, what: &str) -> bool {
        self.verdicts.iter().any(|verdict| !verdict.kept && verdict.what.starts_with(what))
    }
}

fn table(travelled: &BTreeMap<Scene, Travelled>, noted: &BTreeMap<Scene, Noted>, wish: &Wish) -> String {
    let redis = if wish.with_redis { "PostgreSQL and Redis" } else { "PostgreSQL, without Redis" };
    let mut text = format!("  {} nodes on {redis}; {}\n\n", wish.nodes, machine());
    let _ = writeln!(text, "  {:<32}times    sent   shown     p50     p99     max  noticed    calm  broken", "what happened");
    for (scene, travelled) in travelled {
        let noted = noted.get(scene).cloned().unwrap_or_default();
        let seconds = |time: Option<Duration>| time.map_or("-".into(), |time| format!("{:.2} s", time.as_secs_f64()));
        let [half, most, all] = [0.5, 0.99, 1.0].map(|share| seconds(travelled.within(share)));
        let felt =
            slowest(&noted.felt).map_or_else(|| if noted.felt.is_empty() { "-".into() } else { "never".into() }, |at| seconds(Some(at)));
        let (times, calm) =
            if noted.times > 0 { (noted.times.to_string(), seconds(Some(noted.calm_after))) } else { ("-".into(), "-".into()) };
        let (sent, shown, wrongs) = (travelled.sent, travelled.times.len(), noted.wrongs);
        let _ =
            writeln!(text, "  {:<32}{times:>5}{sent:>8}{shown:>8}{half:>8}{most:>8}{all:>8}{felt:>9}{calm:>8}{wrongs:>8}", scene.title());
    }
    text.push_str(
        "\n  sent: messages that left a client meanwhile or just after. shown: how often one appeared on a client of another node that\n  \
         was connected all the while, and p50, p99, max of how long that took. noticed: until the last affected node's /readyz said\n  \
         so. calm: from mending until everything was acked, compared and right, which takes some seconds by itself.\n",
    );
    text
}

/// What else the machine had to do shows in the times.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').nth(1).unwrap_or("?").to_owned();
    format!("{cores} cores, on which {load} processes wanted to run in the last 5 minutes")
}

/// The time of the last of them, if all of them said so.
fn slowest(felt: &[Option<Duration>]) -> Option<Duration> {
    felt.iter().copied().collect::<Option<Vec<_>>>()?.into_iter().max()
}

fn judge(travelled: &BTreeMap<Scene, Travelled>, noted: &BTreeMap<Scene, Noted>, ledger: &Ledger, wish: &Wish) -> Vec<Verdict> {
    let (pages, limits) = (ledger.pages(), wish.limits);
    let at_most = |limit: Duration| {
        let slack = if limits.slack > 1.0 { format!(" × {} for a busy machine", limits.slack) } else { String::new() };
        format!("at most {} s{slack}", limit.as_secs())
    };
    let mut verdicts = vec![Verdict {
        kept: [Wrong::Lost, Wrong::Doubled, Wrong::Reordered, Wrong::Phantom].iter().all(|kind| pages.count_of(*kind) == 0),
        what: zeros(&pages),
    }];
    let others = pages.count_of(Wrong::Other);
    verdicts.push(Verdict {
        kept: others == 0,
        what: format!(
            "receipts, counts, lists equal on every node; presence right within {} s, {} s after a node's death: {others} broken",
            PRESENCE_WITHIN.as_secs(),
            (PRESENCE_WITHIN + GRACE).as_secs()
        ),
    });
    // Without Redis there is nothing but looking, all the time.
    let counts = |scene: Scene| scene.lacks_redis() || (!wish.with_redis && scene == Scene::Steady);
    for (scene, travelled) in travelled.iter().filter(|(scene, _)| counts(**scene)) {
        let measured = travelled.within(0.99);
        let (what, limit) = (scene.title(), at_most(limits.delivery));
        let is = measured.map_or("nothing was measured".into(), |time| format!("{:.2} s", time.as_secs_f64()));
        let kept = measured.is_some_and(|time| time <= limits.delivery.mul_f64(limits.slack));
        verdicts.push(Verdict { kept, what: format!("delivery, {what}: p99 {is}, {limit}") });
    }
    if let Some(noted) = noted.get(&Scene::RedisPaused) {
        let slowest = slowest(&noted.felt);
        let is = slowest.map_or("never, by some node".into(), |time| format!("{:.2} s", time.as_secs_f64()));
        let kept = slowest.is_some_and(|time| time <= limits.felt.mul_f64(limits.slack));
        verdicts.push(Verdict { kept, what: format!("/readyz says degraded, Redis paused: {is}, {}", at_most(limits.felt)) });
    }
    verdicts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(slack: f64, with_redis: bool) -> Wish {
        Wish {
            binary: "frontdesk".into(),
            seed: 1,
            time: Duration::ZERO,
            users: 1,
            nodes: 3,
            with_redis,
            only: Vec::new(),
            limits: Limits::of(slack),
            self_test: false,
            verbose: false,
        }
    }

    fn report(scene: Scene, millis: u64, felt: Option<u64>, wish: &Wish) -> Report {
        let travelled = Travelled { sent: 1, times: vec![Duration::from_millis(millis)] };
        let noted = Noted { times: 1, felt: vec![Some(Duration::from_millis(10)), felt.map(Duration::from_millis)], ..Noted::default() };
        Report::of([(scene, travelled)].into(), &[(scene, noted)].into(), &Ledger::default(), wish)
    }

    #[test]
    fn messages_that_arrive_late_while_redis_is_gone_break_the_promise() {
        let wish = wish(1.0, true);
        assert!(report(Scene::RedisPaused, 2_000, Some(5_000), &wish).kept);
        assert!(report(Scene::RedisPaused, 2_001, Some(5_000), &wish).failed("delivery"));
        assert!(report(Scene::RedisDark, 2_001, None, &wish).failed("delivery"));
        // Without a database nothing can arrive.
        assert!(report(Scene::PostgresDark, 9_000, None, &wish).kept);
    }

    #[test]
    fn a_node_that_says_too_late_or_never_that_it_is_degraded_breaks_the_promise() {
        let wish = wish(1.0, true);
        assert!(report(Scene::RedisPaused, 10, Some(5_001), &wish).failed("/readyz"));
        assert!(report(Scene::RedisPaused, 10, None, &wish).failed("/readyz"));
    }

    #[test]
    fn slack_is_given_and_told() {
        let report = report(Scene::RedisPaused, 3_000, Some(7_000), &wish(1.5, true));
        assert!(report.kept && report.text.contains("at most 2 s × 1.5 for a busy machine"), "{}", report.text);
    }

    #[test]
    fn without_redis_steady_times_count() {
        assert!(report(Scene::Steady, 2_500, None, &wish(1.0, true)).kept);
        assert!(report(Scene::Steady, 2_500, None, &wish(1.0, false)).failed("delivery"));
    }

    #[test]
    fn a_loss_breaks_the_promise() {
        let ledger = Ledger::default();
        ledger.wrong(Wrong::Lost, "one");
        let report = Report::of(BTreeMap::new(), &BTreeMap::new(), &ledger, &wish(1.0, true));
        assert!(!report.kept && report.text.contains("lost 1"), "{}", report.text);
    }
}
