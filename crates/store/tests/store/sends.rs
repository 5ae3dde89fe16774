//! What becomes of a message.

use std::collections::HashMap;

use frontdesk_protocol::{Role, RoomStatus};
use frontdesk_store::{Event, MessageQuery, NewAttachment, SendOutcome};

use crate::fixture::{desk, person, seq, stored, text};

const UUID: &str = "019b76da-a800-7c1e-8f7b-3d2a9c5e4f10";

#[tokio::test]
async fn a_message_is_stored_with_the_first_seq_and_read_back_as_it_was_answered() {
    let desk = desk().await;
    let mut hello = text(desk.room, &desk.grace, "Hello \u{1F44B} \"quoted\" \\ \u{7}\n");
    hello.client_id = Some("x1".into());
    let message = stored(desk.send(hello).await);
    assert_eq!((message.seq, message.sender.clone(), message.read), (1, desk.grace.clone(), false));
    let page = MessageQuery { before: None, after: None, limit: 50 };
    assert_eq!(desk.store.messages(desk.room, page).await.unwrap(), std::slice::from_ref(&message));
    assert_eq!(desk.room(Role::Admin).await.last_message, Some(message));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_two_people_writing_at_once_leave_no_hole_in_any_room() {
    let mut desk = desk().await;
    let mut rooms = vec![(desk.room, desk.grace.clone())];
    for number in 0..3 {
        let user = person(&desk.store, &format!("User {number}"), &format!("444{number}"), Role::User).await;
        let room = desk.store.open_room(user.id).await.unwrap().unwrap().room_id;
        rooms.push((room, user));
    }
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..32 {
        let (room, user) = rooms[number % rooms.len()].clone();
        let sender = if (number / rooms.len()).is_multiple_of(2) { user } else { desk.ada.clone() };
        let store = desk.store.clone();
        writers.spawn(async move {
            let mut last = 0;
            for word in 0..40 {
                let message = stored(store.send(text(room, &sender, &format!("{number}.{word}"))).await.unwrap().await.unwrap());
                assert!(message.seq > last, "a writer's own messages stand in their order");
                last = message.seq;
            }
        });
    }
    writers.join_all().await;
    let mut heard: HashMap<i64, Vec<i64>> = HashMap::new();
    for event in desk.published() {
        if let Event::Message(message) = event {
            heard.entry(message.room_id).or_default().push(message.seq);
        }
    }
    for (room, _) in rooms {
        assert_eq!(heard[&room], (1..=320).collect::<Vec<_>>(), "published in the order of the seqs");
        let events = desk.store.events_after(room, 0, 1_000).await.unwrap();
        assert_eq!(events.iter().filter_map(seq).collect::<Vec<_>>(), (1..=320).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_resent_message_is_stored_once() {
    for client_id in [UUID, "019B76DA-A800-7C1E-8F7B-3D2A9C5E4F10", "x1", "%_'\"", "\u{1F44B}"] {
        let desk = desk().await;
        let mut first = text(desk.room, &desk.grace, "Hi");
        first.client_id = Some(client_id.into());
        let mut again = first.clone();
        again.text = "another text".into();
        let together = desk.send_together(vec![first.clone(), again.clone()]).await;
        let message = stored(together[0].clone());
        assert_eq!(message.client_id.as_deref(), Some(client_id), "echoed byte for byte");
        assert_eq!(together[1], SendOutcome::Duplicate(message.clone().into()));
        assert_eq!(desk.send(again).await, SendOutcome::Duplicate(message.clone().into()), "in a later batch too");
        assert_eq!(desk.room(Role::User).await.last_seq, 1, "no seq was taken");
    }
}

#[tokio::test]
async fn client_ids_that_differ_in_a_byte_are_two() {
    let desk = desk().await;
    for (number, client_id) in [UUID, "019B76DA-A800-7C1E-8F7B-3D2A9C5E4F10", "019b76daa8007c1e8f7b3d2a9c5e4f10"].into_iter().enumerate() {
        let mut message = text(desk.room, &desk.grace, "Hi");
        message.client_id = Some(client_id.into());
        assert_eq!(stored(desk.send(message).await).seq, number as i64 + 1);
    }
}

#[tokio::test]
async fn a_client_id_belongs_to_its_sender_over_all_rooms() {
    let desk = desk().await;
    let alan = person(&desk.store, "Alan", "5550002", Role::User).await;
    let other = desk.store.open_room(alan.id).await.unwrap().unwrap().room_id;
    let with_id = |room, sender| {
        let mut message = text(room, sender, "Hi");
        message.client_id = Some(UUID.into());
        message
    };
    let outcomes = desk.send_together(vec![with_id(desk.room, &desk.ada), with_id(other, &desk.ada), with_id(other, &alan)]).await;
    assert_eq!(outcomes[1], SendOutcome::ClientIdReused, "in one batch");
    assert_eq!(stored(outcomes[2].clone()).seq, 1, "another sender's is another");
    assert_eq!(desk.send(with_id(other, &desk.ada)).await, SendOutcome::ClientIdReused);
    assert_eq!(desk.send(with_id(999, &desk.ada)).await, SendOutcome::ClientIdReused, "before the room is looked for");
}

#[tokio::test]
async fn duplicates_are_resolved_before_anything_else_is_judged() {
    let desk = desk().await;
    let mut hi = text(desk.room, &desk.grace, "Hi");
    hi.client_id = Some("x1".into());
    let first = stored(desk.send(hi.clone()).await);
    desk.says(&desk.ada, "Hello").await;
    let refused_again = desk.send({
        let mut again = hi.clone();
        again.refused = true;
        again.if_last_seq = Some(0);
        again
    });
    assert_eq!(refused_again.await, SendOutcome::Duplicate(first.into()));
    let mut refused = text(999, &desk.grace, "x");
    refused.refused = true;
    assert_eq!(desk.send(refused).await, SendOutcome::Refused, "before the room is looked for");
    assert_eq!(desk.send(text(999, &desk.grace, "x")).await, SendOutcome::NoSuchRoom);
}

#[tokio::test]
async fn a_stale_message_is_not_stored_and_its_client_id_may_come_again() {
    let desk = desk().await;
    desk.says(&desk.grace, "One").await;
    let mut answer = text(desk.room, &desk.ada, "Answer");
    answer.if_last_seq = Some(0);
    answer.client_id = Some("a1".into());
    assert_eq!(desk.send(answer.clone()).await, SendOutcome::Stale { last_seq: 1 });
    answer.if_last_seq = Some(1);
    let answer = stored(desk.send(answer).await);
    assert_eq!(answer.seq, 2);
    let mut own = text(desk.room, &desk.ada, "More");
    own.if_last_seq = Some(1);
    assert_eq!(stored(desk.send(own).await).seq, 3, "one's own side does not make it stale");
    let mut question = text(desk.room, &desk.grace, "Two");
    question.if_last_seq = Some(2);
    let mut late = text(desk.room, &desk.ada, "Late");
    late.if_last_seq = Some(3);
    let outcomes = desk.send_together(vec![text(desk.room, &desk.grace, "x"), late]).await;
    assert_eq!(outcomes[1], SendOutcome::Stale { last_seq: 4 }, "within a batch too");
    assert_eq!(desk.send(question).await, SendOutcome::Stale { last_seq: 4 });
}

#[tokio::test]
async fn a_users_message_reopens_the_room_without_a_seq_and_an_admins_does_not() {
    let desk = desk().await;
    desk.says(&desk.grace, "Help").await;
    desk.store.set_status(desk.room, desk.ada.id, RoomStatus::Resolved).await.unwrap().unwrap();
    assert_eq!(desk.says(&desk.ada, "Bye").await.seq, 3);
    assert_eq!(desk.room(Role::User).await.status, RoomStatus::Resolved);
    assert_eq!(desk.says(&desk.grace, "Wait").await.seq, 4);
    assert_eq!(desk.room(Role::User).await.status, RoomStatus::Open);
    assert_eq!(desk.history().await.len(), 4, "reopening is no event");
}

#[tokio::test]
async fn files_come_with_their_message_wherever_it_is_read() {
    let mut desk = desk().await;
    let file = |key: &str, width| NewAttachment {
        key: key.into(),
        name: "photo.png".into(),
        content_type: "image/png".into(),
        size: 12,
        width,
        height: width,
        thumbnail: width.is_some(),
        sha256: None,
    };
    let mut message = text(desk.room, &desk.grace, "");
    message.attachments = vec![file("b", Some(3)), file("a", None)];
    message.client_id = Some("x1".into());
    let outcomes = desk.send_together(vec![message.clone(), text(desk.room, &desk.grace, "plain")]).await;
    let sent = stored(outcomes[0].clone());
    assert_eq!(sent.attachments[0].url, format!("/api/chat/attachments/{}/", sent.attachments[0].id));
    assert_eq!(sent.attachments[0].thumbnail_url, Some(format!("/api/chat/attachments/{}/thumbnail/", sent.attachments[0].id)));
    assert_eq!((sent.attachments[1].width, sent.attachments[1].thumbnail_url.clone()), (None, None));
    assert!(stored(outcomes[1].clone()).attachments.is_empty());
    assert_eq!(desk.send(message).await, SendOutcome::Duplicate(sent.clone().into()));
    assert!(desk.published().contains(&Event::Message(sent.clone())));
    assert_eq!(desk.history().await[0], Event::Message(sent.clone()));
    let kept = desk.store.attachment(sent.attachments[1].id).await.unwrap().expect("it is there");
    assert_eq!((kept.key.as_str(), kept.room_id, kept.thumbnail), ("a", desk.room, false));
    assert_eq!(desk.store.attachment(99).await.unwrap(), None);
    let keys = desk.store.attachment_keys(0, 10).await.unwrap();
    assert_eq!(keys, [(sent.attachments[0].id, "b".to_owned()), (sent.attachments[1].id, "a".to_owned())]);
}
