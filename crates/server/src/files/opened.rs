//! A stored file that is to be read, whole or in part, from wherever it lies.

use std::io::{self, SeekFrom};

use bytes::Bytes;
use futures_util::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt},
};
use tokio_util::io::ReaderStream;

use super::s3::Bucket;

const READ_BYTES: usize = 64 * 1024;

/// A file's bytes as they come.
pub type Pieces = BoxStream<'static, io::Result<Bytes>>;

/// A file to be read.
#[derive(Debug)]
pub struct Opened {
    /// Its size in bytes.
    pub size: u64,
    pub(super) from: Source,
}

#[derive(Debug)]
pub(super) enum Source {
    Disk(File),
    Bucket { bucket: Bucket, name: String },
    Memory(Bytes),
}

impl Opened {
    /// So many bytes from this one on; both lie within its size.
    ///
    /// # Errors
    /// Whatever the disk or the bucket says.
    pub async fn part(self, first: u64, length: u64) -> io::Result<Pieces> {
        match self.from {
            Source::Disk(mut file) => {
                file.seek(SeekFrom::Start(first)).await?;
                Ok(ReaderStream::with_capacity(file.take(length), READ_BYTES).boxed())
            }
            Source::Bucket { bucket, name } => bucket.part(&name, first, length).await,
            Source::Memory(bytes) => {
                let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(bytes.len());
                Ok(stream::iter([Ok(bytes.slice(at(first)..at(first + length)))]).boxed())
            }
        }
    }

    /// All of it.
    ///
    /// # Errors
    /// Whatever the disk or the bucket says.
    pub async fn all(self) -> io::Result<Vec<u8>> {
        let size = self.size;
        let mut pieces = self.part(0, size).await?;
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        while let Some(piece) = pieces.try_next().await? {
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }
}
