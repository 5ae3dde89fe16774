//! How fast this machine's disk and processor are at this moment, so that a slow figure can be told from a slow machine.

use std::{
    fs::OpenOptions,
    hint::black_box,
    io::Write,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use clap::Args;
use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::{host::round, talk::quantiles};

const APPENDED_BYTES: usize = 256;
const PIECES: usize = 9;

/// Where and how long.
#[derive(Args, Debug)]
pub struct Probe {
    /// A folder on the disk in question
    #[arg(long)]
    pub folder: PathBuf,
    /// Seconds of appending and syncing; 0 leaves the disk alone
    #[arg(long, default_value_t = 0.3)]
    pub seconds: f64,
}

/// Appends and syncs one after the other, then computes a little.
///
/// # Errors
/// When the folder cannot be written.
pub fn probe(args: &Probe) -> Result<Value> {
    let path = args.folder.join("probe");
    let mut file = OpenOptions::new().create(true).append(true).open(&path).with_context(|| path.display().to_string())?;
    let mut times = Histogram::<u64>::new_with_bounds(1, 60_000_000, 3)?;
    let end = Instant::now() + Duration::from_secs_f64(args.seconds);
    while Instant::now() < end {
        let began = Instant::now();
        file.write_all(&[b'x'; APPENDED_BYTES])?;
        file.sync_data()?;
        times.saturating_record(began.elapsed().as_micros() as u64);
    }
    std::fs::remove_file(&path)?;
    Ok(json!({"fdatasync_ms": quantiles(&times), "compute_ms": round(compute().as_secs_f64() * 1e3)}))
}

/// A fixed piece of work: the middle one of some, since each may be interrupted.
fn compute() -> Duration {
    let mut times = [Duration::ZERO; PIECES];
    for time in &mut times {
        let began = Instant::now();
        black_box(
            (0..2_000_000_u64).fold(1_u64, |sum, number| black_box(sum).wrapping_mul(6_364_136_223_846_793_005).wrapping_add(number)),
        );
        *time = began.elapsed();
    }
    times.sort();
    times[PIECES / 2]
}
