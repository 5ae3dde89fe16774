//! Typing: told to the room at once, to the inbox at most once a second and room, the last state always.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use frontdesk_protocol::{Id, Role, ServerFrame};
use tokio::time::Instant;

use super::{access::Pass, publish::encode};
use crate::{
    app::App,
    hub::{Audience, Class, ConnId, Envelope},
};

const INBOX_INTERVAL: Duration = Duration::from_secs(1);

/// Holds back typing for the inbox.
#[derive(Default)]
pub struct TypingGate(Mutex<HashMap<Id, Gate>>);

struct Gate {
    sent_at: Instant,
    held: Option<Envelope>,
}

impl TypingGate {
    /// What may go to the inbox now; otherwise it is held, in place of what was held before.
    fn pass(&self, room_id: Id, envelope: &Envelope) -> bool {
        let now = Instant::now();
        let mut gates = self.0.lock().expect("no code panics while it holds the gate");
        let Some(gate) = gates.get_mut(&room_id) else {
            gates.insert(room_id, Gate { sent_at: now, held: None });
            return true;
        };
        let passes = now.duration_since(gate.sent_at) >= INBOX_INTERVAL;
        if passes {
            *gate = Gate { sent_at: now, held: None };
        } else {
            gate.held = Some(envelope.clone());
        }
        passes
    }

    /// What was held for long enough; forgets rooms that are quiet.
    fn due(&self) -> Vec<Envelope> {
        let now = Instant::now();
        let mut due = Vec::new();
        self.0.lock().expect("no code panics while it holds the gate").retain(|_, gate| {
            if now.duration_since(gate.sent_at) < INBOX_INTERVAL {
                return true;
            }
            gate.sent_at = now;
            gate.held.take().map(|envelope| due.push(envelope)).is_some()
        });
        due
    }
}

/// A person types, or has stopped.
pub fn set(app: &App, pass: &Pass, conn: ConnId, is_typing: bool) {
    let user = pass.user();
    if app.hub.set_typing(pass.room_id(), conn, user, is_typing) {
        tell(app, pass.room_id(), user.id, user.role, user.name.clone(), is_typing);
    }
}

/// Tells the others in the room, and the inbox if a user types.
pub fn tell(app: &App, room_id: Id, user_id: Id, role: Role, name: String, is_typing: bool) {
    let bytes = encode(&ServerFrame::Typing { room_id, user_id, name, is_typing });
    let also_inbox = role == Role::User;
    let (class, except) = (Class::Typing(is_typing), Some(user_id));
    let to_room = Envelope { audience: Audience::Room(room_id), class, origin: true, also_inbox, except, bytes };
    app.bus.publish(&to_room);
    if also_inbox {
        let to_inbox = Envelope { audience: Audience::Inbox, origin: false, also_inbox: false, except: None, ..to_room };
        if app.typing.pass(room_id, &to_inbox) {
            app.bus.publish(&to_inbox);
        }
    }
}

/// Tells the inbox what was held back for long enough.
pub fn tell_held(app: &App) {
    for envelope in app.typing.due() {
        app.bus.publish(&envelope);
    }
}
