//! Export: everything in the database as it was at one moment, page by page.

use frontdesk_protocol::{Id, Message, Role, RoomStatus, Seq};

use crate::{
    AttachmentRecord, Error, Event, EventRecord, MessageRecord, ReceiptRecord, Record, RoomRecord, Store, StoredAttachment, UserRecord,
    attachments, columns, messages, people,
    receipts::{self, ReceiptRow},
    sql::{Connection, Row, query, query_scalar},
};

/// Users, or events of a room, of one page.
const PAGE: i64 = 500;

/// An export on its way. It reads one snapshot, beside which writes go on; dropping it ends it.
#[derive(Debug)]
pub struct Export {
    snapshot: Connection,
    next: Stage,
}

/// What comes next.
#[derive(Clone, Copy, Debug)]
enum Stage {
    Meta,
    Users { after: Id },
    Rooms { after: Id },
    Events { room_id: Id, after: Seq },
    End,
}

impl Store {
    /// Starts an export; writes go on beside it.
    pub async fn export(&self) -> Result<Export, Error> {
        let mut snapshot = self.inner.source.reader().await?;
        query(snapshot.dialect().snapshot()).execute(&mut snapshot).await?;
        Ok(Export { snapshot, next: Stage::Meta })
    }
}

impl Export {
    /// The next records: the database, people, then each room with its messages, files and status changes in seq order
    /// and its receipts. `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<Record>>, Error> {
        loop {
            let records = match self.next {
                Stage::Meta => self.meta().await?,
                Stage::Users { after } => self.users(after).await?,
                Stage::Rooms { after } => self.room(after).await?,
                Stage::Events { room_id, after } => self.events(room_id, after).await?,
                Stage::End => return Ok(None),
            };
            if !records.is_empty() {
                return Ok(Some(records));
            }
        }
    }

    async fn meta(&mut self) -> sqlx::Result<Vec<Record>> {
        let epoch = query_scalar("select epoch from meta").fetch_one(&mut self.snapshot).await?;
        self.next = Stage::Users { after: 0 };
        Ok(vec![Record::Meta { epoch }])
    }

    async fn users(&mut self, after: Id) -> sqlx::Result<Vec<Record>> {
        let rows = query(concat!("select ", people::account_columns!(), " from users u where u.id > $1 order by u.id limit $2"))
            .bind(after)
            .bind(PAGE)
            .fetch_all(&mut self.snapshot)
            .await?;
        let users = rows.iter().map(user).collect::<sqlx::Result<Vec<_>>>()?;
        self.next = users.last().map_or(Stage::Rooms { after: 0 }, |last| Stage::Users { after: last.id });
        Ok(users.into_iter().map(Record::User).collect())
    }

    async fn room(&mut self, after: Id) -> sqlx::Result<Vec<Record>> {
        let row = query("select id, user_id, status, created_at, updated_at from rooms where id > $1 order by id limit 1")
            .bind(after)
            .fetch_optional(&mut self.snapshot)
            .await?;
        let room = row.as_ref().map(room).transpose()?;
        self.next = room.as_ref().map_or(Stage::End, |room| Stage::Events { room_id: room.id, after: 0 });
        Ok(room.into_iter().map(Record::Room).collect())
    }

    async fn events(&mut self, room_id: Id, after: Seq) -> sqlx::Result<Vec<Record>> {
        let (events, last) = self.page(room_id, after).await?;
        if let Some(last) = last {
            self.next = Stage::Events { room_id, after: last };
            return Ok(events);
        }
        self.next = Stage::Rooms { after: room_id };
        let receipts = receipts::of_room(&mut self.snapshot, room_id).await?;
        Ok(receipts.iter().map(receipt).collect())
    }

    /// Events of a room past a seq, and the last seq of them.
    async fn page(&mut self, room_id: Id, after: Seq) -> sqlx::Result<(Vec<Record>, Option<Seq>)> {
        let events = messages::events(&mut self.snapshot, room_id, after, PAGE).await?;
        let messages = events.iter().filter_map(|event| if let Event::Message(message) = event { Some(message) } else { None });
        let with_files = messages.filter(|message| !message.attachments.is_empty()).map(|message| message.id);
        let files = attachments::of_messages(&mut self.snapshot, with_files).await?;
        let last = events.last().and_then(Event::seq);
        Ok((events.into_iter().flat_map(|event| records(event, &files)).collect(), last))
    }
}

/// What tells of an event: of a message first itself, then its files.
fn records(event: Event, files: &[(Id, StoredAttachment)]) -> Vec<Record> {
    match event {
        Event::Message(said) => message(said, files),
        Event::StatusChanged { room_id, seq, status, user_id, created_at } => {
            vec![Record::Event(EventRecord { room_id, seq, status, user_id, created_at })]
        }
        Event::Receipt(_) | Event::RoomMade { .. } => Vec::new(),
    }
}

fn user(row: &Row) -> sqlx::Result<UserRecord> {
    let account = people::from_row(row)?;
    Ok(UserRecord {
        id: account.user.id,
        phone: account.phone,
        name: account.user.name,
        role: account.user.role,
        password_hash: account.password_hash,
        disabled: Some(account.disabled),
        last_seen: account.last_seen,
    })
}

fn room(row: &Row) -> sqlx::Result<RoomRecord> {
    let status: RoomStatus = columns::status(row, "status")?;
    Ok(RoomRecord {
        id: row.try_get("id")?,
        user_id: row.try_get("user_id")?,
        status: Some(status),
        created_at: columns::time(row, "created_at")?,
        updated_at: Some(columns::time(row, "updated_at")?),
    })
}

fn message(message: Message, files: &[(Id, StoredAttachment)]) -> Vec<Record> {
    let side: Role = message.sender.role;
    let record = MessageRecord {
        id: Some(message.id),
        room_id: message.room_id,
        seq: Some(message.seq),
        sender_id: message.sender.id,
        side: Some(side),
        message: message.message,
        client_id: message.client_id,
        created_at: message.created_at,
    };
    let own = files.iter().filter(|(message_id, _)| *message_id == message.id);
    std::iter::once(Record::Message(record)).chain(own.map(|(message_id, file)| attachment(*message_id, file))).collect()
}

fn attachment(message_id: Id, file: &StoredAttachment) -> Record {
    let seen = &file.attachment;
    Record::Attachment(AttachmentRecord {
        id: Some(seen.id),
        message_id,
        name: seen.name.clone(),
        content_type: seen.content_type.clone(),
        size: seen.size,
        width: seen.width,
        height: seen.height,
        bytes: None,
        key: file.key.clone(),
        thumbnail: file.thumbnail,
        sha256: None,
    })
}

fn receipt(row: &ReceiptRow) -> Record {
    Record::Receipt(ReceiptRecord {
        room_id: row.room_id,
        user_id: row.user_id,
        side: Some(row.side),
        read_message_id: row.read.message_id,
        read_at: row.read.at,
        delivered_message_id: row.delivered.message_id,
        delivered_at: row.delivered.at,
    })
}
