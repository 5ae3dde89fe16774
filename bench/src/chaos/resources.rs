//! What the last server holds on to: descriptors, tasks and memory before the first person came and after the last has left.

use std::time::Duration;

use anyhow::Result;
use frontdesk_bench::{http::Api, process::Server};
use tokio::time::{Instant, sleep};

use super::ledger::{Ledger, Wrong};

/// Descriptors and tasks that may be there for reasons of the moment: the call that asks, a checkpoint, a call that just ended.
const SLACK: usize = 8;
/// Caches fill, buffers of the allocator stay: memory may grow by this much and half of what there was.
const MEMORY_SLACK_KIB: u64 = 48 * 1024;
/// Half-open lines are found after 2.5 heartbeats; the harness closes its own, so this is generous.
const BACK_WITHIN: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, Debug, Default)]
pub struct Held {
    pub descriptors: usize,
    pub tasks: Option<usize>,
    pub memory_kib: u64,
}

pub async fn held(server: &Server, api: &Api) -> Result<Held> {
    let metrics = String::from_utf8(api.get("/metrics").await?.body)?;
    let tasks = metrics.lines().find_map(|line| line.strip_prefix("frontdesk_tasks ")?.trim().parse().ok());
    Ok(Held { descriptors: server.descriptors()?, tasks, memory_kib: server.memory_kib()? })
}

/// Readers of the database are opened when they are first needed, so they are needed before anybody comes.
pub async fn warm_up(api: &Api, room: i64) {
    let path = format!("/api/chat/rooms/{room}/messages/");
    let calls: Vec<_> = (0..32)
        .map(|_| {
            tokio::spawn({
                let (api, path) = (api.clone(), path.clone());
                async move { api.get(&path).await }
            })
        })
        .collect();
    for call in calls {
        // What fails here fails again where it is judged.
        let _ = call.await;
    }
}

/// Waits until everything is given back, and says what is not.
pub async fn given_back(server: &Server, api: &Api, before: Held, ledger: &Ledger) -> Result<Held> {
    let until = Instant::now() + BACK_WITHIN;
    loop {
        let now = held(server, api).await?;
        let kept = kept(before, now);
        if kept.is_empty() {
            return Ok(now);
        }
        if Instant::now() > until {
            ledger.wrong(Wrong::Other, format!("when all had left the server still held {}", kept.join(", ")));
            return Ok(now);
        }
        sleep(Duration::from_millis(250)).await;
    }
}

fn kept(before: Held, now: Held) -> Vec<String> {
    let mut kept = Vec::new();
    if now.descriptors > before.descriptors + SLACK {
        kept.push(format!("{} descriptors instead of {}", now.descriptors, before.descriptors));
    }
    if let (Some(tasks), Some(before)) = (now.tasks, before.tasks)
        && tasks > before + SLACK
    {
        kept.push(format!("{tasks} tasks instead of {before}"));
    }
    if now.memory_kib > before.memory_kib * 3 / 2 + MEMORY_SLACK_KIB {
        kept.push(format!("{} KiB instead of {}", now.memory_kib, before.memory_kib));
    }
    kept
}
