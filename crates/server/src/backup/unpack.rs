//! Reading a backup: every byte is summed, every name, kind and size is judged, and nothing is written but to places that
//! were asked for.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow, bail};
use tar::{Archive, Entry, EntryType};

use super::{MANIFEST, Manifest, Part, SUMS};
use crate::{
    data,
    files::sum::{Sum, Summing},
};

const BUFFER_BYTES: usize = 256 * 1024;
/// More than the manifest, the secret and the demo's mark ever have.
const SMALL_BYTES_MAX: u64 = 64 * 1024;
/// More than a line of sums ever has: the sum, two spaces, the name of a thumbnail.
const SUMS_LINE_BYTES_MAX: u64 = 160;
const BLOCK_BYTES: u64 = 512;
/// A tar ends with two empty blocks.
const END_BYTES: u64 = 2 * BLOCK_BYTES;

type Tar = Archive<BufReader<File>>;

/// Where parts go; a part without a place is only judged.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub(super) database: Option<PathBuf>,
    pub(super) secret: Option<PathBuf>,
    pub(super) attachments: Option<PathBuf>,
}

/// What was in a backup, by its entries' names.
#[derive(Debug)]
pub(super) struct Unpacked {
    pub(super) manifest: Manifest,
    pub(super) sums: BTreeMap<String, Sum>,
}

/// What a backup says of itself, without a look at the rest.
pub(super) fn manifest(from: &Path) -> anyhow::Result<Manifest> {
    let mut tar = open(from)?;
    let first = tar.entries().map_err(|_| no_backup())?.raw(true).next();
    let mut entry = first.ok_or_else(no_backup)?.map_err(|_| no_backup())?;
    if entry_name(&entry).ok().as_deref() != Some(MANIFEST) {
        return Err(no_backup());
    }
    read_manifest(&small(&mut entry)?.0)
}

/// Reads all of it and fails unless all of it is there and as it was written.
pub(super) fn unpack(from: &Path, places: &Places) -> anyhow::Result<Unpacked> {
    let manifest = manifest(from)?;
    let mut tar = open(from)?;
    let mut sums = BTreeMap::new();
    for entry in tar.entries()?.raw(true) {
        let mut entry = entry.map_err(|error| torn(&error.to_string()))?;
        let name = entry_name(&entry)?;
        if name == SUMS {
            compare(&sums, &mut entry)?;
            let padding = (BLOCK_BYTES - entry.size() % BLOCK_BYTES) % BLOCK_BYTES;
            drop(entry);
            ends_well(tar, padding)?;
            return Ok(Unpacked { manifest, sums });
        }
        if sums.contains_key(&name) {
            bail!("{name} is there twice");
        }
        let sum = take(&name, &mut entry, places)?;
        sums.insert(name, sum);
    }
    Err(torn("it ends before its checksums"))
}

fn open(from: &Path) -> anyhow::Result<Tar> {
    let file = File::open(from).with_context(|| from.display().to_string())?;
    if !file.metadata()?.is_file() {
        bail!("{} is not a file", from.display());
    }
    Ok(Archive::new(BufReader::with_capacity(BUFFER_BYTES, file)))
}

fn no_backup() -> anyhow::Error {
    anyhow!("it is not a backup that frontdesk made")
}

fn torn(how: &str) -> anyhow::Error {
    anyhow!("the backup is torn: {how}")
}

/// Links, folders and extensions of the format are none of ours; the latter could claim any size.
fn entry_name(entry: &Entry<'_, impl Read>) -> anyhow::Result<String> {
    let bytes = entry.path_bytes();
    let name = String::from_utf8_lossy(&bytes);
    if entry.header().entry_type() != EntryType::Regular || Part::named(&name).is_none() {
        bail!("{name:?} is none of the files that a backup has");
    }
    Ok(name.into_owned())
}

fn take(name: &str, entry: &mut Entry<'_, impl Read>, places: &Places) -> anyhow::Result<Sum> {
    let place = match Part::named(name) {
        Some(Part::Database) => places.database.clone(),
        Some(Part::Attachment(key)) => places.attachments.as_ref().map(|folder| folder.join(key)),
        Some(Part::Secret) => {
            let (bytes, sum) = small(entry)?;
            if let Some(place) = &places.secret {
                write(&mut &bytes[..], place)?;
            }
            return Ok(sum);
        }
        _ => return Ok(small(entry)?.1),
    };
    let size = entry.size();
    let mut from = Summing::new(entry);
    match place {
        Some(place) => write(&mut from, &place)?,
        None => drop(io::copy(&mut from, &mut io::sink())?),
    }
    whole(name, size, from.finish())
}

fn write(from: &mut impl Read, place: &Path) -> anyhow::Result<()> {
    let written = data::private_file().create_new(true).open(place).and_then(|mut file| {
        io::copy(from, &mut file)?;
        file.sync_all()
    });
    written.with_context(|| place.display().to_string())
}

/// A reader that comes to the end of the tar within an entry says nothing.
fn whole(name: &str, size: u64, sum: Sum) -> anyhow::Result<Sum> {
    if sum.bytes == size { Ok(sum) } else { Err(torn(&format!("it ends within {name}"))) }
}

fn small(entry: &mut Entry<'_, impl Read>) -> anyhow::Result<(Vec<u8>, Sum)> {
    bounded(entry, SMALL_BYTES_MAX)
}

fn bounded(entry: &mut Entry<'_, impl Read>, bytes_max: u64) -> anyhow::Result<(Vec<u8>, Sum)> {
    let (name, size) = (entry_name(entry)?, entry.size());
    if size > bytes_max {
        bail!("{name} is too large: {size} bytes");
    }
    let mut bytes = Vec::new();
    let mut from = Summing::new(entry);
    from.read_to_end(&mut bytes)?;
    Ok((bytes, whole(&name, size, from.finish())?))
}

fn read_manifest(bytes: &[u8]) -> anyhow::Result<Manifest> {
    serde_json::from_slice(bytes).with_context(|| format!("{MANIFEST} cannot be read"))
}

/// What was read against what was written.
fn compare(found: &BTreeMap<String, Sum>, entry: &mut Entry<'_, impl Read>) -> anyhow::Result<()> {
    let (bytes, _) = bounded(entry, SUMS_LINE_BYTES_MAX * (found.len() as u64 + 1))?;
    let text = String::from_utf8(bytes).map_err(|_| torn("its checksums cannot be read"))?;
    let mut written = BTreeMap::new();
    for line in text.lines() {
        let (sum, name) = line.split_once("  ").ok_or_else(|| torn("its checksums cannot be read"))?;
        written.insert(name, sum);
    }
    if let Some(name) = written.keys().find(|name| !found.contains_key(**name)) {
        bail!("{name} is missing");
    }
    for (name, sum) in found {
        if written.get(name.as_str()) != Some(&sum.hex().as_str()) {
            bail!("{name} is damaged: its bytes are not those that were backed up");
        }
    }
    Ok(())
}

fn ends_well(tar: Tar, padding: u64) -> anyhow::Result<()> {
    let mut rest = tar.into_inner().take(padding + END_BYTES + 1);
    let mut end = Vec::new();
    rest.read_to_end(&mut end)?;
    if end.len() as u64 != padding + END_BYTES || end.iter().any(|byte| *byte != 0) {
        return Err(torn("it does not end where it should"));
    }
    Ok(())
}
