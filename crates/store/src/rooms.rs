//! Rooms: making and resolving them, one as each side sees it, and what changed since a version.

use frontdesk_protocol::{Id, Role, Room, RoomStatus, Seq, Timestamp, User, frame::Receipt};

use crate::{
    Error, Event, Store, attachments,
    batch::Work,
    columns, messages, receipts,
    sql::{Connection, Dialect, Row, query, query_as, query_scalar},
};

/// What became of a change of status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusOutcome {
    /// Whether it was another before; if not there is no event.
    pub changed: bool,
}

/// A person's room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenOutcome {
    /// Which.
    pub room_id: Id,
    /// Whether it was made just now.
    pub made: bool,
}

/// Where a room stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Which room.
    pub room_id: Id,
    /// Its newest seq.
    pub last_seq: Seq,
    /// The number of its newest change.
    pub version: i64,
}

/// A page of rooms that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Where they stand.
    pub heads: Vec<Head>,
    /// Which changes it shows at least.
    pub seen: Seen,
    /// Whether there was no more.
    pub is_last: bool,
}

/// Which changes a read shows. Versions are numbers of transactions; on PostgreSQL several run at once, and a smaller number may
/// become visible after a larger one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Every change up to this version; where a reader that comes back goes on.
    pub version: i64,
    /// From this version on no change is shown for certain.
    end: i64,
    /// In between: what was still on its way.
    running: Vec<i64>,
}

impl Seen {
    /// Every change up to a version, and none after it.
    #[must_use]
    pub fn up_to(version: i64) -> Self {
        Self { version, end: version.saturating_add(1), running: Vec::new() }
    }

    /// PostgreSQL's `xmin:xmax:xip,xip,…` (its manual, table 9.77).
    fn of_snapshot(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let (first, end, running) = (parts.next()?, parts.next()?, parts.next()?);
        let running = running.split(',').filter(|xid| !xid.is_empty()).map(str::parse).collect::<Result<_, _>>().ok()?;
        Some(Self { version: first.parse::<i64>().ok()? - 1, end: end.parse().ok()?, running })
    }

    /// Whether the change of a version is shown.
    #[must_use]
    pub fn shows(&self, version: i64) -> bool {
        version < self.end && !self.running.contains(&version)
    }
}

/// The columns of a room `r` of the person `o`, with its newest message `m` by `u`, for [`from_row`].
macro_rules! room_columns {
    () => {
        concat!(
            "r.id as this_room, r.user_id, o.name as owner_name, o.role as owner_role, o.last_seen, r.status, \
             r.created_at as made_at, r.updated_at, r.last_seq, r.last_message_id, r.user_messages, r.admin_messages, \
             r.user_read_count, r.admins_read_count, ",
            messages::message_columns!(),
        )
    };
}
pub(crate) use room_columns;

/// What [`room_columns`] are taken from.
macro_rules! room_tables {
    () => {
        "rooms r join users o on o.id = r.user_id \
         left join messages m on m.id = r.last_message_id left join users u on u.id = m.sender_id "
    };
}
pub(crate) use room_tables;

/// One room, the statement's first parameter.
macro_rules! room_sql {
    () => {
        concat!("select ", room_columns!(), " from ", room_tables!(), "where r.id = $1")
    };
}

fn from_row(row: &Row, viewer: Role) -> sqlx::Result<Room> {
    let (written, read) = match viewer {
        Role::User => ("admin_messages", "user_read_count"),
        Role::Admin => ("user_messages", "admins_read_count"),
    };
    let last_message = match row.try_get::<Option<Id>, _>("last_message_id")? {
        Some(_) => Some(messages::from_row(row)?),
        None => None,
    };
    Ok(Room {
        id: row.try_get("this_room")?,
        user: User { id: row.try_get("user_id")?, name: row.try_get("owner_name")?, role: columns::role(row, "owner_role")? },
        status: columns::status(row, "status")?,
        unread_count: row.try_get::<i64, _>(written)? - row.try_get::<i64, _>(read)?,
        last_message,
        last_seq: row.try_get("last_seq")?,
        online: false,
        last_seen: columns::time_or_none(row, "last_seen")?,
        created_at: columns::time(row, "made_at")?,
        updated_at: columns::time(row, "updated_at")?,
    })
}

pub(crate) async fn from_rows(connection: &mut Connection, rows: &[Row], viewer: Role) -> sqlx::Result<Vec<Room>> {
    let mut rooms = rows.iter().map(|row| from_row(row, viewer)).collect::<sqlx::Result<Vec<_>>>()?;
    let with_files = rows.iter().map(messages::has_files).collect::<sqlx::Result<Vec<_>>>()?;
    let wanted = rooms.iter_mut().zip(with_files).filter_map(|(room, files)| room.last_message.as_mut().filter(|_| files));
    attachments::fill(connection, wanted).await?;
    Ok(rooms)
}

impl Store {
    /// Resolves or reopens a room. `None`: there is no such room.
    pub async fn set_status(&self, room_id: Id, by: Id, status: RoomStatus) -> Result<Option<StatusOutcome>, Error> {
        self.write(move |work| Box::pin(set_status(work, room_id, by, status))).await
    }

    /// The person's newest open room, made if there is none; two calls at once make one. `None`: no such person.
    pub async fn open_room(&self, user_id: Id) -> Result<Option<OpenOutcome>, Error> {
        self.write(move |work| Box::pin(open(work, user_id))).await
    }

    /// A room as one side sees it. Presence is not known here: `online` is false, `last_seen` as stored.
    pub async fn room(&self, room_id: Id, viewer: Role) -> Result<Option<Room>, Error> {
        let mut reader = self.reader().await?;
        let rows = query(room_sql!()).bind(room_id).fetch_all(&mut reader).await?;
        Ok(from_rows(&mut reader, &rows, viewer).await?.pop())
    }

    /// A room as one side sees it, and the watermarks of everybody who has one there.
    pub async fn room_with_receipts(&self, room_id: Id, viewer: Role) -> Result<Option<(Room, Vec<Receipt>)>, Error> {
        let mut reader = self.reader().await?;
        let rows = match reader.dialect() {
            // One text, so that the two statements go to the connection's thread together: the room's row comes first.
            Dialect::Sqlite => query(concat!(room_sql!(), "; ", receipts::of_room_sql!())).bind(room_id).fetch_all(&mut reader).await?,
            Dialect::Postgres => {
                let mut rows = query(room_sql!()).bind(room_id).fetch_all(&mut reader).await?;
                rows.extend(query(receipts::of_room_sql!()).bind(room_id).fetch_all(&mut reader).await?);
                rows
            }
        };
        let Some((room, receipts)) = rows.split_at_checked(1) else { return Ok(None) };
        let receipts = receipts.iter().map(|row| receipts::from_row(row).map(Receipt::from)).collect::<sqlx::Result<_>>()?;
        Ok(from_rows(&mut reader, room, viewer).await?.pop().map(|room| (room, receipts)))
    }

    /// Whose room it is.
    pub async fn room_owner(&self, room_id: Id) -> Result<Option<Id>, Error> {
        Ok(query_scalar("select user_id from rooms where id = $1").bind(room_id).fetch_optional(&mut *self.reader().await?).await?)
    }

    /// These rooms, in no particular order; unknown ids are left out.
    pub async fn rooms_by_id(&self, ids: &[Id], viewer: Role) -> Result<Vec<Room>, Error> {
        let mut reader = self.reader().await?;
        let rows = query(concat!("select ", room_columns!(), " from ", room_tables!(), "where r.id in ", columns::ids_sql!()))
            .bind(columns::ids(ids.iter().copied()))
            .fetch_all(&mut reader)
            .await?;
        Ok(from_rows(&mut reader, &rows, viewer).await?)
    }

    /// Every change up to this version can be read by now.
    pub async fn version(&self) -> Result<i64, Error> {
        Ok(self.seen().await?.version)
    }

    async fn seen(&self) -> Result<Seen, Error> {
        let mut reader = self.reader().await?;
        match reader.dialect() {
            Dialect::Sqlite => Ok(Seen::up_to(query_scalar("select version from meta").fetch_one(&mut reader).await?)),
            Dialect::Postgres => {
                // As text: xid, and a snapshot of them, are types of their own.
                let text: String = query_scalar("select pg_current_snapshot()::text").fetch_one(&mut reader).await?;
                Ok(Seen::of_snapshot(&text).ok_or_else(|| Error::Unavailable(format!("{text:?} is no snapshot")))?)
            }
        }
    }

    /// Rooms that changed since a version, by version. A version is never cut in two, so that the last one of a page is
    /// where its next page begins; the page may be longer than `limit` for it.
    pub async fn heads_changed(&self, after_version: i64, limit: i64) -> Result<Changed, Error> {
        // Before the rooms are read, so that they show at least this.
        let seen = self.seen().await?;
        let rows: Vec<(Id, Seq, i64)> = query_as(
            "select id, last_seq, version from rooms where version > $1 and version <= \
             (select max(version) from (select version from rooms where version > $1 order by version limit $2) page) \
             order by version, id",
        )
        .bind(after_version)
        .bind(limit)
        .fetch_all(&mut *self.reader().await?)
        .await?;
        let is_last = (rows.len() as i64) < limit;
        let heads = rows.into_iter().map(|(room_id, last_seq, version)| Head { room_id, last_seq, version }).collect();
        Ok(Changed { heads, seen, is_last })
    }
}

async fn set_status(work: &mut Work, room_id: Id, by: Id, status: RoomStatus) -> sqlx::Result<Option<StatusOutcome>> {
    let select = match work.connection.dialect() {
        Dialect::Sqlite => "select status from rooms where id = $1",
        Dialect::Postgres => "select status from rooms where id = $1 for no key update",
    };
    let row = query(select).bind(room_id).fetch_optional(&mut work.connection).await?;
    let Some(row) = row else { return Ok(None) };
    if columns::status(&row, "status")? == status {
        return Ok(Some(StatusOutcome { changed: false }));
    }
    let version = work.version().await?;
    let seq: Seq = query_scalar(
        "update rooms set status = $2, last_seq = last_seq + 1, version = $3, \
         updated_at = case when updated_at < $4 then $4 else updated_at end where id = $1 returning last_seq",
    )
    .bind(room_id)
    .bind(columns::status_text(status))
    .bind(version)
    .bind(work.now.as_millis())
    .fetch_one(&mut work.connection)
    .await?;
    insert_status_event(&mut work.connection, room_id, seq, status, by, work.now).await?;
    work.events.push(Event::StatusChanged { room_id, seq, status, user_id: by, created_at: work.now });
    Ok(Some(StatusOutcome { changed: true }))
}

pub(crate) async fn insert_status_event(
    connection: &mut Connection,
    room_id: Id,
    seq: Seq,
    status: RoomStatus,
    by: Id,
    at: Timestamp,
) -> sqlx::Result<()> {
    query("insert into status_events (room_id, seq, status, user_id, created_at) values ($1, $2, $3, $4, $5)")
        .bind(room_id)
        .bind(seq)
        .bind(columns::status_text(status))
        .bind(by)
        .bind(at.as_millis())
        .execute(connection)
        .await?;
    Ok(())
}

async fn open(work: &mut Work, user_id: Id) -> sqlx::Result<Option<OpenOutcome>> {
    if work.connection.dialect() == Dialect::Postgres {
        // Another node may do the same now.
        query("select 1 from users where id = $1 for no key update").bind(user_id).execute(&mut work.connection).await?;
    }
    let newest = query_scalar("select id from rooms where user_id = $1 and status = 'open' order by updated_at desc, id desc limit 1")
        .bind(user_id)
        .fetch_optional(&mut work.connection)
        .await?;
    if let Some(room_id) = newest {
        return Ok(Some(OpenOutcome { room_id, made: false }));
    }
    let version = work.version().await?;
    let made = query_scalar(
        "insert into rooms (user_id, status, created_at, updated_at, version) \
         select id, 'open', $2, $2, $3 from users where id = $1 returning id",
    )
    .bind(user_id)
    .bind(work.now.as_millis())
    .bind(version)
    .fetch_optional(&mut work.connection)
    .await?;
    work.events.extend(made.map(|room_id| Event::RoomMade { room_id }));
    Ok(made.map(|room_id| OpenOutcome { room_id, made: true }))
}

#[cfg(test)]
mod tests {
    use super::Seen;

    #[test]
    fn a_snapshot_shows_what_was_committed_before_it() {
        let seen = Seen::of_snapshot("10:20:10,14,15").expect("a snapshot");
        assert_eq!(seen.version, 9);
        let shown: Vec<i64> = (8..22).filter(|version| seen.shows(*version)).collect();
        assert_eq!(shown, [8, 9, 11, 12, 13, 16, 17, 18, 19]);
        assert_eq!(Seen::of_snapshot("7:7:").map(|seen| (seen.version, seen.shows(6), seen.shows(7))), Some((6, true, false)));
        assert!(Seen::of_snapshot("nonsense").is_none());
        assert!(Seen::up_to(5).shows(5) && !Seen::up_to(5).shows(6));
    }
}
