//! Follows the plan: kills, drains, stops and starts the server, switches its disk, cuts its power, runs tools beside it.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result};
use frontdesk_bench::{
    disk::{Disk, Mode},
    power::{self, Cut},
    process::{Server, Setup},
};
use rand::{Rng, rngs::StdRng};
use tokio::time::{Instant, sleep};

use super::{
    cast,
    ledger::{Ledger, Wrong},
    plan::{Fault, Step},
    wire::Wire,
};

/// A drain takes 10 s at most; a machine that is busy with two dozen people gets two more.
const DRAIN_MAX: Duration = Duration::from_secs(12);
/// How long a server may need to come back once its disk is well.
const BACK_WITHIN: Duration = Duration::from_secs(30);

/// How slow the disk is under a server that is killed and under its heir.
const HEIRS_SYNC_MS: u32 = 600;

#[derive(Clone, Copy, Debug, Default)]
pub struct FaultCounts {
    pub kills: usize,
    pub starts: usize,
    pub drains: usize,
    pub stops: usize,
    pub disk: usize,
    pub power_cuts: usize,
    /// Changes that were not durable when the power went.
    pub undone: usize,
    pub tools: usize,
}

pub struct Director {
    pub setup: Setup,
    pub disk: Disk,
    pub wire: Arc<Wire>,
    pub ledger: Arc<Ledger>,
    pub dice: StdRng,
    pub counts: FaultCounts,
    pub server: Option<Server>,
    /// Whether each fault is told as it happens.
    pub verbose: bool,
    pub began: Instant,
}

impl Director {
    /// Until the plan or the time is at its end.
    pub async fn follow(&mut self, plan: &[Step], until: Instant) -> Result<()> {
        for (wait, fault) in plan {
            sleep(*wait).await;
            if Instant::now() >= until {
                break;
            }
            if self.verbose {
                println!("  {:>5.1} s  {fault:?}", self.began.elapsed().as_secs_f32());
            }
            self.happen(*fault).await.with_context(|| format!("during {fault:?}"))?;
            self.still_runs().await?;
        }
        Ok(())
    }

    /// Nothing but the director ends a server.
    async fn still_runs(&mut self) -> Result<()> {
        if self.server.as_mut().is_some_and(Server::is_gone) {
            self.ledger.wrong(Wrong::Other, format!("server {} ended by itself", self.counts.starts));
            self.server = None;
            self.start().await?;
        }
        Ok(())
    }

    async fn happen(&mut self, fault: Fault) -> Result<()> {
        match fault {
            Fault::Kill { down } => {
                self.kill().await?;
                sleep(down).await;
                self.start().await
            }
            Fault::Drain { down } => {
                self.drain().await?;
                sleep(down).await;
                self.start().await
            }
            Fault::Stop { lasts } => {
                self.counts.stops += 1;
                self.server()?.signal("STOP").await?;
                sleep(lasts).await;
                self.server()?.signal("CONT").await
            }
            Fault::Disk { mode, slow_ms, lasts, killed } => self.disk_fails(mode, slow_ms, lasts, killed).await,
            Fault::Power { cut, killed_before } => self.power_fails(cut, killed_before).await,
            Fault::Export => self.tool(&["export"]).await,
            Fault::Backup => {
                let file = self.setup.logs.join(format!("backup-{}.tar", self.counts.tools)).display().to_string();
                self.tool(&["backup", &file]).await?;
                self.tool(&["restore", "--verify", &file]).await
            }
            Fault::Write => {
                let role = if self.counts.tools.is_multiple_of(2) { "admin" } else { "user" };
                self.tool(&["user", "role", "--phone", cast::BYSTANDER_PHONE, role]).await
            }
        }
    }

    fn server(&mut self) -> Result<&mut Server> {
        self.server.as_mut().context("there is a server")
    }

    pub async fn start(&mut self) -> Result<()> {
        self.start_aside().await?;
        let address = self.server()?.address.clone();
        self.wire.leads_to(Some(&address));
        Ok(())
    }

    /// Starts a server that nobody reaches yet.
    pub async fn start_aside(&mut self) -> Result<()> {
        let begun = Instant::now();
        loop {
            self.counts.starts += 1;
            match self.setup.serve(self.counts.starts).await {
                Ok(server) => {
                    self.server = Some(server);
                    return Ok(());
                }
                // On a disk that fails a server may refuse to start.
                Err(error) if begun.elapsed() > BACK_WITHIN => return Err(error),
                Err(_) => {
                    self.disk.set(Mode::Well, 0)?;
                    sleep(Duration::from_millis(200)).await;
                }
            }
        }
    }

    pub async fn kill(&mut self) -> Result<()> {
        self.counts.kills += 1;
        self.server.take().context("there is a server")?.kill().await?;
        self.wire.leads_to(None);
        Ok(())
    }

    pub async fn drain(&mut self) -> Result<()> {
        self.counts.drains += 1;
        let server = self.server.take().context("there is a server")?;
        server.signal("TERM").await?;
        match server.ended(DRAIN_MAX).await {
            Ok(0) => {}
            Ok(code) => self.ledger.wrong(Wrong::Other, format!("server {} was told to leave and ended with {code}", self.counts.starts)),
            Err(error) => self.ledger.wrong(Wrong::Other, format!("server {} was told to leave: {error}", self.counts.starts)),
        }
        self.wire.leads_to(None);
        Ok(())
    }

    async fn disk_fails(&mut self, mode: Mode, slow_ms: u32, lasts: Duration, killed: bool) -> Result<()> {
        self.counts.disk += 1;
        self.disk.set(mode, slow_ms)?;
        sleep(lasts / 2).await;
        if killed {
            self.kill().await?;
            self.start().await?;
        }
        sleep(lasts / 2).await;
        self.disk.set(Mode::Well, 0)
    }

    /// A kill shortly before leaves behind what the dead server had written and not synced. Its heir finds that, and must not tell
    /// of it before it is durable; on a slow disk there is time to be caught.
    async fn power_fails(&mut self, cut: Cut, killed_before: bool) -> Result<()> {
        if killed_before {
            self.disk.set(Mode::SyncSlow, HEIRS_SYNC_MS)?;
            sleep(Duration::from_millis(HEIRS_SYNC_MS.into())).await;
            self.kill().await?;
            self.start().await?;
            sleep(Duration::from_millis(self.dice.random_range(50..u64::from(HEIRS_SYNC_MS)))).await;
        }
        self.disk_dies(cut).await?;
        self.start().await
    }

    /// The server is gone, and with it what its disk had not kept. The next one finds a disk that is well.
    pub async fn disk_dies(&mut self, cut: Cut) -> Result<()> {
        self.kill().await?;
        self.disk.set(Mode::Well, 0)?;
        self.counts.power_cuts += 1;
        self.counts.undone += power::cut(&self.disk.undo, &self.setup.data, cut, &mut self.dice)?;
        Ok(())
    }

    /// Tools work beside a running server.
    pub async fn tool(&mut self, args: &[&str]) -> Result<()> {
        self.counts.tools += 1;
        if let Err(error) = self.setup.tool(args, "").await {
            self.ledger.wrong(Wrong::Other, format!("beside the server: {error:#}"));
        }
        Ok(())
    }
}
