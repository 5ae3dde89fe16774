//! From which address a request came, as far as proxies are to be believed.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::atomic::{AtomicBool, Ordering},
};

use axum::http::HeaderMap;

use crate::config::Network;

const FORWARDED: &str = "x-forwarded-for";

/// Knows the trusted proxies; says once when one seems to be missing among them.
#[derive(Debug)]
pub struct Addresses {
    trusted: Vec<Network>,
    warned: AtomicBool,
}

impl Addresses {
    /// With the proxies of `--trusted-proxies`.
    #[must_use]
    pub fn new(trusted: Vec<Network>) -> Self {
        Self { trusted, warned: AtomicBool::new(false) }
    }

    /// The address to limit by: of IPv6 the /64, since one customer has them all. `None`: behind a proxy that is not told to us, so
    /// that everybody would seem to be one.
    #[must_use]
    pub fn of(&self, peer: SocketAddr, headers: &HeaderMap) -> Option<IpAddr> {
        let peer = peer.ip().to_canonical();
        if self.is_trusted(peer) {
            return Some(prefix(self.forwarded(headers).unwrap_or(peer)));
        }
        if self.trusted.is_empty() && peer.is_loopback() && headers.contains_key(FORWARDED) {
            self.warn_once();
            return None;
        }
        Some(prefix(peer))
    }

    /// The address of a peer that speaks for itself; none for a proxy, which may be any peer on this machine.
    #[must_use]
    pub fn of_peer(&self, peer: SocketAddr) -> Option<IpAddr> {
        let peer = peer.ip().to_canonical();
        (!peer.is_loopback() && !self.is_trusted(peer)).then(|| prefix(peer))
    }

    /// The rightmost hop that is no trusted proxy itself: what stands left of it was written by the client.
    fn forwarded(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let lines: Vec<_> = headers.get_all(FORWARDED).iter().filter_map(|value| value.to_str().ok()).collect();
        let hops = lines.iter().rev().flat_map(|line| line.rsplit(','));
        hops.map(parse_hop).find(|hop| hop.is_none_or(|address| !self.is_trusted(address))).flatten()
    }

    fn is_trusted(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }

    fn warn_once(&self) {
        if !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "a proxy on this machine sends X-Forwarded-For; name it in --trusted-proxies, until then nobody is limited by address"
            );
        }
    }
}

fn parse_hop(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let address = text.parse().or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip())).ok()?;
    Some(IpAddr::to_canonical(&address))
}

fn prefix(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}
