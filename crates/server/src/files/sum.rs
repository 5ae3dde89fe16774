//! Sums of bytes that pass by, and whether a stored file still has the bytes that were taken in.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use frontdesk_store::StoredFile;
use sha2::{Digest, Sha256};

/// How many bytes there were, and their SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub bytes: u64,
    /// SHA-256.
    pub sha256: [u8; 32],
}

/// Sums what it is given.
#[derive(Debug, Default)]
pub struct SumSoFar {
    bytes: u64,
    sha256: Sha256,
}

impl SumSoFar {
    /// The next piece.
    pub fn add(&mut self, piece: &[u8]) {
        self.bytes += piece.len() as u64;
        self.sha256.update(piece);
    }

    /// Of all pieces.
    #[must_use]
    pub fn finish(self) -> Sum {
        Sum { bytes: self.bytes, sha256: self.sha256.finalize().into() }
    }
}

/// Sums what is read through it.
#[derive(Debug)]
pub struct Summing<R> {
    from: R,
    sum: SumSoFar,
}

impl<R: Read> Summing<R> {
    /// From here on.
    pub fn new(from: R) -> Self {
        Self { from, sum: SumSoFar::default() }
    }

    /// What was read.
    pub fn finish(self) -> Sum {
        self.sum.finish()
    }
}

impl<R: Read> Read for Summing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(buffer)?;
        self.sum.add(&buffer[..count]);
        Ok(count)
    }
}

impl Sum {
    /// Reads to the end.
    ///
    /// # Errors
    /// Whatever the reader says.
    pub fn of(from: impl Read) -> io::Result<Self> {
        let mut from = Summing::new(from);
        io::copy(&mut from, &mut io::sink())?;
        Ok(from.finish())
    }

    /// The SHA-256 as sha256sum(1) writes it.
    #[must_use]
    pub fn hex(&self) -> String {
        self.sha256.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// What is wrong with an attachment that has these bytes.
#[must_use]
pub fn difference(file: &StoredFile, found: &Sum) -> Option<String> {
    let size = u64::try_from(file.size).unwrap_or(0);
    if found.bytes != size {
        let how = if found.bytes < size { "cut" } else { "longer than it was" };
        return Some(format!("it is {how}: {} bytes instead of {size}", found.bytes));
    }
    file.sha256.is_some_and(|sha256| sha256 != found.sha256).then(|| "its bytes are not those that were taken in".into())
}

/// What is wrong with an attachment in this folder.
#[must_use]
pub fn damage(folder: &Path, file: &StoredFile) -> Option<String> {
    let damage = match File::open(folder.join(&file.key)).and_then(Sum::of) {
        Ok(found) => difference(file, &found)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => "it is missing".into(),
        Err(error) => error.to_string(),
    };
    Some(describe(file, &damage))
}

/// An attachment and what is wrong with it, for a person who can look for it.
#[must_use]
pub fn describe(file: &StoredFile, damage: &str) -> String {
    format!("attachment {} ({:?}, file {}): {damage}", file.id, file.name, file.key)
}
