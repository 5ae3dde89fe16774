//! Hashing and checking passwords, off the async threads and no more at a time than there are cores.
//!
//! New hashes are argon2id in PHC form. The origin's `pbkdf2_sha256$…` and weaker argon2id ones are read, and are to be
//! hashed anew at the next good login.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA256};
use base64::{Engine, engine::general_purpose::STANDARD};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

use crate::error::Error;

/// Memory, passes and lanes of new hashes (OWASP's second recommendation).
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// What a stored hash may cost at most, so that an imported one cannot stop the server.
const STORED_MEMORY_KIB_MAX: u32 = 128 * 1024;
const STORED_PASSES_MAX: u32 = 64;
const STORED_ROUNDS_MAX: u32 = 5_000_000;
/// How long a login waits for a free core before it is told to come back.
const PATIENCE: Duration = Duration::from_secs(10);

/// The bounded pool that hashes passwords.
#[derive(Clone, Debug)]
pub struct Passwords {
    cores: Arc<Semaphore>,
}

/// What a check of a password found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is the right one.
    pub right: bool,
    /// Whether the stored hash is not what a new one would be.
    pub outdated: bool,
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

impl Passwords {
    /// As many at a time as there are cores.
    #[must_use]
    pub fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self { cores: Arc::new(Semaphore::new(cores)) }
    }

    /// A new hash with a random salt.
    ///
    /// # Errors
    /// `Unavailable` if no core is free for long.
    pub async fn hash(&self, password: String) -> Result<String, Error> {
        self.run(move || new_hash(&password)).await
    }

    /// Compares a password with a stored hash. Without one it costs the same and is wrong.
    ///
    /// # Errors
    /// `Unavailable` if no core is free for long.
    pub async fn verify(&self, password: String, stored: Option<String>) -> Result<Verdict, Error> {
        self.run(move || match stored {
            Some(stored) => check(&password, &stored),
            None => {
                drop(new_hash(&password));
                Verdict { right: false, outdated: false }
            }
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let busy = || Error::Unavailable("too many people are signing in".into());
        let permit = timeout(PATIENCE, self.cores.clone().acquire_owned()).await.map_err(|_| busy())?.map_err(|_| busy())?;
        let done = spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        done.await.map_err(|_| Error::Unavailable("the password could not be checked".into()))
    }
}

/// Hashes a password on this thread; for the command line.
#[must_use]
pub fn new_hash(password: &str) -> String {
    ours().hash_password(password.as_bytes()).expect("our parameters and the system's random source are good").to_string()
}

/// Whether a stored hash is of a kind that can be checked.
///
/// # Errors
/// What is wrong with it.
pub fn recognise(stored: &str) -> Result<(), String> {
    if stored.starts_with("pbkdf2_sha256$") {
        return Pbkdf2::parse(stored).map(drop).ok_or_else(|| "is not pbkdf2_sha256$ROUNDS$SALT$HASH with at most 5,000,000 rounds".into());
    }
    parse_argon2id(stored).map(drop).ok_or_else(|| "is neither an argon2id PHC string of at most 128 MiB nor pbkdf2_sha256$…".into())
}

fn ours() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the constants are in range");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn check(password: &str, stored: &str) -> Verdict {
    if let Some(stored) = Pbkdf2::parse(stored) {
        return Verdict { right: stored.matches(password), outdated: true };
    }
    let Some((stored, params)) = parse_argon2id(stored) else {
        return Verdict { right: false, outdated: true };
    };
    let right = Argon2::default().verify_password(password.as_bytes(), &stored).is_ok();
    let outdated = params.m_cost() < MEMORY_KIB || params.t_cost() < PASSES;
    Verdict { right, outdated }
}

fn parse_argon2id(stored: &str) -> Option<(PasswordHash, Params)> {
    let hash = PasswordHash::new(stored).ok()?;
    let params = Params::try_from(&hash).ok()?;
    let good = hash.algorithm.as_str() == "argon2id"
        && hash.salt.is_some()
        && hash.hash.is_some()
        && params.m_cost() <= STORED_MEMORY_KIB_MAX
        && params.t_cost() <= STORED_PASSES_MAX;
    good.then_some((hash, params))
}

/// The origin's form: `pbkdf2_sha256$ROUNDS$SALT$BASE64`.
struct Pbkdf2<'a> {
    rounds: NonZeroU32,
    salt: &'a str,
    hash: [u8; 32],
}

impl<'a> Pbkdf2<'a> {
    fn parse(stored: &'a str) -> Option<Self> {
        let mut parts = stored.split('$');
        let (algorithm, rounds, salt, hash) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if algorithm != "pbkdf2_sha256" || parts.next().is_some() || salt.is_empty() {
            return None;
        }
        let rounds = rounds.parse().ok().filter(|rounds: &NonZeroU32| rounds.get() <= STORED_ROUNDS_MAX)?;
        let hash = STANDARD.decode(hash).ok()?.try_into().ok()?;
        Some(Self { rounds, salt, hash })
    }

    fn matches(&self, password: &str) -> bool {
        pbkdf2::verify(PBKDF2_HMAC_SHA256, self.rounds, self.salt.as_bytes(), password.as_bytes(), &self.hash).is_ok()
    }
}
