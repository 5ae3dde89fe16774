//! The hub's promises, without sockets: order, laggards, bounded outboxes, presence of people.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use frontdesk::hub::{About, Audience, Class, Connected, Credentials, Envelope, Hub, Joined, Kind, RegistryLimits, Taken};
use frontdesk_protocol::{Id, Role, Seq, User};

const ROOM: Id = 7;
const GRACE: Duration = Duration::from_secs(5);
const FRAMES_MAX: usize = 256;
const BYTES_MAX: usize = 64 * 1024;

fn hub() -> Hub {
    Hub::new(RegistryLimits { per_user: 2, per_address: 3 })
}

fn person(id: Id) -> User {
    User { id, name: format!("Person {id}"), role: if id == 1 { Role::Admin } else { Role::User } }
}

fn connect(hub: &Hub, id: Id, kind: Kind) -> Connected {
    hub.connect(id, person(id).role, kind, None, Credentials::default()).expect("there is a place")
}

fn join(hub: &Hub, connected: &Connected) -> Joined {
    hub.join(ROOM, &connected.outbox, &person(connected.outbox.user_id), GRACE)
}

fn event(seq: Seq) -> Envelope {
    envelope(Class::Event(seq), Bytes::from(format!("{seq}")))
}

fn envelope(class: Class, bytes: Bytes) -> Envelope {
    Envelope { audience: Audience::Room(ROOM), class, origin: true, also_inbox: false, except: None, bytes }
}

fn seqs(taken: &Taken) -> Vec<Seq> {
    taken.frames.iter().filter_map(|(class, _)| if let Class::Event(seq) = class { Some(*seq) } else { None }).collect()
}

#[test]
fn a_follower_hears_each_event_once_and_in_order() {
    let hub = hub();
    let connected = connect(&hub, 2, Kind::Room);
    let joined = join(&hub, &connected);
    hub.deliver(&event(1));
    assert!(!joined.seat.go_live(0), "event 1 passed before the follower was live: it must be read first");
    assert!(joined.seat.go_live(1));
    for seq in [1, 2, 2, 3] {
        hub.deliver(&event(seq));
    }
    let taken = connected.outbox.take_now().expect("something waits");
    assert_eq!(seqs(&taken), [2, 3]);
    assert!(taken.signals.lagging.is_empty());
}

#[test]
fn a_gap_makes_a_follower_lag_instead_of_skipping() {
    let hub = hub();
    let connected = connect(&hub, 2, Kind::Room);
    let joined = join(&hub, &connected);
    assert!(joined.seat.go_live(0));
    hub.deliver(&event(1));
    hub.deliver(&event(3));
    hub.deliver(&event(4));
    let taken = connected.outbox.take_now().expect("something waits");
    assert_eq!(seqs(&taken), [1]);
    assert_eq!(taken.signals.lagging, [ROOM]);
    assert_eq!(joined.seat.cursor(), 1);
    assert!(!joined.seat.go_live(3), "4 has passed already");
    assert!(joined.seat.go_live(4));
}

#[test]
fn what_the_store_has_and_nobody_published_makes_followers_lag() {
    let hub = hub();
    let connected = connect(&hub, 2, Kind::Room);
    let joined = join(&hub, &connected);
    assert!(joined.seat.go_live(5));
    hub.store_is_at(ROOM, 5);
    assert!(connected.outbox.take_now().is_none(), "nothing is missing");
    hub.store_is_at(ROOM, 6);
    assert_eq!(connected.outbox.take_now().expect("something waits").signals.lagging, [ROOM]);
}

#[test]
fn an_outbox_is_bounded_in_frames_and_bytes_and_then_its_reader_lags() {
    for (frames, bytes) in [(FRAMES_MAX, 1), (2, BYTES_MAX / 2)] {
        let hub = hub();
        let connected = connect(&hub, 2, Kind::Room);
        let joined = join(&hub, &connected);
        assert!(joined.seat.go_live(0));
        let bytes = Bytes::from(vec![b'x'; bytes]);
        for seq in 1..=frames {
            hub.deliver(&envelope(Class::Event(seq as Seq), bytes.clone()));
        }
        hub.deliver(&envelope(Class::Event(frames as Seq + 1), Bytes::from_static(b"x")));
        let taken = connected.outbox.take_now().expect("something waits");
        assert_eq!(taken.frames.len(), frames, "exactly at the bound fits");
        assert_eq!(taken.signals.lagging, [ROOM], "one past it does not");
        assert_eq!(hub.queued_bytes(), frames * bytes.len(), "what is being written counts as what waits");
        drop(taken);
        assert_eq!(hub.queued_bytes(), 0, "nothing is left in the count of all outboxes");
    }
}

#[test]
fn typing_goes_before_presence_and_both_before_events() {
    let hub = hub();
    let connected = connect(&hub, 2, Kind::Room);
    let joined = join(&hub, &connected);
    assert!(joined.seat.go_live(0));
    for _ in 0..FRAMES_MAX / 2 {
        hub.deliver(&envelope(Class::Typing(true), Bytes::from_static(b"t")));
        hub.deliver(&envelope(Class::Presence(About::Support), Bytes::from_static(b"p")));
    }
    hub.deliver(&event(1));
    let taken = connected.outbox.take_now().expect("something waits");
    assert_eq!(seqs(&taken), [1]);
    assert!(taken.signals.lagging.is_empty());
    assert_eq!(taken.signals.presence, [About::Support], "what was dropped of presence is told anew, once");
}

#[tokio::test(start_paused = true)]
async fn a_person_with_two_tabs_arrives_once_and_leaves_a_grace_after_the_last() {
    let hub = hub();
    let (first, second) = (connect(&hub, 2, Kind::Room), connect(&hub, 2, Kind::Origin));
    let (one, two) = (join(&hub, &first), join(&hub, &second));
    assert!(one.arrived && !two.arrived);
    assert!(two.others.is_empty(), "nobody is told of himself");
    drop(one);
    drop(two);
    assert!(hub.is_present(ROOM, 2), "within the grace");
    let back = join(&hub, &first);
    assert!(!back.arrived, "coming back within the grace is no arrival");
    assert!(!hub.forget_person(ROOM, 2), "the grace of the earlier departure must not take away who is back");
    tokio::time::advance(GRACE).await;
    drop(back);
    assert!(!hub.forget_person(ROOM, 2), "the grace counts from the last one out");
    tokio::time::advance(GRACE).await;
    assert!(hub.forget_person(ROOM, 2));
    assert!(!hub.is_present(ROOM, 2));
}

#[test]
fn connections_are_limited_by_person_and_address_and_give_their_places_back() {
    let hub = hub();
    let address = Some("192.0.2.1".parse().expect("an address"));
    let connect = |id| hub.connect(id, Role::User, Kind::Room, address, Credentials::default());
    let held: Vec<_> = [2, 2, 3].into_iter().map(|id| connect(id).expect("there is a place")).collect();
    assert!(connect(3).is_err(), "the address is full");
    drop(held);
    let _two = [connect(2).expect("free again"), connect(2).expect("free again")];
    assert!(connect(2).is_err(), "the person is full");
    assert!(connect(3).is_ok(), "a refused person took no place of the address");
    assert_eq!(hub.connections(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_wheel_reminds_in_time() {
    let hub = hub();
    let connected = connect(&hub, 2, Kind::Room);
    let turning = hub.clone();
    let wheel = tokio::spawn(async move { turning.wheel().turn().await });
    let begun = tokio::time::Instant::now();
    hub.wheel().remind(&connected.outbox, Duration::from_secs(25));
    let outbox = Arc::clone(&connected.outbox);
    assert!(outbox.take().await.signals.tick);
    let after = begun.elapsed();
    assert!((Duration::from_millis(24_800)..=Duration::from_millis(25_300)).contains(&after), "{after:?}");
    wheel.abort();
}
