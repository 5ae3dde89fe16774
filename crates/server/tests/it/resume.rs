//! Resume: whoever comes back with its last seq misses nothing and hears nothing twice.

use crate::fixture::*;

async fn with_messages(count: usize) -> (House, Tab, String) {
    let house = House::opens().await;
    let mut ada = house.enters(ADA, GRACE.room).await;
    for number in 1..=count {
        ada.says(&format!("m{number}")).await;
    }
    let epoch = ada.ready["epoch"].as_str().expect("ready names the epoch").to_owned();
    (house, ada, epoch)
}

#[tokio::test]
async fn ready_says_who_where_and_how() {
    let (house, _ada, epoch) = with_messages(2).await;
    let grace = house.enters(GRACE, GRACE.room).await;
    let ready = &grace.ready;
    assert_eq!(grace.log.heard().frames[0]["type"], "ready", "the first frame");
    assert_eq!((&ready["protocol"], &ready["epoch"], &ready["resume"]), (&json!(1), &json!(epoch), &json!("none")));
    assert_eq!(ready["user"], json!({"id": GRACE.id, "name": "Grace", "role": "user"}));
    assert_eq!(
        (&ready["room"]["id"], &ready["room"]["last_seq"], &ready["room"]["unread_count"]),
        (&json!(GRACE.room), &json!(2), &json!(2))
    );
    assert_eq!((&ready["receipts"], &ready["support_online"]), (&json!([]), &json!(true)));
    let heartbeat = ready["heartbeat_ms"].as_u64().expect("a number");
    assert!((900..=1_100).contains(&heartbeat), "within 10 % of the mean: {heartbeat}");
    house.closes().await;
}

#[tokio::test]
async fn a_resume_in_the_handshake_brings_what_was_missed_in_order() {
    let (house, mut ada, epoch) = with_messages(5).await;
    let mut grace = house.resumes(GRACE, GRACE.room, 2, &epoch).await;
    assert_eq!(grace.ready["resume"], "complete");
    grace.sees("m5").await;
    ada.says("live").await;
    grace.sees("live").await;
    assert_eq!(grace.seqs(), [3, 4, 5, 6]);
    house.closes().await;
}

#[tokio::test]
async fn the_epoch_may_be_left_out() {
    let (house, _ada, _) = with_messages(3).await;
    let dial = house.dial_room(&GRACE.token(), GRACE.room).v1().query("after", 1);
    let mut grace = house.joins(dial, GRACE.room, Some(1)).await;
    assert_eq!(grace.ready["resume"], "complete");
    grace.sees("m3").await;
    assert_eq!(grace.seqs(), [2, 3]);
    house.closes().await;
}

#[tokio::test]
async fn a_resume_at_the_head_is_complete_and_brings_nothing() {
    let (house, _ada, epoch) = with_messages(3).await;
    let mut grace = house.resumes(GRACE, GRACE.room, 3, &epoch).await;
    assert_eq!(grace.ready["resume"], "complete");
    grace.fence().await;
    assert!(grace.seqs().is_empty());
    let mut empty = house.resumes(LINUS, LINUS.room, 0, &epoch).await;
    assert_eq!(empty.ready["resume"], "complete");
    empty.says("first").await;
    assert_eq!(empty.seqs(), [1]);
    house.closes().await;
}

#[tokio::test]
async fn another_epoch_and_a_seq_above_the_head_are_a_reset() {
    let (house, mut ada, epoch) = with_messages(3).await;
    let mut stranger = house.resumes(GRACE, GRACE.room, 1, "another-epoch").await;
    let mut ahead = house.resumes(GRACE, GRACE.room, 4, &epoch).await;
    assert_eq!((&stranger.ready["resume"], &ahead.ready["resume"]), (&json!("reset"), &json!("reset")));
    ada.says("live").await;
    for tab in [&mut stranger, &mut ahead] {
        tab.sees("live").await;
        assert_eq!(tab.seqs(), [4], "after a reset only what is new");
    }
    house.closes().await;
}

#[tokio::test]
async fn a_thousand_missed_events_are_replayed_and_one_more_is_a_reset() {
    let (house, mut ada, epoch) = with_messages(1).await;
    for number in 0..1_000 {
        ada.send(json!({"type": "chat_message", "message": format!("n{number}"), "client_id": format!("n{number}")})).await;
    }
    ada.sees("n999").await;
    let mut just = house.resumes(GRACE, GRACE.room, 1, &epoch).await;
    assert_eq!(just.ready["resume"], "complete");
    just.sees("n999").await;
    assert_eq!(just.seqs(), (2..=1_001).collect::<Vec<_>>());
    let over = house.resumes(GRACE, GRACE.room, 0, &epoch).await;
    assert_eq!(over.ready["resume"], "reset");
    house.closes().await;
}

#[tokio::test]
async fn a_resume_frame_is_answered_and_brings_what_was_missed() {
    let (house, mut ada, epoch) = with_messages(4).await;
    let mut grace = house.dial_room(&GRACE.token(), GRACE.room).v1().open().await;
    grace.ready = grace.hears("ready").await;
    grace.send(json!({"type": "resume", "after": 1, "epoch": epoch})).await;
    let resumed = grace.hears("resumed").await;
    assert_eq!(resumed, json!({"type": "resumed", "room_id": GRACE.room, "after": 1, "last_seq": 4, "resume": "complete"}));
    ada.says("live").await;
    grace.sees("live").await;
    assert_eq!(grace.seqs(), [2, 3, 4, 5]);
    grace.send(json!({"type": "resume", "after": 1})).await;
    let error = grace.is_refused("rate_limited").await;
    assert!(error["retry_after_ms"].as_u64() >= Some(1), "once per room and 5 s: {error}");
    house.closes().await;
}

#[tokio::test]
async fn a_resume_frame_with_another_epoch_is_a_reset() {
    let (house, mut ada, _) = with_messages(4).await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    grace.send(json!({"type": "resume", "after": 1, "epoch": "another"})).await;
    assert_eq!(grace.hears("resumed").await["resume"], "reset");
    ada.says("live").await;
    grace.sees("live").await;
    assert_eq!(grace.seqs(), [5]);
    house.closes().await;
}

/// Subscribe first, then read: nothing may fall into the gap between what was stored and what is live.
#[tokio::test]
async fn resumes_while_others_write_have_no_gap_and_no_repeat() {
    const ALL: i64 = 400;
    let (house, mut ada, epoch) = with_messages(10).await;
    let mut alan = house.enters(ALAN, GRACE.room).await;
    let mut tabs = Vec::new();
    for number in 11..=ALL {
        let text = format!("n{number}");
        let writer = if number % 2 == 0 { &mut ada } else { &mut alan };
        writer.send(json!({"type": "chat_message", "message": text, "client_id": text})).await;
        if number % 20 == 0 {
            tabs.push((5, house.resumes(GRACE, GRACE.room, 5, &epoch).await));
        }
    }
    for (after, tab) in &tabs {
        tab.log.wait("the last message", |heard| heard.frames.iter().any(|frame| frame["seq"] == ALL).then_some(())).await;
        assert_eq!(tab.seqs(), (after + 1..=ALL).collect::<Vec<_>>());
    }
    house.closes().await;
}

#[tokio::test]
async fn changes_of_status_are_replayed_too() {
    let (house, _ada, epoch) = with_messages(1).await;
    let path = format!("/api/chat/rooms/{}/", GRACE.room);
    house.api(ADA).patch(&path, json!({"status": "resolved"})).await.ok();
    let mut grace = house.resumes(GRACE, GRACE.room, 0, &epoch).await;
    let updated = grace.hears("room_updated").await;
    assert_eq!(
        (&updated["seq"], &updated["status"], &updated["user_id"], &updated["room_id"]),
        (&json!(2), &json!("resolved"), &json!(ADA.id), &json!(GRACE.room))
    );
    assert_eq!(grace.seqs(), [1, 2]);
    house.closes().await;
}

#[tokio::test]
async fn a_replayed_message_is_as_it_is_now() {
    let (house, mut ada, epoch) = with_messages(0).await;
    let said = ada.says("Hi").await;
    house.api(GRACE).post(&format!("/api/chat/rooms/{}/read/", GRACE.room), json!({"message_id": said["id"]})).await.done();
    let mut grace = house.resumes(GRACE, GRACE.room, 0, &epoch).await;
    assert_eq!(grace.sees("Hi").await["read"], true);
    house.closes().await;
}

#[tokio::test]
async fn heartbeats_tell_how_far_everything_was_written() {
    let (house, _ada, _) = with_messages(3).await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    assert_eq!(grace.hears("heartbeat").await["last_seq"], 3);
    grace.says("more").await;
    grace.waits_for("the new head", |frame| frame["type"] == "heartbeat" && frame["last_seq"] == 4).await;
    assert!(grace.log.heard().pings > 0, "the server pings");
    house.closes().await;
}
