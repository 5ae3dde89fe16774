//! The settings of `serve`: a flag wins over the environment, the environment over the file, the file over the default.
//! Whatever is wrong is named with its setting and what would be right, before anything listens.

mod network;
mod origin;
mod parse;
mod storage;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use frontdesk_protocol::limits;
use serde::Deserialize;
use thiserror::Error;

use crate::bus::Address;

pub use network::Network;
pub use origin::Origin;
pub use parse::{List, Secret, duration};
pub use storage::{S3, Storage, wrong as storage_problem};

/// The file that is read when none is named.
const DEFAULT_FILE: &str = "frontdesk.toml";
/// The shortest secret that HS256 may be used with (RFC 7518, section 3.2).
pub const JWT_SECRET_BYTES_MIN: usize = 32;

/// A setting that cannot be used; the text names it and says what would be right.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

impl ConfigError {
    fn setting(name: &str, problem: &str) -> Self {
        Self(format!("--{name} (FRONTDESK_{}): {problem}", name.replace('-', "_").to_uppercase()))
    }
}

/// The settings as they were written, by flag and environment or in the file, not judged yet.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Address and port to listen on [default: 127.0.0.1:8000]
    #[arg(long, env = "FRONTDESK_LISTEN", value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Folder of database, attachments and generated secrets [default: ./data, with --demo ./data-demo]
    #[arg(long, env = "FRONTDESK_DATA", value_name = "FOLDER")]
    pub data: Option<String>,
    /// A PostgreSQL database for several nodes, as postgres://USER:PASSWORD@HOST/DATABASE, or a SQLite file, as sqlite:PATH
    /// [default: frontdesk.db in the data folder]
    #[arg(long, env = "FRONTDESK_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Where attachments lie: a folder, or a bucket that nodes share, as s3://BUCKET/PREFIX; its keys, region and address come
    /// from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT_URL [default: attachments in the data folder]
    #[arg(long, env = "FRONTDESK_ATTACHMENTS", value_name = "PLACE")]
    pub attachments: Option<String>,
    /// Redis or Valkey that carries messages between nodes at once, as redis://HOST, rediss://…, redis+cluster://HOST:PORT,… or
    /// redis+sentinel://HOST:PORT,…/SERVICE [default: nodes look into the database]
    #[arg(long, env = "FRONTDESK_REDIS_URL", value_name = "URL", hide_env_values = true)]
    pub redis_url: Option<String>,
    /// Secret that signs access tokens, at least 32 bytes; also FRONTDESK_JWT_SECRET_FILE [default: made on first start]
    #[arg(long, env = "FRONTDESK_JWT_SECRET", value_name = "SECRET", hide_env_values = true)]
    pub jwt_secret: Option<Secret>,
    /// Other web origins that may connect, separated by commas
    #[arg(long, env = "FRONTDESK_ALLOWED_ORIGINS", value_name = "ORIGINS")]
    pub allowed_origins: Option<List>,
    /// The address at which browsers reach this server, when it differs from Host
    #[arg(long, env = "FRONTDESK_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// Addresses or networks whose X-Forwarded-For is believed, separated by commas
    #[arg(long, env = "FRONTDESK_TRUSTED_PROXIES", value_name = "ADDRESSES")]
    pub trusted_proxies: Option<List>,
    /// Messages per second and user, burst three times that; 0 turns off every limit [default: 10]
    #[arg(long, env = "FRONTDESK_RATE_LIMIT", value_name = "NUMBER", allow_hyphen_values = true)]
    pub rate_limit: Option<String>,
    /// Most connections of one person [default: 32]
    #[arg(long, env = "FRONTDESK_CONNECTIONS_PER_USER", value_name = "NUMBER", allow_hyphen_values = true)]
    pub connections_per_user: Option<String>,
    /// Most connections from one address [default: 1000]
    #[arg(long, env = "FRONTDESK_CONNECTIONS_PER_ADDRESS", value_name = "NUMBER", allow_hyphen_values = true)]
    pub connections_per_address: Option<String>,
    /// Longest message in characters [default: 4000]
    #[arg(long, env = "FRONTDESK_MESSAGE_MAX", value_name = "NUMBER", allow_hyphen_values = true)]
    pub message_max: Option<String>,
    /// Memory past which nobody new is let in, such as 512M or 2G; 0 is no bound [default: 90 % of what there is]
    #[arg(long, env = "FRONTDESK_MEMORY_MAX", value_name = "SIZE", allow_hyphen_values = true)]
    pub memory_max: Option<String>,
    /// How long a connection that cannot renew its token may outlive it, such as 12h or 0 [default: 12h]
    #[arg(long, env = "FRONTDESK_ORIGIN_GRACE", value_name = "DURATION", allow_hyphen_values = true)]
    pub origin_grace: Option<String>,
    /// Bearer token that may read /metrics; also FRONTDESK_METRICS_TOKEN_FILE
    #[arg(long, env = "FRONTDESK_METRICS_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub metrics_token: Option<Secret>,
    /// File of settings (TOML, the names above with _) [default: frontdesk.toml if present]
    #[arg(long, env = "FRONTDESK_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// Demo accounts and conversations, in a folder of their own
    #[arg(long)]
    #[serde(skip)]
    pub demo: bool,
}

/// The settings, judged.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The data folder.
    pub data: PathBuf,
    /// Whether this is the demo.
    pub demo: bool,
    /// The SQLite file, if it is not the one in the data folder.
    pub database: Option<PathBuf>,
    /// The URL of a PostgreSQL database, if one is used in its place.
    pub postgres: Option<Secret>,
    /// What carries messages between nodes, if anything does.
    pub redis: Option<Address>,
    /// Where attachments lie, if not in the data folder.
    pub attachments: Option<Storage>,
    /// The secret of access tokens, if it is not the one in the data folder.
    pub jwt_secret: Option<Secret>,
    /// Origins that may connect and call beyond our own.
    pub allowed_origins: Vec<Origin>,
    /// Our own origin, if `Host` is not to be believed alone.
    pub public_url: Option<Origin>,
    /// Peers whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Messages a second and user; 0: no rate limits and no connection limits at all.
    pub rate_limit: u32,
    /// Most connections of one person.
    pub connections_per_user: usize,
    /// Most connections from one address.
    pub connections_per_address: usize,
    /// Longest message in Unicode scalar values.
    pub message_max: usize,
    /// Bytes of memory past which nobody new is let in, if not most of what there is; 0: no bound.
    pub memory_max: Option<u64>,
    /// How long an origin connection may outlive its token.
    pub origin_grace: Duration,
    /// The token that opens `/metrics`.
    pub metrics_token: Option<Secret>,
}

impl Config {
    /// The defaults, with everything kept in `data`.
    #[must_use]
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8000)),
            data: data.into(),
            demo: false,
            database: None,
            postgres: None,
            redis: None,
            attachments: None,
            jwt_secret: None,
            allowed_origins: Vec::new(),
            public_url: None,
            trusted_proxies: Vec::new(),
            rate_limit: limits::MESSAGES_PER_SECOND,
            connections_per_user: 32,
            connections_per_address: 1_000,
            message_max: limits::MESSAGE_CHARS_MAX,
            memory_max: None,
            origin_grace: Duration::from_secs(12 * 3_600),
            metrics_token: None,
        }
    }

    /// Takes flags and environment as given, adds the file and the secrets' files, and judges all.
    pub fn load(given: Settings) -> Result<Self, ConfigError> {
        let file = read_file(given.config.as_deref())?;
        judge(given, file)
    }

    /// Whether `--rate-limit 0` turned off every limit on rates and connections.
    #[must_use]
    pub fn limits_off(&self) -> bool {
        self.rate_limit == 0
    }
}

fn read_file(named: Option<&Path>) -> Result<Settings, ConfigError> {
    let path = named.unwrap_or(Path::new(DEFAULT_FILE));
    if named.is_none() && !path.exists() {
        return Ok(Settings::default());
    }
    config::Config::builder()
        .add_source(config::File::from(path).format(config::FileFormat::Toml))
        .build()
        .and_then(config::Config::try_deserialize)
        .map_err(|error| ConfigError(format!("the settings file {}: {error}", path.display())))
}

/// The first that is there and not empty: an empty variable, as compose files leave behind, counts as unset.
fn first(given: Option<String>, file: Option<String>) -> Option<String> {
    [given, file].into_iter().flatten().find(|value| !value.trim().is_empty())
}

fn judge(given: Settings, file: Settings) -> Result<Config, ConfigError> {
    let demo = given.demo;
    let data = first(given.data, file.data).unwrap_or_else(|| if demo { "./data-demo".into() } else { "./data".into() });
    let mut config = Config { demo, ..Config::new(data) };

    if let Some(text) = first(given.listen, file.listen) {
        config.listen = parse::listen(&text)?;
    }
    if demo && !config.listen.ip().is_loopback() {
        return Err(ConfigError::setting(
            "listen",
            "--demo has known passwords, so it listens on a loopback address only, such as 127.0.0.1:8000",
        ));
    }
    match first(given.database_url, file.database_url) {
        Some(url) if parse::is_postgres(&url) && demo => {
            return Err(ConfigError::setting(
                "database-url",
                "--demo has known passwords, so it keeps its data in a folder of its own; leave it out",
            ));
        }
        Some(url) if parse::is_postgres(&url) => config.postgres = Some(Secret::new(url)),
        Some(url) => config.database = Some(parse::database(&url)?),
        None => {}
    }
    if let Some(url) = first(given.redis_url, file.redis_url) {
        if config.postgres.is_none() {
            return Err(ConfigError::setting(
                "redis-url",
                "Redis stands between nodes that share a PostgreSQL database; give --database-url postgres://… too, or leave it out",
            ));
        }
        config.redis = Some(Address::parse(&url).map_err(|problem| ConfigError::setting("redis-url", &problem))?);
    }
    if let Some(text) = first(given.attachments, file.attachments) {
        if demo {
            return Err(storage_problem("--demo keeps everything in a folder of its own; leave it out"));
        }
        let variables = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        config.attachments = Some(Storage::read(&text, variables)?);
    }
    config.jwt_secret = parse::secret("jwt-secret", given.jwt_secret, file.jwt_secret)?;
    if config.jwt_secret.as_ref().is_some_and(|secret| secret.reveal().len() < JWT_SECRET_BYTES_MIN) {
        return Err(ConfigError::setting("jwt-secret", "it is shorter than 32 bytes; give at least 32 random ones"));
    }
    config.metrics_token = parse::secret("metrics-token", given.metrics_token, file.metrics_token)?;
    config.allowed_origins = parse::list("allowed-origins", given.allowed_origins, file.allowed_origins)?;
    config.trusted_proxies = parse::list("trusted-proxies", given.trusted_proxies, file.trusted_proxies)?;
    config.public_url = first(given.public_url, file.public_url).map(|url| parse::one("public-url", &url)).transpose()?;
    parse::number("rate-limit", 0, first(given.rate_limit, file.rate_limit), &mut config.rate_limit)?;
    parse::number(
        "connections-per-user",
        1,
        first(given.connections_per_user, file.connections_per_user),
        &mut config.connections_per_user,
    )?;
    parse::number(
        "connections-per-address",
        1,
        first(given.connections_per_address, file.connections_per_address),
        &mut config.connections_per_address,
    )?;
    config.message_max = parse::message_max(first(given.message_max, file.message_max))?;
    config.memory_max = first(given.memory_max, file.memory_max).map(|text| parse::memory_max(&text)).transpose()?;
    if let Some(text) = first(given.origin_grace, file.origin_grace) {
        config.origin_grace = duration(&text).map_err(|problem| ConfigError::setting("origin-grace", &problem))?;
    }
    Ok(config)
}

/// Each node would make a secret of its own, and refuse the tokens of all others.
#[must_use]
pub fn no_shared_secret() -> ConfigError {
    ConfigError::setting(
        "jwt-secret",
        "nodes on one PostgreSQL database need one secret; give each of them the same, at least 32 random bytes",
    )
}
