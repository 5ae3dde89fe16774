//! `frontdesk check`: what is damaged in the data, a line each on standard output. Changes nothing.

use anyhow::bail;
use frontdesk_store::{Counts, Error, Inspection, Problems};
use tokio::runtime::Runtime;

use super::{Place, open};
use crate::{backup, data::DataFolder, files::Files};

pub(super) fn run(place: Place) -> anyhow::Result<()> {
    let config = place.load()?;
    let (problems, counts, unsummed) = Runtime::new()?.block_on(async {
        match open::to_read(config).await {
            Ok((folder, inspection)) => check(&folder, inspection).await,
            Err(error) => unreadable(error),
        }
    })?;
    if problems.is_empty() {
        let by_size = if unsummed == 0 { String::new() } else { format!("; judged by size, since they came before checksums: {unsummed}") };
        println!("ok: {}{by_size}", backup::describe(&counts));
        return Ok(());
    }
    for line in &problems.lines {
        println!("{line}");
    }
    if problems.more > 0 {
        println!("and {} more", problems.more);
    }
    bail!("problems found: {}", problems.lines.len() + problems.more);
}

type Found = (Problems, Counts, usize);

/// A database that cannot even be opened is what was looked for.
fn unreadable(error: anyhow::Error) -> anyhow::Result<Found> {
    if !matches!(error.downcast_ref(), Some(Error::Unavailable(_))) {
        return Err(error);
    }
    let mut problems = Problems::default();
    problems.add(error.to_string());
    Ok((problems, Counts::default(), 0))
}

/// The database at one moment, then the files that it named then: they never change.
async fn check(folder: &DataFolder, mut inspection: Inspection) -> anyhow::Result<Found> {
    let checked = inspection.check().await?;
    let (mut problems, counts) = (checked.problems, checked.counts.unwrap_or_default());
    let unsummed = match files(folder, &mut inspection, counts.last_attachment_id, &mut problems).await {
        Ok(unsummed) => unsummed,
        // A torn table of attachments was told of above, if it is that.
        Err(error) => {
            problems.add(format!("the attachments cannot be read: {error:#}"));
            0
        }
    };
    // Closing what is damaged may fail; there is nothing to lose.
    let _ = inspection.close().await;
    Ok((problems, counts, unsummed))
}

async fn files(folder: &DataFolder, inspection: &mut Inspection, last: i64, problems: &mut Problems) -> anyhow::Result<usize> {
    let files = Files::look(folder).await?;
    let (mut after, mut unsummed) = (0, 0);
    while after < last {
        let page = inspection.attachments(after).await?;
        let Some(newest) = page.last() else { break };
        after = newest.id;
        for file in page.iter().filter(|file| file.id <= last) {
            unsummed += usize::from(file.sha256.is_none());
            if let Some(damage) = files.damage(file).await {
                problems.add(damage);
            }
        }
    }
    Ok(unsummed)
}
