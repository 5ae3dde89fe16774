//! PostgreSQL as it is run in earnest: over TLS, and with another server that takes over.

use std::path::Path;

use frontdesk_store::{Options, Store};
use sqlx::{Connection as _, PgConnection};

use crate::{
    fixture::{desk_on, open},
    postgres::{Folder, Server, free_port, programs, succeed},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_is_used_and_an_unknown_authority_is_refused() {
    let folder = Folder::new();
    folder.init();
    let (key, certificate) = (folder.path.join("key.pem"), folder.path.join("certificate.pem"));
    let mut openssl = folder.command(Path::new("openssl"));
    openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]);
    openssl.args(["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"]);
    openssl.arg("-keyout").arg(&key).arg("-out").arg(&certificate);
    succeed(openssl);
    let settings = [format!("ssl_key_file={}", key.display()), format!("ssl_cert_file={}", certificate.display())];
    let server = Server::run(&folder, free_port(), &["ssl=on", &settings[0], &settings[1]]);
    let url = format!("{}?sslmode=verify-full", server.url("postgres"));
    let desk = desk_on(Options::postgres(format!("{url}&sslrootcert={}", certificate.display()))).await;
    desk.says(&desk.grace, "over TLS").await;
    let mut watcher = PgConnection::connect(&server.url("postgres")).await.unwrap();
    let encrypted: i64 = sqlx::query_scalar("select count(*) from pg_stat_ssl where ssl").fetch_one(&mut watcher).await.unwrap();
    assert!(encrypted > 0, "the store's connections are encrypted");
    assert!(Store::open(Options::postgres(url), true).await.is_err(), "nobody vouches for this certificate");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_that_takes_over_is_noticed_by_its_timeline() {
    let folder = Folder::new();
    folder.init();
    let mut first = Server::run(&folder, free_port(), &[]);
    let url = first.url("postgres");
    let desk = desk_on(Options::postgres(url.clone())).await;
    let before = desk.store.epoch();
    desk.says(&desk.grace, "kept").await;

    let copy = Folder::new();
    let mut backup = copy.command(&programs().join("pg_basebackup"));
    backup.args(["-h", "127.0.0.1", "-U", "frontdesk", "-p", &first.port.to_string(), "-c", "fast", "-X", "fetch", "--no-sync", "-D"]);
    backup.arg(copy.data());
    succeed(backup);
    desk.says(&desk.grace, "lost with the first server").await;
    let epochs = desk.store.epochs();
    first.stop();
    let mut touch = copy.command(Path::new("touch"));
    touch.arg(copy.data().join("recovery.signal"));
    succeed(touch);
    // It recovers what it has and goes on with a timeline of its own, as a standby that is promoted.
    let _second = Server::run(&copy, first.port, &["restore_command=false"]);

    let settled = async {
        while *desk.store.epoch() == *before {
            // Whoever reads or writes notices.
            let _may_fail = desk.store.version().await;
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), settled).await.expect("the failover is noticed");
    assert!(epochs.has_changed().unwrap(), "and told");
    assert_eq!(*desk.store.epoch(), *format!("{before}-00000002"), "the same history, another timeline");
    let events = desk.store.events_after(desk.room, 0, 10).await.unwrap();
    assert_eq!(events.len(), 1, "what the second server never had is gone");
    assert_eq!(desk.says(&desk.grace, "goes on").await.seq, 2);
    let again = open(&Options::postgres(url), &desk.clock).await.0;
    assert_eq!(again.epoch(), desk.store.epoch(), "a node that starts now says the same");
}
