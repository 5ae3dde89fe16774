//! How long messages travel between nodes: from leaving a client for the first time until a client of another node shows them, by
//! what happened meanwhile.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use tokio::time::Instant;

use super::nodes::scene::Scene;

#[derive(Debug)]
struct Trip {
    left_at: Instant,
    node: usize,
    scene: Scene,
}

/// What happened to the messages of a scene.
#[derive(Clone, Debug, Default)]
pub struct Travelled {
    pub sent: usize,
    pub times: Vec<Duration>,
}

#[derive(Debug, Default)]
pub struct Book {
    /// What is played; nothing is measured while there is none.
    pub scene: Option<Scene>,
    trips: HashMap<String, Trip>,
    pub travelled: BTreeMap<Scene, Travelled>,
}

/// The book of trips.
#[derive(Debug, Default)]
pub struct Trips(Mutex<Book>);

impl Trips {
    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().expect("no code panics with the trips in hand")
    }

    /// A client hands a message to a node. Only the first time counts: what is sent again has been on its way since then.
    pub fn leaves(&self, client_id: &str, node: usize, now: Instant) {
        let mut book = self.book();
        if let Some(scene) = book.scene
            && !book.trips.contains_key(client_id)
        {
            book.trips.insert(client_id.into(), Trip { left_at: now, node, scene });
            book.travelled.entry(scene).or_default().sent += 1;
        }
    }

    /// It was sent too fast: the wait is the sender's own.
    pub fn turns_back(&self, client_id: &str) {
        let mut book = self.book();
        if let Some(trip) = book.trips.remove(client_id) {
            book.travelled.entry(trip.scene).or_default().sent -= 1;
        }
    }

    /// A client shows it for the first time, on a connection that has followed the room since then.
    pub fn arrives(&self, client_id: &str, node: usize, followed_since: Instant) {
        let mut book = self.book();
        let Some(Trip { left_at, node: from, scene }) = book.trips.get(client_id) else { return };
        if *from != node && followed_since <= *left_at {
            let (took, scene) = (left_at.elapsed(), *scene);
            book.travelled.entry(scene).or_default().times.push(took);
        }
    }
}

impl Travelled {
    /// The time within which so large a share of them travelled; times are sorted by now.
    pub fn within(&self, share: f64) -> Option<Duration> {
        let last = self.times.len().checked_sub(1)?;
        Some(self.times[((self.times.len() as f64 * share) as usize).min(last)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A book in which Grace at node 0 has sent one message.
    fn sent() -> (Trips, Instant) {
        let (trips, now) = (Trips::default(), Instant::now());
        trips.book().scene = Some(Scene::Steady);
        trips.leaves("one", 0, now);
        (trips, now)
    }

    fn counts(trips: &Trips) -> (usize, usize) {
        let book = trips.book();
        book.travelled.get(&Scene::Steady).map_or((0, 0), |travelled| (travelled.sent, travelled.times.len()))
    }

    #[test]
    fn only_who_is_elsewhere_and_was_there_when_it_left_is_measured() {
        let (trips, now) = sent();
        trips.arrives("one", 0, now);
        trips.arrives("one", 1, now + Duration::from_millis(1));
        assert_eq!(counts(&trips), (1, 0));
        trips.arrives("one", 1, now);
        trips.arrives("another", 1, now);
        assert_eq!(counts(&trips), (1, 1));
    }

    #[test]
    fn what_is_sent_again_left_when_it_was_sent_first() {
        let (trips, now) = sent();
        trips.book().scene = Some(Scene::NodeKilled);
        trips.leaves("one", 1, now + Duration::from_secs(1));
        trips.arrives("one", 2, now);
        assert_eq!(counts(&trips), (1, 1));
        assert!(!trips.book().travelled.contains_key(&Scene::NodeKilled));
    }

    #[test]
    fn what_came_too_fast_has_not_left() {
        let (trips, now) = sent();
        trips.turns_back("one");
        trips.arrives("one", 1, now);
        assert_eq!(counts(&trips), (0, 0));
    }

    #[test]
    fn the_share_that_arrived_in_time_is_read_off() {
        let travelled = Travelled { sent: 0, times: (1..=200).map(Duration::from_millis).collect() };
        assert_eq!(travelled.within(0.5), Some(Duration::from_millis(101)));
        assert_eq!(travelled.within(0.99), Some(Duration::from_millis(199)));
        assert_eq!(travelled.within(1.0), Some(Duration::from_millis(200)));
        assert_eq!(Travelled::default().within(0.99), None);
    }
}
