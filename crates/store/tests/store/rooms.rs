//! Rooms: making, resolving, listing and scanning them.

use frontdesk_protocol::{Id, Role, RoomStatus, User};
use frontdesk_store::{Event, Head, MarkKind, RoomQuery, StatusOutcome};

use crate::fixture::{Desk, desk, person, stored, text};

fn all() -> RoomQuery {
    RoomQuery { viewer: Role::Admin, user_id: 1, q: None, status: None, unread: false, cursor: None, limit: 200 }
}

async fn ids(desk: &Desk, query: &RoomQuery) -> Vec<Id> {
    desk.store.rooms(query).await.unwrap().results.into_iter().map(|room| room.id).collect()
}

/// Rooms of five more users, each with a message a second later than the one before.
async fn with_five(desk: &Desk) -> Vec<(Id, User)> {
    let mut rooms = Vec::new();
    for (name, phone) in [("Édith", "100"), ("Zoë", "200"), ("50%_off", "300"), (r"back\slash", "400"), ("İpek", "500")] {
        desk.wait_ms(1_000);
        let user = person(&desk.store, name, phone, Role::User).await;
        let room = desk.store.open_room(user.id).await.unwrap().unwrap().room_id;
        stored(desk.send(text(room, &user, "Hi")).await);
        rooms.push((room, user));
    }
    rooms
}

#[tokio::test]
async fn two_calls_at_once_make_one_room() {
    let mut desk = desk().await;
    let alan = person(&desk.store, "Alan", "5550002", Role::User).await;
    let (one, two) = tokio::join!(desk.store.open_room(alan.id), desk.store.open_room(alan.id));
    let (one, two) = (one.unwrap().unwrap(), two.unwrap().unwrap());
    assert_eq!((one.room_id, one.made, two.made), (two.room_id, true, false));
    assert!(desk.published().contains(&Event::RoomMade { room_id: one.room_id }));
    assert_eq!(desk.store.open_room(999).await.unwrap(), None);
    desk.store.set_status(one.room_id, desk.ada.id, RoomStatus::Resolved).await.unwrap();
    assert!(desk.store.open_room(alan.id).await.unwrap().unwrap().made, "a resolved room is no open one");
    assert_eq!(desk.store.room_owner(one.room_id).await.unwrap(), Some(alan.id));
    assert_eq!(desk.store.room_owner(999).await.unwrap(), None);
}

#[tokio::test]
async fn only_a_change_of_status_is_an_event() {
    let desk = desk().await;
    let set = async |status| desk.store.set_status(desk.room, desk.ada.id, status).await.unwrap();
    assert_eq!(set(RoomStatus::Open).await, Some(StatusOutcome { changed: false }));
    desk.wait_ms(5_000);
    assert_eq!(set(RoomStatus::Resolved).await, Some(StatusOutcome { changed: true }));
    let room = desk.room(Role::Admin).await;
    assert_eq!((room.last_seq, room.status), (1, RoomStatus::Resolved));
    assert_eq!(room.updated_at, room.created_at.plus_millis(5_000));
    assert_eq!(desk.store.set_status(999, desk.ada.id, RoomStatus::Open).await.unwrap(), None);
}

#[tokio::test]
async fn the_list_comes_in_pages_newest_activity_first() {
    let desk = desk().await;
    let mut expected: Vec<_> = with_five(&desk).await.into_iter().map(|(room, _)| room).collect();
    expected.insert(0, desk.room);
    expected.reverse();
    let (mut listed, mut query) = (Vec::new(), RoomQuery { limit: 2, ..all() });
    loop {
        let page = desk.store.rooms(&query).await.unwrap();
        assert!(page.results.len() <= 2);
        listed.extend(page.results.into_iter().map(|room| room.id));
        let Some(next) = page.next else { break };
        query.cursor = Some(next.parse().unwrap());
    }
    assert_eq!(listed, expected, "the empty room too, and no needless last page");
    for bad in ["", "x", "1", "1.x", "x.1", "1.2.3"] {
        assert!(bad.parse::<frontdesk_store::Cursor>().is_err(), "{bad}");
    }
}

#[tokio::test]
async fn rooms_of_one_instant_are_paged_without_loss() {
    let desk = desk().await;
    for number in 0..5 {
        let user = person(&desk.store, "Twin", &format!("7{number}"), Role::User).await;
        desk.store.open_room(user.id).await.unwrap();
    }
    let first = desk.store.rooms(&RoomQuery { limit: 4, ..all() }).await.unwrap();
    let rest = ids(&desk, &RoomQuery { cursor: Some(first.next.unwrap().parse().unwrap()), ..all() }).await;
    assert_eq!((first.results.len(), rest.len()), (4, 2));
}

#[tokio::test]
async fn the_list_is_filtered_by_viewer_status_unread_and_search() {
    let desk = desk().await;
    let five = with_five(&desk).await;
    let search = async |q: &str| ids(&desk, &RoomQuery { q: Some(q.into()), ..all() }).await;
    assert_eq!(search("éDI").await, [five[0].0], "whatever the case");
    assert_eq!(search("ZOË").await, [five[1].0]);
    assert_eq!(search("20").await, [five[1].0], "part of a phone number");
    assert_eq!(search("%_").await, [five[2].0], "no pattern");
    assert_eq!(search(r"\").await, [five[3].0]);
    assert_eq!(search("nobody").await, [0; 0]);
    assert_eq!(search("").await.len(), 6);
    let own = RoomQuery { viewer: Role::User, user_id: five[0].1.id, ..all() };
    assert_eq!(ids(&desk, &own).await, [five[0].0]);
    assert_eq!(ids(&desk, &RoomQuery { unread: true, ..own }).await, [0; 0], "nobody answered");
    desk.store.set_status(five[4].0, desk.ada.id, RoomStatus::Resolved).await.unwrap();
    assert_eq!(ids(&desk, &RoomQuery { status: Some(RoomStatus::Resolved), ..all() }).await, [five[4].0]);
    assert_eq!(ids(&desk, &RoomQuery { status: Some(RoomStatus::Open), unread: true, ..all() }).await.len(), 4);
    let last = desk.store.room(five[1].0, Role::Admin).await.unwrap().unwrap().last_message.unwrap();
    desk.mark(&desk.ada, &last, MarkKind::Read).await;
    assert_eq!(ids(&desk, &RoomQuery { unread: true, ..all() }).await, [five[4].0, five[3].0, five[2].0, five[0].0]);
    let summary = desk.store.summary(Role::Admin, desk.ada.id).await.unwrap();
    assert_eq!((summary.rooms, summary.rooms_unread, summary.unread, summary.open, summary.resolved), (6, 4, 4, 5, 1));
    let summary = desk.store.summary(Role::User, five[4].1.id).await.unwrap();
    assert_eq!((summary.rooms, summary.rooms_unread, summary.unread, summary.open, summary.resolved), (1, 0, 0, 0, 1));
}

#[tokio::test]
async fn changed_rooms_are_found_by_version_and_a_version_is_never_cut() {
    let desk = desk().await;
    let five = with_five(&desk).await;
    let before = desk.version().await;
    let message = desk.says(&desk.grace, "Hi").await;
    let after = desk.version().await;
    let heads = desk.store.heads_changed(before, 10).await.unwrap().heads;
    assert!(matches!(heads[..], [Head { room_id, last_seq: 1, version }] if room_id == desk.room && version <= after), "{heads:?}");
    desk.mark(&desk.grace, &message, MarkKind::Delivered).await;
    desk.store.touch_last_seen(vec![(desk.grace.id, message.created_at)]).await.unwrap();
    desk.store.probe().await.unwrap();
    assert_eq!(desk.store.heads_changed(after, 10).await.unwrap().heads, [], "none of these changes a room");
    desk.mark(&desk.ada, &message, MarkKind::Read).await;
    assert_eq!(desk.store.heads_changed(after, 10).await.unwrap().heads.len(), 1);
    let together = five.iter().map(|(room, user)| text(*room, user, "Again")).collect();
    desk.send_together(together).await;
    let mut seen = Vec::new();
    let mut version = before;
    loop {
        let page = desk.store.heads_changed(version, 1).await.unwrap().heads;
        let Some(last) = page.last() else { break };
        version = last.version;
        seen.extend(page.into_iter().map(|head| head.room_id));
    }
    let mut expected: Vec<_> = five.iter().map(|(room, _)| *room).collect();
    expected.insert(0, desk.room);
    assert_eq!(seen, expected, "pages of one miss nothing");
    assert!(version <= desk.version().await);
}

#[tokio::test]
async fn rooms_are_read_by_id_with_what_their_list_shows() {
    let desk = desk().await;
    let five = with_five(&desk).await;
    let rooms = desk.store.rooms_by_id(&[five[0].0, 999, five[1].0], Role::Admin).await.unwrap();
    assert_eq!(rooms.len(), 2);
    assert_eq!(desk.store.room(999, Role::Admin).await.unwrap(), None);
    let room = desk.store.room(five[0].0, Role::Admin).await.unwrap().unwrap();
    assert_eq!((room.user.clone(), room.unread_count, room.online, room.last_seen), (five[0].1.clone(), 1, false, None));
    assert!(rooms.contains(&room));
    desk.store.touch_last_seen(vec![(room.user.id, room.created_at), (room.user.id, room.created_at.plus_millis(-9))]).await.unwrap();
    desk.store.touch_last_seen(vec![(room.user.id, room.created_at.plus_millis(-1)), (999, room.created_at)]).await.unwrap();
    let seen = desk.store.room(room.id, Role::User).await.unwrap().unwrap().last_seen;
    assert_eq!(seen, Some(room.created_at), "only forward");
}
