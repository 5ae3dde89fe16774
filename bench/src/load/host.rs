//! What the kernel says about the server's processes and about the generator itself: processor time and memory.

use std::{collections::HashMap, fs, time::Instant};

use serde_json::{Value, json};

/// Linux counts processor time in hundredths of a second on every platform there is.
const TICKS_PER_SECOND: f64 = 100.0;

/// A moment, to be compared with a later one.
#[derive(Debug)]
pub struct Reading {
    at: Instant,
    server: Cpu,
    own: Cpu,
}

#[derive(Clone, Copy, Debug, Default)]
struct Cpu {
    user: f64,
    system: f64,
}

impl Reading {
    /// Now.
    pub fn take(server: &[u32]) -> Self {
        let own = cpu(std::process::id()).unwrap_or_default();
        let tree = tree(server).into_iter().filter_map(cpu);
        let server = tree.fold(Cpu::default(), |sum, one| Cpu { user: sum.user + one.user, system: sum.system + one.system });
        Self { at: Instant::now(), server, own }
    }

    /// Seconds of processor time from here to `later`, as shares of one core.
    pub fn until(&self, later: &Self) -> Value {
        let seconds = (later.at - self.at).as_secs_f64().max(1e-9);
        let share = |from: Cpu, to: Cpu| {
            let (user, system) = ((to.user - from.user) / seconds, (to.system - from.system) / seconds);
            json!({"user": round(user), "system": round(system), "total": round(user + system)})
        };
        json!({"seconds": round(seconds), "server": share(self.server, later.server), "generator": share(self.own, later.own)})
    }

    /// Milliseconds of the server's processor time for each of `count` things done until `later`.
    pub fn server_ms_each(&self, later: &Self, count: u64) -> Value {
        let seconds = later.server.user + later.server.system - self.server.user - self.server.system;
        if count == 0 { Value::Null } else { json!((seconds * 1e9 / count as f64).round() / 1e6) }
    }
}

/// Memory of the server's processes in KiB.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    /// All that is resident.
    pub resident: u64,
    /// Of that, what the processes share counts once.
    pub proportional: u64,
    /// Heap and stacks alone, without programs and files.
    pub anonymous: u64,
}

impl Memory {
    /// Now.
    pub fn of(server: &[u32]) -> Self {
        let texts = tree(server).into_iter().filter_map(|pid| fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok());
        texts.fold(Self::default(), |sum, text| Self {
            resident: sum.resident + kib(&text, "Rss:"),
            proportional: sum.proportional + kib(&text, "Pss:"),
            anonymous: sum.anonymous + kib(&text, "Anonymous:"),
        })
    }

    /// As a report.
    pub fn report(self) -> Value {
        json!({"resident": self.resident, "proportional": self.proportional, "anonymous": self.anonymous})
    }

    /// What each of `count` costs beyond what was there before.
    pub fn each_beyond(self, before: Self, count: u64) -> Value {
        let each = |with: u64, before: u64| round((with as f64 - before as f64) / count.max(1) as f64);
        json!({
            "resident": each(self.resident, before.resident), "proportional": each(self.proportional, before.proportional),
            "anonymous": each(self.anonymous, before.anonymous),
        })
    }
}

fn kib(rollup: &str, name: &str) -> u64 {
    let line = rollup.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// To three places.
pub fn round(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// The processes and all that descend from them.
fn tree(roots: &[u32]) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    let numbers = fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    for pid in numbers {
        if let Some(parent) = stat(pid).and_then(|fields| fields.get(1)?.parse().ok()) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = roots.to_vec();
    let mut next = 0;
    while let Some(pid) = found.get(next) {
        found.extend(children.get(pid).into_iter().flatten().copied().filter(|child| !roots.contains(child)).collect::<Vec<_>>());
        next += 1;
    }
    found
}

/// With what its children used that have ended, such as PostgreSQL's connections.
fn cpu(pid: u32) -> Option<Cpu> {
    let fields = stat(pid)?;
    let seconds = |place: usize| Some(fields.get(place)?.parse::<f64>().ok()? / TICKS_PER_SECOND);
    Some(Cpu { user: seconds(11)? + seconds(13)?, system: seconds(12)? + seconds(14)? })
}

/// The fields of `stat` after the name, which may hold anything.
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(text[text.rfind(')')? + 2..].split(' ').map(str::to_owned).collect())
}
