//! Sending: a run of new messages is judged in memory and stored as one set, whatever its size.

mod postgres;
mod sqlite;

use std::collections::HashMap;

use frontdesk_protocol::{Attachment, Id, Message, Role, RoomStatus, Seq, User};

use crate::{
    Error, Event, NewAttachment, Pending, Store, attachments,
    batch::{Job, Work},
    columns, messages,
    sql::{self, Dialect},
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
        self.queue().push(|reply| Job::Send(Some(message), reply)).await
    }
}

/// A room while a set goes through it.
pub(crate) struct Tally {
    status: RoomStatus,
    pub(crate) updated_at: i64,
    pub(crate) last_seq: Seq,
    pub(crate) last_message_id: Option<Id>,
    pub(crate) user_messages: i64,
    pub(crate) admin_messages: i64,
    pub(crate) user_last_seq: Seq,
    pub(crate) admin_last_seq: Seq,
    pub(crate) changed: bool,
}

/// Rooms as they are before a set goes through them.
pub(crate) async fn rooms(work: &mut Work, ids: impl Iterator<Item = Id>) -> sqlx::Result<HashMap<Id, Tally>> {
    let rows = sql::query(concat!(
        "select id, status, updated_at, last_seq, last_message_id, user_messages, admin_messages, user_last_seq, admin_last_seq \
         from rooms where id in ",
        columns::ids_sql!()
    ))
    .bind(columns::ids(ids))
    .fetch_all(&mut work.connection)
    .await?;
    rows.iter().map(|row| Ok((row.try_get("id")?, Tally::of(row)?))).collect()
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

/// Stores a run of messages in their order. What the rules refuse takes no seq. `last`: nothing else comes in the transaction, which
/// may be committed together with the last statement.
pub(crate) async fn store(work: &mut Work, mut set: Vec<NewMessage>, last: bool) -> sqlx::Result<Vec<SendOutcome>> {
    if set.is_empty() {
        return Ok(Vec::new());
    }
    let Found { mut rooms, ids, firsts } = match work.connection.dialect() {
        Dialect::Sqlite => sqlite::find(work, &set).await?,
        Dialect::Postgres => postgres::find(work, &set).await?,
    };
    let (verdicts, placed) = judge(work, &set, firsts, &mut rooms);
    let known = known_messages(work, &verdicts).await?;
    let stored = insert(work, &mut set, &placed, rooms, &ids, last).await?;
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

/// What a run of messages finds.
#[derive(Default)]
struct Found {
    rooms: HashMap<Id, Tally>,
    /// As many ids for new messages as may be needed.
    ids: Vec<Id>,
    /// Which of the set's client ids were stored before, over all rooms, by sender and client id.
    firsts: HashMap<(Id, String), First>,
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
    fn of(row: &sql::Row) -> sqlx::Result<Self> {
        Ok(Self {
            status: columns::status(row, "status")?,
            updated_at: row.try_get("updated_at")?,
            last_seq: row.try_get("last_seq")?,
            last_message_id: row.try_get("last_message_id")?,
            user_messages: row.try_get("user_messages")?,
            admin_messages: row.try_get("admin_messages")?,
            user_last_seq: row.try_get("user_last_seq")?,
            admin_last_seq: row.try_get("admin_last_seq")?,
            changed: false,
        })
    }

    fn other_sides_last_seq(&self, side: Role) -> Seq {
        match side {
            Role::User => self.admin_last_seq,
            Role::Admin => self.user_last_seq,
        }
    }

    fn place(&mut self, index: usize, side: Role, now: i64) -> Placed {
        if side == Role::User {
            self.status = RoomStatus::Open;
        }
        let seq = self.count(side, now);
        Placed { index, seq, user_count: self.user_messages, admin_count: self.admin_messages }
    }

    /// One more message of a side; answers its seq.
    pub(crate) fn count(&mut self, side: Role, at: i64) -> Seq {
        self.changed = true;
        self.last_seq += 1;
        self.updated_at = self.updated_at.max(at);
        match side {
            Role::User => {
                self.user_messages += 1;
                self.user_last_seq = self.last_seq;
            }
            Role::Admin => {
                self.admin_messages += 1;
                self.admin_last_seq = self.last_seq;
            }
        }
        self.last_seq
    }
}

/// A message that is being stored: the row, and what becomes of it.
struct Row<'a> {
    id: Id,
    place: &'a Placed,
    new: &'a NewMessage,
}

/// Inserts the placed messages with their files, brings their rooms up to date, and answers the messages in order.
async fn insert(
    work: &mut Work,
    set: &mut [NewMessage],
    placed: &[Placed],
    mut rooms: HashMap<Id, Tally>,
    ids: &[Id],
    last: bool,
) -> sqlx::Result<Vec<Message>> {
    if placed.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<_> = ids.iter().zip(placed).map(|(id, place)| Row { id: *id, place, new: &set[place.index] }).collect();
    for row in &rows {
        rooms.get_mut(&row.new.room_id).expect("it was placed there").last_message_id = Some(row.id);
    }
    let changed: Vec<_> = rooms.iter().filter(|(_, room)| room.changed).collect();
    let has_files = rows.iter().any(|row| !row.new.attachments.is_empty());
    match work.connection.dialect() {
        Dialect::Sqlite => sqlite::insert(work, &rows, &changed, last && !has_files).await?,
        Dialect::Postgres => postgres::insert(work, &rows, &changed).await?,
    }
    drop(rows);
    let mut messages: Vec<_> = ids.iter().zip(placed).map(|(id, place)| message(work, &mut set[place.index], place, *id)).collect();
    if has_files {
        let files = placed.iter().zip(&messages).map(|(place, message)| (message, &set[place.index].attachments[..]));
        let mut files = attachments::insert(work, files).await?;
        for message in &mut messages {
            message.attachments = files.remove(&message.id).unwrap_or_default();
        }
    }
    Ok(messages)
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

/// The messages of earlier sets that were sent again, as they are now.
async fn known_messages(work: &mut Work, verdicts: &[Verdict]) -> sqlx::Result<HashMap<Id, Message>> {
    let ids: Vec<_> = verdicts.iter().filter_map(|verdict| if let Verdict::Known(id) = verdict { Some(*id) } else { None }).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let messages = messages::by_ids(&mut work.connection, &ids).await?;
    Ok(messages.into_iter().map(|message| (message.id, message)).collect())
}
