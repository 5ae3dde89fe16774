//! Presence: people, not tabs; arrivals at once, departures after the grace.

use crate::fixture::{server::PRESENCE_GRACE, *};

fn of(who: Person, status: &str) -> Value {
    json!({"type": "user_status", "user_id": who.id, "status": status})
}

#[tokio::test]
async fn who_comes_is_told_to_those_who_are_there() {
    let house = House::opens().await;
    let mut ada = house.enters(ADA, GRACE.room).await;
    let mut old_ada = house.enters_as_of_old(ADA, GRACE.room).await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    for tab in [&mut ada, &mut old_ada] {
        let status = tab.hears("user_status").await;
        assert_eq!(
            status,
            json!({"type": "user_status", "room_id": GRACE.room, "user_id": GRACE.id, "role": "user", "status": "online", "last_seen": null})
        );
    }
    grace.fence().await;
    assert!(grace.seen("user_status").iter().all(|status| status["user_id"] != GRACE.id), "nobody is told of himself");
    house.closes().await;
}

#[tokio::test]
async fn a_newcomer_is_told_first_thing_who_is_there() {
    let house = House::opens().await;
    let _ada = house.enters(ADA, GRACE.room).await;
    let _alan = house.enters_as_of_old(ALAN, GRACE.room).await;
    let mut tab = house.enters(ADA, GRACE.room).await;
    tab.says("Hi").await;
    let mut grace = house.resumes(GRACE, GRACE.room, 0, tab.ready["epoch"].as_str().expect("an epoch")).await;
    grace.sees("Hi").await;
    let kinds: Vec<String> = grace.log.heard().frames.iter().map(|frame| frame["type"].as_str().unwrap_or_default().to_owned()).collect();
    assert_eq!(kinds[..3], ["ready", "user_status", "user_status"], "before anything else");
    let mut ids: Vec<i64> = grace.seen("user_status").iter().filter_map(|status| status["user_id"].as_i64()).collect();
    ids.sort_unstable();
    assert_eq!(ids, [ADA.id, ALAN.id], "each person once, whatever tabs they have");
    let mut old = house.enters_as_of_old(GRACE, GRACE.room).await;
    let first = old.waits_for("the first frame", |_| true).await;
    assert_eq!((&first["type"], &first["status"]), (&json!("user_status"), &json!("online")));
    house.closes().await;
}

#[tokio::test]
async fn a_person_is_gone_when_the_last_tab_is_and_the_grace_is_over() {
    let house = House::opens().await;
    let mut ada = house.enters(ADA, GRACE.room).await;
    let mut one = house.enters(GRACE, GRACE.room).await;
    let mut two = house.enters_as_of_old(GRACE, GRACE.room).await;
    ada.hears_that(of(GRACE, "online")).await;
    one.leaves().await;
    ada.fence().await;
    let left = tokio::time::Instant::now();
    two.leaves().await;
    let status = ada.hears_that(of(GRACE, "offline")).await;
    assert!(left.elapsed() >= PRESENCE_GRACE, "not before the grace is over");
    assert!(status["last_seen"].is_string());
    assert_eq!(ada.seen("user_status").len(), 2, "one came, one went");
    let room = house.api(ADA).get(&format!("/api/chat/rooms/{}/", GRACE.room)).await.ok();
    assert_eq!((&room["online"], &room["last_seen"]), (&json!(false), &status["last_seen"]));
    house.closes().await;
}

#[tokio::test]
async fn coming_back_within_the_grace_makes_no_frame() {
    let house = House::opens_with(|config, timing| {
        config.rate_limit = 0;
        timing.presence_grace = std::time::Duration::from_secs(3);
    })
    .await;
    let mut ada = house.enters(ADA, GRACE.room).await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    ada.hears_that(of(GRACE, "online")).await;
    grace.leaves().await;
    let newcomer = house.enters(ALAN, GRACE.room).await;
    let told = newcomer.log.wait("who is there", |heard| heard.frames.iter().find(|frame| frame["user_id"] == GRACE.id).cloned()).await;
    assert_eq!(told["status"], "online", "within the grace the person counts as online, for newcomers too");
    let room = house.api(ADA).get(&format!("/api/chat/rooms/{}/", GRACE.room)).await.ok();
    assert_eq!((&room["online"], &room["last_seen"]), (&json!(true), &Value::Null));
    let mut back = house.enters(GRACE, GRACE.room).await;
    back.says("I am back").await;
    ada.sees("I am back").await;
    let of_grace = ada.seen("user_status").iter().filter(|status| status["user_id"] == GRACE.id).count();
    assert_eq!(of_grace, 1, "coming back makes no frame");
    house.closes().await;
}

#[tokio::test]
async fn a_lost_connection_counts_as_leaving() {
    let house = House::opens().await;
    let mut ada = house.enters(ADA, GRACE.room).await;
    let grace = house.enters(GRACE, GRACE.room).await;
    ada.hears_that(of(GRACE, "online")).await;
    drop(grace);
    ada.hears_that(of(GRACE, "offline")).await;
    house.closes().await;
}

#[tokio::test]
async fn support_is_online_while_any_admin_is_connected_anywhere() {
    let house = House::opens().await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    let mut old_grace = house.enters_as_of_old(GRACE, GRACE.room).await;
    assert_eq!(grace.ready["support_online"], false);
    let mut elsewhere = house.enters(ADA, LINUS.room).await;
    assert_eq!(grace.hears("support_status").await, json!({"type": "support_status", "online": true}));
    let mut inbox = house.watches_inbox(ALAN).await;
    elsewhere.leaves().await;
    assert_eq!(house.enters(GRACE, GRACE.room).await.ready["support_online"], true);
    inbox.leaves().await;
    assert_eq!(grace.hears("support_status").await["online"], false);
    assert_eq!(grace.seen("support_status").len(), 2);
    old_grace.fence().await;
    assert!(old_grace.seen("support_status").is_empty());
    house.closes().await;
}

#[tokio::test]
async fn people_of_other_rooms_are_not_seen() {
    let house = House::opens().await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    let mut ada = house.enters(ADA, LINUS.room).await;
    let _linus = house.enters(LINUS, LINUS.room).await;
    ada.hears_that(of(LINUS, "online")).await;
    grace.fence().await;
    assert!(grace.seen("user_status").is_empty());
    house.closes().await;
}
