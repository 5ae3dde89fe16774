//! `frontdesk import` and `frontdesk export`.

use std::{fs::File, io, path::PathBuf};

use anyhow::Context;
use clap::Args;

use super::{Place, open::with_data};
use crate::{files::Files, transfer};

#[derive(Args)]
pub(super) struct ImportArgs {
    /// The file to read; - is standard input
    file: PathBuf,
    #[command(flatten)]
    place: Place,
}

pub(super) fn import(args: ImportArgs) -> anyhow::Result<()> {
    let from: Box<dyn io::Read + Send> = if args.file.as_os_str() == "-" {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(&args.file).with_context(|| args.file.display().to_string())?)
    };
    with_data(args.place, async |opened| {
        let files = Files::open(&opened.folder).await?;
        let records = transfer::import(&opened.store, &files, io::BufReader::new(from)).await?;
        eprintln!("{records} records imported");
        Ok(())
    })
}

pub(super) fn export(place: Place) -> anyhow::Result<()> {
    with_data(place, async |opened| {
        let files = Files::look(&opened.folder).await?;
        transfer::export(&opened.store, &files, io::BufWriter::new(io::stdout())).await
    })
}
