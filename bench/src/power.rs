//! A power cut: after a SIGKILL the data folder is put back to what the disk had been told to keep. The shim's undo log says what
//! stood there before each change; a change is durable once its file was synced, a name once its folder was.

use std::{
    collections::HashMap,
    fs::{self, OpenOptions},
    io::{self, ErrorKind},
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
};

use anyhow::{Result, ensure};
use rand::{Rng, rngs::StdRng};

const MAGIC: u32 = 0x4f44_4e55;
const HEADER_BYTES: usize = 40;
/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// What becomes of writes that were not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// None of them reached the disk.
    All,
    /// Each sector did or did not.
    Some,
    /// They did up to the middle of the last one.
    Torn,
}

/// A change of bytes that no sync has made durable.
#[derive(Clone, Debug)]
struct Change {
    inode: u64,
    offset: u64,
    /// What stood there; shorter than what was written if the file grew.
    before: Vec<u8>,
    /// `None` once a later sync has made the length durable.
    old_size: Option<u64>,
    /// Its sync failed: the kernel forgot it, and no later sync helps.
    given_up: bool,
}

/// A change of names that no sync of the folder has made durable.
#[derive(Clone, Debug)]
enum Naming {
    Made(PathBuf),
    Renamed { to: PathBuf, from: PathBuf, replaced: Option<PathBuf> },
    Removed { path: PathBuf, kept: PathBuf },
}

#[derive(Debug, Default)]
struct Volatile {
    changes: Vec<Change>,
    names: Vec<(u64, Naming)>,
}

/// Cuts the power of a server that was killed. Answers how many changes were not durable, and forgets them.
///
/// # Errors
/// When the log is damaged, or the folder cannot be written.
pub fn cut(undo: &Path, data: &Path, how: Cut, dice: &mut StdRng) -> Result<usize> {
    let log = undo.join("log");
    let volatile = Volatile::read(&fs::read(&log)?)?;
    let lost = volatile.changes.len() + volatile.names.len();
    if how == Cut::All || dice.random_bool(0.5) {
        for (_, naming) in volatile.names.iter().rev() {
            naming.undo()?;
        }
    }
    let places = inodes(data)?;
    let mut by_file: HashMap<u64, Vec<&Change>> = HashMap::new();
    for change in &volatile.changes {
        by_file.entry(change.inode).or_default().push(change);
    }
    for (inode, changes) in by_file {
        // A file whose making was undone is gone with its bytes.
        if let Some(path) = places.get(&inode) {
            put_back(path, &changes, how, dice)?;
        }
    }
    if dice.random_bool(0.5) {
        // The readers' shared memory is nobody's promise: a reboot may leave it or not.
        let _ = fs::remove_file(data.join("frontdesk.db-shm"));
    }
    forget(undo)?;
    Ok(lost)
}

/// What is on the disk now counts as durable.
///
/// # Errors
/// When the log cannot be written.
pub fn forget(undo: &Path) -> Result<()> {
    for entry in fs::read_dir(undo)? {
        let path = entry?.path();
        if path.ends_with("log") { OpenOptions::new().write(true).open(path)?.set_len(0)? } else { fs::remove_file(path)? }
    }
    Ok(())
}

impl Volatile {
    fn read(mut log: &[u8]) -> Result<Self> {
        let mut volatile = Self::default();
        while log.len() >= HEADER_BYTES {
            let word = |at: usize| u64::from_le_bytes(log[at..at + 8].try_into().expect("eight bytes"));
            let half = |at: usize| u32::from_le_bytes(log[at..at + 4].try_into().expect("four bytes"));
            ensure!(half(0) == MAGIC, "the undo log is damaged");
            let (kind, inode, offset, old_size, length) = (half(4), word(8), word(16), word(24), usize::try_from(word(32))?);
            // The kill came while this was being noted, so it was not done.
            let Some(bytes) = log.get(HEADER_BYTES..HEADER_BYTES + length) else { break };
            volatile.take(kind, Change { inode, offset, before: bytes.to_vec(), old_size: Some(old_size), given_up: false })?;
            log = &log[HEADER_BYTES + length..];
        }
        Ok(volatile)
    }

    fn take(&mut self, kind: u32, change: Change) -> Result<()> {
        match kind {
            1 => self.changes.push(change),
            2 => self.synced(change.inode),
            3 => self.changes.iter_mut().filter(|known| known.inode == change.inode).for_each(|known| known.given_up = true),
            _ => {
                let text = String::from_utf8(change.before)?;
                let names: Vec<&str> = text.split('\n').collect();
                ensure!(names.len() == 3, "the undo log names no files");
                self.names.push((change.inode, Naming::of(kind, &names)));
            }
        }
        Ok(())
    }

    /// The file's bytes are durable but for those whose own sync had failed and that were not written again since.
    fn synced(&mut self, inode: u64) {
        self.names.retain(|(folder, _)| *folder != inode);
        let (file, others): (Vec<Change>, Vec<Change>) =
            std::mem::take(&mut self.changes).into_iter().partition(|each| each.inode == inode);
        self.changes = others;
        let mut covered: Vec<(u64, u64)> = Vec::new();
        let mut kept = Vec::new();
        for change in file.into_iter().rev() {
            if change.given_up {
                kept.extend(change.without(&covered));
            } else {
                covered.push((change.offset, change.offset + change.before.len() as u64));
            }
        }
        self.changes.extend(kept.into_iter().rev());
    }
}

impl Change {
    /// The pieces that lie outside these ranges.
    fn without(self, ranges: &[(u64, u64)]) -> Vec<Self> {
        let mut pieces = vec![Self { old_size: None, ..self }];
        for (from, to) in ranges {
            pieces = pieces.into_iter().flat_map(|piece| piece.minus(*from, *to)).collect();
        }
        pieces
    }

    fn minus(self, from: u64, to: u64) -> Vec<Self> {
        let end = self.offset + self.before.len() as u64;
        let part = |start: u64, stop: u64| {
            let bytes = |at: u64| usize::try_from(at - self.offset).expect("within a file");
            (start < stop).then(|| Self { offset: start, before: self.before[bytes(start)..bytes(stop)].to_vec(), ..self.clone() })
        };
        [part(self.offset, end.min(from)), part(self.offset.max(to), end)].into_iter().flatten().collect()
    }
}

impl Naming {
    fn of(kind: u32, names: &[&str]) -> Self {
        let path = |index: usize| PathBuf::from(names[index]);
        match kind {
            4 => Self::Made(path(0)),
            5 => Self::Renamed { to: path(0), from: path(1), replaced: (!names[2].is_empty()).then(|| path(2)) },
            _ => Self::Removed { path: path(0), kept: path(1) },
        }
    }

    /// A name that has gone elsewhere for good, into a folder that was synced, cannot be taken back and need not be.
    fn undo(&self) -> Result<()> {
        match self.try_undo() {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn try_undo(&self) -> io::Result<()> {
        match self {
            Self::Made(path) => fs::remove_file(path),
            Self::Renamed { to, from, replaced } => {
                fs::rename(to, from)?;
                replaced.as_ref().map_or(Ok(()), |replaced| fs::hard_link(replaced, to))
            }
            Self::Removed { path, kept } => fs::hard_link(kept, path),
        }
    }
}

fn inodes(folder: &Path) -> Result<HashMap<u64, PathBuf>> {
    let mut found = HashMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.extend(inodes(&entry.path())?);
        } else {
            found.insert(entry.metadata()?.ino(), entry.path());
        }
    }
    Ok(found)
}

/// Writes the old bytes of a file back, or of some of its sectors.
fn put_back(path: &Path, changes: &[&Change], how: Cut, dice: &mut StdRng) -> Result<()> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let now = fs::read(path)?;
    let mut then = now.clone();
    for change in changes.iter().rev() {
        let from = usize::try_from(change.offset)?;
        let end = from + change.before.len();
        then.resize(then.len().max(end), 0);
        then[from..end].copy_from_slice(&change.before);
        if let Some(old_size) = change.old_size {
            then.resize(usize::try_from(old_size)?, 0);
        }
    }
    if how == Cut::All {
        file.write_all_at(&then, 0)?;
        return Ok(file.set_len(then.len() as u64)?);
    }
    // The last write began where its change did; sectors before its middle arrived.
    let last = changes.last().map_or(0, |change| usize::try_from(change.offset).unwrap_or(0));
    let middle = last + now.len().max(then.len()).saturating_sub(last) / 2;
    let mut mixed = now.clone();
    mixed.resize(now.len().max(then.len()), 0);
    for (number, sector) in mixed.chunks_mut(SECTOR).enumerate() {
        let at = number * SECTOR;
        let arrived = if how == Cut::Torn { at < middle } else { dice.random_bool(0.5) };
        if !arrived {
            let old = then.get(at..(at + sector.len()).min(then.len())).unwrap_or_default();
            sector[..old.len()].copy_from_slice(old);
            sector[old.len()..].fill(0);
        }
    }
    let length = if now.len() == then.len() || dice.random_bool(0.5) { mixed.len() } else { then.len() };
    file.write_all_at(&mixed[..length], 0)?;
    Ok(file.set_len(length as u64)?)
}
