//! Writing a backup beside a running server: first one snapshot of the database, then exactly the files that it names. Those
//! never change and are on disk before their message is, so together they are one moment.

use std::{
    fs::{self, File, Permissions, TryLockError},
    io::{self, BufWriter, Read, Write},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow, bail};
use frontdesk_protocol::Timestamp;
use frontdesk_store::{Inspection, StoredFile, copy_database};

use super::{ATTACHMENTS, Contents, DATABASE, DEMO, MANIFEST, Manifest, SECRET, SUMS};
use crate::{
    data::{self, DataFolder},
    files::{
        self, Files,
        sum::{self, Sum, Summing},
    },
};

const BUFFER_BYTES: usize = 256 * 1024;

/// Writes a backup to a file that is not there yet.
///
/// # Errors
/// What keeps it from being whole: the file system, a damaged database, an attachment that is missing or damaged. Then there
/// is no file.
pub async fn write(folder: &DataFolder, to: &Path) -> anyhow::Result<Contents> {
    let target = Target::begin(to)?;
    copy_database(folder.database(), &target.snapshot).await?;
    let mut snapshot = Inspection::open(&target.snapshot).await?;
    let counts = snapshot.verify().await.context("the database is damaged, so it was not backed up; see frontdesk check")?;
    let manifest = Manifest { frontdesk: env!("CARGO_PKG_VERSION").into(), made_at: Timestamp::now(), demo: folder.is_demo() };
    let mut pack = Pack::begin(&target, &manifest)?;
    pack.add_file(DATABASE, &target.snapshot)?;
    if folder.jwt_secret_file().exists() {
        pack.add_file(SECRET, &folder.jwt_secret_file())?;
    }
    let stored = Files::look(folder).await?;
    let mut after = 0;
    loop {
        let page = snapshot.attachments(after).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        for file in &page {
            match stored.folder() {
                Some(folder) => pack.add_attachment(folder, file)?,
                None => pack.fetch_attachment(&stored, file).await?,
            }
        }
    }
    snapshot.close().await?;
    pack.finish()?;
    target.put_into_place()?;
    Ok(Contents { manifest, counts })
}

/// The file in the making, and the snapshot beside it: not in the data folder, whose disk may be full. Removed unless it was
/// put into place.
struct Target {
    to: PathBuf,
    partial: PathBuf,
    snapshot: PathBuf,
    /// Locked, so that what a killed backup left over is known as such.
    file: File,
}

impl Target {
    fn begin(to: &Path) -> anyhow::Result<Self> {
        refuse_existing(to)?;
        let partial = with_suffix(to, ".partial");
        let context = || partial.display().to_string();
        let file = data::private_file().create(true).truncate(false).open(&partial).with_context(context)?;
        let held = match file.try_lock() {
            // Whoever had it may have put it into place since it was opened here.
            Ok(()) => file.metadata()?.ino() != fs::metadata(&partial).with_context(context)?.ino(),
            Err(TryLockError::WouldBlock) => true,
            Err(TryLockError::Error(error)) => return Err(error).with_context(context),
        };
        if held {
            bail!("another backup to {} is on its way", to.display());
        }
        let snapshot = with_suffix(to, ".partial.db");
        let target = Self { to: to.to_owned(), partial, snapshot, file };
        target.file.set_len(0)?;
        target.file.set_permissions(Permissions::from_mode(0o600))?;
        target.remove_snapshot();
        Ok(target)
    }

    fn put_into_place(&self) -> anyhow::Result<()> {
        self.file.sync_all().with_context(|| self.partial.display().to_string())?;
        refuse_existing(&self.to)?;
        fs::rename(&self.partial, &self.to).with_context(|| self.to.display().to_string())?;
        let path = std::path::absolute(&self.to)?;
        Ok(File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()?)
    }

    fn remove_snapshot(&self) {
        for path in [self.snapshot.clone(), with_suffix(&self.snapshot, "-journal")] {
            remove(&path);
        }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.remove_snapshot();
        remove(&self.partial);
    }
}

fn remove(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => eprintln!("frontdesk: {} could not be removed: {error}", path.display()),
        _ => {}
    }
}

fn refuse_existing(to: &Path) -> anyhow::Result<()> {
    match fs::symlink_metadata(to) {
        Ok(_) => Err(anyhow!("{} is there already; name another file, or move it away first", to.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| to.display().to_string()),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The tar as it grows.
struct Pack {
    tar: tar::Builder<BufWriter<File>>,
    made_at: Timestamp,
    sums: String,
}

impl Pack {
    fn begin(target: &Target, manifest: &Manifest) -> anyhow::Result<Self> {
        let tar = tar::Builder::new(BufWriter::with_capacity(BUFFER_BYTES, target.file.try_clone()?));
        let mut pack = Self { tar, made_at: manifest.made_at, sums: String::new() };
        pack.add_bytes(MANIFEST, &serde_json::to_vec(manifest)?)?;
        if manifest.demo {
            pack.add_bytes(DEMO, b"A demo's backup. Its passwords are known to everybody.\n")?;
        }
        Ok(pack)
    }

    fn add_bytes(&mut self, name: &str, bytes: &[u8]) -> anyhow::Result<Sum> {
        self.add(name, bytes.len() as u64, bytes)
    }

    fn add_file(&mut self, name: &str, path: &Path) -> anyhow::Result<Sum> {
        let file = File::open(path).with_context(|| path.display().to_string())?;
        self.add(name, file.metadata()?.len(), file)
    }

    /// The small copy is left out where it is missing: nothing is lost with it.
    fn add_attachment(&mut self, folder: &Path, file: &StoredFile) -> anyhow::Result<()> {
        refuse_foreign(file)?;
        let found = self.add_file(&format!("{ATTACHMENTS}{}", file.key), &folder.join(&file.key));
        let found = found.map_err(|error| damaged(file, &error.root_cause().to_string()))?;
        if let Some(difference) = sum::difference(file, &found) {
            return Err(damaged(file, &difference));
        }
        let thumbnail = files::thumbnail_name(&file.key);
        if file.thumbnail && folder.join(&thumbnail).exists() {
            self.add_file(&format!("{ATTACHMENTS}{thumbnail}"), &folder.join(&thumbnail))?;
        }
        Ok(())
    }

    /// From a bucket; one file at a time is in memory.
    async fn fetch_attachment(&mut self, files: &Files, file: &StoredFile) -> anyhow::Result<()> {
        refuse_foreign(file)?;
        let unread = |error: io::Error| damaged(file, &error.to_string());
        let bytes = files.read(&file.key).await.map_err(unread)?.all().await.map_err(unread)?;
        if let Some(difference) = sum::difference(file, &Sum::of(&bytes[..])?) {
            return Err(damaged(file, &difference));
        }
        self.add_bytes(&format!("{ATTACHMENTS}{}", file.key), &bytes)?;
        if !file.thumbnail {
            return Ok(());
        }
        match files.read_thumbnail(&file.key).await {
            Ok((small, _)) => {
                self.add_bytes(&format!("{ATTACHMENTS}{}", files::thumbnail_name(&file.key)), &small.all().await.map_err(unread)?)?;
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unread(error)),
            _ => {}
        }
        Ok(())
    }

    fn add(&mut self, name: &str, size: u64, from: impl Read) -> anyhow::Result<Sum> {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(size);
        header.set_mode(0o600);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(u64::try_from(self.made_at.as_secs()).unwrap_or(0));
        let mut from = Summing::new(from.take(size));
        self.tar.append_data(&mut header, name, &mut from)?;
        let sum = from.finish();
        // The tar would be torn from here on.
        if sum.bytes != size {
            bail!("{name} became shorter while it was read");
        }
        self.sums += &format!("{}  {name}\n", sum.hex());
        Ok(sum)
    }

    fn finish(mut self) -> anyhow::Result<()> {
        let sums = std::mem::take(&mut self.sums);
        self.add_bytes(SUMS, sums.as_bytes())?;
        Ok(self.tar.into_inner()?.flush()?)
    }
}

fn refuse_foreign(file: &StoredFile) -> anyhow::Result<()> {
    if files::is_name(&file.key) { Ok(()) } else { Err(damaged(file, "its file has a name that is not ours")) }
}

fn damaged(file: &StoredFile, damage: &str) -> anyhow::Error {
    anyhow!("{}; nothing was backed up. See frontdesk check and docs/operating.md", sum::describe(file, damage))
}
