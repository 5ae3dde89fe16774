//! A restore that is killed leaves the old data or the new, whole.

use std::time::Duration;

use frontdesk::{config::Config, data::DataFolder};
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::*;

async fn exported(folder: &Path) -> Vec<String> {
    let all = frontdesk(folder, &["export"], "").await.ok();
    // The first line is the epoch, which a restore makes anew.
    all.lines().skip(1).map(str::to_owned).collect()
}

#[tokio::test]
async fn killed_at_any_instant_it_leaves_the_old_or_the_new() {
    let (folder, _) = kept().await;
    let new = exported(folder.path()).await;
    let line = json!({"type": "message", "room_id": GRACE.room, "sender_id": GRACE.id, "message": "Later", "client_id": "later", "created_at": "2026-01-02T00:00:00Z"});
    let later = async || frontdesk(folder.path(), &["import", "-"], &line.to_string()).await.ok();
    later().await;
    let old = exported(folder.path()).await;
    assert_ne!(old, new);
    let seed = rand::random();
    println!("SEED={seed}");
    let mut dice = StdRng::seed_from_u64(seed);
    let started = std::time::Instant::now();
    frontdesk(folder.path(), &["restore", "b.tar"], "").await.ok();
    let whole_ms = u64::try_from(started.elapsed().as_millis()).expect("short") + 10;
    let (mut olds, mut news) = (0, 0);
    for _ in 0..24 {
        later().await;
        let mut restore = process::command(folder.path(), &["restore", "b.tar"]);
        restore.env("FRONTDESK_DATA", folder.path().join("data")).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let mut child = restore.spawn().expect("the binary starts");
        tokio::time::sleep(Duration::from_millis(dice.random_range(0..whole_ms))).await;
        child.kill().await.expect("it can be killed");
        frontdesk(folder.path(), &["check"], "").await.ok();
        let found = exported(folder.path()).await;
        assert!(found == old || found == new, "neither the old nor the new");
        olds += usize::from(found == old);
        news += usize::from(found == new);
        assert!(!names(&folder.path().join("data")).contains(&"restoring".to_owned()), "nothing is left aside");
    }
    println!("{olds} times the old, {news} times the new");
}

fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder can be made");
    for name in names(from) {
        let (from, to) = (from.join(&name), to.join(&name));
        if from.is_dir() {
            copy_all(&from, &to);
        } else {
            std::fs::copy(from, to).expect("it can be copied");
        }
    }
}

/// Leaves a folder as a restore does that dies after so many of its renames; `complete` is when it has begun with them.
fn dies_after(data: &Path, new: &Path, complete: bool, renames: usize) -> usize {
    let folder = DataFolder::open(&Config::new(data)).expect("it opens");
    let restoring = folder.begin_restore().expect("nobody else is here");
    std::fs::copy(new.join("frontdesk.db"), restoring.database()).expect("it can be copied");
    std::fs::copy(new.join("jwt.secret"), restoring.jwt_secret_file()).expect("it can be copied");
    copy_all(&new.join("attachments"), &restoring.attachments());
    // As the kernel does when a process is killed: nothing is cleaned up, the locks end with `folder`.
    std::mem::forget(restoring);
    let aside = data.join("restoring");
    if complete {
        std::fs::write(aside.join("complete"), "").expect("it can be written");
    }
    let plan: Value = serde_json::from_slice(&std::fs::read(aside.join("plan.json")).expect("a plan")).expect("JSON");
    let mut left = renames;
    for step in plan["moves"].as_array().expect("moves") {
        let path = |name: &str| data.join(step[name].as_str().expect("a path"));
        for (from, to) in [(path("to"), path("kept")), (path("from"), path("to"))] {
            if left > 0 {
                std::fs::create_dir_all(to.parent().expect("a folder")).expect("a folder can be made");
                std::fs::rename(from, to).expect("it can be renamed");
                left -= 1;
            }
        }
    }
    renames - left
}

#[tokio::test]
async fn a_restore_that_died_while_it_exchanged_the_data_is_finished_by_whoever_comes_next() {
    let (folder, _) = kept().await;
    let line = json!({"type": "user", "id": 99, "phone": "99", "name": "Older", "role": "user"});
    let older = folder.path().join("older");
    std::fs::create_dir(&older).expect("a folder can be made");
    frontdesk(&older, &["import", "-"], &line.to_string()).await.ok();
    frontdesk(&older, &["token", "--user", "99"], "").await.ok();
    std::fs::create_dir_all(older.join("data/attachments")).expect("a folder can be made");
    let (old, new) = (exported(&older).await, exported(folder.path()).await);
    let mut most = 0;
    for renames in 0..=6 {
        let here = folder.path().join(format!("crashed-{renames}"));
        copy_all(&older, &here);
        most = most.max(dies_after(&here.join("data"), &folder.path().join("data"), true, renames));
        assert_eq!(exported(&here).await, new, "after {renames} renames");
        frontdesk(&here, &["check"], "").await.ok();
        let names = names(&here.join("data"));
        let kept = names.iter().find(|name| name.starts_with("replaced-")).expect("the old data are kept");
        assert!(!names.contains(&"restoring".to_owned()), "{names:?}");
        let again = here.join("again");
        std::fs::create_dir(&again).expect("a folder can be made");
        std::fs::rename(here.join("data").join(kept), again.join("data")).expect("it can be renamed");
        assert_eq!(exported(&again).await, old, "and are whole");
    }
    assert_eq!(most, 6, "three things are exchanged");
    let here = folder.path().join("unfinished");
    copy_all(&older, &here);
    dies_after(&here.join("data"), &folder.path().join("data"), false, 0);
    assert_eq!(exported(&here).await, old);
    assert!(!names(&here.join("data")).contains(&"restoring".to_owned()));
}
