//! Drives a fuzz target: first everything in its corpus, then changes of it until the time is over. An input with an outcome that
//! was not seen before is changed further; one that makes the target fail is kept in the corpus.

use std::{
    collections::HashSet,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::PathBuf,
    time::{Duration, Instant},
};

use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};

/// How long a target is driven; `FRONTDESK_FUZZ_SECONDS` says otherwise.
const TIME: Duration = Duration::from_millis(1_500);
const INPUT_BYTES_MAX: usize = 16 * 1_024;
const POOL_MAX: usize = 1_000;
/// Numbers at whose edges mistakes live.
const NUMBERS: &[&str] = &[
    "0",
    "-1",
    "1",
    "2147483648",
    "4294967296",
    "9007199254740991",
    "9007199254740992",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "18446744073709551616",
    "1e309",
    "0.5",
    "NaN",
    "00",
];

/// What is driven: the folder below `corpus`, and words that mean something to the target.
pub struct Target {
    pub name: &'static str,
    pub words: &'static [&'static str],
}

impl Target {
    /// Calls `each` with every input; what it returns tells outcomes apart.
    pub fn run<Outcome: Hash>(&self, mut each: impl FnMut(&[u8]) -> Outcome) {
        let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(rand::random);
        println!("SEED={seed}");
        let (mut dice, mut seen) = (StdRng::seed_from_u64(seed), HashSet::new());
        let mut pool = self.corpus();
        assert!(!pool.is_empty(), "{} is empty", self.folder().display());
        for input in &pool {
            seen.insert(self.attempt(&mut each, input));
        }
        let (begun, time, kept, mut count) = (Instant::now(), time(), pool.len(), 0);
        while begun.elapsed() < time {
            let input = self.change(&pool, &mut dice);
            if seen.insert(self.attempt(&mut each, &input)) && pool.len() < POOL_MAX {
                pool.push(input);
            }
            count += 1;
        }
        println!("{}: {kept} kept and {count} new inputs, {} different outcomes", self.name, seen.len());
    }

    fn folder(&self) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/fuzz/corpus").join(self.name)
    }

    fn corpus(&self) -> Vec<Vec<u8>> {
        let mut files: Vec<PathBuf> =
            fs::read_dir(self.folder()).expect("a target has a corpus").map(|entry| entry.expect("an entry").path()).collect();
        files.sort();
        files.iter().map(|file| fs::read(file).expect("the corpus can be read")).collect()
    }

    fn attempt<Outcome: Hash>(&self, each: &mut impl FnMut(&[u8]) -> Outcome, input: &[u8]) -> u64 {
        match catch_unwind(AssertUnwindSafe(|| each(input))) {
            Ok(outcome) => hash(&outcome),
            Err(panic) => {
                let file = self.folder().join(format!("failed-{:016x}", hash(&input)));
                let kept = fs::write(&file, input);
                eprintln!("{} fails with the input in {} ({kept:?})", self.name, file.display());
                resume_unwind(panic)
            }
        }
    }

    /// One of the pool with some changes.
    fn change(&self, pool: &[Vec<u8>], dice: &mut StdRng) -> Vec<u8> {
        let mut input = pool.choose(dice).expect("a corpus").clone();
        for _ in 0..dice.random_range(1..=4) {
            self.change_once(&mut input, pool, dice);
        }
        input.truncate(INPUT_BYTES_MAX);
        input
    }

    fn change_once(&self, input: &mut Vec<u8>, pool: &[Vec<u8>], dice: &mut StdRng) {
        let at = dice.random_range(0..=input.len());
        let end = (at + dice.random_range(0..=16)).min(input.len());
        match dice.random_range(0..10) {
            0 if end > at => input[at] ^= 1 << dice.random_range(0..8),
            1 if end > at => input[at] = dice.random(),
            2 => drop(input.splice(at..at, dice.random::<[u8; 4]>())),
            3 => drop(input.drain(at..end)),
            4 => {
                let piece = input[at..end].to_vec();
                let times = if dice.random_bool(0.1) { 500 } else { 1 };
                input.splice(at..at, piece.repeat(times));
            }
            5 => {
                let other = pool.choose(dice).expect("a corpus");
                let from = dice.random_range(0..=other.len());
                input.splice(at.., other[from..].iter().copied());
            }
            6 => drop(input.splice(at..end, self.words.choose(dice).copied().unwrap_or_default().bytes())),
            7 => drop(input.splice(at..at, self.words.choose(dice).copied().unwrap_or_default().bytes())),
            8 => replace_a_number(input, at, dice),
            _ => input.truncate(at.max(1)),
        }
    }
}

/// The first number past a place becomes one at an edge.
fn replace_a_number(input: &mut Vec<u8>, at: usize, dice: &mut StdRng) {
    let Some(from) = input[at..].iter().position(u8::is_ascii_digit).map(|offset| at + offset) else { return };
    let digits = input[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    input.splice(from..from + digits, NUMBERS.choose(dice).expect("some").bytes());
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn time() -> Duration {
    let seconds = std::env::var("FRONTDESK_FUZZ_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    seconds.map_or(TIME, Duration::from_secs)
}
