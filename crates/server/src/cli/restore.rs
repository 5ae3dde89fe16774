//! `frontdesk restore`, and `--verify`, which only looks.

use std::path::PathBuf;

use clap::Args;
use tokio::runtime::Runtime;

use super::Place;
use crate::{
    backup::{self, Contents, Manifest},
    config,
};

#[derive(Args)]
pub(super) struct RestoreArgs {
    /// The backup to read
    file: PathBuf,
    /// Say whether the backup is whole and what is in it; change nothing
    #[arg(long)]
    verify: bool,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(args: RestoreArgs) -> anyhow::Result<()> {
    let RestoreArgs { file, verify, place } = args;
    let runtime = Runtime::new()?;
    if verify {
        let contents = runtime.block_on(backup::verify(&file))?;
        println!("ok: {}", describe(&contents));
        return Ok(());
    }
    let config = place.load()?;
    if config.attachments.is_some() {
        return Err(config::storage_problem(
            "a restore puts attachments into the data folder; leave it out, with an empty --data, and move them on by export | import",
        )
        .into());
    }
    let restored = runtime.block_on(backup::restore(&config, &file))?;
    println!("restored into {}: {}", config.data.display(), describe(&restored.contents));
    if let Some(kept) = restored.kept {
        println!("what was there before is kept in {}", kept.display());
    }
    eprintln!("everybody has to sign in again");
    Ok(())
}

fn describe(contents: &Contents) -> String {
    let Manifest { frontdesk, made_at, demo } = &contents.manifest;
    let kind = if *demo { "demo's backup" } else { "backup" };
    format!("{}; a {kind} made {made_at} by frontdesk {frontdesk}", backup::describe(&contents.counts))
}
