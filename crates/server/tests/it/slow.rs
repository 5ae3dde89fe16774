//! Readers that are slow, stop, or are gone without a goodbye: nobody else notices, they lose nothing that they could still take,
//! and what was kept for them is given back.

pub mod raw;

use std::time::Duration;

use futures_util::future::join_all;
use raw::{Heard, Line, Raw, frame};
use tokio::time::{Instant, sleep, timeout};

use crate::fixture::*;

const CROWD: usize = 300;
const ROOMS: i64 = 40;
/// A stopped reader's outbox holds no more than this, whatever is written.
const OUTBOX_BYTES_MAX: u64 = 64 * 1_024;
const WRITE_TIMEOUT: Duration = Duration::from_secs(2);
/// Short, so that silence is noticed soon.
const BEAT: Duration = Duration::from_millis(400);

async fn opens(heartbeat: Duration) -> House {
    House::opens_with(|config, timing| {
        config.rate_limit = 0;
        timing.heartbeat = heartbeat;
        timing.write_timeout = WRITE_TIMEOUT;
    })
    .await
}

async fn sits(house: &House, user_id: i64, room: i64) -> Raw {
    sits_on(house, user_id, room, Line::Narrow).await
}

async fn sits_on(house: &House, user_id: i64, room: i64, line: Line) -> Raw {
    Raw::connects(&house.address, &format!("/ws/chat/{room}/?v=1&token={}", tokens::of(user_id)), line).await
}

/// A message of 12 kB.
fn large(number: i64) -> Value {
    json!({"type": "chat_message", "message": format!("{number} {}", "界".repeat(3_900)), "client_id": format!("x{number}")})
}

async fn floods(tab: &mut Tab, numbers: std::ops::RangeInclusive<i64>) {
    for number in numbers {
        tab.send(large(number)).await;
    }
}

/// A gauge or counter of `/metrics`, summed over its labels.
async fn metric(house: &House, name: &str) -> u64 {
    let text = house.api_of_nobody().get("/metrics").await.text();
    let lines = text.lines().filter(|line| line.starts_with(name));
    lines.map(|line| line.rsplit(' ').next().and_then(|value| value.parse::<u64>().ok()).expect("a number")).sum()
}

async fn queued(house: &House) -> u64 {
    metric(house, "frontdesk_queue_length{queue=\"outboxes_bytes\"}").await
}

fn seqs(frames: &[Value]) -> Vec<i64> {
    frames.iter().filter(|frame| frame["type"] == "chat_message").map(|frame| frame["seq"].as_i64().expect("a seq")).collect()
}

/// What had reached a reader's line before it was let go: a beginning of the history, and perhaps the reason.
async fn was_let_go(reader: &mut Raw, written: i64) {
    let (frames, code) = reader.hears_to_the_end().await;
    let seqs = seqs(&frames);
    assert_eq!(seqs, (1..=seqs.len() as i64).collect::<Vec<_>>(), "in order, without a hole");
    assert!((seqs.len() as i64) < written, "the line held everything: nothing was tested");
    assert!(code.is_none_or(|code| code == 1013), "{code:?}");
}

/// Until nothing is kept for anybody and so many connections are left.
async fn calms_down(house: &House, connections: u64) {
    until("all that was kept for slow readers is given back", async || {
        queued(house).await == 0 && metric(house, "frontdesk_connections{").await == connections
    })
    .await;
}

#[tokio::test]
async fn a_crowd_that_stops_reading_in_one_room_harms_nobody_and_is_let_go() {
    const WRITTEN: i64 = 24;
    let house = opens(Duration::from_secs(60)).await;
    let (mut ada, alan) = (house.enters(ADA, GRACE.room).await, house.enters(ALAN, GRACE.room).await);
    let mut crowd = Vec::new();
    for _ in 0..CROWD {
        crowd.push(sits(&house, GRACE.id, GRACE.room).await);
    }
    let begun = Instant::now();
    floods(&mut ada, 1..=WRITTEN).await;
    let served = alan.log.wait("the last message", |heard| heard.frames.iter().any(|frame| frame["seq"] == WRITTEN).then_some(()));
    let most = async {
        let mut most = 0;
        while begun.elapsed() < WRITE_TIMEOUT {
            most = most.max(queued(&house).await);
        }
        most
    };
    let (most, ()) = tokio::join!(most, served);
    assert!((1..=CROWD as u64 * OUTBOX_BYTES_MAX).contains(&most), "{most} bytes were queued for {CROWD} readers");
    assert_eq!(alan.seqs(), (1..=WRITTEN).collect::<Vec<_>>());
    calms_down(&house, 2).await;
    join_all(crowd.iter_mut().map(|reader| was_let_go(reader, WRITTEN))).await;
    house.closes().await;
}

#[tokio::test]
async fn stopped_readers_in_rooms_of_their_own_do_not_slow_a_room_where_people_read() {
    const WRITTEN: i64 = 24;
    let house = opens(Duration::from_secs(60)).await;
    let rooms: Vec<i64> = (1_001..=1_000 + ROOMS).collect();
    let lines: String = rooms.iter().map(|&id| user_with_room(id)).collect();
    std::fs::write(house.folder().join("crowd.jsonl"), lines).expect("the folder can be written");
    house.cli(&["import", "crowd.jsonl"], "").await.ok();
    let mut crowd = Vec::new();
    for &room in &rooms {
        crowd.push(sits(&house, room, room).await);
    }
    let (mut ada, mut grace) = (house.enters(ADA, GRACE.room).await, house.enters(GRACE, GRACE.room).await);
    let api = house.api(ALAN);
    let post = async |room: &i64| {
        for number in 0..WRITTEN {
            let message = large(number)["message"].clone();
            api.post(&format!("/api/chat/rooms/{room}/messages/"), json!({"message": message})).await.is(201);
        }
    };
    let writing = join_all(rooms.iter().map(post));
    let talking = async {
        let mut slowest = Duration::ZERO;
        for number in 0..20 {
            let begun = Instant::now();
            ada.says(&format!("m{number}")).await;
            grace.sees(&format!("m{number}")).await;
            slowest = slowest.max(begun.elapsed());
        }
        slowest
    };
    let (_, slowest) = tokio::join!(writing, talking);
    assert!(slowest < WRITE_TIMEOUT, "people who read waited {slowest:?} for those who do not");
    calms_down(&house, 2).await;
    join_all(crowd.iter_mut().map(|reader| was_let_go(reader, WRITTEN))).await;
    house.closes().await;
}

/// A user and a room that have the same id.
fn user_with_room(id: i64) -> String {
    let user = json!({"type": "user", "id": id, "phone": format!("8{id}"), "name": format!("User {id}"), "role": "user"});
    let room = json!({"type": "room", "id": id, "user_id": id, "status": "open", "created_at": "2026-01-01T00:00:00Z"});
    format!("{user}\n{room}\n")
}

/// Much slower than the others write, for longer than silence is borne: what does not fit is read from the store at its pace.
#[tokio::test]
async fn whoever_reads_slowly_but_steadily_gets_everything_once_and_in_order() {
    const WRITTEN: i64 = 200;
    const PIECE: usize = 16 * 1_024;
    let house = opens(BEAT * 2).await;
    let mut ada = house.enters(ADA, GRACE.room).await;
    let mut slow = sits_on(&house, GRACE.id, GRACE.room, Line::Plain).await;
    let begun = Instant::now();
    let reading = async {
        let mut frames = Vec::new();
        while seqs(&frames).last() != Some(&WRITTEN) {
            assert!(slow.reads(PIECE).await, "cut after {:?} at {:?}", begun.elapsed(), seqs(&frames).last());
            while let Some(heard) = slow.next() {
                match heard {
                    Heard::Frame(frame) => frames.push(frame),
                    Heard::Ping(payload) => slow.pong(&payload).await,
                    other => panic!("after {:?}: {other:?}", begun.elapsed()),
                }
            }
            sleep(Duration::from_millis(25)).await;
        }
        frames
    };
    let ((), frames) = tokio::join!(floods(&mut ada, 1..=WRITTEN), reading);
    assert!(begun.elapsed() > BEAT * 5, "too fast to test anything: {:?}", begun.elapsed());
    assert_eq!(seqs(&frames), (1..=WRITTEN).collect::<Vec<_>>());
    house.closes().await;
}

#[tokio::test]
async fn a_stopped_reader_loses_typing_first_and_no_message() {
    const TOGGLES: usize = 600;
    let house = opens(Duration::from_secs(60)).await;
    let mut ada = house.enters(ADA, GRACE.room).await;
    let mut slow = sits(&house, GRACE.id, GRACE.room).await;
    floods(&mut ada, 1..=30).await;
    for number in 0..TOGGLES {
        ada.send(json!({"type": "typing", "is_typing": number % 2 == 0})).await;
    }
    floods(&mut ada, 31..=35).await;
    ada.hears_that(json!({"type": "ack", "client_id": "x35"})).await;
    let mut frames = Vec::new();
    while seqs(&frames).last() != Some(&35) {
        match slow.hears().await {
            Heard::Frame(frame) => frames.push(frame),
            Heard::Ping(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(seqs(&frames), (1..=35).collect::<Vec<_>>());
    let typing = frames.iter().filter(|frame| frame["type"] == "typing").count();
    assert!(typing < TOGGLES / 2, "{typing} of {TOGGLES} typing frames were kept for somebody who did not read");
    house.closes().await;
}

/// Presence is dropped before messages are, but whoever reads again must not take somebody for present who left meanwhile.
#[tokio::test]
async fn a_stopped_reader_knows_who_is_there_once_it_reads_again() {
    let house = opens(Duration::from_secs(60)).await;
    let (mut ada, mut alan) = (house.enters(ADA, GRACE.room).await, house.enters(ALAN, GRACE.room).await);
    let mut slow = sits(&house, GRACE.id, GRACE.room).await;
    // Until its line is full, and one message waits to be written.
    let mut written = 0;
    while queued(&house).await == 0 {
        written += 1;
        floods(&mut ada, written..=written).await;
        ada.hears_that(json!({"type": "ack", "client_id": format!("x{written}")})).await;
        sleep(Duration::from_millis(50)).await;
    }
    alan.leaves().await;
    ada.hears_that(json!({"type": "user_status", "user_id": ALAN.id, "status": "offline"})).await;
    floods(&mut ada, written + 1..=written + 10).await;
    ada.hears_that(json!({"type": "ack", "client_id": format!("x{}", written + 10)})).await;
    let mut alan_is = Value::Null;
    let reading = async {
        while alan_is != "offline" {
            match slow.hears().await {
                Heard::Frame(frame) if frame["type"] == "user_status" && frame["user_id"] == ALAN.id => {
                    alan_is = frame["status"].clone();
                }
                Heard::Frame(_) | Heard::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        }
    };
    assert!(timeout(DEADLINE / 2, reading).await.is_ok(), "Alan left long ago, and is shown as {alan_is}");
    house.closes().await;
}

/// Until the connection is closed, and how long that took. What is heard is answered by `answer`.
async fn lives(peer: &mut Raw, most: Duration, pongs: bool) -> Option<(u16, Duration)> {
    let begun = Instant::now();
    while let Some(left) = most.checked_sub(begun.elapsed()) {
        match timeout(left, peer.hears()).await {
            Ok(Heard::Ping(payload)) if pongs => peer.pong(&payload).await,
            Ok(Heard::Close(code)) => return Some((code, begun.elapsed())),
            Ok(Heard::Cut) => return Some((1006, begun.elapsed())),
            Ok(_) => {}
            Err(_) => break,
        }
    }
    None
}

#[tokio::test]
async fn who_reads_but_never_says_a_word_is_closed_with_4408() {
    let house = opens(BEAT).await;
    let mut mute = sits(&house, GRACE.id, GRACE.room).await;
    let (code, after) = lives(&mut mute, DEADLINE, false).await.expect("it is closed");
    assert_eq!(code, 4408);
    // 2.5 heartbeats of a length that differs by 10 %, noticed at the next look.
    assert!((BEAT * 9 / 4..BEAT * 6).contains(&after), "after {after:?}");
    house.closes().await;
}

#[tokio::test]
async fn who_answers_pings_or_sends_pongs_alone_stays() {
    let house = opens(BEAT).await;
    let (mut idle, mut chatty) = (sits(&house, GRACE.id, GRACE.room).await, sits(&house, LINUS.id, LINUS.room).await);
    let pongs = async {
        for _ in 0..20 {
            sleep(BEAT / 2).await;
            chatty.pong(b"").await;
        }
        lives(&mut chatty, BEAT / 2, false).await
    };
    let (idle, chatty) = tokio::join!(lives(&mut idle, BEAT * 10, true), pongs);
    assert_eq!((idle, chatty), (None, None));
    house.closes().await;
}

/// Any byte is a sign of life, also one that does not yet make a frame.
#[tokio::test]
async fn a_frame_that_trickles_in_is_a_sign_of_life() {
    let house = opens(BEAT).await;
    let mut thin = sits(&house, GRACE.id, GRACE.room).await;
    let bytes = frame(1, json!({"type": "chat_message", "message": "slowly", "client_id": "thin"}).to_string().as_bytes());
    for byte in bytes {
        thin.send(&[byte]).await;
        sleep(BEAT / 10).await;
    }
    loop {
        match thin.hears().await {
            Heard::Frame(frame) if frame["type"] == "ack" => break,
            Heard::Frame(_) | Heard::Ping(_) => {}
            other => panic!("{other:?}"),
        }
    }
    house.closes().await;
}
