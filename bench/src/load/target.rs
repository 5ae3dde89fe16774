//! Which server is driven, how it is spoken to, and who is who there.

use std::net::SocketAddr;

use clap::Args;
use frontdesk_bench::token;
use frontdesk_protocol::Id;

/// People with the ids 1 to this are admins.
pub const ADMINS: Id = 1_000;
/// Of whom so many write in all the rooms; the rest can only be told apart.
const WRITERS: Id = 10;

/// The server under load.
#[derive(Args, Clone, Debug)]
pub struct Target {
    /// Address of the server; of several nodes, among which connections take turns
    #[arg(long, value_delimiter = ',', required = true)]
    pub at: Vec<SocketAddr>,
    /// Speak as clients of old do: no acks, no resume
    #[arg(long)]
    pub origin: bool,
    /// Processes of the server, whose children count too
    #[arg(long, value_delimiter = ',')]
    pub pid: Vec<u32>,
}

impl Target {
    /// The node to which the connection with this number goes. A user and the admin who is seated next to them are on different nodes.
    pub fn node(&self, number: usize) -> SocketAddr {
        self.at[number % self.at.len()]
    }

    /// Where a person's connection to a room is asked for.
    pub fn path(&self, room: Id, person: Id) -> String {
        let v1 = if self.origin { "" } else { "&v=1" };
        format!("/ws/chat/{room}/?token={}{v1}", token::of(person))
    }
}

/// The user whose room it is; room 1 is the first.
pub fn user_of(room: Id) -> Id {
    ADMINS + room
}

/// The admin who writes in a room.
pub fn admin_of(room: Id) -> Id {
    1 + room % WRITERS
}
