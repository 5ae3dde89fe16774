//! How many messages a second go through the writer. Run it with
//! `cargo test --release -p frontdesk-store --test store -- --ignored --nocapture throughput`.

use std::time::{Duration, Instant};

use frontdesk_protocol::Role;
use frontdesk_store::{Options, Store};

use crate::fixture::{person, stored, text};

const ROOMS: usize = 256;
/// Messages that each sender has on their way.
const WINDOW: usize = 4;
const RUN_FOR: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn throughput_of_many_senders() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("frontdesk.db");
    let (store, mut batches) = Store::open(Options::new(&path), true).await.expect("the store opens");
    let mut senders = Vec::new();
    for number in 0..ROOMS {
        let user = person(&store, &format!("User {number}"), &number.to_string(), Role::User).await;
        let room = store.open_room(user.id).await.unwrap().unwrap().room_id;
        senders.push((room, user));
    }
    let started = Instant::now();
    let mut writers = tokio::task::JoinSet::new();
    for (room, user) in (0..WINDOW).flat_map(|_| senders.iter().cloned()) {
        let store = store.clone();
        writers.spawn(async move {
            let mut sent = 0;
            while started.elapsed() < RUN_FOR {
                let mut message = text(room, &user, "A message of usual length, as people write them to support.");
                message.client_id = Some(uuid::Uuid::now_v7().to_string());
                stored(store.send(message).await.unwrap().await.unwrap());
                sent += 1;
            }
            sent
        });
    }
    let sent: usize = writers.join_all().await.into_iter().sum();
    let elapsed = started.elapsed();
    let (mut commits, mut busy) = (0, Duration::ZERO);
    while let Some(batch) = batches.try_recv() {
        commits += 1;
        busy += batch.committed_in;
    }
    let wal = std::fs::metadata(path.with_extension("db-wal")).map_or(0, |file| file.len());
    println!(
        "{:.0} messages/s: {sent} in {elapsed:.1?}, {:.0} a commit, {:.2?} each, log {} MB",
        sent as f64 / elapsed.as_secs_f64(),
        sent as f64 / f64::from(commits),
        busy / commits,
        wal >> 20,
    );
    store.close().await;
}
