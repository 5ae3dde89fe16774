//! Frames: what is not valid is answered by an `error`, never half applied, and the connection lives on.

use tokio_tungstenite::tungstenite::Message;

use crate::fixture::*;

/// Frames that are not valid, by their fault.
fn bad_frames() -> Vec<(&'static str, String)> {
    let deep = format!("{{\"type\":\"typing\",\"is_typing\":true,\"deep\":{}{}}}", "[".repeat(20_000), "]".repeat(20_000));
    let frames = [
        ("not JSON", "hello"),
        ("empty", ""),
        ("half a frame", r#"{"type":"chat_message","mess"#),
        ("two frames", r#"{"type":"typing","is_typing":true}{"type":"typing","is_typing":true}"#),
        ("an array", r#"["chat_message","Hi"]"#),
        ("a text", r#""chat_message""#),
        ("a number", "5"),
        ("null", "null"),
        ("no type", r#"{"message":"Hi"}"#),
        ("an unknown type", r#"{"type":"shout","message":"Hi"}"#),
        ("a server's type", r#"{"type":"ready"}"#),
        ("the type as a number", r#"{"type":1,"message":"Hi"}"#),
        ("a message as a number", r#"{"type":"chat_message","message":5}"#),
        ("a message as null", r#"{"type":"chat_message","message":null}"#),
        ("a message as an object", r#"{"type":"chat_message","message":{"text":"Hi"}}"#),
        ("no message", r#"{"type":"chat_message"}"#),
        ("U+0000", r#"{"type":"chat_message","message":"a\u0000b"}"#),
        ("a lone surrogate", r#"{"type":"chat_message","message":"a\ud800b"}"#),
        ("an empty client_id", r#"{"type":"chat_message","message":"Hi","client_id":""}"#),
        ("a client_id as a number", r#"{"type":"chat_message","message":"Hi","client_id":7}"#),
        ("U+0000 in a client_id", r#"{"type":"chat_message","message":"Hi","client_id":"a\u0000"}"#),
        ("if_last_seq as text", r#"{"type":"chat_message","message":"Hi","if_last_seq":"1"}"#),
        ("is_typing as text", r#"{"type":"typing","is_typing":"true"}"#),
        ("no is_typing", r#"{"type":"typing"}"#),
        ("a message_id as text", r#"{"type":"read_receipt","message_id":"5"}"#),
        ("a message_id as a float", r#"{"type":"read_receipt","message_id":5.5}"#),
        ("a huge message_id", r#"{"type":"read_receipt","message_id":123456789012345678901234567890}"#),
        ("a message_id of 1e400", r#"{"type":"read_receipt","message_id":1e400}"#),
        ("no message_id", r#"{"type":"read_receipt"}"#),
        ("open_room on a room", r#"{"type":"open_room","room_id":101}"#),
        ("the same field twice", r#"{"type":"chat_message","message":"Hi","message":"Ho"}"#),
    ];
    let long_id = json!({"type": "chat_message", "message": "Hi", "client_id": "x".repeat(65)}).to_string();
    let mut all: Vec<_> = frames.into_iter().map(|(fault, text)| (fault, text.to_owned())).collect();
    all.extend([("deep nesting", deep), ("a client_id of 65 characters", long_id)]);
    all
}

/// What is there may be `bad_frame`; the connection answers and lives on.
async fn bears_all(tab: &mut Tab) {
    let mut taken = Vec::new();
    for (index, (fault, text)) in bad_frames().into_iter().enumerate() {
        let before = tab.seen("error").len();
        // The answer to the next frame tells that this one was handled.
        let marker = format!("marker {index}");
        tab.send_text(&text).await;
        tab.send(json!({"type": "no such type", "client_id": marker})).await;
        tab.hears_that(json!({"type": "error", "client_id": marker})).await;
        match tab.seen("error").get(before) {
            Some(error) if error["code"] == "bad_frame" && error["client_id"] != json!(marker) && error["retryable"] == false => {}
            _ => taken.push(fault),
        }
    }
    assert!(taken.is_empty(), "these were not refused as they should be: {taken:?}");
    let before = tab.seen("error").len();
    tab.send_raw(Message::binary(br#"{"type":"chat_message","message":"Hi"}"#.to_vec())).await;
    tab.log
        .wait("a refusal of the binary frame", |heard| {
            (heard.frames.iter().filter(|frame| frame["type"] == "error").count() > before).then_some(())
        })
        .await;
    tab.says("I am still here").await;
    assert_eq!(tab.seqs(), [1], "nothing bad was applied");
}

#[tokio::test]
async fn bad_frames_are_answered_and_the_connection_lives_on() {
    let house = House::opens().await;
    bears_all(&mut house.enters(GRACE, GRACE.room).await).await;
    house.closes().await;
}

#[tokio::test]
async fn bad_frames_on_a_connection_of_old_are_answered_too() {
    let house = House::opens().await;
    bears_all(&mut house.enters_as_of_old(GRACE, GRACE.room).await).await;
    house.closes().await;
}

#[tokio::test]
async fn a_refused_frame_is_named_by_its_client_id() {
    let house = House::opens().await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    grace.send(json!({"type": "chat_message", "message": "a\0b", "client_id": "x1"})).await;
    assert_eq!(grace.is_refused("bad_frame").await["client_id"], "x1");
    grace.send(json!({"type": "chat_message", "message": "", "client_id": "x2"})).await;
    assert_eq!(grace.is_refused("empty").await["client_id"], "x2");
    grace.send(json!({"type": "chat_message", "client_id": "x3"})).await;
    assert_eq!(grace.is_refused("bad_frame").await["client_id"], "x3");
    house.closes().await;
}

#[tokio::test]
async fn four_thousand_characters_are_enough_and_one_more_is_too_long() {
    let house = House::opens().await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    // Characters, not bytes and not UTF-16 units.
    for character in ["a", "é", "界", "😀"] {
        grace.says(&character.repeat(4_000)).await;
        grace.send(json!({"type": "chat_message", "message": character.repeat(4_001), "client_id": "long"})).await;
        let error = grace.is_refused("too_long").await;
        assert_eq!((&error["client_id"], &error["retryable"]), (&json!("long"), &json!(false)));
    }
    house.closes().await;
}

#[tokio::test]
async fn white_space_alone_is_empty() {
    let house = House::opens().await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    let mut old = house.enters_as_of_old(GRACE, GRACE.room).await;
    for text in ["", " ", "\n\t\r", "\u{a0}\u{2003}\u{3000}"] {
        for tab in [&mut grace, &mut old] {
            tab.send(json!({"type": "chat_message", "message": text})).await;
            tab.is_refused("empty").await;
        }
    }
    house.closes().await;
}

#[tokio::test]
async fn a_message_max_of_ones_own_is_kept() {
    let house = House::opens_with(|config, _| config.message_max = 5).await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    grace.says("12345").await;
    grace.send(json!({"type": "chat_message", "message": "123456"})).await;
    grace.is_refused("too_long").await;
    assert_eq!(house.api_of_nobody().get("/api/options/").await.ok()["message_max"], 5);
    house.closes().await;
}

#[tokio::test]
async fn fields_that_are_not_known_do_no_harm() {
    let house = House::opens().await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    grace.send(json!({"type": "chat_message", "message": "Hi", "client_id": "x1", "mood": ["happy"], "room_id": LINUS.room})).await;
    assert_eq!(grace.hears("ack").await["duplicate"], false);
    assert_eq!(grace.sees("Hi").await["room_id"], GRACE.room, "a room's connection means its room");
    grace.send_text(" \n{ \"is_typing\" : false , \"type\" : \"typing\" }\n").await;
    grace.fence().await;
    assert!(grace.seen("error").is_empty());
    house.closes().await;
}

/// Its switch knows five types.
#[tokio::test]
async fn a_connection_of_old_meets_the_five_types_only() {
    let house = House::opens().await;
    let mut old = house.enters_as_of_old(GRACE, GRACE.room).await;
    let mut ada = house.enters(ADA, GRACE.room).await;
    let said = old.says("Hi").await;
    ada.send(json!({"type": "typing", "is_typing": true})).await;
    ada.send(json!({"type": "delivered", "message_id": said["id"]})).await;
    ada.send(json!({"type": "read_receipt", "message_id": said["id"]})).await;
    house.api(ADA).patch(&format!("/api/chat/rooms/{}/", GRACE.room), json!({"status": "resolved"})).await.ok();
    ada.hears("heartbeat").await;
    ada.says("Bye").await;
    old.sees("Bye").await;
    for frame in old.log.heard().frames {
        let kind = frame["type"].as_str().expect("a type").to_owned();
        assert!(["chat_message", "typing", "read_receipt", "user_status", "error"].contains(&kind.as_str()), "{frame}");
    }
    for frame in [
        json!({"type": "delivered", "message_id": said["id"]}),
        json!({"type": "resume", "after": 0}),
        json!({"type": "auth", "token": GRACE.token()}),
        json!({"type": "ping"}),
    ] {
        old.send(frame).await;
        old.is_refused("bad_frame").await;
    }
    house.closes().await;
}

#[tokio::test]
async fn ping_is_answered_by_pong() {
    let house = House::opens().await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    grace.send(json!({"type": "ping"})).await;
    assert_eq!(grace.hears("pong").await, json!({"type": "pong"}));
    house.closes().await;
}
