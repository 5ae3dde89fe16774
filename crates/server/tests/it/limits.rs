//! Limits: on everything that a stranger can make grow, told in a way that a client can act on.

use std::{net::IpAddr, sync::Arc, time::Duration};

use frontdesk::door::{
    memory::{self, Memory},
    places::{Full, Places},
};
use tokio::time::Instant;

use crate::fixture::*;

async fn opens_limited(rate: u32) -> House {
    House::opens_with(|config, _| config.rate_limit = rate).await
}

/// Each is refused by an error of its own; nothing is delayed and the connection stays.
#[tokio::test]
async fn a_v1_connection_past_the_rate_is_told_for_each_message() {
    let house = opens_limited(1).await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    for number in 0..10 {
        grace.send(json!({"type": "chat_message", "message": "Hi", "client_id": format!("x{number}")})).await;
    }
    let answered = |heard: &ws::Heard| heard.frames.iter().filter(|frame| frame["type"] == "ack" || frame["type"] == "error").count() == 10;
    grace.log.wait("an answer to each", |heard| answered(heard).then_some(())).await;
    let refused = grace.seen("error");
    assert!((6..=7).contains(&refused.len()), "a burst of three passes, not {}", 10 - refused.len());
    for error in &refused {
        assert_eq!((&error["code"], &error["retryable"]), (&json!("rate_limited"), &json!(true)));
        assert!(error["client_id"].is_string() && error["retry_after_ms"].as_u64() >= Some(1), "{error}");
    }
    let first = refused[0]["client_id"].clone();
    tokio::time::sleep(Duration::from_millis(refused[0]["retry_after_ms"].as_u64().expect("a number") + 1_000)).await;
    grace.send(json!({"type": "chat_message", "message": "Hi", "client_id": first})).await;
    assert_eq!(grace.hears_that(json!({"type": "ack", "client_id": first})).await["duplicate"], false);
    house.closes().await;
}

#[tokio::test]
async fn an_origin_connection_past_the_rate_is_slowed_and_loses_nothing() {
    let house = opens_limited(4).await;
    let mut ada = house.enters(ADA, GRACE.room).await;
    let mut old = house.enters_as_of_old(GRACE, GRACE.room).await;
    let begun = Instant::now();
    for number in 0..20 {
        old.send(json!({"type": "chat_message", "message": format!("m{number}")})).await;
    }
    ada.sees("m19").await;
    assert!(begun.elapsed() > Duration::from_millis(1_500), "slowed to four a second after the burst of twelve");
    let texts: Vec<String> =
        ada.seen("chat_message").iter().map(|frame| frame["message"].as_str().unwrap_or_default().to_owned()).collect();
    assert_eq!(texts, (0..20).map(|number| format!("m{number}")).collect::<Vec<_>>(), "in order");
    assert!(old.seen("error").is_empty());
    house.closes().await;
}

#[tokio::test]
async fn a_repeat_is_answered_even_when_the_rate_is_used_up() {
    let house = opens_limited(1).await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    for number in 0..6 {
        grace.send(json!({"type": "chat_message", "message": "Hi", "client_id": format!("x{number}")})).await;
    }
    grace.fence().await;
    grace.send(json!({"type": "chat_message", "message": "Hi", "client_id": "x0"})).await;
    grace.waits_for("the repeat's ack", |frame| frame["client_id"] == "x0" && frame["duplicate"] == true).await;
    house.closes().await;
}

#[tokio::test]
async fn http_past_the_rate_is_429_with_retry_after() {
    let house = opens_limited(1).await;
    let path = format!("/api/chat/rooms/{}/messages/", GRACE.room);
    let mut last = 201;
    for _ in 0..5 {
        let answer = house.api(GRACE).post(&path, json!({"message": "Hi"})).await;
        last = answer.status;
        if last == 429 {
            answer.problem(429, "rate_limited");
            break;
        }
    }
    assert_eq!(last, 429);
    house.api(LINUS).post(&format!("/api/chat/rooms/{}/messages/", LINUS.room), json!({"message": "Hi"})).await.is(201);
    house.closes().await;
}

#[tokio::test]
async fn frames_of_all_kinds_are_limited_per_connection() {
    let house = opens_limited(10).await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    for _ in 0..300 {
        grace.send(json!({"type": "ping"})).await;
    }
    let error = grace.is_refused("rate_limited").await;
    assert!(error["retry_after_ms"].as_u64() >= Some(1));
    grace
        .log
        .wait("an answer to each frame", |heard| {
            (heard.frames.iter().filter(|frame| frame["type"] == "pong" || frame["type"] == "error").count() == 300).then_some(())
        })
        .await;
    assert!(grace.seen("pong").len() >= 200, "a burst of 200 passes");
    assert!(grace.is_open());
    house.closes().await;
}

#[tokio::test]
async fn the_hundred_and_first_bad_frame_closes_with_1008() {
    let house = opens_limited(10).await;
    let mut grace = house.dial_room(&GRACE.token(), GRACE.room).v1().open().await;
    for _ in 0..100 {
        grace.send_text("nonsense").await;
    }
    grace
        .log
        .wait("a hundred errors", |heard| (heard.frames.iter().filter(|frame| frame["type"] == "error").count() == 100).then_some(()))
        .await;
    assert!(grace.is_open(), "a hundred are borne");
    for _ in 0..3 {
        grace.send_text("nonsense").await;
    }
    assert_eq!(grace.closed().await, 1008);
    house.closes().await;
}

#[tokio::test]
async fn a_frame_over_64_kib_closes_with_1009() {
    let house = House::opens().await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    let wrapped = |bytes: usize| {
        let empty = json!({"type": "ping", "pad": ""}).to_string().len();
        json!({"type": "ping", "pad": "a".repeat(bytes - empty)}).to_string()
    };
    grace.send_text(&wrapped(64 * 1_024)).await;
    grace.hears("pong").await;
    grace.send_text(&wrapped(64 * 1_024 + 1)).await;
    assert_eq!(grace.closed().await, 1009);
    house.closes().await;
}

#[tokio::test]
async fn the_tenth_login_of_a_phone_is_the_last_for_a_while() {
    let house = opens_limited(10).await;
    let nobody = house.api_of_nobody();
    let wrong = json!({"phone": GRACE.phone, "password": "wrong"});
    for _ in 0..10 {
        nobody.post("/api/auth/login/", wrong.clone()).await.problem(401, "unauthorized");
    }
    nobody.post("/api/auth/login/", wrong).await.problem(429, "rate_limited");
    house.logs_in(LINUS, PASSWORD).await;
    house.closes().await;
}

/// While no proxy is trusted, a loopback peer that forwards for others is not limited by address.
#[tokio::test]
async fn forwarded_addresses_count_only_from_trusted_proxies() {
    let trusting = House::opens_with(|config, _| config.trusted_proxies = vec!["127.0.0.1".parse().expect("an address")]).await;
    let attempt = async |house: &House, forwarded: &str| {
        let request = house.api_of_nobody().request("POST", "/api/auth/login/").header("x-forwarded-for", forwarded);
        api::answer(request.json(&json!({"phone": "0", "password": "wrong"}))).await.status
    };
    for _ in 0..10 {
        assert_eq!(attempt(&trusting, "203.0.113.1").await, 401);
    }
    assert_eq!(attempt(&trusting, "203.0.113.1").await, 429);
    assert_eq!(attempt(&trusting, "203.0.113.9, 203.0.113.1").await, 429, "the rightmost hop counts");
    assert_eq!(attempt(&trusting, "203.0.113.2").await, 401);
    trusting.closes().await;
    let plain = opens_limited(10).await;
    for _ in 0..12 {
        assert_eq!(attempt(&plain, "203.0.113.1").await, 401);
    }
    plain.closes().await;
}

#[tokio::test]
async fn a_person_has_so_many_connections_and_no_more() {
    let house = House::opens_with(|config, _| config.connections_per_user = 3).await;
    let mut tabs =
        [house.enters(GRACE, GRACE.room).await, house.enters(GRACE, GRACE.room).await, house.enters_as_of_old(GRACE, GRACE.room).await];
    assert_eq!(house.dial_room(&GRACE.token(), GRACE.room).v1().turned_away().await, (4429, "rate_limited".into()));
    house.enters(LINUS, LINUS.room).await.fence().await;
    tabs[2].leaves().await;
    until("a place is free again", async || {
        let tab = house.dial_room(&GRACE.token(), GRACE.room).v1().open().await;
        tab.log.wait("an answer", |heard| heard.frames.first().map(|frame| frame["type"] == "ready")).await
    })
    .await;
    house.closes().await;
}

#[tokio::test]
async fn an_address_has_so_many_connections_and_no_more() {
    let house = House::opens_with(|config, _| config.connections_per_address = 2).await;
    let _tabs = [house.enters(GRACE, GRACE.room).await, house.enters(LINUS, LINUS.room).await];
    assert_eq!(house.dial_room(&ADA.token(), GRACE.room).turned_away().await, (4429, "rate_limited".into()));
    drop(_tabs);
    house.closes().await;
}

#[tokio::test]
async fn rate_limit_zero_turns_every_limit_off() {
    let house = House::opens_with(|config, _| {
        config.rate_limit = 0;
        config.connections_per_user = 1;
        config.connections_per_address = 1;
    })
    .await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    let _second = house.enters(GRACE, GRACE.room).await;
    for _ in 0..150 {
        grace.send_text("nonsense").await;
    }
    for number in 0..250 {
        grace.send(json!({"type": "chat_message", "message": "Hi", "client_id": format!("x{number}")})).await;
    }
    grace.hears_that(json!({"type": "ack", "client_id": "x249"})).await;
    assert!(grace.seen("error").iter().all(|error| error["code"] == "bad_frame"));
    house.closes().await;
}

/// Nothing is heard from a peer that neither reads nor writes, not even pongs.
#[tokio::test]
async fn a_silent_peer_is_closed() {
    let house = House::opens().await;
    let mut ada = house.enters(ADA, GRACE.room).await;
    let grace = house.dial_room(&GRACE.token(), GRACE.room).open().await;
    ada.hears_that(json!({"type": "user_status", "user_id": GRACE.id, "status": "online"})).await;
    grace.stops_reading();
    ada.hears_that(json!({"type": "user_status", "user_id": GRACE.id, "status": "offline"})).await;
    house.closes().await;
}

/// So many large messages (of 12 kB) that a narrow line does not hold them: Linux keeps at most 4 MB of what was sent.
const FLOOD: i64 = 500;

async fn floods(tab: &mut Tab, count: i64) {
    for number in 0..count {
        let text = format!("{number} {}", "界".repeat(3_900));
        tab.send(json!({"type": "chat_message", "message": text, "client_id": format!("x{number}")})).await;
    }
}

#[tokio::test]
async fn whoever_reads_too_slowly_is_let_go_and_the_others_do_not_notice() {
    let house = House::opens_with(|config, timing| {
        config.rate_limit = 0;
        timing.heartbeat = Duration::from_secs(60);
        timing.write_timeout = Duration::from_secs(1);
    })
    .await;
    let mut ada = house.enters(ADA, GRACE.room).await;
    let alan = house.enters(ALAN, GRACE.room).await;
    let grace = house.dial_room(&GRACE.token(), GRACE.room).v1().narrow().open().await;
    ada.hears_that(json!({"type": "user_status", "user_id": GRACE.id, "status": "online"})).await;
    grace.stops_reading();
    floods(&mut ada, FLOOD).await;
    ada.hears_that(json!({"type": "user_status", "user_id": GRACE.id, "status": "offline"})).await;
    alan.log.wait("the last message", |heard| heard.frames.iter().any(|frame| frame["seq"] == FLOOD).then_some(())).await;
    assert_eq!(alan.seqs(), (1..=FLOOD).collect::<Vec<_>>());
    house.closes().await;
}

/// What does not fit into its outbox is read from the store when it reads again.
#[tokio::test]
async fn whoever_pauses_and_reads_again_has_missed_nothing() {
    let house = House::opens_with(|config, timing| {
        config.rate_limit = 0;
        timing.heartbeat = Duration::from_secs(60);
        timing.write_timeout = Duration::from_secs(15);
    })
    .await;
    let mut ada = house.enters(ADA, GRACE.room).await;
    let grace = house.joins(house.dial_room(&GRACE.token(), GRACE.room).v1().narrow(), GRACE.room, None).await;
    let old = house.dial_room(&GRACE.token(), GRACE.room).narrow().open().await;
    grace.stops_reading();
    old.stops_reading();
    floods(&mut ada, FLOOD).await;
    ada.hears_that(json!({"type": "ack", "client_id": format!("x{}", FLOOD - 1)})).await;
    grace.reads_again();
    old.reads_again();
    for tab in [&grace, &old] {
        tab.log.wait("the last message", |heard| heard.frames.last().is_some_and(|frame| frame["seq"] == FLOOD).then_some(())).await;
        assert_eq!(tab.seqs(), (1..=FLOOD).collect::<Vec<_>>());
    }
    house.closes().await;
}

/// What is in memory is measured, so the test takes some: as much again is left for the tests beside it.
#[tokio::test]
async fn when_memory_is_used_up_newcomers_are_told_to_come_back_and_the_others_go_on() {
    const SOME: usize = 256 << 20;
    let now = memory::resident().expect("Linux tells");
    let house = House::opens_with(|config, _| config.memory_max = Some(now + SOME as u64)).await;
    let (mut ada, mut grace) = (house.enters(ADA, GRACE.room).await, house.enters(GRACE, GRACE.room).await);
    // The other tests of this process take and free memory meanwhile, so the ballast grows until it is more than enough.
    let mut ballast = Vec::new();
    let grows = async {
        while house.api_of_nobody().get("/healthz").await.status != 503 {
            ballast.push(vec![1_u8; SOME >> 3]);
        }
    };
    tokio::time::timeout(DEADLINE, grows).await.expect("newcomers are refused");
    ballast.push(vec![1_u8; SOME]);
    house.api_of_nobody().get("/api/options/").await.problem(503, "unavailable");
    assert_eq!(house.dial_room(&GRACE.token(), GRACE.room).v1().refused().await, 503);
    grace.says("Hi").await;
    ada.sees("Hi").await;
    assert!(ballast.iter().all(|some| some.last() == Some(&1)));
    drop(ballast);
    until("newcomers are let in again", async || house.api_of_nobody().get("/healthz").await.status == 200).await;
    house.enters(GRACE, GRACE.room).await.leaves().await;
    house.closes().await;
}

#[test]
fn places_are_bounded_in_all_and_for_each_address() {
    let places = Arc::new(Places::with(3, 2, Memory::new(Some(0))));
    let (near, far) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
    let taken = [places.take(Some(near)), places.take(Some(near))];
    assert!(taken.iter().all(Result::is_ok));
    assert_eq!(places.take(Some(near)).err(), Some(Full::Address));
    let last = places.take(Some(far)).expect("another address has places of its own");
    assert_eq!(places.take(None).err(), Some(Full::House), "a proxy is bound by the house only");
    drop(last);
    assert!(places.take(None).is_ok());
    drop(taken);
    assert!(places.take(Some(near)).is_ok());
}

/// Processor time of a process so far, in ticks of 10 ms.
fn ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process runs");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("a name in brackets").split_whitespace().collect();
    // User and system time are fields 14 and 15, counted from the pid.
    [11, 12].iter().map(|&index| fields[index].parse::<u64>().expect("a number")).sum()
}

#[tokio::test]
async fn without_descriptors_it_neither_spins_nor_dies_and_serves_again_when_some_are_free() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut serve = tokio::process::Command::new("sh");
    let binary = env!("CARGO_BIN_EXE_frontdesk");
    serve.args(["-c", &format!("ulimit -n 48 && exec {binary} serve --listen 127.0.0.1:0")]).kill_on_drop(true);
    let server = Process::start(serve.env("FRONTDESK_DATA", folder.path().join("data"))).await;
    let mut crowd = Vec::new();
    for _ in 0..100 {
        crowd.push(tokio::net::TcpStream::connect(&server.address).await.expect("the kernel queues it"));
    }
    until("descriptors are used up", async || server.log().contains("no connection can be taken")).await;
    let before = ticks(server.pid());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let used = ticks(server.pid()) - before;
    assert!(used < 30, "{used} ticks of 10 ms in a second in which nothing could be done");
    drop(crowd);
    let api = Api::new(&server.address, None);
    until("it serves again", async || api.request("GET", "/healthz").send().await.is_ok_and(|answer| answer.status() == 200)).await;
}
