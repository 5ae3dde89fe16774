//! A backup that is cut, changed or meant to do harm is refused, and the data stay as they were.

use frontdesk::backup;
use rand::{Rng, SeedableRng, rngs::StdRng};
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tar::{Builder, EntryType};

use super::{
    tar_file::{Parts, build, header, parts},
    *,
};

/// Why this is no backup that could be restored.
async fn refused(folder: &Path, bytes: &[u8]) -> String {
    let path = folder.join("bad.tar");
    std::fs::write(&path, bytes).expect("it can be written");
    match backup::verify(&path).await {
        Ok(contents) => panic!("it was believed: {contents:?}"),
        Err(error) => format!("{error:#}"),
    }
}

#[tokio::test]
async fn a_torn_backup_is_refused_wherever_it_was_cut() {
    let (folder, backup) = kept().await;
    let whole = std::fs::read(backup).expect("it can be read");
    let mut dice = StdRng::seed_from_u64(1);
    let blocks = (0..whole.len()).step_by(512).flat_map(|at| [at, at + 1, at + 511]);
    let end = whole.len() - 1_600..whole.len();
    for at in blocks.chain(end).filter(|at| *at < whole.len()) {
        // Most cuts within the database are alike.
        if at > 4_096 && at < whole.len() - 8_192 && dice.random_bool(0.9) {
            continue;
        }
        let reason = refused(folder.path(), &whole[..at]).await;
        assert!(reason.contains("torn") || reason.contains("not a backup") || reason.contains("cannot be read"), "cut at {at}: {reason}");
    }
    refused(folder.path(), &[&whole[..], b"more"].concat()).await;
    refused(folder.path(), &[&whole[..], &[0; 512]].concat()).await;
}

/// What nobody reads in a tar: what fills up its blocks, and the end of the field of a header's own checksum.
fn unread(path: &Path) -> Vec<std::ops::Range<usize>> {
    let mut tar = tar::Archive::new(std::fs::File::open(path).expect("the backup is there"));
    let entries = tar.entries().expect("it is a tar").flat_map(|entry| {
        let entry = entry.expect("an entry");
        let header = usize::try_from(entry.raw_header_position()).expect("small");
        let end = usize::try_from(entry.raw_file_position() + entry.size()).expect("small");
        [header + 154..header + 156, end..end.next_multiple_of(512)]
    });
    // What fills up the last entry is read, to see whether the tar ends well.
    let mut all: Vec<_> = entries.collect();
    all.pop();
    all
}

#[tokio::test]
async fn a_changed_bit_is_found_wherever_it_is() {
    let (folder, backup) = kept().await;
    let whole = std::fs::read(&backup).expect("it can be read");
    let unread = unread(&backup);
    let seed = rand::random();
    println!("SEED={seed}");
    let mut dice = StdRng::seed_from_u64(seed);
    let mut places: Vec<usize> = (0..300).map(|_| dice.random_range(0..whole.len())).collect();
    places.extend((0..1_600).chain(whole.len() - 3_000..whole.len()).step_by(3));
    for at in places.into_iter().filter(|at| !unread.iter().any(|range| range.contains(at))) {
        let mut changed = whole.clone();
        changed[at] ^= 1 << dice.random_range(0..8);
        refused(folder.path(), &changed).await;
    }
}

#[tokio::test]
async fn a_wrong_file_leaves_the_data_as_they_are() {
    let (folder, backup) = kept().await;
    let exported = frontdesk(folder.path(), &["export"], "").await.ok();
    let before = names(&folder.path().join("data"));
    let whole = std::fs::read(&backup).expect("it can be read");
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        bytes
    };
    let of_database = 512 + 512 + 512 + 20_000;
    let of_attachment = whole.windows(10).rposition(|bytes| bytes == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]).expect("the attachment is in it");
    for (name, bytes, reason) in [
        ("empty.tar", Vec::new(), "not a backup"),
        ("letter.tar", b"Dear admin, this is a letter.".repeat(100), "not a backup"),
        ("cut.tar", whole[..whole.len() / 2].to_vec(), "torn"),
        ("cut-late.tar", whole[..whole.len() - 600].to_vec(), "torn"),
        ("page.tar", flipped(of_database), "frontdesk.db is damaged"),
        ("attachment.tar", flipped(of_attachment), "is damaged"),
    ] {
        std::fs::write(folder.path().join(name), bytes).expect("it can be written");
        for args in [&["restore", name][..], &["restore", "--verify", name]] {
            is_refused(&frontdesk(folder.path(), args, "").await, 1, reason);
        }
        assert_eq!(names(&folder.path().join("data")), before, "{name}");
    }
    is_refused(&frontdesk(folder.path(), &["restore", "absent.tar"], "").await, 1, "absent.tar");
    is_refused(&frontdesk(folder.path(), &["restore", "."], "").await, 1, "not a file");
    assert_eq!(frontdesk(folder.path(), &["export"], "").await.ok(), exported);
}

fn with(parts: &Parts, name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut parts = parts.clone();
    parts.push((name.into(), bytes.into()));
    build(parts)
}

#[tokio::test]
async fn names_and_kinds_that_a_backup_never_has_are_refused() {
    let (folder, path) = kept().await;
    let good = parts(&path);
    let stranger = format!("attachments/{}", "0".repeat(32));
    for (name, reason) in [
        ("/etc/frontdesk", "none of the files"),
        ("../escaped", "none of the files"),
        ("attachments/../../escaped", "none of the files"),
        ("attachments/letter.txt", "none of the files"),
        ("attachments/", "none of the files"),
        ("lock", "none of the files"),
        ("frontdesk.db-wal", "none of the files"),
        ("frontdesk.db", "there twice"),
        ("jwt.secret", "there twice"),
        (&stranger, "belongs to no message"),
    ] {
        let reasons = refused(folder.path(), &with(&good, name, b"harm")).await;
        assert!(reasons.contains(reason), "{name}: {reasons}");
    }
    for kind in [EntryType::Symlink, EntryType::Link, EntryType::Directory, EntryType::Fifo, EntryType::GNULongName, EntryType::XHeader] {
        let mut tar = Builder::new(Vec::new());
        tar.append(&header("backup.json", good[0].1.len() as u64, EntryType::Regular, None), &good[0].1[..]).expect("memory takes it");
        tar.append(&header(&stranger, 0, kind, Some("/etc/passwd")), &b""[..]).expect("memory takes it");
        let reason = refused(folder.path(), &tar.into_inner().expect("memory takes it")).await;
        assert!(reason.contains("none of the files"), "{kind:?}: {reason}");
    }
    assert!(!folder.path().join("escaped").exists() && !Path::new("/etc/frontdesk").exists());
}

/// The database after a migration that is not known here.
async fn of_a_newer_version(folder: &Path, good: &Parts) -> Vec<u8> {
    let path = folder.join("newer.db");
    let database = good.iter().find(|(name, _)| name == "frontdesk.db").expect("it is there");
    std::fs::write(&path, &database.1).expect("it can be written");
    let mut connection = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(&path)).await.expect("it opens");
    let migration =
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time) values (9999, 'x', 1, x'00', 1)";
    sqlx::query(migration).execute(&mut connection).await.expect("it takes a row");
    connection.close().await.expect("it closes");
    std::fs::read(&path).expect("it can be read")
}

#[tokio::test]
async fn a_backup_that_lacks_something_is_refused() {
    let (folder, path) = kept().await;
    let good = parts(&path);
    let without = |name: &str| build(good.iter().filter(|(part, _)| !part.starts_with(name)).cloned().collect());
    for (bytes, reason) in [
        (without("backup.json"), "not a backup"),
        (without("frontdesk.db"), "frontdesk.db is missing"),
        (without("attachments/"), "it is missing"),
        (with(&Vec::new(), "backup.json", b"{}"), "backup.json cannot be read"),
    ] {
        let found = refused(folder.path(), &bytes).await;
        assert!(found.contains(reason), "{reason}: {found}");
    }
    let replaced = |name: &str, bytes: &[u8]| {
        let mut parts = good.clone();
        parts.iter_mut().find(|(part, _)| part.starts_with(name)).expect("it is there").1 = bytes.into();
        build(parts)
    };
    for (bytes, reason) in [
        (replaced("frontdesk.db", b"no database"), "database"),
        (replaced("frontdesk.db", b""), "it holds no Frontdesk"),
        (replaced("attachments/", b"other"), "attachment 1"),
    ] {
        let found = refused(folder.path(), &bytes).await;
        assert!(found.contains(reason), "{reason}: {found}");
    }
    let newer = replaced("frontdesk.db", &of_a_newer_version(folder.path(), &good).await);
    assert!(refused(folder.path(), &newer).await.contains("made by a newer Frontdesk"));
    std::fs::write(folder.path().join("good.tar"), build(good)).expect("it can be written");
    backup::verify(&folder.path().join("good.tar")).await.expect("put together again it is a backup");
}
