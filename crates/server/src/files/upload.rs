//! One file on its way in: written aside as it comes, then judged, made durable and put into place.

use std::{io, path::PathBuf};

use frontdesk_protocol::limits::FILE_BYTES_MAX;
use frontdesk_store::NewAttachment;
use sha2::{Digest, Sha256};
use tokio::{fs, io::AsyncWriteExt, task::spawn_blocking};
use uuid::Uuid;

use super::{Files, name, sniff, thumbnail, thumbnail_name};
use crate::data;

/// Why a file cannot be taken in.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// It has more bytes than allowed.
    #[error("the file has more than {FILE_BYTES_MAX} bytes")]
    TooLarge,
    /// It could not be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A file that is arriving. Dropped before `finish`, it leaves nothing behind.
#[derive(Debug)]
pub struct Upload {
    files: Files,
    key: String,
    aside: Aside,
    file: fs::File,
    head: Vec<u8>,
    size: u64,
    sum: Sha256,
}

impl Upload {
    pub(super) async fn begin(files: Files) -> io::Result<Self> {
        let key = Uuid::now_v7().simple().to_string();
        let path = files.arriving().join(&key);
        let file = data::private_file().create_new(true).open(&path)?;
        Ok(Self { files, key, aside: Aside(path), file: fs::File::from_std(file), head: Vec::new(), size: 0, sum: Sha256::new() })
    }

    /// Appends what has arrived.
    ///
    /// # Errors
    /// `TooLarge` as soon as it is, so that no more is read.
    pub async fn write(&mut self, chunk: &[u8]) -> Result<(), UploadError> {
        self.size += chunk.len() as u64;
        if self.size > FILE_BYTES_MAX {
            return Err(UploadError::TooLarge);
        }
        let wanted = sniff::HEAD_BYTES.saturating_sub(self.head.len()).min(chunk.len());
        self.head.extend_from_slice(&chunk[..wanted]);
        self.sum.update(chunk);
        Ok(self.file.write_all(chunk).await?)
    }

    /// Judges the file, makes it durable and puts it into place.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub async fn finish(mut self, declared_name: &str) -> Result<NewAttachment, UploadError> {
        self.file.flush().await?;
        self.file.sync_all().await?;
        let content_type = sniff::content_type(&self.head);
        let made = if sniff::is_picture(content_type) { self.thumbnail().await } else { None };
        let place = self.files.path(&self.key);
        fs::rename(&self.aside.0, &place).await?;
        fs::File::open(&self.files.folder).await?.sync_all().await?;
        Ok(NewAttachment {
            key: std::mem::take(&mut self.key),
            name: name::clean(declared_name),
            content_type: content_type.into(),
            size: i64::try_from(self.size).expect("bounded by FILE_BYTES_MAX"),
            width: made.map(|(width, _)| width.into()),
            height: made.map(|(_, height)| height.into()),
            thumbnail: made.is_some(),
            sha256: Some(self.sum.finalize().into()),
        })
    }

    /// The picture's size; `None`, and no thumbnail, if it cannot be read: that never makes the upload fail.
    async fn thumbnail(&self) -> Option<(u32, u32)> {
        let permit = self.files.decoders.clone().acquire_owned().await.ok()?;
        let from = self.aside.0.clone();
        let to = self.files.path(&thumbnail_name(&self.key));
        let made = spawn_blocking(move || {
            let made = thumbnail::make(&from, &to);
            drop(permit);
            made
        });
        match made.await {
            Ok(Ok(size)) => Some(size),
            Ok(Err(reason)) => {
                tracing::debug!(key = self.key, %reason, "no thumbnail could be made");
                None
            }
            Err(error) => {
                tracing::warn!(key = self.key, %error, "a picture broke its decoder");
                None
            }
        }
    }
}

/// A file that is removed unless it was put into place.
#[derive(Debug)]
struct Aside(PathBuf);

impl Drop for Aside {
    fn drop(&mut self) {
        match std::fs::remove_file(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => tracing::warn!(%error, "an unfinished file could not be removed"),
            _ => {}
        }
    }
}
