//! The newcomer who looks into every room when all is calm: fresh snapshots, who is there, and who is still there when everybody has
//! left. It speaks to the server itself, without the wire.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context, Result, bail};
use frontdesk_bench::socket::{Heard, Socket};
use frontdesk_protocol::{
    Id, ServerFrame,
    frame::{Presence, Ready, RoomReady},
};
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    cast::Person,
    ledger::{Ledger, Wrong},
};

/// How soon presence must be right.
pub const PRESENCE_WITHIN: Duration = Duration::from_secs(15);
const FIRST_FRAME_WITHIN: Duration = Duration::from_secs(10);

/// A look into one room that goes on.
pub struct Look {
    room: Id,
    socket: Socket,
    pub ready: RoomReady,
    online: BTreeSet<Id>,
}

impl Look {
    pub async fn into(address: &str, observer: &Person, room: Id) -> Result<Self> {
        let mut socket = Socket::open(address, &format!("/ws/chat/{room}/?v=1"), &observer.token).await?;
        let first = timeout(FIRST_FRAME_WITHIN, socket.next()).await.context("ready did not come")?;
        match first {
            Heard::Frame(frame) => match *frame {
                ServerFrame::Ready(Ready::Room(ready)) => Ok(Self { room, socket, ready: *ready, online: BTreeSet::new() }),
                other => bail!("the first frame of room {room} was {other:?}"),
            },
            other => bail!("the first of room {room} was {other:?}"),
        }
    }

    /// Waits until exactly these are here.
    pub async fn sees(&mut self, expected: &BTreeSet<Id>, until: Instant, ledger: &Ledger) {
        while self.online != *expected {
            let Ok(heard) = timeout_at(until, self.socket.next()).await else {
                return ledger.wrong(
                    Wrong::Other,
                    format!(
                        "in room {} {:?} count as online after {} s, but {expected:?} are there",
                        self.room,
                        self.online,
                        PRESENCE_WITHIN.as_secs()
                    ),
                );
            };
            match heard {
                Heard::Frame(frame) => self.take(*frame),
                Heard::Closed(code) => return ledger.wrong(Wrong::Other, format!("the observer was closed with {code:?}")),
                Heard::Ping | Heard::Nonsense(_) => {}
            }
        }
    }

    fn take(&mut self, frame: ServerFrame) {
        if let ServerFrame::UserStatus { user_id, status, .. } = frame {
            match status {
                Presence::Online => self.online.insert(user_id),
                Presence::Offline => self.online.remove(&user_id),
            };
        }
    }

    pub async fn ends(self) {
        self.socket.leave().await;
    }
}
