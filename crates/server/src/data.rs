//! The data folder: who may read it, who holds it, and the secret and marks that lie in it.

mod restoring;

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use frontdesk_store::Options;
use rand::RngCore;
use thiserror::Error;

pub use restoring::Restoring;

use crate::config::{Config, JWT_SECRET_BYTES_MIN, Secret, Storage};

const ATTACHMENTS: &str = "attachments";
const DATABASE: &str = "frontdesk.db";
const DEMO_MARK: &str = "demo";
/// Shared by everybody who uses the data, so that nobody does while a restore exchanges them.
const IN_USE: &str = "in-use";
const LOCK: &str = "lock";
const SECRET: &str = "jwt.secret";
/// Made of base64url, so that the file can be copied by hand.
const SECRET_RANDOM_BYTES: usize = 48;
/// A command line tool holds the folder only while it migrates; a starting server waits that long for it.
const HELD_PATIENCE: Duration = Duration::from_secs(5);

/// Why the data folder cannot be used.
#[derive(Debug, Error)]
pub enum DataError {
    /// It is not a folder for this kind of start: exit 2.
    #[error("{0}")]
    Refused(String),
    /// Another server holds it.
    #[error("another frontdesk server is running on {}", .0.display())]
    Held(PathBuf),
    /// A restore is exchanging the data.
    #[error("the data in {} are being restored; try again when that has ended", .0.display())]
    Restored(PathBuf),
    /// Somebody uses the data that a restore would exchange.
    #[error("another frontdesk command is at work in {}; try again when it has ended", .0.display())]
    InUse(PathBuf),
    /// It cannot be read or written.
    #[error("the data folder {}: {source}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The folder of one server. While `hold` is kept, no other server starts on it; the kernel lets go when the process dies.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    database: PathBuf,
    postgres: Option<Secret>,
    storage: Option<Storage>,
    in_use: Arc<File>,
}

/// The kernel's lock on a data folder, let go when dropped.
#[derive(Debug)]
#[expect(dead_code, reason = "kept for their locks, which end with the files")]
pub struct Hold {
    lock: File,
    in_use: Arc<File>,
}

impl DataFolder {
    /// Makes the folder if it is absent, and refuses one of the other kind (demo or not).
    pub fn open(config: &Config) -> Result<Self, DataError> {
        let path = config.data.clone();
        let failed = |source| DataError::Io { path: path.clone(), source };
        if path.exists() && !path.is_dir() {
            return Err(DataError::Refused(format!("--data (FRONTDESK_DATA): {} is not a folder", path.display())));
        }
        let known = Known::look(&path).map_err(failed)?;
        known.refuse_mismatch(&path, config.demo)?;
        make_private_folder(&path, known != Known::Foreign).map_err(failed)?;
        if config.demo {
            write_private(
                &path.join(DEMO_MARK),
                b"This folder was made by frontdesk serve --demo. Its passwords are known to everybody.\n",
            )
            .map_err(failed)?;
        }
        let database = config.database.clone().unwrap_or_else(|| path.join(DATABASE));
        let in_use = Arc::new(restoring::share(&path)?);
        Ok(Self { path, database, postgres: config.postgres.clone(), storage: config.attachments.clone(), in_use })
    }

    /// Opens the folder for a command line tool, which works on a demo's folder, too.
    pub fn open_for_tool(config: &Config) -> Result<Self, DataError> {
        let demo = config.data.join(DEMO_MARK).exists();
        Self::open(&Config { demo, ..config.clone() })
    }

    /// Opens the folder for a backup that is put into it: one of a demo goes into a demo's folder or a new one only, and
    /// only such a one into a demo's.
    pub fn open_for_restore(config: &Config, demo: bool) -> Result<Self, DataError> {
        let path = &config.data;
        let refused = match (Known::look(path).map_err(|source| DataError::Io { path: path.clone(), source })?, demo) {
            (Known::Demo, false) => "is a demo's folder, and the backup is not of a demo; name another folder",
            (Known::Ours | Known::Foreign, true) => {
                "is no demo's folder, and the backup is of a demo, whose passwords everybody knows; name an absent or empty folder"
            }
            _ => return Self::open(&Config { demo, ..config.clone() }),
        };
        Err(DataError::Refused(format!("--data (FRONTDESK_DATA): {} {refused}", path.display())))
    }

    /// Takes the lock, waiting a little for a command line tool that is migrating.
    pub fn hold(&self) -> Result<Hold, DataError> {
        let deadline = std::time::Instant::now() + HELD_PATIENCE;
        loop {
            match self.try_hold()? {
                Some(hold) => return Ok(hold),
                None if std::time::Instant::now() >= deadline => return Err(DataError::Held(self.path.clone())),
                None => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    /// Takes the lock if nobody has it.
    pub fn try_hold(&self) -> Result<Option<Hold>, DataError> {
        let failed = |source| DataError::Io { path: self.path.clone(), source };
        let file = private_file().create(true).truncate(false).open(self.path.join(LOCK)).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Hold { lock: file, in_use: self.in_use.clone() })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Where the store is.
    #[must_use]
    pub fn store(&self) -> Options {
        self.postgres.as_ref().map_or_else(|| Options::new(&self.database), |url| Options::postgres(url.reveal()))
    }

    /// Whether the store is a PostgreSQL database, and not in this folder.
    #[must_use]
    pub fn is_elsewhere(&self) -> bool {
        self.postgres.is_some()
    }

    /// The SQLite file.
    #[must_use]
    pub fn database(&self) -> &Path {
        &self.database
    }

    /// The folder of attachments; if they lie in a bucket, of those that are on their way to it.
    #[must_use]
    pub fn attachments(&self) -> PathBuf {
        match &self.storage {
            Some(Storage::Folder(folder)) => folder.clone(),
            Some(Storage::S3(_)) | None => self.path.join(ATTACHMENTS),
        }
    }

    /// Where attachments lie, if it was said.
    #[must_use]
    pub fn storage(&self) -> Option<&Storage> {
        self.storage.as_ref()
    }

    /// Whether this is a demo's folder.
    #[must_use]
    pub fn is_demo(&self) -> bool {
        self.path.join(DEMO_MARK).exists()
    }

    /// Where the secret of access tokens lies, if it was made here.
    #[must_use]
    pub fn jwt_secret_file(&self) -> PathBuf {
        self.path.join(SECRET)
    }

    /// The secret of access tokens that lies here, made at the first call.
    pub fn jwt_secret(&self) -> Result<Secret, DataError> {
        let path = self.jwt_secret_file();
        let failed = |source| DataError::Io { path: path.clone(), source };
        if !path.exists() {
            make_secret(&self.path, &path).map_err(failed)?;
        }
        let text = fs::read_to_string(&path).map_err(failed)?;
        let secret = text.trim();
        if secret.len() < JWT_SECRET_BYTES_MIN {
            return Err(DataError::Refused(format!("{} is shorter than 32 bytes; remove it to have a new one made", path.display())));
        }
        Ok(Secret::new(secret))
    }
}

/// What a folder looks like before we touch it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Empty,
    Ours,
    Demo,
    Foreign,
}

impl Known {
    fn look(path: &Path) -> io::Result<Self> {
        if path.join(DEMO_MARK).exists() {
            return Ok(Self::Demo);
        }
        if [LOCK, IN_USE, DATABASE, SECRET].iter().any(|name| path.join(name).exists()) {
            return Ok(Self::Ours);
        }
        match fs::read_dir(path) {
            Ok(mut entries) => Ok(if entries.next().is_some() { Self::Foreign } else { Self::Empty }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::Empty),
            Err(error) => Err(error),
        }
    }

    fn refuse_mismatch(self, path: &Path, demo: bool) -> Result<(), DataError> {
        let path = path.display();
        match (self, demo) {
            (Self::Demo, false) => Err(DataError::Refused(format!(
                "--data (FRONTDESK_DATA): {path} is a demo's folder, whose passwords everybody knows; name another one, or start with --demo"
            ))),
            (Self::Ours | Self::Foreign, true) => Err(DataError::Refused(format!(
                "--data (FRONTDESK_DATA): {path} holds something that no demo made; name an absent or empty folder for --demo"
            ))),
            _ => Ok(()),
        }
    }
}

/// A folder of somebody else's keeps its mode: closing `/tmp` would break more than it protects.
fn make_private_folder(path: &Path, ours: bool) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    if ours { fs::set_permissions(path, Permissions::from_mode(0o700)) } else { Ok(()) }
}

/// Makes a folder inside the data folder.
pub fn make_folder(path: &Path) -> io::Result<()> {
    make_private_folder(path, true)
}

/// Options that make files for the owner alone, whatever the umask.
#[must_use]
pub fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = private_file().create(true).truncate(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Written aside and linked into place, so that two processes that start at once end up with one secret.
fn make_secret(folder: &Path, path: &Path) -> io::Result<()> {
    let mut random = [0; SECRET_RANDOM_BYTES];
    rand::rng().fill_bytes(&mut random);
    let aside = folder.join(format!("{SECRET}.{}", std::process::id()));
    write_private(&aside, URL_SAFE_NO_PAD.encode(random).as_bytes())?;
    let linked = fs::hard_link(&aside, path);
    fs::remove_file(&aside)?;
    File::open(folder)?.sync_all()?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
