//! How single settings are read: each failure names the setting and what would be right.

use std::{fmt, net::SocketAddr, path::PathBuf, str::FromStr, time::Duration};

use frontdesk_protocol::limits;
use serde::Deserialize;

use super::ConfigError;

/// A value that must not appear in a log: its `Debug` hides it.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(value)
    }
}

/// Several values: separated by commas, or an array in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Written")]
pub struct List(pub Vec<String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Many(Vec<String>),
    Joined(String),
}

impl From<Written> for List {
    fn from(written: Written) -> Self {
        match written {
            Written::Many(values) => Self(values),
            Written::Joined(text) => Self::from(text),
        }
    }
}

impl From<String> for List {
    fn from(text: String) -> Self {
        Self(text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect())
    }
}

/// A time such as `90s`, `15m`, `12h`, `30d`, or `0`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a duration; write one such as 90s, 15m, 12h or 30d, or 0");
    let text = text.trim();
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let count: u32 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    Ok(Duration::from_secs(u64::from(count) * seconds))
}

pub(super) fn listen(text: &str) -> Result<SocketAddr, ConfigError> {
    let named = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    named.as_deref().unwrap_or(text).parse().map_err(|_| {
        ConfigError::setting("listen", &format!("{text:?} is not an address with a port, such as 127.0.0.1:8000 or [::]:8000"))
    })
}

/// Whether it is the URL of a PostgreSQL database, which several nodes share.
pub(super) fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

pub(super) fn database(url: &str) -> Result<PathBuf, ConfigError> {
    let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")).unwrap_or_default();
    if path.is_empty() || path.contains('?') || path == ":memory:" {
        return Err(ConfigError::setting(
            "database-url",
            "it names neither a SQLite file, as sqlite:/var/lib/frontdesk/frontdesk.db does, nor a PostgreSQL database, as \
             postgres://USER:PASSWORD@HOST/DATABASE does",
        ));
    }
    Ok(PathBuf::from(path))
}

/// A secret may also stand in a file that `FRONTDESK_…_FILE` names; a trailing line break there does not count.
pub(super) fn secret(name: &str, given: Option<Secret>, file: Option<Secret>) -> Result<Option<Secret>, ConfigError> {
    let variable = format!("FRONTDESK_{}_FILE", name.replace('-', "_").to_uppercase());
    let given = given.filter(|secret| !secret.reveal().is_empty());
    let named = std::env::var(&variable).ok().filter(|path| !path.is_empty());
    match (given, named) {
        (Some(_), Some(_)) => Err(ConfigError::setting(name, &format!("it is set, and {variable} too; leave one of them out"))),
        (Some(secret), None) => Ok(Some(secret)),
        (None, Some(path)) => {
            let text = std::fs::read_to_string(&path).map_err(|error| ConfigError(format!("{variable}: {path}: {error}")))?;
            Ok(Some(Secret::new(text.trim_end_matches(['\r', '\n']))))
        }
        (None, None) => Ok(file.filter(|secret| !secret.reveal().is_empty())),
    }
}

pub(super) fn one<T: FromStr<Err = String>>(name: &str, text: &str) -> Result<T, ConfigError> {
    text.parse().map_err(|problem: String| ConfigError::setting(name, &problem))
}

/// The first list that is there and not empty, as for every other setting.
pub(super) fn list<T: FromStr<Err = String>>(name: &str, given: Option<List>, file: Option<List>) -> Result<Vec<T>, ConfigError> {
    let list = [given, file].into_iter().flatten().find(|list| !list.0.is_empty());
    list.unwrap_or_default().0.iter().map(|text| one(name, text)).collect()
}

pub(super) fn number<T>(name: &str, least: T, text: Option<String>, into: &mut T) -> Result<(), ConfigError>
where
    T: FromStr + PartialOrd + fmt::Display,
{
    let Some(text) = text else { return Ok(()) };
    match text.trim().parse() {
        Ok(value) if value >= least => *into = value,
        _ => return Err(ConfigError::setting(name, &format!("{text:?} is not a whole number of {least} or more, such as {into}"))),
    }
    Ok(())
}

/// A frame holds 64 KiB, and JSON may need six bytes for a character: longer messages could be stored but never be sent.
pub(super) fn message_max(text: Option<String>) -> Result<usize, ConfigError> {
    const MOST: usize = 10_000;
    let mut value = limits::MESSAGE_CHARS_MAX;
    number("message-max", 1, text, &mut value)?;
    if value > MOST {
        return Err(ConfigError::setting("message-max", &format!("{value} is too many; a frame holds at most {MOST} characters")));
    }
    Ok(value)
}

/// A size such as `512M` or `2G`; units are powers of 1,024.
pub(super) fn memory_max(text: &str) -> Result<u64, ConfigError> {
    let wrong = || ConfigError::setting("memory-max", &format!("{text:?} is not a size; write one such as 512M or 2G, or 0 for no bound"));
    let (number, shift) = match text.trim().split_at_checked(text.trim().len().saturating_sub(1)) {
        Some((number, "M")) => (number, 20),
        Some((number, "G")) => (number, 30),
        _ if text.trim() == "0" => return Ok(0),
        _ => return Err(wrong()),
    };
    let count: u32 = number.parse().map_err(|_| wrong())?;
    Ok(u64::from(count) << shift)
}
