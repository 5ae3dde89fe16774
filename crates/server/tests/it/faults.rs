//! A disk that is full, broken, slow or loses its power, under the real binary: what cannot be stored is said, what was acked
//! stays, and all heals without a restart.

use std::time::{Duration, Instant};

use frontdesk_bench::{
    disk::{Disk, Mode},
    power::{self, Cut},
};
use rand::{SeedableRng, rngs::StdRng};
use tempfile::TempDir;

use crate::fixture::{ws::Dial, *};

/// Promise 7 of the protocol.
const TOLD_WITHIN: Duration = Duration::from_secs(5);
/// Longer than anybody waits for an answer.
const SLOW_MS: u32 = 6_000;

/// A server on a disk that fails on command.
struct Machine {
    folder: TempDir,
    disk: Disk,
    process: Process,
}

impl Machine {
    async fn starts() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let lines = folder.path().join("cast.jsonl");
        std::fs::write(&lines, people::cast()).expect("a file can be written");
        let disk = Disk::prepare(folder.path(), &folder.path().join("data")).expect("the faulty disk builds");
        frontdesk(folder.path(), &["import", &lines.display().to_string()], "").await.ok();
        let process = serve(&folder, &disk).await;
        Self { folder, disk, process }
    }

    fn disk(&self, mode: Mode) {
        self.disk.set(mode, SLOW_MS).expect("the disk hears");
    }

    async fn dies_and_comes_back(&mut self) {
        self.process.kill().await;
        self.process = serve(&self.folder, &self.disk).await;
    }

    /// What was not synced is gone.
    async fn loses_power(&mut self) {
        self.process.kill().await;
        let data = self.folder.path().join("data");
        power::cut(&self.disk.undo, &data, Cut::All, &mut StdRng::seed_from_u64(0)).expect("the power can be cut");
        self.process = serve(&self.folder, &self.disk).await;
    }

    fn api(&self, who: Person) -> Api {
        Api::new(&self.process.address, Some(who.token()))
    }

    async fn enters(&self, who: Person) -> Tab {
        let mut tab = Dial::new(&self.process.address, &room("/ws/chat/")).token(&who.token()).v1().open().await;
        tab.ready = tab.hears("ready").await;
        tab
    }

    async fn is_ready(&self) -> bool {
        self.api(ADA).get("/readyz").await.status == 200
    }

    /// How often a text is stored; the room has no hole.
    async fn stored(&self, text: &str) -> usize {
        let messages = fold::history(GRACE.room, &self.api(ADA)).await;
        assert!(messages.keys().copied().eq(1..=i64::try_from(messages.len()).expect("a small number")), "the seqs are 1…n");
        messages.values().filter(|message| message["message"] == text).count()
    }
}

async fn serve(folder: &TempDir, disk: &Disk) -> Process {
    let mut serve = process::command(folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
    serve.env("FRONTDESK_DATA", folder.path().join("data")).env("FRONTDESK_JWT_SECRET", tokens::SECRET).envs(disk.env());
    Process::start(&mut serve).await
}

fn room(under: &str) -> String {
    format!("{under}{}/", GRACE.room)
}

fn message(text: &str) -> Value {
    json!({"type": "chat_message", "message": text, "client_id": text})
}

/// Sends a message with itself as its `client_id`, which the disk will not take.
async fn is_not_taken(tab: &mut Tab, text: &str) {
    let sent = Instant::now();
    tab.send(message(text)).await;
    let error = tab.is_refused("not_durable").await;
    assert_eq!((&error["client_id"], &error["retryable"]), (&json!(text), &json!(true)));
    assert!(sent.elapsed() < TOLD_WITHIN, "it was told after {:?}", sent.elapsed());
}

/// The same message again, which is taken now.
async fn is_taken(tab: &mut Tab, text: &str) -> Value {
    tab.send(message(text)).await;
    tab.hears_that(json!({"type": "ack", "client_id": text})).await
}

/// What holds for every disk that fails: it is said within five seconds on both doors, reading goes on, nobody is shown anything,
/// and with the disk all heals.
async fn it_says_so_and_heals(mode: Mode) -> Machine {
    let machine = Machine::starts().await;
    let (mut grace, mut ada) = (machine.enters(GRACE).await, machine.enters(ADA).await);
    grace.says("before").await;
    ada.sees("before").await;

    machine.disk(mode);
    is_not_taken(&mut grace, "held").await;
    let posted = machine
        .api(GRACE)
        .post(&format!("{}messages/", room("/api/chat/rooms/")), json!({"message": "posted", "client_id": "posted"}))
        .await;
    posted.problem(503, "not_durable");
    assert_eq!(machine.stored("before").await, 1, "reading goes on");
    assert_eq!(machine.enters(ALAN).await.ready["room"]["last_seq"], 1, "newcomers are let in");
    let problem = machine.api(ADA).get("/readyz").await.problem(503, "unavailable");
    assert!(!problem["detail"].as_str().unwrap_or_default().is_empty(), "the reason is said");
    assert_eq!(ada.seen("chat_message").len(), 1, "nobody is shown what is not stored");

    machine.disk(Mode::Well);
    until("the server is ready again without a restart", || machine.is_ready()).await;
    for text in ["held", "posted"] {
        is_taken(&mut grace, text).await;
        assert_eq!(machine.stored(text).await, 1);
        ada.sees(text).await;
    }
    machine
}

#[tokio::test]
async fn a_full_disk_is_said_and_heals() {
    it_says_so_and_heals(Mode::Full).await;
}

#[tokio::test]
async fn a_disk_that_cannot_write_is_said_and_heals() {
    it_says_so_and_heals(Mode::WriteFails).await;
}

#[tokio::test]
async fn a_sync_that_failed_is_no_ack_and_what_is_acked_later_survives_a_power_cut() {
    let mut machine = it_says_so_and_heals(Mode::SyncFails).await;
    for text in ["before", "held", "posted"] {
        assert_eq!(machine.stored(text).await, 1);
    }
    machine.dies_and_comes_back().await;
    assert_eq!(machine.stored("held").await, 1, "kill -9 takes nothing");
    machine.loses_power().await;
    for text in ["before", "held", "posted"] {
        assert_eq!(machine.stored(text).await, 1, "a power cut takes nothing that was acked");
    }
}

#[tokio::test]
async fn a_slow_disk_is_told_in_time_and_doubles_nothing() {
    let machine = Machine::starts().await;
    let mut grace = machine.enters(GRACE).await;
    grace.says("before").await;
    machine.disk(Mode::SyncSlow);
    is_not_taken(&mut grace, "slow").await;
    machine.disk(Mode::Well);
    until("the server is ready again", || machine.is_ready()).await;
    is_taken(&mut grace, "slow").await;
    assert_eq!(machine.stored("slow").await, 1);
}

/// A server that died between writing and syncing leaves a message that its heir can read, but that no disk holds yet.
async fn what_it_leaves_is_synced_before_it_is_acked_or_shown(mode: Mode) {
    let mut machine = Machine::starts().await;
    let mut grace = machine.enters(GRACE).await;
    grace.says("before").await;
    machine.disk(mode);
    grace.send(message("unsynced")).await;
    until("the disk is asked to sync", || async { machine.disk.hits().expect("the disk answers") > 0 }).await;
    machine.process.kill().await;
    machine.disk(Mode::Well);
    machine.process = serve(&machine.folder, &machine.disk).await;
    let shown = machine.stored("unsynced").await;
    let mut grace = machine.enters(GRACE).await;
    let ack = is_taken(&mut grace, "unsynced").await;
    machine.loses_power().await;
    assert_eq!(machine.stored("unsynced").await, 1, "it was acked ({ack}) and shown ({shown} times) before the power cut");
}

#[tokio::test]
async fn what_a_dead_server_had_not_synced_is_synced_before_it_is_acked_or_shown() {
    what_it_leaves_is_synced_before_it_is_acked_or_shown(Mode::SyncSlow).await;
}

/// The kernel counts what failed to sync as done with, so that syncing it once more would help nobody: it must be written again.
#[tokio::test]
async fn what_a_dead_server_failed_to_sync_is_written_again_before_it_is_acked_or_shown() {
    what_it_leaves_is_synced_before_it_is_acked_or_shown(Mode::SyncFails).await;
}
