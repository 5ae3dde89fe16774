//! Cleaning at start: what was still arriving when the process died, and files whose message was never stored.

use std::{
    collections::HashSet,
    fs, io,
    time::{Duration, SystemTime},
};

use super::{Files, THUMBNAIL_SUFFIX};

/// A younger file may belong to an import that is running beside us.
const ORPHAN_AGE: Duration = Duration::from_secs(3_600);

impl Files {
    /// Removes what nobody needs and says how many files that were. To be called before the server takes uploads.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub async fn sweep(&self, needed: HashSet<String>) -> io::Result<usize> {
        let files = self.clone();
        tokio::task::spawn_blocking(move || files.sweep_folder(&needed)).await.map_err(io::Error::other)?
    }

    fn sweep_folder(&self, needed: &HashSet<String>) -> io::Result<usize> {
        let mut removed = 0;
        for entry in fs::read_dir(self.arriving())? {
            fs::remove_file(entry?.path())?;
            removed += 1;
        }
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| is_ours(name)) else { continue };
            let key = name.trim_end_matches(THUMBNAIL_SUFFIX);
            if !needed.contains(key) && is_old(&entry)? {
                fs::remove_file(entry.path())?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

/// Whether this is a name that we give. Whatever else lies in the folder was put there by somebody and is not ours to remove.
pub(super) fn is_ours(name: &str) -> bool {
    let key = name.trim_end_matches(THUMBNAIL_SUFFIX);
    key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_old(entry: &fs::DirEntry) -> io::Result<bool> {
    let age = SystemTime::now().duration_since(entry.metadata()?.modified()?);
    Ok(age.is_ok_and(|age| age > ORPHAN_AGE))
}
