//! Receipts: one row for each person and room, two watermarks that only grow.

use std::collections::{HashMap, HashSet};

use frontdesk_protocol::{Id, Role, Seq, Timestamp, User, frame::Receipt};

use crate::{
    Error, Event, Pending, Store,
    batch::{Job, Work},
    columns,
    sql::{self, Connection, Dialect, Row, query},
};

/// Which watermark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MarkKind {
    /// Read by the person.
    Read,
    /// Arrived at a device of the person.
    Delivered,
}

/// A person's watermark to be moved up to a message.
#[derive(Clone, Debug)]
pub struct Mark {
    /// Where.
    pub room_id: Id,
    /// Whose; `role` is the side.
    pub person: User,
    /// The newest message that was read or has arrived.
    pub message_id: Id,
    /// Which watermark.
    pub kind: MarkKind,
}

/// What became of a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkOutcome {
    /// The watermark moved.
    Moved,
    /// It was there or further already.
    Unmoved,
    /// No message of this room.
    NoSuchMessage,
}

/// A watermark as it stands, with what a `read_receipt` or `delivered` frame tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiptMark {
    /// Where.
    pub room_id: Id,
    /// Whose.
    pub user_id: Id,
    /// The person's side when it last moved.
    pub role: Role,
    /// Which watermark. `Read` implies `Delivered` at least as far.
    pub kind: MarkKind,
    /// The message that was named.
    pub message_id: Id,
    /// The seq of that message.
    pub seq: Seq,
    /// When.
    pub at: Timestamp,
}

impl Store {
    /// Queues a mark; resolves when it has its place in the order, the [`Pending`] when it is stored.
    pub async fn mark(&self, mark: Mark) -> Result<Pending<MarkOutcome>, Error> {
        self.queue().push(|reply| Job::Mark(mark, reply)).await
    }

    /// The watermarks of everybody who has one in the room, with message ids and times, for saying them again.
    pub async fn receipt_marks(&self, room_id: Id) -> Result<Vec<ReceiptMark>, Error> {
        let rows = of_room(&mut *self.reader().await?, room_id).await?;
        Ok(rows.iter().flat_map(|row| [row.mark(MarkKind::Read), row.mark(MarkKind::Delivered)]).flatten().collect())
    }
}

/// Watermarks that moved, a page of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MarksMoved {
    /// What is told of them: whoever has read has received, too.
    pub marks: Vec<ReceiptMark>,
    /// The version of the last one; `None` if there is none.
    pub last: Option<i64>,
    /// Every change up to this version was among them or before.
    pub seen: i64,
    /// Whether there was no more.
    pub is_last: bool,
}

impl Store {
    /// Watermarks that moved after a version, on whichever node. SQLite has one node, which knows.
    pub async fn marks_moved(&self, after_version: i64, limit: i64) -> Result<MarksMoved, Error> {
        let mut reader = self.reader().await?;
        if reader.dialect() == Dialect::Sqlite {
            return Ok(MarksMoved { seen: after_version, is_last: true, ..MarksMoved::default() });
        }
        let seen = sql::all_ended(&mut reader).await?;
        let rows = query(concat!(
            "select ",
            receipt_columns!(),
            ", p.version from receipts p where p.version > $1 and p.version <= \
             (select max(version) from (select version from receipts where version > $1 order by version limit $2) page) order by p.version",
        ))
        .bind(after_version)
        .bind(limit)
        .fetch_all(&mut reader)
        .await?;
        let last = rows.last().map(|row| row.try_get("version")).transpose()?;
        let is_last = (rows.len() as i64) < limit;
        let rows = rows.iter().map(from_row).collect::<sqlx::Result<Vec<_>>>()?;
        let delivered = |row: &ReceiptRow| row.mark(MarkKind::Delivered).filter(|_| row.delivered.seq > row.read.seq);
        let marks = rows.iter().flat_map(|row| [row.mark(MarkKind::Read), delivered(row)]).flatten().collect();
        Ok(MarksMoved { marks, last, seen, is_last })
    }
}

/// One watermark.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Watermark {
    pub(crate) seq: Seq,
    pub(crate) message_id: Option<Id>,
    pub(crate) at: Option<Timestamp>,
}

/// A person's row in a room.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReceiptRow {
    pub(crate) room_id: Id,
    pub(crate) user_id: Id,
    pub(crate) side: Role,
    pub(crate) read: Watermark,
    pub(crate) delivered: Watermark,
}

impl From<ReceiptRow> for Receipt {
    fn from(row: ReceiptRow) -> Self {
        Self { user_id: row.user_id, role: row.side, read_seq: row.read.seq, delivered_seq: row.delivered.seq }
    }
}

impl ReceiptRow {
    fn mark(&self, kind: MarkKind) -> Option<ReceiptMark> {
        let watermark = match kind {
            MarkKind::Read => self.read,
            MarkKind::Delivered => self.delivered,
        };
        let (message_id, at) = watermark.message_id.zip(watermark.at)?;
        Some(ReceiptMark { room_id: self.room_id, user_id: self.user_id, role: self.side, kind, message_id, seq: watermark.seq, at })
    }

    /// Moves a watermark up to a message; false if it was there or further. Whoever has read has received.
    pub(crate) fn raise(&mut self, kind: MarkKind, side: Role, to: Watermark) -> bool {
        let watermark = match kind {
            MarkKind::Read => &mut self.read,
            MarkKind::Delivered => &mut self.delivered,
        };
        if to.seq <= watermark.seq {
            return false;
        }
        *watermark = to;
        self.side = side;
        if kind == MarkKind::Read && self.delivered.seq < to.seq {
            self.delivered = to;
        }
        true
    }
}

pub(crate) fn from_row(row: &Row) -> sqlx::Result<ReceiptRow> {
    Ok(ReceiptRow {
        room_id: row.try_get("room_id")?,
        user_id: row.try_get("user_id")?,
        side: columns::role(row, "side")?,
        read: Watermark {
            seq: row.try_get("read_seq")?,
            message_id: row.try_get("read_message_id")?,
            at: columns::time_or_none(row, "read_at")?,
        },
        delivered: Watermark {
            seq: row.try_get("delivered_seq")?,
            message_id: row.try_get("delivered_message_id")?,
            at: columns::time_or_none(row, "delivered_at")?,
        },
    })
}

macro_rules! receipt_columns {
    () => {
        "p.room_id, p.user_id, p.side, p.read_seq, p.read_message_id, p.read_at, p.delivered_seq, p.delivered_message_id, p.delivered_at"
    };
}
pub(crate) use receipt_columns;

/// The rows of a room, the statement's first parameter.
macro_rules! of_room_sql {
    () => {
        concat!("select ", $crate::receipts::receipt_columns!(), " from receipts p where p.room_id = $1 order by p.user_id")
    };
}
pub(crate) use of_room_sql;

pub(crate) async fn of_room(connection: &mut Connection, room_id: Id) -> sqlx::Result<Vec<ReceiptRow>> {
    let rows = query(of_room_sql!()).bind(room_id).fetch_all(connection).await?;
    rows.iter().map(from_row).collect()
}

/// A message as a mark needs it.
struct Target {
    room_id: Id,
    seq: Seq,
    user_count: i64,
    admin_count: i64,
}

/// The furthest that one side has read in a room, and the other side's messages up to there.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Furthest {
    pub(crate) seq: Seq,
    pub(crate) count: i64,
}

/// Moves the watermarks of a set of marks, in order.
pub(crate) async fn store(work: &mut Work, set: Vec<Mark>) -> sqlx::Result<Vec<MarkOutcome>> {
    if set.is_empty() {
        return Ok(Vec::new());
    }
    let targets = targets(work, &set).await?;
    let mut rows = stored(work, &set).await?;
    let mut moved = HashSet::new();
    let mut furthest: HashMap<(Id, Role), Furthest> = HashMap::new();
    let mut outcomes = Vec::with_capacity(set.len());
    for mark in set {
        let Some(target) = targets.get(&mark.message_id).filter(|target| target.room_id == mark.room_id) else {
            outcomes.push(MarkOutcome::NoSuchMessage);
            continue;
        };
        let (room_id, user_id, role, kind) = (mark.room_id, mark.person.id, mark.person.role, mark.kind);
        let row = rows.entry((room_id, user_id)).or_insert_with(|| ReceiptRow::none(room_id, user_id, role));
        let to = Watermark { seq: target.seq, message_id: Some(mark.message_id), at: Some(work.now) };
        if !row.raise(kind, role, to) {
            outcomes.push(MarkOutcome::Unmoved);
            continue;
        }
        moved.insert((room_id, user_id));
        if kind == MarkKind::Read {
            furthest.entry((room_id, role)).or_default().raise(target, role);
        }
        let mark = ReceiptMark { room_id, user_id, role, kind, message_id: mark.message_id, seq: target.seq, at: work.now };
        work.events.push(Event::Receipt(mark));
        outcomes.push(MarkOutcome::Moved);
    }
    let moved: Vec<_> = moved.into_iter().map(|key| rows[&key]).collect();
    write(work, &moved).await?;
    raise_rooms(work, &furthest).await?;
    Ok(outcomes)
}

impl ReceiptRow {
    pub(crate) fn none(room_id: Id, user_id: Id, side: Role) -> Self {
        Self { room_id, user_id, side, read: Watermark::default(), delivered: Watermark::default() }
    }
}

impl Furthest {
    fn or_further(self, other: Option<&Self>) -> Self {
        other.copied().filter(|other| other.seq > self.seq).unwrap_or(self)
    }

    fn raise(&mut self, target: &Target, reader: Role) {
        if target.seq > self.seq {
            let count = if reader == Role::User { target.admin_count } else { target.user_count };
            *self = Self { seq: target.seq, count };
        }
    }
}

async fn targets(work: &mut Work, set: &[Mark]) -> sqlx::Result<HashMap<Id, Target>> {
    let rows = query(concat!("select id, room_id, seq, user_count, admin_count from messages where id in ", columns::ids_sql!()))
        .bind(columns::ids(set.iter().map(|mark| mark.message_id)))
        .fetch_all(&mut work.connection)
        .await?;
    rows.iter()
        .map(|row| {
            let target = Target {
                room_id: row.try_get("room_id")?,
                seq: row.try_get("seq")?,
                user_count: row.try_get("user_count")?,
                admin_count: row.try_get("admin_count")?,
            };
            Ok((row.try_get("id")?, target))
        })
        .collect()
}

async fn stored(work: &mut Work, set: &[Mark]) -> sqlx::Result<HashMap<(Id, Id), ReceiptRow>> {
    let asked: Vec<_> = set.iter().map(|mark| (mark.room_id, mark.person.id)).collect();
    let mut found = HashMap::new();
    for asked in columns::sets(&asked) {
        let mut sql = query(concat!("select ", receipt_columns!(), " from ("));
        sql.push_values(asked, |(room_id, user_id)| [room_id.into(), user_id.into()]);
        sql.push(") j cross join receipts p where p.room_id = j.column1 and p.user_id = j.column2");
        for row in sql.fetch_all(&mut work.connection).await? {
            let receipt = from_row(&row)?;
            found.insert((receipt.room_id, receipt.user_id), receipt);
        }
    }
    Ok(found)
}

pub(crate) async fn write(work: &mut Work, rows: &[ReceiptRow]) -> sqlx::Result<()> {
    let ms = |watermark: &Watermark| watermark.at.map(Timestamp::as_millis);
    for rows in columns::sets(rows) {
        let mut sql = query(
            "insert into receipts \
             (room_id, user_id, side, read_seq, read_message_id, read_at, delivered_seq, delivered_message_id, delivered_at) ",
        );
        sql.push_values(rows, |ReceiptRow { room_id, user_id, side, read, delivered }| {
            [
                room_id.into(),
                user_id.into(),
                columns::role_text(*side).into(),
                read.seq.into(),
                read.message_id.into(),
                ms(read).into(),
                delivered.seq.into(),
                delivered.message_id.into(),
                ms(delivered).into(),
            ]
        });
        sql.push(
            " on conflict (room_id, user_id) do update set side = excluded.side, \
             read_seq = excluded.read_seq, read_message_id = excluded.read_message_id, read_at = excluded.read_at, \
             delivered_seq = excluded.delivered_seq, delivered_message_id = excluded.delivered_message_id, \
             delivered_at = excluded.delivered_at",
        );
        sql.execute(&mut work.connection).await?;
    }
    Ok(())
}

/// Raises what the sides have read in rooms. A room changes only when one side as a whole has read further.
pub(crate) async fn raise_rooms(work: &mut Work, furthest: &HashMap<(Id, Role), Furthest>) -> sqlx::Result<()> {
    if furthest.is_empty() {
        return Ok(());
    }
    let rows = query(concat!(
        "select id, user_read_seq, user_read_count, admins_read_seq, admins_read_count from rooms where id in ",
        columns::ids_sql!()
    ))
    .bind(columns::ids(furthest.keys().map(|(room_id, _)| *room_id)))
    .fetch_all(&mut work.connection)
    .await?;
    let mut raised = Vec::new();
    for row in &rows {
        let room_id: Id = row.try_get("id")?;
        let before = (
            Furthest { seq: row.try_get("user_read_seq")?, count: row.try_get("user_read_count")? },
            Furthest { seq: row.try_get("admins_read_seq")?, count: row.try_get("admins_read_count")? },
        );
        let user = before.0.or_further(furthest.get(&(room_id, Role::User)));
        let admins = before.1.or_further(furthest.get(&(room_id, Role::Admin)));
        if (user, admins) != before {
            raised.push((room_id, user, admins));
        }
    }
    if raised.is_empty() {
        return Ok(());
    }
    let version = work.version().await?;
    for rows in columns::sets(&raised) {
        let mut sql = query(
            "update rooms set user_read_seq = j.column2, user_read_count = j.column3, admins_read_seq = j.column4, \
             admins_read_count = j.column5, version = ",
        );
        sql.push_bind(version).push(" from (");
        sql.push_values(rows, |(room_id, user, admins)| {
            [room_id.into(), user.seq.into(), user.count.into(), admins.seq.into(), admins.count.into()]
        });
        sql.push(") j where rooms.id = j.column1");
        sql.execute(&mut work.connection).await?;
    }
    Ok(())
}
