//! Attachments on disk or in a bucket: taken in as a stream, judged by their bytes, kept under names of our own.
//!
//! A file is in its place before its message is stored. What no message needs is removed at once if that is known, else by a
//! sweep.

pub mod name;
mod opened;
mod s3;
pub mod sniff;
pub mod sum;
mod sweep;
mod thumbnail;
mod upload;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use frontdesk_store::{NewAttachment, StoredFile};
use futures_util::TryStreamExt;
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt},
    runtime::Handle,
    sync::Semaphore,
};

use self::{
    opened::Source,
    s3::Bucket,
    sum::{Sum, SumSoFar},
};
pub use opened::{Opened, Pieces};
pub use upload::{Upload, UploadError};

use crate::{
    config::Storage,
    data::{self, DataFolder},
};

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

/// The attachments of one server, or of several that share them.
#[derive(Clone, Debug)]
pub struct Files {
    place: Place,
    arriving: PathBuf,
    /// Whether other nodes may keep their files in the same folder.
    shared: bool,
    /// One picture a core, since decoding takes memory, too.
    decoders: Arc<Semaphore>,
}

#[derive(Clone, Debug)]
enum Place {
    Disk(PathBuf),
    S3(Bucket),
}

impl Files {
    /// Opens them for reading and writing; makes the folder if it is absent.
    ///
    /// # Errors
    /// Whatever the file system says; a bucket that cannot be reached.
    pub async fn open(folder: &DataFolder) -> anyhow::Result<Self> {
        let files = Self::look(folder).await?;
        data::make_folder(&folder.attachments())?;
        data::make_folder(&files.arriving)?;
        Ok(files)
    }

    /// Opens them for reading; nothing is made.
    ///
    /// # Errors
    /// A bucket that cannot be reached.
    pub async fn look(folder: &DataFolder) -> anyhow::Result<Self> {
        let place = match folder.storage() {
            Some(Storage::S3(settings)) => {
                let bucket = Bucket::new(settings)?;
                bucket.reach().await?;
                Place::S3(bucket)
            }
            Some(Storage::Folder(_)) | None => Place::Disk(folder.attachments()),
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            place,
            arriving: folder.attachments().join(ARRIVING),
            shared: folder.storage().is_some(),
            decoders: Arc::new(Semaphore::new(cores)),
        })
    }

    /// Fails unless a bucket lets itself be written; of a disk that is known already.
    ///
    /// # Errors
    /// What the bucket says.
    pub async fn prove_writable(&self) -> anyhow::Result<()> {
        match &self.place {
            Place::Disk(_) => Ok(()),
            Place::S3(bucket) => bucket.prove_writable().await,
        }
    }

    /// The bucket and its address, if they lie in one.
    #[must_use]
    pub fn bucket(&self) -> Option<&str> {
        match &self.place {
            Place::Disk(_) => None,
            Place::S3(bucket) => Some(bucket.place()),
        }
    }

    /// The folder, if they lie in one.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        match &self.place {
            Place::Disk(folder) => Some(folder),
            Place::S3(_) => None,
        }
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
    /// `NotFound` if it is not there; whatever else the disk or the bucket says.
    pub async fn read(&self, key: &str) -> io::Result<Opened> {
        match &self.place {
            Place::Disk(folder) => {
                let file = File::open(folder.join(key)).await?;
                let size = file.metadata().await?.len();
                Ok(Opened { size, from: Source::Disk(file) })
            }
            Place::S3(bucket) => {
                let size = bucket.size(key).await?;
                Ok(Opened { size, from: Source::Bucket { bucket: bucket.clone(), name: key.into() } })
            }
        }
    }

    /// Opens an attachment's thumbnail; also tells its media type.
    ///
    /// # Errors
    /// `NotFound` if it has none; whatever else the disk or the bucket says.
    pub async fn read_thumbnail(&self, key: &str) -> io::Result<(Opened, &'static str)> {
        let name = thumbnail_name(key);
        match &self.place {
            Place::Disk(folder) => {
                let mut file = File::open(folder.join(name)).await?;
                let size = file.metadata().await?.len();
                let mut head = [0; 16];
                let read = file.read(&mut head).await?;
                file.rewind().await?;
                Ok((Opened { size, from: Source::Disk(file) }, sniff::content_type(&head[..read])))
            }
            Place::S3(bucket) => {
                let bytes: Bytes = bucket.thumbnail(&name).await?;
                let content_type = sniff::content_type(&bytes[..bytes.len().min(sniff::HEAD_BYTES)]);
                Ok((Opened { size: bytes.len() as u64, from: Source::Memory(bytes) }, content_type))
            }
        }
    }

    /// What is wrong with an attachment.
    pub async fn damage(&self, file: &StoredFile) -> Option<String> {
        match &self.place {
            Place::Disk(folder) => sum::damage(folder, file),
            Place::S3(_) => {
                let damage = match self.sum(&file.key).await {
                    Ok(found) => sum::difference(file, &found)?,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => "it is missing".into(),
                    Err(error) => error.to_string(),
                };
                Some(sum::describe(file, &damage))
            }
        }
    }

    async fn sum(&self, key: &str) -> io::Result<Sum> {
        let opened = self.read(key).await?;
        let size = opened.size;
        let mut pieces = opened.part(0, size).await?;
        let mut sum = SumSoFar::default();
        while let Some(piece) = pieces.try_next().await? {
            sum.add(&piece);
        }
        Ok(sum.finish())
    }

    /// Removes the files of a message that was not stored.
    pub async fn discard(&self, attachments: &[NewAttachment]) {
        match &self.place {
            Place::Disk(folder) => remove(folder, attachments),
            Place::S3(bucket) => bucket.remove(&names(attachments)).await,
        }
    }

    /// The same for where nobody can wait: from a bucket they are removed a little later.
    pub fn discard_soon(&self, attachments: &[NewAttachment]) {
        match (&self.place, Handle::try_current()) {
            (Place::Disk(folder), _) => remove(folder, attachments),
            (Place::S3(bucket), Ok(runtime)) if !attachments.is_empty() => {
                let (bucket, names) = (bucket.clone(), names(attachments));
                runtime.spawn(async move { bucket.remove(&names).await });
            }
            // The sweep finds them.
            (Place::S3(_), _) => {}
        }
    }
}

fn names(attachments: &[NewAttachment]) -> Vec<String> {
    let both = attachments.iter().map(|file| (file.key.clone(), file.thumbnail.then(|| thumbnail_name(&file.key))));
    both.flat_map(|(key, thumbnail)| [Some(key), thumbnail]).flatten().collect()
}

fn remove(folder: &Path, attachments: &[NewAttachment]) {
    for NewAttachment { key, .. } in attachments {
        for path in [folder.join(key), folder.join(thumbnail_name(key))] {
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!(%error, key, "an unneeded file could not be removed")
                }
                _ => {}
            }
        }
    }
}
