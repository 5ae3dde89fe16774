//! A throwaway Redis of Debian's package that keeps nothing: whoever stops it wipes it.

use std::{fs::File, path::PathBuf, process::Stdio, time::Duration};

use anyhow::{Context, Result, ensure};
use frontdesk_bench::keeper::{Kept, Last};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::Command,
    time::{Instant, sleep, timeout},
};

use super::free_port;

const START_WITHIN: Duration = Duration::from_secs(15);

pub struct Redis {
    pub port: u16,
    folder: PathBuf,
    server: Option<Kept>,
}

impl Redis {
    /// Starts one on a free port; its log goes into the folder.
    pub async fn start(folder: PathBuf) -> Result<Self> {
        let mut redis = Self { port: free_port()?, folder, server: None };
        redis.begin().await?;
        Ok(redis)
    }

    /// Starts an empty one, where the last one was.
    pub async fn begin(&mut self) -> Result<()> {
        let log = File::options().create(true).append(true).open(self.folder.join("redis.log"))?;
        let mut command = Command::new("redis-server");
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"]);
        command.arg(&self.folder).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let server = Kept::spawn(&mut command, Last::Kill);
        self.server = Some(server.context("redis-server cannot be started; install it: apt-get install redis-server")?);
        let deadline = Instant::now() + START_WITHIN;
        while !self.answers().await {
            ensure!(Instant::now() < deadline, "Redis does not answer; see {}", self.folder.join("redis.log").display());
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    async fn answers(&self) -> bool {
        let asks = async {
            let mut line = TcpStream::connect(("127.0.0.1", self.port)).await?;
            line.write_all(b"PING\r\n").await?;
            let mut answer = [0; 5];
            line.read_exact(&mut answer).await?;
            Ok::<_, std::io::Error>(&answer == b"+PONG")
        };
        matches!(timeout(Duration::from_secs(1), asks).await, Ok(Ok(true)))
    }

    /// Gone at once, with all it held.
    pub async fn ends(&mut self) -> Result<()> {
        let mut server = self.server.take().context("Redis runs")?;
        Ok(server.child.kill().await?)
    }

    /// `STOP` or `CONT`.
    pub async fn signal(&self, name: &str) -> Result<()> {
        self.server.as_ref().context("Redis runs")?.signal(name).await
    }
}
