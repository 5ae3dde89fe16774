//! Watermarks and what is computed from them.

use frontdesk_protocol::{Message, Role, Room, RoomStatus, User, body::RoomsSummary, frame::Receipt};
use frontdesk_store::{Event, Mark, MarkKind, MarkOutcome, MessageQuery, RoomQuery};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use crate::fixture::{Desk, desk, person, receipts, text};

#[tokio::test]
async fn receipts_only_grow_and_reading_delivers() {
    let mut desk = desk().await;
    let (one, two) = (desk.says(&desk.grace, "One").await, desk.says(&desk.grace, "Two").await);
    desk.published();
    assert_eq!(desk.mark(&desk.ada, &one, MarkKind::Delivered).await, MarkOutcome::Moved);
    desk.wait_ms(1_000);
    assert_eq!(desk.mark(&desk.ada, &two, MarkKind::Read).await, MarkOutcome::Moved);
    for (message, kind) in [(&one, MarkKind::Read), (&two, MarkKind::Read), (&two, MarkKind::Delivered), (&one, MarkKind::Delivered)] {
        assert_eq!(desk.mark(&desk.ada, message, kind).await, MarkOutcome::Unmoved);
    }
    let receipt = Receipt { user_id: desk.ada.id, role: Role::Admin, read_seq: 2, delivered_seq: 2 };
    assert_eq!(receipts(&desk.store, desk.room).await, [receipt]);
    let marks = desk.store.receipt_marks(desk.room).await.unwrap();
    assert_eq!(
        marks.iter().map(|mark| (mark.kind, mark.message_id, mark.seq)).collect::<Vec<_>>(),
        [(MarkKind::Read, two.id, 2), (MarkKind::Delivered, two.id, 2)]
    );
    assert_eq!(marks[0].at, two.created_at.plus_millis(1_000));
    let heard = desk.published();
    assert_eq!(heard.len(), 2, "only what moved is told: {heard:?}");
    assert_eq!(heard[1], Event::Receipt(marks[0]));
}

#[tokio::test]
async fn a_message_of_another_room_is_none() {
    let desk = desk().await;
    let alan = person(&desk.store, "Alan", "5550002", Role::User).await;
    let other = desk.store.open_room(alan.id).await.unwrap().unwrap().room_id;
    let message = desk.says(&desk.grace, "Hi").await;
    for mark in [(other, message.id), (desk.room, 999), (999, message.id)] {
        let mark = Mark { room_id: mark.0, person: alan.clone(), message_id: mark.1, kind: MarkKind::Read };
        assert_eq!(desk.store.mark(mark).await.unwrap().await.unwrap(), MarkOutcome::NoSuchMessage);
    }
    assert_eq!(receipts(&desk.store, other).await, []);
}

#[tokio::test]
async fn a_mark_in_the_batch_of_its_message_counts() {
    let desk = desk().await;
    let first = desk.says(&desk.grace, "One").await;
    let (room, ada) = (desk.room, desk.ada.clone());
    let send = desk.store.send(text(room, &desk.grace, "Two")).await.unwrap();
    let mark = |message_id| Mark { room_id: room, person: ada.clone(), message_id, kind: MarkKind::Read };
    let marks = [desk.store.mark(mark(first.id + 1)).await.unwrap(), desk.store.mark(mark(first.id)).await.unwrap()];
    send.await.unwrap();
    let [further, earlier] = marks;
    assert_eq!(further.await.unwrap(), MarkOutcome::Moved);
    assert_eq!(earlier.await.unwrap(), MarkOutcome::Unmoved);
    assert_eq!(desk.room(Role::Admin).await.unread_count, 0);
}

/// What a random test does; numbers choose among what is there.
#[derive(Clone, Debug)]
enum Act {
    Say(usize),
    Mark(usize, usize, bool),
    Resolve,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..3_usize).prop_map(Act::Say),
        4 => (0..3_usize, any::<usize>(), any::<bool>()).prop_map(|(who, which, read)| Act::Mark(who, which, read)),
        1 => Just(Act::Resolve),
    ]
}

async fn perform(desk: &Desk, people: &[User], said: &mut Vec<Message>, act: Act) {
    match act {
        Act::Say(who) => said.push(desk.says(&people[who], "Hi").await),
        Act::Mark(who, which, read) if !said.is_empty() => {
            let kind = if read { MarkKind::Read } else { MarkKind::Delivered };
            desk.mark(&people[who], &said[which % said.len()], kind).await;
        }
        Act::Mark(..) => {}
        Act::Resolve => {
            desk.store.set_status(desk.room, desk.ada.id, RoomStatus::Resolved).await.unwrap();
        }
    }
}

/// Counts from the messages and receipts themselves what the room says from its running counts.
async fn check_against_recount(desk: &Desk) {
    let receipts = receipts(&desk.store, desk.room).await;
    let furthest = |role| receipts.iter().filter(|receipt| receipt.role == role).map(|receipt| receipt.read_seq).max().unwrap_or(0);
    let page = MessageQuery { before: None, after: None, limit: 1_000 };
    let messages = desk.store.messages(desk.room, page).await.unwrap();
    for (viewer, other) in [(Role::User, Role::Admin), (Role::Admin, Role::User)] {
        let unread = messages.iter().filter(|message| message.sender.role == other && message.seq > furthest(viewer)).count();
        assert_eq!(desk.room(viewer).await.unread_count, unread as i64);
    }
    for message in messages {
        let other = if message.sender.role == Role::User { Role::Admin } else { Role::User };
        assert_eq!(message.read, message.seq <= furthest(other));
    }
    check_totals(desk).await;
}

/// What the inbox says of all rooms, from the rooms themselves.
async fn check_totals(desk: &Desk) {
    let all = RoomQuery { viewer: Role::Admin, user_id: desk.ada.id, q: None, status: None, unread: false, cursor: None, limit: 200 };
    let rooms = desk.store.rooms(&all).await.unwrap().results;
    let count = |is: fn(&Room) -> bool| rooms.iter().filter(|room| is(room)).count() as i64;
    let recount = RoomsSummary {
        rooms: rooms.len() as i64,
        rooms_unread: count(|room| room.unread_count > 0),
        unread: rooms.iter().map(|room| room.unread_count).sum(),
        open: count(|room| room.status == RoomStatus::Open),
        resolved: count(|room| room.status == RoomStatus::Resolved),
    };
    assert_eq!(desk.store.summary(Role::Admin, desk.ada.id).await.unwrap(), recount);
}

#[test]
fn unread_equals_a_recount_whatever_happens() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    let run = runner.run(&prop::collection::vec(act(), 1..40), |acts| {
        runtime.block_on(async {
            let desk = desk().await;
            let second = person(&desk.store, "Second", "8888888888", Role::Admin).await;
            let people = [desk.ada.clone(), desk.grace.clone(), second];
            // Another room, so that the inbox has something to add up.
            let alan = person(&desk.store, "Alan", "5550002", Role::User).await;
            let other = desk.store.open_room(alan.id).await.unwrap().unwrap().room_id;
            desk.send(text(other, &alan, "Hi")).await;
            let mut said = Vec::new();
            for act in acts {
                perform(&desk, &people, &mut said, act).await;
                check_against_recount(&desk).await;
            }
        });
        Ok(())
    });
    run.unwrap();
}
