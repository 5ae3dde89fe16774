//! How a set is found and stored in PostgreSQL: as arrays, whatever its size. The rooms are locked by now.

use std::collections::HashMap;

use frontdesk_protocol::Id;

use super::{First, Found, NewMessage, Row, Tally, rooms};
use crate::{
    batch::Work,
    columns,
    sql::{Connection, Session, query_scalar},
};

fn session(work: &mut Work) -> &mut Session {
    match &mut work.connection {
        Connection::Postgres(session) => session,
        Connection::Sqlite(_) => unreachable!("each dialect has functions of its own"),
    }
}

pub(super) async fn find(work: &mut Work, set: &[NewMessage]) -> sqlx::Result<Found> {
    let rooms = rooms(work, set.iter().map(|message| message.room_id)).await?;
    let ids = query_scalar("select nextval(pg_get_serial_sequence('messages', 'id')) from generate_series(1, $1)")
        .bind(set.len() as i64)
        .fetch_all(&mut work.connection)
        .await?;
    Ok(Found { rooms, ids, firsts: firsts(work, set).await? })
}

async fn firsts(work: &mut Work, set: &[NewMessage]) -> sqlx::Result<HashMap<(Id, String), First>> {
    let asked = set.iter().filter_map(|message| Some((message.sender.id, message.client_id.clone()?)));
    let (senders, client_ids): (Vec<Id>, Vec<String>) = asked.unzip();
    if senders.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = session(work)
        .fetch_all(
            sqlx::query(
                "select m.sender_id, m.client_id, m.id, m.room_id from unnest($1::bigint[], $2::text[]) as j (sender_id, client_id) \
                 join messages m on m.client_id = j.client_id and m.sender_id = j.sender_id",
            )
            .bind(senders)
            .bind(client_ids),
        )
        .await?;
    let first = |row: &crate::sql::Row| {
        let first = First::Stored { id: row.try_get(2)?, room_id: row.try_get(3)? };
        Ok(((row.try_get(0)?, row.try_get(1)?), first))
    };
    rows.iter().map(first).collect()
}

/// Inserts messages and brings their rooms up to date.
pub(super) async fn insert(work: &mut Work, rows: &[Row<'_>], changed: &[(&Id, &Tally)]) -> sqlx::Result<()> {
    let now = work.now.as_millis();
    let version = work.version().await?;
    let messages = sqlx::query(
        "insert into messages (id, room_id, seq, sender_id, side, text, client_id, created_at, user_count, admin_count, files) \
         select id, room_id, seq, sender_id, side, text, client_id, $11, user_count, admin_count, files from \
         unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bigint[], \
         $10::bigint[]) as j (id, room_id, seq, sender_id, side, text, client_id, user_count, admin_count, files)",
    )
    .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.new.room_id).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.place.seq).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.new.sender.id).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| columns::role_text(row.new.sender.role)).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.new.text.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.new.client_id.as_deref()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.place.user_count).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.place.admin_count).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.new.attachments.len() as i64).collect::<Vec<_>>())
    .bind(now);
    session(work).fetch_all(messages).await?;
    let rooms = sqlx::query(
        "update rooms set status = j.status, updated_at = j.updated_at, last_seq = j.last_seq, last_message_id = j.last_message_id, \
         user_messages = j.user_messages, admin_messages = j.admin_messages, user_last_seq = j.user_last_seq, \
         admin_last_seq = j.admin_last_seq, version = $10 from \
         unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[]) \
         as j (id, status, updated_at, last_seq, last_message_id, user_messages, admin_messages, user_last_seq, admin_last_seq) \
         where rooms.id = j.id",
    )
    .bind(changed.iter().map(|(id, _)| **id).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, room)| columns::status_text(room.status)).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, room)| room.updated_at).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, room)| room.last_seq).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, room)| room.last_message_id).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, room)| room.user_messages).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, room)| room.admin_messages).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, room)| room.user_last_seq).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, room)| room.admin_last_seq).collect::<Vec<_>>())
    .bind(version);
    session(work).fetch_all(rooms).await?;
    Ok(())
}
