//! Exchanging the data of a folder for restored ones. Whatever ends it in between, the next who opens the folder finds the
//! old data or the new, in full: restored data lie aside until they are complete, and moving them in can be taken up anywhere.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use frontdesk_protocol::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ATTACHMENTS, DATABASE, DataError, DataFolder, HELD_PATIENCE, IN_USE, SECRET, make_folder, private_file, write_private};

/// The folder of what is being restored.
const ASIDE: &str = "restoring";
/// What is moved where, written before anything else.
const PLAN: &str = "plan.json";
/// Says that all is there and durable; from here on only forward.
const COMPLETE: &str = "complete";
/// What SQLite keeps beside a database belongs to it.
const DATABASE_AND_LOGS: [&str; 3] = ["", "-wal", "-shm"];

/// What a restore moves. Paths are below the data folder, unless the database lies elsewhere.
#[derive(Debug, Serialize, Deserialize)]
struct Plan {
    moves: Vec<Move>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Move {
    from: PathBuf,
    to: PathBuf,
    /// Where goes what was there before.
    kept: PathBuf,
}

/// A restore on its way, which has the data to itself. Dropped before `put_into_place`, it leaves everything as it was.
#[derive(Debug)]
pub struct Restoring<'a> {
    folder: &'a DataFolder,
    kept: PathBuf,
    plan: Plan,
    placed: bool,
}

impl DataFolder {
    /// Makes room aside for restored data.
    ///
    /// # Errors
    /// `InUse` if another command is at work here; whatever the file system says.
    pub fn begin_restore(&self) -> Result<Restoring<'_>, DataError> {
        self.in_use.unlock().map_err(|source| failed(&self.path, source))?;
        wait_for(|| try_lock(&self.in_use))
            .map_err(|source| failed(&self.path, source))?
            .ok_or_else(|| DataError::InUse(self.path.clone()))?;
        self.make_aside().map_err(|source| failed(&self.path, source))
    }

    fn make_aside(&self) -> io::Result<Restoring<'_>> {
        let aside = self.path.join(ASIDE);
        if aside.exists() {
            settle(&self.path)?;
        }
        make_folder(&aside)?;
        make_folder(&aside.join(ATTACHMENTS))?;
        let kept = free_name(&self.path, &format!("replaced-{}", compact(Timestamp::now())));
        let restoring = Restoring { plan: plan(self, &kept), kept, folder: self, placed: false };
        restoring.plan.moves.iter().try_for_each(|step| step.drop(&self.path))?;
        write_private(&aside.join(PLAN), &serde_json::to_vec(&restoring.plan)?)?;
        Ok(restoring)
    }
}

/// `2026-01-01T00:00:00.000Z` without what some file systems refuse.
fn compact(time: Timestamp) -> String {
    time.to_string().chars().filter(|letter| !matches!(letter, ':' | '-')).collect()
}

/// Two restores within a millisecond are unlikely, but what was there before must not be lost.
fn free_name(folder: &Path, name: &str) -> PathBuf {
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names.find(|name| !folder.join(name).exists()).expect("some number is free").into()
}

fn plan(folder: &DataFolder, kept: &Path) -> Plan {
    let aside = Path::new(ASIDE);
    let inside = |name: &str| Move { from: aside.join(name), to: name.into(), kept: kept.join(name) };
    let database = if folder.database == folder.path.join(DATABASE) {
        inside(DATABASE)
    } else {
        // Renaming works within a file system only, so a database elsewhere is restored beside itself.
        let to = std::path::absolute(&folder.database).unwrap_or_else(|_| folder.database.clone());
        Move { from: appended(&to, ".restoring"), kept: appended(&to, &format!(".{}", kept.display())), to }
    };
    Plan { moves: vec![inside(SECRET), inside(ATTACHMENTS), database] }
}

fn appended(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

impl Restoring<'_> {
    /// Where the restored database goes.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        let database = self.plan.moves.last().expect("the plan ends with the database");
        self.folder.path.join(&database.from)
    }

    /// The folder of restored attachments.
    #[must_use]
    pub fn attachments(&self) -> PathBuf {
        self.folder.path.join(ASIDE).join(ATTACHMENTS)
    }

    /// Where a restored secret goes.
    #[must_use]
    pub fn jwt_secret_file(&self) -> PathBuf {
        self.folder.path.join(ASIDE).join(SECRET)
    }

    /// Exchanges the data and answers the folder in which those before are kept, if there were any. What was written aside is
    /// durable already, but for the folders' entries.
    ///
    /// # Errors
    /// Whatever the file system says. Once the restored data are complete, the next who opens the folder goes on.
    pub fn put_into_place(mut self) -> io::Result<Option<PathBuf>> {
        let aside = self.folder.path.join(ASIDE);
        for folder in [&self.attachments(), parent(&self.database()), &aside] {
            sync(folder)?;
        }
        write_private(&aside.join(COMPLETE), b"")?;
        self.placed = true;
        sync(&aside)?;
        sync(&self.folder.path)?;
        settle(&self.folder.path)?;
        let kept = self.folder.path.join(&self.kept);
        Ok(kept.exists().then_some(kept))
    }
}

impl Drop for Restoring<'_> {
    fn drop(&mut self) {
        if !self.placed
            && let Err(error) = settle(&self.folder.path)
        {
            tracing::warn!(%error, "what a restore had written could not be removed");
        }
    }
}

/// Shares the data with whoever else uses them, once a restore that was broken off is settled.
pub(super) fn share(folder: &Path) -> Result<File, DataError> {
    let shared = wait_for(|| try_share(folder)).map_err(|source| failed(folder, source))?;
    shared.ok_or_else(|| DataError::Restored(folder.to_owned()))
}

fn try_share(folder: &Path) -> io::Result<Option<File>> {
    let file = private_file().create(true).truncate(false).open(folder.join(IN_USE))?;
    let aside = folder.join(ASIDE);
    if aside.exists() {
        // Nobody restores if the lock is free: whoever began this is gone.
        if try_lock(&file)?.is_none() {
            return Ok(None);
        }
        settle(folder)?;
        file.unlock()?;
    }
    match file.try_lock_shared() {
        // A restore may have come and died between the two locks.
        Ok(()) => Ok(if aside.exists() { None } else { Some(file) }),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn try_lock(file: &File) -> io::Result<Option<()>> {
    match file.try_lock() {
        Ok(()) => Ok(Some(())),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn wait_for<T>(mut attempt: impl FnMut() -> io::Result<Option<T>>) -> io::Result<Option<T>> {
    let deadline = Instant::now() + HELD_PATIENCE;
    loop {
        match attempt()? {
            None if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(50)),
            done => return Ok(done),
        }
    }
}

/// Finishes a restore that is complete, undoes one that is not. Only for who has the data to himself.
fn settle(folder: &Path) -> io::Result<()> {
    let aside = folder.join(ASIDE);
    let plan = match fs::read(aside.join(PLAN)) {
        Ok(text) => serde_json::from_slice(&text).ok(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let complete = aside.join(COMPLETE).exists();
    match (plan, complete) {
        (Some(Plan { moves }), true) => moves.iter().try_for_each(|step| step.take(folder))?,
        (Some(Plan { moves }), false) => moves.iter().try_for_each(|step| step.drop(folder))?,
        (None, false) => {}
        (None, true) => return Err(io::Error::other(format!("{} cannot be read", aside.join(PLAN).display()))),
    }
    // The mark goes first and durably: without it what is left counts as undone, and there is nothing left to move.
    if complete {
        fs::remove_file(aside.join(COMPLETE))?;
        sync(&aside)?;
    }
    fs::remove_dir_all(&aside)?;
    sync(folder)
}

impl Move {
    /// Once the new one has left its place aside, this is done: taken up again anywhere before, it goes on from there.
    fn take(&self, folder: &Path) -> io::Result<()> {
        let (from, to, kept) = (folder.join(&self.from), folder.join(&self.to), folder.join(&self.kept));
        if !from.try_exists()? {
            return Ok(());
        }
        for suffix in DATABASE_AND_LOGS {
            move_away(&appended(&to, suffix), &appended(&kept, suffix))?;
        }
        sync(parent(&to))?;
        fs::rename(&from, &to)?;
        sync(parent(&to))?;
        sync(parent(&from))
    }

    /// What lies outside of the folder aside has to be named to be removed.
    fn drop(&self, folder: &Path) -> io::Result<()> {
        let from = folder.join(&self.from);
        if from.is_dir() {
            return Ok(());
        }
        for suffix in ["", "-journal"] {
            match fs::remove_file(appended(&from, suffix)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

fn move_away(from: &Path, to: &Path) -> io::Result<()> {
    if !from.try_exists()? {
        return Ok(());
    }
    let kept = parent(to);
    if !kept.exists() {
        make_folder(kept)?;
        sync(parent(kept))?;
    }
    fs::rename(from, to)?;
    sync(kept)
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn failed(folder: &Path, source: io::Error) -> DataError {
    DataError::Io { path: folder.to_owned(), source }
}
