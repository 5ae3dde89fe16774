//! Reading messages: pages of history, and the events that a resume replays.

use frontdesk_protocol::{Id, Message, Seq, User};

use crate::{
    Error, Event, Store, attachments, columns,
    sql::{Connection, Row, query},
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
    let rows = query(concat!(
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
async fn oldest(connection: &mut Connection, room_id: Id, after: Seq, limit: i64) -> sqlx::Result<Vec<Message>> {
    let rows = query(concat!(
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
    let mut rows = query(concat!(
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
        Ok(events(&mut *self.reader().await?, room_id, after, limit).await?)
    }
}

/// In one statement: a commit between two would look like a hole.
pub(crate) async fn events(connection: &mut Connection, room_id: Id, after: Seq, limit: i64) -> sqlx::Result<Vec<Event>> {
    let rows = query(concat!(
        "select * from (select ",
        message_columns!(),
        ", cast(null as text) as status from messages m join rooms r on r.id = m.room_id join users u on u.id = m.sender_id \
         where m.room_id = $1 and m.seq > $2 order by m.seq limit $3) said union all \
         select * from (select cast(null as bigint), e.room_id, e.seq, e.user_id, cast(null as text), cast(null as text), \
         cast(null as text), cast(null as text), e.created_at, cast(0 as bigint), cast(null as boolean), e.status \
         from status_events e where e.room_id = $1 and e.seq > $2 order by e.seq limit $3) changed order by seq limit $3",
    ))
    .bind(room_id)
    .bind(after)
    .bind(limit)
    .fetch_all(&mut *connection)
    .await?;
    let mut events = rows.iter().map(event).collect::<sqlx::Result<Vec<_>>>()?;
    let with_files = rows.iter().map(has_files).collect::<sqlx::Result<Vec<_>>>()?;
    let wanted = events.iter_mut().zip(with_files).filter_map(|(event, files)| match event {
        Event::Message(message) if files => Some(message),
        _ => None,
    });
    attachments::fill(connection, wanted).await?;
    Ok(events)
}

/// A row without an id is a change of status.
fn event(row: &Row) -> sqlx::Result<Event> {
    if row.try_get::<Option<Id>, _>("id")?.is_some() {
        return from_row(row).map(Event::Message);
    }
    Ok(Event::StatusChanged {
        room_id: row.try_get("room_id")?,
        seq: row.try_get("seq")?,
        status: columns::status(row, "status")?,
        user_id: row.try_get("sender_id")?,
        created_at: columns::time(row, "created_at")?,
    })
}
