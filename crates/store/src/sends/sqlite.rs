//! How a set is found and stored in SQLite: in two trips to the connection's thread, whatever its size.

use frontdesk_protocol::Id;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::{First, Found, NewMessage, Row as Message, Tally};
use crate::{
    batch::Work,
    columns,
    sql::{Connection, Row},
};

fn connection(work: &mut Work) -> &mut SqliteConnection {
    match &mut work.connection {
        Connection::Sqlite(connection) => connection,
        Connection::Postgres(_) => unreachable!("each dialect has functions of its own"),
    }
}

/// In as few texts as it goes: each costs a trip to the connection's thread.
pub(super) async fn find(work: &mut Work, set: &[NewMessage]) -> sqlx::Result<Found> {
    let asked = set.iter().filter_map(|message| Some((message.sender.id, message.client_id.as_deref()?)));
    let asked: Vec<_> = asked.enumerate().collect();
    let mut query = QueryBuilder::new(work.opening());
    query.push(
        "select 'room', id, status, updated_at, last_seq, last_message_id, user_messages, admin_messages, user_last_seq, admin_last_seq \
         from rooms where id in (select value from json_each(",
    );
    query.push_bind(columns::ids(set.iter().map(|message| message.room_id)));
    query.push(")); select 'last', seq from sqlite_sequence where name = 'messages'; ");
    let mut found = Found::default();
    for (nth, set) in columns::filled_sets(&asked).enumerate() {
        if nth > 0 {
            found.read(&mut query, &asked, work).await?;
            query = QueryBuilder::new("");
        }
        query.push("select 'first', j.column1, m.id, m.room_id from (");
        query.push_values(set, |mut row, asked| {
            row.push_bind(asked.map(|(place, _)| *place as i64))
                .push_bind(asked.map(|(_, (sender_id, _))| *sender_id))
                .push_bind(asked.map(|(_, (_, client_id))| columns::ClientId(client_id)));
        });
        query.push(") j cross join messages m on m.sender_id = j.column2 and m.client_id = j.column3");
    }
    found.read(&mut query, &asked, work).await?;
    // Nobody else writes during the transaction, so the ids need not be read back.
    let last_id = found.ids.pop().unwrap_or(0);
    found.ids = (last_id + 1..).take(set.len()).collect();
    Ok(found)
}

impl Found {
    async fn read(&mut self, query: &mut QueryBuilder<Sqlite>, asked: &[(usize, (Id, &str))], work: &mut Work) -> sqlx::Result<()> {
        for row in query.build().fetch_all(connection(work)).await? {
            let row = Row::Sqlite(row);
            match row.try_get::<&str, _>(0)? {
                "room" => drop(self.rooms.insert(row.try_get("id")?, Tally::of(&row)?)),
                "last" => self.ids = vec![row.try_get(1)?],
                _ => {
                    let (_, (sender_id, client_id)) = asked[row.try_get::<i64, _>(1)? as usize];
                    self.firsts.insert((sender_id, client_id.to_owned()), First::Stored { id: row.try_get(2)?, room_id: row.try_get(3)? });
                }
            }
        }
        Ok(())
    }
}

/// Inserts messages and brings their rooms up to date.
pub(super) async fn insert(work: &mut Work, rows: &[Message<'_>], changed: &[(&Id, &Tally)], last: bool) -> sqlx::Result<()> {
    let query = insert_messages(work, rows).await?;
    update_rooms(work, query, changed, last).await
}

/// Runs what a query is made of and notes the change number, if it takes one.
async fn run(work: &mut Work, query: &mut QueryBuilder<Sqlite>) -> sqlx::Result<()> {
    for row in query.build().fetch_all(connection(work)).await? {
        work.note_version(Row::Sqlite(row).try_get("version")?);
    }
    Ok(())
}

/// All but the last set, which is answered as the beginning of the next query.
async fn insert_messages(work: &mut Work, rows: &[Message<'_>]) -> sqlx::Result<QueryBuilder<Sqlite>> {
    let mut query = QueryBuilder::new("");
    for (nth, rows) in columns::filled_sets(rows).enumerate() {
        if nth > 0 {
            run(work, &mut query).await?;
            query = QueryBuilder::new("");
        }
        query.push(
            "insert into messages (id, room_id, seq, sender_id, side, text, client_id, created_at, user_count, admin_count, files) \
             select * from (",
        );
        query.push_values(rows, |mut values, row| {
            values
                .push_bind(row.map(|row| row.id))
                .push_bind(row.map(|row| row.new.room_id))
                .push_bind(row.map(|row| row.place.seq))
                .push_bind(row.map(|row| row.new.sender.id))
                .push_bind(row.map(|row| columns::role_text(row.new.sender.role)))
                .push_bind(row.map(|row| row.new.text.as_str()))
                .push_bind(row.and_then(|row| row.new.client_id.as_deref()).map(columns::ClientId))
                .push_bind(row.map(|_| work.now.as_millis()))
                .push_bind(row.map(|row| row.place.user_count))
                .push_bind(row.map(|row| row.place.admin_count))
                .push_bind(row.map(|row| row.new.attachments.len() as i64));
        });
        query.push(") where column1 is not null; ");
    }
    Ok(query)
}

async fn update_rooms(work: &mut Work, mut query: QueryBuilder<Sqlite>, changed: &[(&Id, &Tally)], last: bool) -> sqlx::Result<()> {
    query.push("update meta set version = version + ").push_bind(work.version_step()).push(" returning version; ");
    for (nth, rows) in columns::filled_sets(changed).enumerate() {
        if nth > 0 {
            run(work, &mut query).await?;
            query = QueryBuilder::new("");
        }
        query.push(
            "update rooms set status = j.column2, updated_at = j.column3, last_seq = j.column4, last_message_id = j.column5, \
             user_messages = j.column6, admin_messages = j.column7, user_last_seq = j.column8, admin_last_seq = j.column9, \
             version = (select version from meta) from (",
        );
        query.push_values(rows, |mut row, changed| {
            row.push_bind(changed.map(|(id, _)| **id))
                .push_bind(changed.map(|(_, room)| columns::status_text(room.status)))
                .push_bind(changed.map(|(_, room)| room.updated_at))
                .push_bind(changed.map(|(_, room)| room.last_seq))
                .push_bind(changed.and_then(|(_, room)| room.last_message_id))
                .push_bind(changed.map(|(_, room)| room.user_messages))
                .push_bind(changed.map(|(_, room)| room.admin_messages))
                .push_bind(changed.map(|(_, room)| room.user_last_seq))
                .push_bind(changed.map(|(_, room)| room.admin_last_seq));
        });
        query.push(") j where rooms.id = j.column1; ");
    }
    if last {
        query.push(work.closing());
    }
    run(work, &mut query).await
}
