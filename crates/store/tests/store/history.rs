//! Pages of history and what a resume replays.

use frontdesk_protocol::RoomStatus;
use frontdesk_store::{Event, MessageQuery};

use crate::fixture::{Desk, desk, seq};

async fn page(desk: &Desk, before: Option<i64>, after: Option<i64>, limit: i64) -> Vec<i64> {
    let page = MessageQuery { before, after, limit };
    desk.store.messages(desk.room, page).await.unwrap().into_iter().map(|message| message.seq).collect()
}

#[tokio::test]
async fn history_comes_in_pages_oldest_first() {
    let desk = desk().await;
    for number in 1..=7 {
        desk.says(&desk.grace, &number.to_string()).await;
    }
    assert_eq!(page(&desk, None, None, 3).await, [5, 6, 7], "the newest page");
    assert_eq!(page(&desk, Some(5), None, 3).await, [2, 3, 4]);
    assert_eq!(page(&desk, Some(2), None, 3).await, [1]);
    assert_eq!(page(&desk, None, Some(0), 3).await, [1, 2, 3]);
    assert_eq!(page(&desk, None, Some(6), 3).await, [7]);
    assert_eq!(page(&desk, Some(6), Some(1), 9).await, [2, 3, 4, 5], "between the two");
    assert_eq!(page(&desk, Some(1), None, 3).await, [0; 0]);
}

#[tokio::test]
async fn a_resume_replays_messages_and_status_changes_in_one_order() {
    let mut desk = desk().await;
    desk.says(&desk.grace, "One").await;
    desk.store.set_status(desk.room, desk.ada.id, RoomStatus::Resolved).await.unwrap();
    desk.says(&desk.grace, "Two").await;
    desk.store.set_status(desk.room, desk.ada.id, RoomStatus::Resolved).await.unwrap();
    let events = desk.history().await;
    assert_eq!(events.iter().filter_map(seq).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert!(matches!(events[1], Event::StatusChanged { status: RoomStatus::Resolved, seq: 2, .. }));
    let live: Vec<_> = desk.published().into_iter().filter(|event| seq(event).is_some()).collect();
    assert_eq!(events, live, "replayed as it was live");
    assert_eq!(desk.store.events_after(desk.room, 1, 2).await.unwrap(), events[1..3]);
    assert_eq!(page(&desk, None, None, 9).await, [1, 3], "history pages hold messages only");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resume_beside_a_writer_sees_no_hole() {
    let desk = desk().await;
    let (store, room, ada, grace) = (desk.store.clone(), desk.room, desk.ada.clone(), desk.grace.clone());
    let writer = tokio::spawn(async move {
        for number in 0..150 {
            let said = crate::fixture::text(room, &grace, "Hi");
            store.send(said).await.unwrap().await.unwrap();
            let status = if number % 2 == 0 { RoomStatus::Resolved } else { RoomStatus::Open };
            store.set_status(room, ada.id, status).await.unwrap();
        }
    });
    while !writer.is_finished() {
        let seqs: Vec<_> = desk.history().await.iter().filter_map(seq).collect();
        assert_eq!(seqs, (1..=seqs.len() as i64).collect::<Vec<_>>());
    }
    writer.await.unwrap();
}
