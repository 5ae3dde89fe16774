//! One file on its way in: written aside as it comes, then judged, made durable and put into place.

use std::{io, path::PathBuf};

use frontdesk_protocol::limits::FILE_BYTES_MAX;
use frontdesk_store::NewAttachment;
use sha2::{Digest, Sha256};
use tokio::{fs, io::AsyncWriteExt, task::spawn_blocking};
use uuid::Uuid;

use super::{Files, Place, name, s3::Bucket, sniff, thumbnail, thumbnail_name};
use crate::data;

/// Why a file cannot be taken in.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// It has more bytes than allowed.
    #[error("the file has more than {FILE_BYTES_MAX} bytes")]
    TooLarge,
    /// It could not be written, or not be put into the bucket.
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
        let path = files.arriving.join(&key);
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
    /// Whatever the file system or the bucket says; then nothing is in place.
    pub async fn finish(mut self, declared_name: &str) -> Result<NewAttachment, UploadError> {
        self.file.flush().await?;
        let content_type = sniff::content_type(&self.head);
        let is_picture = sniff::is_picture(content_type);
        let made = match &self.files.place {
            Place::Disk(folder) => {
                self.file.sync_all().await?;
                let small = folder.join(thumbnail_name(&self.key));
                let made = if is_picture { self.thumbnail(small).await } else { None };
                fs::rename(&self.aside.0, folder.join(&self.key)).await?;
                fs::File::open(folder).await?.sync_all().await?;
                made
            }
            Place::S3(bucket) => self.send(bucket, is_picture).await?,
        };
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

    /// The small copy goes first: an object without one is found by nobody yet.
    async fn send(&self, bucket: &Bucket, is_picture: bool) -> io::Result<Option<(u32, u32)>> {
        let name = thumbnail_name(&self.key);
        let small = Aside(self.files.arriving.join(&name));
        let made = if is_picture { self.thumbnail(small.0.clone()).await } else { None };
        if made.is_some() {
            bucket.put(&name, &small.0).await?;
        }
        let put = bucket.put(&self.key, &self.aside.0).await;
        if put.is_err() && made.is_some() {
            bucket.remove(&[name]).await;
        }
        put.map(|()| made)
    }

    /// The picture's size; `None`, and no thumbnail, if it cannot be read: that never makes the upload fail.
    async fn thumbnail(&self, to: PathBuf) -> Option<(u32, u32)> {
        let permit = self.files.decoders.clone().acquire_owned().await.ok()?;
        let from = self.aside.0.clone();
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
