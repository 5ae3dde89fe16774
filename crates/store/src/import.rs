//! Import: records in their order, all of them or none.

mod messages;

use std::collections::HashMap;

use frontdesk_protocol::{Id, Role, RoomStatus, Seq, Timestamp, limits};

use crate::{
    AttachmentRecord, EventRecord, ImportError, MarkKind, NewAttachment, ReceiptRecord, Record, RoomRecord, Store, UserRecord, attachments,
    batch::Work,
    columns, people,
    receipts::{self, Furthest, ReceiptRow, Watermark},
    rooms, search, sessions,
    sql::{Dialect, query, query_scalar},
};

/// Later ids lie above imported ones; this leaves them room below 2^53.
const ID_MAX: Id = limits::ID_MAX / 2;

/// Why a record was not taken.
enum Refusal {
    /// It is wrong.
    Wrong(String),
    /// The database failed.
    Sql(sqlx::Error),
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

type Imported = Result<(), Refusal>;

fn wrong<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Wrong(message.into()))
}

impl Store {
    /// Imports records in their order: all of them or none. Nothing is published; others find the rooms by their version.
    pub async fn import(&self, records: Vec<Record>) -> Result<(), ImportError> {
        self.write_patiently(move |work| Box::pin(import(work, records))).await?
    }
}

/// In a savepoint, so that a wrong record costs nobody else's place in the batch.
async fn import(work: &mut Work, records: Vec<Record>) -> sqlx::Result<Result<(), ImportError>> {
    let savepoint = work.savepoint().await?;
    match take_all(work, records).await {
        Ok(()) => {}
        Err((index, Refusal::Wrong(message))) => {
            work.roll_back_to(savepoint).await?;
            return Ok(Err(ImportError::Record { index, message }));
        }
        Err((_, Refusal::Sql(error))) => return Err(error),
    }
    lift_sequences(work).await?;
    work.release().await?;
    Ok(Ok(()))
}

/// Messages are most of what there is: a run of them is one set. The error comes with its record's place.
async fn take_all(work: &mut Work, records: Vec<Record>) -> Result<(), (usize, Refusal)> {
    let mut run = messages::Run::default();
    for (index, record) in records.into_iter().enumerate() {
        match record {
            Record::Message(record) => run.add(index, record),
            other => {
                std::mem::take(&mut run).store(work).await?;
                take(work, other).await.map_err(|refusal| (index, refusal))?;
            }
        }
    }
    run.store(work).await
}

/// PostgreSQL gives ids from sequences, which know nothing of ids that came with records.
async fn lift_sequences(work: &mut Work) -> sqlx::Result<()> {
    if work.connection.dialect() == Dialect::Sqlite {
        return Ok(());
    }
    for statement in [
        "select setval('users_id_seq', greatest((select max(id) from users), (select last_value from users_id_seq)))",
        "select setval('rooms_id_seq', greatest((select max(id) from rooms), (select last_value from rooms_id_seq)))",
        "select setval('messages_id_seq', greatest((select max(id) from messages), (select last_value from messages_id_seq)))",
        "select setval('attachments_id_seq', greatest((select max(id) from attachments), (select last_value from attachments_id_seq)))",
    ] {
        query(statement).execute(&mut work.connection).await?;
    }
    Ok(())
}

async fn take(work: &mut Work, record: Record) -> Imported {
    match record {
        Record::Meta { epoch } => meta(work, &epoch).await,
        Record::User(record) => user(work, &record).await,
        Record::Room(record) => room(work, &record).await,
        Record::Message(_) => unreachable!("messages are taken in runs"),
        Record::Event(record) => event(work, &record).await,
        Record::Receipt(record) => receipt(work, &record).await,
        Record::Attachment(record) => attachment(work, &record).await,
    }
}

async fn meta(work: &mut Work, epoch: &str) -> Imported {
    if epoch.len() != 32 || !epoch.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return wrong("epoch is 32 hex digits");
    }
    query("update meta set epoch = $1 where not exists (select 1 from rooms)").bind(epoch).execute(&mut work.connection).await?;
    Ok(())
}

async fn user(work: &mut Work, record: &UserRecord) -> Imported {
    check_id("id", record.id)?;
    let other: Option<Id> = query_scalar("select id from users where phone = $1 and id <> $2")
        .bind(&record.phone)
        .bind(record.id)
        .fetch_optional(&mut work.connection)
        .await?;
    if let Some(other) = other {
        return wrong(format!("the phone number is that of user {other}"));
    }
    let ends = lets_less_in(work, record).await?;
    query(
        "insert into users (id, phone, name, role, password_hash, disabled, last_seen, search) \
         values ($1, $2, $3, $4, $5, coalesce($6, false), $7, $8) \
         on conflict (id) do update set phone = excluded.phone, name = excluded.name, role = excluded.role, \
         search = excluded.search, password_hash = coalesce($5, users.password_hash), disabled = coalesce($6, users.disabled), \
         last_seen = case when users.last_seen >= $7 then users.last_seen else coalesce($7, users.last_seen) end",
    )
    .bind(record.id)
    .bind(&record.phone)
    .bind(&record.name)
    .bind(columns::role_text(record.role))
    .bind(&record.password_hash)
    .bind(record.disabled)
    .bind(record.last_seen.map(Timestamp::as_millis))
    .bind(search::text_of(&record.name, &record.phone))
    .execute(&mut work.connection)
    .await?;
    if ends {
        sessions::end_all(work, record.id).await?;
    }
    Ok(())
}

/// Whether a person who is there already changes in a way that ends sessions, as the same change by hand would.
async fn lets_less_in(work: &mut Work, record: &UserRecord) -> sqlx::Result<bool> {
    let row = query(concat!("select ", people::account_columns!(), " from users u where u.id = $1"))
        .bind(record.id)
        .fetch_optional(&mut work.connection)
        .await?;
    let Some(before) = row.as_ref().map(people::from_row).transpose()? else { return Ok(false) };
    let password = record.password_hash.is_some() && record.password_hash != before.password_hash;
    Ok(password || record.role != before.user.role || record.disabled.is_some_and(|disabled| disabled != before.disabled))
}

fn check_id(field: &str, id: Id) -> Imported {
    if (1..=ID_MAX).contains(&id) { Ok(()) } else { wrong(format!("{field} is an integer from 1 to {ID_MAX}")) }
}

async fn room(work: &mut Work, record: &RoomRecord) -> Imported {
    check_id("id", record.id)?;
    check_user(work, "user_id", record.user_id).await?;
    let version = work.version().await?;
    query(
        "insert into rooms (id, user_id, status, created_at, updated_at, version) values ($1, $2, $3, $4, $5, $6) \
         on conflict (id) do nothing",
    )
    .bind(record.id)
    .bind(record.user_id)
    .bind(columns::status_text(record.status.unwrap_or(RoomStatus::Open)))
    .bind(record.created_at.as_millis())
    .bind(record.updated_at.unwrap_or(record.created_at).as_millis())
    .bind(version)
    .execute(&mut work.connection)
    .await?;
    Ok(())
}

/// The person's role.
async fn check_user(work: &mut Work, field: &str, id: Id) -> Result<Role, Refusal> {
    let row = query("select role from users where id = $1").bind(id).fetch_optional(&mut work.connection).await?;
    match row {
        Some(row) => Ok(columns::role(&row, "role")?),
        None => wrong(format!("{field}: there is no user {id}")),
    }
}

/// The room's newest seq.
async fn check_room(work: &mut Work, id: Id) -> Result<Seq, Refusal> {
    let last_seq = query_scalar("select last_seq from rooms where id = $1").bind(id).fetch_optional(&mut work.connection).await?;
    match last_seq {
        Some(last_seq) => Ok(last_seq),
        None => wrong(format!("room_id: there is no room {id}")),
    }
}

/// The place that a record takes: a room's seqs have no holes.
fn place(room_id: Id, last_seq: Seq, asked: Option<Seq>) -> Result<Seq, Refusal> {
    match asked {
        Some(seq) if seq <= last_seq => wrong(format!("seq {seq} of room {room_id} is taken")),
        Some(seq) if seq > last_seq + 1 => wrong(format!("seq {seq} would leave a hole: the newest of room {room_id} is {last_seq}")),
        _ => Ok(last_seq + 1),
    }
}

async fn event(work: &mut Work, record: &EventRecord) -> Imported {
    let known = query("select 1 from status_events where room_id = $1 and seq = $2")
        .bind(record.room_id)
        .bind(record.seq)
        .fetch_optional(&mut work.connection)
        .await?;
    if known.is_some() {
        return Ok(());
    }
    let last_seq = check_room(work, record.room_id).await?;
    check_user(work, "user_id", record.user_id).await?;
    let seq = place(record.room_id, last_seq, Some(record.seq))?;
    rooms::insert_status_event(&mut work.connection, record.room_id, seq, record.status, record.user_id, record.created_at).await?;
    let version = work.version().await?;
    query("update rooms set last_seq = $2, version = $3, updated_at = case when updated_at < $4 then $4 else updated_at end where id = $1")
        .bind(record.room_id)
        .bind(seq)
        .bind(version)
        .bind(record.created_at.as_millis())
        .execute(&mut work.connection)
        .await?;
    Ok(())
}

async fn receipt(work: &mut Work, record: &ReceiptRecord) -> Imported {
    check_room(work, record.room_id).await?;
    let role = check_user(work, "user_id", record.user_id).await?;
    let side = record.side.unwrap_or(role);
    let mut row = receipts::of_room(&mut work.connection, record.room_id)
        .await?
        .into_iter()
        .find(|row| row.user_id == record.user_id)
        .unwrap_or_else(|| ReceiptRow::none(record.room_id, record.user_id, side));
    let mut furthest = HashMap::new();
    // Delivered first: reading would raise it too, with the time of the reading.
    if let Some(id) = record.delivered_message_id {
        let (to, _) = watermark(work, record.room_id, id, record.delivered_at).await?;
        row.raise(MarkKind::Delivered, side, to);
    }
    if let Some(id) = record.read_message_id {
        let (to, counts) = watermark(work, record.room_id, id, record.read_at).await?;
        row.raise(MarkKind::Read, side, to);
        let count = if side == Role::User { counts.1 } else { counts.0 };
        furthest.insert((record.room_id, side), Furthest { seq: to.seq, count });
    }
    receipts::write(work, &[row]).await?;
    receipts::raise_rooms(work, &furthest).await?;
    Ok(())
}

/// A watermark at a message of the room, and both sides' messages up to it.
async fn watermark(work: &mut Work, room_id: Id, message_id: Id, at: Option<Timestamp>) -> Result<(Watermark, (i64, i64)), Refusal> {
    let row = query("select seq, user_count, admin_count from messages where id = $1 and room_id = $2")
        .bind(message_id)
        .bind(room_id)
        .fetch_optional(&mut work.connection)
        .await?;
    let Some(row) = row else { return wrong(format!("room {room_id} has no message {message_id}")) };
    let to = Watermark { seq: row.try_get("seq")?, message_id: Some(message_id), at: Some(at.unwrap_or(work.now)) };
    Ok((to, (row.try_get("user_count")?, row.try_get("admin_count")?)))
}

async fn attachment(work: &mut Work, record: &AttachmentRecord) -> Imported {
    if let Some(id) = record.id {
        check_id("id", id)?;
    }
    let room_id: Option<Id> =
        query_scalar("select room_id from messages where id = $1").bind(record.message_id).fetch_optional(&mut work.connection).await?;
    let Some(room_id) = room_id else { return wrong(format!("there is no message {}", record.message_id)) };
    if known_attachment(work, record).await? {
        return Ok(());
    }
    if record.key.is_empty() {
        return wrong("the file's bytes are missing");
    }
    let file = NewAttachment {
        key: record.key.clone(),
        name: record.name.clone(),
        content_type: record.content_type.clone(),
        size: record.size,
        width: record.width,
        height: record.height,
        thumbnail: record.thumbnail,
        sha256: record.sha256,
    };
    attachments::insert_one(&mut work.connection, record.message_id, room_id, &file, record.id).await?;
    let version = work.version().await?;
    query("update messages set files = files + 1 where id = $1").bind(record.message_id).execute(&mut work.connection).await?;
    query("update rooms set version = $2 where id = $1").bind(room_id).bind(version).execute(&mut work.connection).await?;
    Ok(())
}

/// By its id, or, since not every source has ids, by what it is.
async fn known_attachment(work: &mut Work, record: &AttachmentRecord) -> sqlx::Result<bool> {
    let known = query("select 1 from attachments where id = $1 or ($1 is null and message_id = $2 and name = $3 and size = $4) limit 1")
        .bind(record.id)
        .bind(record.message_id)
        .bind(&record.name)
        .bind(record.size)
        .fetch_optional(&mut work.connection)
        .await?;
    Ok(known.is_some())
}
