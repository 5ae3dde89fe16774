//! Sending: a run of new messages is judged in memory and stored as one set, whatever its size.

use std::collections::HashMap;

use frontdesk_protocol::{Attachment, Id, Message, Role, RoomStatus, Seq, User};
use sqlx::{QueryBuilder, Row as _, Sqlite};

use crate::{
    Error, Event, NewAttachment, Pending, Store, attachments,
    batch::{Job, Work},
    columns, messages,
    sqlite::Row,
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

/// Stores a run of messages in their order. What the rules refuse takes no seq. `last`: nothing else comes in the transaction, which
/// may be committed together with the last statement.
pub(crate) async fn store(work: &mut Work, mut set: Vec<NewMessage>, last: bool) -> sqlx::Result<Vec<SendOutcome>> {
    if set.is_empty() {
        return Ok(Vec::new());
    }
    let Found { mut rooms, last_id, firsts } = find(work, &set).await?;
    let (verdicts, placed) = judge(work, &set, firsts, &mut rooms);
    let known = known_messages(work, &verdicts).await?;
    let stored = insert(work, &mut set, &placed, rooms, last_id, last).await?;
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
    /// The newest message's id.
    last_id: Id,
    /// Which of the set's client ids were stored before, over all rooms, by sender and client id.
    firsts: HashMap<(Id, String), First>,
}

async fn find(work: &mut Work, set: &[NewMessage]) -> sqlx::Result<Found> {
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
    Ok(found)
}

impl Found {
    async fn read(&mut self, query: &mut QueryBuilder<Sqlite>, asked: &[(usize, (Id, &str))], work: &mut Work) -> sqlx::Result<()> {
        for row in query.build().fetch_all(&mut work.connection).await? {
            match row.try_get::<&str, _>(0)? {
                "room" => drop(self.rooms.insert(row.try_get("id")?, Tally::of(&row)?)),
                "last" => self.last_id = row.try_get(1)?,
                _ => {
                    let (_, (sender_id, client_id)) = asked[row.try_get::<i64, _>(1)? as usize];
                    self.firsts.insert((sender_id, client_id.to_owned()), First::Stored { id: row.try_get(2)?, room_id: row.try_get(3)? });
                }
            }
        }
        Ok(())
    }
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
    fn of(row: &Row) -> sqlx::Result<Self> {
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

/// Inserts the placed messages with their files, brings their rooms up to date, and answers the messages in order. Ids are given here,
/// which saves reading them back: nobody else writes during the transaction.
async fn insert(
    work: &mut Work,
    set: &mut [NewMessage],
    placed: &[Placed],
    mut rooms: HashMap<Id, Tally>,
    last_id: Id,
    last: bool,
) -> sqlx::Result<Vec<Message>> {
    if placed.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = insert_messages(work, set, placed, last_id).await?;
    let mut messages: Vec<_> = (last_id + 1..).zip(placed).map(|(id, place)| message(work, &mut set[place.index], place, id)).collect();
    for message in &messages {
        rooms.get_mut(&message.room_id).expect("it was placed there").last_message_id = Some(message.id);
    }
    if placed.iter().any(|place| !set[place.index].attachments.is_empty()) {
        run(work, &mut query).await?;
        query = QueryBuilder::new("");
        let files = placed.iter().zip(&messages).map(|(place, message)| (message, &set[place.index].attachments[..]));
        let mut files = attachments::insert(work, files).await?;
        for message in &mut messages {
            message.attachments = files.remove(&message.id).unwrap_or_default();
        }
    }
    update_rooms(work, query, &rooms, last).await?;
    Ok(messages)
}

/// Runs what a query is made of and notes the change number, if it takes one.
async fn run(work: &mut Work, query: &mut QueryBuilder<Sqlite>) -> sqlx::Result<()> {
    for row in query.build().fetch_all(&mut work.connection).await? {
        work.note_version(row.try_get("version")?);
    }
    Ok(())
}

/// All but the last set, which is answered as the beginning of the next query.
async fn insert_messages(work: &mut Work, set: &[NewMessage], placed: &[Placed], last_id: Id) -> sqlx::Result<QueryBuilder<Sqlite>> {
    let rows: Vec<_> = (last_id + 1..).zip(placed).map(|(id, place)| (id, place, &set[place.index])).collect();
    let mut query = QueryBuilder::new("");
    for (nth, rows) in columns::filled_sets(&rows).enumerate() {
        if nth > 0 {
            run(work, &mut query).await?;
            query = QueryBuilder::new("");
        }
        query.push(
            "insert into messages (id, room_id, seq, sender_id, side, text, client_id, created_at, user_count, admin_count, files) \
             select * from (",
        );
        query.push_values(rows, |mut row, new| {
            row.push_bind(new.map(|(id, ..)| *id))
                .push_bind(new.map(|(_, _, message)| message.room_id))
                .push_bind(new.map(|(_, place, _)| place.seq))
                .push_bind(new.map(|(_, _, message)| message.sender.id))
                .push_bind(new.map(|(_, _, message)| columns::role_text(message.sender.role)))
                .push_bind(new.map(|(_, _, message)| message.text.as_str()))
                .push_bind(new.and_then(|(_, _, message)| message.client_id.as_deref()).map(columns::ClientId))
                .push_bind(new.map(|_| work.now.as_millis()))
                .push_bind(new.map(|(_, place, _)| place.user_count))
                .push_bind(new.map(|(_, place, _)| place.admin_count))
                .push_bind(new.map(|(_, _, message)| message.attachments.len() as i64));
        });
        query.push(") where column1 is not null; ");
    }
    Ok(query)
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

async fn update_rooms(work: &mut Work, mut query: QueryBuilder<Sqlite>, rooms: &HashMap<Id, Tally>, last: bool) -> sqlx::Result<()> {
    query.push("update meta set version = version + ").push_bind(work.version_step()).push(" returning version; ");
    let changed: Vec<_> = rooms.iter().filter(|(_, room)| room.changed).collect();
    for (nth, rows) in columns::filled_sets(&changed).enumerate() {
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

/// The messages of earlier sets that were sent again, as they are now.
async fn known_messages(work: &mut Work, verdicts: &[Verdict]) -> sqlx::Result<HashMap<Id, Message>> {
    let ids: Vec<_> = verdicts.iter().filter_map(|verdict| if let Verdict::Known(id) = verdict { Some(*id) } else { None }).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let messages = messages::by_ids(&mut work.connection, &ids).await?;
    Ok(messages.into_iter().map(|message| (message.id, message)).collect())
}
