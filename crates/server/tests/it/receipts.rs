//! Receipts: watermarks that only move forward, and what is computed from them.

use crate::fixture::*;

async fn unread(house: &House, who: Person, room: i64) -> Value {
    house.api(who).get(&format!("/api/chat/rooms/{room}/")).await.ok()["unread_count"].clone()
}

#[tokio::test]
async fn reading_is_told_to_both_sides_and_the_readers_other_devices() {
    let house = House::opens().await;
    let mut ada = house.enters(ADA, GRACE.room).await;
    let mut old_ada = house.enters_as_of_old(ADA, GRACE.room).await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    let mut phone = house.enters_as_of_old(GRACE, GRACE.room).await;
    ada.says("One").await;
    let two = ada.says("Two").await;
    assert_eq!(unread(&house, GRACE, GRACE.room).await, 2);
    phone.send(json!({"type": "read_receipt", "message_id": two["id"]})).await;
    for tab in [&mut ada, &mut old_ada, &mut grace, &mut phone] {
        let receipt = tab.hears("read_receipt").await;
        assert_eq!((&receipt["room_id"], &receipt["user_id"], &receipt["role"]), (&json!(GRACE.room), &json!(GRACE.id), &json!("user")));
        assert_eq!((&receipt["message_id"], &receipt["seq"]), (&two["id"], &two["seq"]));
        assert!(receipt["read_at"].is_string());
    }
    assert_eq!(unread(&house, GRACE, GRACE.room).await, 0);
    let page = house.api(GRACE).get(&format!("/api/chat/rooms/{}/messages/", GRACE.room)).await.ok();
    assert!(page["results"].as_array().expect("results").iter().all(|message| message["read"] == true));
    house.closes().await;
}

#[tokio::test]
async fn a_watermark_never_moves_back() {
    let house = House::opens().await;
    let mut ada = house.enters(ADA, GRACE.room).await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    let one = ada.says("One").await;
    let two = ada.says("Two").await;
    grace.send(json!({"type": "read_receipt", "message_id": two["id"]})).await;
    grace.send(json!({"type": "read_receipt", "message_id": one["id"]})).await;
    grace.send(json!({"type": "read_receipt", "message_id": two["id"]})).await;
    grace.says("done").await;
    ada.sees("done").await;
    assert_eq!(unread(&house, GRACE, GRACE.room).await, 0);
    let told: Vec<Value> = ada.seen("read_receipt").iter().map(|receipt| receipt["seq"].clone()).collect();
    assert_eq!(told, [json!(2)], "what does not move is not told");
    let again = house.enters(GRACE, GRACE.room).await;
    assert_eq!(again.ready["receipts"][0]["read_seq"], 2);
    house.closes().await;
}

#[tokio::test]
async fn reading_in_the_middle_leaves_the_rest_unread() {
    let house = House::opens().await;
    let mut ada = house.enters(ADA, GRACE.room).await;
    let one = ada.says("One").await;
    house.enters(GRACE, GRACE.room).await.says("Mine").await;
    ada.says("Two").await;
    ada.says("Three").await;
    house.api(GRACE).post(&format!("/api/chat/rooms/{}/read/", GRACE.room), json!({"message_id": one["id"]})).await.done();
    assert_eq!(unread(&house, GRACE, GRACE.room).await, 2, "only the other side's messages count");
    let page = house.api(GRACE).get(&format!("/api/chat/rooms/{}/messages/", GRACE.room)).await.ok();
    let read: Vec<bool> = page["results"].as_array().expect("results").iter().map(|message| message["read"] == true).collect();
    assert_eq!(read, [true, false, false, false]);
    house.closes().await;
}

#[tokio::test]
async fn sending_moves_no_watermark() {
    let house = House::opens().await;
    let mut ada = house.enters(ADA, GRACE.room).await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    ada.says("Hello").await;
    grace.says("I answer without having read").await;
    assert_eq!(unread(&house, GRACE, GRACE.room).await, 1);
    assert_eq!(unread(&house, ADA, GRACE.room).await, 1);
    house.closes().await;
}

/// One team, one inbox: what one admin has read, all have.
#[tokio::test]
async fn what_one_admin_has_read_is_read_for_all() {
    let house = House::opens().await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    let one = grace.says("One").await;
    let two = grace.says("Two").await;
    assert_eq!((unread(&house, ADA, GRACE.room).await, unread(&house, ALAN, GRACE.room).await), (json!(2), json!(2)));
    let mut ada = house.enters(ADA, GRACE.room).await;
    let mut alan = house.enters(ALAN, GRACE.room).await;
    ada.send(json!({"type": "read_receipt", "message_id": two["id"]})).await;
    grace.hears_that(json!({"type": "read_receipt", "user_id": ADA.id})).await;
    alan.send(json!({"type": "read_receipt", "message_id": one["id"]})).await;
    grace.hears_that(json!({"type": "read_receipt", "user_id": ALAN.id})).await;
    assert_eq!((unread(&house, ADA, GRACE.room).await, unread(&house, ALAN, GRACE.room).await), (json!(0), json!(0)));
    house.closes().await;
}

#[tokio::test]
async fn delivered_is_a_watermark_of_its_own() {
    let house = House::opens().await;
    let mut ada = house.enters(ADA, GRACE.room).await;
    let mut old_ada = house.enters_as_of_old(ADA, GRACE.room).await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    let one = ada.says("One").await;
    grace.send(json!({"type": "delivered", "message_id": one["id"]})).await;
    let tick = ada.hears("delivered").await;
    assert_eq!(
        tick,
        json!({"type": "delivered", "room_id": GRACE.room, "user_id": GRACE.id, "role": "user", "message_id": one["id"], "seq": 1})
    );
    assert_eq!(unread(&house, GRACE, GRACE.room).await, 1, "delivered is not read");
    let again = house.enters(GRACE, GRACE.room).await;
    assert_eq!(again.ready["receipts"], json!([{"user_id": GRACE.id, "role": "user", "read_seq": 0, "delivered_seq": 1}]));
    old_ada.fence().await;
    assert!(old_ada.seen("delivered").is_empty(), "origin connections never meet it");
    house.closes().await;
}

#[tokio::test]
async fn a_message_of_another_room_is_not_found() {
    let house = House::opens().await;
    let mut linus = house.enters(LINUS, LINUS.room).await;
    let theirs = house.enters(GRACE, GRACE.room).await.says("Hi").await;
    for id in [theirs["id"].clone(), json!(999_999), json!(0), json!(-1)] {
        for kind in ["read_receipt", "delivered"] {
            linus.send(json!({"type": kind, "message_id": id})).await;
            let error = linus.hears("error").await;
            assert!(error["code"] == "not_found" || id.as_i64() < Some(1) && error["code"] == "bad_frame", "{error}");
        }
    }
    house
        .api(LINUS)
        .post(&format!("/api/chat/rooms/{}/read/", LINUS.room), json!({"message_id": theirs["id"]}))
        .await
        .problem(404, "not_found");
    house.closes().await;
}

#[tokio::test]
async fn one_may_read_up_to_ones_own_message() {
    let house = House::opens().await;
    let mut ada = house.enters(ADA, GRACE.room).await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    ada.says("Hello").await;
    let own = grace.says("Hi").await;
    grace.send(json!({"type": "read_receipt", "message_id": own["id"]})).await;
    assert_eq!(ada.hears("read_receipt").await["seq"], 2, "it reads everything up to it");
    assert_eq!(unread(&house, GRACE, GRACE.room).await, 0);
    let page = house.api(GRACE).get(&format!("/api/chat/rooms/{}/messages/", GRACE.room)).await.ok();
    assert_eq!(
        (&page["results"][0]["read"], &page["results"][1]["read"]),
        (&json!(true), &json!(false)),
        "nobody reads for the other side"
    );
    house.closes().await;
}
