//! `make chaos`: many people over real sockets while the server is killed, drained, stopped and starved, its disk fails, its power
//! goes, and the wire is cut, held back and sliced. Judges from outside whether anything was lost, doubled, reordered or shown
//! without being stored. The seed makes the plan.

mod caller;
mod cast;
mod client;
mod desk;
mod director;
mod judge;
mod ledger;
mod loss;
mod nodes;
mod observer;
mod origin;
mod outbox;
mod plan;
mod play;
mod report;
mod resources;
mod stage;
mod trips;
mod troupe;
mod truth;
mod verdict;
mod view;
mod wire;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use clap::{Parser, ValueEnum};
use frontdesk_bench::disk::Disk;
use rand::{SeedableRng, rngs::StdRng};
use tokio::time::Instant;

use crate::{
    cast::Cast,
    director::Director,
    ledger::{Ledger, Wrong},
    play::Play,
    wire::Wire,
};

/// How long people write on the disk that lies.
const SELF_TEST: Duration = Duration::from_secs(4);

/// Proves from outside that nothing is lost, doubled, reordered or shown without being stored.
#[derive(Debug, Parser)]
struct Args {
    /// The binary to judge
    #[arg(long, default_value = "target/debug/frontdesk")]
    server: PathBuf,
    /// Makes the plan of faults and of what people do; random if left out
    #[arg(long)]
    seed: Option<u64>,
    /// How long faults happen
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// How many users take part; one admin comes for each six
    #[arg(long, default_value_t = 24)]
    users: usize,
    /// Shows that the harness can fail: on a disk that lies about syncing, a power cut must be found to lose acked messages; over
    /// several nodes a message that was deleted, a node that hangs and one that does not say how it is must be found
    #[arg(long)]
    self_test: bool,
    /// Tell each fault of the server as it happens
    #[arg(long, short)]
    verbose: bool,
    /// What happens
    #[arg(long, value_enum, default_value_t = Profile::Faults)]
    profile: Profile,
    /// How many servers run in the profile `nodes`
    #[arg(long, default_value_t = 3)]
    nodes: usize,
    /// Nodes find each other's changes by looking into PostgreSQL alone, in the profile `nodes`
    #[arg(long)]
    without_redis: bool,
    /// These faults only, in the profile `nodes`; separated by commas
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<nodes::scene::Scene>,
    /// By what the times promised in the profile `nodes` are multiplied, on a machine that is busy with other things
    #[arg(long, default_value_t = 1.0)]
    slack: f64,
    /// How many clients follow in the profile `loss`
    #[arg(long, default_value_t = 2_000)]
    clients: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Profile {
    /// Everything that can go wrong
    Faults,
    /// Only lines that are cut every 15 s: how much arrives, and how soon after coming back
    Loss,
    /// Several servers on a PostgreSQL and a Redis of their own, which are killed, stopped, and cut from each other
    Nodes,
}

impl Args {
    /// What makes the same run again, beside the seed.
    fn others(&self) -> String {
        match self.profile {
            Profile::Faults => format!("--seconds {} --users {}", self.seconds, self.users),
            Profile::Nodes => {
                let redis = if self.without_redis { " --without-redis" } else { "" };
                let names = self.only.iter().filter_map(|scene| Some(scene.to_possible_value()?.get_name().to_owned()));
                let only: String = names.map(|name| format!(" --only {name}")).collect();
                format!("--profile nodes --seconds {} --users {} --nodes {}{redis}{only}", self.seconds, self.users, self.nodes)
            }
            Profile::Loss => format!("--profile loss --seconds {} --clients {}", self.seconds, self.clients),
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let seed = args.seed.unwrap_or_else(|| rand::random_range(0..1_000_000));
    match run(&args, seed).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("chaos: {error:#} (seed {seed})");
            ExitCode::FAILURE
        }
    }
}

/// Whether every promise was kept. Data and logs of a run that went wrong are kept.
async fn run(args: &Args, seed: u64) -> Result<bool> {
    println!("chaos --seed {seed} {}", args.others());
    let binary = args.server.canonicalize().with_context(|| format!("{}: build the server first", args.server.display()))?;
    // Each client is a descriptor or three here and one at the server, which inherits the limit.
    rlimit::increase_nofile_limit(u64::MAX)?;
    let folder = tempfile::Builder::new().prefix("frontdesk-chaos-").tempdir()?;
    let time = Duration::from_secs(args.seconds);
    let kept = match args.profile {
        Profile::Nodes => {
            let wish = nodes::Wish {
                binary,
                seed,
                time,
                users: args.users,
                nodes: args.nodes,
                with_redis: !args.without_redis,
                only: args.only.clone(),
                limits: nodes::report::Limits::of(args.slack),
                self_test: args.self_test,
                verbose: args.verbose,
            };
            nodes::run(folder.path(), wish).await
        }
        Profile::Faults => faults(args, seed, folder.path(), binary).await,
        Profile::Loss => {
            let setup = play::prepare(folder.path(), binary, vec!["--rate-limit".into(), "0".into()], Vec::new())?;
            loss::run(&setup, args.clients, time, seed).await
        }
    };
    if !matches!(kept, Ok(true)) {
        println!("  FAILED with seed {seed}; data and logs are kept in {}", folder.keep().display());
    }
    kept
}

async fn faults(args: &Args, seed: u64, folder: &Path, binary: PathBuf) -> Result<bool> {
    let cast = Cast::of(args.users, args.users.div_ceil(6));
    let disk = Disk::prepare(folder, &folder.join("data"))?;
    let setup = play::prepare(folder, binary, Vec::new(), disk.env())?;
    cast.import(&setup).await?;
    let (wire, ledger) = (Wire::open().await?, Arc::new(Ledger::default()));
    let director = Director {
        setup,
        disk,
        wire: Arc::clone(&wire),
        ledger: Arc::clone(&ledger),
        dice: StdRng::seed_from_u64(seed ^ 4),
        counts: director::FaultCounts::default(),
        server: None,
        verbose: args.verbose,
        began: Instant::now(),
    };
    let (time, disk_lies) = (if args.self_test { SELF_TEST } else { Duration::from_secs(args.seconds) }, args.self_test);
    let mut play = Play { cast, seed, time, director, wire: Arc::clone(&wire), ledger: Arc::clone(&ledger), disk_lies };
    let facts = play.run().await?;
    ensure!(!ledger.pages().acked.is_empty(), "nothing was acked at all, which proves nothing");
    if args.self_test {
        let lost = ledger.pages().count_of(Wrong::Lost);
        println!("  the self-test {}: {lost} losses were found on a disk that lies", if lost > 0 { "is well" } else { "failed" });
        return Ok(lost > 0);
    }
    print!("{}", report::table(&ledger, &facts, &play.director.counts, &wire.counts));
    Ok(ledger.pages().wrongs() == 0)
}
