//! Cleaning: what was still arriving when the process died, and files whose message was never stored. Other nodes may be at
//! work in the same place, so a file is judged by its age at the moment before the store was asked what it needs.

use std::{
    collections::HashSet,
    fs, io,
    path::Path,
    time::{Duration, SystemTime},
};

use super::{Files, Place, THUMBNAIL_SUFFIX};

/// A younger file may belong to a message or an import that is on its way. Above what `http/multipart.rs` allows a message.
const ORPHAN_AGE: Duration = Duration::from_secs(3_600);

impl Files {
    /// Removes what was still arriving. To be called before the server takes uploads.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub async fn clear_arriving(&self) -> io::Result<usize> {
        let (folder, oldest) = (self.arriving.clone(), self.shared.then(|| oldest(SystemTime::now())));
        blocking(move || {
            remove_from(&folder, |_, modified| {
                // Other nodes' uploads arrive in a shared folder, too.
                oldest.is_none_or(|oldest| modified < oldest)
            })
        })
        .await
    }

    /// Removes what nobody needs and says how many files that were. `moment` is when the store began to be asked for `needed`.
    ///
    /// # Errors
    /// Whatever the file system or the bucket says.
    pub async fn sweep(&self, needed: HashSet<String>, moment: SystemTime) -> io::Result<usize> {
        let oldest = oldest(moment);
        match &self.place {
            Place::Disk(folder) => {
                let folder = folder.clone();
                blocking(move || remove_from(&folder, |name, modified| is_ours(name) && !needed.contains(key(name)) && modified < oldest))
                    .await
            }
            Place::S3(bucket) => bucket.sweep(|key| needed.contains(key), oldest).await,
        }
    }
}

fn oldest(moment: SystemTime) -> SystemTime {
    moment - ORPHAN_AGE
}

async fn blocking(work: impl FnOnce() -> io::Result<usize> + Send + 'static) -> io::Result<usize> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

/// Removes files that are unneeded by their name and age. Another node may be faster.
fn remove_from(folder: &Path, unneeded: impl Fn(&str, SystemTime) -> bool) -> io::Result<usize> {
    let mut removed = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let gone = entry.metadata().and_then(|about| {
            let unneeded = about.is_file() && unneeded(&name.to_string_lossy(), about.modified()?);
            if unneeded { fs::remove_file(entry.path()).map(|()| 1) } else { Ok(0) }
        });
        match gone {
            Ok(count) => removed += count,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(removed)
}

/// Whether this is a name that we give. Whatever else lies there was put there by somebody and is not ours to remove.
pub(super) fn is_ours(name: &str) -> bool {
    let key = key(name);
    key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The attachment to which a file belongs.
pub(super) fn key(name: &str) -> &str {
    name.trim_end_matches(THUMBNAIL_SUFFIX)
}
