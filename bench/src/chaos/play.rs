//! One run: the cast enters, faults happen, all becomes calm, and the verdict is spoken.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use frontdesk_bench::{
    disk::Mode,
    http::Api,
    power::Cut,
    process::{Server, Setup},
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep},
};

use super::{
    cast::Cast,
    director::Director,
    judge::{self, CALM_WITHIN, Judge},
    ledger::Ledger,
    observer::PRESENCE_WITHIN,
    plan, resources,
    stage::{Phase, Stage},
    troupe::Troupe,
    wire::Wire,
};

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
        let (wires, ledger) = (vec![Arc::clone(&self.wire)], Arc::clone(&self.ledger));
        let stage = Stage { wires, ledger, phase: heard, seed: self.seed, away: Arc::default() };
        self.director.start().await?;
        let mut troupe = Troupe::enters(&stage, &self.cast);
        let before = if self.disk_lies { self.lies().await? } else { self.faults().await? };
        let settled = Instant::now();
        phase.send_replace(Phase::Settling);
        troupe.callers_end(CALM_WITHIN, &self.ledger).await;
        self.director.tool(&["check"]).await?;
        let judge = self.judge()?;
        judge.calm(&troupe).await?;
        let mut looks = judge.look().await?;
        let files = judge.judge(&troupe, &looks).await?;
        judge.presence(&troupe, &mut looks, Instant::now() + PRESENCE_WITHIN).await?;
        judge::end(looks).await;
        let clients = troupe.desks.len() + troupe.sights.len();
        let mut facts = Facts { files, clients, calm_after: settled.elapsed(), ..Facts::default() };
        phase.send_replace(Phase::Over);
        let mut looks = judge.look().await?;
        for life in troupe.lives {
            life.await?;
        }
        for look in &mut looks {
            look.sees(&BTreeSet::new(), Instant::now() + PRESENCE_WITHIN, &self.ledger).await;
        }
        judge::end(looks).await;
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

    fn judge(&self) -> Result<Judge<'_>> {
        let addresses = vec![self.server()?.address.clone()];
        Ok(Judge {
            cast: &self.cast,
            ledger: &self.ledger,
            tools: &self.director.setup,
            addresses,
            turn: 0,
            // At most one summary a room each 250 ms.
            hints_within: Duration::from_secs(1),
        })
    }

    fn observer(&self) -> Result<Api> {
        let judge = self.judge()?;
        Ok(judge.observer(&judge.addresses[0]))
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
}

/// Where a run keeps its data and logs.
pub fn prepare(folder: &std::path::Path, binary: PathBuf, flags: Vec<String>, env: Vec<(String, String)>) -> Result<Setup> {
    let (data, logs) = (folder.join("data"), folder.join("logs"));
    std::fs::create_dir_all(&data)?;
    std::fs::create_dir_all(&logs)?;
    Ok(Setup { binary, data: data.canonicalize()?, logs, flags, env })
}
