//! How much memory this process has and may have, so that newcomers are refused before the kernel ends it.

use std::{
    fs,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// What is looked at is at most this old; between two looks a crowd of newcomers takes some megabytes.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Below this part of the bound, in percent, newcomers are let in again.
const RELIEVED_PERCENT: u64 = 95;
/// The part of the machine's or the container's memory that is ours unless a setting says otherwise, in percent.
const OURS_PERCENT: u64 = 90;
/// Linux gives the resident set in pages of this size on all that we build for.
const PAGE_BYTES: u64 = 4_096;

/// The memory of this process and its bound.
#[derive(Debug)]
pub struct Memory {
    /// In bytes; 0 is no bound.
    max: u64,
    full: AtomicBool,
    looked: Mutex<Option<Instant>>,
}

impl Memory {
    /// With the bound of `--memory-max`, or most of what the machine or the container has.
    #[must_use]
    pub fn new(max: Option<u64>) -> Self {
        let max = max.or_else(|| available().map(|bytes| bytes / 100 * OURS_PERCENT)).unwrap_or(0);
        Self { max, full: AtomicBool::new(false), looked: Mutex::new(None) }
    }

    /// Whether newcomers must be refused.
    #[must_use]
    pub fn is_full(&self) -> bool {
        if self.max > 0 && self.look_is_due() {
            self.look();
        }
        self.full.load(Ordering::Relaxed)
    }

    fn look_is_due(&self) -> bool {
        let mut looked = self.looked.lock().expect("no code panics while it holds this");
        let due = looked.is_none_or(|at| at.elapsed() >= LOOK_EVERY);
        if due {
            *looked = Some(Instant::now());
        }
        due
    }

    fn look(&self) {
        let Some(used) = resident() else { return };
        let was_full = self.full.load(Ordering::Relaxed);
        let max = if was_full { self.max / 100 * RELIEVED_PERCENT } else { self.max };
        let full = used > max;
        self.full.store(full, Ordering::Relaxed);
        if full && !was_full {
            tracing::error!(used, max = self.max, "memory is used up: new connections are refused until some is free");
        } else if was_full && !full {
            tracing::info!(used, max = self.max, "memory is free again: new connections are taken");
        }
    }
}

/// Bytes of this process that are in memory. `None` where the system does not tell.
#[must_use]
pub fn resident() -> Option<u64> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * PAGE_BYTES)
}

/// The container's bound if there is one and it is the smaller one, else the machine's memory.
fn available() -> Option<u64> {
    let meminfo = fs::read_to_string("/proc/meminfo").ok()?;
    let kibibytes: u64 = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?.trim().strip_suffix(" kB")?.parse().ok()?;
    let machine = kibibytes * 1_024;
    Some(container().map_or(machine, |container| container.min(machine)))
}

/// The bound of the control group (version 2, then 1); a word instead of a number means none.
fn container() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = groups.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or("/").trim();
    let files = [
        format!("/sys/fs/cgroup{own}/memory.max"),
        "/sys/fs/cgroup/memory.max".into(),
        "/sys/fs/cgroup/memory/memory.limit_in_bytes".into(),
    ];
    files.iter().find_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok())
}
