//! The one publisher: turns what each commit changed into frames, once, in seq order, and sends them on their way.
//!
//! Measured before this was built: callers that publish for themselves after their commit put 23 % of batches out of
//! order on two workers. So verbs only answer their caller.

use std::time::Instant;

use bytes::Bytes;
use frontdesk_protocol::{Id, ServerFrame};
use frontdesk_store::{Batch, Batches, Event, MarkKind, ReceiptMark};

use crate::{
    app::App,
    bus::Hint,
    hub::{Audience, Class, Envelope, Watermark},
};

/// Encodes a frame.
///
/// # Panics
/// Never: wire types have string keys and no failing serializers.
#[must_use]
pub fn encode(frame: &ServerFrame) -> Bytes {
    Bytes::from(serde_json::to_vec(frame).expect("wire types are JSON"))
}

/// Publishes what is committed until the writer is gone. Senders hear of their own messages after that, in the same write.
pub async fn run(app: App, mut batches: Batches) {
    while let Some(batch) = batches.recv().await {
        app.metrics.queue("publish", batches.len());
        publish(&app, batch);
    }
}

fn publish(app: &App, batch: Batch) {
    let messages = batch.events.iter().filter(|event| matches!(event, Event::Message(_))).count();
    app.metrics.committed(batch.size, messages, batch.committed_in);
    let begun = Instant::now();
    let limited = app.limits.on();
    let mut rooms: Vec<Id> = batch.events.iter().map(room_of).collect();
    for event in batch.events {
        if let Event::Message(message) = &event
            && limited
        {
            app.bus.tell(Hint::Sent { user_id: message.sender.id });
        }
        if let Some(envelope) = envelope(event) {
            app.bus.publish(&envelope);
        }
    }
    if messages > 0 {
        app.metrics.delivered(begun.elapsed());
    }
    rooms.sort_unstable();
    rooms.dedup();
    app.bus.tell(Hint::Touched { version: batch.version, rooms: rooms.clone() });
    app.inbox.touch(&app.hub, batch.version, rooms);
}

/// A watermark that may have moved on another node: whoever has been told of it already is not told again.
pub fn again(app: &App, mark: ReceiptMark) {
    if let Some(envelope) = envelope(Event::Receipt(mark)) {
        app.hub.deliver(&envelope);
    }
}

fn room_of(event: &Event) -> Id {
    match event {
        Event::Message(message) => message.room_id,
        Event::StatusChanged { room_id, .. } | Event::RoomMade { room_id } => *room_id,
        Event::Receipt(mark) => mark.room_id,
    }
}

/// Who hears an event: the one place where that is decided. None: nobody in the room, only the inbox by its summary.
fn envelope(event: Event) -> Option<Envelope> {
    let (class, origin) = match &event {
        Event::Message(message) => (Class::Event(message.seq), true),
        Event::StatusChanged { seq, .. } => (Class::Event(*seq), false),
        Event::Receipt(mark) => (Class::Receipt(watermark(mark)), mark.kind == MarkKind::Read),
        Event::RoomMade { .. } => return None,
    };
    let audience = Audience::Room(room_of(&event));
    let bytes = encode(&frame(event)?);
    Some(Envelope { audience, class, origin, also_inbox: false, except: None, bytes })
}

/// The frame that tells of an event, live and replayed.
#[must_use]
pub fn frame(event: Event) -> Option<ServerFrame> {
    match event {
        Event::Message(message) => Some(ServerFrame::ChatMessage(message)),
        Event::StatusChanged { room_id, seq, status, user_id, created_at } => {
            Some(ServerFrame::RoomUpdated { room_id, seq, status, user_id, created_at })
        }
        Event::Receipt(mark) => Some(receipt_frame(&mark)),
        Event::RoomMade { .. } => None,
    }
}

/// What the hub and connections know of a receipt.
#[must_use]
pub fn watermark(mark: &ReceiptMark) -> Watermark {
    Watermark { room_id: mark.room_id, user_id: mark.user_id, read: mark.kind == MarkKind::Read, seq: mark.seq }
}

fn receipt_frame(mark: &ReceiptMark) -> ServerFrame {
    let &ReceiptMark { room_id, user_id, role, kind, message_id, seq, at } = mark;
    match kind {
        MarkKind::Read => ServerFrame::ReadReceipt { room_id, user_id, role, message_id, seq, read_at: at },
        MarkKind::Delivered => ServerFrame::Delivered { room_id, user_id, role, message_id, seq },
    }
}
