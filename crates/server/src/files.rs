//! Attachments on disk: taken in as a stream, judged by their bytes, kept under names of our own.
//!
//! A file is on disk before its message is stored. What no message needs is removed at once if that is known, else at the
//! next start.

pub mod name;
pub mod sniff;
pub mod sum;
mod sweep;
mod thumbnail;
mod upload;

use std::{io, path::PathBuf, sync::Arc};

use frontdesk_store::NewAttachment;
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt},
    sync::Semaphore,
};

pub use upload::{Upload, UploadError};

use crate::data;

/// The folder for what is still arriving, inside the folder of attachments.
const ARRIVING: &str = "tmp";
const THUMBNAIL_SUFFIX: &str = ".thumb";

/// The name of an attachment's thumbnail.
#[must_use]
pub fn thumbnail_name(key: &str) -> String {
    format!("{key}{THUMBNAIL_SUFFIX}")
}

/// Whether an attachment or a thumbnail may have this name.
#[must_use]
pub fn is_name(name: &str) -> bool {
    sweep::is_ours(name)
}

/// The attachments of one server.
#[derive(Clone, Debug)]
pub struct Files {
    folder: PathBuf,
    /// One picture a core, since decoding takes memory, too.
    decoders: Arc<Semaphore>,
}

/// A file opened for reading.
#[derive(Debug)]
pub struct Opened {
    /// The file, at its beginning.
    pub file: File,
    /// Its size in bytes.
    pub size: u64,
}

impl Files {
    /// Makes the folder if it is absent.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        data::make_folder(&folder)?;
        data::make_folder(&folder.join(ARRIVING))?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self { folder, decoders: Arc::new(Semaphore::new(cores)) })
    }

    /// Begins to take in a file.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub async fn begin(&self) -> io::Result<Upload> {
        Upload::begin(self.clone()).await
    }

    /// Opens an attachment.
    ///
    /// # Errors
    /// `NotFound` if it is not there; whatever else the file system says.
    pub async fn read(&self, key: &str) -> io::Result<Opened> {
        let file = File::open(self.path(key)).await?;
        let size = file.metadata().await?.len();
        Ok(Opened { file, size })
    }

    /// Opens an attachment's thumbnail; also tells its media type.
    ///
    /// # Errors
    /// `NotFound` if it has none; whatever else the file system says.
    pub async fn read_thumbnail(&self, key: &str) -> io::Result<(Opened, &'static str)> {
        let mut opened = self.read(&thumbnail_name(key)).await?;
        let mut head = [0; 16];
        let read = opened.file.read(&mut head).await?;
        opened.file.rewind().await?;
        Ok((opened, sniff::content_type(&head[..read])))
    }

    /// Removes the files of a message that was not stored.
    pub fn discard(&self, attachments: &[NewAttachment]) {
        for attachment in attachments {
            self.remove(&attachment.key);
        }
    }

    fn remove(&self, key: &str) {
        for path in [self.path(key), self.path(&thumbnail_name(key))] {
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!(%error, key, "an unneeded file could not be removed")
                }
                _ => {}
            }
        }
    }

    fn path(&self, key: &str) -> PathBuf {
        self.folder.join(key)
    }

    fn arriving(&self) -> PathBuf {
        self.folder.join(ARRIVING)
    }
}
