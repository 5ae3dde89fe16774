//! The inbox: one connection on which an admin sees every room, and opens some.

use std::time::Duration;

use tokio::time::Instant;

use crate::fixture::*;

/// Waits for the summary of a room whose last message has this text.
async fn summary_of(tab: &mut Tab, room: i64, text: &str) -> Value {
    let what = format!("the summary of room {room} with {text}");
    tab.waits_for(&what, |frame| {
        frame["type"] == "room_summary" && frame["room"]["id"] == room && frame["room"]["last_message"]["message"] == text
    })
    .await
}

#[tokio::test]
async fn ready_brings_the_counts() {
    let house = House::opens().await;
    house.enters(GRACE, GRACE.room).await.says("Hi").await;
    let inbox = house.watches_inbox(ADA).await;
    let ready = &inbox.ready;
    assert_eq!((&ready["protocol"], &ready["resume"], &ready["user"]["id"]), (&json!(1), &json!("none"), &json!(ADA.id)));
    assert_eq!(ready["summary"], json!({"rooms": 2, "rooms_unread": 1, "unread": 1, "open": 2, "resolved": 0}));
    assert!(ready["version"].is_string() && ready["epoch"].is_string() && ready["heartbeat_ms"].is_u64());
    house.closes().await;
}

#[tokio::test]
async fn every_change_of_a_room_is_a_summary() {
    let house = House::opens().await;
    let mut inbox = house.watches_inbox(ADA).await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    let said = grace.says("Hi").await;
    let summary = summary_of(&mut inbox, GRACE.room, "Hi").await;
    let room = &summary["room"];
    assert_eq!(
        (&room["unread_count"], &room["last_seq"], &room["online"], &room["user"]["name"]),
        (&json!(1), &json!(1), &json!(true), &json!("Grace"))
    );
    assert_eq!(room["last_message"]["id"], said["id"]);
    assert!(summary["version"].is_string());
    house.api(ALAN).post(&format!("/api/chat/rooms/{}/read/", GRACE.room), json!({"message_id": said["id"]})).await.done();
    inbox.waits_for("the room as read", |frame| frame["room"]["id"] == GRACE.room && frame["room"]["unread_count"] == 0).await;
    house.api(ALAN).patch(&format!("/api/chat/rooms/{}/", GRACE.room), json!({"status": "resolved"})).await.ok();
    inbox.waits_for("the room as resolved", |frame| frame["room"]["status"] == "resolved").await;
    let made = house.api(KEN).post("/api/chat/rooms/", json!({})).await.is(201);
    inbox.waits_for("the new room", |frame| frame["room"]["id"] == made["id"]).await;
    house.closes().await;
}

/// The first change at once, then at most one a room each 250 ms, the last state always.
#[tokio::test]
async fn a_busy_room_is_summed_up_four_times_a_second() {
    let house = House::opens().await;
    let mut inbox = house.watches_inbox(ADA).await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    let begun = Instant::now();
    for number in 0..60 {
        grace.says(&format!("m{number}")).await;
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    summary_of(&mut inbox, GRACE.room, "m59").await;
    let most = 2 + begun.elapsed().as_millis() / 250;
    let told = inbox.seen("room_summary").len();
    assert!(told as u128 <= most, "{told} summaries where {most} are allowed");
    house.closes().await;
}

#[tokio::test]
async fn a_version_resumes_the_inbox() {
    let house = House::opens().await;
    let mut inbox = house.watches_inbox(ADA).await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    grace.says("Before").await;
    let version = summary_of(&mut inbox, GRACE.room, "Before").await["version"].as_str().expect("a version").to_owned();
    let epoch = inbox.ready["epoch"].as_str().expect("an epoch").to_owned();
    inbox.leaves().await;
    house.enters(LINUS, LINUS.room).await.says("Meanwhile").await;
    let dial = house.dial("/ws/inbox/").token(&ADA.token()).query("after", &version);
    let mut back = dial.clone().query("epoch", &epoch).open().await;
    back.ready = back.hears("ready").await;
    assert_eq!(back.ready["resume"], "complete");
    summary_of(&mut back, LINUS.room, "Meanwhile").await;
    back.fence().await;
    // PostgreSQL may tell again of what was on its way when the version was told.
    let told_again = |frame: &Value| crate::postgres::is_wanted() && frame["room"]["last_message"]["message"] == "Before";
    let all = back.seen("room_summary");
    assert!(all.iter().all(|frame| frame["room"]["id"] == LINUS.room || told_again(frame)), "only what has changed since");
    let mut stranger = dial.query("epoch", "another").open().await;
    assert_eq!(stranger.hears("ready").await["resume"], "reset");
    let mut nonsense = house.dial("/ws/inbox/").token(&ADA.token()).query("after", "nonsense").open().await;
    assert_eq!(nonsense.hears("ready").await["resume"], "reset");
    house.closes().await;
}

#[tokio::test]
async fn heartbeats_carry_the_version() {
    let house = House::opens().await;
    let mut inbox = house.watches_inbox(ADA).await;
    house.enters(GRACE, GRACE.room).await.says("Hi").await;
    let number = |frame: &Value| frame["version"].as_str().and_then(|version| version.parse::<i64>().ok());
    let version = number(&summary_of(&mut inbox, GRACE.room, "Hi").await).expect("a version");
    inbox.waits_for("the version", |frame| frame["type"] == "heartbeat" && number(frame) >= Some(version)).await;
    house.closes().await;
}

#[tokio::test]
async fn an_opened_room_is_followed_in_both_directions() {
    let house = House::opens().await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    grace.says("One").await;
    let two = grace.says("Two").await;
    let mut inbox = house.watches_inbox(ADA).await;
    inbox.send(json!({"type": "open_room", "room_id": GRACE.room, "after": 1, "epoch": inbox.ready["epoch"]})).await;
    let opened = inbox.hears("room_opened").await;
    assert_eq!((&opened["room_id"], &opened["resume"], &opened["room"]["last_seq"]), (&json!(GRACE.room), &json!("complete"), &json!(2)));
    assert!(opened["receipts"].is_array() && opened["epoch"] == inbox.ready["epoch"]);
    assert_eq!(inbox.sees("Two").await["id"], two["id"]);
    grace.hears_that(json!({"type": "user_status", "user_id": ADA.id, "status": "online"})).await;

    inbox.send(json!({"type": "chat_message", "room_id": GRACE.room, "message": "Hello", "client_id": "x1"})).await;
    let ack = inbox.hears("ack").await;
    assert_eq!((&ack["client_id"], &ack["seq"], &ack["room_id"]), (&json!("x1"), &json!(3), &json!(GRACE.room)));
    assert_eq!(inbox.sees("Hello").await["room_id"], GRACE.room);
    inbox.send(json!({"type": "typing", "room_id": GRACE.room, "is_typing": true})).await;
    inbox.send(json!({"type": "read_receipt", "room_id": GRACE.room, "message_id": two["id"]})).await;
    assert_eq!(grace.hears("typing").await["user_id"], ADA.id);
    assert_eq!(grace.hears("read_receipt").await["user_id"], ADA.id);
    assert_eq!(inbox.hears("read_receipt").await["room_id"], GRACE.room);

    inbox.send(json!({"type": "close_room", "room_id": GRACE.room})).await;
    assert_eq!(inbox.hears("room_closed").await["room_id"], GRACE.room);
    grace.hears_that(json!({"type": "user_status", "user_id": ADA.id, "status": "offline"})).await;
    grace.says("Unheard").await;
    summary_of(&mut inbox, GRACE.room, "Unheard").await;
    assert_eq!(inbox.seqs(), [2, 3], "a closed room is heard no more");
    inbox.send(json!({"type": "chat_message", "room_id": GRACE.room, "message": "Too late", "client_id": "x2"})).await;
    let error = inbox.is_refused("not_found").await;
    assert_eq!((&error["room_id"], &error["client_id"]), (&json!(GRACE.room), &json!("x2")));
    house.closes().await;
}

#[tokio::test]
async fn a_frame_without_a_room_and_a_room_that_is_not_there_are_refused() {
    let house = House::opens().await;
    let mut inbox = house.watches_inbox(ADA).await;
    inbox.send(json!({"type": "chat_message", "message": "Where?", "client_id": "x1"})).await;
    assert_eq!(inbox.is_refused("bad_frame").await["client_id"], "x1");
    inbox.send(json!({"type": "open_room", "room_id": 999_999})).await;
    assert_eq!(inbox.is_refused("not_found").await["room_id"], 999_999);
    inbox.send(json!({"type": "open_room"})).await;
    inbox.is_refused("bad_frame").await;
    inbox.fence().await;
    house.closes().await;
}

#[tokio::test]
async fn the_sixty_fifth_room_is_one_too_many() {
    let house = House::opens().await;
    let mut lines = String::new();
    for number in 0..65 {
        lines += &format!(
            "{}\n",
            json!({"type": "room", "id": 1_000 + number, "user_id": GRACE.id, "status": "open", "created_at": "2026-01-01T00:00:00Z"})
        );
    }
    std::fs::write(house.folder().join("rooms.jsonl"), lines).expect("the folder can be written");
    house.cli(&["import", "rooms.jsonl"], "").await.ok();
    let mut inbox = house.watches_inbox(ADA).await;
    for number in 0..64 {
        inbox.send(json!({"type": "open_room", "room_id": 1_000 + number})).await;
        inbox.hears_that(json!({"type": "room_opened", "room_id": 1_000 + number})).await;
    }
    inbox.send(json!({"type": "open_room", "room_id": 1_064})).await;
    assert_eq!(inbox.is_refused("too_many_rooms").await["room_id"], 1_064);
    inbox.send(json!({"type": "open_room", "room_id": 1_000})).await;
    inbox.hears_that(json!({"type": "room_opened", "room_id": 1_000})).await;
    inbox.send(json!({"type": "close_room", "room_id": 1_001})).await;
    inbox.send(json!({"type": "open_room", "room_id": 1_064})).await;
    inbox.hears_that(json!({"type": "room_opened", "room_id": 1_064})).await;
    house.closes().await;
}

#[tokio::test]
async fn it_tells_of_users_who_come_and_go_and_type() {
    let house = House::opens().await;
    let mut inbox = house.watches_inbox(ADA).await;
    let mut alan = house.enters(ALAN, GRACE.room).await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    assert_eq!(inbox.hears_that(json!({"type": "user_status", "user_id": GRACE.id})).await["status"], "online");
    alan.send(json!({"type": "typing", "is_typing": true})).await;
    for _ in 0..5 {
        grace.send(json!({"type": "typing", "is_typing": true})).await;
        grace.send(json!({"type": "typing", "is_typing": false})).await;
    }
    inbox.hears_that(json!({"type": "typing", "user_id": GRACE.id, "room_id": GRACE.room, "is_typing": true})).await;
    inbox.hears_that(json!({"type": "typing", "user_id": GRACE.id, "is_typing": false})).await;
    grace.leaves().await;
    assert_eq!(inbox.hears_that(json!({"type": "user_status", "user_id": GRACE.id})).await["status"], "offline");
    assert!(inbox.seen("typing").len() <= 3, "at most once a second and room");
    let admins = |kind: &str| inbox.seen(kind).iter().filter(|frame| frame["user_id"] == ALAN.id).count();
    assert_eq!((admins("typing"), admins("user_status")), (0, 0), "only of users");
    house.closes().await;
}

#[tokio::test]
async fn users_are_turned_away() {
    let house = House::opens().await;
    let turned_away = house.dial("/ws/inbox/").token(&GRACE.token()).turned_away().await;
    assert_eq!(turned_away, (4403, "forbidden".into()));
    house.closes().await;
}

/// What another process writes is seen within a second.
#[tokio::test]
async fn an_import_beside_the_running_server_shows_up() {
    let house = House::opens().await;
    let mut inbox = house.watches_inbox(ADA).await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    let line = json!({"type": "message", "room_id": GRACE.room, "sender_id": GRACE.id, "message": "From a file", "created_at": "2026-01-01T00:00:05Z", "client_id": "f1"});
    std::fs::write(house.folder().join("one.jsonl"), format!("{line}\n")).expect("the folder can be written");
    house.cli(&["import", "one.jsonl"], "").await.ok();
    assert_eq!(grace.sees("From a file").await["seq"], 1);
    summary_of(&mut inbox, GRACE.room, "From a file").await;
    house.closes().await;
}

#[tokio::test]
async fn a_room_on_the_inbox_resumes_as_one_on_its_own() {
    let house = House::opens().await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    for text in ["One", "Two", "Three"] {
        grace.says(text).await;
    }
    let mut inbox = house.watches_inbox(ADA).await;
    inbox.send(json!({"type": "open_room", "room_id": GRACE.room})).await;
    assert_eq!(inbox.hears("room_opened").await["resume"], "none");
    inbox.send(json!({"type": "resume", "room_id": GRACE.room, "after": 1})).await;
    let resumed = inbox.hears("resumed").await;
    assert_eq!((&resumed["room_id"], &resumed["resume"], &resumed["last_seq"]), (&json!(GRACE.room), &json!("complete"), &json!(3)));
    inbox.sees("Three").await;
    assert_eq!(inbox.seqs(), [2, 3]);
    inbox.send(json!({"type": "open_room", "room_id": GRACE.room, "after": 2})).await;
    assert_eq!(inbox.hears("room_opened").await["resume"], "complete", "opened again, it resumes");
    inbox.sees("Three").await;
    inbox.send(json!({"type": "open_room", "room_id": GRACE.room, "after": 2, "epoch": "another"})).await;
    assert_eq!(inbox.hears("room_opened").await["resume"], "reset");
    grace.says("Four").await;
    inbox.sees("Four").await;
    assert_eq!(inbox.seqs(), [2, 3, 3, 4], "each event once for each time it was asked for");
    house.closes().await;
}
