//! Lists of rooms: pages in the order of activity, filtered and searched, and what all rooms come to. What a page costs does not
//! depend on how many rooms there are.

use std::{fmt, str::FromStr};

use frontdesk_protocol::{
    Id, Role, RoomStatus, Timestamp,
    body::{RoomPage, RoomsSummary},
};

use crate::{
    Error, Store, columns, messages,
    rooms::{self, room_columns, room_tables},
    search::{self, Needle},
    sql::{Connection, Dialect, Query, Row, query, query_as},
};

/// Which rooms to list, newest activity first.
#[derive(Clone, Debug)]
pub struct RoomQuery {
    /// The side that looks: users see their own rooms, admins all.
    pub viewer: Role,
    /// Who looks.
    pub user_id: Id,
    /// Part of the user's name or phone.
    pub q: Option<String>,
    /// Only rooms of this status.
    pub status: Option<RoomStatus>,
    /// Only rooms with something that this side has not read.
    pub unread: bool,
    /// Where the page before ended.
    pub cursor: Option<Cursor>,
    /// How many.
    pub limit: i64,
}

/// The place of a room in the list: `1767225605000.7`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// When the room's newest event happened.
    pub updated_at: Timestamp,
    /// The room.
    pub id: Id,
}

/// A cursor that no page has given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor; take `next` of the page before")]
pub struct BadCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.updated_at.as_millis(), self.id)
    }
}

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let (ms, id) = text.split_once('.').ok_or(BadCursor)?;
        let updated_at = Timestamp::from_millis(ms.parse().map_err(|_| BadCursor)?);
        Ok(Self { updated_at, id: id.parse().map_err(|_| BadCursor)? })
    }
}

impl Store {
    /// A page of the list of rooms.
    pub async fn rooms(&self, query: &RoomQuery) -> Result<RoomPage, Error> {
        let mut reader = self.reader().await?;
        // One more than asked tells whether there is another page.
        let rows = page(&mut reader, query, query.limit.saturating_add(1)).await?;
        let wanted = usize::try_from(query.limit).unwrap_or(0).min(rows.len());
        let results = rooms::from_rows(&mut reader, &rows[..wanted], query.viewer).await?;
        let next = results.last().filter(|_| rows.len() > wanted).map(|room| Cursor { updated_at: room.updated_at, id: room.id });
        Ok(RoomPage { results, next: next.map(|cursor| cursor.to_string()) })
    }

    /// Counts over a user's own rooms, or all rooms for an admin.
    pub async fn summary(&self, viewer: Role, user_id: Id) -> Result<RoomsSummary, Error> {
        let mut reader = self.reader().await?;
        Ok(match viewer {
            Role::User => own_summary(&mut reader, user_id).await?,
            Role::Admin => full_summary(&mut reader).await?,
        })
    }
}

async fn page(connection: &mut Connection, query: &RoomQuery, limit: i64) -> sqlx::Result<Vec<Row>> {
    let dialect = connection.dialect();
    let Some(needle) = query.q.as_deref().and_then(Needle::new) else {
        return fetch(connection, |sql| listed(sql, query, limit)).await;
    };
    let near = fetch(connection, |sql| found_near(sql, query, &needle, limit)).await?;
    if near.len() as i64 == limit {
        return Ok(near);
    }
    fetch(connection, |sql| found_by_index(sql, dialect, query, &needle, limit)).await
}

/// Reads what rooms show, of the rooms that a statement answers as `id`, in the order of the list.
async fn fetch(connection: &mut Connection, push_ids: impl FnOnce(&mut Query<'_>)) -> sqlx::Result<Vec<Row>> {
    let mut sql = query(concat!("select ", room_columns!(), " from ("));
    push_ids(&mut sql);
    sql.push(concat!(") page cross join ", room_tables!(), "where r.id = page.id order by r.updated_at desc, r.id desc"));
    sql.fetch_all(connection).await
}

/// The next rooms of the list, before any search.
fn listed(sql: &mut Query<'_>, query: &RoomQuery, limit: i64) {
    match (query.viewer, query.status) {
        (Role::User, _) => {
            sql.push("select r.id, r.updated_at from rooms r where r.user_id = ").push_bind(query.user_id);
            restrict(sql, query);
            in_order(sql, limit);
        }
        (Role::Admin, Some(status)) => of_status(sql, query, status, limit),
        (Role::Admin, None) => {
            sql.push("select id, updated_at from (");
            of_status(sql, query, RoomStatus::Open, limit);
            sql.push(") open union all select id, updated_at from (");
            of_status(sql, query, RoomStatus::Resolved, limit);
            sql.push(") resolved order by updated_at desc, id desc limit ").push_bind(limit);
        }
    }
}

fn of_status(sql: &mut Query<'_>, query: &RoomQuery, status: RoomStatus, limit: i64) {
    sql.push("select r.id, r.updated_at from rooms r where r.status = ").push_bind(columns::status_text(status));
    restrict(sql, &RoomQuery { status: None, ..query.clone() });
    in_order(sql, limit);
}

/// Whom the text means among the next rooms of the list.
fn found_near(sql: &mut Query<'_>, query: &RoomQuery, needle: &Needle, limit: i64) {
    sql.push("select r.id, r.updated_at from (");
    listed(sql, query, search::near(limit));
    sql.push(") near cross join rooms r cross join users o where r.id = near.id and o.id = r.user_id and o.search like ");
    sql.push_bind(needle.pattern()).push(r" escape '\'");
    in_order(sql, limit);
}

/// The rooms of all whom the text means.
fn found_by_index(sql: &mut Query<'_>, dialect: Dialect, query: &RoomQuery, needle: &Needle, limit: i64) {
    sql.push("select r.id, r.updated_at from (");
    needle.push_people(sql, dialect);
    sql.push(") found cross join rooms r where r.user_id = found.person");
    if query.viewer == Role::User {
        sql.push(" and r.user_id = ").push_bind(query.user_id);
    }
    restrict(sql, query);
    in_order(sql, limit);
}

/// The filters that every list knows, and where the page begins.
fn restrict(sql: &mut Query<'_>, query: &RoomQuery) {
    if query.unread {
        sql.push(match query.viewer {
            Role::User => " and r.admin_messages > r.user_read_count",
            Role::Admin => " and r.user_messages > r.admins_read_count",
        });
    }
    if let Some(status) = query.status {
        sql.push(" and r.status = ").push_bind(columns::status_text(status));
    }
    if let Some(cursor) = query.cursor {
        sql.push(" and (r.updated_at, r.id) < (").push_bind(cursor.updated_at.as_millis()).push(", ").push_bind(cursor.id).push(")");
    }
}

fn in_order(sql: &mut Query<'_>, limit: i64) {
    sql.push(" order by r.updated_at desc, r.id desc limit ").push_bind(limit);
}

async fn own_summary(connection: &mut Connection, user_id: Id) -> sqlx::Result<RoomsSummary> {
    let (rooms, rooms_unread, unread, open): (i64, i64, i64, i64) = query_as(
        "select count(*), count(*) filter (where admin_messages > user_read_count), \
         cast(coalesce(sum(admin_messages - user_read_count), 0) as bigint), count(*) filter (where status = 'open') \
         from rooms where user_id = $1",
    )
    .bind(user_id)
    .fetch_one(connection)
    .await?;
    Ok(RoomsSummary { rooms, rooms_unread, unread, open, resolved: rooms - open })
}

async fn full_summary(connection: &mut Connection) -> sqlx::Result<RoomsSummary> {
    let (open, resolved, rooms_unread, unread): (i64, i64, i64, i64) =
        query_as("select open, resolved, rooms_unread, unread from inbox_totals").fetch_one(connection).await?;
    Ok(RoomsSummary { rooms: open + resolved, rooms_unread, unread, open, resolved })
}
