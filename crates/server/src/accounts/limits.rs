//! How often passwords may be tried: for a phone from one address, and from one address in all. A phone is never locked
//! for everybody.

use std::{
    net::IpAddr,
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
};

use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};

use crate::error::Error;

/// Tries a minute for one phone from one address.
pub const PER_PHONE_AND_ADDRESS: u32 = 10;
/// Tries a minute from one address.
pub const PER_ADDRESS: u32 = 100;
/// Buckets that are full again are forgotten after so many tries.
const FORGET_EVERY: u32 = 1_024;

/// The limits of login and password change.
pub struct LoginLimits {
    on: bool,
    pairs: DefaultKeyedRateLimiter<(String, IpAddr)>,
    addresses: DefaultKeyedRateLimiter<IpAddr>,
    tries: AtomicU32,
}

impl LoginLimits {
    /// `on` is false under `--rate-limit 0`.
    #[must_use]
    pub fn new(on: bool) -> Self {
        let per_minute = |most| RateLimiter::keyed(Quota::per_minute(NonZeroU32::new(most).expect("a named limit is not 0")));
        let addresses = RateLimiter::keyed(Quota::per_minute(NonZeroU32::new(PER_ADDRESS).expect("a named limit is not 0")));
        Self { on, pairs: per_minute(PER_PHONE_AND_ADDRESS), addresses, tries: AtomicU32::new(0) }
    }

    /// Counts a try. Without an address (behind a proxy that is not told to us) nobody can be told apart, so nobody is limited.
    ///
    /// # Errors
    /// `RateLimited` if it is one too many.
    pub fn try_once(&self, who: &str, address: Option<IpAddr>) -> Result<(), Error> {
        let Some(address) = address.filter(|_| self.on) else { return Ok(()) };
        self.forget_now_and_then();
        let now = DefaultClock::default().now();
        self.addresses.check_key(&address).map_err(|until| limited(until.wait_time_from(now)))?;
        self.pairs.check_key(&(who.to_owned(), address)).map_err(|until| limited(until.wait_time_from(now)))
    }

    /// A try on another node counts here too.
    pub fn tried_elsewhere(&self, who: &str, address: IpAddr) {
        // One that is too much here was let through there.
        let _counted = self.try_once(who, Some(address));
    }

    fn forget_now_and_then(&self) {
        if self.tries.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.pairs.retain_recent();
            self.addresses.retain_recent();
        }
    }
}

fn limited(wait: std::time::Duration) -> Error {
    Error::RateLimited { what: "too many attempts to sign in".into(), retry_after: wait.max(std::time::Duration::from_millis(1)) }
}
