//! Taking a backup apart and putting it together again otherwise.

use std::{io::Read, path::Path};

use sha2::{Digest, Sha256};
use tar::{Archive, Builder, EntryType, Header};

pub type Parts = Vec<(String, Vec<u8>)>;

pub fn parts(path: &Path) -> Parts {
    let mut tar = Archive::new(std::fs::File::open(path).expect("the backup is there"));
    let entries = tar.entries().expect("it is a tar");
    entries
        .map(|entry| {
            let mut entry = entry.expect("an entry");
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).expect("it can be read");
            (String::from_utf8(entry.path_bytes().into_owned()).expect("a name"), bytes)
        })
        .collect()
}

/// A tar with the right sums, whatever it holds.
pub fn build(mut parts: Parts) -> Vec<u8> {
    parts.retain(|(name, _)| name != "SHA256SUMS");
    let mut sums = String::new();
    for (name, bytes) in &parts {
        let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        sums += &format!("{hex}  {name}\n");
    }
    parts.push(("SHA256SUMS".into(), sums.into_bytes()));
    let mut tar = Builder::new(Vec::new());
    for (name, bytes) in &parts {
        tar.append(&header(name, bytes.len() as u64, EntryType::Regular, None), &bytes[..]).expect("memory takes it");
    }
    tar.into_inner().expect("memory takes it")
}

/// A header with any name, written past the library's own judgement.
pub fn header(name: &str, size: u64, kind: EntryType, link: Option<&str>) -> Header {
    let mut header = Header::new_gnu();
    header.as_gnu_mut().expect("it is one").name[..name.len()].copy_from_slice(name.as_bytes());
    if let Some(link) = link {
        header.as_gnu_mut().expect("it is one").linkname[..link.len()].copy_from_slice(link.as_bytes());
    }
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o777);
    header.set_cksum();
    header
}
