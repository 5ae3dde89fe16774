//! Sees to it that nothing outlives the harness, however the harness ends: a shell holds a list of what was started, and when its
//! input closes, which a SIGKILL of the harness does too, it ends what is still on the list.

use std::{
    io::Write,
    os::unix::process::CommandExt,
    process::{Child as StdChild, Command as StdCommand, Stdio},
    sync::{Mutex, OnceLock},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    process::{Child, Command},
    time::timeout,
};

/// Each line of its input names a process and how it is to end.
const SCRIPT: &str = r#"
kept=
while read -r what pid signal; do
  rest=
  for each in $kept; do [ "${each%%:*}" = "$pid" ] || rest="$rest $each"; done
  kept=$rest
  [ "$what" = keep ] && kept="$kept $pid:$signal"
done
for each in $kept; do kill "-${each##*:}" "${each%%:*}" 2>/dev/null; done
"#;

/// How a process ends that is no longer needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    /// SIGKILL.
    Kill,
    /// SIGINT, after which it tidies up: PostgreSQL gives back what the system shares.
    Interrupt,
}

/// A process that ends with its keeper at the latest. Dropped, it is ended.
#[derive(Debug)]
pub struct Kept {
    /// The process.
    pub child: Child,
    /// The kernel's number for it.
    pub pid: u32,
    last: Last,
}

impl Kept {
    /// Starts a process.
    ///
    /// # Errors
    /// When it, or the shell that keeps the list, cannot be started.
    pub fn spawn(command: &mut Command, last: Last) -> Result<Self> {
        let child = command.kill_on_drop(last == Last::Kill).spawn()?;
        let pid = child.id().context("it was started a moment ago")?;
        let signal = if last == Last::Kill { "KILL" } else { "INT" };
        let kept = Self { child, pid, last };
        tell(&format!("keep {pid} {signal}\n"))?;
        Ok(kept)
    }

    /// Sends a signal such as `TERM`.
    ///
    /// # Errors
    /// When the process is gone, or the name is not known here.
    pub async fn signal(&self, name: &str) -> Result<()> {
        let signal = match name {
            "TERM" => Signal::TERM,
            "INT" => Signal::INT,
            "KILL" => Signal::KILL,
            "STOP" => Signal::STOP,
            "CONT" => Signal::CONT,
            _ => bail!("SIG{name} is not sent by the harness; use TERM, INT, KILL, STOP or CONT"),
        };
        ensure!(self.child.id().is_some(), "process {} has ended, and gets no SIG{name}", self.pid);
        kill_process(process(self.pid)?, signal).with_context(|| format!("SIG{name} could not be sent to process {}", self.pid))
    }

    /// Waits for its end and answers the exit code, -1 if a signal ended it.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn ended(&mut self, within: Duration) -> Result<i32> {
        let status = timeout(within, self.child.wait()).await.context("the process did not end in time")??;
        Ok(status.code().unwrap_or(-1))
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if self.last == Last::Interrupt && self.child.id().is_some() {
            // It may be ending already.
            let _ = process(self.pid).map(|pid| kill_process(pid, Signal::INT));
        }
        // Without a keeper there is no list to take it from.
        let _ = tell(&format!("free {}\n", self.pid));
    }
}

fn process(pid: u32) -> Result<Pid> {
    Pid::from_raw(i32::try_from(pid)?).context("a process has a number")
}

/// A group of its own, so that Ctrl-C at a terminal ends the harness and not the keeper.
fn tell(line: &str) -> Result<()> {
    static KEEPER: OnceLock<Mutex<Option<StdChild>>> = OnceLock::new();
    let mut keeper = KEEPER.get_or_init(Mutex::default).lock().expect("nobody panics with the list in hand");
    if keeper.is_none() {
        let mut command = StdCommand::new("sh");
        command.args(["-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        *keeper = Some(command.spawn().context("sh cannot be started")?);
    }
    let input = keeper.as_mut().and_then(|keeper| keeper.stdin.as_mut()).context("its input is piped")?;
    Ok(input.write_all(line.as_bytes())?)
}
