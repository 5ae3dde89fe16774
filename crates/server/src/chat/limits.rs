//! How often a person may write. Buckets of people who are silent are forgotten.

use std::{num::NonZeroU32, time::Duration};

use frontdesk_protocol::Id;
use governor::{
    DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};

use frontdesk_protocol::limits::{BAD_FRAMES_PER_MINUTE, FRAMES_BURST, FRAMES_PER_SECOND};

/// The rate limits that verbs ask; `None` inside means that they are off (`--rate-limit 0`).
pub struct Limits {
    messages: Option<DefaultKeyedRateLimiter<Id>>,
    clock: DefaultClock,
}

impl Limits {
    /// So many messages a second and person, three times as many at once; 0 turns every limit off.
    #[must_use]
    pub fn new(messages_per_second: u32) -> Self {
        let messages = NonZeroU32::new(messages_per_second).map(|rate| {
            let burst = rate.saturating_mul(NonZeroU32::new(3).expect("3 is not 0"));
            RateLimiter::keyed(Quota::per_second(rate).allow_burst(burst))
        });
        Self { messages, clock: DefaultClock::default() }
    }

    /// Counts a message of a person.
    ///
    /// # Errors
    /// How long to wait, at least a millisecond, if it is one too many.
    pub fn message(&self, user_id: Id) -> Result<(), Duration> {
        let Some(limiter) = &self.messages else { return Ok(()) };
        limiter.check_key(&user_id).map_err(|not_until| not_until.wait_time_from(self.clock.now()).max(Duration::from_millis(1)))
    }

    /// A message that another node has accepted counts here too.
    pub fn sent_elsewhere(&self, user_id: Id) {
        // One that is too much here was accepted all the same.
        let _counted = self.message(user_id);
    }

    /// Whether limits are on.
    #[must_use]
    pub fn on(&self) -> bool {
        self.messages.is_some()
    }

    /// Forgets people who have been silent.
    pub fn forget_silent(&self) {
        if let Some(limiter) = &self.messages {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}

/// The limits of one connection, made at its first frame: an idle connection owns none.
pub struct FrameLimits {
    frames: DefaultDirectRateLimiter,
    bad: DefaultDirectRateLimiter,
}

impl Default for FrameLimits {
    fn default() -> Self {
        let per_second = NonZeroU32::new(FRAMES_PER_SECOND).expect("a named limit is not 0");
        let burst = NonZeroU32::new(FRAMES_BURST).expect("a named limit is not 0");
        let bad = NonZeroU32::new(BAD_FRAMES_PER_MINUTE).expect("a named limit is not 0");
        Self {
            frames: RateLimiter::direct(Quota::per_second(per_second).allow_burst(burst)),
            bad: RateLimiter::direct(Quota::per_minute(bad)),
        }
    }
}

impl FrameLimits {
    /// Counts a frame.
    ///
    /// # Errors
    /// How long to wait if it is one too many.
    pub fn frame(&self) -> Result<(), Duration> {
        let clock = DefaultClock::default();
        self.frames.check().map_err(|not_until| not_until.wait_time_from(clock.now()).max(Duration::from_millis(1)))
    }

    /// Counts an invalid frame; false if it is one too many.
    #[must_use]
    pub fn bad_frame(&self) -> bool {
        self.bad.check().is_ok()
    }
}
