//! `frontdesk check` finds what a bad disk does, beside a running server and without one.

use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};

use super::*;

async fn sql(database: &Path, statement: &'static str) {
    let options = SqliteConnectOptions::new().filename(database).foreign_keys(false);
    let mut connection = SqliteConnection::connect_with(&options).await.expect("the database opens");
    sqlx::query(statement).execute(&mut connection).await.expect(statement);
    connection.close().await.expect("it closes");
}

/// The file of the only attachment with this size.
fn attachment(data: &Path, size: u64) -> PathBuf {
    let folder = data.join("attachments");
    let mut found = names(&folder).into_iter().map(|name| folder.join(name));
    found.find(|path| path.is_file() && path.metadata().expect("it is there").len() == size).expect("an attachment of that size")
}

async fn finds(house: &House, problem: &str) {
    let ran = house.cli(&["check"], "").await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.lines().count() == 1 && ran.out.contains(problem), "it finds {problem}, and only that: {ran:?}");
    assert!(ran.err.contains("problems found: 1"), "{ran:?}");
}

#[tokio::test]
async fn attachments_that_are_cut_changed_or_missing_are_found() {
    let house = House::opens_outside(&[]).await;
    posts_a_file(&house, &[1; 3_000]).await;
    posts_a_file(&house, &[2; 5_000]).await;
    assert!(house.cli(&["check"], "").await.ok().starts_with("ok: 5 users, 2 rooms, 2 messages, 2 attachments (8000 bytes)\n"));
    let path = attachment(&house.data(), 3_000);
    std::fs::write(&path, [1; 2_999]).expect("it can be written");
    finds(&house, "attachment 1 (\"a.bin\", file ").await;
    finds(&house, "it is cut: 2999 bytes instead of 3000").await;
    std::fs::write(&path, [[1; 1_500], [3; 1_500]].concat()).expect("it can be written");
    finds(&house, "its bytes are not those that were taken in").await;
    std::fs::remove_file(&path).expect("it can be removed");
    finds(&house, "it is missing").await;
    is_refused(&house.cli(&["backup", "b.tar"], "").await, 1, "attachment 1 (\"a.bin\", file ");
    assert!(!names(house.folder()).iter().any(|name| name.starts_with("b.tar")), "no part of a backup is left");
    std::fs::write(&path, [1; 3_000]).expect("it can be written");
    house.cli(&["check"], "").await.ok();
    house.closes().await;
}

#[tokio::test]
async fn a_hole_in_the_seqs_and_a_wrong_count_are_found() {
    let mut house = House::opens_outside(&[]).await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    for text in ["one", "two", "three"] {
        grace.says(text).await;
    }
    house.process().kill().await;
    let database = house.data().join("frontdesk.db");
    sql(&database, "update rooms set admins_read_count = 2 where id = 101").await;
    finds(&house, "room 101: admins_read_count is 2, a recount gives 0").await;
    sql(&database, "update rooms set admins_read_count = 0 where id = 101").await;
    sql(&database, "update messages set seq = 4 where seq = 3").await;
    let found = house.cli(&["check"], "").await;
    assert!(found.out.contains("room 101: its seqs are not 1 to 3"), "{found:?}");
    sql(&database, "update messages set seq = 3 where seq = 4").await;
    house.cli(&["check"], "").await.ok();
    house.opens_again(&[]).await;
    house.closes().await;
}

#[tokio::test]
async fn a_torn_database_is_found_and_not_backed_up() {
    let (folder, _) = kept().await;
    let database = folder.path().join("data/frontdesk.db");
    let whole = std::fs::read(&database).expect("it can be read");
    for (page, kept) in [(0, 0), (2, 100), (whole.len() / 4_096 - 1, 0)] {
        let mut torn = whole.clone();
        torn[page * 4_096 + kept..(page + 1) * 4_096].fill(0x5a);
        std::fs::write(&database, &torn).expect("it can be written");
        let found = frontdesk(folder.path(), &["check"], "").await;
        assert_eq!(found.code, 1, "page {page}: {found:?}");
        assert!(!found.out.is_empty(), "the problem is a result: {found:?}");
        let refused = frontdesk(folder.path(), &["backup", "torn.tar"], "").await;
        assert_eq!(refused.code, 1, "page {page}: {refused:?}");
        assert_eq!(names(folder.path()), ["b.tar", "data"]);
        assert!(std::fs::read(&database).expect("it can be read") == torn, "looking changes nothing");
    }
    frontdesk(folder.path(), &["restore", "b.tar"], "").await.ok();
    frontdesk(folder.path(), &["check"], "").await.ok();
}

#[tokio::test]
async fn what_came_before_checksums_is_judged_by_its_size() {
    let (folder, _) = kept().await;
    assert!(!frontdesk(folder.path(), &["check"], "").await.ok().contains("checksums"), "imported files have one");
    sql(&folder.path().join("data/frontdesk.db"), "update attachments set sha256 = null where size = 3").await;
    let fine = frontdesk(folder.path(), &["check"], "").await.ok();
    assert!(fine.contains("came before checksums: 1\n"), "{fine}");
    frontdesk(folder.path(), &["backup", "c.tar"], "").await.ok();
    frontdesk(folder.path(), &["restore", "--verify", "c.tar"], "").await.ok();
    std::fs::write(attachment(&folder.path().join("data"), 3), "xy").expect("it can be written");
    let found = frontdesk(folder.path(), &["check"], "").await;
    assert!(found.code == 1 && found.out.contains("it is cut: 2 bytes instead of 3"), "{found:?}");
}

#[tokio::test]
async fn in_a_new_folder_all_is_well() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let fine = frontdesk(folder.path(), &["check"], "").await.ok();
    assert_eq!(fine, "ok: 0 users, 0 rooms, 0 messages, 0 attachments (0 bytes)\n");
    frontdesk(folder.path(), &["backup", "b.tar"], "").await.ok();
    frontdesk(folder.path(), &["restore", "b.tar"], "").await.ok();
}
