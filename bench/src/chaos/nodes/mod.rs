//! The profile `nodes`: several servers on one PostgreSQL, with a Redis between them or without, while nodes die, leave, and are cut
//! from what they share. After each fault all becomes calm, and everything is judged.

pub mod house;
pub mod postgres;
pub mod redis;
pub mod report;
pub mod scene;
pub mod watch;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use frontdesk_protocol::Id;
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::{
    sync::watch as channel,
    time::{Instant, sleep},
};

use self::{house::House, postgres::Postgres, redis::Redis, report::Limits, scene::Scene};
use super::{
    cast::Cast,
    judge::{self, CALM_WITHIN, Judge},
    ledger::{Ledger, Wrong},
    observer::PRESENCE_WITHIN,
    stage::{Phase, Stage},
    troupe::Troupe,
};

/// What is well before each fault.
const STEADY: Duration = Duration::from_millis(1_500);
/// Between the two nothing is measured.
const BETWEEN: Duration = Duration::from_secs(1);
/// What is said so shortly after a fault is still counted to it.
const AFTERMATH: Duration = Duration::from_millis(1_500);
/// Who has left counts as present for so long.
const GRACE: Duration = Duration::from_secs(5);
/// How many people of a dead node do not come back for now.
const STAY_AWAY: usize = 3;
/// Without Redis, and when it has just come back, nodes find each other's changes by looking each second.
const HINTS_WITHIN: Duration = Duration::from_millis(2_500);
/// How long people write before the self-test breaks something.
const SELF_TEST: Duration = Duration::from_secs(3);
/// One that was acked, and is not the last of its room.
const TAKEN_AWAY: &str = "delete from messages where id = (select max(id) from messages m where client_id is not null \
     and exists (select 1 from messages later where later.room_id = m.room_id and later.seq > m.seq))";
/// How long the self-test lets a node hang.
const HANG: Duration = Duration::from_secs(5);

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Wish {
    pub binary: PathBuf,
    pub seed: u64,
    pub time: Duration,
    pub users: usize,
    pub nodes: usize,
    pub with_redis: bool,
    /// These faults only; all, if there are none.
    pub only: Vec<Scene>,
    pub limits: Limits,
    pub self_test: bool,
    pub verbose: bool,
}

/// What was noted of the scenes of one kind.
#[derive(Clone, Debug, Default)]
pub struct Noted {
    pub times: usize,
    pub wrongs: usize,
    /// How long it took each affected node to say that it is not well; nothing if it never did.
    pub felt: Vec<Option<Duration>>,
    /// How long it took from mending until all was calm and everything was there.
    pub calm_after: Duration,
}

struct Play {
    wish: Wish,
    cast: Cast,
    house: House,
    ledger: Arc<Ledger>,
    stage: Stage,
    phase: channel::Sender<Phase>,
    dice: StdRng,
    noted: BTreeMap<Scene, Noted>,
    began: Instant,
    turn: usize,
}

/// Runs the profile; whether every promise was kept.
pub async fn run(folder: &Path, wish: Wish) -> Result<bool> {
    ensure!(wish.nodes >= 2, "--nodes {}: several nodes are two at least", wish.nodes);
    let ledger = Arc::new(Ledger::default());
    let mut house = House::build(folder, wish.binary.clone(), wish.nodes, wish.with_redis, Arc::clone(&ledger)).await?;
    let cast = Cast::of(wish.users, wish.users.div_ceil(6).max(wish.nodes));
    cast.import(&house.tools).await?;
    house.start_all().await?;
    let (phase, heard) = channel::channel(Phase::Busy);
    let away = Arc::new(Mutex::new(BTreeSet::new()));
    let stage = Stage { wires: house.doors(), ledger: Arc::clone(&ledger), phase: heard, seed: wish.seed, away };
    let dice = StdRng::seed_from_u64(wish.seed ^ 5);
    let mut play = Play { wish, cast, house, ledger, stage, phase, dice, noted: BTreeMap::new(), began: Instant::now(), turn: 0 };
    let kept = if play.wish.self_test { play.self_test().await? } else { play.faults().await? };
    play.house.ends().await?;
    Ok(kept)
}

impl Play {
    async fn faults(&mut self) -> Result<bool> {
        let mut troupe = Troupe::enters(&self.stage, &self.cast);
        self.judged(&mut troupe, None).await?;
        let until = Instant::now() + self.wish.time;
        // A round has everything once; it is played to its end.
        // Each round has everything once; the last one ends with the time.
        let (seed, chosen) = (self.wish.seed, scene::choose(&self.wish.only, self.wish.with_redis));
        ensure!(!chosen.is_empty(), "--only names no fault that there can be; without Redis there are those of nodes and PostgreSQL");
        let rounds = (0..).flat_map(|number| scene::round(seed, number, chosen.clone()));
        for scene in rounds {
            if Instant::now() >= until {
                break;
            }
            self.plays(&mut troupe, scene).await.with_context(|| format!("during {scene:?}"))?;
        }
        self.all_leave(troupe).await?;
        ensure!(!self.ledger.pages().acked.is_empty(), "nothing was acked at all, which proves nothing");
        let times = std::mem::take(&mut self.ledger.trips.book().travelled);
        let report = report::Report::of(times, &self.noted, &self.ledger, &self.wish);
        print!("{}", report.text);
        Ok(report.kept)
    }

    /// People write while all is well, then while it is not; then all is judged.
    async fn plays(&mut self, troupe: &mut Troupe, scene: Scene) -> Result<()> {
        self.busy(troupe, Scene::Steady);
        sleep(STEADY).await;
        // What is on its way when the fault strikes belongs to neither.
        self.ledger.trips.book().scene = None;
        sleep(BETWEEN).await;
        self.ledger.pages().after = Some(scene.title());
        let victim = self.dice.random_range(0..self.wish.nodes);
        if self.wish.verbose {
            let whom = if scene.has_victim() { format!(" (node {})", victim + 1) } else { String::new() };
            println!("  {:>5.1} s  {}{whom}", self.began.elapsed().as_secs_f32(), scene.title());
        }
        if scene == Scene::NodeKilled {
            self.some_will_stay_away(troupe, victim);
        }
        self.ledger.trips.book().scene = Some(scene);
        let struck = Instant::now();
        let mut watch = None;
        if scene.is_felt() {
            let addresses = self.house.addresses();
            let affected = if scene.has_victim() { &addresses[victim..=victim] } else { &addresses[..] };
            watch = Some(watch::Watch::begin(affected));
        }
        self.house.happens(scene, victim).await?;
        let felt = watch.map(|watch| watch.ends(struck)).unwrap_or_default();
        let mended = Instant::now();
        sleep(AFTERMATH).await;
        self.house.still_runs().await?;
        self.judged(troupe, (scene == Scene::NodeKilled).then_some(struck)).await?;
        let noted = self.noted.entry(scene).or_default();
        noted.times += 1;
        noted.felt.extend(felt);
        noted.calm_after = noted.calm_after.max(mended.elapsed());
        Ok(())
    }

    fn busy(&self, troupe: &mut Troupe, scene: Scene) {
        self.ledger.trips.book().scene = Some(scene);
        self.phase.send_replace(Phase::Busy);
        troupe.callers_go_on();
    }

    /// They are connected to the node that is about to die, and to no other.
    fn some_will_stay_away(&self, troupe: &Troupe, victim: usize) {
        let users: BTreeSet<Id> = self.cast.users.iter().map(|user| user.id).collect();
        let chosen = troupe.only_at(victim).into_iter().filter(|id| users.contains(id)).take(STAY_AWAY);
        *self.stage.away.lock().expect("nobody panics with the list in hand") = chosen.collect();
    }

    /// Nobody begins anything new; when all is calm everything is looked at. Those whose node was killed and who did not come back
    /// are offline before they come.
    async fn judged(&mut self, troupe: &mut Troupe, killed_at: Option<Instant>) -> Result<()> {
        let scene = self.ledger.trips.book().scene.take();
        let before = self.ledger.pages().wrongs();
        self.phase.send_replace(Phase::Settling);
        troupe.callers_end(CALM_WITHIN, &self.ledger).await;
        self.turn += 1;
        let judge = self.judge();
        judge.calm(troupe).await?;
        if let Some(killed_at) = killed_at {
            let mut looks = judge.look().await?;
            let until = (killed_at + GRACE + PRESENCE_WITHIN).max(Instant::now() + Duration::from_secs(1));
            judge.presence(troupe, &mut looks, until).await?;
            judge::end(looks).await;
            self.stage.away.lock().expect("nobody panics with the list in hand").clear();
            sleep(Duration::from_millis(300)).await;
            judge.calm(troupe).await?;
        }
        let mut looks = judge.look().await?;
        judge.judge(troupe, &looks).await?;
        judge.presence(troupe, &mut looks, Instant::now() + PRESENCE_WITHIN).await?;
        judge::end(looks).await;
        for (number, address) in judge.addresses.iter().enumerate() {
            if let Err(status) = watch::is_well(address, PRESENCE_WITHIN).await {
                self.ledger.wrong(Wrong::Other, format!("{scene:?} is long over and node {} says {status}", number + 1));
            }
        }
        if let Some(scene) = scene {
            self.noted.entry(scene).or_default().wrongs += self.ledger.pages().wrongs() - before;
        }
        Ok(())
    }

    fn judge(&self) -> Judge<'_> {
        let (cast, ledger, tools) = (&self.cast, &*self.ledger, &self.house.tools);
        Judge { cast, ledger, tools, addresses: self.house.addresses(), turn: self.turn, hints_within: HINTS_WITHIN }
    }

    async fn all_leave(&mut self, troupe: Troupe) -> Result<()> {
        self.phase.send_replace(Phase::Over);
        let mut looks = self.judge().look().await?;
        for life in troupe.lives {
            life.await?;
        }
        for look in &mut looks {
            look.sees(&BTreeSet::new(), Instant::now() + PRESENCE_WITHIN, &self.ledger).await;
        }
        judge::end(looks).await;
        Ok(())
    }

    /// The harness must find a message that was taken away behind everybody's back, and a node that hangs.
    async fn self_test(&mut self) -> Result<bool> {
        let mut troupe = Troupe::enters(&self.stage, &self.cast);
        self.busy(&mut troupe, Scene::Steady);
        sleep(SELF_TEST).await;
        // Judged as if Redis had been gone: what is said meanwhile must arrive in time.
        let scene = Scene::RedisPaused;
        self.ledger.trips.book().scene = Some(scene);
        self.house.signal(0, "STOP").await?;
        sleep(HANG).await;
        self.house.signal(0, "CONT").await?;
        self.judged(&mut troupe, None).await?;
        let honest = self.ledger.pages().wrongs();
        self.house.postgres.sql("frontdesk", TAKEN_AWAY).await?;
        self.judged(&mut troupe, None).await?;
        self.all_leave(troupe).await?;
        self.noted.entry(scene).or_default().felt.push(None);
        let times = std::mem::take(&mut self.ledger.trips.book().travelled);
        let report = report::Report::of(times, &self.noted, &self.ledger, &self.wish);
        let (lost, slow, silent) = (self.ledger.pages().count_of(Wrong::Lost), report.failed("delivery"), report.failed("/readyz"));
        let is_well = honest == 0 && lost > 0 && slow && silent && !report.kept;
        if self.wish.verbose || !is_well {
            println!("{}", report.text);
        }
        println!("  the self-test {}:", if is_well { "is well" } else { "failed" });
        println!("  - before anything was taken away {honest} promises were found broken (0 is right)");
        println!("  - of a message that was deleted behind everybody's back {lost} traces were found (0 is wrong)");
        println!("  - a node that hung for {} s was {}", HANG.as_secs(), if slow { "found too slow" } else { "not found" });
        println!("  - a node that never said that it was not well was {}", if silent { "found" } else { "not found" });
        Ok(is_well)
    }
}

/// A port that nobody listens on now.
pub fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
