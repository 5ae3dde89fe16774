//! The verdict, from outside: what everybody was told against what the server has when all is calm.

use std::collections::{BTreeMap, HashMap};

use anyhow::Result;
use frontdesk_bench::http::Api;
use frontdesk_protocol::{Id, Role, Room, RoomStatus, Seq, body::RoomsSummary};

use super::{
    desk::Desk,
    ledger::{Ledger, Pages, Shown, Wrong},
    origin::OriginSight,
    truth::{RoomTruth, Truth},
    view::{Seen, View},
};

/// Every room's seqs are 1…n, and nobody was told of a higher one.
pub fn seqs(truth: &Truth, ledger: &Ledger) {
    let mut pages = ledger.pages();
    for (id, room) in truth {
        let whole = room.events.keys().copied().eq(1..=room.head());
        if !whole {
            let seqs: Vec<Seq> = room.events.keys().copied().collect();
            pages.wrong(Wrong::Lost, format!("room {id} has holes: {seqs:?}"));
        }
        let told = pages.heads.get(id).copied().unwrap_or_default();
        if told > room.head() {
            pages.wrong(Wrong::Phantom, format!("somebody was told that room {id} is at {told}, it is at {}", room.head()));
        }
    }
}

/// Every acked `client_id` is there once, with what its sender was told; everything said was acked in the end.
pub fn acks(truth: &Truth, ledger: &Ledger) {
    let mut pages = ledger.pages();
    let mut stored: HashMap<&str, Vec<(Id, Seq)>> = HashMap::new();
    for (room, seq, message) in messages(truth) {
        if let Some(client_id) = &message.client_id {
            stored.entry(client_id).or_default().push((room, seq));
        }
    }
    let mut wrongs = Vec::new();
    for (client_id, said) in &pages.said {
        let places = stored.remove(client_id.as_str()).unwrap_or_default();
        match (pages.acked.get(client_id), places.as_slice()) {
            (None, places) => wrongs.push((Wrong::Lost, format!("{client_id} of {} was never acked; stored at {places:?}", said.sender))),
            (Some(acked), []) => wrongs.push((Wrong::Lost, format!("{client_id} was acked as {acked:?} and is not there"))),
            (Some(acked), [(room, seq)]) => {
                let message = &truth[room].messages[seq];
                let told = (acked.room, acked.seq, acked.id, acked.created_at);
                let is = (*room, *seq, message.id, message.created_at);
                if told != is {
                    wrongs.push((Wrong::Lost, format!("{client_id} was acked as {told:?}, stored as {is:?}")));
                }
                if (said.room, said.sender, &said.text) != (*room, message.sender.id, &message.message) {
                    wrongs.push((Wrong::Other, format!("{client_id} was said as {said:?}, stored as {message:?}")));
                }
            }
            (_, places) => wrongs.push((Wrong::Doubled, format!("{client_id} is stored at {places:?}"))),
        }
    }
    wrongs.extend(stored.into_keys().map(|client_id| (Wrong::Other, format!("nobody said {client_id}, which is stored"))));
    tell(&mut pages, wrongs);
}

fn tell(pages: &mut Pages, wrongs: Vec<(Wrong, String)>) {
    for (kind, what) in wrongs {
        pages.wrong(kind, what);
    }
}

fn messages(truth: &Truth) -> impl Iterator<Item = (Id, Seq, &frontdesk_protocol::Message)> {
    truth.iter().flat_map(|(id, room)| room.messages.iter().map(|(seq, message)| (*id, *seq, message)))
}

/// Whatever anybody ever saw is stored as it was seen.
pub fn shown(truth: &Truth, ledger: &Ledger) {
    let mut pages = ledger.pages();
    let mut wrongs = Vec::new();
    for ((room, seq), shown) in &pages.shown {
        let stored = truth.get(room).and_then(|room| room.messages.get(seq)).map(Shown::of);
        if stored.as_ref() != Some(shown) {
            wrongs.push((Wrong::Phantom, format!("in room {room} at {seq} somebody saw {shown:?}; stored is {stored:?}")));
        }
    }
    tell(&mut pages, wrongs);
}

/// A client's copy equals the server's from where it begins.
pub fn view(view: &View, room: &RoomTruth, ledger: &Ledger) {
    let wrong = |kind, what: String| ledger.wrong(kind, format!("{} in room {}: {what}", view.who, view.room));
    if !view.begun {
        return wrong(Wrong::Lost, "it was never told anything".into());
    }
    if view.head != room.head() {
        wrong(Wrong::Lost, format!("it has come to {}, the room to {}", view.head, room.head()));
    }
    let stored: BTreeMap<Seq, Seen> = room.events.range(view.base + 1..).map(|(seq, event)| (*seq, event.clone())).collect();
    if stored != view.events {
        let differs = stored.iter().find(|(seq, event)| view.events.get(seq) != Some(event));
        wrong(Wrong::Lost, format!("its copy differs, first at {differs:?}"));
    }
    if view.status != Some(room.status()) {
        wrong(Wrong::Other, format!("it believes the status {:?}, stored is {:?}", view.status, room.status()));
    }
    if view.receipts != room.receipts {
        wrong(Wrong::Other, format!("it believes the receipts {:?}, a fresh ready says {:?}", view.receipts, room.receipts));
    }
}

/// Watermarks that anybody was told are at least there.
pub fn receipts(truth: &Truth, ledger: &Ledger) {
    let mut pages = ledger.pages();
    let mut wrongs = Vec::new();
    for ((room, user), told) in &pages.marks {
        let now = truth.get(room).and_then(|room| room.receipts.get(user)).copied().unwrap_or_default();
        if now.0 < told.0 || now.1 < told.1 {
            wrongs.push((Wrong::Other, format!("in room {room} the receipts of {user} were told as {told:?} and are {now:?}")));
        }
    }
    tell(&mut pages, wrongs);
}

/// What a client of old saw on each connection is what was written meanwhile; what it said is there once, and in its order as far as
/// one node took it: what a node that cannot reach the database takes may be stored later than what it says at another one meanwhile.
pub fn origin(sight: &OriginSight, room: &RoomTruth, ledger: &Ledger) {
    for run in &sight.runs {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        let stored: Vec<Seq> = room.messages.range(first..=last).map(|(seq, _)| *seq).collect();
        if stored != *run {
            ledger.wrong(Wrong::Lost, format!("{} saw {run:?} in room {}, stored is {stored:?}", sight.who, sight.room));
        }
    }
    if sight.connected
        && let Some((text, at)) = sight.waiting.first()
    {
        ledger.wrong(
            Wrong::Lost,
            format!("{} said {text:?} {} s ago, and its line lives without an echo", sight.who, at.elapsed().as_secs()),
        );
    }
    let mine = room.messages.values().filter(|message| message.sender.id == sight.person);
    let mut newest: HashMap<&str, usize> = HashMap::new();
    for said in mine.filter_map(|message| message.message.strip_prefix(&sight.mark)) {
        let Some((node, number)) = said.split_once('-').and_then(|(node, number)| Some((node, number.parse().ok()?))) else { continue };
        let before = newest.insert(node, number).unwrap_or(0);
        if before >= number {
            let kind = if before == number { Wrong::Doubled } else { Wrong::Reordered };
            ledger.wrong(kind, format!("{} said {before} and {number}; stored in this order", sight.who));
        }
    }
}

/// What a list says of a room that can be counted anew.
type Listed = (i64, Seq, RoomStatus, Option<Id>);

fn listed(room: &Room) -> Listed {
    (room.unread_count, room.last_seq, room.status, room.last_message.as_ref().map(|message| message.id))
}

fn counted(truth: &RoomTruth, rooms: &[Room]) -> Listed {
    let newest = truth.messages.last_key_value().map(|(_, message)| message.id);
    (truth.past(read_by_admins(truth, rooms), Role::User), truth.head(), truth.status(), newest)
}

/// The list of rooms says what a recount says, and so does each admin's inbox.
pub fn lists(truth: &Truth, rooms: &[Room], inboxes: &[&Desk], ledger: &Ledger) {
    for room in rooms {
        let (list, recount) = (listed(room), counted(&truth[&room.id], rooms));
        if list != recount {
            ledger.wrong(Wrong::Other, format!("the list says of room {} {list:?}, a recount {recount:?}", room.id));
        }
        for inbox in inboxes {
            let told = inbox.list.get(&room.id).map(listed);
            if told != Some(list) {
                ledger.wrong(Wrong::Other, format!("{} was told of room {} {told:?}, the list says {list:?}", inbox.who, room.id));
            }
        }
    }
}

/// The summary is the sum of the recounts.
pub async fn summary(api: &Api, truth: &Truth, rooms: &[Room], ledger: &Ledger) -> Result<()> {
    let mut recount = RoomsSummary { rooms: rooms.len().try_into()?, ..RoomsSummary::default() };
    for room in rooms {
        let (unread, _, status, _) = counted(&truth[&room.id], rooms);
        recount.unread += unread;
        recount.rooms_unread += i64::from(unread > 0);
        match status {
            RoomStatus::Open => recount.open += 1,
            RoomStatus::Resolved => recount.resolved += 1,
        }
    }
    let summary: RoomsSummary = serde_json::from_value(api.read("/api/chat/rooms/summary/").await?)?;
    if summary != recount {
        ledger.wrong(Wrong::Other, format!("the summary says {summary:?}, a recount {recount:?}"));
    }
    Ok(())
}

/// A user's own list counts what admins wrote past the user's watermark.
pub async fn own_counts(api: &Api, user: Id, truth: &Truth, ledger: &Ledger) -> Result<()> {
    for room in super::client::all_rooms(api).await? {
        let known = &truth[&room.id];
        let read = known.receipts.get(&user).map_or(0, |(read, _)| *read);
        let unread = known.past(read, Role::Admin);
        if room.unread_count != unread {
            ledger.wrong(
                Wrong::Other,
                format!("user {user} is told of {} unread in room {}, a recount says {unread}", room.unread_count, room.id),
            );
        }
    }
    Ok(())
}

/// The furthest watermark of any admin; a room's user is the one person with a watermark who is none.
fn read_by_admins(room: &RoomTruth, rooms: &[Room]) -> Seq {
    let is_user = |id: &Id| rooms.iter().any(|room| room.user.id == *id);
    room.receipts.iter().filter(|(id, _)| !is_user(id)).map(|(_, (read, _))| *read).max().unwrap_or_default()
}

/// What was uploaded comes back, byte for byte. Answers how many files there are.
pub async fn files(api: &Api, truth: &Truth, ledger: &Ledger) -> Result<usize> {
    let files = std::mem::take(&mut ledger.pages().files);
    for (room, seq, message) in messages(truth) {
        let Some(bytes) = message.client_id.as_ref().and_then(|client_id| files.get(client_id)) else { continue };
        let what = match message.attachments.as_slice() {
            [attachment] => match api.get(&attachment.url).await? {
                answer if answer.status == 200 && answer.body == *bytes => continue,
                answer => format!("answers {} with {} bytes", answer.status, answer.body.len()),
            },
            others => format!("is one of {}", others.len()),
        };
        ledger.wrong(Wrong::Lost, format!("the file of {} bytes at {seq} in room {room} {what}", bytes.len()));
    }
    Ok(files.len())
}
