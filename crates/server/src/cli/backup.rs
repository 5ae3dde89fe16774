//! `frontdesk backup`.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use tokio::runtime::Runtime;

use super::{Place, open};
use crate::{backup, config::Storage};

#[derive(Args)]
pub(super) struct BackupArgs {
    /// The file to write (a tar); it must not be there yet
    file: PathBuf,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(args: BackupArgs) -> anyhow::Result<()> {
    let config = args.place.load()?;
    if config.postgres.is_some() {
        bail!("the database is PostgreSQL's: back it up with pg_dump, and the attachments and the secret by the means of where they are");
    }
    Runtime::new()?.block_on(async {
        let (folder, inspection) = open::to_read(config).await?;
        inspection.close().await?;
        let contents = backup::write(&folder, &args.file).await?;
        if let Some(Storage::S3(bucket)) = folder.storage() {
            eprintln!("the attachments were read from {}; a restore puts them into the data folder", bucket.url());
        }
        println!("{}: {}", args.file.display(), backup::describe(&contents.counts));
        Ok(())
    })
}
