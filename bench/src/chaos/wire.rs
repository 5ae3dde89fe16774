//! The wire between people and server: a TCP proxy that cuts, closes one side, holds back, delays and slices, link by link.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::Result;
use rand::{Rng, rngs::StdRng, seq::IteratorRandom};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpSocket, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::watch,
    time::sleep,
};

/// What one direction of a link goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weather {
    Clear,
    /// Nothing is read and nothing passes.
    Hole,
    /// Each piece waits.
    Slow(Duration),
    /// Pieces of one to seven bytes.
    Sliced,
    /// This direction ends with a FIN; the other goes on.
    Closed,
}

#[derive(Debug)]
struct Link {
    up: watch::Sender<Weather>,
    down: watch::Sender<Weather>,
    /// Set when the link is to be reset on both sides.
    cut: watch::Sender<bool>,
}

/// Faults on the wire so far.
#[derive(Debug, Default)]
pub struct WireCounts {
    pub cuts: AtomicU64,
    pub half_closed: AtomicU64,
    pub holes: AtomicU64,
    pub slow: AtomicU64,
    pub sliced: AtomicU64,
}

/// The proxy.
#[derive(Debug)]
pub struct Wire {
    pub address: String,
    server: watch::Sender<Option<SocketAddr>>,
    links: Mutex<Vec<Arc<Link>>>,
    /// What a new link meets.
    weather: watch::Sender<Weather>,
    /// Some lines hold little, so that a reader that stops is felt by the server soon.
    narrow: bool,
    pub counts: WireCounts,
}

impl Wire {
    /// Listens on a free port and forwards to whatever server there is.
    pub async fn open() -> Result<Arc<Self>> {
        Self::listen(true).await
    }

    /// One that leads to a service of the server's: as wide as a network in a house.
    pub async fn behind(service: u16) -> Result<Arc<Self>> {
        let wire = Self::listen(false).await?;
        wire.leads_to(Some(&format!("127.0.0.1:{service}")));
        Ok(wire)
    }

    async fn listen(narrow: bool) -> Result<Arc<Self>> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let wire = Arc::new(Self {
            address,
            server: watch::Sender::new(None),
            links: Mutex::default(),
            weather: watch::Sender::new(Weather::Clear),
            narrow,
            counts: WireCounts::default(),
        });
        let accepting = Arc::clone(&wire);
        tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => drop(tokio::spawn(Arc::clone(&accepting).carry(stream))),
                    // Out of descriptors for a moment.
                    Err(_) => sleep(Duration::from_millis(20)).await,
                }
            }
        });
        Ok(wire)
    }

    /// Where the server is now; `None` while there is none, and every connection is refused.
    pub fn leads_to(&self, server: Option<&str>) {
        self.server.send_replace(server.map(|address| address.parse().expect("a server says its address")));
    }

    async fn carry(self: Arc<Self>, client: TcpStream) {
        let Some(address) = *self.server.borrow() else { return reset(&client) };
        let Ok(server) = dial(address, self.narrow).await else { return reset(&client) };
        // Without this small pieces wait for each other.
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let link = Arc::new(Link {
            up: watch::Sender::new(*self.weather.borrow()),
            down: watch::Sender::new(*self.weather.borrow()),
            cut: watch::Sender::new(false),
        });
        self.links().push(Arc::clone(&link));
        let (mut client, mut server) = (client, server);
        let mut cut = link.cut.subscribe();
        let is_cut = {
            let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
            let up = pump(from_client, to_server, link.up.subscribe());
            let down = pump(from_server, to_client, link.down.subscribe());
            tokio::select! {
                _ = async { tokio::join!(up, down) } => false,
                _ = cut.wait_for(|cut| *cut) => true,
            }
        };
        if is_cut {
            reset(&client);
            reset(&server);
        }
        self.links().retain(|known| !Arc::ptr_eq(known, &link));
    }

    fn links(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Link>>> {
        self.links.lock().expect("nobody panics with the links in hand")
    }

    /// One fault on one link, as the dice fall.
    pub fn strike(&self, dice: &mut StdRng) {
        let (kind, side) = (dice.random_range(0..100), dice.random_range(0..3));
        let millis = Duration::from_millis(dice.random_range(50..4_000));
        let Some(link) = self.links().iter().choose(dice).cloned() else { return };
        match kind {
            0..40 => {
                self.counts.cuts.fetch_add(1, Relaxed);
                link.cut.send_replace(true);
            }
            40..55 => {
                self.counts.half_closed.fetch_add(1, Relaxed);
                lanes(&link, side.min(1)).for_each(|lane| lane.send_modify(|now| *now = Weather::Closed));
            }
            55..75 => {
                self.counts.holes.fetch_add(1, Relaxed);
                // Some last longer than a client waits, and a few longer than the server does.
                let lasts = match kind {
                    55 => millis * 20,
                    56..60 => millis * 5,
                    _ => millis,
                };
                spell(&link, side, Weather::Hole, lasts);
            }
            75..88 => {
                self.counts.slow.fetch_add(1, Relaxed);
                spell(&link, side, Weather::Slow(millis / 20), millis);
            }
            _ => {
                self.counts.sliced.fetch_add(1, Relaxed);
                spell(&link, side, Weather::Sliced, millis);
            }
        }
    }

    /// From now on nothing passes, on lines that are there and on new ones, and nobody is told.
    pub fn blackens(&self) {
        self.weather.send_replace(Weather::Hole);
        for link in self.links().iter() {
            lanes(link, 2).for_each(|lane| lane.send_modify(|now| *now = Weather::Hole));
        }
    }

    /// Everything forwards again; what was held back for long is let go.
    pub fn clear(&self) {
        self.weather.send_replace(Weather::Clear);
        for link in self.links().iter() {
            link.up.send_if_modified(clears);
            link.down.send_if_modified(clears);
        }
    }

    /// Resets every link.
    pub fn cut_all(&self) {
        for link in self.links().iter() {
            link.cut.send_replace(true);
        }
    }
}

/// 0: towards the server, 1: towards the client, 2: both.
fn lanes(link: &Arc<Link>, side: u32) -> impl Iterator<Item = &watch::Sender<Weather>> {
    [(0, &link.up), (1, &link.down)].into_iter().filter(move |(lane, _)| side == 2 || side == *lane).map(|(_, lane)| lane)
}

/// Bad weather for a while. What was closed stays closed.
fn spell(link: &Arc<Link>, side: u32, weather: Weather, lasts: Duration) {
    for lane in lanes(link, side) {
        lane.send_if_modified(|now| std::mem::replace(now, if *now == Weather::Closed { Weather::Closed } else { weather }) != *now);
    }
    let link = Arc::clone(link);
    tokio::spawn(async move {
        sleep(lasts).await;
        for lane in lanes(&link, side) {
            lane.send_if_modified(clears);
        }
    });
}

fn clears(weather: &mut Weather) -> bool {
    *weather != Weather::Closed && std::mem::replace(weather, Weather::Clear) != Weather::Clear
}

async fn dial(address: SocketAddr, narrow: bool) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if narrow && rand::random_bool(0.25) {
        socket.set_recv_buffer_size(4_096)?;
    }
    socket.connect(address).await
}

/// Dropped after this, the socket sends RST instead of FIN.
fn reset(stream: &TcpStream) {
    // A socket that is closed already cannot be reset, and need not be.
    let _ = stream.set_zero_linger();
}

/// Carries one direction until its source ends or it is closed.
async fn pump(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mut weather: watch::Receiver<Weather>) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let Ok(now) = weather.wait_for(|weather| *weather != Weather::Hole).await.map(|now| *now) else { break };
        if now == Weather::Closed {
            break;
        }
        let count = tokio::select! {
            read = from.read(&mut buffer) => match read { Ok(count @ 1..) => count, _ => break },
            changed = weather.changed() => match changed { Ok(()) => continue, Err(_) => break },
        };
        if forward(&mut to, &buffer[..count], &mut weather).await.is_err() {
            break;
        }
    }
    // The other side may be gone, which is as good as closed.
    let _ = to.shutdown().await;
}

/// What was read is never lost in here, whatever the weather becomes: TCP loses no bytes in the middle.
async fn forward(to: &mut WriteHalf<'_>, mut bytes: &[u8], weather: &mut watch::Receiver<Weather>) -> std::io::Result<()> {
    while !bytes.is_empty() {
        let now = weather.wait_for(|weather| *weather != Weather::Hole).await.map_or(Weather::Closed, |now| *now);
        let piece = match now {
            Weather::Sliced => rand::random_range(1..=7).min(bytes.len()),
            _ => bytes.len(),
        };
        if let Weather::Slow(wait) = now {
            sleep(wait).await;
        }
        to.write_all(&bytes[..piece]).await?;
        to.flush().await?;
        if now == Weather::Sliced {
            tokio::task::yield_now().await;
        }
        bytes = &bytes[piece..];
    }
    Ok(())
}
