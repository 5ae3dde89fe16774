//! One wheel instead of a timer in every connection: it reminds connections that something timed may be due.

use std::{
    sync::{Arc, Mutex, MutexGuard, Weak},
    time::Duration,
};

use tokio::time::{Interval, MissedTickBehavior, interval};

use super::Outbox;

/// How finely time is cut.
const STEP: Duration = Duration::from_millis(100);
/// Steps in a turn: 51.2 s. What is due later is reminded early, looks, and asks again.
const SLOTS: usize = 512;

/// The wheel; `turn` must run for as long as connections live.
pub struct Wheel(Mutex<State>);

struct State {
    slots: Vec<Vec<Weak<Outbox>>>,
    now: usize,
}

impl Default for Wheel {
    fn default() -> Self {
        Self(Mutex::new(State { slots: vec![Vec::new(); SLOTS], now: 0 }))
    }
}

impl Wheel {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no code panics while it holds the wheel")
    }

    /// Reminds a connection after this long, or at the end of a turn if that is sooner.
    pub fn remind(&self, outbox: &Arc<Outbox>, after: Duration) {
        let steps = usize::try_from(after.as_millis() / STEP.as_millis()).unwrap_or(SLOTS).clamp(1, SLOTS - 1);
        let mut state = self.lock();
        let slot = (state.now + steps) % SLOTS;
        state.slots[slot].push(Arc::downgrade(outbox));
    }

    /// Turns for ever.
    pub async fn turn(&self) {
        let mut steps: Interval = interval(STEP);
        steps.set_missed_tick_behavior(MissedTickBehavior::Burst);
        loop {
            steps.tick().await;
            self.step();
        }
    }

    fn step(&self) {
        let due = {
            let mut state = self.lock();
            state.now = (state.now + 1) % SLOTS;
            let now = state.now;
            std::mem::take(&mut state.slots[now])
        };
        for outbox in due.iter().filter_map(Weak::upgrade) {
            outbox.signal(|signals| signals.tick = true);
        }
    }
}
