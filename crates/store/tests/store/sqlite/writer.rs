//! The group commit: order, failure, closing, and another process beside it.

use std::{os::unix::fs::PermissionsExt, time::Duration};

use frontdesk_protocol::{Role, RoomStatus};
use frontdesk_store::{Error, Event, Options, Store};
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::fixture::{START_MS, desk, open, seq, stored, text};

async fn run(connection: &mut SqliteConnection, sql: &'static str) {
    sqlx::raw_sql(sql).execute(connection).await.expect(sql);
}

#[tokio::test]
async fn a_batch_carries_what_waited_in_order_and_comes_before_the_answers() {
    let mut desk = desk().await;
    desk.published();
    let mut sends = Vec::new();
    for number in 0..50 {
        sends.push(desk.store.send(text(desk.room, &desk.grace, &number.to_string())).await.unwrap());
    }
    let (store, room, ada) = (desk.store.clone(), desk.room, desk.ada.id);
    let resolved = tokio::spawn(async move { store.set_status(room, ada, RoomStatus::Resolved).await });
    tokio::task::yield_now().await;
    sends.push(desk.store.send(text(desk.room, &desk.grace, "after")).await.unwrap());
    for send in sends {
        let message = stored(send.await.unwrap());
        if message.seq == 1 {
            assert!(!desk.batches.is_empty(), "the publisher hears first");
        }
    }
    assert!(resolved.await.unwrap().unwrap().unwrap().changed);
    let (mut events, mut sizes) = (Vec::new(), Vec::new());
    while let Some(batch) = desk.batches.try_recv() {
        assert_eq!(batch.version, desk.store.version().await.unwrap() - desk.batches.len() as i64);
        sizes.push(batch.size);
        events.extend(batch.events);
    }
    assert_eq!(events.iter().filter_map(seq).collect::<Vec<_>>(), (1..=52).collect::<Vec<_>>());
    assert_eq!(sizes.iter().sum::<usize>(), 52);
    assert!(sizes.len() < 10, "they shared commits: {sizes:?}");
    assert!(matches!(events[50], Event::StatusChanged { seq: 51, .. }));
    assert_eq!(desk.room(Role::User).await.status, RoomStatus::Open, "the message after it reopened");
}

#[tokio::test]
async fn a_statement_that_fails_is_not_durable_for_its_batch_and_the_next_one_works() {
    let mut desk = desk().await;
    desk.published();
    let mut stranger = desk.stranger().await;
    run(&mut stranger, "create trigger bad before insert on messages when new.text = 'bad' begin select raise(abort, 'no'); end").await;
    let mut pending = Vec::new();
    for words in ["good", "bad", "good"] {
        pending.push(desk.store.send(text(desk.room, &desk.grace, words)).await.unwrap());
    }
    for answer in pending {
        assert!(matches!(answer.await, Err(Error::NotDurable(_))));
    }
    assert!(desk.published().is_empty(), "nobody was told");
    assert_eq!(desk.says(&desk.grace, "good").await.seq, 1);
}

#[tokio::test]
async fn a_commit_that_fails_is_not_durable_for_all_and_the_next_one_works() {
    let mut desk = desk().await;
    desk.published();
    let mut stranger = desk.stranger().await;
    run(
        &mut stranger,
        "create table late (id references meta (one) deferrable initially deferred); \
         create trigger bad after insert on messages when new.text = 'bad' begin insert into late values (7); end",
    )
    .await;
    let (good, bad) = (text(desk.room, &desk.grace, "good"), text(desk.room, &desk.grace, "bad"));
    let pending = [desk.store.send(good.clone()).await.unwrap(), desk.store.send(bad).await.unwrap()];
    // Queued before the writer gets a turn, so all three share its first batch.
    let status = desk.store.set_status(desk.room, desk.ada.id, RoomStatus::Resolved);
    let answers = async {
        let mut answers = Vec::new();
        for answer in pending {
            answers.push(answer.await);
        }
        answers
    };
    let (status, answers) = tokio::join!(status, answers);
    assert!(matches!(status, Err(Error::NotDurable(_))));
    for answer in answers {
        assert!(matches!(answer, Err(Error::NotDurable(_))));
    }
    assert!(desk.published().is_empty());
    assert_eq!(stored(desk.send(good).await).seq, 1);
    assert_eq!(desk.published().len(), 1);
    desk.store.probe().await.unwrap();
}

#[tokio::test]
async fn who_waits_too_long_is_told_within_five_seconds_and_reading_goes_on() {
    let desk = desk().await;
    let mut stranger = desk.stranger().await;
    run(&mut stranger, "begin immediate").await;
    let started = std::time::Instant::now();
    let late = desk.try_send(text(desk.room, &desk.grace, "late")).await;
    assert!(matches!(late, Err(Error::NotDurable(_))), "{late:?}");
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(desk.room(Role::User).await.last_seq, 0);
    run(&mut stranger, "rollback").await;
    desk.store.probe().await.unwrap();
}

#[tokio::test]
async fn another_process_may_write_at_the_same_time() {
    let desk = desk().await;
    let (beside, _) = open(&desk.options, &desk.clock).await;
    let both = async |store: &Store, sender: &frontdesk_protocol::User| {
        for number in 0..100 {
            stored(store.send(text(desk.room, sender, &number.to_string())).await.unwrap().await.unwrap());
        }
    };
    tokio::join!(both(&desk.store, &desk.grace), both(&beside, &desk.ada));
    let seqs: Vec<_> = desk.history().await.iter().filter_map(seq).collect();
    assert_eq!(seqs, (1..=200).collect::<Vec<_>>());
    beside.close().await;
    desk.says(&desk.grace, "still here").await;
}

#[tokio::test]
async fn closing_finishes_what_is_queued_and_empties_the_log() {
    let desk = desk().await;
    let mut pending = Vec::new();
    for number in 0..100 {
        pending.push(desk.store.send(text(desk.room, &desk.grace, &number.to_string())).await.unwrap());
    }
    desk.store.close().await;
    for answer in pending {
        stored(answer.await.expect("it was queued before"));
    }
    assert!(!desk.path.with_extension("db-wal").exists());
    let late = desk.store.send(text(desk.room, &desk.grace, "late")).await;
    assert!(matches!(late, Err(Error::NotDurable(_))));
    assert!(matches!(desk.store.probe().await, Err(Error::NotDurable(_))));
    assert!(matches!(desk.store.version().await, Err(Error::Unavailable(_))));
    desk.store.close().await;
    let (again, _) = open(&desk.options, &desk.clock).await;
    assert_eq!(again.room(desk.room, Role::User).await.unwrap().unwrap().last_seq, 100);
    assert_eq!(again.epoch(), desk.store.epoch());
}

#[tokio::test]
async fn the_files_are_their_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("open.db");
    std::fs::write(&path, "").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (store, _) = Store::open(Options::new(&path), true).await.unwrap();
    store.probe().await.unwrap();
    for suffix in ["db", "db-wal", "db-shm"] {
        let mode = std::fs::metadata(path.with_extension(suffix)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{suffix}");
    }
    assert_eq!(store.epoch().len(), 32);
}

#[tokio::test]
async fn only_a_schema_of_this_version_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new.db");
    let opened = async |migrate| Store::open(Options::new(&path), migrate).await.map(drop);
    assert!(matches!(opened(false).await, Err(Error::Schema(_))), "none is made");
    assert!(!path.exists());
    let mut connection =
        SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(&path).create_if_missing(true)).await.unwrap();
    run(&mut connection, "create table other (id integer)").await;
    assert!(matches!(opened(false).await, Err(Error::Empty)), "a database of something else");
    opened(true).await.unwrap();
    opened(false).await.unwrap();
    run(&mut connection, "insert into _sqlx_migrations values (9999, 'later', 0, true, x'00', 0)").await;
    for migrate in [false, true] {
        let refused = opened(migrate).await;
        assert!(matches!(&refused, Err(Error::Schema(reason)) if reason.contains("newer")), "{refused:?}");
    }
}

#[tokio::test]
async fn times_come_from_the_clock_and_activity_never_moves_back() {
    let desk = desk().await;
    desk.wait_ms(10_000);
    assert_eq!(desk.says(&desk.grace, "Hi").await.created_at.as_millis(), START_MS + 10_000);
    desk.wait_ms(-5_000);
    desk.says(&desk.grace, "The clock was set back").await;
    assert_eq!(desk.room(Role::Admin).await.updated_at.as_millis(), START_MS + 10_000);
}
