//! The published profile of delivery under loss: each client's line is cut every 15 s and stays away for 2 s, while messages flow to
//! its room. Counts what arrives, and measures how long a client needs from dialling again to having all that it missed.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use frontdesk_bench::{
    process::Setup,
    socket::{Heard, Socket},
};
use frontdesk_protocol::{Id, Role, Seq, ServerFrame, frame::Ready};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::json;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, interval, sleep, sleep_until, timeout},
};

use super::{
    cast::{Cast, Person},
    ledger::{Ledger, Wrong, count},
    view::View,
};

const CUT_EVERY: Duration = Duration::from_secs(15);
const OFFLINE: Duration = Duration::from_secs(2);
const CLIENTS_PER_ROOM: usize = 20;
/// How often somebody writes in a room.
const MESSAGE_EVERY: Duration = Duration::from_secs(1);
/// Newcomers a second, so that the crowd's arrival is not what is measured.
const ARRIVALS_PER_SECOND: f64 = 200.0;
const LAST_WITHIN: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    Arriving,
    Writing,
    /// Nobody is cut any more; what is missing arrives.
    Ending,
    Over,
}

/// What everybody shares.
struct Crowd {
    address: String,
    ledger: Ledger,
    act: watch::Receiver<Act>,
    cuts: AtomicU64,
    refused: AtomicU64,
    replays: Mutex<Vec<Duration>>,
}

/// Runs the profile; whether everything arrived.
pub async fn run(setup: &Setup, clients: usize, time: Duration, seed: u64) -> Result<bool> {
    let cast = Cast::of(clients.div_ceil(CLIENTS_PER_ROOM), 1);
    cast.import(setup).await?;
    let server = setup.serve(1).await?;
    let (act, heard) = watch::channel(Act::Arriving);
    let crowd = Arc::new(Crowd {
        address: server.address.clone(),
        ledger: Ledger::default(),
        act: heard,
        cuts: AtomicU64::new(0),
        refused: AtomicU64::new(0),
        replays: Mutex::default(),
    });
    let mut lives = JoinSet::new();
    for index in 0..clients {
        let (crowd, person) = (Arc::clone(&crowd), cast.users[index % cast.users.len()].clone());
        let dice = StdRng::seed_from_u64(seed.wrapping_add(index as u64));
        let arrives = Duration::from_secs_f64(index as f64 / ARRIVALS_PER_SECOND);
        lives.spawn(async move {
            sleep(arrives).await;
            Follower { crowd, view: View::new(&format!("client {index}"), person.rooms[0]), person, dice, epoch: String::new() }
                .live()
                .await
        });
    }
    sleep(Duration::from_secs_f64(clients as f64 / ARRIVALS_PER_SECOND) + OFFLINE).await;
    act.send_replace(Act::Writing);
    let mut writers = JoinSet::new();
    for user in &cast.users {
        writers.spawn(write(Arc::clone(&crowd), cast.admins[0].clone(), user.rooms[0]));
    }
    sleep(time).await;
    act.send_replace(Act::Ending);
    let mut heads = std::collections::BTreeMap::new();
    while let Some(written) = writers.join_next().await {
        let (room, head) = written??;
        heads.insert(room, head);
    }
    crowd.ledger.pages().heads.extend(heads.clone());
    let views = collect(&act, lives, heads.values().sum::<i64>() > 0).await?;
    report(&crowd, &views, &heads)
}

/// Followers leave by themselves once they have come to their room's head.
async fn collect(act: &watch::Sender<Act>, mut lives: JoinSet<View>, wrote: bool) -> Result<Vec<View>> {
    anyhow::ensure!(wrote, "nothing was written, which proves nothing");
    let mut views = Vec::new();
    let all = timeout(LAST_WITHIN, async {
        while let Some(view) = lives.join_next().await {
            views.push(view?);
        }
        Ok::<_, anyhow::Error>(())
    });
    match all.await {
        Ok(done) => done?,
        Err(_) => {
            act.send_replace(Act::Over);
            while let Some(view) = lives.join_next().await {
                views.push(view?);
            }
        }
    }
    Ok(views)
}

/// Writes into one room until the end and answers how far the room has come.
async fn write(crowd: Arc<Crowd>, admin: Person, room: Id) -> Result<(Id, Seq)> {
    let mut socket = Socket::open(&crowd.address, &format!("/ws/chat/{room}/?v=1"), &admin.token).await?;
    let (mut ticks, mut sent, mut acked, mut head) = (interval(MESSAGE_EVERY), 0, 0, 0);
    // So that rooms do not all speak at once.
    sleep(Duration::from_millis(u64::try_from(room % 1_000)?)).await;
    while *crowd.act.borrow() == Act::Writing || acked < sent {
        tokio::select! {
            _ = ticks.tick() => if *crowd.act.borrow() == Act::Writing {
                sent += 1;
                let (text, client_id) = (format!("{sent} in {room}"), format!("{room}-{sent}"));
                socket.send(&json!({"type": "chat_message", "message": text, "client_id": client_id})).await?;
            },
            heard = socket.next() => match heard {
                Heard::Frame(frame) => if let ServerFrame::Ack { seq, .. } = *frame {
                    (acked, head) = (acked + 1, seq.max(head));
                },
                Heard::Closed(code) => anyhow::bail!("a writer was closed with {code:?}"),
                Heard::Ping | Heard::Nonsense(_) => {}
            },
        }
    }
    Ok((room, head))
}

struct Follower {
    crowd: Arc<Crowd>,
    person: Person,
    view: View,
    dice: StdRng,
    epoch: String,
}

impl Follower {
    async fn live(mut self) -> View {
        // The first cut comes anywhere in the rhythm.
        let mut cut_at = Instant::now() + CUT_EVERY.mul_f64(self.dice.random());
        while !self.is_done() {
            match self.follow(cut_at).await {
                Ok(()) => sleep(OFFLINE).await,
                Err(_) => {
                    count(&self.crowd.refused);
                    sleep(Duration::from_millis(self.dice.random_range(50..300))).await;
                }
            }
            cut_at = Instant::now() + CUT_EVERY;
        }
        self.view
    }

    fn is_done(&self) -> bool {
        match *self.crowd.act.borrow() {
            Act::Arriving | Act::Writing => false,
            Act::Ending => {
                self.crowd.ledger.pages().heads.get(&self.view.room).is_some_and(|head| self.view.begun && self.view.head >= *head)
            }
            Act::Over => true,
        }
    }

    /// One connection until it is cut.
    async fn follow(&mut self, cut_at: Instant) -> Result<()> {
        let after = self.view.after().unwrap_or_default();
        let path = format!("/ws/chat/{}/?v=1&after={after}&epoch={}", self.view.room, self.epoch);
        let dialled = Instant::now();
        let mut socket = Socket::open(&self.crowd.address, &path, &self.person.token).await?;
        let again = self.view.begun;
        let mut target = None;
        let mut act = self.crowd.act.clone();
        loop {
            tokio::select! {
                heard = socket.next() => match heard {
                    Heard::Frame(frame) => if let Some(head) = self.take(*frame, after) { target = Some(head) },
                    Heard::Ping => {}
                    Heard::Nonsense(what) => self.crowd.ledger.wrong(Wrong::Other, what),
                    Heard::Closed(code) => anyhow::bail!("closed with {code:?}"),
                },
                () = sleep_until(cut_at), if *act.borrow() == Act::Writing => {
                    count(&self.crowd.cuts);
                    socket.cut();
                    return Ok(());
                }
                _ = act.changed() => {}
                () = sleep(Duration::from_millis(200)), if *act.borrow() >= Act::Ending => {}
            }
            if target.is_some_and(|head| self.view.head >= head) {
                target = None;
                if again {
                    self.crowd.replays.lock().expect("nobody panics with the times in hand").push(dialled.elapsed());
                }
            }
            if self.is_done() {
                socket.leave().await;
                return Ok(());
            }
        }
    }

    /// The head that `ready` tells, which is what must be caught up with.
    fn take(&mut self, frame: ServerFrame, after: Seq) -> Option<Seq> {
        let ledger = &self.crowd.ledger;
        match frame {
            ServerFrame::Ready(Ready::Room(ready)) => {
                self.epoch.clone_from(&ready.epoch);
                self.view.opens(ledger, &ready.room, &ready.receipts, ready.resume, Some(after), false);
                return Some(ready.room.last_seq);
            }
            ServerFrame::ChatMessage(message) => self.view.message(ledger, &message, Role::User),
            ServerFrame::Heartbeat { last_seq: Some(last_seq), .. } => self.view.heartbeat(ledger, last_seq),
            _ => {}
        }
        None
    }
}

fn report(crowd: &Crowd, views: &[View], heads: &std::collections::BTreeMap<Id, Seq>) -> Result<bool> {
    let expected: i64 = views.iter().map(|view| heads.get(&view.room).copied().unwrap_or_default()).sum();
    let arrived: i64 = views.iter().map(|view| view.events.len() as i64).sum();
    let mut replays = std::mem::take(&mut *crowd.replays.lock().expect("nobody panics with the times in hand"));
    replays.sort();
    let at = |share: f64| {
        replays.get(((replays.len() as f64 * share) as usize).min(replays.len().saturating_sub(1))).copied().unwrap_or_default()
    };
    let (written, cuts, refused) = (heads.values().sum::<i64>(), crowd.cuts.load(Relaxed), crowd.refused.load(Relaxed));
    println!(
        "  clients     {} in {} rooms, each cut every {} s and away for {} s",
        views.len(),
        heads.len(),
        CUT_EVERY.as_secs(),
        OFFLINE.as_secs()
    );
    println!("  written     {written} messages, {cuts} cuts, {refused} connections that had to be tried again");
    println!("  delivered   {arrived} of {expected}: {:.3} %", 100.0 * arrived as f64 / expected as f64);
    println!("  replay      {} measured: p50 {:.1?}, p99 {:.1?}, max {:.1?}", replays.len(), at(0.5), at(0.99), at(1.0));
    let pages = crowd.ledger.pages();
    let zeros =
        [("lost", Wrong::Lost), ("doubled", Wrong::Doubled), ("reordered", Wrong::Reordered), ("shown but not stored", Wrong::Phantom)];
    let missing = usize::try_from(expected - arrived).context("more arrived than was written")?;
    let count = |kind| pages.count_of(kind) + if kind == Wrong::Lost { missing } else { 0 };
    println!("\n  {}", zeros.map(|(name, kind)| format!("{name} {}", count(kind))).join("   "));
    pages.told.iter().for_each(|told| println!("  - {told}"));
    Ok(missing == 0 && pages.wrongs() == 0)
}
