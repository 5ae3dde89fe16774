//! Several nodes on one PostgreSQL: they share rooms, and none waits for another for ever.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use frontdesk_protocol::{Id, Role, RoomStatus, Seq};
use frontdesk_store::{Event, MarkKind, NewMessage, RoomQuery, SendOutcome, Store};
use sqlx::{Connection as _, PgConnection};

use crate::fixture::{Desk, desk_of_nodes, open, person, seq, stored, text};

/// So many stores on the database of a desk.
async fn nodes(desk: &Desk, count: usize) -> Vec<Store> {
    let mut nodes = vec![desk.store.clone()];
    while nodes.len() < count {
        nodes.push(open(&desk.options, &desk.clock).await.0);
    }
    nodes
}

fn url(desk: &Desk) -> &str {
    match &desk.options.database {
        frontdesk_store::Database::Postgres(url) => url,
        frontdesk_store::Database::Sqlite(_) => panic!("a desk of nodes is on PostgreSQL"),
    }
}

async fn sql(desk: &Desk, statement: &'static str) {
    let mut connection = PgConnection::connect(url(desk)).await.expect("it answers");
    sqlx::raw_sql(statement).execute(&mut connection).await.expect(statement);
}

async fn seqs(store: &Store, room: Id) -> Vec<Seq> {
    store.events_after(room, 0, 10_000).await.expect("read").iter().filter_map(seq).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_nodes_that_start_at_once_migrate_once() {
    let url = crate::postgres::database().await;
    let starts = (0..10).map(|_| {
        let options = frontdesk_store::Options::postgres(url.clone());
        tokio::spawn(async move { Store::open(options, true).await.map(|(store, _)| store.epoch()) })
    });
    let mut epochs = BTreeSet::new();
    for start in starts.collect::<Vec<_>>() {
        epochs.insert(start.await.unwrap().expect("it starts"));
    }
    assert_eq!(epochs.len(), 1, "one history");
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let runs: i64 = sqlx::query_scalar("select count(*) from _sqlx_migrations").fetch_one(&mut connection).await.unwrap();
    assert_eq!(runs, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rooms_that_many_nodes_write_to_have_no_hole_and_nobody_waits_for_ever() {
    let desk = desk_of_nodes().await;
    let mut rooms = vec![(desk.room, desk.grace.clone())];
    for number in 1..6 {
        let user = person(&desk.store, &format!("User {number}"), &format!("777{number}"), Role::User).await;
        rooms.push((desk.store.open_room(user.id).await.unwrap().unwrap().room_id, user));
    }
    let rooms = Arc::new(rooms);
    let mut writers = Vec::new();
    for (node, store) in nodes(&desk, 4).await.into_iter().enumerate() {
        let (rooms, ada) = (rooms.clone(), desk.ada.clone());
        writers.push(tokio::spawn(async move {
            for round in 0..25 {
                let mut pending = Vec::new();
                // Each node goes through the rooms in an order of its own.
                for place in 0..rooms.len() {
                    let (room, user) = &rooms[(place * (node + 1) + round) % rooms.len()];
                    let sender = if place % 2 == 0 { user } else { &ada };
                    pending.push(store.send(text(*room, sender, &format!("{node}.{round}"))).await.unwrap());
                }
                store.set_status(rooms[(round + node) % rooms.len()].0, ada.id, RoomStatus::Resolved).await.unwrap();
                for answer in pending {
                    let message = stored(answer.await.unwrap());
                    let mark = frontdesk_store::Mark {
                        room_id: message.room_id,
                        person: ada.clone(),
                        message_id: message.id,
                        kind: MarkKind::Read,
                    };
                    store.mark(mark).await.unwrap().await.unwrap();
                }
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let (mut messages, mut unread) = (0, 0);
    for (room, _) in rooms.iter() {
        let events = desk.store.events_after(*room, 0, 10_000).await.unwrap();
        let seqs: Vec<Seq> = events.iter().filter_map(seq).collect();
        assert_eq!(seqs, (1..=seqs.len() as Seq).collect::<Vec<_>>());
        let ids: Vec<Id> =
            events.iter().filter_map(|event| if let Event::Message(message) = event { Some(message.id) } else { None }).collect();
        assert!(ids.is_sorted(), "ids grow with seqs");
        messages += ids.len();
        unread += desk.store.room(*room, Role::Admin).await.unwrap().unwrap().unread_count;
    }
    assert_eq!(messages, 4 * 25 * 6);
    let summary = desk.store.summary(Role::Admin, desk.ada.id).await.unwrap();
    assert_eq!((summary.rooms, summary.unread), (6, unread), "the sums are those of the rooms");
    assert_eq!(summary.open + summary.resolved, 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_sent_on_several_nodes_at_once_is_stored_once() {
    let desk = desk_of_nodes().await;
    let other = desk.store.open_room(person(&desk.store, "Alan", "5550002", Role::User).await.id).await.unwrap().unwrap().room_id;
    let nodes = nodes(&desk, 4).await;
    for round in 0..20 {
        let message = NewMessage { client_id: Some(format!("r{round}")), ..text(desk.room, &desk.ada, "Hi") };
        // The last node says the same in another room.
        let elsewhere = NewMessage { room_id: other, ..message.clone() };
        let sends = nodes.iter().enumerate().map(|(node, store)| {
            let (store, message) = (store.clone(), if node == 3 { elsewhere.clone() } else { message.clone() });
            tokio::spawn(async move { store.send(message).await.unwrap().await.unwrap() })
        });
        let mut outcomes = Vec::new();
        for send in sends.collect::<Vec<_>>() {
            outcomes.push(send.await.unwrap());
        }
        let stored: Vec<_> = outcomes.iter().filter(|outcome| matches!(outcome, SendOutcome::Stored(_))).collect();
        assert_eq!(stored.len(), 1, "{outcomes:?}");
    }
    let both = seqs(&desk.store, desk.room).await.len() + seqs(&desk.store, other).await.len();
    assert_eq!(both, 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_that_open_a_persons_room_at_once_open_one() {
    let desk = desk_of_nodes().await;
    let nodes = nodes(&desk, 4).await;
    for number in 0..10 {
        let user = person(&desk.store, "Alan", &format!("888{number}"), Role::User).await.id;
        let opens: Vec<_> = nodes.iter().cloned().map(|store| tokio::spawn(async move { store.open_room(user).await })).collect();
        let mut rooms = BTreeSet::new();
        for open in opens {
            rooms.insert(open.await.unwrap().unwrap().unwrap().room_id);
        }
        assert_eq!(rooms.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scan_finds_what_was_committed_late() {
    let desk = desk_of_nodes().await;
    let before = desk.store.version().await.unwrap();
    // Another node's transaction has its number, and is not at its end yet.
    let mut slow = PgConnection::connect(url(&desk)).await.unwrap();
    sqlx::raw_sql("begin; update rooms set version = pg_current_xact_id()::text::bigint").execute(&mut slow).await.unwrap();
    let alan = person(&desk.store, "Alan", "5550002", Role::User).await;
    let other = desk.store.open_room(alan.id).await.unwrap().unwrap().room_id;
    let page = desk.store.heads_changed(before, 10).await.unwrap();
    assert_eq!(page.heads.iter().map(|head| head.room_id).collect::<Vec<_>>(), [other]);
    assert!(page.seen.shows(page.heads[0].version));
    assert!(page.seen.version < page.heads[0].version, "what is on its way holds the place back");
    sqlx::raw_sql("commit").execute(&mut slow).await.unwrap();
    let page = desk.store.heads_changed(page.seen.version, 10).await.unwrap();
    assert_eq!(page.heads.iter().map(|head| head.room_id).collect::<BTreeSet<_>>(), BTreeSet::from([desk.room, other]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_survives_that_the_connections_are_cut() {
    let desk = desk_of_nodes().await;
    desk.says(&desk.grace, "Hi").await;
    const CUT: &str =
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
    for round in 0..5 {
        let sends = (0..20).map(|number| NewMessage { client_id: Some(format!("{round}.{number}")), ..text(desk.room, &desk.grace, "Hi") });
        let mut pending = Vec::new();
        for message in sends {
            pending.push(desk.store.send(message).await.unwrap());
        }
        sql(&desk, CUT).await;
        for answer in pending {
            assert!(matches!(answer.await.unwrap(), SendOutcome::Stored(_) | SendOutcome::Duplicate(_)));
        }
    }
    // A reader's first question after the cut may be the one that finds out.
    let _ = desk.store.version().await;
    assert_eq!(seqs(&desk.store, desk.room).await, (1..=101).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conflict_with_another_node_is_tried_again() {
    let desk = desk_of_nodes().await;
    let mut other = PgConnection::connect(url(&desk)).await.unwrap();
    sqlx::raw_sql("begin; select 1 from rooms for update").execute(&mut other).await.unwrap();
    let pending = desk.store.send(text(desk.room, &desk.grace, "Hi")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    sqlx::raw_sql("select pg_cancel_backend(pid) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()")
        .execute(&mut other)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    sqlx::raw_sql("rollback").execute(&mut other).await.unwrap();
    assert_eq!(stored(pending.await.unwrap()).seq, 1);
}

#[tokio::test]
async fn a_database_that_was_copied_to_another_place_begins_a_history() {
    let desk = desk_of_nodes().await;
    desk.says(&desk.grace, "Hi").await;
    let sid = desk.store.create_session(desk.grace.id, [1; 32]).await.unwrap();
    let epoch = desk.store.epoch();
    let (again, _) = open(&desk.options, &desk.clock).await;
    assert_eq!(again.epoch(), epoch, "the same database goes on");
    sql(&desk, "update meta set home = 'elsewhere'; update rooms set version = 999999999999").await;
    let (moved, _) = open(&desk.options, &desk.clock).await;
    assert_ne!(moved.epoch(), epoch);
    assert!(moved.authenticate(desk.grace.id, Some(&sid), None, None).await.unwrap().unwrap().ended, "who signed out since must stay out");
    let end = desk.version().await;
    assert_eq!(moved.heads_changed(end, 10).await.unwrap().heads, [], "no version is ahead of the transactions");
    let query = RoomQuery { viewer: Role::Admin, user_id: desk.ada.id, q: None, status: None, unread: true, cursor: None, limit: 9 };
    assert_eq!(moved.rooms(&query).await.unwrap().results.len(), 1);
}

#[tokio::test]
async fn a_failover_is_another_epoch() {
    let desk = desk_of_nodes().await;
    let epoch = desk.store.epoch();
    let mut epochs = desk.store.epochs();
    epochs.mark_unchanged();
    sql(&desk, "update meta set timeline = '00000000'").await;
    // Whoever connects next finds the log on another timeline than the one that the history began on.
    let (after, _) = open(&desk.options, &desk.clock).await;
    assert!(after.epoch().starts_with(&*epoch) && after.epoch() != epoch, "{}", after.epoch());
}

/// People, rooms of both statuses, messages of both sides with all kinds of client ids, changes of status and receipts.
fn history(messages: i64) -> impl Iterator<Item = String> {
    const ROOMS: i64 = 50;
    let at = |number: i64| frontdesk_protocol::Timestamp::from_millis(crate::fixture::START_MS + number);
    let people = (1..=ROOMS).map(|id| format!(r#"{{"type":"user","id":{id},"phone":"77{id}","name":"User {id}","role":"user"}}"#));
    let admin = format!(r#"{{"type":"user","id":{},"phone":"99","name":"Admin","role":"admin"}}"#, ROOMS + 1);
    let meta = r#"{"type":"meta","epoch":"0123456789abcdef0123456789abcdef"}"#.to_owned();
    let rooms = (1..=ROOMS).map(move |id| {
        let status = if id % 3 == 0 { "resolved" } else { "open" };
        format!(r#"{{"type":"room","id":{id},"user_id":{id},"status":"{status}","created_at":"{}"}}"#, at(0))
    });
    let said = (0..messages).map(move |number| {
        let (room, seq) = (number % ROOMS + 1, number / ROOMS + 1);
        if seq % 100 == 7 {
            let status = if seq % 200 == 7 { "resolved" } else { "open" };
            return format!(
                r#"{{"type":"event","room_id":{room},"seq":{seq},"status":"{status}","user_id":{},"created_at":"{}"}}"#,
                ROOMS + 1,
                at(number)
            );
        }
        let sender = if number % 2 == 0 { room } else { ROOMS + 1 };
        let client_id = match number % 3 {
            0 => format!(r#","client_id":"{}""#, uuid::Uuid::from_u128(number as u128).hyphenated()),
            1 => format!(r#","client_id":"x{number}""#),
            _ => String::new(),
        };
        format!(
            r#"{{"type":"message","id":{},"room_id":{room},"seq":{seq},"sender_id":{sender},"message":"{number} ü","created_at":"{}"{client_id}}}"#,
            number + 1,
            at(number)
        )
    });
    let receipts = (1..=ROOMS).map(move |id| {
        let message = (messages / ROOMS - 10 - id % 3) * ROOMS + id;
        format!(r#"{{"type":"receipt","room_id":{id},"user_id":{},"read_message_id":{message}}}"#, ROOMS + 1)
    });
    std::iter::once(meta).chain(people).chain([admin]).chain(rooms).chain(said).chain(receipts)
}

async fn import(store: &Store, records: Vec<frontdesk_store::Record>) {
    let mut records = records.into_iter().peekable();
    while records.peek().is_some() {
        store.import(records.by_ref().take(1_000).collect()).await.expect("it is taken");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_messages_move_up_from_sqlite_and_nothing_is_lost() {
    let lines: Vec<frontdesk_store::Record> = history(100_000).map(|line| serde_json::from_str(&line).expect("a record")).collect();
    let folder = tempfile::tempdir().unwrap();
    let file = frontdesk_store::Options::new(folder.path().join("frontdesk.db"));
    let small = Store::open(file.clone(), true).await.unwrap().0;
    import(&small, lines).await;
    let records = crate::import_export::export(&small).await;
    let large = frontdesk_store::Options::postgres(crate::postgres::database().await);
    let (above, _) = Store::open(large.clone(), true).await.unwrap();
    import(&above, records.clone()).await;
    assert!(crate::import_export::export(&above).await == records, "every record is there as it was");
    let admin = 51;
    assert_eq!(above.summary(Role::Admin, admin).await.unwrap(), small.summary(Role::Admin, admin).await.unwrap());
    for options in [&file, &large] {
        let mut inspection = frontdesk_store::Inspection::open(&options.database).await.unwrap();
        let checked = inspection.check().await.unwrap();
        assert_eq!(checked.problems, frontdesk_store::Problems::default());
        assert_eq!(checked.counts.map(|counts| counts.messages), Some(99_000));
    }
    let (again, _) = Store::open(large, true).await.unwrap();
    assert_eq!(&*again.epoch(), "0123456789abcdef0123456789abcdef");
}
