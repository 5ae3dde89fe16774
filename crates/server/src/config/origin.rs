//! A web origin, compared by host and port: the scheme does not count, since TLS may end at a proxy.

use std::str::FromStr;

use axum::http::Uri;

/// Scheme, host and port of a web page, such as `https://shop.example`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

impl Origin {
    /// The origin of a header's value; `None` for `null` and for what is none.
    #[must_use]
    pub fn of_header(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    /// Whether both have the same host and port.
    #[must_use]
    pub fn same_place(&self, other: &Self) -> bool {
        self.host == other.host && self.port == other.port
    }

    /// Whether `Host` names this origin; a port that is left out there is the default one of this origin's scheme.
    #[must_use]
    pub fn is_host(&self, host_header: &str) -> bool {
        format!("{}://{host_header}", self.scheme).parse::<Self>().is_ok_and(|host| self.same_place(&host))
    }

    /// The host's name in lower case; an IPv6 address keeps its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// As a browser writes it, with the default port left out.
    #[must_use]
    pub fn header(&self) -> String {
        if self.port == default_port(&self.scheme) {
            format!("{}://{}", self.scheme, self.host)
        } else {
            format!("{}://{}:{}", self.scheme, self.host, self.port)
        }
    }
}

fn default_port(scheme: &str) -> u16 {
    if scheme == "https" { 443 } else { 80 }
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not an origin, such as https://shop.example or http://localhost:3000");
        let uri: Uri = text.trim().parse().map_err(|_| wrong())?;
        let scheme = uri.scheme_str().filter(|scheme| ["http", "https"].contains(scheme)).ok_or_else(wrong)?.to_owned();
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or_else(wrong)?;
        if authority.host().is_empty() || !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(wrong());
        }
        let bare = authority.as_str().len() == authority.host().len();
        let port = if bare { default_port(&scheme) } else { authority.port_u16().ok_or_else(wrong)? };
        Ok(Self { host: authority.host().to_ascii_lowercase(), port, scheme })
    }
}
