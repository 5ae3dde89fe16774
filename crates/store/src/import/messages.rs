//! A run of messages: judged in memory like a run of sends, and stored as one set.

use std::collections::{HashMap, HashSet};

use frontdesk_protocol::{Id, Role, Seq};

use super::{Imported, Refusal, check_id, place, wrong};
use crate::{
    MessageRecord,
    batch::Work,
    columns,
    sends::{self, Tally},
    sql::{Dialect, query, query_scalar},
};

/// Records, each with its place among all.
#[derive(Default)]
pub(super) struct Run(Vec<(usize, MessageRecord)>);

/// What a run finds.
#[derive(Default)]
struct Found {
    rooms: HashMap<Id, Tally>,
    roles: HashMap<Id, Role>,
    ids: HashSet<Id>,
    client_ids: HashSet<(Id, String)>,
}

/// A message that gets a row.
struct Row {
    id: Id,
    record: MessageRecord,
    seq: Seq,
    side: Role,
    user_count: i64,
    admin_count: i64,
}

impl Run {
    pub(super) fn add(&mut self, index: usize, record: MessageRecord) {
        self.0.push((index, record));
    }

    pub(super) async fn store(self, work: &mut Work) -> Result<(), (usize, Refusal)> {
        let Some((first, _)) = self.0.first() else { return Ok(()) };
        let first = *first;
        let sql = |error| (first, Refusal::Sql(error));
        let mut found = Found::of(work, &self.0).await.map_err(sql)?;
        let mut rows = Vec::with_capacity(self.0.len());
        for (index, record) in self.0 {
            found.judge(record, &mut rows).map_err(|refusal| (index, refusal))?;
        }
        give_ids(work, &mut rows).await.map_err(sql)?;
        for row in &rows {
            found.rooms.get_mut(&row.record.room_id).expect("it was placed there").last_message_id = Some(row.id);
        }
        insert(work, &rows).await.map_err(sql)?;
        found.update_rooms(work).await.map_err(sql)
    }
}

impl Found {
    async fn of(work: &mut Work, run: &[(usize, MessageRecord)]) -> sqlx::Result<Self> {
        let records = || run.iter().map(|(_, record)| record);
        let mut found = Self { rooms: sends::rooms(work, records().map(|record| record.room_id)).await?, ..Self::default() };
        let connection = &mut work.connection;
        let people = query(concat!("select id, role from users where id in ", columns::ids_sql!()));
        for row in people.bind(columns::ids(records().map(|record| record.sender_id))).fetch_all(connection).await? {
            found.roles.insert(row.try_get("id")?, columns::role(&row, "role")?);
        }
        let known = query_scalar(concat!("select id from messages where id in ", columns::ids_sql!()));
        found.ids = known.bind(columns::ids(records().filter_map(|record| record.id))).fetch_all(connection).await?.into_iter().collect();
        let asked: Vec<_> = records().filter_map(|record| Some((record.sender_id, record.client_id.as_deref()?))).collect();
        for asked in columns::sets(&asked) {
            let mut sql = query("select m.sender_id, m.client_id from (");
            sql.push_values(asked, |(sender_id, client_id)| [sender_id.into(), columns::ClientId(client_id).into()]);
            sql.push(") j cross join messages m where m.sender_id = j.column1 and m.client_id = j.column2");
            for row in sql.fetch_all(connection).await? {
                let client_id = columns::client_id(&row, "client_id")?.expect("it was asked for");
                found.client_ids.insert((row.try_get("sender_id")?, client_id));
            }
        }
        Ok(found)
    }

    /// A message that is known already, also one of this run, is left as it is.
    fn judge(&mut self, record: MessageRecord, rows: &mut Vec<Row>) -> Imported {
        if record.id.is_none() && record.client_id.is_none() {
            return wrong("a message needs id or client_id");
        }
        if let Some(id) = record.id {
            check_id("id", id)?;
        }
        let key = record.client_id.clone().map(|client_id| (record.sender_id, client_id));
        if record.id.is_some_and(|id| self.ids.contains(&id)) || key.as_ref().is_some_and(|key| self.client_ids.contains(key)) {
            return Ok(());
        }
        let Some(room) = self.rooms.get_mut(&record.room_id) else {
            return wrong(format!("room_id: there is no room {}", record.room_id));
        };
        let Some(role) = self.roles.get(&record.sender_id) else {
            return wrong(format!("sender_id: there is no user {}", record.sender_id));
        };
        let seq = place(record.room_id, room.last_seq, record.seq)?;
        let side = record.side.unwrap_or(*role);
        // The room's status is its own record's: a message of the past reopens nothing.
        room.count(side, record.created_at.as_millis());
        self.ids.extend(record.id);
        self.client_ids.extend(key);
        let (user_count, admin_count) = (room.user_messages, room.admin_messages);
        rows.push(Row { id: record.id.unwrap_or_default(), record, seq, side, user_count, admin_count });
        Ok(())
    }

    async fn update_rooms(&self, work: &mut Work) -> sqlx::Result<()> {
        let changed: Vec<_> = self.rooms.iter().filter(|(_, room)| room.changed).collect();
        if changed.is_empty() {
            return Ok(());
        }
        let version = work.version().await?;
        for set in columns::sets(&changed) {
            let mut sql = query(
                "update rooms set last_seq = j.column2, last_message_id = j.column3, user_messages = j.column4, \
                 admin_messages = j.column5, user_last_seq = j.column6, admin_last_seq = j.column7, updated_at = j.column8, version = ",
            );
            sql.push_bind(version).push(" from (");
            sql.push_values(set, |(id, room)| {
                [
                    (*id).into(),
                    room.last_seq.into(),
                    room.last_message_id.into(),
                    room.user_messages.into(),
                    room.admin_messages.into(),
                    room.user_last_seq.into(),
                    room.admin_last_seq.into(),
                    room.updated_at.into(),
                ]
            });
            sql.push(") j where rooms.id = j.column1");
            sql.execute(&mut work.connection).await?;
        }
        Ok(())
    }
}

/// Ids for those that came without one, past all others.
async fn give_ids(work: &mut Work, rows: &mut [Row]) -> sqlx::Result<()> {
    let largest = rows.iter().map(|row| row.id).max().unwrap_or(0);
    let mut without: Vec<_> = rows.iter_mut().filter(|row| row.record.id.is_none()).collect();
    if without.is_empty() {
        return Ok(());
    }
    let last = match work.connection.dialect() {
        // Nobody else writes during the transaction.
        Dialect::Sqlite => "select coalesce(max(seq), 0) from sqlite_sequence where name = 'messages'",
        // All of them, and the sequence beyond them: others take theirs meanwhile.
        Dialect::Postgres => "select greatest((select last_value from messages_id_seq), (select max(id) from messages), 0)",
    };
    let last: i64 = query_scalar(last).fetch_one(&mut work.connection).await?;
    let last = last.max(largest);
    if work.connection.dialect() == Dialect::Postgres {
        let end = last + without.len() as i64;
        query("select setval('messages_id_seq', $1)").bind(end).execute(&mut work.connection).await?;
    }
    for (row, id) in without.iter_mut().zip(last + 1..) {
        row.id = id;
    }
    Ok(())
}

async fn insert(work: &mut Work, rows: &[Row]) -> sqlx::Result<()> {
    for set in columns::sets(rows) {
        let mut sql =
            query("insert into messages (id, room_id, seq, sender_id, side, text, client_id, created_at, user_count, admin_count) ");
        sql.push_values(set, |Row { id, record, seq, side, user_count, admin_count }| {
            [
                id.into(),
                record.room_id.into(),
                seq.into(),
                record.sender_id.into(),
                columns::role_text(*side).into(),
                record.message.as_str().into(),
                record.client_id.as_deref().map(columns::ClientId).into(),
                record.created_at.as_millis().into(),
                user_count.into(),
                admin_count.into(),
            ]
        });
        sql.execute(&mut work.connection).await?;
    }
    Ok(())
}
