//! Copies of the database: beside a writer, before a migration, and as the beginning of another history.

use std::{os::unix::fs::PermissionsExt, path::Path};

use frontdesk_protocol::{Role, RoomStatus};
use frontdesk_store::{Error, Inspection, Options, RoomQuery, Store, begin_new_history, copy_database};
use sqlx::Connection as _;

use crate::fixture::{desk, file, hundred_thousand, of_version, text};

/// A database as the first version left it, with a person in it.
async fn of_the_first_version(path: &Path) {
    let mut connection = of_version(1, path).await;
    for statement in [
        "insert into meta (one, epoch, version) values (1, '00000000000000000000000000000001', 0)",
        "insert into users (id, phone, name, role, search) values (1, '1', 'Grace', 'user', 'grace')",
    ] {
        sqlx::query(statement).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_copy_beside_a_writer_is_one_moment() {
    let desk = desk().await;
    let to = desk.path.with_file_name("copy.db");
    let mut copied = 0;
    let writing = async {
        for number in 0..400 {
            let mut message = text(desk.room, &desk.grace, &number.to_string());
            message.attachments = vec![file(&number.to_string())];
            desk.send(message).await;
        }
    };
    let copying = async {
        for _ in 0..8 {
            copy_database(&desk.path, &to).await.unwrap();
            assert_eq!(to.metadata().unwrap().permissions().mode() & 0o777, 0o600);
            let mut copy = Inspection::open(&to).await.unwrap();
            let checked = copy.check().await.unwrap();
            assert_eq!(checked.problems.lines, Vec::<String>::new());
            let counts = checked.counts.unwrap();
            assert_eq!(counts.messages, counts.attachments);
            copied = copied.max(counts.messages);
            std::fs::remove_file(&to).unwrap();
        }
    };
    tokio::join!(writing, copying);
    assert!(copied > 0, "there was something to copy");
}

#[tokio::test]
async fn a_copy_never_replaces_anything() {
    let desk = desk().await;
    let to = desk.path.with_file_name("copy.db");
    std::fs::write(&to, "mine").unwrap();
    assert!(matches!(copy_database(&desk.path, &to).await, Err(Error::Copy(_))));
    assert_eq!(std::fs::read(&to).unwrap(), b"mine");
}

#[tokio::test]
async fn before_a_migration_the_database_is_copied() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("frontdesk.db");
    of_the_first_version(&path).await;
    let (store, _batches) = Store::open(Options::new(&path), true).await.unwrap();
    let copy = store.copy_before_migration().expect("a copy").to_owned();
    assert_eq!(copy, folder.path().join("frontdesk.db.before-migration-0002"));
    assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(store.account(1).await.unwrap().unwrap().user.name, "Grace");
    store.close().await;
    let mut inspection = Inspection::open(&copy).await.unwrap();
    assert!(!inspection.is_current(), "it is as it was before");
    assert_eq!(inspection.verify().await.unwrap().users, 1);
    assert_eq!(inspection.check().await.unwrap().problems.lines, Vec::<String>::new(), "an older one is judged by what it has");

    let (again, _batches) = Store::open(Options::new(&path), true).await.unwrap();
    assert_eq!(again.copy_before_migration(), None);
    again.close().await;
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "the database and its copy: {names:?}");
}

#[tokio::test]
async fn a_large_database_of_the_second_version_has_its_totals_and_finds_its_people() {
    let folder = tempfile::tempdir().unwrap();
    let path = hundred_thousand(&folder).await;
    let (store, _batches) = Store::open(Options::new(&path), true).await.unwrap();
    let summary = store.summary(Role::Admin, 1).await.unwrap();
    assert_eq!((summary.open, summary.resolved), (75_000, 25_000));
    assert_eq!((summary.rooms_unread, summary.unread), (66_667, 100_000));
    let query = |q: &str| RoomQuery {
        viewer: Role::Admin,
        user_id: 1,
        q: Some(q.into()),
        status: Some(RoomStatus::Resolved),
        unread: true,
        cursor: None,
        limit: 2,
    };
    for (q, first) in [("USER 1", 100_000), ("5000004", 4), ("er 77777", 0), ("zq", 0), ("4", 99_964)] {
        let page = store.rooms(&query(q)).await.unwrap();
        assert_eq!(page.results.first().map_or(0, |room| room.id), first, "{q}");
    }
    store.close().await;
    let mut inspection = Inspection::open(&path).await.unwrap();
    assert_eq!(inspection.check().await.unwrap().problems.lines, Vec::<String>::new());
}

#[tokio::test]
async fn a_new_database_makes_no_copy() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _batches) = Store::open(Options::new(folder.path().join("frontdesk.db")), true).await.unwrap();
    assert_eq!(store.copy_before_migration(), None);
    store.close().await;
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn without_a_copy_nothing_is_migrated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("frontdesk.db");
    of_the_first_version(&path).await;
    // What stands in the way of the copy, as a full disk would.
    std::fs::create_dir(folder.path().join("frontdesk.db.before-migration-0002.partial")).unwrap();
    let refused = Store::open(Options::new(&path), true).await.map(drop).unwrap_err();
    assert!(matches!(&refused, Error::Schema(reason) if reason.contains("migration 2 was not run")), "{refused}");
    assert!(!Inspection::open(&path).await.unwrap().is_current());
}

#[tokio::test]
async fn another_history_has_another_epoch_and_no_sessions() {
    let desk = desk().await;
    desk.says(&desk.grace, "Hi").await;
    let sid = desk.store.create_session(desk.grace.id, [1; 32]).await.unwrap();
    let to = desk.path.with_file_name("copy.db");
    copy_database(&desk.path, &to).await.unwrap();
    begin_new_history(&to).await.unwrap();
    assert!(!desk.path.with_file_name("copy.db-wal").exists(), "it stays one file");
    let (copy, _batches) = Store::open(Options::new(&to), true).await.unwrap();
    assert_ne!(copy.epoch(), desk.store.epoch());
    assert_eq!(copy.room(desk.room, Role::Admin).await.unwrap().unwrap().last_seq, 1);
    assert!(copy.authenticate(desk.grace.id, Some(&sid), None, None).await.unwrap().unwrap().ended);
    assert_eq!(copy.rotate([1; 32], [2; 32]).await.unwrap(), frontdesk_store::RotateOutcome::Unknown);
}
