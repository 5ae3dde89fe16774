//! Frames that wait for one connection at the same time: with how many calls to the kernel the server sends them. `strace` counts, since
//! nothing else tells the calls of one socket from the others.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use clap::Args;
use frontdesk_protocol::Id;
use serde_json::{Value, json};

use crate::{
    crowd::{self, AT_ONCE},
    host::round,
    lines::Lines,
    talk::{Style, Talk},
    target::{Target, admin_of, user_of},
};

/// How long a burst may take under `strace`, which slows every call.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between bursts, so that what comes late is counted with its own.
const PAUSE: Duration = Duration::from_millis(30);
/// The people, in the order of their connections: who writes, who listens, and who keeps the disk busy in another room.
const LISTENER: usize = 1;

/// A user writes many messages at once and an admin listens.
#[derive(Args, Debug)]
pub struct Burst {
    #[command(flatten)]
    pub target: Target,
    /// Messages at once
    #[arg(long, default_value_t = 20)]
    pub frames: u64,
    /// How often
    #[arg(long, default_value_t = 50)]
    pub bursts: u64,
}

/// Runs it. Somebody in another room writes just before, so that the burst meets a server at work and is stored as one.
///
/// # Errors
/// When somebody cannot connect, or `strace` cannot be had.
pub fn burst(args: &Burst) -> Result<Value> {
    let mut lines = Lines::new()?;
    let mut talk = Talk::new(Style { origin: args.target.origin, bytes: 128, receipts: 0 }, 0);
    let (busy, other): (Id, Id) = (1, 2);
    let people = [(busy, user_of(busy), true), (busy, admin_of(busy), false), (other, user_of(other), true)];
    people.iter().for_each(|(room, _, writes)| talk.join(usize::from(*room == other), *writes));
    let paths: Vec<_> = people.iter().map(|(room, person, _)| args.target.path(*room, *person)).collect();
    crowd::gather(&mut lines, &args.target, &paths, AT_ONCE, |pens, line, frame| talk.hear(pens, line, frame))?;
    let listener = lines.address(LISTENER).context("the listener has left")?;
    let folder = tempfile::tempdir()?;
    let trace = Trace::attach(&args.target.pid, folder.path().join("calls"), format!("->{listener}]"))?;
    settle(&mut lines, &mut talk, &trace)?;

    let (mut writes, mut seen) = (Vec::new(), trace.writes()?);
    for _ in 0..args.bursts {
        let now = Instant::now();
        talk.say(&mut lines.pens, 1, 0, now);
        (0..args.frames).for_each(|_| talk.say(&mut lines.pens, 0, 0, now));
        finish(&mut lines, &mut talk)?;
        let all = trace.writes()?;
        writes.push(all - seen);
        seen = all;
    }
    Ok(report(args, writes, &talk))
}

fn report(args: &Burst, mut writes: Vec<usize>, talk: &Talk) -> Value {
    writes.sort_unstable();
    let total = writes.iter().sum::<usize>().max(1);
    let mut report = talk.report();
    report["frames"] = args.frames.into();
    report["bursts"] = args.bursts.into();
    report["in_one_write"] = writes.iter().filter(|count| **count == 1).count().into();
    report["writes_per_burst"] = json!({"p50": writes[writes.len() / 2], "max": writes[writes.len() - 1]});
    report["writes_per_frame"] = json!(round(total as f64 / (args.frames * args.bursts) as f64));
    report
}

/// Until calls are seen, so that none of the first burst is missed.
fn settle(lines: &mut Lines, talk: &mut Talk, trace: &Trace) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    while trace.writes()? == 0 {
        ensure!(Instant::now() < end, "strace sees nothing of the server; may it attach to a process?");
        talk.say(&mut lines.pens, 0, 0, Instant::now());
        finish(lines, talk)?;
    }
    Ok(())
}

fn finish(lines: &mut Lines, talk: &mut Talk) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    while talk.waiting() > 0 {
        ensure!(Instant::now() < end, "{} messages have not come", talk.waiting());
        crowd::turn(lines, talk, end)?;
    }
    let end = Instant::now() + PAUSE;
    while Instant::now() < end {
        crowd::turn(lines, talk, end)?;
    }
    Ok(())
}

/// The calls that write to one socket.
struct Trace {
    strace: Child,
    file: PathBuf,
    socket: String,
}

impl Trace {
    fn attach(pids: &[u32], file: PathBuf, socket: String) -> Result<Self> {
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-yy", "-s", "0", "-e", "trace=write,writev,sendto,sendmsg,sendmmsg", "-e", "signal=none", "-o"]);
        command.arg(&file).args(pids.iter().flat_map(|pid| ["-p".to_owned(), pid.to_string()]));
        let strace =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().context("strace cannot be started")?;
        Ok(Self { strace, file, socket })
    }

    /// A call that was interrupted in the trace is named with its socket once only.
    fn writes(&self) -> Result<usize> {
        let text = match fs::read_to_string(&self.file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
            other => other?,
        };
        Ok(text.lines().filter(|line| line.contains(&self.socket)).count())
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        // Killed, it would leave the server stopped; asked to end, it lets go first.
        let _ = Command::new("kill").args(["-TERM", &self.strace.id().to_string()]).status();
        let _ = self.strace.wait();
    }
}
