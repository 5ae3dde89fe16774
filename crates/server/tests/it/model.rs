//! The hub under every interleaving: each of its operations happens under one lock, so whatever tasks do at once is some
//! sequence of steps. Short sequences are tried all, long ones at random; and what is wrong on purpose must be found.

mod world;

use std::time::{Duration, Instant};

use rand::{Rng, SeedableRng, rngs::StdRng};
use world::{Manner, Step, World};

/// How long random walks are taken; `FRONTDESK_FUZZ_SECONDS` makes it longer.
const WALKS: Duration = Duration::from_secs(2);
const WALK_STEPS: usize = 120;
const FOLLOWERS: usize = 3;

/// Takes the steps from the beginning and lets everything come to its end.
fn run(manner: Manner, followers: usize, steps: &[Step]) -> Result<bool, String> {
    let mut world = World::new(manner, followers);
    let mut counted = true;
    for step in steps {
        counted = world.take(*step)?;
    }
    // A last step that changed nothing was tried without it already.
    if counted {
        world.settle()?;
    }
    Ok(counted)
}

/// Every sequence of at most `depth` steps after `begun`, with one follower. The first that breaks a promise, and how.
fn exhaust(manner: Manner, begun: &mut Vec<Step>, depth: usize, runs: &mut usize) -> Result<(), (Vec<Step>, String)> {
    const ALL: [Step; 8] = [Step::Commit, Step::Publish, Step::Go(0), Step::Lose, Step::Look, Step::Tell, Step::Leave(0), Step::Resume(0)];
    *runs += 1;
    let counted = run(manner, 1, begun).map_err(|problem| (begun.clone(), problem))?;
    if !counted || depth == 0 {
        return Ok(());
    }
    for step in ALL {
        begun.push(step);
        exhaust(manner, begun, depth - 1, runs)?;
        begun.pop();
    }
    Ok(())
}

fn walk(dice: &mut StdRng) -> Vec<Step> {
    let step = |dice: &mut StdRng| {
        let line = dice.random_range(0..FOLLOWERS);
        match dice.random_range(0..100) {
            0..16 => Step::Commit,
            16..20 => Step::Mark,
            20..40 => Step::Publish,
            40..42 => Step::Lose,
            42..46 => Step::Look,
            46..50 => Step::Tell,
            50..53 => Step::Leave(line),
            53..57 => Step::Resume(line),
            _ => Step::Go(line),
        }
    };
    (0..WALK_STEPS).map(|_| step(dice)).collect()
}

/// Random walks until the time is over; the first one that breaks a promise, without the steps that do not matter.
fn wander(manner: Manner, seed: u64, time: Duration) -> Result<usize, (Vec<Step>, String)> {
    let (mut dice, begun, mut runs) = (StdRng::seed_from_u64(seed), Instant::now(), 0);
    while begun.elapsed() < time {
        let mut steps = walk(&mut dice);
        if run(manner, FOLLOWERS, &steps).is_err() {
            shorten(manner, &mut steps);
            let problem = run(manner, FOLLOWERS, &steps).expect_err("only what does not matter was taken away");
            return Err((steps, problem));
        }
        runs += 1;
    }
    Ok(runs)
}

fn shorten(manner: Manner, steps: &mut Vec<Step>) {
    let mut at = steps.len();
    while at > 0 {
        at -= 1;
        let step = steps.remove(at);
        if run(manner, FOLLOWERS, steps).is_ok() {
            steps.insert(at, step);
        }
    }
}

fn time() -> Duration {
    let seconds = std::env::var("FRONTDESK_FUZZ_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    seconds.map_or(WALKS, Duration::from_secs)
}

fn seed() -> u64 {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(rand::random);
    println!("SEED={seed}");
    seed
}

/// The beginning that puts a follower live into a room with one event.
const LIVE: [Step; 6] = [Step::Commit, Step::Publish, Step::Go(0), Step::Go(0), Step::Go(0), Step::Commit];

#[test]
fn no_short_sequence_of_steps_loses_doubles_or_stalls_anything() {
    let mut runs = 0;
    for (begun, depth) in [(Vec::new(), 7), (LIVE.to_vec(), 6)] {
        let mut steps = begun;
        if let Err((steps, problem)) = exhaust(Manner::Right, &mut steps, depth, &mut runs) {
            panic!("{problem}: {steps:?}");
        }
    }
    println!("{runs} sequences");
}

#[test]
fn no_long_walk_loses_doubles_or_stalls_anything() {
    match wander(Manner::Right, seed(), time()) {
        Ok(runs) => println!("{runs} walks of {WALK_STEPS} steps"),
        Err((steps, problem)) => panic!("{problem}: {steps:?}"),
    }
}

#[test]
fn reading_before_taking_the_seat_is_found_to_be_wrong() {
    let (steps, problem) = exhaust(Manner::ReadsFirst, &mut Vec::new(), 6, &mut 0).expect_err("it loses what comes in between");
    println!("{problem}: {steps:?}");
}

#[test]
fn every_other_wrong_manner_is_found_too() {
    for manner in [Manner::ForgetsThatItLags, Manner::PausesOnce, Manner::RepeatsOldReceipts] {
        let (steps, problem) = wander(manner, 1, Duration::from_secs(30)).expect_err("it breaks a promise");
        println!("{manner:?}: {problem}: {steps:?}");
    }
}
