//! Search and filters of the inbox, against looking at each room in turn.

use frontdesk_protocol::{Id, Role, RoomStatus, User};
use frontdesk_store::{MarkKind, Record, RoomQuery, UserRecord};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use crate::fixture::{Desk, desk, person, stored, text};

/// Enough that a page of two is not found near the beginning of the list.
const PEOPLE: usize = 90;

/// Somebody with a room, as a search should see them.
#[derive(Clone, Debug)]
struct Somebody {
    user: User,
    phone: String,
    room: Id,
    status: RoomStatus,
    unread: bool,
    /// The later, the higher in the list.
    spoke: usize,
}

impl Somebody {
    fn is_meant(&self, q: &str) -> bool {
        let q = q.to_lowercase();
        format!("{}\n{}", self.user.name, self.phone).to_lowercase().contains(&q)
    }
}

/// Few letters, so that pieces repeat; those that mean something to SQL, `like` and FTS5 among them.
fn name() -> impl Strategy<Value = String> {
    prop::string::string_regex("[aAbéÉß%_\"'* İσ😀^]{1,7}").expect("a pattern")
}

async fn world(desk: &Desk, names: Vec<(String, bool, bool)>) -> Vec<Somebody> {
    let mut people = Vec::new();
    for (number, (name, resolved, read)) in names.into_iter().enumerate() {
        let phone = format!("{:05}", number * 7_919 % 100_000);
        desk.wait_ms(10);
        let user = person(&desk.store, &name, &phone, Role::User).await;
        let room = desk.store.open_room(user.id).await.unwrap().unwrap().room_id;
        let message = stored(desk.send(text(room, &user, "Hi")).await);
        if read {
            desk.mark(&desk.ada, &message, MarkKind::Read).await;
        }
        let status = if resolved { RoomStatus::Resolved } else { RoomStatus::Open };
        desk.store.set_status(room, desk.ada.id, status).await.unwrap();
        people.push(Somebody { user, phone, room, status, unread: !read, spoke: number });
    }
    people
}

/// All pages of two rooms.
async fn listed(desk: &Desk, mut query: RoomQuery) -> Vec<Id> {
    let mut ids = Vec::new();
    loop {
        let page = desk.store.rooms(&query).await.unwrap();
        ids.extend(page.results.iter().map(|room| room.id));
        let Some(next) = page.next else { return ids };
        query.cursor = Some(next.parse().unwrap());
    }
}

async fn found(desk: &Desk, q: &str) -> Vec<Id> {
    let (mut ids, mut after) = (Vec::new(), None);
    loop {
        let (people, next) = desk.store.people(q, after.as_deref(), 2).await.unwrap();
        ids.extend(people.iter().map(|user| user.id));
        let Some(next) = next else { return ids };
        after = Some(next);
    }
}

async fn check(desk: &Desk, people: &[Somebody], q: &str, status: Option<RoomStatus>, unread: bool) {
    let mut meant: Vec<_> = people.iter().filter(|somebody| somebody.is_meant(q)).collect();
    let mut known: Vec<_> = meant.iter().map(|somebody| somebody.user.id).collect();
    known.sort_unstable();
    meant.sort_by_key(|somebody| std::cmp::Reverse(somebody.spoke));
    meant.retain(|somebody| status.is_none_or(|status| somebody.status == status) && (!unread || somebody.unread));
    let rooms: Vec<_> = meant.iter().map(|somebody| somebody.room).collect();
    let query = RoomQuery { viewer: Role::Admin, user_id: desk.ada.id, q: Some(q.into()), status, unread, cursor: None, limit: 2 };
    let mut listed = listed(desk, query).await;
    listed.retain(|room| *room != desk.room);
    assert_eq!(listed, rooms, "rooms of {q:?}, {status:?}, unread: {unread}");
    let mut found = found(desk, q).await;
    found.retain(|id| *id != desk.ada.id && *id != desk.grace.id);
    found.sort_unstable();
    assert_eq!(found, known, "people of {q:?}");
}

#[test]
fn a_search_finds_whom_a_look_at_each_would_find() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 4, failure_persistence: None, ..Config::default() });
    let names = prop::collection::vec((name(), any::<bool>(), any::<bool>()), PEOPLE);
    let status = prop_oneof![Just(None), Just(Some(RoomStatus::Open)), Just(Some(RoomStatus::Resolved))];
    let q = prop_oneof![name(), prop::string::string_regex("[0-9]{1,5}|[aé]{1,3}|[ab%_\"]{1,2}").expect("a pattern")];
    let asked = prop::collection::vec((q, status, any::<bool>(), any::<prop::sample::Index>(), name()), 40);
    let run = runner.run(&(names, asked), |(names, asked)| {
        runtime.block_on(async {
            let desk = desk().await;
            let mut people = world(&desk, names).await;
            for (q, status, unread, who, name) in asked {
                check(&desk, &people, &q, status, unread).await;
                let somebody = who.get(&people).clone();
                check(&desk, &people, &somebody.user.name, status, unread).await;
                check(&desk, &people, &somebody.phone[3..], status, unread).await;
                let renamed = who.index(people.len());
                rename(&desk, &mut people[renamed], name).await;
            }
        });
        Ok(())
    });
    run.unwrap();
}

async fn rename(desk: &Desk, somebody: &mut Somebody, name: String) {
    somebody.user.name.clone_from(&name);
    let record = UserRecord {
        id: somebody.user.id,
        phone: somebody.phone.clone(),
        name,
        role: Role::User,
        password_hash: None,
        disabled: None,
        last_seen: None,
    };
    desk.store.import(vec![Record::User(record)]).await.unwrap();
}

#[tokio::test]
async fn a_text_of_any_length_may_be_looked_for() {
    let desk = desk().await;
    let name = "long ".repeat(300);
    person(&desk.store, &name, "7770001", Role::User).await;
    for q in [&name[..], &name[..1_000], &name[1..999], &"x".repeat(60_000), &"%".repeat(60_000)] {
        let is_there = q.starts_with(['l', 'o']);
        assert_eq!(desk.store.people(q, None, 5).await.unwrap().0.len(), usize::from(is_there), "{} letters", q.len());
    }
}
