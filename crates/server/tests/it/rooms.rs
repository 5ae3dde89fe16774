//! Rooms: found or made, listed, searched, counted, resolved and reopened.

use crate::fixture::*;

fn ids(page: &Value) -> Vec<i64> {
    page["results"].as_array().expect("a page has results").iter().map(|room| room["id"].as_i64().expect("an id")).collect()
}

#[tokio::test]
async fn a_user_finds_the_newest_open_room_or_has_one_made() {
    let house = House::opens().await;
    let ken = house.api(KEN);
    assert_eq!(ids(&ken.get("/api/chat/rooms/").await.ok()), Vec::<i64>::new());
    let made = ken.post("/api/chat/rooms/", json!({})).await.is(201);
    assert_eq!(
        (&made["user"]["id"], &made["status"], &made["last_seq"], &made["last_message"]),
        (&json!(KEN.id), &json!("open"), &json!(0), &Value::Null)
    );
    assert_eq!((&made["unread_count"], &made["online"]), (&json!(0), &json!(false)));
    assert!(made["id"].as_i64() > Some(LINUS.room), "ids made later lie above imported ones");
    let found = ken.post("/api/chat/rooms/", json!({})).await.is(200);
    assert_eq!(found["id"], made["id"]);
    api::answer(ken.request("POST", "/api/chat/rooms/")).await.is(200);
    assert_eq!(house.api(GRACE).post("/api/chat/rooms/", json!({"user_id": GRACE.id})).await.is(200)["id"], GRACE.room);
    house.closes().await;
}

#[tokio::test]
async fn two_calls_at_once_make_one_room() {
    let house = House::opens().await;
    let ken = house.api(KEN);
    let calls = (0..8).map(|_| ken.post("/api/chat/rooms/", json!({})));
    let answers = futures_util::future::join_all(calls).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(made, 1);
    let first = answers[0].json()["id"].clone();
    assert!(answers.iter().all(|answer| answer.json()["id"] == first));
    house.closes().await;
}

#[tokio::test]
async fn an_admin_names_the_user() {
    let house = House::opens().await;
    let ada = house.api(ADA);
    let made = ada.post("/api/chat/rooms/", json!({"user_id": KEN.id})).await.is(201);
    assert_eq!(made["user"]["name"], "Ken");
    assert_eq!(house.api(KEN).post("/api/chat/rooms/", json!({})).await.is(200)["id"], made["id"]);
    let nobody = ada.post("/api/chat/rooms/", json!({})).await.problem(422, "invalid");
    assert_eq!(nobody["errors"][0]["field"], "user_id");
    let unknown = ada.post("/api/chat/rooms/", json!({"user_id": 999_999})).await;
    assert!([404, 422].contains(&unknown.status), "{}", unknown.text());
    house.closes().await;
}

#[tokio::test]
async fn the_list_is_by_newest_activity_and_empty_rooms_stand_in_it() {
    let house = House::opens().await;
    let made = house.api(KEN).post("/api/chat/rooms/", json!({})).await.is(201)["id"].as_i64().expect("an id");
    house.enters(GRACE, GRACE.room).await.says("Hi").await;
    let ada = house.api(ADA);
    assert_eq!(ids(&ada.get("/api/chat/rooms/").await.ok()), [GRACE.room, made, LINUS.room]);
    house.enters(ADA, LINUS.room).await.says("Hello Linus").await;
    let page = ada.get("/api/chat/rooms/").await.ok();
    assert_eq!(ids(&page), [LINUS.room, GRACE.room, made]);
    assert_eq!(page["next"], Value::Null);
    assert_eq!(page["results"][0]["last_message"]["message"], "Hello Linus");
    assert_eq!(ids(&house.api(LINUS).get("/api/chat/rooms").await.ok()), [LINUS.room]);
    house.closes().await;
}

#[tokio::test]
async fn pages_of_rooms_are_complete_and_without_repeats() {
    let house = House::opens().await;
    let mut lines = String::new();
    for number in 0..23 {
        // Several of one moment, so that the cursor must tell them apart.
        let minute = number / 5;
        lines += &format!(
            "{}\n",
            json!({"type": "room", "id": 1_000 + number, "user_id": KEN.id, "status": "open", "created_at": format!("2026-01-02T00:{minute:02}:00Z")})
        );
    }
    std::fs::write(house.folder().join("rooms.jsonl"), lines).expect("the folder can be written");
    house.cli(&["import", "rooms.jsonl"], "").await.ok();
    let ada = house.api(ADA);
    let whole = ids(&ada.get("/api/chat/rooms/?limit=200").await.ok());
    assert_eq!(whole.len(), 25);
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = ada.get(&format!("/api/chat/rooms/?limit=4{cursor}")).await.ok();
        paged.extend(ids(&page));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(paged, whole);
    let at_once = &whole[..5];
    assert!(at_once.windows(2).all(|pair| pair[0] > pair[1]), "the same moment: by id, descending: {whole:?}");
    house.closes().await;
}

#[tokio::test]
async fn rooms_are_found_by_name_phone_status_and_what_is_unread() {
    let house = House::opens().await;
    let ada = house.api(ADA);
    house.enters(GRACE, GRACE.room).await.says("Hi").await;
    ada.patch(&format!("/api/chat/rooms/{}/", LINUS.room), json!({"status": "resolved"})).await.ok();
    for (query, found) in [
        ("q=rac", vec![GRACE.room]),
        ("q=LINUS", vec![LINUS.room]),
        ("q=9000000011", vec![GRACE.room]),
        ("q=00001", vec![LINUS.room, GRACE.room]),
        ("q=nobody", vec![]),
        ("q=%25", vec![]),
        ("q=_", vec![]),
        ("status=open", vec![GRACE.room]),
        ("status=resolved", vec![LINUS.room]),
        ("unread=1", vec![GRACE.room]),
        ("unread=1&status=resolved", vec![]),
    ] {
        assert_eq!(ids(&ada.get(&format!("/api/chat/rooms/?{query}")).await.ok()), found, "{query}");
    }
    for bad in ["status=closed", "unread=maybe", "limit=0", "limit=201", "limit=x", "limit=-1", "cursor=nonsense"] {
        let problem = ada.get(&format!("/api/chat/rooms/?{bad}")).await.problem(422, "invalid");
        assert_eq!(problem["errors"][0]["field"].as_str(), bad.split('=').next(), "{bad}");
    }
    house.closes().await;
}

#[tokio::test]
async fn the_summary_counts_what_the_caller_may_see() {
    let house = House::opens().await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    grace.says("One").await;
    grace.says("Two").await;
    house.enters(ADA, LINUS.room).await.says("Hello").await;
    house.api(ADA).patch(&format!("/api/chat/rooms/{}/", LINUS.room), json!({"status": "resolved"})).await.ok();
    let summary = "/api/chat/rooms/summary/";
    assert_eq!(house.api(ADA).get(summary).await.ok(), json!({"rooms": 2, "rooms_unread": 1, "unread": 2, "open": 1, "resolved": 1}));
    assert_eq!(house.api(LINUS).get(summary).await.ok(), json!({"rooms": 1, "rooms_unread": 1, "unread": 1, "open": 0, "resolved": 1}));
    assert_eq!(house.api(KEN).get(summary).await.ok(), json!({"rooms": 0, "rooms_unread": 0, "unread": 0, "open": 0, "resolved": 0}));
    house.closes().await;
}

#[tokio::test]
async fn resolving_is_a_durable_event_for_everybody() {
    let house = House::opens().await;
    let mut ada = house.enters(ADA, GRACE.room).await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    grace.says("Hi").await;
    let path = format!("/api/chat/rooms/{}/", GRACE.room);
    let room = house.api(ADA).patch(&path, json!({"status": "resolved"})).await.ok();
    assert_eq!((&room["status"], &room["last_seq"]), (&json!("resolved"), &json!(2)));
    let (to_ada, to_grace) = (ada.hears("room_updated").await, grace.hears("room_updated").await);
    assert_eq!(to_ada, to_grace, "the same for everybody");
    assert_eq!((&to_ada["seq"], &to_ada["status"], &to_ada["user_id"]), (&json!(2), &json!("resolved"), &json!(ADA.id)));
    house.api(ADA).patch(&path, json!({"status": "resolved"})).await.ok();
    house.api(ADA).patch(&path, json!({"status": "open"})).await.ok();
    assert_eq!(ada.hears("room_updated").await["seq"], 3, "what changes nothing takes no seq");
    house.api(ADA).patch(&path, json!({"status": "closed"})).await.problem(422, "invalid");
    house.api(ADA).patch(&path, json!({})).await.problem(422, "invalid");
    house.api(ADA).patch("/api/chat/rooms/999999/", json!({"status": "open"})).await.problem(404, "not_found");
    house.closes().await;
}

/// Reopening by a message takes no seq: the user's message says it.
#[tokio::test]
async fn a_users_message_reopens_and_an_admins_does_not() {
    let house = House::opens().await;
    let mut ada = house.enters(ADA, GRACE.room).await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    let path = format!("/api/chat/rooms/{}/", GRACE.room);
    house.api(ADA).patch(&path, json!({"status": "resolved"})).await.ok();
    ada.hears("room_updated").await;
    ada.says("Anything else?").await;
    assert_eq!(house.api(GRACE).get(&path).await.ok()["status"], "resolved");
    let beside = house.api(GRACE).post("/api/chat/rooms/", json!({})).await.is(201);
    assert_ne!(beside["id"], GRACE.room, "a resolved room is not the open one");
    grace.says("Yes").await;
    let room = house.api(GRACE).get(&path).await.ok();
    assert_eq!((&room["status"], &room["last_seq"]), (&json!("open"), &json!(3)), "also beside another open room");
    assert_eq!(ada.seen("room_updated").len(), 1);
    house.closes().await;
}

#[tokio::test]
async fn people_are_found_by_admins() {
    let house = House::opens().await;
    let ada = house.api(ADA);
    assert_eq!(ada.get("/api/users/?q=grace").await.ok()["results"], json!([{"id": GRACE.id, "name": "Grace", "role": "user"}]));
    assert_eq!(ada.get("/api/users/?q=9000000012").await.ok()["results"][0]["name"], "Linus");
    let everybody = ada.get("/api/users/").await.ok();
    let names: Vec<&str> = everybody["results"].as_array().expect("results").iter().filter_map(|user| user["name"].as_str()).collect();
    assert_eq!(names, ["Ada", "Alan", "Grace", "Ken", "Linus"]);
    house.closes().await;
}
