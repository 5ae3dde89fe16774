//! Where attachments lie: a folder of files, or a bucket of an S3-compatible store, which several nodes share.

use std::path::PathBuf;

use axum::http::Uri;

use super::{ConfigError, Secret};

const SCHEME: &str = "s3://";
const KEYS: [&str; 2] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
/// Where credentials come from that a machine or container is given.
const ROLES: [&str; 4] = [
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_METADATA_ENDPOINT",
];
/// The first that is set counts.
const ENDPOINTS: [&str; 3] = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"];
const REGIONS: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];

/// Where attachments lie, if not in the data folder.
#[derive(Clone, Debug)]
pub enum Storage {
    /// In a folder of their own.
    Folder(PathBuf),
    /// In a bucket.
    S3(S3),
}

/// A bucket, and how it is reached.
#[derive(Clone, Debug)]
pub struct S3 {
    /// Its name.
    pub bucket: String,
    /// What the names of our objects begin with, without slashes at its ends; may be empty.
    pub prefix: String,
    /// The address of the service, if it is not Amazon's.
    pub endpoint: Option<String>,
    /// Whether it may be reached without TLS.
    pub allow_http: bool,
    /// The `AWS_…` variables.
    pub variables: Vec<(String, Secret)>,
}

impl Storage {
    /// Judges the setting together with the `AWS_…` ones among these variables.
    ///
    /// # Errors
    /// What is wrong or missing, and what would be right.
    pub fn read(text: &str, variables: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let text = text.trim();
        match text.strip_prefix(SCHEME) {
            Some(place) => Ok(Self::S3(S3::read(place, variables)?)),
            None if text.contains("://") => {
                Err(wrong("it is neither a folder, as /srv/attachments is, nor a bucket, as s3://BUCKET/PREFIX is"))
            }
            None => Ok(Self::Folder(text.into())),
        }
    }
}

impl S3 {
    fn read(place: &str, variables: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        if !(3..=63).contains(&bucket.len()) || !bucket.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte)) {
            return Err(wrong(&format!(
                "{bucket:?} is no name of a bucket; write s3://BUCKET/PREFIX, the bucket with 3 to 63 letters, digits, dots and hyphens; \
                 credentials come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            )));
        }
        let prefix = prefix.trim_end_matches('/');
        if !prefix.is_empty() && !prefix.split('/').all(is_part) {
            return Err(wrong(&format!(
                "{prefix:?} is no prefix; write one such as frontdesk/attachments, of letters, digits, dots, hyphens and underscores"
            )));
        }
        let variables: Vec<(String, Secret)> = variables
            .into_iter()
            .filter(|(name, value)| name.starts_with("AWS_") && !value.is_empty())
            .map(|(name, value)| (name, Secret::new(value)))
            .collect();
        let get = |name: &str| variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.reveal());
        let endpoint = ENDPOINTS.iter().find_map(|name| Some((*name, get(name)?)));
        if let Some((name, url)) = endpoint
            && !is_address(url)
        {
            return Err(wrong(&format!("{name} is {url:?}; write an address such as https://s3.example.com or http://127.0.0.1:9000")));
        }
        let endpoint = endpoint.map(|(_, url)| url.trim_end_matches('/').to_owned());
        if endpoint.is_none() && REGIONS.iter().all(|name| get(name).is_none()) {
            return Err(wrong("nothing says where the bucket is; set AWS_REGION, or AWS_ENDPOINT_URL for a store that is not Amazon's"));
        }
        if KEYS.iter().any(|name| get(name).is_none()) && ROLES.iter().all(|name| get(name).is_none()) {
            let missing = KEYS.into_iter().find(|name| get(name).is_none()).unwrap_or_default();
            return Err(wrong(&format!("{missing} is not set; a bucket needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")));
        }
        let allow_http = match get("AWS_ALLOW_HTTP").map(str::to_ascii_lowercase).as_deref() {
            Some("true" | "1") => true,
            None | Some("false" | "0") => endpoint.as_ref().is_some_and(|url| url.starts_with("http://")),
            Some(other) => return Err(wrong(&format!("AWS_ALLOW_HTTP is {other:?}; write true or false"))),
        };
        Ok(Self { bucket: bucket.into(), prefix: prefix.into(), endpoint, allow_http, variables })
    }

    /// The bucket and the prefix, as they are written in the setting.
    #[must_use]
    pub fn url(&self) -> String {
        let slash = if self.prefix.is_empty() { "" } else { "/" };
        format!("{SCHEME}{}{slash}{}", self.bucket, self.prefix)
    }
}

/// What is wrong with the setting.
pub fn wrong(problem: &str) -> ConfigError {
    ConfigError::setting("attachments", problem)
}

fn is_part(part: &str) -> bool {
    !part.is_empty()
        && part.bytes().any(|byte| byte != b'.')
        && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
}

fn is_address(url: &str) -> bool {
    let parsed: Option<Uri> = url.parse().ok();
    parsed.is_some_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty()))
}
