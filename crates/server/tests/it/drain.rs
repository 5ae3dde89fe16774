//! Leaving and dying: a server that is told to go finishes what it has accepted; one that is killed has lost nothing it acked.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio::{task::JoinHandle, time::Instant};

use crate::fixture::*;

/// Writes as fast as it can until the connection ends; answers what was acked, `client_id` by seq.
fn writes_on(mut tab: Tab, name: &'static str) -> JoinHandle<(Tab, BTreeMap<String, i64>)> {
    tokio::spawn(async move {
        for number in 0.. {
            if !tab.is_open() {
                break;
            }
            let id = format!("{name}-{number}");
            tab.send(json!({"type": "chat_message", "message": id, "client_id": id})).await;
            // A window of a hundred unanswered ones.
            tab.log.wait("an ack", |heard| (heard.closed.is_some() || heard.acks + 100 > number).then_some(())).await;
        }
        tab.closed().await;
        let acked = tab
            .seen("ack")
            .iter()
            .map(|ack| (ack["client_id"].as_str().expect("an id").to_owned(), ack["seq"].as_i64().expect("a seq")))
            .collect();
        (tab, acked)
    })
}

/// Posts over HTTP until the server is gone; answers what was answered with 201, `client_id` by seq.
fn posts_on(api: Api) -> JoinHandle<BTreeMap<String, i64>> {
    tokio::spawn(async move {
        let mut stored = BTreeMap::new();
        for number in 0.. {
            let id = format!("http-{number}");
            let path = format!("/api/chat/rooms/{}/messages/", GRACE.room);
            let Ok(answer) = api.request("POST", &path).json(&json!({"message": id, "client_id": id})).send().await else { break };
            assert_eq!(answer.status(), 201, "what was taken is finished");
            let Ok(message) = answer.json::<Value>().await else { break };
            stored.insert(id, message["seq"].as_i64().expect("a seq"));
        }
        stored
    })
}

/// Everything acked is there exactly once, at the seq that was told, and the room has no hole.
async fn nothing_acked_is_lost(house: &House, room: i64, acked: &BTreeMap<String, i64>) {
    let stored = fold::history(room, &house.api(ADA)).await;
    assert_eq!(stored.keys().copied().collect::<Vec<_>>(), (1..=i64::try_from(stored.len()).expect("a small number")).collect::<Vec<_>>());
    let ids: Vec<&str> = stored.values().filter_map(|message| message["client_id"].as_str()).collect();
    assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "each once");
    for (client_id, seq) in acked {
        assert_eq!(stored.get(seq).map(|message| &message["client_id"]), Some(&json!(client_id)), "what was acked is stored");
    }
}

#[tokio::test]
async fn told_to_leave_under_load_it_loses_nothing_and_exits_well() {
    let mut house = House::opens_outside(&["--rate-limit", "0"]).await;
    let ada = writes_on(house.enters(ADA, GRACE.room).await, "ada");
    let grace = writes_on(house.enters(GRACE, GRACE.room).await, "grace");
    let mut follower = house.enters(ALAN, GRACE.room).await;
    let mut inbox = house.watches_inbox(ADA).await;
    let mut old = house.enters_as_of_old(GRACE, GRACE.room).await;
    let posts = posts_on(house.api(GRACE));
    follower.log.wait("traffic", |heard| (heard.frames.len() > 500).then_some(())).await;
    let told = Instant::now();
    house.process().signal("TERM").await;
    assert_eq!(house.process().ended().await, 0, "{}", house.process().log());
    assert!(told.elapsed() < Duration::from_secs(10), "it took {:?}", told.elapsed());
    let mut acked = posts.await.expect("the poster ends well");
    for writer in [ada, grace] {
        let (mut tab, ids) = writer.await.expect("the writer ends well");
        assert_eq!(tab.closed().await, 1012);
        assert!(tab.hears("reconnect").await["after_ms"].is_u64());
        acked.extend(ids);
    }
    assert_eq!((follower.closed().await, inbox.closed().await, old.closed().await), (1012, 1012, 1012));
    assert!(follower.hears("reconnect").await["after_ms"].is_u64() && inbox.hears("reconnect").await["after_ms"].is_u64());
    assert!(old.seen("reconnect").is_empty());
    assert!(acked.len() > 100, "there was traffic");
    let (head, epoch) =
        (follower.seqs().last().copied().expect("it has seen some"), follower.ready["epoch"].as_str().expect("an epoch").to_owned());
    house.opens_again(&["--rate-limit", "0"]).await;
    nothing_acked_is_lost(&house, GRACE.room, &acked).await;
    let back = house.resumes(ALAN, GRACE.room, head, &epoch).await;
    assert_eq!(back.ready["resume"], "complete", "the epoch outlives a restart");
    house.closes().await;
}

#[tokio::test]
async fn killed_in_the_middle_of_traffic_it_has_lost_nothing_it_acked() {
    let mut house = House::opens_outside(&["--rate-limit", "0"]).await;
    let mut acked = BTreeMap::new();
    for round in 0..3 {
        let names: [&'static str; 2] = [["a0", "g0"], ["a1", "g1"], ["a2", "g2"]][round];
        let ada = writes_on(house.enters(ADA, GRACE.room).await, names[0]);
        let grace = writes_on(house.enters(GRACE, GRACE.room).await, names[1]);
        let follower = house.enters(ALAN, GRACE.room).await;
        let enough = 100 + round * 70;
        follower.log.wait("traffic", |heard| (heard.frames.len() > enough).then_some(())).await;
        house.process().kill().await;
        for writer in [ada, grace] {
            acked.extend(writer.await.expect("the writer ends well").1);
        }
        let shown = follower.seen("chat_message");
        house.opens_again(&["--rate-limit", "0"]).await;
        nothing_acked_is_lost(&house, GRACE.room, &acked).await;
        let stored = fold::history(GRACE.room, &house.api(ADA)).await;
        for frame in shown {
            let seq = frame["seq"].as_i64().expect("a seq");
            assert_eq!(stored.get(&seq).map(|message| &message["id"]), Some(&frame["id"]), "nobody is shown what is not durable");
        }
    }
    let unsure = acked.keys().next().expect("there was traffic").clone();
    let mut again = house.enters(if unsure.starts_with('a') { ADA } else { GRACE }, GRACE.room).await;
    again.send(json!({"type": "chat_message", "message": unsure, "client_id": unsure})).await;
    assert_eq!(again.hears("ack").await["duplicate"], true, "a client_id is known for ever");
    house.closes().await;
}

#[tokio::test]
async fn an_interrupt_leaves_as_well() {
    let mut house = House::opens_outside(&[]).await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    house.process().signal("INT").await;
    assert_eq!(grace.closed().await, 1012);
    assert_eq!(house.process().ended().await, 0);
    house.ends().await;
}

/// A peer that reads nothing must not keep the server from leaving.
#[tokio::test]
async fn leaving_does_not_wait_for_those_who_do_not_listen() {
    let mut house = House::opens_outside(&["--rate-limit", "0"]).await;
    let frozen = house.dial_room(&GRACE.token(), GRACE.room).v1().open().await;
    frozen.stops_reading();
    let mut ada = house.enters(ADA, GRACE.room).await;
    for number in 0..400 {
        ada.send(json!({"type": "chat_message", "message": "x".repeat(4_000), "client_id": format!("x{number}")})).await;
    }
    ada.hears_that(json!({"type": "ack", "client_id": "x399"})).await;
    let told = Instant::now();
    house.process().signal("TERM").await;
    assert_eq!(house.process().ended().await, 0);
    assert!(told.elapsed() < Duration::from_secs(10), "it took {:?}", told.elapsed());
    drop(frozen);
    house.ends().await;
}
