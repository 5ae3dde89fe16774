//! Copies of the database: beside whoever writes, before a migration, and what makes a restored one a history of its own.

use std::{
    error,
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf, absolute},
};

use sqlx::Connection as _;
use uuid::Uuid;

use crate::{
    Error,
    sqlite::{self, Connection},
};

/// Copies a database as it is at one moment to a file that is not there yet: its owner's alone, and durable when its folder
/// is. It is a reader like any other, so whoever writes is not held up.
pub async fn copy_database(from: &Path, to: &Path) -> Result<(), Error> {
    let mut connection = sqlite::connect_to_read(from).await?;
    let copied = copy(&mut connection, to).await.map_err(|error| Error::Copy(format!("{}: {error}", to.display())));
    connection.close().await?;
    copied
}

async fn copy(connection: &mut Connection, to: &Path) -> Result<(), Box<dyn error::Error + Send + Sync>> {
    // Absolute, since SQLite would take a name such as `file:x` for a URL.
    let path = absolute(to)?;
    let text = path.to_str().ok_or("SQLite wants a path in UTF-8")?;
    // SQLite takes an empty file for a new one, and leaves it its mode.
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    let copied = sqlx::query("vacuum into $1").bind(text).execute(connection).await;
    // SQLite does not sync what it copies to.
    let durable = copied.map_err(Into::into).and_then(|_| file.sync_all().map_err(Into::into));
    if durable.is_err() {
        remove(&path);
    }
    durable
}

/// Keeps the database as it is beside itself, for who wants to go back to the version before.
pub(crate) async fn before_migration(connection: &mut Connection, path: &Path, version: i64) -> Result<PathBuf, Error> {
    let kept = sqlite::beside(path, &format!(".before-migration-{version:04}"));
    let aside = sqlite::beside(&kept, ".partial");
    remove(&aside);
    let copied = copy(connection, &aside).await.and_then(|()| Ok(put_into_place(&aside, &kept)?));
    match copied {
        Ok(()) => Ok(kept),
        Err(error) => {
            remove(&aside);
            Err(Error::Schema(format!("migration {version} was not run, since the database could not be copied before it: {error}")))
        }
    }
}

fn put_into_place(aside: &Path, kept: &Path) -> io::Result<()> {
    fs::rename(aside, kept)?;
    let absolute = absolute(kept)?;
    File::open(absolute.parent().unwrap_or(Path::new("/")))?.sync_all()
}

/// What is left over of a copy that did not come to its end; also SQLite's own journal of it.
fn remove(path: &Path) {
    for path in [path.to_owned(), sqlite::beside(path, "-journal")] {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, path = %path.display(), "an unfinished copy could not be removed")
            }
            _ => {}
        }
    }
}

/// Makes a copy that nobody has open fit to go on from: a new epoch, so that clients forget what happened after it was
/// made, and no sessions. Who signed out since then must stay out, and the copy cannot know who did.
pub async fn begin_new_history(path: &Path) -> Result<(), Error> {
    let mut connection = sqlite::connect_alone(path).await?;
    let mut transaction = connection.begin().await?;
    sqlx::query("update meta set epoch = $1").bind(Uuid::new_v4().simple().to_string()).execute(&mut *transaction).await?;
    sqlx::query("delete from refresh_tokens").execute(&mut *transaction).await?;
    sqlx::query("delete from sessions").execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(connection.close().await?)
}
