//! Many people who connect, a bounded number at once, and what is then done together: a while of listening, and a talk for a time.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::{
    host::{Reading, round},
    lines::{Heard, Lines, Pens},
    mark,
    talk::Talk,
    target::Target,
};

/// Handshakes that are under way at the same time.
pub const AT_ONCE: usize = 64;
/// Longer than this without anybody new is a server that does not let people in.
const STUCK: Duration = Duration::from_secs(30);

/// So long without a byte is quiet.
pub const QUIET: Duration = Duration::from_secs(1);
/// Longer than any server here talks of those who come.
const NOISY_MOST: Duration = Duration::from_secs(180);

/// How a crowd came in.
#[derive(Debug)]
pub struct Arrival {
    /// Their connections have the numbers from this on.
    pub first: usize,
    pub took: Duration,
    /// When each was in, since the start.
    times: Vec<Duration>,
    pub failed: usize,
}

impl Arrival {
    /// Rates over all, and over the first and the last tenth.
    pub fn report(&self) -> Value {
        let rate = |part: &[Duration], since: Duration| {
            part.last().map(|last| (part.len() as f64 / (*last - since).as_secs_f64().max(1e-9)).round())
        };
        let tenth = (self.times.len() / 10).max(1).min(self.times.len());
        let rest = self.times.len() - tenth;
        let before = rest.checked_sub(1).map_or(Duration::ZERO, |last| self.times[last]);
        json!({
            "connected": self.times.len(), "failed": self.failed, "seconds": round(self.took.as_secs_f64()),
            "per_second": rate(&self.times, Duration::ZERO), "first_tenth": rate(&self.times[..tenth], Duration::ZERO),
            "last_tenth": rate(&self.times[rest..], before),
        })
    }
}

/// Connects them all, each once its forerunner's handshake leaves room; frames go to `hear`. In is who has been told `ready`, and among
/// those of old, who has been let in.
///
/// # Errors
/// When somebody is refused, or nothing moves any more.
pub fn gather(
    lines: &mut Lines,
    target: &Target,
    paths: &[String],
    at_once: usize,
    mut hear: impl FnMut(&mut Pens, usize, &[u8]),
) -> Result<Arrival> {
    let start = Instant::now();
    let first = lines.count();
    let mut times: Vec<Duration> = Vec::with_capacity(paths.len());
    let (mut opened, mut failed, mut why) = (0, 0, None);
    while times.len() + failed < paths.len() {
        while opened < paths.len() && opened - times.len() - failed < at_once {
            lines.open(target.node(opened), &paths[opened])?;
            opened += 1;
        }
        let patience = start + times.last().copied().unwrap_or_default() + STUCK;
        ensure!(Instant::now() < patience, "after {} of {} connections nothing moves", times.len(), paths.len());
        lines.turn(patience, &mut |pens, line, heard| match heard {
            Heard::Up if target.origin && line >= first => times.push(pens.now - start),
            Heard::Up => {}
            Heard::Text(frame) => {
                if !target.origin && line >= first && mark::kind(frame) == b"ready" {
                    times.push(pens.now - start);
                }
                hear(pens, line, frame);
            }
            Heard::Down(code) => {
                failed += 1;
                why = code.or(why);
            }
        })?;
    }
    ensure!(failed == 0, "{failed} of {} connections failed (code {why:?})", paths.len());
    Ok(Arrival { first, took: start.elapsed(), times, failed })
}

/// How a talk is driven.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Messages under way in each room; the next comes when one is done.
    pub outstanding: u32,
    /// Instead: so many messages a second over all rooms, whatever becomes of them.
    pub rate: Option<f64>,
    pub warmup: Duration,
    pub time: Duration,
    /// How long to wait at the end for what has not come.
    pub drain: Duration,
}

/// Talks for a while and answers the figures.
///
/// # Errors
/// When the kernel fails.
pub fn converse(lines: &mut Lines, talk: &mut Talk, pids: &[u32], pace: Pace) -> Result<Value> {
    let start = Instant::now();
    talk.timed_from = start + pace.warmup;
    talk.answers = pace.rate.is_none();
    if pace.rate.is_none() {
        for room in 0..talk.rooms() {
            for number in 0..pace.outstanding as usize {
                let writer = number % talk.writers(room);
                talk.say(&mut lines.pens, room, writer, start);
            }
        }
    }
    let mut metronome = pace.rate.map(|rate| Metronome { start, gap: Duration::from_secs_f64(1.0 / rate), said: 0 });
    listen(lines, talk, start + pace.warmup, metronome.as_mut())?;
    let (before, calls_before) = (Reading::take(pids), lines.calls);
    let (done_before, delivered_before) = (talk.counts.done, talk.counts.delivered);
    let measured = Instant::now();
    listen(lines, talk, measured + pace.time, metronome.as_mut())?;
    let seconds = measured.elapsed().as_secs_f64();
    let (done, delivered) = (talk.counts.done - done_before, talk.counts.delivered - delivered_before);
    let after = Reading::take(pids);
    let calls: Vec<u64> = lines.calls.iter().zip(calls_before).map(|(now, before)| now - before).collect();
    talk.answers = false;
    drain(lines, talk, pace.drain)?;
    let mut report = talk.report();
    let figures = json!({
        "messages_per_second": round(done as f64 / seconds), "deliveries_per_second": round(delivered as f64 / seconds),
        "cpu": before.until(&after), "server_ms_per_message": before.server_ms_each(&after, done),
        "generator_reads": calls[1], "generator_writes": calls[2], "bytes_read": calls[0],
    });
    report.as_object_mut().expect("a report is an object").extend(figures.as_object().expect("made above").clone());
    Ok(report)
}

/// When the next message of an open loop is due.
#[derive(Debug)]
struct Metronome {
    start: Instant,
    gap: Duration,
    said: u32,
}

impl Metronome {
    fn due(&self) -> Instant {
        self.start + self.gap.mul_f64(f64::from(self.said))
    }
}

fn listen(lines: &mut Lines, talk: &mut Talk, until: Instant, mut metronome: Option<&mut Metronome>) -> Result<()> {
    loop {
        let now = Instant::now();
        if now >= until {
            return Ok(());
        }
        let mut next = until;
        if let Some(metronome) = &mut metronome {
            while metronome.due() <= now {
                let (room, round) = (metronome.said as usize % talk.rooms(), metronome.said as usize / talk.rooms());
                let writer = round % talk.writers(room);
                talk.say(&mut lines.pens, room, writer, metronome.due());
                talk.is_late(metronome.due(), now);
                metronome.said += 1;
            }
            next = next.min(metronome.due());
        }
        turn(lines, talk, next)?;
    }
}

/// Waits until everything that was sent is done, while something still comes.
///
/// # Errors
/// When the kernel fails.
pub fn drain(lines: &mut Lines, talk: &mut Talk, patience: Duration) -> Result<()> {
    let end = Instant::now() + patience;
    while talk.waiting() > 0 && Instant::now() < end {
        turn(lines, talk, end)?;
    }
    // What is doubled comes after what was awaited.
    let a_little_longer = Instant::now() + Duration::from_millis(200);
    while Instant::now() < a_little_longer {
        turn(lines, talk, a_little_longer)?;
    }
    Ok(())
}

/// Waits until nothing has come for a while, as long as it takes.
///
/// # Errors
/// When the kernel fails, or it never ends.
pub fn until_quiet(lines: &mut Lines, talk: &mut Talk) -> Result<()> {
    let end = Instant::now() + NOISY_MOST;
    let (mut heard, mut since) = (lines.calls[0], Instant::now());
    while since.elapsed() < QUIET {
        ensure!(Instant::now() < end, "it does not become quiet");
        turn(lines, talk, Instant::now() + QUIET / 10)?;
        if lines.calls[0] != heard {
            (heard, since) = (lines.calls[0], Instant::now());
        }
    }
    Ok(())
}

/// One turn in which all that is heard belongs to the talk.
///
/// # Errors
/// When the kernel fails.
pub fn turn(lines: &mut Lines, talk: &mut Talk, until: Instant) -> Result<()> {
    lines.turn(until, &mut |pens, line, heard| match heard {
        Heard::Up => {}
        Heard::Text(frame) => talk.hear(pens, line, frame),
        Heard::Down(_) => talk.counts.disconnected += 1,
    })
}
