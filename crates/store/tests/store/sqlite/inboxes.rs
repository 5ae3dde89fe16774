//! How long pages of a large inbox take. Run it with
//! `cargo test --release -p frontdesk-store --test store -- --ignored --nocapture inboxes`; `FRONTDESK_DB=FILE` looks at a database
//! of your own, which it migrates.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use frontdesk_protocol::{Role, RoomStatus};
use frontdesk_store::{Options, RoomQuery, Store};

use crate::fixture::hundred_thousand;

const RUNS: usize = 200;

fn all() -> RoomQuery {
    RoomQuery { viewer: Role::Admin, user_id: 1, q: None, status: None, unread: false, cursor: None, limit: 50 }
}

fn lists() -> Vec<(String, RoomQuery)> {
    let mut lists = Vec::new();
    for (filter, status, unread) in [
        ("all", None, false),
        ("open", Some(RoomStatus::Open), false),
        ("resolved", Some(RoomStatus::Resolved), false),
        ("unread", None, true),
        ("open unread", Some(RoomStatus::Open), true),
        ("resolved unread", Some(RoomStatus::Resolved), true),
    ] {
        lists.push((filter.into(), RoomQuery { status, unread, ..all() }));
        for q in ["user", "User 1", "User 12345", "5000004711", "500001", "12345", "us", "9", "zq", "nobody", "0000000"] {
            lists.push((format!("{filter}, {q:?}"), RoomQuery { q: Some(q.into()), status, unread, ..all() }));
        }
    }
    lists
}

fn show(what: &str, mut times: Vec<Duration>, found: usize) {
    times.sort_unstable();
    println!("{what:30} {found:4} found, p50 {:>9.2?}, p99 {:>9.2?}", times[times.len() / 2], times[times.len() * 99 / 100]);
}

#[tokio::test]
#[ignore = "a measurement"]
async fn pages_of_a_large_inbox() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = match std::env::var_os("FRONTDESK_DB") {
        Some(path) => PathBuf::from(path),
        None => hundred_thousand(&folder).await,
    };
    let started = Instant::now();
    let (store, _batches) = Store::open(Options::new(&path), true).await.expect("the store opens");
    println!("opened in {:.1?}", started.elapsed());
    for (what, query) in lists() {
        let (mut times, mut found) = (Vec::new(), 0);
        let begun = Instant::now();
        while times.len() < RUNS && begun.elapsed() < Duration::from_secs(2) {
            let started = Instant::now();
            found = store.rooms(&query).await.expect("read").results.len();
            times.push(started.elapsed());
        }
        show(&what, times, found);
    }
    for q in ["", "user", "User 1", "zq", "nobody", "0000000"] {
        let mut times = Vec::new();
        for _ in 0..RUNS {
            let started = Instant::now();
            store.people(q, None, 50).await.expect("read");
            times.push(started.elapsed());
        }
        show(&format!("people, {q:?}"), times, 0);
    }
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let started = Instant::now();
        store.summary(Role::Admin, 1).await.expect("read");
        times.push(started.elapsed());
    }
    show("the summary", times, 0);
    store.close().await;
}
