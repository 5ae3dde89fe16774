//! Sending: a run of new messages is judged in memory and stored as one set, whatever its size.

use std::collections::HashMap;

use frontdesk_protocol::{Attachment, Id, Message, Role, RoomStatus, Seq, User};
use sqlx::{QueryBuilder, Row as _};

use crate::{
    Error, Event, NewAttachment, Pending, Store, attachments,
    batch::{Job, Work},
    columns, messages,
};

/// A message to be stored. Its sender is an account of this database.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// Where.
    pub room_id: Id,
    /// Who says it; `role` is the side it is sent from.
    pub sender: User,
    /// The text, as it was sent.
    pub text: String,
    /// The sender's own id for it: the first use stands.
    pub client_id: Option<String>,
    /// Refuse it when the other side wrote past this seq.
    pub if_last_seq: Option<Seq>,
    /// Files of it, already on disk.
    pub attachments: Vec<NewAttachment>,
    /// The rules refuse it (too long, too fast, …): only whether it is a duplicate is asked, since that is resolved
    /// before anything else is judged.
    pub refused: bool,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// It is on disk.
    Stored(Box<Message>),
    /// The first message with this `client_id`, in this room, as it is now.
    Duplicate(Box<Message>),
    /// The `client_id` is known in another room.
    ClientIdReused,
    /// The other side wrote past `if_last_seq`.
    Stale {
        /// The room's newest seq.
        last_seq: Seq,
    },
    /// `refused` was set and it is no duplicate.
    Refused,
    /// There is no such room.
    NoSuchRoom,
}

impl Store {
    /// Queues a message; resolves when it has its place in the order, the [`Pending`] when it is stored.
    pub async fn send(&self, message: NewMessage) -> Result<Pending<SendOutcome>, Error> {
        let message = Box::new(message);
        self.queue().push(|reply| Job::Send(message, reply)).await
    }
}

/// A room while a set goes through it.
struct Tally {
    status: RoomStatus,
    updated_at: i64,
    last_seq: Seq,
    last_message_id: Option<Id>,
    user_messages: i64,
    admin_messages: i64,
    user_last_seq: Seq,
    admin_last_seq: Seq,
    changed: bool,
}

/// A message that gets a row: its place in the set, and in its room.
struct Placed {
    index: usize,
    seq: Seq,
    user_count: i64,
    admin_count: i64,
}

enum Verdict {
    /// One of the set's own, by its place among the placed.
    Store(usize),
    Repeat(usize),
    /// Stored by an earlier set.
    Known(Id),
    Other(SendOutcome),
}

/// Where a client id was first used.
#[derive(Clone, Copy)]
enum First {
    Stored { id: Id, room_id: Id },
    Placed { index: usize, room_id: Id },
}

/// Stores a run of messages in their order. What the rules refuse takes no seq.
pub(crate) async fn store(work: &mut Work, mut set: Vec<NewMessage>) -> sqlx::Result<Vec<SendOutcome>> {
    if set.is_empty() {
        return Ok(Vec::new());
    }
    let firsts = known_client_ids(work, &set).await?;
    let mut rooms = tallies(work, &set).await?;
    let (verdicts, placed) = judge(work, &set, firsts, &mut rooms);
    let stored = insert(work, &mut set, &placed, &mut rooms).await?;
    let known = known_messages(work, &verdicts).await?;
    let copy = |message: &Message| Box::new(message.clone());
    let outcomes = verdicts.into_iter().map(|verdict| match verdict {
        Verdict::Store(index) => SendOutcome::Stored(copy(&stored[index])),
        Verdict::Repeat(index) => SendOutcome::Duplicate(copy(&stored[index])),
        Verdict::Known(id) => SendOutcome::Duplicate(copy(known.get(&id).expect("it was found by its client id"))),
        Verdict::Other(outcome) => outcome,
    });
    let outcomes = outcomes.collect();
    work.events.extend(stored.into_iter().map(Event::Message));
    Ok(outcomes)
}

/// Which of the set's client ids were stored before, over all rooms, by sender and client id.
async fn known_client_ids(work: &mut Work, set: &[NewMessage]) -> sqlx::Result<HashMap<(Id, String), First>> {
    let asked: Vec<_> = set.iter().filter_map(|message| Some((message.sender.id, message.client_id.as_deref()?))).collect();
    let mut firsts = HashMap::new();
    for asked in columns::sets(&asked) {
        let mut query = QueryBuilder::new("select j.column1, m.id, m.room_id from (");
        query.push_values(asked.iter().enumerate(), |mut row, (place, (sender_id, client_id))| {
            row.push_bind(place as i64).push_bind(sender_id).push_bind(columns::ClientId(client_id));
        });
        query.push(") j cross join messages m on m.sender_id = j.column2 and m.client_id = j.column3");
        let rows: Vec<(i64, Id, Id)> = query.build_query_as().fetch_all(&mut work.connection).await?;
        firsts.extend(rows.into_iter().map(|(place, id, room_id)| {
            let (sender_id, client_id) = asked[place as usize];
            ((sender_id, client_id.to_owned()), First::Stored { id, room_id })
        }));
    }
    Ok(firsts)
}

async fn tallies(work: &mut Work, set: &[NewMessage]) -> sqlx::Result<HashMap<Id, Tally>> {
    let rows = sqlx::query(concat!(
        "select id, status, updated_at, last_seq, last_message_id, user_messages, admin_messages, user_last_seq, admin_last_seq \
         from rooms where id in ",
        columns::ids_sql!(),
    ))
    .bind(columns::ids(set.iter().map(|message| message.room_id)))
    .fetch_all(&mut work.connection)
    .await?;
    rows.iter()
        .map(|row| {
            let tally = Tally {
                status: columns::status(row, "status")?,
                updated_at: row.try_get("updated_at")?,
                last_seq: row.try_get("last_seq")?,
                last_message_id: row.try_get("last_message_id")?,
                user_messages: row.try_get("user_messages")?,
                admin_messages: row.try_get("admin_messages")?,
                user_last_seq: row.try_get("user_last_seq")?,
                admin_last_seq: row.try_get("admin_last_seq")?,
                changed: false,
            };
            Ok((row.try_get("id")?, tally))
        })
        .collect()
}

/// In the set's order: duplicate, reused, refused, no room, stale; what is left takes the next place in its room.
fn judge(
    work: &Work,
    set: &[NewMessage],
    mut firsts: HashMap<(Id, String), First>,
    rooms: &mut HashMap<Id, Tally>,
) -> (Vec<Verdict>, Vec<Placed>) {
    let mut placed = Vec::with_capacity(set.len());
    let verdicts = set.iter().enumerate().map(|(index, message)| {
        let key = message.client_id.clone().map(|client_id| (message.sender.id, client_id));
        if let Some(first) = key.as_ref().and_then(|key| firsts.get(key)) {
            return again(*first, message.room_id);
        }
        if message.refused {
            return Verdict::Other(SendOutcome::Refused);
        }
        let Some(room) = rooms.get_mut(&message.room_id) else {
            return Verdict::Other(SendOutcome::NoSuchRoom);
        };
        if message.if_last_seq.is_some_and(|seen| room.other_sides_last_seq(message.sender.role) > seen) {
            return Verdict::Other(SendOutcome::Stale { last_seq: room.last_seq });
        }
        if let Some(key) = key {
            firsts.insert(key, First::Placed { index: placed.len(), room_id: message.room_id });
        }
        placed.push(room.place(index, message.sender.role, work.now.as_millis()));
        Verdict::Store(placed.len() - 1)
    });
    (verdicts.collect(), placed)
}

fn again(first: First, room_id: Id) -> Verdict {
    match first {
        First::Stored { id, room_id: there } if there == room_id => Verdict::Known(id),
        First::Placed { index, room_id: there } if there == room_id => Verdict::Repeat(index),
        _ => Verdict::Other(SendOutcome::ClientIdReused),
    }
}

impl Tally {
    fn other_sides_last_seq(&self, side: Role) -> Seq {
        match side {
            Role::User => self.admin_last_seq,
            Role::Admin => self.user_last_seq,
        }
    }

    fn place(&mut self, index: usize, side: Role, now: i64) -> Placed {
        self.changed = true;
        self.last_seq += 1;
        self.updated_at = self.updated_at.max(now);
        match side {
            Role::User => {
                self.user_messages += 1;
                self.user_last_seq = self.last_seq;
                self.status = RoomStatus::Open;
            }
            Role::Admin => {
                self.admin_messages += 1;
                self.admin_last_seq = self.last_seq;
            }
        }
        Placed { index, seq: self.last_seq, user_count: self.user_messages, admin_count: self.admin_messages }
    }
}

/// Inserts the placed messages with their files, brings their rooms up to date, and answers the messages in order.
async fn insert(work: &mut Work, set: &mut [NewMessage], placed: &[Placed], rooms: &mut HashMap<Id, Tally>) -> sqlx::Result<Vec<Message>> {
    if placed.is_empty() {
        return Ok(Vec::new());
    }
    let ids = insert_messages(work, set, placed).await?;
    let mut messages: Vec<_> = placed.iter().zip(ids).map(|(place, id)| message(work, &mut set[place.index], place, id)).collect();
    for message in &messages {
        rooms.get_mut(&message.room_id).expect("it was placed there").last_message_id = Some(message.id);
    }
    let files = placed.iter().zip(&messages).map(|(place, message)| (message, &set[place.index].attachments[..]));
    let mut files = attachments::insert(work, files).await?;
    for message in &mut messages {
        message.attachments = files.remove(&message.id).unwrap_or_default();
    }
    update_rooms(work, rooms).await?;
    Ok(messages)
}

/// Ids are given here, which saves reading them back: nobody else writes during the transaction.
async fn insert_messages(work: &mut Work, set: &[NewMessage], placed: &[Placed]) -> sqlx::Result<Vec<Id>> {
    let last: Option<Id> =
        sqlx::query_scalar("select seq from sqlite_sequence where name = 'messages'").fetch_optional(&mut work.connection).await?;
    let first = last.unwrap_or(0) + 1;
    let ids: Vec<Id> = (first..).take(placed.len()).collect();
    let rows: Vec<_> = ids.iter().zip(placed).collect();
    for rows in columns::sets(&rows) {
        let mut query = QueryBuilder::new(
            "insert into messages (id, room_id, seq, sender_id, side, text, client_id, created_at, user_count, admin_count, files) ",
        );
        query.push_values(rows, |mut row, (id, place)| {
            let message = &set[place.index];
            row.push_bind(*id)
                .push_bind(message.room_id)
                .push_bind(place.seq)
                .push_bind(message.sender.id)
                .push_bind(columns::role_text(message.sender.role))
                .push_bind(&message.text)
                .push_bind(message.client_id.as_deref().map(columns::ClientId))
                .push_bind(work.now.as_millis())
                .push_bind(place.user_count)
                .push_bind(place.admin_count)
                .push_bind(message.attachments.len() as i64);
        });
        query.build().execute(&mut work.connection).await?;
    }
    Ok(ids)
}

/// Takes the texts out of what was to be stored.
fn message(work: &Work, new: &mut NewMessage, place: &Placed, id: Id) -> Message {
    let name = std::mem::take(&mut new.sender.name);
    Message {
        id,
        room_id: new.room_id,
        seq: place.seq,
        sender: User { name, ..new.sender },
        message: std::mem::take(&mut new.text),
        attachments: Vec::<Attachment>::new(),
        client_id: new.client_id.take(),
        created_at: work.now,
        read: false,
    }
}

async fn update_rooms(work: &mut Work, rooms: &HashMap<Id, Tally>) -> sqlx::Result<()> {
    let version = work.version().await?;
    let changed: Vec<_> = rooms.iter().filter(|(_, room)| room.changed).collect();
    for rows in columns::sets(&changed) {
        let mut query = QueryBuilder::new(
            "update rooms set status = j.column2, updated_at = j.column3, last_seq = j.column4, last_message_id = j.column5, \
             user_messages = j.column6, admin_messages = j.column7, user_last_seq = j.column8, admin_last_seq = j.column9, version = ",
        );
        query.push_bind(version).push(" from (");
        query.push_values(rows, |mut row, (id, room)| {
            row.push_bind(*id)
                .push_bind(columns::status_text(room.status))
                .push_bind(room.updated_at)
                .push_bind(room.last_seq)
                .push_bind(room.last_message_id)
                .push_bind(room.user_messages)
                .push_bind(room.admin_messages)
                .push_bind(room.user_last_seq)
                .push_bind(room.admin_last_seq);
        });
        query.push(") j where rooms.id = j.column1");
        query.build().execute(&mut work.connection).await?;
    }
    Ok(())
}

/// The messages of earlier sets that were sent again, as they are now.
async fn known_messages(work: &mut Work, verdicts: &[Verdict]) -> sqlx::Result<HashMap<Id, Message>> {
    let ids: Vec<_> = verdicts.iter().filter_map(|verdict| if let Verdict::Known(id) = verdict { Some(*id) } else { None }).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let messages = messages::by_ids(&mut work.connection, &ids).await?;
    Ok(messages.into_iter().map(|message| (message.id, message)).collect())
}
