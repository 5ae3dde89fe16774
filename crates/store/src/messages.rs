//! Reading messages: pages of history, and the events that a resume replays.

use frontdesk_protocol::{Id, Message, Seq, User};
use sqlx::Row as _;

use crate::{
    Error, Event, Store, attachments, columns,
    sqlite::{Connection, Row},
};

/// Which page of a room's history: the newest if neither bound is given.
#[derive(Clone, Copy, Debug)]
pub struct MessageQuery {
    /// Only what is older than this seq.
    pub before: Option<Seq>,
    /// Only what is newer than this seq; then the page is the oldest of that, unless `before` is given too.
    pub after: Option<Seq>,
    /// How many.
    pub limit: i64,
}

/// The columns of a message `m` of the room `r` by `u`, for [`from_row`].
macro_rules! message_columns {
    () => {
        "m.id, m.room_id, m.seq, m.sender_id, u.name as sender_name, m.side, m.text, m.client_id, m.created_at, m.files, \
         case m.side when 'user' then m.seq <= r.admins_read_seq else m.seq <= r.user_read_seq end as read"
    };
}
pub(crate) use message_columns;

/// A message without its files.
pub(crate) fn from_row(row: &Row) -> sqlx::Result<Message> {
    Ok(Message {
        id: row.try_get("id")?,
        room_id: row.try_get("room_id")?,
        seq: row.try_get("seq")?,
        sender: User { id: row.try_get("sender_id")?, name: row.try_get("sender_name")?, role: columns::role(row, "side")? },
        message: row.try_get("text")?,
        attachments: Vec::new(),
        client_id: columns::client_id(row, "client_id")?,
        created_at: columns::time(row, "created_at")?,
        read: row.try_get("read")?,
    })
}

async fn from_rows(connection: &mut Connection, rows: &[Row]) -> sqlx::Result<Vec<Message>> {
    let mut messages = rows.iter().map(from_row).collect::<sqlx::Result<Vec<_>>>()?;
    let with_files = rows.iter().map(has_files).collect::<sqlx::Result<Vec<_>>>()?;
    let wanted = messages.iter_mut().zip(with_files).filter_map(|(message, files)| files.then_some(message));
    attachments::fill(connection, wanted).await?;
    Ok(messages)
}

/// Whether the message of this row has files that [`attachments::fill`] should look for.
pub(crate) fn has_files(row: &Row) -> sqlx::Result<bool> {
    Ok(row.try_get::<Option<i64>, _>("files")?.is_some_and(|files| files > 0))
}

/// These messages as they are now, in no particular order.
pub(crate) async fn by_ids(connection: &mut Connection, ids: &[Id]) -> sqlx::Result<Vec<Message>> {
    let rows = sqlx::query(concat!(
        "select ",
        message_columns!(),
        " from messages m join rooms r on r.id = m.room_id join users u on u.id = m.sender_id where m.id in ",
        columns::ids_sql!(),
    ))
    .bind(columns::ids(ids.iter().copied()))
    .fetch_all(&mut *connection)
    .await?;
    from_rows(connection, &rows).await
}

/// Messages past a seq, oldest first.
pub(crate) async fn oldest(connection: &mut Connection, room_id: Id, after: Seq, limit: i64) -> sqlx::Result<Vec<Message>> {
    let rows = sqlx::query(concat!(
        "select ",
        message_columns!(),
        " from messages m join rooms r on r.id = m.room_id join users u on u.id = m.sender_id \
         where m.room_id = $1 and m.seq > $2 order by m.seq limit $3",
    ))
    .bind(room_id)
    .bind(after)
    .bind(limit)
    .fetch_all(&mut *connection)
    .await?;
    from_rows(connection, &rows).await
}

async fn newest(connection: &mut Connection, room_id: Id, between: (Seq, Seq), limit: i64) -> sqlx::Result<Vec<Message>> {
    let mut rows = sqlx::query(concat!(
        "select ",
        message_columns!(),
        " from messages m join rooms r on r.id = m.room_id join users u on u.id = m.sender_id \
         where m.room_id = $1 and m.seq > $2 and m.seq < $3 order by m.seq desc limit $4",
    ))
    .bind(room_id)
    .bind(between.0)
    .bind(between.1)
    .bind(limit)
    .fetch_all(&mut *connection)
    .await?;
    rows.reverse();
    from_rows(connection, &rows).await
}

impl Store {
    /// A page of a room's messages, oldest first.
    pub async fn messages(&self, room_id: Id, page: MessageQuery) -> Result<Vec<Message>, Error> {
        let mut reader = self.reader().await?;
        Ok(match (page.after, page.before) {
            (Some(after), None) => oldest(&mut reader, room_id, after, page.limit).await?,
            (after, before) => {
                let between = (after.unwrap_or(0), before.unwrap_or(Seq::MAX));
                newest(&mut reader, room_id, between, page.limit).await?
            }
        })
    }

    /// The durable events of a room past a seq, in order: messages as they are now, and status changes.
    pub async fn events_after(&self, room_id: Id, after: Seq, limit: i64) -> Result<Vec<Event>, Error> {
        let mut reader = self.reader().await?;
        let mut events = events(&mut reader, room_id, after, limit).await?;
        // A commit between the two reads looks like a hole: then both are read anew, in one snapshot.
        if (after + 1..).zip(&events).any(|(expected, (seq, _))| *seq != expected) {
            let mut snapshot = sqlx::Connection::begin(&mut *reader).await?;
            events = self::events(&mut snapshot, room_id, after, limit).await?;
            snapshot.commit().await?;
        }
        Ok(events.into_iter().map(|(_, event)| event).collect())
    }
}

async fn events(connection: &mut Connection, room_id: Id, after: Seq, limit: i64) -> sqlx::Result<Vec<(Seq, Event)>> {
    let messages = oldest(connection, room_id, after, limit).await?;
    let changes = status_changes(connection, room_id, after, limit).await?;
    let mut events: Vec<_> = messages.into_iter().map(|message| (message.seq, Event::Message(message))).chain(changes).collect();
    events.sort_by_key(|(seq, _)| *seq);
    events.truncate(usize::try_from(limit).unwrap_or(0));
    Ok(events)
}

/// Status changes past a seq, oldest first.
pub(crate) async fn status_changes(connection: &mut Connection, room_id: Id, after: Seq, limit: i64) -> sqlx::Result<Vec<(Seq, Event)>> {
    let rows =
        sqlx::query("select seq, status, user_id, created_at from status_events where room_id = $1 and seq > $2 order by seq limit $3")
            .bind(room_id)
            .bind(after)
            .bind(limit)
            .fetch_all(connection)
            .await?;
    rows.iter()
        .map(|row| {
            let seq = row.try_get("seq")?;
            let (status, user_id) = (columns::status(row, "status")?, row.try_get("user_id")?);
            Ok((seq, Event::StatusChanged { room_id, seq, status, user_id, created_at: columns::time(row, "created_at")? }))
        })
        .collect()
}
