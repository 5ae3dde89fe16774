//! Several nodes on one PostgreSQL database: whoever is connected to whichever node, all see the same.

use crate::fixture::*;

async fn two() -> (House, House) {
    let mut nodes = House::nodes(2).await;
    let second = nodes.pop().expect("two of them");
    (nodes.pop().expect("two of them"), second)
}

async fn close(nodes: [House; 2]) {
    for node in nodes {
        node.closes().await;
    }
}

#[tokio::test]
async fn what_is_said_on_one_node_is_seen_on_the_other_in_one_order() {
    let (here, there) = two().await;
    let mut grace = here.enters(GRACE, GRACE.room).await;
    let mut ada = there.enters(ADA, GRACE.room).await;
    for number in 0..20 {
        grace.says(&format!("user {number}")).await;
        ada.says(&format!("admin {number}")).await;
    }
    grace.sees("admin 19").await;
    ada.sees("user 19").await;
    assert_eq!(grace.seqs(), (1..=40).collect::<Vec<_>>());
    assert_eq!(ada.seqs(), grace.seqs());
    close([here, there]).await;
}

#[tokio::test]
async fn people_who_write_on_both_nodes_at_once_see_one_order_without_a_hole() {
    let (here, there) = two().await;
    let (mut grace, mut ada) = (here.enters(GRACE, GRACE.room).await, there.enters(ADA, GRACE.room).await);
    for number in 0..60 {
        grace.send(json!({"type": "chat_message", "message": format!("user {number}"), "client_id": format!("u{number}")})).await;
        ada.send(json!({"type": "chat_message", "message": format!("admin {number}"), "client_id": format!("a{number}")})).await;
    }
    for tab in [&mut grace, &mut ada] {
        tab.sees("user 59").await;
        tab.sees("admin 59").await;
        tab.log
            .wait("all of them", |heard| (heard.frames.iter().filter(|frame| frame["type"] == "chat_message").count() == 120).then_some(()))
            .await;
        assert_eq!(tab.seqs(), (1..=120).collect::<Vec<_>>());
    }
    close([here, there]).await;
}

#[tokio::test]
async fn the_inbox_of_one_node_shows_what_happens_on_the_other() {
    let (here, there) = two().await;
    let mut inbox = there.watches_inbox(ADA).await;
    let version = inbox.ready["version"].clone();
    let said = here.enters(GRACE, GRACE.room).await.says("Hi").await;
    let shown = |text: &'static str, unread: i64| {
        move |frame: &Value| {
            frame["type"] == "room_summary" && frame["room"]["last_message"]["message"] == text && frame["room"]["unread_count"] == unread
        }
    };
    inbox.waits_for("the message", shown("Hi", 1)).await;
    here.api(ALAN).post(&format!("/api/chat/rooms/{}/read/", GRACE.room), json!({"message_id": said["id"]})).await.done();
    inbox.waits_for("that it was read", shown("Hi", 0)).await;
    // Whoever comes back to the other node with an old place is told of all that changed since.
    let dial = here.dial("/ws/inbox/").token(&ADA.token()).query("after", version.as_str().expect("text"));
    let mut back = dial.query("epoch", inbox.ready["epoch"].as_str().expect("text")).open().await;
    assert_eq!(back.hears("ready").await["resume"], "complete");
    back.waits_for("what was missed", shown("Hi", 0)).await;
    assert_eq!(here.api(ADA).get("/api/chat/rooms/summary/").await.ok()["unread"], 0);
    close([here, there]).await;
}

#[tokio::test]
async fn a_resume_goes_on_at_another_node() {
    let (here, there) = two().await;
    let mut ada = there.enters(ADA, GRACE.room).await;
    let mut grace = here.enters(GRACE, GRACE.room).await;
    ada.says("one").await;
    grace.sees("one").await;
    grace.leaves().await;
    ada.says("two").await;
    let epoch = ada.ready["epoch"].as_str().expect("text").to_owned();
    let mut grace = there.resumes(GRACE, GRACE.room, 1, &epoch).await;
    assert_eq!(grace.ready["resume"], "complete");
    grace.sees("two").await;
    assert_eq!(grace.seqs(), [2]);
    close([here, there]).await;
}

#[tokio::test]
async fn a_resend_to_another_node_is_the_same_message() {
    let (here, there) = two().await;
    let (mut on_here, mut on_there) = (here.enters(GRACE, GRACE.room).await, there.enters(GRACE, GRACE.room).await);
    let frame = json!({"type": "chat_message", "message": "once", "client_id": "c1"});
    on_here.send(frame.clone()).await;
    let first = on_here.hears("ack").await;
    on_there.send(frame).await;
    let again = on_there.hears("ack").await;
    assert_eq!((&again["id"], &again["seq"], &again["duplicate"]), (&first["id"], &first["seq"], &json!(true)));
    close([here, there]).await;
}

#[tokio::test]
async fn a_session_that_ends_on_one_node_ends_on_the_other() {
    let (here, there) = two().await;
    here.cli(&["user", "password", "--phone", GRACE.phone], "a good long password\n").await.ok();
    let session = here.logs_in(GRACE, "a good long password").await;
    let token = session["access"].as_str().expect("text").to_owned();
    let mut tab = there.dial_room(&token, GRACE.room).v1().open().await;
    tab.hears("ready").await;
    here.api_with(&token).post("/api/auth/logout/", json!({"refresh": session["refresh"]})).await.done();
    assert_eq!(tab.closed().await, 4401);
    close([here, there]).await;
}

#[tokio::test]
async fn receipts_reach_the_other_node() {
    let (here, there) = two().await;
    let (mut grace, mut ada) = (here.enters(GRACE, GRACE.room).await, there.enters(ADA, GRACE.room).await);
    let said = grace.says("Hi").await;
    ada.sees("Hi").await;
    ada.send(json!({"type": "delivered", "message_id": said["id"]})).await;
    grace.hears_that(json!({"type": "delivered", "user_id": ADA.id, "message_id": said["id"]})).await;
    ada.send(json!({"type": "read_receipt", "message_id": said["id"]})).await;
    grace.hears_that(json!({"type": "read_receipt", "user_id": ADA.id, "message_id": said["id"]})).await;
    close([here, there]).await;
}

#[tokio::test]
async fn people_are_present_on_every_node_and_do_not_flicker_when_they_move() {
    let (here, there) = two().await;
    let mut ada = there.enters(ADA, GRACE.room).await;
    let mut grace = here.enters(GRACE, GRACE.room).await;
    let status = |user: i64, status: &'static str| json!({"type": "user_status", "user_id": user, "status": status});
    ada.hears_that(status(GRACE.id, "online")).await;
    grace.hears_that(status(ADA.id, "online")).await;
    // A browser moves to the other node.
    let mut moved = there.enters(GRACE, GRACE.room).await;
    grace.leaves().await;
    tokio::time::sleep(4 * server::PRESENCE_GRACE).await;
    assert_eq!(ada.seen("user_status").len(), 1, "she was never away: {:?}", ada.seen("user_status"));
    moved.leaves().await;
    ada.hears_that(status(GRACE.id, "offline")).await;
    close([here, there]).await;
}

#[tokio::test]
async fn the_desk_is_manned_when_an_admin_is_on_any_node() {
    let (here, there) = two().await;
    let mut grace = here.enters(GRACE, GRACE.room).await;
    assert_eq!(grace.ready["support_online"], false);
    let mut inbox = there.watches_inbox(ADA).await;
    grace.hears_that(json!({"type": "support_status", "online": true})).await;
    inbox.leaves().await;
    grace.hears_that(json!({"type": "support_status", "online": false})).await;
    close([here, there]).await;
}

#[tokio::test]
async fn a_node_without_redis_says_that_it_is_slower() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    use_database(folder.path(), &crate::postgres::database().await);
    let node = Process::serve(folder.path(), &folder.path().join("data"), &[]).await;
    until("the log says so", async || node.log().contains("without --redis-url")).await;
}

#[tokio::test]
async fn people_of_a_node_that_leaves_are_gone_after_the_grace() {
    let (mut here, there) = two().await;
    let mut ada = there.enters(ADA, GRACE.room).await;
    let _grace = here.enters(GRACE, GRACE.room).await;
    ada.hears_that(json!({"type": "user_status", "user_id": GRACE.id, "status": "online"})).await;
    here.ends().await;
    ada.hears_that(json!({"type": "user_status", "user_id": GRACE.id, "status": "offline"})).await;
    there.closes().await;
}
