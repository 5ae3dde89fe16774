//! Three nodes, the PostgreSQL and the Redis that they share, and between each node and each service a wire that can be cut.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use frontdesk_bench::process::{Server, Setup};
use tokio::time::sleep;

use super::{Postgres, Redis, Scene};
use crate::{
    ledger::{Ledger, Wrong},
    wire::Wire,
};

/// A drain takes 10 s at most; a busy machine gets two more.
const DRAIN_MAX: Duration = Duration::from_secs(12);
/// Between two nodes that are rolled.
const ROLL_PAUSE: Duration = Duration::from_millis(500);

struct Node {
    setup: Setup,
    server: Option<Server>,
    starts: usize,
    /// For people: it stays where it is when the node comes back on another port.
    door: Arc<Wire>,
    to_postgres: Arc<Wire>,
    to_redis: Option<Arc<Wire>>,
}

pub struct House {
    pub postgres: Postgres,
    redis: Option<Redis>,
    nodes: Vec<Node>,
    /// Tools beside the nodes, past the wires.
    pub tools: Setup,
    ledger: Arc<Ledger>,
}

impl House {
    /// Starts what is shared. No node runs yet.
    pub async fn build(folder: &Path, binary: PathBuf, nodes: usize, with_redis: bool, ledger: Arc<Ledger>) -> Result<Self> {
        let logs = folder.join("logs");
        std::fs::create_dir_all(&logs)?;
        let postgres = Postgres::start(&logs).await?;
        let redis = if with_redis { Some(Redis::start(logs.clone()).await?) } else { None };
        let setup = |name: &str| -> Result<Setup> {
            let data = folder.join(name);
            std::fs::create_dir_all(&data)?;
            Ok(Setup { binary: binary.clone(), data: data.canonicalize()?, logs: logs.clone(), flags: Vec::new(), env: Vec::new() })
        };
        let mut tools = setup("tools")?;
        tools.env.push(("FRONTDESK_DATABASE_URL".into(), Postgres::url(postgres.port)));
        let mut house = Self { postgres, redis, nodes: Vec::new(), tools, ledger };
        for number in 1..=nodes {
            let node = house.furnish(setup(&format!("node-{number}"))?).await?;
            house.nodes.push(node);
        }
        Ok(house)
    }

    async fn furnish(&self, mut setup: Setup) -> Result<Node> {
        let to_postgres = Wire::behind(self.postgres.port).await?;
        setup.flags = vec!["--database-url".into(), Postgres::url(port(&to_postgres)?)];
        let to_redis = match &self.redis {
            None => None,
            Some(redis) => {
                let wire = Wire::behind(redis.port).await?;
                setup.flags.extend(["--redis-url".into(), format!("redis://{}", wire.address)]);
                Some(wire)
            }
        };
        Ok(Node { setup, server: None, starts: 0, door: Wire::open().await?, to_postgres, to_redis })
    }

    pub fn doors(&self) -> Vec<Arc<Wire>> {
        self.nodes.iter().map(|node| Arc::clone(&node.door)).collect()
    }

    /// Where the nodes listen themselves.
    pub fn addresses(&self) -> Vec<String> {
        self.nodes.iter().filter_map(|node| node.server.as_ref()).map(|server| server.address.clone()).collect()
    }

    pub async fn start_all(&mut self) -> Result<()> {
        for node in 0..self.nodes.len() {
            self.start(node).await?;
        }
        Ok(())
    }

    async fn start(&mut self, number: usize) -> Result<()> {
        let node = &mut self.nodes[number];
        node.starts += 1;
        let server = node.setup.serve((number + 1) * 100 + node.starts).await.with_context(|| format!("node {}", number + 1))?;
        node.door.leads_to(Some(&server.address));
        node.server = Some(server);
        Ok(())
    }

    pub async fn kill(&mut self, number: usize) -> Result<()> {
        let node = &mut self.nodes[number];
        node.server.take().context("the node runs")?.kill().await?;
        node.door.leads_to(None);
        Ok(())
    }

    pub async fn signal(&self, number: usize, name: &str) -> Result<()> {
        self.nodes[number].server.as_ref().context("the node runs")?.signal(name).await
    }

    async fn drain(&mut self, number: usize) -> Result<()> {
        let server = self.nodes[number].server.take().context("the node runs")?;
        server.signal("TERM").await?;
        match server.ended(DRAIN_MAX).await {
            Ok(0) => {}
            Ok(code) => self.ledger.wrong(Wrong::Other, format!("node {} was told to leave and ended with {code}", number + 1)),
            Err(error) => self.ledger.wrong(Wrong::Other, format!("node {} was told to leave: {error}", number + 1)),
        }
        self.nodes[number].door.leads_to(None);
        Ok(())
    }

    /// Nothing but the harness ends a node.
    pub async fn still_runs(&mut self) -> Result<()> {
        for number in 0..self.nodes.len() {
            if self.nodes[number].server.as_mut().is_some_and(Server::is_gone) {
                self.ledger.wrong(Wrong::Other, format!("node {} ended by itself (start {})", number + 1, self.nodes[number].starts));
                self.start(number).await?;
            }
        }
        Ok(())
    }

    /// From the first stroke until all is mended.
    pub async fn happens(&mut self, scene: Scene, victim: usize) -> Result<()> {
        match scene {
            Scene::Steady => sleep(scene.lasts()).await,
            Scene::NodeKilled => {
                self.kill(victim).await?;
                sleep(scene.lasts()).await;
                self.start(victim).await?;
            }
            Scene::Rolled => {
                for node in 0..self.nodes.len() {
                    self.drain(node).await?;
                    self.start(node).await?;
                    sleep(ROLL_PAUSE).await;
                }
            }
            Scene::RedisWiped => {
                self.redis()?.ends().await?;
                sleep(scene.lasts()).await;
                self.redis()?.begin().await?;
            }
            Scene::RedisPaused => {
                self.redis()?.signal("STOP").await?;
                sleep(scene.lasts()).await;
                self.redis()?.signal("CONT").await?;
            }
            Scene::PostgresRestarted => {
                self.postgres.ends().await?;
                sleep(scene.lasts()).await;
                self.postgres.begin().await?;
            }
            Scene::PostgresConnectionsEnded => {
                for _ in 0..2 {
                    self.postgres.ends_connections().await?;
                    sleep(scene.lasts()).await;
                }
            }
            Scene::RedisCut | Scene::RedisDark => {
                let wire = self.nodes[victim].to_redis.as_ref().context("there is a wire to Redis")?;
                let service = self.redis.as_ref().context("Redis runs")?.port;
                severs(wire, scene == Scene::RedisDark, scene.lasts(), service).await;
            }
            Scene::PostgresCut | Scene::PostgresDark => {
                severs(&self.nodes[victim].to_postgres, scene == Scene::PostgresDark, scene.lasts(), self.postgres.port).await;
            }
        }
        Ok(())
    }

    fn redis(&mut self) -> Result<&mut Redis> {
        self.redis.as_mut().context("Redis runs")
    }

    pub async fn ends(mut self) -> Result<()> {
        for node in &mut self.nodes {
            if let Some(server) = node.server.take() {
                server.kill().await?;
            }
        }
        if let Some(redis) = &mut self.redis {
            redis.ends().await?;
        }
        self.postgres.ends().await
    }
}

/// Dark, nothing passes and nobody is told; else every line is reset and new ones are refused.
async fn severs(wire: &Wire, dark: bool, lasts: Duration, service: u16) {
    if dark {
        wire.blackens();
        sleep(lasts).await;
        wire.clear();
    } else {
        wire.leads_to(None);
        wire.cut_all();
        sleep(lasts).await;
        wire.leads_to(Some(&format!("127.0.0.1:{service}")));
    }
}

fn port(wire: &Wire) -> Result<u16> {
    let (_, port) = wire.address.rsplit_once(':').context("an address has a port")?;
    Ok(port.parse()?)
}
