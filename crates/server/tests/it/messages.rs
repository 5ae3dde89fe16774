//! Messages: what is said is stored, ordered and heard by everybody in the room, once.

use std::collections::BTreeSet;

use crate::fixture::*;

fn message(text: &str, client_id: &str) -> Value {
    json!({"type": "chat_message", "message": text, "client_id": client_id})
}

#[tokio::test]
async fn what_a_user_says_an_admin_sees_and_the_other_way_round() {
    let house = House::opens().await;
    let mut ada = house.enters(ADA, GRACE.room).await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    let said = grace.says("Hi").await;
    let seen = ada.sees("Hi").await;
    assert_eq!(said, seen, "the same message for everybody");
    assert_eq!(seen["sender"], json!({"id": GRACE.id, "name": "Grace", "role": "user"}));
    assert_eq!(
        (&seen["room_id"], &seen["seq"], &seen["attachments"], &seen["read"]),
        (&json!(GRACE.room), &json!(1), &json!([]), &json!(false))
    );
    let created_at = seen["created_at"].as_str().expect("a time");
    assert!(created_at.len() == "2026-01-01T00:00:00.000Z".len() && created_at.ends_with('Z'), "UTC with milliseconds: {created_at}");
    ada.says("Hello Grace").await;
    assert_eq!(grace.sees("Hello Grace").await["sender"]["role"], "admin");
    house.closes().await;
}

/// Promise 3, and the reason why one publisher publishes: callers that published for themselves mixed up the order.
#[tokio::test]
async fn both_sides_write_at_once_and_everybody_sees_the_same_order() {
    const EACH: usize = 60;
    let house = House::opens().await;
    let mut writers = [house.enters(ADA, GRACE.room).await, house.enters(GRACE, GRACE.room).await, house.enters(ALAN, GRACE.room).await];
    let mut followers = Vec::new();
    for who in [ADA, ALAN, GRACE, GRACE] {
        followers.push(house.enters(who, GRACE.room).await);
        followers.push(house.enters_as_of_old(who, GRACE.room).await);
    }
    let mut old = house.enters_as_of_old(GRACE, GRACE.room).await;
    let writing = writers.iter_mut().enumerate().map(async |(writer, tab)| {
        for number in 0..EACH {
            tab.send(message(&format!("{writer} says {number}"), &format!("{writer}-{number}"))).await;
        }
    });
    let old_writing = async {
        for number in 0..EACH {
            old.send(json!({"type": "chat_message", "message": format!("3 says {number}")})).await;
        }
    };
    tokio::join!(futures_util::future::join_all(writing), old_writing);
    let all = i64::try_from(EACH * 4).expect("a small number");
    for tab in writers.iter().chain(&followers).chain([&old]) {
        tab.log
            .wait("the last message", |heard| {
                heard.frames.iter().any(|frame| frame["type"] == "chat_message" && frame["seq"] == all).then_some(())
            })
            .await;
        assert_eq!(tab.seqs(), (1..=all).collect::<Vec<_>>());
    }
    for writer in 0..4 {
        let own: Vec<String> =
            followers[0].seen("chat_message").iter().map(|frame| frame["message"].as_str().unwrap_or_default().to_owned()).collect();
        let own: Vec<&String> = own.iter().filter(|text| text.starts_with(&format!("{writer} "))).collect();
        let wanted: Vec<String> = (0..EACH).map(|number| format!("{writer} says {number}")).collect();
        assert_eq!(own, wanted.iter().collect::<Vec<_>>(), "frames of one connection are applied in order");
    }
    house.closes().await;
}

#[tokio::test]
async fn a_resent_message_is_stored_once() {
    let house = House::opens().await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    grace.send(message("Hi", "x1")).await;
    let first = grace.hears("ack").await;
    assert_eq!(first["duplicate"], false);
    grace.send(message("Hi", "x1")).await;
    let again = grace.hears("ack").await;
    assert_eq!(
        (&again["id"], &again["seq"], &again["created_at"], &again["duplicate"]),
        (&first["id"], &first["seq"], &first["created_at"], &json!(true))
    );
    let mut second_device = house.enters(GRACE, GRACE.room).await;
    second_device.send(message("Hi", "x1")).await;
    assert_eq!(second_device.hears("ack").await["id"], first["id"]);
    grace.says("Next").await;
    assert_eq!(grace.seqs(), [1, 2], "repeats take no seq");
    house.closes().await;
}

#[tokio::test]
async fn the_same_client_id_with_another_text_is_the_first_message() {
    let house = House::opens().await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    grace.send(message("Hi", "x1")).await;
    let first = grace.hears("ack").await;
    grace.send(message("Something else", "x1")).await;
    let again = grace.hears("ack").await;
    assert_eq!((&again["id"], &again["duplicate"]), (&first["id"], &json!(true)));
    house.closes().await;
}

#[tokio::test]
async fn the_same_client_id_in_another_room_is_refused() {
    let house = House::opens().await;
    let mut with_grace = house.enters(ADA, GRACE.room).await;
    let mut with_linus = house.enters(ADA, LINUS.room).await;
    with_grace.send(message("Hi", "x1")).await;
    with_grace.hears("ack").await;
    with_linus.send(message("Hi", "x1")).await;
    let error = with_linus.is_refused("client_id_reused").await;
    assert_eq!((&error["client_id"], &error["retryable"]), (&json!("x1"), &json!(false)));
    let over_http =
        house.api(ADA).post(&format!("/api/chat/rooms/{}/messages/", LINUS.room), json!({"message": "Hi", "client_id": "x1"})).await;
    over_http.problem(409, "client_id_reused");
    house.closes().await;
}

#[tokio::test]
async fn two_people_may_use_the_same_client_id() {
    let house = House::opens().await;
    let mut ada = house.enters(ADA, GRACE.room).await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    ada.send(message("From Ada", "x1")).await;
    grace.send(message("From Grace", "x1")).await;
    assert_eq!((ada.hears("ack").await["duplicate"].clone(), grace.hears("ack").await["duplicate"].clone()), (json!(false), json!(false)));
    house.closes().await;
}

#[tokio::test]
async fn repeats_within_one_burst_take_one_seq() {
    let house = House::opens().await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    for number in 0..20 {
        grace.send(message(&format!("copy {number}"), "x1")).await;
    }
    let mut seqs = BTreeSet::new();
    let mut fresh = 0;
    for _ in 0..20 {
        let ack = grace.hears("ack").await;
        seqs.insert(ack["seq"].as_i64());
        fresh += usize::from(ack["duplicate"] == false);
    }
    assert_eq!((seqs.len(), fresh), (1, 1));
    grace.says("Next").await;
    assert_eq!(grace.seqs(), [1, 2]);
    house.closes().await;
}

#[tokio::test]
async fn a_message_over_http_and_its_repeat_on_the_socket_are_one() {
    let house = House::opens().await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    let path = format!("/api/chat/rooms/{}/messages/", GRACE.room);
    let stored = house.api(GRACE).post(&path, json!({"message": "Hi", "client_id": "x1"})).await.is(201);
    grace.sees("Hi").await;
    grace.send(message("Hi", "x1")).await;
    let ack = grace.hears("ack").await;
    assert_eq!((&ack["id"], &ack["duplicate"]), (&stored["id"], &json!(true)));
    let again = house.api(GRACE).post(&path, json!({"message": "Hi", "client_id": "x1"})).await.is(200);
    assert_eq!(again["id"], stored["id"]);
    house.closes().await;
}

#[tokio::test]
async fn an_origin_connection_dedupes_without_an_ack() {
    let house = House::opens().await;
    let mut ada = house.enters(ADA, GRACE.room).await;
    let mut grace = house.enters_as_of_old(GRACE, GRACE.room).await;
    grace.send(message("Hi", "x1")).await;
    grace.send(message("Hi", "x1")).await;
    grace.says("Next").await;
    ada.sees("Next").await;
    assert_eq!(ada.seqs(), [1, 2]);
    assert_eq!(grace.seen("ack").len(), 0);
    house.closes().await;
}

/// Duplicates are resolved before anything else is judged.
#[tokio::test]
async fn a_repeat_is_a_repeat_even_if_it_would_be_refused_now() {
    let house = House::opens().await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    let mut ada = house.enters(ADA, GRACE.room).await;
    grace.send(message("Hi", "x1")).await;
    let first = grace.hears("ack").await;
    ada.says("Hello").await;
    let mut stale = message("Hi", "x1");
    stale["if_last_seq"] = json!(0);
    for repeat in [message(&"a".repeat(4_001), "x1"), message("  ", "x1"), message("", "x1"), stale] {
        grace.send(repeat).await;
        let ack = grace.hears("ack").await;
        assert_eq!((&ack["id"], &ack["duplicate"]), (&first["id"], &json!(true)));
    }
    house.closes().await;
}

#[tokio::test]
async fn client_ids_compare_and_echo_byte_for_byte() {
    let house = House::opens().await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    // The canonical UUID, the same in capitals, without dashes, in braces, and two ways to write é.
    let uuid = "0193e0c5-7b3a-7f00-8000-0123456789ab";
    let ids = [
        uuid.to_owned(),
        uuid.to_uppercase(),
        uuid.replace('-', ""),
        format!("{{{uuid}}}"),
        "\u{e9}".into(),
        "e\u{301}".into(),
        " x".into(),
        "x ".into(),
        "é".repeat(64),
    ];
    for (index, id) in ids.iter().enumerate() {
        grace.send(message("Hi", id)).await;
        let ack = grace.hears_that(json!({"type": "ack", "client_id": id})).await;
        assert_eq!((&ack["duplicate"], &ack["seq"]), (&json!(false), &json!(index + 1)), "{id}");
        assert_eq!(grace.hears("chat_message").await["client_id"], json!(id));
    }
    for id in &ids {
        grace.send(message("Hi", id)).await;
        assert_eq!(grace.hears_that(json!({"type": "ack", "client_id": id})).await["duplicate"], true);
    }
    house.closes().await;
}

#[tokio::test]
async fn a_message_is_refused_as_stale_when_the_other_side_wrote_since() {
    let house = House::opens().await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    let mut ada = house.enters(ADA, GRACE.room).await;
    grace.says("One").await;
    ada.says("Two").await;
    let mut held = message("Three", "x1");
    held["if_last_seq"] = json!(1);
    grace.send(held.clone()).await;
    let error = grace.is_refused("stale").await;
    assert_eq!((&error["client_id"], &error["retryable"]), (&json!("x1"), &json!(false)));
    held["if_last_seq"] = json!(2);
    grace.send(held).await;
    assert_eq!(grace.hears_that(json!({"type": "ack", "client_id": "x1"})).await["duplicate"], false, "a stale message was not stored");
    let mut own = message("Four", "x2");
    own["if_last_seq"] = json!(2);
    grace.send(own).await;
    assert_eq!(grace.hears_that(json!({"type": "ack", "client_id": "x2"})).await["seq"], 4, "one's own side does not make a message stale");
    house.closes().await;
}

#[tokio::test]
async fn texts_are_stored_as_they_were_sent() {
    let house = House::opens().await;
    let mut ada = house.enters(ADA, GRACE.room).await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    let family = "👩‍👩‍👧‍👦";
    for text in [
        "  spaces  ",
        "tab\tand\nline\r\n",
        "<script>alert(1)</script>",
        "\"quoted\\\"",
        "e\u{301} \u{202e}right\u{200f}",
        family,
        "\u{1}\u{7f}\u{feff}",
        "שלום",
    ] {
        grace.says(text).await;
        ada.sees(text).await;
    }
    house.closes().await;
}

#[tokio::test]
async fn each_room_has_its_own_seqs_and_nobody_hears_another_room() {
    let house = House::opens().await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    let mut linus = house.enters(LINUS, LINUS.room).await;
    grace.says("From Grace").await;
    assert_eq!(linus.says("From Linus").await["seq"], 1);
    grace.says("Again").await;
    linus.fence().await;
    assert_eq!((grace.seqs(), linus.seqs()), (vec![1, 2], vec![1]));
    let whispers = linus.log.heard().frames.iter().filter(|frame| frame.to_string().contains("Grace")).count();
    assert_eq!(whispers, 0, "a user never receives one byte of another user's room");
    house.closes().await;
}

/// The side is the sender's role when the message was sent.
#[tokio::test]
async fn the_side_of_a_message_stays_when_the_role_changes() {
    let house = House::opens().await;
    house.enters(ALAN, GRACE.room).await.says("I help you").await;
    house.cli(&["user", "role", "--phone", ALAN.phone, "user"], "").await.ok();
    let page = house.api(ADA).get(&format!("/api/chat/rooms/{}/messages/", GRACE.room)).await.ok();
    assert_eq!(page["results"][0]["sender"]["role"], "admin");
    house.closes().await;
}
