//! The disk under the server: the shim that is loaded into it, and the control file by which it is told to fail.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

const SOURCE: &str = include_str!("../faults/disk.c");

/// How the disk behaves; the numbers are those of `enum mode` in the shim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As it should.
    Well = 0,
    /// ENOSPC on every write and for every new file.
    Full = 1,
    /// EIO on every write.
    WriteFails = 2,
    /// EIO on every fsync; what was to be synced is lost in a power cut unless it is written again.
    SyncFails = 3,
    /// Every fsync takes so long.
    SyncSlow = 4,
    /// Every fsync says that it did well and does nothing: a disk on which promises cannot be kept.
    SyncLies = 5,
}

/// The control file and what the shim needs to know.
#[derive(Debug)]
pub struct Disk {
    control: File,
    library: PathBuf,
    control_path: PathBuf,
    data: PathBuf,
    /// Where the undo log is, for a power cut.
    pub undo: PathBuf,
}

impl Disk {
    /// Builds the shim with the system's C compiler and prepares the control file, all in `folder`, beside the data.
    ///
    /// # Errors
    /// When there is no C compiler, or the folder cannot be written.
    pub fn prepare(folder: &Path, data: &Path) -> Result<Self> {
        let (source, library) = (folder.join("disk.c"), folder.join("disk.so"));
        fs::write(&source, SOURCE)?;
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O2", "-o"])
            .args([&library, &source])
            .args(["-ldl", "-lpthread"])
            .output()
            .context("cc is needed to build the faulty disk")?;
        ensure!(built.status.success(), "the faulty disk does not build: {}", String::from_utf8_lossy(&built.stderr));
        let (control_path, undo) = (folder.join("control"), folder.join("undo"));
        fs::create_dir_all(&undo)?;
        fs::create_dir_all(data)?;
        let control = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&control_path)?;
        control.set_len(16)?;
        Ok(Self { control, library, control_path, data: data.canonicalize()?, undo })
    }

    /// What makes a process use this disk.
    #[must_use]
    pub fn env(&self) -> Vec<(String, String)> {
        let text = |path: &Path| path.display().to_string();
        vec![
            ("LD_PRELOAD".into(), text(&self.library)),
            ("CHAOS_CONTROL".into(), text(&self.control_path)),
            ("CHAOS_DATA".into(), text(&self.data)),
            ("CHAOS_UNDO".into(), text(&self.undo)),
        ]
    }

    /// From now on, for every process that uses it; `slow_ms` counts for `SyncSlow` alone.
    ///
    /// # Errors
    /// When the control file cannot be written.
    pub fn set(&self, mode: Mode, slow_ms: u32) -> Result<()> {
        let mut bytes = (mode as u32).to_le_bytes().to_vec();
        bytes.extend(slow_ms.to_le_bytes());
        Ok(self.control.write_all_at(&bytes, 0)?)
    }

    /// How often the disk has failed or waited.
    ///
    /// # Errors
    /// When the control file cannot be read.
    pub fn hits(&self) -> Result<u64> {
        let mut bytes = [0; 8];
        self.control.read_exact_at(&mut bytes, 8)?;
        Ok(u64::from_le_bytes(bytes))
    }
}
