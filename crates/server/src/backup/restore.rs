//! Putting a backup into place, once all of it is found to be right; and finding that out alone.

use std::{
    collections::BTreeSet,
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use frontdesk_store::{Counts, Inspection, begin_new_history};
use uuid::Uuid;

use super::{
    ATTACHMENTS, Contents, DATABASE, Part,
    unpack::{self, Places, Unpacked, unpack},
};
use crate::{
    config::Config,
    data::DataFolder,
    files::{self, sum},
};

/// What a restore did.
#[derive(Debug)]
pub struct Restored {
    /// What is there now.
    pub contents: Contents,
    /// The folder in which is kept what was there before.
    pub kept: Option<PathBuf>,
}

/// Replaces the data of a folder that no server holds. Nothing of them is touched before the backup is found to be right.
///
/// # Errors
/// What is wrong with the backup; `DataError` if the folder is held, or of the other kind (demo or not).
pub async fn restore(config: &Config, from: &Path) -> anyhow::Result<Restored> {
    let context = || from.display().to_string();
    let manifest = unpack::manifest(from).with_context(context)?;
    let folder = DataFolder::open_for_restore(config, manifest.demo)?;
    let _hold = folder.hold()?;
    let restoring = folder.begin_restore()?;
    let places = Places {
        database: Some(restoring.database()),
        secret: Some(restoring.jwt_secret_file()),
        attachments: Some(restoring.attachments()),
    };
    let unpacked = unpack(from, &places).with_context(context)?;
    if unpacked.manifest != manifest {
        bail!("{} changed while it was read", from.display());
    }
    let counts = judge(&restoring.database(), &unpacked).await.with_context(context)?;
    begin_new_history(&restoring.database()).await?;
    let kept = restoring.put_into_place().with_context(|| config.data.display().to_string())?;
    Ok(Restored { contents: Contents { manifest, counts }, kept })
}

/// The same judgement, with the database unpacked among the system's temporary files for as long as it takes.
///
/// # Errors
/// What is wrong with the backup.
pub async fn verify(from: &Path) -> anyhow::Result<Contents> {
    let context = || from.display().to_string();
    let scratch = Scratch::make()?;
    let database = scratch.0.join(DATABASE);
    let unpacked = unpack(from, &Places { database: Some(database.clone()), ..Places::default() }).with_context(context)?;
    let counts = judge(&database, &unpacked).await.with_context(context)?;
    Ok(Contents { manifest: unpacked.manifest, counts })
}

/// A folder of our own, removed when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn make() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("frontdesk-{}", Uuid::new_v4().simple()));
        DirBuilder::new().mode(0o700).create(&path).with_context(|| path.display().to_string())?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("frontdesk: {} could not be removed: {error}", self.0.display());
        }
    }
}

/// Whether the database is whole and known here, and the attachments are exactly those that it names.
async fn judge(database: &Path, unpacked: &Unpacked) -> anyhow::Result<Counts> {
    if !database.exists() {
        bail!("{DATABASE} is missing");
    }
    let mut inspection = Inspection::open(database).await?;
    let counts = inspection.verify().await?;
    let mut unnamed: BTreeSet<&str> = unpacked.sums.keys().filter_map(|name| attachment(name)).collect();
    let mut after = 0;
    loop {
        let page = inspection.attachments(after).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        for file in &page {
            let damage = match unpacked.sums.get(&format!("{ATTACHMENTS}{}", file.key)) {
                Some(found) => sum::difference(file, found),
                None => Some("it is missing".into()),
            };
            if let Some(damage) = damage {
                bail!("{}", sum::describe(file, &damage));
            }
            unnamed.remove(file.key.as_str());
            unnamed.remove(files::thumbnail_name(&file.key).as_str());
        }
    }
    inspection.close().await?;
    match unnamed.first() {
        Some(name) => bail!("{ATTACHMENTS}{name} belongs to no message"),
        None => Ok(counts),
    }
}

fn attachment(name: &str) -> Option<&str> {
    match Part::named(name) {
        Some(Part::Attachment(file)) => Some(file),
        _ => None,
    }
}
