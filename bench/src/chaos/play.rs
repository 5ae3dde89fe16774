//! One run: the cast enters, faults happen, all becomes calm, and the verdict is spoken.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use frontdesk_bench::{
    disk::Mode,
    http::Api,
    power::Cut,
    process::{Server, Setup},
};
use frontdesk_protocol::Id;
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use super::{
    cast::Cast,
    client,
    desk::{Desk, Door},
    director::Director,
    ledger::{Ledger, Wrong},
    observer::{Look, PRESENCE_WITHIN},
    plan, resources,
    stage::{Phase, Stage},
    troupe::Troupe,
    truth::{self, Truth},
    verdict,
    wire::Wire,
};

/// How long what was begun may take to come to its end once all faults are over.
const CALM_WITHIN: Duration = Duration::from_secs(90);
const CALL_PATIENCE: Duration = Duration::from_secs(20);

pub struct Play {
    pub cast: Cast,
    pub seed: u64,
    pub time: Duration,
    pub director: Director,
    pub wire: Arc<Wire>,
    pub ledger: Arc<Ledger>,
    /// The disk says that it has synced and has not: the harness must find out.
    pub disk_lies: bool,
}

/// What the table shows beside the ledger.
#[derive(Debug, Default)]
pub struct Facts {
    pub people: usize,
    pub clients: usize,
    pub files: usize,
    pub before: resources::Held,
    pub after: resources::Held,
    pub calm_after: Duration,
    pub disk_hits: u64,
}

impl Play {
    /// From the first login to the last look. Only what the harness itself cannot do is an error.
    pub async fn run(&mut self) -> Result<Facts> {
        let (phase, heard) = watch::channel(Phase::Busy);
        let stage = Stage { wire: Arc::clone(&self.wire), ledger: Arc::clone(&self.ledger), phase: heard, seed: self.seed };
        self.director.start().await?;
        let mut troupe = Troupe::enters(&stage, &self.cast);
        let before = if self.disk_lies { self.lies().await? } else { self.faults().await? };
        let settled = Instant::now();
        phase.send_replace(Phase::Settling);
        let callers = std::mem::take(&mut troupe.callers);
        if timeout(CALM_WITHIN, async {
            for caller in callers {
                drop(caller.await)
            }
        })
        .await
        .is_err()
        {
            self.ledger.wrong(Wrong::Lost, "a call over HTTP was not answered for good when all was calm");
        }
        self.calm(&troupe).await?;
        let mut facts = self.judge(&troupe).await?;
        facts.calm_after = settled.elapsed();
        phase.send_replace(Phase::Over);
        let mut looks = self.look().await?;
        for life in troupe.lives {
            life.await?;
        }
        for look in &mut looks {
            look.sees(&BTreeSet::new(), Instant::now() + PRESENCE_WITHIN, &self.ledger).await;
        }
        for look in looks {
            look.ends().await;
        }
        self.wire.cut_all();
        facts.before = before;
        facts.after = resources::given_back(self.server()?, &self.observer()?, before, &self.ledger).await?;
        facts.people = self.cast.users.len() + self.cast.admins.len();
        facts.disk_hits = self.director.disk.hits()?;
        Ok(facts)
    }

    fn server(&self) -> Result<&Server> {
        self.director.server.as_ref().context("there is a server")
    }

    /// Calls past the wire.
    fn observer(&self) -> Result<Api> {
        Ok(Api::new(&self.server()?.address, &self.cast.observers[0].token, CALL_PATIENCE))
    }

    /// Faults of all kinds; then a last server, measured before anybody reaches it, which only loses lines and disks.
    async fn faults(&mut self) -> Result<resources::Held> {
        let striking = self.strikes();
        let began = Instant::now();
        let plan = plan::draw(self.seed, self.time);
        self.director.follow(&plan, began + self.time.mul_f32(0.75)).await?;
        self.director.drain().await?;
        let before = self.last_server().await?;
        let gentle: Vec<_> = plan::draw(self.seed ^ 2, self.time).into_iter().filter(|(_, fault)| !fault.ends_server()).collect();
        self.director.follow(&gentle, began + self.time).await?;
        striking.abort();
        self.wire.clear();
        Ok(before)
    }

    /// The self-test: one power cut on a disk whose syncs do nothing.
    async fn lies(&mut self) -> Result<resources::Held> {
        self.director.disk.set(Mode::SyncLies, 0)?;
        sleep(self.time).await;
        self.director.disk_dies(Cut::All).await?;
        self.last_server().await
    }

    async fn last_server(&mut self) -> Result<resources::Held> {
        self.director.start_aside().await?;
        let observer = self.observer()?;
        resources::warm_up(&observer, self.cast.rooms[0]).await;
        let before = resources::held(self.server()?, &observer).await?;
        self.wire.leads_to(Some(&self.server()?.address));
        Ok(before)
    }

    fn strikes(&self) -> JoinHandle<()> {
        let (wire, mut dice) = (Arc::clone(&self.wire), StdRng::seed_from_u64(self.seed ^ 3));
        tokio::spawn(async move {
            loop {
                sleep(Duration::from_millis(dice.random_range(20..300))).await;
                wire.strike(&mut dice);
            }
        })
    }

    /// Everybody is connected and everything said is acked; then everything that was acked has reached everybody.
    async fn calm(&self, troupe: &Troupe) -> Result<()> {
        let until = Instant::now() + CALM_WITHIN;
        while let Some(who) = troupe.restless() {
            if Instant::now() > until {
                self.ledger.wrong(Wrong::Lost, format!("not calm {} s after the last fault: {who}", CALM_WITHIN.as_secs()));
                break;
            }
            sleep(Duration::from_millis(50)).await;
        }
        let until = Instant::now() + PRESENCE_WITHIN;
        while Instant::now() < until {
            let heads: BTreeMap<Id, i64> =
                client::all_rooms(&self.observer()?).await?.into_iter().map(|room| (room.id, room.last_seq)).collect();
            if troupe.has_seen(&heads) {
                break;
            }
            sleep(Duration::from_millis(100)).await;
        }
        // Receipts and summaries follow messages by a moment: at most one summary a room each 250 ms.
        sleep(Duration::from_secs(1)).await;
        Ok(())
    }

    async fn look(&self) -> Result<Vec<Look>> {
        let mut looks = Vec::new();
        for (room, observer) in self.cast.looks() {
            looks.push(Look::into(&self.server()?.address, observer, room).await?);
        }
        Ok(looks)
    }

    async fn judge(&mut self, troupe: &Troupe) -> Result<Facts> {
        let (observer, ledger) = (self.observer()?, &self.ledger);
        let mut looks = self.look().await?;
        self.director.tool(&["check"]).await?;
        let mut truth = truth::learn(&self.director.setup, &observer, &self.cast.rooms, ledger).await?;
        for look in &looks {
            truth.entry(look.ready.room.id).or_default().receipts = super::view::watermarks(&look.ready.receipts);
        }
        verdict::seqs(&truth, ledger);
        verdict::acks(&truth, ledger);
        verdict::shown(&truth, ledger);
        verdict::receipts(&truth, ledger);
        troupe.compared(&truth, ledger);
        self.judge_counts(troupe, &observer, &truth).await?;
        let until = Instant::now() + PRESENCE_WITHIN;
        for look in &mut looks {
            look.sees(&troupe.people_in(look.ready.room.id), until, ledger).await;
        }
        for look in looks {
            look.ends().await;
        }
        let files = verdict::files(&observer, &truth, ledger).await?;
        Ok(Facts { files, clients: troupe.desks.len() + troupe.sights.len(), ..Facts::default() })
    }

    async fn judge_counts(&self, troupe: &Troupe, observer: &Api, truth: &Truth) -> Result<()> {
        let rooms = client::all_rooms(observer).await?;
        {
            let desks: Vec<_> = troupe.desks.iter().map(|desk| desk.lock().expect("nobody panics at a desk")).collect();
            let inboxes: Vec<&Desk> = desks.iter().map(|desk| &**desk).filter(|desk| desk.door == Door::Inbox).collect();
            verdict::lists(truth, &rooms, &inboxes, &self.ledger);
        }
        verdict::summary(observer, truth, &rooms, &self.ledger).await?;
        for user in &self.cast.users {
            let api = Api::new(&self.server()?.address, &user.token, CALL_PATIENCE);
            verdict::own_counts(&api, user.id, truth, &self.ledger).await?;
        }
        Ok(())
    }
}

/// Where a run keeps its data and logs.
pub fn prepare(folder: &std::path::Path, binary: PathBuf, flags: Vec<String>, env: Vec<(String, String)>) -> Result<Setup> {
    let (data, logs) = (folder.join("data"), folder.join("logs"));
    std::fs::create_dir_all(&data)?;
    std::fs::create_dir_all(&logs)?;
    Ok(Setup { binary, data: data.canonicalize()?, logs, flags, env })
}
