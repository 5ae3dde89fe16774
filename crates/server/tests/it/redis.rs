//! Several nodes with Redis between them: what one says the others hear at once; and without it, or with one that is silently
//! dead, they find it in the database.

use std::time::{Duration, Instant};

use frontdesk::{app::Timing, bus::Address, config::Config};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::fixture::{redis::Redis, *};

mod forms;

/// So long that nothing is found by looking while a test runs.
const NEVER: Duration = Duration::from_secs(600);

async fn two(redis: &Redis, change: impl Fn(&mut Config, &mut Timing)) -> (House, House) {
    let address = Address::parse(&redis.url()).expect("a good address");
    two_at(address, change).await
}

async fn two_at(address: Address, change: impl Fn(&mut Config, &mut Timing)) -> (House, House) {
    let mut nodes = House::nodes_with(2, |config, timing| {
        config.redis = Some(address.clone());
        change(config, timing);
    })
    .await;
    let second = nodes.pop().expect("two of them");
    let first = nodes.pop().expect("two of them");
    for node in [&first, &second] {
        until_ready_says(node, "ok").await;
    }
    (first, second)
}

/// Two that hear of each other over Redis alone.
async fn two_that_do_not_look(redis: &Redis) -> (House, House) {
    two(redis, |_, timing| timing.scan = NEVER).await
}

async fn close(nodes: (House, House)) {
    nodes.0.closes().await;
    nodes.1.closes().await;
}

async fn until_ready_says(node: &House, status: &'static str) {
    until(&format!("/readyz says {status}"), || async { node.api_of_nobody().get("/readyz").await.ok()["status"] == status }).await;
}

async fn metric(node: &House, name: &str) -> i64 {
    let text = node.api(ADA).get("/metrics").await.text();
    let line = text.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap_or_else(|| panic!("{name} is not in {text}"));
    line.rsplit(' ').next().and_then(|value| value.parse().ok()).expect("a number")
}

#[tokio::test]
async fn what_is_said_on_one_node_is_heard_on_the_other_without_looking() {
    let redis = Redis::starts().await;
    let nodes = two_that_do_not_look(&redis).await;
    let mut grace = nodes.0.enters(GRACE, GRACE.room).await;
    let mut ada = nodes.1.enters(ADA, GRACE.room).await;
    let mut inbox = nodes.1.watches_inbox(ALAN).await;
    for number in 0..20 {
        grace.says(&format!("user {number}")).await;
        ada.sees(&format!("user {number}")).await;
        ada.says(&format!("admin {number}")).await;
        grace.sees(&format!("admin {number}")).await;
    }
    inbox.waits_for("its summary", |frame| frame["type"] == "room_summary" && frame["room"]["last_message"]["message"] == "admin 19").await;
    grace.send(json!({"type": "typing", "is_typing": true})).await;
    ada.hears_that(json!({"type": "typing", "user_id": GRACE.id, "is_typing": true})).await;
    inbox.hears_that(json!({"type": "typing", "user_id": GRACE.id, "is_typing": true})).await;
    let said = ada.says("read this").await;
    grace.send(json!({"type": "read_receipt", "message_id": said["id"]})).await;
    ada.hears_that(json!({"type": "read_receipt", "user_id": GRACE.id, "message_id": said["id"]})).await;
    assert_eq!(metric(&nodes.0, "frontdesk_bus_up").await, 1);
    assert_eq!(metric(&nodes.0, "frontdesk_bus_lost_total").await, 0);
    close(nodes).await;
}

#[tokio::test]
async fn a_newcomer_on_another_node_is_told_who_types_already() {
    let redis = Redis::starts().await;
    let nodes = two_that_do_not_look(&redis).await;
    let mut grace = nodes.0.enters(GRACE, GRACE.room).await;
    let mut witness = nodes.1.watches_inbox(ALAN).await;
    let typing = |is_typing: bool| json!({"type": "typing", "user_id": GRACE.id, "name": "Grace", "is_typing": is_typing});
    grace.send(json!({"type": "typing", "is_typing": true})).await;
    // It has crossed, and nobody there was in the room.
    witness.hears_that(typing(true)).await;
    nodes.1.enters(ADA, GRACE.room).await.hears_that(typing(true)).await;
    let mut phone = nodes.1.enters(GRACE, GRACE.room).await;
    phone.fence().await;
    assert!(phone.seen("typing").is_empty(), "not the typist, on no node");
    grace.send(json!({"type": "typing", "is_typing": false})).await;
    witness.hears_that(typing(false)).await;
    let mut late = nodes.1.enters(ADA, GRACE.room).await;
    late.fence().await;
    assert!(late.seen("typing").is_empty(), "nobody types any more");
    close(nodes).await;
}

#[tokio::test]
async fn people_who_come_and_go_are_seen_on_the_other_node_without_looking() {
    let redis = Redis::starts().await;
    let nodes = two_that_do_not_look(&redis).await;
    let mut ada = nodes.1.enters(ADA, GRACE.room).await;
    let mut grace = nodes.0.enters(GRACE, GRACE.room).await;
    ada.hears_that(json!({"type": "user_status", "user_id": GRACE.id, "status": "online"})).await;
    grace.leaves().await;
    ada.hears_that(json!({"type": "user_status", "user_id": GRACE.id, "status": "offline"})).await;
    close(nodes).await;
}

#[tokio::test]
async fn a_session_that_ends_on_one_node_ends_on_the_other_without_looking() {
    let redis = Redis::starts().await;
    let nodes = two_that_do_not_look(&redis).await;
    nodes.0.cli(&["user", "password", "--phone", GRACE.phone], "a good long password\n").await.ok();
    let session = nodes.0.logs_in(GRACE, "a good long password").await;
    let token = session["access"].as_str().expect("text").to_owned();
    let mut tab = nodes.1.dial_room(&token, GRACE.room).v1().open().await;
    tab.hears("ready").await;
    nodes.0.api_with(&token).post("/api/auth/logout/", json!({"refresh": session["refresh"]})).await.done();
    assert_eq!(tab.closed().await, 4401);
    close(nodes).await;
}

#[tokio::test]
async fn a_rate_is_counted_over_all_nodes() {
    let redis = Redis::starts().await;
    let nodes = two(&redis, |config, timing| {
        config.rate_limit = 1;
        timing.scan = NEVER;
    })
    .await;
    let (mut here, mut there) = (nodes.0.enters(GRACE, GRACE.room).await, nodes.1.enters(GRACE, GRACE.room).await);
    for number in 0..3 {
        here.says(&format!("{number}")).await;
        there.sees(&format!("{number}")).await;
    }
    // Its hint may come a moment after the message; without it three more would pass.
    for number in 0..3 {
        there.send(json!({"type": "chat_message", "message": "more", "client_id": format!("m{number}")})).await;
    }
    assert_eq!(there.hears("error").await["code"], "rate_limited");
    close(nodes).await;
}

#[tokio::test]
async fn passwords_tried_on_one_node_count_on_the_other() {
    let redis = Redis::starts().await;
    let nodes = two(&redis, |config, timing| {
        config.rate_limit = 10;
        timing.scan = NEVER;
    })
    .await;
    let login = |node: &House| {
        let api = node.api_of_nobody();
        async move { api.post("/api/auth/login/", json!({"phone": GRACE.phone, "password": "wrong"})).await.status }
    };
    for _ in 0..10 {
        assert_eq!(login(&nodes.0).await, 401);
    }
    until("the other node refuses, too", || async { login(&nodes.1).await == 429 }).await;
    close(nodes).await;
}

#[tokio::test]
async fn without_redis_nodes_say_so_and_look_and_come_back_by_themselves() {
    let mut redis = Redis::starts().await;
    let nodes = two(&redis, |_, _| {}).await;
    let mut grace = nodes.0.enters(GRACE, GRACE.room).await;
    let mut ada = nodes.1.enters(ADA, GRACE.room).await;
    redis.stops().await;
    until_ready_says(&nodes.0, "degraded").await;
    until_ready_says(&nodes.1, "degraded").await;
    assert_eq!(metric(&nodes.0, "frontdesk_bus_up").await, 0);
    grace.says("can you hear me?").await;
    ada.sees("can you hear me?").await;
    ada.says("I can").await;
    grace.sees("I can").await;
    redis.starts_again().await;
    until_ready_says(&nodes.0, "ok").await;
    until_ready_says(&nodes.1, "ok").await;
    grace.says("and now?").await;
    ada.sees("and now?").await;
    assert!(metric(&nodes.0, "frontdesk_bus_rebuilt_total").await >= 1);
    close(nodes).await;
}

#[tokio::test]
async fn a_redis_that_stands_still_is_found_out() {
    let redis = Redis::starts().await;
    let nodes = two(&redis, |_, _| {}).await;
    let mut grace = nodes.0.enters(GRACE, GRACE.room).await;
    let mut ada = nodes.1.enters(ADA, GRACE.room).await;
    redis.signal("STOP").await;
    let stopped = Instant::now();
    grace.says("can you hear me?").await;
    ada.sees("can you hear me?").await;
    until_ready_says(&nodes.0, "degraded").await;
    until_ready_says(&nodes.1, "degraded").await;
    // The contract's bound is 5 s.
    assert!(stopped.elapsed() < Duration::from_secs(10), "found out after {:?}", stopped.elapsed());
    redis.signal("CONT").await;
    until_ready_says(&nodes.0, "ok").await;
    until_ready_says(&nodes.1, "ok").await;
    close(nodes).await;
}

#[tokio::test]
async fn a_redis_that_takes_everything_and_hands_on_nothing_is_found_out() {
    let port = deaf_redis().await;
    let address = Address::parse(&format!("redis://127.0.0.1:{port}")).expect("a good address");
    let mut nodes = House::nodes_with(2, |config, _| config.redis = Some(address.clone())).await;
    let there = nodes.pop().expect("two");
    let here = nodes.pop().expect("two");
    until("it has tried twice to have a line", || async { metric(&here, "frontdesk_bus_rebuilt_total").await >= 2 }).await;
    until_ready_says(&here, "degraded").await;
    let mut grace = here.enters(GRACE, GRACE.room).await;
    let mut ada = there.enters(ADA, GRACE.room).await;
    grace.says("can you hear me?").await;
    ada.sees("can you hear me?").await;
    close((here, there)).await;
}

/// Answers as Redis does to those who publish and subscribe, but nothing that is published reaches anybody.
async fn deaf_redis() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer_deafly(BufReader::new(stream)));
        }
    });
    port
}

async fn answer_deafly(mut stream: BufReader<TcpStream>) -> Option<()> {
    loop {
        let count: usize = line(&mut stream).await?.strip_prefix('*')?.parse().ok()?;
        let mut words = Vec::new();
        for _ in 0..count {
            let length: usize = line(&mut stream).await?.strip_prefix('$')?.parse().ok()?;
            let mut word = vec![0; length + 2];
            stream.read_exact(&mut word).await.ok()?;
            words.push(String::from_utf8_lossy(&word[..length]).into_owned());
        }
        let answer = match words[0].as_str() {
            "HELLO" => "%1\r\n+proto\r\n:3\r\n".to_owned(),
            "SSUBSCRIBE" => format!(">3\r\n+ssubscribe\r\n${}\r\n{}\r\n:1\r\n", words[1].len(), words[1]),
            "SPUBLISH" => ":1\r\n".to_owned(),
            _ => "+OK\r\n".to_owned(),
        };
        stream.write_all(answer.as_bytes()).await.ok()?;
    }
}

async fn line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    line.strip_suffix("\r\n").map(str::to_owned)
}

#[tokio::test]
async fn a_node_starts_without_its_redis() {
    let mut redis = Redis::starts().await;
    redis.stops().await;
    let address = Address::parse(&redis.url()).expect("a good address");
    let mut nodes = House::nodes_with(1, |config, _| config.redis = Some(address.clone())).await;
    let node = nodes.pop().expect("one");
    until_ready_says(&node, "degraded").await;
    redis.starts_again().await;
    until_ready_says(&node, "ok").await;
    node.closes().await;
}

#[tokio::test]
async fn two_databases_on_one_redis_do_not_hear_each_other() {
    let redis = Redis::starts().await;
    let (one, other) = (two_that_do_not_look(&redis).await, two_that_do_not_look(&redis).await);
    let mut grace = one.0.enters(GRACE, GRACE.room).await;
    let mut ada = one.1.enters(ADA, GRACE.room).await;
    let stranger = other.0.enters(ADA, GRACE.room).await;
    grace.says("for my own desk").await;
    ada.sees("for my own desk").await;
    assert_eq!(stranger.seen("chat_message"), Vec::<Value>::new());
    close(one).await;
    close(other).await;
}
