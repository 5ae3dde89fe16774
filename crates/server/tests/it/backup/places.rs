//! Where backups and databases lie: full disks, umasks, a demo's folder, a database elsewhere, and an older schema.

use std::os::unix::fs::PermissionsExt;

use sqlx::{Connection as _, SqliteConnection, migrate::Migrator, sqlite::SqliteConnectOptions};

use super::{tar_file::parts, *};

/// The binary under a shell's limits, on the data folder `folder/data`.
fn shell(folder: &Path, limits: &str, args: &str) -> tokio::process::Command {
    let binary = env!("CARGO_BIN_EXE_frontdesk");
    let mut shell = tokio::process::Command::new("sh");
    shell.args(["-c", &format!("{limits}; exec '{binary}' {args}")]).current_dir(folder).kill_on_drop(true);
    shell.env("FRONTDESK_DATA", folder.join("data"));
    shell
}

/// No file grows past 64 KiB, and whoever tries gets an error as from a full disk.
const FULL: &str = "trap '' XFSZ; ulimit -f 128";

#[tokio::test]
async fn where_there_is_no_room_nothing_is_left() {
    let (folder, backup) = kept().await;
    is_refused(&frontdesk(folder.path(), &["backup", "no/such/folder/c.tar"], "").await, 1, "No such file");
    is_refused(&frontdesk(folder.path(), &["backup", "/proc/c.tar"], "").await, 1, "/proc/c.tar");
    let full = process::finish(&mut shell(folder.path(), FULL, "backup c.tar"), "").await;
    is_refused(&full, 1, "the database could not be copied");
    assert_eq!(names(folder.path()), ["b.tar", "data"]);
    // Room for the snapshot, but not for the tar.
    let snapshot = parts(&backup).iter().find(|(name, _)| name == "frontdesk.db").expect("it is there").1.len() / 512 + 4;
    let full = process::finish(&mut shell(folder.path(), &format!("trap '' XFSZ; ulimit -f {snapshot}"), "backup c.tar"), "").await;
    is_refused(&full, 1, "File too large");
    assert_eq!(names(folder.path()), ["b.tar", "data"]);
    let before = names(&folder.path().join("data"));
    let full = process::finish(&mut shell(folder.path(), FULL, "restore b.tar"), "").await;
    assert_eq!(full.code, 1, "{full:?}");
    assert_eq!(names(&folder.path().join("data")), before);
    frontdesk(folder.path(), &["check"], "").await.ok();
}

#[tokio::test]
async fn a_file_that_is_there_is_not_overwritten() {
    let (folder, backup) = kept().await;
    let before = std::fs::read(&backup).expect("it can be read");
    is_refused(&frontdesk(folder.path(), &["backup", "b.tar"], "").await, 1, "is there already");
    assert!(std::fs::read(&backup).expect("it can be read") == before);
    // What a killed backup leaves is taken over.
    std::fs::write(folder.path().join("c.tar.partial"), "left over").expect("it can be written");
    std::fs::write(folder.path().join("c.tar.partial.db"), "left over").expect("it can be written");
    frontdesk(folder.path(), &["backup", "c.tar"], "").await.ok();
    frontdesk(folder.path(), &["restore", "--verify", "c.tar"], "").await.ok();
    assert_eq!(names(folder.path()), ["b.tar", "c.tar", "data"]);
}

fn modes(path: &Path) -> Vec<(PathBuf, u32)> {
    let mut found = vec![(path.to_owned(), path.metadata().expect("it is there").permissions().mode() & 0o777)];
    if path.is_dir() {
        found.extend(names(path).iter().flat_map(|name| modes(&path.join(name))));
    }
    found
}

#[tokio::test]
async fn backups_and_what_is_restored_are_the_owners_alone_whatever_the_umask() {
    let (folder, _) = kept().await;
    process::finish(&mut shell(folder.path(), "umask 000", "backup c.tar"), "").await.ok();
    assert_eq!(modes(&folder.path().join("c.tar"))[0].1, 0o600);
    process::finish(&mut shell(folder.path(), "umask 000", "restore c.tar"), "").await.ok();
    for (path, mode) in modes(&folder.path().join("data")) {
        assert_eq!(mode, if path.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
    }
}

#[tokio::test]
async fn a_demos_backup_stays_a_demos() {
    let (folder, _) = kept().await;
    let mut demo = Process::serve(folder.path(), &folder.path().join("demo"), &["--demo"]).await;
    demo.kill().await;
    let run = async |data: &str, args: &[&str]| {
        process::finish(process::command(folder.path(), args).env("FRONTDESK_DATA", folder.path().join(data)), "").await
    };
    run("demo", &["backup", "demo.tar"]).await.ok();
    is_refused(&run("data", &["restore", "demo.tar"]).await, 2, "is of a demo");
    is_refused(&run("demo", &["restore", "b.tar"]).await, 2, "a demo's folder");
    assert!(run("demo", &["restore", "--verify", "demo.tar"]).await.ok().contains("a demo's backup"));
    run("new", &["restore", "demo.tar"]).await.ok();
    is_refused(&run("new", &["serve", "--listen", "127.0.0.1:0"]).await, 2, "demo");
    let attachments = |data: &str| names(&folder.path().join(data).join("attachments")).into_iter().filter(|name| name != "tmp").collect();
    let (of_demo, of_new): (Vec<String>, Vec<String>) = (attachments("demo"), attachments("new"));
    assert_eq!(of_demo, of_new);
    assert!(of_new.iter().any(|name| name.ends_with(".thumb")), "small copies come with them");
    run("demo", &["restore", "demo.tar"]).await.ok();
    let mut again = Process::serve(folder.path(), &folder.path().join("new"), &["--demo"]).await;
    again.kill().await;
}

#[tokio::test]
async fn a_database_elsewhere_is_restored_where_it_is() {
    let (folder, _) = kept().await;
    std::fs::create_dir(folder.path().join("disk")).expect("a folder can be made");
    let url = format!("sqlite:{}", folder.path().join("disk/chat.db").display());
    let run = async |args: &[&str], input: &str| {
        let mut command = process::command(folder.path(), args);
        command.env("FRONTDESK_DATA", folder.path().join("other")).env("FRONTDESK_DATABASE_URL", &url);
        process::finish(&mut command, input).await
    };
    run(&["import", "-"], r#"{"type":"user","id":99,"phone":"99","name":"Older","role":"user"}"#).await.ok();
    let restored = run(&["restore", "b.tar"], "").await.ok();
    assert!(run(&["check"], "").await.ok().starts_with("ok: 5 users, 2 rooms, 30 messages, 3 attachments"), "{restored}");
    assert!(!names(&folder.path().join("other")).contains(&"frontdesk.db".to_owned()));
    let disk = names(&folder.path().join("disk"));
    let kept = disk.iter().find(|name| name.starts_with("chat.db.replaced-")).expect("the old one is beside it");
    let url = format!("sqlite:{}", folder.path().join("disk").join(kept).display());
    let users = frontdesk(folder.path(), &["user", "list", "--database-url", &url], "").await.ok();
    assert!(users.contains("Older"), "{users}");
}

/// A data folder as the first version left it.
async fn of_the_first_version(data: &Path) {
    std::fs::create_dir(data).expect("a folder can be made");
    std::fs::write(data.join("lock"), "").expect("it can be written");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../store/migrations/sqlite");
    let mut migrator = Migrator::new(folder).await.expect("the migrations can be read");
    migrator.migrations.to_mut().truncate(1);
    let options = SqliteConnectOptions::new().filename(data.join("frontdesk.db")).create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options).await.expect("it opens");
    migrator.run_direct(None, &mut connection, false).await.expect("the first migration runs");
    for statement in [
        "insert into meta (one, epoch, version) values (1, '00000000000000000000000000000001', 0)",
        "insert into users (id, phone, name, role, search) values (1, '1', 'Grace', 'user', 'grace')",
    ] {
        sqlx::query(statement).execute(&mut connection).await.expect(statement);
    }
    connection.close().await.expect("it closes");
}

#[tokio::test]
async fn an_upgrade_keeps_a_copy_of_the_database_as_it_was() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    of_the_first_version(&data).await;
    let full = process::finish(&mut shell(folder.path(), FULL, "serve --listen 127.0.0.1:0"), "").await;
    is_refused(&full, 1, "migration 2 was not run, since the database could not be copied before it");
    assert!(!names(&data).iter().any(|name| name.contains("before")), "no half of a copy is left");
    // Looking and backing up need no migration, and an older backup can be restored.
    frontdesk(folder.path(), &["check"], "").await.ok();
    frontdesk(folder.path(), &["backup", "older.tar"], "").await.ok();
    assert!(!names(&data).iter().any(|name| name.contains("before")));
    let mut server = Process::serve(folder.path(), &data, &[]).await;
    until("the log says so", async || server.log().contains("frontdesk.db.before-migration-0002")).await;
    server.kill().await;
    let copy = data.join("frontdesk.db.before-migration-0002");
    assert_eq!(modes(&copy)[0].1, 0o600);
    frontdesk(folder.path(), &["restore", "older.tar"], "").await.ok();
    let list = frontdesk(folder.path(), &["user", "list"], "").await;
    assert!(list.err.contains("before-migration-0002"), "a command says so, too: {list:?}");
    assert!(list.ok().contains("Grace"));
    let again = frontdesk(folder.path(), &["user", "list"], "").await;
    assert_eq!(again.err, "");
}
