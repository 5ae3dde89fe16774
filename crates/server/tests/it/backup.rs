//! Backup, restore and check from outside: what was acked comes back, what is damaged is found, and nothing is half done.

mod check;
mod crash;
mod damage;
mod places;
mod tar_file;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use reqwest::multipart::{Form, Part};
use tokio::task::JoinHandle;

use crate::fixture::*;

/// Writes one message after the other until told to stop; answers what was acked, `client_id` by seq.
fn writes_on(mut tab: Tab, name: &'static str, stop: Arc<AtomicBool>) -> JoinHandle<BTreeMap<String, i64>> {
    tokio::spawn(async move {
        let mut acked = BTreeMap::new();
        for number in 0.. {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let id = format!("{name}-{number}");
            tab.send(json!({"type": "chat_message", "message": id, "client_id": id})).await;
            let ack = tab.hears_that(json!({"type": "ack", "client_id": id})).await;
            acked.insert(id, ack["seq"].as_i64().expect("a seq"));
        }
        acked
    })
}

async fn posts_a_file(house: &House, bytes: &[u8]) -> Value {
    let form = Form::new().text("message", "a file").part("file", Part::bytes(bytes.to_vec()).file_name("a.bin"));
    let path = format!("/api/chat/rooms/{}/messages/", GRACE.room);
    api::answer(house.api(GRACE).request("POST", &path).multipart(form)).await.is(201)["attachments"][0].clone()
}

/// A refusal names the reason on standard error and leaves standard output to results.
fn is_refused(ran: &Ran, code: i32, named: &str) {
    assert_eq!((ran.code, ran.out.as_str()), (code, ""), "{ran:?}");
    assert!(ran.err.contains(named), "it names {named}: {}", ran.err);
}

/// What lies in a folder, by name.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let mut names: Vec<String> = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A folder with the usual people, some messages and files, and its backup `b.tar`, all without a server.
async fn kept() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut lines = people::cast();
    for number in 1..=30 {
        let sender = if number % 3 == 0 { ADA } else { GRACE };
        let time = format!("2026-01-01T00:00:{number:02}Z");
        lines += &json!({"type": "message", "id": number, "room_id": GRACE.room, "sender_id": sender.id, "message": format!("message {number}"), "created_at": time}).to_string();
        lines += "\n";
    }
    for (number, bytes) in [(7, "AAECAwQFBgcICQ=="), (9, "eHl6"), (11, "")] {
        let name = format!("{number}.bin");
        lines += &json!({"type": "attachment", "message_id": number, "name": name, "content_type": "x/y", "bytes": bytes}).to_string();
        lines += "\n";
    }
    frontdesk(folder.path(), &["import", "-"], &lines).await.ok();
    frontdesk(folder.path(), &["token", "--user", "1"], "").await.ok();
    frontdesk(folder.path(), &["backup", "b.tar"], "").await.ok();
    let backup = folder.path().join("b.tar");
    (folder, backup)
}

#[tokio::test]
async fn what_was_acked_before_a_backup_comes_back_and_clients_start_anew() {
    let mut house = House::opens_outside(&["--rate-limit", "0"]).await;
    let bytes: Vec<u8> = (0..=255).cycle().take(200_000).collect();
    let mut grace = house.enters(GRACE, GRACE.room).await;
    let epoch = grace.ready["epoch"].as_str().expect("an epoch").to_owned();
    let version = house.watches_inbox(ADA).await.ready["version"].as_str().expect("a version").to_owned();
    let before = grace.says("Before the backup").await;
    let file = posts_a_file(&house, &bytes).await;
    let login = house.logs_in(GRACE, PASSWORD).await;
    let stop = Arc::new(AtomicBool::new(false));
    let writers = [(ADA, "ada", GRACE.room), (GRACE, "grace", GRACE.room), (LINUS, "linus", LINUS.room)];
    let mut tasks = Vec::new();
    for (who, name, room) in writers {
        tasks.push(writes_on(house.enters(who, room).await, name, stop.clone()));
    }
    let mut follower = house.enters(ALAN, GRACE.room).await;
    follower.log.wait("traffic", |heard| (heard.frames.len() > 100).then_some(())).await;
    follower.send(json!({"type": "read_receipt", "message_id": follower.seen("chat_message")[50]["id"]})).await;
    follower.hears("read_receipt").await;
    let told: Vec<Value> = follower.seen("chat_message");

    let made = house.cli(&["backup", "b.tar"], "").await.ok();
    assert!(made.starts_with("b.tar: 5 users, 2 rooms, ") && made.contains(" 1 attachment (200000 bytes)"), "{made}");
    let verified = house.cli(&["restore", "--verify", "b.tar"], "").await.ok();
    assert!(verified.starts_with("ok: 5 users, 2 rooms, ") && verified.contains("a backup made 20"), "{verified}");
    assert!(house.cli(&["check"], "").await.ok().starts_with("ok: "), "beside the server, while it stores");
    let seen = follower.log.heard().frames.len();
    follower.log.wait("more after the backup", |heard| (heard.frames.len() > seen + 50).then_some(())).await;
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        assert!(!task.await.expect("the writer ends well").is_empty());
    }
    let after = grace.says("After the backup").await;
    house.process().kill().await;

    let restored = house.cli(&["restore", "b.tar"], "").await.ok();
    let kept = restored.lines().find_map(|line| line.strip_prefix("what was there before is kept in ")).expect("it says where");
    assert!(Path::new(kept).join("frontdesk.db").exists() && Path::new(kept).join("attachments").exists(), "{kept}");
    assert!(house.cli(&["check"], "").await.ok().starts_with("ok: 5 users, 2 rooms, "));
    house.opens_again(&["--rate-limit", "0"]).await;

    let stored = fold::history(GRACE.room, &house.api(ADA)).await;
    assert_eq!(stored.keys().copied().collect::<Vec<_>>(), (1..=i64::try_from(stored.len()).expect("few")).collect::<Vec<_>>());
    assert_eq!(stored[&before["seq"].as_i64().expect("a seq")]["message"], "Before the backup");
    for message in &told {
        let seq = message["seq"].as_i64().expect("a seq");
        assert_eq!(stored.get(&seq).map(|stored| &stored["id"]), Some(&message["id"]), "it was shown before the backup began");
    }
    assert!(!stored.values().any(|message| message["message"] == "After the backup"));
    assert!(house.api(GRACE).get(file["url"].as_str().expect("a url")).await.body == bytes);

    let comes_back = |who: Person| house.dial_room(&who.token(), GRACE.room).v1().query("after", &after["seq"]).query("epoch", &epoch);
    let mut back = comes_back(GRACE).open().await;
    let ready = back.hears("ready").await;
    assert_eq!(ready["resume"], "reset");
    assert_ne!(ready["epoch"], epoch.as_str());
    let early = house.dial_room(&ADA.token(), GRACE.room).v1().query("after", 1).query("epoch", &epoch).open().await.hears("ready").await;
    assert_eq!(early["resume"], "reset", "also where the seq is there");
    let inbox = house.dial("/ws/inbox/").token(&ADA.token()).query("after", version).query("epoch", &epoch);
    assert_eq!(inbox.open().await.hears("ready").await["resume"], "reset");

    let refresh = house.api_of_nobody().post("/api/auth/refresh/", json!({"refresh": login["refresh"]})).await;
    refresh.problem(401, "unauthorized");
    house.api_with(login["access"].as_str().expect("a token")).get("/api/auth/me/").await.problem(401, "unauthorized");
    house.logs_in(GRACE, PASSWORD).await;
    let mut again = house.enters(GRACE, GRACE.room).await;
    again.says("And on it goes").await;
    house.closes().await;
}

#[tokio::test]
async fn many_backups_while_messages_and_files_come_are_each_whole() {
    let house = House::opens_outside(&["--rate-limit", "0"]).await;
    let stop = Arc::new(AtomicBool::new(false));
    let writer = writes_on(house.enters(GRACE, GRACE.room).await, "grace", stop.clone());
    for round in 0..6 {
        let name = format!("{round}.tar");
        let args = ["backup", &name];
        let posting = async {
            for size in 0..4 {
                posts_a_file(&house, &vec![round; 1_000 * size]).await;
            }
        };
        let ((), made) = tokio::join!(posting, house.cli(&args, ""));
        made.ok();
        house.cli(&["restore", "--verify", &name], "").await.ok();
        assert!(house.cli(&["check"], "").await.ok().starts_with("ok: "));
    }
    stop.store(true, Ordering::Relaxed);
    assert!(writer.await.expect("the writer ends well").len() > 10);
    house.closes().await;
}

#[tokio::test]
async fn a_restore_beside_a_running_server_is_refused() {
    let mut house = House::opens_outside(&[]).await;
    house.cli(&["backup", "b.tar"], "").await.ok();
    house.enters(GRACE, GRACE.room).await.says("Still here").await;
    is_refused(&house.cli(&["restore", "b.tar"], "").await, 1, "another frontdesk server is running");
    assert_eq!(fold::history(GRACE.room, &house.api(ADA)).await.len(), 1);
    house.process().kill().await;
    let exported = house.cli(&["export"], "").await.ok();
    assert!(exported.contains("Still here"), "nothing was touched");
    house.opens_again(&[]).await;
    house.closes().await;
}

#[tokio::test]
async fn a_backup_restored_elsewhere_is_the_same() {
    let (folder, backup) = kept().await;
    let exported = frontdesk(folder.path(), &["export"], "").await.ok();
    let secret = std::fs::read(folder.path().join("data/jwt.secret")).expect("a secret");
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    let backup = backup.to_str().expect("UTF-8");
    let restored = frontdesk(elsewhere.path(), &["restore", backup], "").await.ok();
    assert!(restored.contains("5 users, 2 rooms, 30 messages, 3 attachments (13 bytes)") && !restored.contains("kept in"), "{restored}");
    let again = frontdesk(elsewhere.path(), &["export"], "").await.ok();
    let but_the_epoch = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(but_the_epoch(&exported), but_the_epoch(&again));
    assert_ne!(exported.lines().next(), again.lines().next());
    assert_eq!(std::fs::read(elsewhere.path().join("data/jwt.secret")).expect("a secret"), secret);
    assert_eq!(names(&elsewhere.path().join("data")), ["attachments", "frontdesk.db", "in-use", "jwt.secret", "lock"]);
}
