//! A client's frame becomes one verb, its outcome one answer. Nothing is decided here.

use frontdesk_protocol::{ClientFrame, CloseCode, Id, Seq, ServerFrame, limits::RESUME_INTERVAL_MS};
use serde::Deserialize;
use tokio::time::{Duration, Instant};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::{
    connection::{Connection, End, View, pause},
    inbox::Wish,
    room::{RoomView, Stop},
};
use crate::{
    caller,
    chat::{
        access::Pass,
        messages::{self, Draft, Sent},
        receipts::{self, MarkKind},
        typing,
    },
    error::Error,
};

/// A frame and the room that it means.
pub(super) struct Inbound {
    frame: ClientFrame,
    /// Said in each frame on the inbox; the connection's own room otherwise.
    room_id: Option<Id>,
}

#[derive(Deserialize)]
struct Address {
    #[serde(default)]
    room_id: Option<Id>,
}

/// What a commit came to, for the connection that asked for it.
pub(super) enum Answer {
    /// A message.
    Message { client_id: Option<String>, room_id: Option<Id>, outcome: Result<Sent, Error> },
    /// A receipt.
    Mark { room_id: Option<Id>, outcome: Result<(), Error> },
}

impl Connection {
    pub(super) async fn dispatch(&mut self, text: &Utf8Bytes) -> Result<(), End> {
        if let Some(wait) = self.too_fast() {
            return self.hold_back(text, wait).await;
        }
        match self.parse(text) {
            Ok(inbound) => self.handle(inbound).await,
            Err(reason) => {
                let client_id = client_id_of(text);
                Box::pin(self.bad_frame(reason, client_id)).await
            }
        }
    }

    fn too_fast(&mut self) -> Option<Duration> {
        if !self.app.limits.on() {
            return None;
        }
        self.limits.get_or_insert_default().frame().err()
    }

    /// A v=1 connection is told; an origin connection, which would lose the text, is slowed.
    async fn hold_back(&mut self, text: &Utf8Bytes, wait: Duration) -> Result<(), End> {
        if self.is_origin()
            && let Ok(inbound) = self.parse(text)
        {
            self.held = Some((pause(wait), inbound));
            return Ok(());
        }
        let error = Error::RateLimited { what: "too many frames".into(), retry_after: wait };
        self.refuse(&error, client_id_of(text), None).await
    }

    fn parse(&self, text: &Utf8Bytes) -> Result<Inbound, String> {
        // Without this an array of the fields' values would pass, too.
        if !text.trim_ascii_start().starts_with('{') {
            return Err("a frame is a JSON object with a type".into());
        }
        let frame: ClientFrame = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let room_id = match self.view {
            View::Room(_) => None,
            View::Inbox(_) => serde_json::from_str::<Address>(text).map_err(|error| error.to_string())?.room_id,
        };
        Ok(Inbound { frame, room_id })
    }

    pub(super) async fn bad_frame(&mut self, reason: impl Into<String>, client_id: Option<String>) -> Result<(), End> {
        self.refuse(&Error::BadRequest(reason.into()), client_id, None).await
    }

    pub(super) async fn handle(&mut self, inbound: Inbound) -> Result<(), End> {
        let Inbound { frame, room_id } = inbound;
        let v1_only =
            matches!(frame, ClientFrame::Delivered { .. } | ClientFrame::Resume { .. } | ClientFrame::Auth { .. } | ClientFrame::Ping);
        if v1_only && self.is_origin() {
            return self.bad_frame("this frame needs a connection with v=1", None).await;
        }
        match frame {
            ClientFrame::ChatMessage { message, client_id, if_last_seq } => {
                let draft = Draft { text: message, client_id, if_last_seq, attachments: Vec::new() };
                self.send(draft, room_id).await
            }
            ClientFrame::Typing { is_typing } => match self.pass(room_id) {
                Ok(pass) => {
                    typing::set(&self.app, &pass, self.connected.outbox.conn, is_typing);
                    Ok(())
                }
                Err(error) => self.refuse(&error, None, room_id).await,
            },
            ClientFrame::ReadReceipt { message_id } => self.mark(MarkKind::Read, message_id, room_id).await,
            ClientFrame::Delivered { message_id } => self.mark(MarkKind::Delivered, message_id, room_id).await,
            ClientFrame::Resume { after, epoch } => Box::pin(self.resume(after, epoch, room_id)).await,
            ClientFrame::Auth { token } => Box::pin(self.auth(&token)).await,
            ClientFrame::Ping => Ok(self.wire.write(ServerFrame::Pong).await?),
            ClientFrame::OpenRoom { room_id, after, epoch } => Box::pin(self.open_room(Wish { room_id, after, epoch })).await,
            ClientFrame::CloseRoom { room_id } => Box::pin(self.close_room(room_id)).await,
        }
    }

    /// The room that a frame means, as proof that the caller may act there.
    fn pass(&self, room_id: Option<Id>) -> Result<Pass, Error> {
        match (&self.view, room_id) {
            (View::Room(room), _) => Ok(room.pass.clone()),
            (View::Inbox(_), None) => Err(Error::field("room_id", "is required on the inbox")),
            (View::Inbox(inbox), Some(room_id)) => {
                let open = inbox.rooms.get(&room_id).map(|room| room.pass.clone());
                open.ok_or_else(|| Error::NotFound(format!("room {room_id} is not open on this connection; send open_room first")))
            }
        }
    }

    async fn send(&mut self, draft: Draft, room_id: Option<Id>) -> Result<(), End> {
        let client_id = draft.client_id.clone();
        let pass = match self.pass(room_id) {
            Ok(pass) => pass,
            Err(error) => return self.refuse(&error, client_id, room_id).await,
        };
        let counted = messages::count(&self.app, &pass);
        if self.is_origin()
            && let Err(Error::RateLimited { retry_after, .. }) = counted
        {
            let frame = ClientFrame::ChatMessage { message: draft.text, client_id, if_last_seq: draft.if_last_seq };
            self.held = Some((pause(retry_after), Inbound { frame, room_id }));
            return Ok(());
        }
        match messages::submit(&self.app, &pass, draft, counted).await {
            Ok(submitted) => {
                let answer = async move { Answer::Message { client_id, room_id, outcome: submitted.stored().await } };
                self.waiting.push(Box::pin(answer));
                Ok(())
            }
            Err(error) => Box::pin(self.refuse_message(&error, client_id, room_id)).await,
        }
    }

    /// Whoever cannot send again without a second copy must not believe that it was stored.
    async fn refuse_message(&mut self, error: &Error, client_id: Option<String>, room_id: Option<Id>) -> Result<(), End> {
        let lost = self.is_origin() && client_id.is_none() && matches!(error, Error::NotDurable | Error::Unavailable(_));
        self.refuse(error, client_id, room_id).await?;
        if lost { Err(End::Close(CloseCode::TryAgainLater, error.to_string())) } else { Ok(()) }
    }

    async fn mark(&mut self, kind: MarkKind, message_id: Id, room_id: Option<Id>) -> Result<(), End> {
        let submitted = match self.pass(room_id) {
            Ok(pass) => receipts::submit(&self.app, &pass, kind, message_id).await,
            Err(error) => Err(error),
        };
        match submitted {
            Ok(pending) => {
                self.waiting.push(Box::pin(async move { Answer::Mark { room_id, outcome: receipts::settle(pending).await } }));
                Ok(())
            }
            Err(error) => self.refuse(&error, None, room_id).await,
        }
    }

    /// A commit is done: tells the sender.
    pub(super) async fn answer(&mut self, answer: Answer) -> Result<(), End> {
        match answer {
            Answer::Message { client_id: Some(client_id), room_id, outcome: Ok(sent) } if !self.is_origin() => {
                let Sent { message, duplicate } = sent;
                let (id, seq, created_at) = (message.id, message.seq, message.created_at);
                Ok(self.wire.write(ServerFrame::Ack { client_id, id, room_id, seq, created_at, duplicate }).await?)
            }
            Answer::Message { outcome: Ok(_), .. } | Answer::Mark { outcome: Ok(()), .. } => Ok(()),
            Answer::Message { client_id, room_id, outcome: Err(error) } => Box::pin(self.refuse_message(&error, client_id, room_id)).await,
            Answer::Mark { room_id, outcome: Err(error) } => Box::pin(self.refuse(&error, None, room_id)).await,
        }
    }

    async fn auth(&mut self, token: &str) -> Result<(), End> {
        let error = match caller::identify(&self.app, token).await {
            Ok(caller) if caller.user.id == self.caller.user.id => {
                let expires_at = caller.expires_at;
                self.renew(caller);
                return Ok(self.wire.write(ServerFrame::AuthOk { expires_at }).await?);
            }
            Ok(_) => Error::Forbidden("the token is another person's; connect anew to change".into()),
            Err(error) => error,
        };
        self.refuse(&error, None, None).await
    }

    async fn resume(&mut self, after: Seq, epoch: Option<String>, room_id: Option<Id>) -> Result<(), End> {
        let now = Instant::now();
        let Some(room) = self.room_mut(room_id) else {
            let error = self.pass(room_id).err().unwrap_or_else(Error::no_room);
            return self.refuse(&error, None, room_id).await;
        };
        let ready_at = room.resumed_at.map(|at| at + Duration::from_millis(RESUME_INTERVAL_MS));
        if let Some(wait) = ready_at.and_then(|at| at.checked_duration_since(now)).filter(|wait| !wait.is_zero()) {
            let error = Error::RateLimited { what: "a room is resumed once in 5 s".into(), retry_after: wait };
            return self.refuse(&error, None, room_id).await;
        }
        room.resumed_at = Some(now);
        self.pause(room_id).await?;
        let Self { app, wire, view, .. } = self;
        let resumed = match (view, room_id) {
            (View::Room(room), _) => room.resume(app, wire, after, epoch).await,
            (View::Inbox(inbox), Some(room_id)) => match inbox.rooms.get_mut(&room_id) {
                Some(room) => room.resume(app, wire, after, epoch).await,
                None => Ok(()),
            },
            (View::Inbox(_), None) => Ok(()),
        };
        // The room is paused: a connection that lived on would hear nothing more of it.
        self.ended(resumed).await
    }

    fn room_mut(&mut self, room_id: Option<Id>) -> Option<&mut RoomView> {
        match &mut self.view {
            View::Room(room) => Some(room),
            View::Inbox(inbox) => inbox.rooms.get_mut(&room_id?),
        }
    }

    /// Takes no further events of a room and writes what waits, so that an answer that changes what follows comes after it.
    async fn pause(&mut self, room_id: Option<Id>) -> Result<(), End> {
        loop {
            // Anew each time: a room that lagged catches up while what waits is written, and is live after that.
            if let Some(room) = self.room_mut(room_id) {
                room.pause();
            }
            let Some(taken) = self.connected.outbox.take_now() else { return Ok(()) };
            Box::pin(self.hand_out(taken)).await?;
        }
    }

    async fn open_room(&mut self, wish: Wish) -> Result<(), End> {
        let room_id = wish.room_id;
        if matches!(self.view, View::Room(_)) {
            return self.bad_frame("open_room is for the inbox; this connection follows one room", None).await;
        }
        self.pause(Some(room_id)).await?;
        let Self { app, caller, wire, connected, view, .. } = self;
        let View::Inbox(inbox) = view else { return Ok(()) };
        inbox.rooms.remove(&room_id);
        let opened = inbox.open(app, caller, &connected.outbox, wish, wire).await;
        self.settle(opened, Some(room_id)).await
    }

    async fn close_room(&mut self, room_id: Id) -> Result<(), End> {
        let View::Inbox(inbox) = &mut self.view else {
            return self.bad_frame("close_room is for the inbox; this connection follows one room", None).await;
        };
        inbox.rooms.remove(&room_id);
        self.pause(Some(room_id)).await?;
        Ok(self.wire.write(ServerFrame::RoomClosed { room_id }).await?)
    }

    /// What is wrong with one room is told; the connection lives on.
    async fn settle(&mut self, result: Result<(), Stop>, room_id: Option<Id>) -> Result<(), End> {
        match result {
            Ok(()) => Ok(()),
            Err(Stop::Gone) => Err(End::Gone),
            Err(Stop::Failed(error)) => self.refuse(&error, None, room_id).await,
        }
    }
}

/// The `client_id` of a frame that could not be read otherwise, so that its sender knows which one was refused.
fn client_id_of(text: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    Some(value.get("client_id")?.as_str()?.to_owned())
}
