//! What can happen to several nodes and to what they share, and in which order it does.

use std::time::Duration;

use clap::ValueEnum;
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};

/// A fault, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Scene {
    /// All is well.
    Steady,
    /// SIGKILL; its people go to other nodes, and it is started again.
    NodeKilled,
    /// SIGTERM to one after the other.
    Rolled,
    /// It ends and comes back empty.
    RedisWiped,
    /// SIGSTOP: it takes connections and answers nothing.
    RedisPaused,
    /// One node's connections to it are reset, and refused from then on.
    RedisCut,
    /// On one node's connections to it nothing passes, and nobody is told.
    RedisDark,
    /// A fast shutdown and a start.
    PostgresRestarted,
    /// Every connection is ended by an administrator, twice.
    PostgresConnectionsEnded,
    /// As with Redis.
    PostgresCut,
    /// As with Redis.
    PostgresDark,
}

/// Everything that can happen, each with how long it lasts.
pub const FAULTS: [(Scene, u64); 10] = [
    (Scene::NodeKilled, 4_000),
    (Scene::Rolled, 500),
    (Scene::RedisWiped, 4_000),
    (Scene::RedisPaused, 10_000),
    (Scene::RedisCut, 4_000),
    (Scene::RedisDark, 8_000),
    (Scene::PostgresRestarted, 1_500),
    (Scene::PostgresConnectionsEnded, 1_000),
    (Scene::PostgresCut, 6_000),
    (Scene::PostgresDark, 8_000),
];

impl Scene {
    pub fn title(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::NodeKilled => "a node killed",
            Self::Rolled => "all nodes rolled",
            Self::RedisWiped => "Redis stopped, wiped",
            Self::RedisPaused => "Redis paused (SIGSTOP)",
            Self::RedisCut => "cut from Redis, reset",
            Self::RedisDark => "cut from Redis, black hole",
            Self::PostgresRestarted => "PostgreSQL restarted",
            Self::PostgresConnectionsEnded => "PostgreSQL connections ended",
            Self::PostgresCut => "cut from PostgreSQL, reset",
            Self::PostgresDark => "cut from PostgreSQL, black hole",
        }
    }

    /// Whether somebody has no Redis meanwhile.
    pub fn lacks_redis(self) -> bool {
        matches!(self, Self::RedisWiped | Self::RedisPaused | Self::RedisCut | Self::RedisDark)
    }

    /// Whether some nodes ought to say that they are not well.
    pub fn is_felt(self) -> bool {
        self.lacks_redis() || matches!(self, Self::PostgresCut | Self::PostgresDark)
    }

    /// Whether it happens to one node only.
    pub fn has_victim(self) -> bool {
        matches!(self, Self::NodeKilled | Self::RedisCut | Self::RedisDark | Self::PostgresCut | Self::PostgresDark)
    }

    pub fn lasts(self) -> Duration {
        Duration::from_millis(FAULTS.iter().find(|(fault, _)| *fault == self).map_or(0, |(_, millis)| *millis))
    }
}

/// All faults that are wished for and can be.
pub fn choose(only: &[Scene], with_redis: bool) -> Vec<Scene> {
    let all = FAULTS.iter().map(|(scene, _)| *scene);
    let wished = all.filter(|scene| only.is_empty() || only.contains(scene));
    wished.filter(|scene| with_redis || !scene.lacks_redis()).collect()
}

/// Those, shuffled anew for each round.
pub fn round(seed: u64, number: usize, mut scenes: Vec<Scene>) -> Vec<Scene> {
    scenes.shuffle(&mut StdRng::seed_from_u64(seed ^ (number as u64 + 1).wrapping_mul(0x9e37_79b9)));
    scenes
}
