//! Every connection of this node: how many a person and an address may have, and how to end those whose token is.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
};

use frontdesk_protocol::{CloseCode, Id, Role};

use super::{Hub, Kind, Outbox, add, give_back};

/// How many connections are let in; 0 is no limit.
#[derive(Clone, Copy, Debug)]
pub struct RegistryLimits {
    /// Connections of one person.
    pub per_user: usize,
    /// Connections from one address.
    pub per_address: usize,
}

/// Which limit refused a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The person has as many as are allowed.
    User,
    /// The address has as many as are allowed.
    Address,
}

/// What a connection's token can be ended by.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// Our session's id.
    pub sid: Option<String>,
    /// A foreign token's id.
    pub jti: Option<String>,
    /// When the token was issued, in seconds since the epoch.
    pub issued_at: i64,
}

pub(super) struct Registry {
    limits: RegistryLimits,
    people: Mutex<HashMap<Id, Vec<Entry>>>,
    addresses: Mutex<HashMap<IpAddr, usize>>,
    connections: AtomicUsize,
}

struct Entry {
    outbox: Arc<Outbox>,
    credentials: Credentials,
}

impl Registry {
    pub(super) fn new(limits: RegistryLimits) -> Self {
        Self { limits, people: Mutex::default(), addresses: Mutex::default(), connections: AtomicUsize::new(0) }
    }

    fn people(&self) -> MutexGuard<'_, HashMap<Id, Vec<Entry>>> {
        self.people.lock().expect("no code panics while it holds the registry")
    }

    fn take_address(&self, address: IpAddr) -> Result<(), Refusal> {
        let mut addresses = self.addresses.lock().expect("no code panics while it holds the addresses");
        let count = addresses.entry(address).or_default();
        if self.limits.per_address > 0 && *count >= self.limits.per_address {
            return Err(Refusal::Address);
        }
        *count += 1;
        Ok(())
    }

    fn free_address(&self, address: IpAddr) {
        let mut addresses = self.addresses.lock().expect("no code panics while it holds the addresses");
        if let Some(count) = addresses.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                addresses.remove(&address);
                give_back(&mut addresses);
            }
        }
    }

    fn add(&self, outbox: &Arc<Outbox>, credentials: Credentials) -> Result<(), Refusal> {
        let mut people = self.people();
        let entries = people.entry(outbox.user_id).or_default();
        if self.limits.per_user > 0 && entries.len() >= self.limits.per_user {
            return Err(Refusal::User);
        }
        add(entries, Entry { outbox: outbox.clone(), credentials });
        Ok(())
    }

    fn remove(&self, outbox: &Outbox) {
        let mut people = self.people();
        if let Some(entries) = people.get_mut(&outbox.user_id) {
            entries.retain(|entry| entry.outbox.conn != outbox.conn);
            if entries.is_empty() {
                people.remove(&outbox.user_id);
                give_back(&mut people);
            }
        }
    }
}

/// A connection that was let in; dropping it frees its places.
pub struct Connected {
    hub: Hub,
    /// Where frames for it wait.
    pub outbox: Arc<Outbox>,
    role: Role,
    address: Option<IpAddr>,
}

impl Connected {
    /// The connection has a new token.
    pub fn renew(&self, credentials: Credentials) {
        let mut people = self.hub.0.registry.people();
        let entries = people.get_mut(&self.outbox.user_id);
        if let Some(entry) = entries.and_then(|entries| entries.iter_mut().find(|entry| entry.outbox.conn == self.outbox.conn)) {
            entry.credentials = credentials;
        }
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        let registry = &self.hub.0.registry;
        registry.remove(&self.outbox);
        if let Some(address) = self.address {
            registry.free_address(address);
        }
        if self.role == Role::Admin {
            self.hub.0.support.leave();
        }
        registry.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Hub {
    /// Lets a connection in. `address` is left out for peers that are not limited by it.
    ///
    /// # Errors
    /// The limit that refuses it.
    pub fn connect(
        &self,
        user_id: Id,
        role: Role,
        kind: Kind,
        address: Option<IpAddr>,
        credentials: Credentials,
    ) -> Result<Connected, Refusal> {
        let registry = &self.0.registry;
        if let Some(address) = address {
            registry.take_address(address)?;
        }
        let conn = self.0.next_conn.fetch_add(1, Ordering::Relaxed);
        let outbox = Arc::new(Outbox::new(conn, user_id, kind, self.0.queued_bytes.clone()));
        if let Err(refusal) = registry.add(&outbox, credentials) {
            if let Some(address) = address {
                registry.free_address(address);
            }
            return Err(refusal);
        }
        if role == Role::Admin {
            self.0.support.enter();
        }
        registry.connections.fetch_add(1, Ordering::Relaxed);
        Ok(Connected { hub: self.clone(), outbox, role, address })
    }

    /// Connections of this node.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.0.registry.connections.load(Ordering::Relaxed)
    }

    /// Closes (4401) the connections of a person whose credentials are ended.
    pub fn end_sessions(&self, user_id: Id, ended: impl Fn(&Credentials) -> bool) {
        let people = self.0.registry.people();
        for entry in people.get(&user_id).into_iter().flatten().filter(|entry| ended(&entry.credentials)) {
            entry.outbox.signal(|signals| signals.close = Some(CloseCode::Unauthorized));
        }
    }

    /// Tells every connection that the server is leaving.
    pub fn leave_all(&self) {
        for entry in self.0.registry.people().values().flatten() {
            entry.outbox.signal(|signals| signals.leaving = true);
        }
    }
}
