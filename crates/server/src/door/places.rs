//! How many connections there may be: as many as there are descriptors and memory for, and not all from one address.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{memory::Memory, pulse::Pulse};

/// Descriptors that connections leave to the database, attachments and the logs: this part of all, in percent, or …
const KEPT_PERCENT: u64 = 25;
/// … so many, if that is less.
const KEPT_MAX: u64 = 512;
/// Connections from one address for each WebSocket that it may have: pages keep some for their calls.
const PER_SOCKET: usize = 2;

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// Descriptors or memory are used up.
    House,
    /// The address has as many as are allowed.
    Address,
}

/// The places of one server.
#[derive(Debug)]
pub struct Places {
    most: usize,
    /// 0 is no limit.
    per_address: usize,
    taken: AtomicUsize,
    addresses: Mutex<HashMap<IpAddr, usize>>,
    memory: Memory,
}

impl Places {
    /// By the descriptors of this process, by memory, and by `sockets_per_address`, where 0 is no limit.
    #[must_use]
    pub fn new(sockets_per_address: usize, memory: Memory) -> Self {
        let descriptors = rlimit::Resource::NOFILE.get_soft().unwrap_or(1_024);
        let most = descriptors - (descriptors / 100 * KEPT_PERCENT).min(KEPT_MAX);
        Self::with(usize::try_from(most).unwrap_or(usize::MAX), sockets_per_address * PER_SOCKET, memory)
    }

    /// With given numbers.
    #[must_use]
    pub fn with(most: usize, per_address: usize, memory: Memory) -> Self {
        Self { most, per_address, taken: AtomicUsize::new(0), addresses: Mutex::default(), memory }
    }

    /// Whether memory is used up, so that what would stay long must be refused.
    #[must_use]
    pub fn memory_is_full(&self) -> bool {
        self.memory.is_full()
    }

    /// Takes a place. `address` is left out for a peer that speaks for many.
    ///
    /// # Errors
    /// What is used up.
    pub fn take(self: &Arc<Self>, address: Option<IpAddr>) -> Result<Place, Full> {
        if self.taken.load(Ordering::Relaxed) >= self.most || self.memory.is_full() {
            return Err(Full::House);
        }
        let address = address.filter(|_| self.per_address > 0);
        if let Some(address) = address {
            let mut addresses = self.lock();
            let count = addresses.entry(address).or_default();
            if *count >= self.per_address {
                return Err(Full::Address);
            }
            *count += 1;
        }
        self.taken.fetch_add(1, Ordering::Relaxed);
        Ok(Place { places: self.clone(), address, pulse: Pulse::default() })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.addresses.lock().expect("no code panics while it holds the addresses")
    }
}

/// A connection's place, given back when dropped.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    address: Option<IpAddr>,
    /// When something last went through the connection.
    pub pulse: Pulse,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.taken.fetch_sub(1, Ordering::Relaxed);
        let Some(address) = self.address else { return };
        let mut addresses = self.places.lock();
        if let Some(count) = addresses.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                addresses.remove(&address);
            }
        }
    }
}
