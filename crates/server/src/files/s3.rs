//! Attachments in a bucket: one object for a file and one for its thumbnail, put in one piece, so that they are there in full
//! or not at all. Every call has an end: a store that says nothing is as good as one that is away.

use std::{
    io,
    path::Path as FilePath,
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::Context;
use bytes::Bytes;
use futures_util::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use object_store::{
    BackoffConfig, ClientOptions, GetOptions, ObjectStore, ObjectStoreExt, PutPayload, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey},
    path::Path,
};
use tokio::{sync::Semaphore, time::timeout};

use super::sweep;
use crate::config::{self, ConfigError, S3};

const CONNECT: Duration = Duration::from_secs(3);
/// For an answer without a body, tries included.
const ANSWER: Duration = Duration::from_secs(10);
/// For putting a file, waiting for memory and tries included.
const PUT: Duration = Duration::from_secs(60);
/// For the next piece of a file that is read.
const PIECE: Duration = Duration::from_secs(15);
const TRIES: RetryConfig = RetryConfig {
    backoff: BackoffConfig { init_backoff: Duration::from_millis(100), max_backoff: Duration::from_secs(1), base: 2.0 },
    max_retries: 2,
    retry_timeout: Duration::from_secs(10),
};
/// Memory for files on their way into the bucket, all together: an object is put in one piece.
const PUT_MEMORY_KIB: u32 = 64 * 1024;
/// More than a thumbnail ever has.
const THUMBNAIL_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Says that we may write, and to whoever looks into the bucket what lies there.
const MARK: &str = "frontdesk.txt";

/// A bucket, or the part of it below a prefix.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    store: AmazonS3,
    prefix: Path,
    /// For people: the URL and the endpoint.
    place: Arc<str>,
    memory: Arc<Semaphore>,
}

impl Bucket {
    pub(super) fn new(settings: &S3) -> Result<Self, ConfigError> {
        let wrong = |error: object_store::Error| config::storage_problem(&error.to_string());
        let options = ClientOptions::new().with_allow_http(settings.allow_http).with_connect_timeout(CONNECT).with_timeout_disabled();
        let mut builder = AmazonS3Builder::new();
        for (name, value) in &settings.variables {
            // Variables of other programs are none of ours.
            if let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>()
                && !matches!(key, AmazonS3ConfigKey::Client(_) | AmazonS3ConfigKey::Bucket)
            {
                builder = builder.with_config(key, value.reveal());
            }
        }
        let builder = builder.with_client_options(options).with_retry(TRIES).with_bucket_name(&settings.bucket);
        let at = settings.endpoint.as_ref().map_or_else(String::new, |endpoint| format!(" at {endpoint}"));
        Ok(Self {
            store: builder.build().map_err(wrong)?,
            prefix: Path::parse(&settings.prefix).map_err(|error| config::storage_problem(&error.to_string()))?,
            place: format!("{}{at}", settings.url()).into(),
            memory: Arc::new(Semaphore::new(PUT_MEMORY_KIB as usize)),
        })
    }

    /// The place as people write it.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Fails unless the bucket is there and lets itself be read.
    pub(super) async fn reach(&self) -> anyhow::Result<()> {
        let mut list = self.store.list(Some(&self.prefix));
        let first = within(ANSWER, async { list.next().await.transpose() }).await;
        first.with_context(|| format!("the attachments: {} cannot be read; tried to list what is there", self.place))?;
        Ok(())
    }

    /// Fails unless the bucket lets itself be written.
    pub(super) async fn prove_writable(&self) -> anyhow::Result<()> {
        let text = Bytes::from_static(b"Attachments of Frontdesk lie here. Names and bytes never change.\n");
        let put = within(ANSWER, self.store.put(&self.prefix.clone().join(MARK), text.into())).await;
        put.with_context(|| format!("the attachments: {} cannot be written; tried to put {MARK}", self.place))?;
        Ok(())
    }

    /// Puts a local file.
    pub(super) async fn put(&self, name: &str, from: &FilePath) -> io::Result<()> {
        let put = async {
            let size = tokio::fs::metadata(from).await?.len();
            let share = u32::try_from(size / 1024 + 1).unwrap_or(PUT_MEMORY_KIB).min(PUT_MEMORY_KIB);
            let _memory = self.memory.acquire_many(share).await.map_err(io::Error::other)?;
            let payload: PutPayload = tokio::fs::read(from).await?.into();
            Ok(self.store.put(&self.path(name), payload).await.map(drop)?)
        };
        timeout(PUT, put).await.unwrap_or_else(|_| Err(late(PUT)))
    }

    pub(super) async fn size(&self, name: &str) -> io::Result<u64> {
        Ok(within(ANSWER, self.store.head(&self.path(name))).await?.size)
    }

    /// So many bytes from this one on.
    pub(super) async fn part(&self, name: &str, first: u64, length: u64) -> io::Result<BoxStream<'static, io::Result<Bytes>>> {
        if length == 0 {
            return Ok(stream::empty().boxed());
        }
        let options = GetOptions { range: Some((first..first + length).into()), ..GetOptions::default() };
        let got = within(ANSWER, self.store.get_opts(&self.path(name), options)).await?;
        let pieces = stream::unfold(got.into_stream(), |mut pieces| async move {
            let next = timeout(PIECE, pieces.next()).await;
            let piece = next.map_or_else(|_| Some(Err(late(PIECE))), |piece| Some(piece?.map_err(io::Error::from)))?;
            Some((piece, pieces))
        });
        Ok(pieces.boxed())
    }

    /// All of a thumbnail.
    pub(super) async fn thumbnail(&self, name: &str) -> io::Result<Bytes> {
        let read = async {
            let got = self.store.get(&self.path(name)).await?;
            if got.meta.size > THUMBNAIL_BYTES_MAX {
                return Err(io::Error::other(format!("a thumbnail of {} bytes is none of ours", got.meta.size)));
            }
            Ok(got.bytes().await?)
        };
        timeout(PIECE, read).await.unwrap_or_else(|_| Err(late(PIECE)))
    }

    /// Removes objects; what could not be removed is found by the sweep.
    pub(super) async fn remove(&self, names: &[String]) {
        for name in names {
            if let Err(error) = within(ANSWER, self.store.delete(&self.path(name))).await {
                tracing::warn!(%error, name, "an unneeded object could not be removed; the sweep tries again");
                return;
            }
        }
    }

    /// Removes our objects that are older than this and not needed, and says how many those were.
    pub(super) async fn sweep(&self, needed: impl Fn(&str) -> bool, older_than: SystemTime) -> io::Result<usize> {
        let (mut list, mut removed) = (self.store.list(Some(&self.prefix)), 0);
        while let Some(object) = within(PUT, async { list.try_next().await }).await? {
            let Some(name) = self.name(&object.location) else { continue };
            if sweep::is_ours(&name) && !needed(sweep::key(&name)) && SystemTime::from(object.last_modified) < older_than {
                within(ANSWER, self.store.delete(&object.location)).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    fn path(&self, name: &str) -> Path {
        self.prefix.clone().join(name)
    }

    /// The name of an object that lies directly below the prefix.
    fn name(&self, path: &Path) -> Option<String> {
        let mut parts = path.prefix_match(&self.prefix)?;
        let name = parts.next()?.as_ref().to_owned();
        parts.next().is_none().then_some(name)
    }
}

async fn within<T>(limit: Duration, call: impl Future<Output = object_store::Result<T>>) -> io::Result<T> {
    match timeout(limit, call).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(late(limit)),
    }
}

fn late(limit: Duration) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} s", limit.as_secs()))
}
