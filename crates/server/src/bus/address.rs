//! Where Redis is: one server, the one that sentinels name, or a cluster; and how it is reached.

use std::{fmt, fs, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, IntoConnectionInfo, ProtocolVersion, PushInfo, RedisResult, TlsCertificates, TlsMode,
    aio::{MultiplexedConnection, SendError},
    cluster::{ClusterClient, ClusterClientBuilder},
    cluster_async::ClusterConnection,
    sentinel::{SentinelClientBuilder, SentinelServerType},
};

/// How long one call may take.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_millis(500);
/// How long reaching a server may take.
const DIAL_TIMEOUT: Duration = Duration::from_secs(2);
const FORMS: &str = "write redis://[USER:PASSWORD@]HOST[:PORT], rediss://… with TLS, redis+cluster://HOST:PORT,HOST:PORT or \
                     redis+sentinel://HOST:PORT,HOST:PORT/SERVICE";

/// The address of Redis or Valkey. It hides its password.
#[derive(Clone)]
pub struct Address {
    kind: Kind,
    /// Whom to trust, if not the public authorities: certificates as PEM.
    authority: Option<Vec<u8>>,
}

#[derive(Clone)]
enum Kind {
    One(Box<ConnectionInfo>),
    Sentinels { sentinels: Vec<ConnectionInfo>, service: String, server: Box<ConnectionInfo>, tls: bool },
    Cluster(Vec<ConnectionInfo>),
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(…)")
    }
}

impl Address {
    /// Reads a URL.
    ///
    /// # Errors
    /// What is wrong, and what would be right; never the password.
    pub fn parse(url: &str) -> Result<Self, String> {
        let (scheme, rest) = url.trim().split_once("://").ok_or_else(|| format!("it is no URL; {FORMS}"))?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let query = Query::parse(query)?;
        let (plain, form) = scheme.split_once('+').map_or((scheme, None), |(plain, form)| (plain, Some(form)));
        if !matches!(plain, "redis" | "rediss" | "valkey" | "valkeys") {
            return Err(format!("{scheme}:// is not known; {FORMS}"));
        }
        let tls = plain.ends_with("ss") || plain == "valkeys";
        if query.ca.is_some() && !tls {
            return Err("ca= is given, but only rediss:// uses TLS".into());
        }
        let authority = query.ca.map(|path| fs::read(path).map_err(|error| format!("ca={path} cannot be read: {error}"))).transpose()?;
        let place = Place::parse(plain, rest);
        let kind = match form {
            None => Kind::One(Box::new(place.only()?)),
            Some("cluster") => Kind::Cluster(place.each(place.path)?),
            Some("sentinel") => place.sentinels(&query, tls)?,
            Some(other) => return Err(format!("+{other} is not known; {FORMS}")),
        };
        if query.sentinel_password.is_some() && !matches!(kind, Kind::Sentinels { .. }) {
            return Err("sentinel_password= is given, but the URL does not begin with redis+sentinel://".into());
        }
        Ok(Self { kind, authority })
    }

    /// Reaches Redis. What it pushes goes to `heard`, which must not block.
    pub(super) async fn dial(&self, heard: impl Fn(PushInfo) + Send + Sync + 'static) -> RedisResult<Wire> {
        // Dependencies bring two kinds of cryptography; an error says that one was chosen before.
        let _chosen = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let heard = move |info| {
            heard(info);
            Ok::<(), SendError>(())
        };
        let certificates = || TlsCertificates { client_tls: None, root_cert: self.authority.clone() };
        if let Kind::Cluster(nodes) = &self.kind {
            let mut builder: ClusterClientBuilder = ClusterClient::builder(nodes.clone())
                .connection_timeout(DIAL_TIMEOUT)
                .response_timeout(CALL_TIMEOUT)
                .retries(1)
                .use_protocol(ProtocolVersion::RESP3)
                .push_sender(heard);
            if self.authority.is_some() {
                builder = builder.certs(certificates());
            }
            return builder.build()?.get_async_connection().await.map(Wire::Cluster);
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(DIAL_TIMEOUT))
            .set_response_timeout(Some(CALL_TIMEOUT))
            .set_push_sender(heard);
        let connection = match &self.kind {
            Kind::One(info) if self.authority.is_some() => {
                Client::build_with_tls(*info.clone(), certificates())?.get_multiplexed_async_connection_with_config(&config).await
            }
            Kind::One(info) => Client::open(*info.clone())?.get_multiplexed_async_connection_with_config(&config).await,
            Kind::Sentinels { sentinels, service, server, tls } => {
                let mut builder = sentinel_builder(sentinels, service, server)?;
                if *tls {
                    builder = builder.set_client_to_redis_tls_mode(TlsMode::Secure);
                    if self.authority.is_some() {
                        builder =
                            builder.set_client_to_redis_certificates(certificates()).set_client_to_sentinel_certificates(certificates());
                    }
                }
                builder.build()?.get_async_connection_with_config(&config).await
            }
            Kind::Cluster(_) => unreachable!("was answered above"),
        };
        connection.map(Wire::One)
    }
}

fn sentinel_builder(sentinels: &[ConnectionInfo], service: &str, server: &ConnectionInfo) -> RedisResult<SentinelClientBuilder> {
    let addresses = sentinels.iter().map(|sentinel| sentinel.addr().clone());
    let to_server = server.redis_settings();
    let mut builder = SentinelClientBuilder::new(addresses, service, SentinelServerType::Master)?
        .set_client_to_redis_protocol(ProtocolVersion::RESP3)
        .set_client_to_redis_db(to_server.db());
    if let Some(name) = to_server.username() {
        builder = builder.set_client_to_redis_username(name);
    }
    if let Some(password) = to_server.password() {
        builder = builder.set_client_to_redis_password(password);
    }
    if let Some(password) = sentinels.first().and_then(|sentinel| sentinel.redis_settings().password()) {
        builder = builder.set_client_to_sentinel_password(password);
    }
    Ok(builder)
}

/// What follows the question mark.
#[derive(Default)]
struct Query<'a> {
    ca: Option<&'a str>,
    sentinel_password: Option<&'a str>,
}

impl<'a> Query<'a> {
    fn parse(text: &'a str) -> Result<Self, String> {
        let mut query = Self::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("ca", path)) => query.ca = Some(path),
                Some(("sentinel_password", password)) => query.sentinel_password = Some(password),
                other => {
                    let name = other.map_or(pair, |(name, _)| name);
                    return Err(format!("?{name} is not known; there are ?ca=FILE and ?sentinel_password=PASSWORD"));
                }
            }
        }
        Ok(query)
    }
}

/// What stands between the scheme and the question mark.
struct Place<'a> {
    scheme: &'a str,
    /// With the `@`, or empty.
    login: &'a str,
    hosts: Vec<&'a str>,
    path: &'a str,
}

impl<'a> Place<'a> {
    fn parse(scheme: &'a str, text: &'a str) -> Self {
        let (login, rest) = text.rfind('@').map_or(("", text), |at| text.split_at(at + 1));
        let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
        Self { scheme, login, hosts: hosts.split(',').collect(), path }
    }

    fn only(&self) -> Result<ConnectionInfo, String> {
        let [host] = self.hosts[..] else {
            return Err(format!("it names several hosts, so it must say what they are; {FORMS}"));
        };
        self.info(self.login, host, self.path)
    }

    fn each(&self, path: &str) -> Result<Vec<ConnectionInfo>, String> {
        self.hosts.iter().map(|host| self.info(self.login, host, path)).collect()
    }

    fn sentinels(&self, query: &Query<'_>, tls: bool) -> Result<Kind, String> {
        let (service, database) = self.path.split_once('/').unwrap_or((self.path, ""));
        if service.is_empty() {
            return Err("it names no service; write redis+sentinel://HOST:PORT,HOST:PORT/SERVICE".into());
        }
        let login = query.sentinel_password.map(|password| format!(":{password}@")).unwrap_or_default();
        let at = |host: &&str| {
            let host = if host.contains(':') { (*host).to_owned() } else { format!("{host}:26379") };
            self.info(&login, &host, "")
        };
        let sentinels = self.hosts.iter().map(at).collect::<Result<_, _>>()?;
        let server = Box::new(self.info(self.login, "localhost", database)?);
        Ok(Kind::Sentinels { sentinels, service: service.to_owned(), server, tls })
    }

    fn info(&self, login: &str, host: &str, path: &str) -> Result<ConnectionInfo, String> {
        let url = format!("{}://{login}{host}/{path}", self.scheme);
        let info = url.into_connection_info().map_err(|_| format!("the address {host:?} cannot be read; {FORMS}"))?;
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        Ok(info.set_redis_settings(settings))
    }
}

/// A connection that publishes and hears.
#[derive(Clone)]
pub(super) enum Wire {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Wire {
    /// Hears what is published to a channel from now on.
    pub(super) async fn subscribe(&mut self, channel: &str) -> RedisResult<()> {
        match self {
            Self::One(connection) => redis::cmd("SSUBSCRIBE").arg(channel).exec_async(connection).await,
            Self::Cluster(connection) => connection.ssubscribe(channel).await,
        }
    }

    /// Publishes messages to their channels.
    pub(super) async fn publish(&mut self, messages: Vec<(&str, Vec<u8>)>) -> RedisResult<()> {
        match self {
            Self::One(connection) => {
                let mut pipeline = redis::pipe();
                for (channel, message) in messages {
                    pipeline.cmd("SPUBLISH").arg(channel).arg(message).ignore();
                }
                pipeline.exec_async(connection).await
            }
            Self::Cluster(connection) => {
                let each = messages.into_iter().map(|(channel, message)| {
                    let mut connection = connection.clone();
                    async move { redis::cmd("SPUBLISH").arg(channel).arg(message).exec_async(&mut connection).await }
                });
                futures_util::future::try_join_all(each).await.map(|_| ())
            }
        }
    }
}
