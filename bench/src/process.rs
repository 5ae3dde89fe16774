//! The binary `frontdesk` as a process: run once as a tool, or kept running as a server that can be signalled, killed and measured.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::Command,
    time::timeout,
};

use crate::keeper::{Kept, Last};

/// How long a server may take to say that it listens.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a tool may take; a busy database lets it wait for some seconds.
const TOOL_TIMEOUT: Duration = Duration::from_secs(60);

/// How to start the binary.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The binary.
    pub binary: PathBuf,
    /// The data folder.
    pub data: PathBuf,
    /// Where the logs go.
    pub logs: PathBuf,
    /// Flags of `serve` beside the address.
    pub flags: Vec<String>,
    /// Further settings of the process.
    pub env: Vec<(String, String)>,
}

/// A server in a process of its own. Dropped, it is killed; it is killed also if the harness ends without dropping anything.
#[derive(Debug)]
pub struct Server {
    child: Kept,
    /// The kernel's number for it.
    pub pid: u32,
    /// Where it listens.
    pub address: String,
}

impl Setup {
    /// The binary with these arguments and with nothing of the caller's own settings.
    #[must_use]
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FRONTDESK_")) {
            command.env_remove(name);
        }
        let folder = self.data.parent().unwrap_or(Path::new("."));
        command.args(args).current_dir(folder).kill_on_drop(true);
        command.env("FRONTDESK_DATA", &self.data).env("FRONTDESK_JWT_SECRET", crate::token::SECRET);
        command.envs(self.env.iter().cloned());
        command
    }

    /// Runs a tool to its end.
    ///
    /// # Errors
    /// When it cannot be started or does not end.
    pub async fn run(&self, args: &[&str], input: &str) -> Result<Output> {
        let mut command = self.command(args);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let mut stdin = child.stdin.take().context("stdin is piped")?;
        // A tool that reads nothing may have closed its side already.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        Ok(timeout(TOOL_TIMEOUT, child.wait_with_output()).await.with_context(|| format!("{args:?} did not end"))??)
    }

    /// Runs a tool that must do well, and answers what it said.
    ///
    /// # Errors
    /// When it does not end well.
    pub async fn tool(&self, args: &[&str], input: &str) -> Result<Vec<u8>> {
        let output = self.run(args, input).await?;
        if !output.status.success() {
            let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
            bail!("frontdesk {args:?} ended with {}: {said}", output.status);
        }
        Ok(output.stdout)
    }

    /// Starts a server on a free port and waits until it says that it listens. Its log is `server-NUMBER.log`.
    ///
    /// # Errors
    /// When it ends before, or takes too long.
    pub async fn serve(&self, number: usize) -> Result<Server> {
        let path = self.logs.join(format!("server-{number}.log"));
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.args(&self.flags).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&path)?);
        let mut child = Kept::spawn(&mut command, Last::Kill).with_context(|| format!("{} cannot be started", self.binary.display()))?;
        let pid = child.pid;
        let mut lines = BufReader::new(child.child.stdout.take().context("stdout is piped")?).lines();
        let listening = async {
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(address) = line.strip_prefix("frontdesk listening on http://") {
                    return Some(address.to_owned());
                }
            }
            None
        };
        match timeout(START_TIMEOUT, listening).await {
            Ok(Some(address)) => Ok(Server { child, pid, address }),
            Ok(None) => bail!("the server ended before it listened; see {}", path.display()),
            Err(_) => bail!("the server did not listen within {} s; see {}", START_TIMEOUT.as_secs(), path.display()),
        }
    }
}

impl Server {
    /// Sends a signal such as `TERM`.
    ///
    /// # Errors
    /// When the server is gone.
    pub async fn signal(&self, name: &str) -> Result<()> {
        self.child.signal(name).await
    }

    /// Dies without a goodbye.
    ///
    /// # Errors
    /// When it is dead already.
    pub async fn kill(mut self) -> Result<()> {
        Ok(self.child.child.kill().await?)
    }

    /// Waits for its end and answers the exit code.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn ended(mut self, within: Duration) -> Result<i32> {
        self.child.ended(within).await
    }

    /// Whether it has ended by itself.
    pub fn is_gone(&mut self) -> bool {
        !matches!(self.child.child.try_wait(), Ok(None))
    }

    /// Open file descriptors.
    ///
    /// # Errors
    /// When the server is gone.
    pub fn descriptors(&self) -> Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.pid))?.count())
    }

    /// Resident memory in KiB.
    ///
    /// # Errors
    /// When the server is gone.
    pub fn memory_kib(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("a living process has VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }
}
