//! Who takes part: users with one or more rooms, admins, and some who stay outside the play: observers who look at the end,
//! and a bystander whom the command line writes about.

use anyhow::Result;
use frontdesk_bench::{process::Setup, token};
use frontdesk_protocol::{Id, Role};
use serde_json::{Value, json};

/// Observers look at rooms when all is over, the first of them also at everything else.
const FIRST_OBSERVER: Id = 10_000;
/// A person may have 32 connections, and those that just ended may still be counted.
const ROOMS_PER_OBSERVER: usize = 12;
/// Is given roles by the command line.
pub const BYSTANDER: Id = 91;
pub const BYSTANDER_PHONE: &str = "555000091";
const FIRST_USER: Id = 100;
/// The first room: every admin is here, and much is written.
pub const HALL: Id = 1_000;

#[derive(Clone, Debug)]
pub struct Person {
    pub id: Id,
    pub name: String,
    pub role: Role,
    pub token: String,
    /// A user's own rooms.
    pub rooms: Vec<Id>,
}

#[derive(Clone, Debug)]
pub struct Cast {
    pub users: Vec<Person>,
    pub admins: Vec<Person>,
    pub observers: Vec<Person>,
    pub rooms: Vec<Id>,
}

fn person(id: Id, role: Role, rooms: Vec<Id>) -> Person {
    let name = format!("{} {id}", if role == Role::Admin { "Admin" } else { "User" });
    Person { id, name, role, token: token::of(id), rooms }
}

impl Cast {
    /// Every third user has a second room.
    pub fn of(users: usize, admins: usize) -> Self {
        let ids = (0..users).map(|index| Id::try_from(index).expect("a small number"));
        let rooms = |index: Id| {
            let first = HALL + 2 * index;
            if index % 3 == 0 { vec![first, first + 1] } else { vec![first] }
        };
        let users: Vec<Person> = ids.map(|index| person(FIRST_USER + index, Role::User, rooms(index))).collect();
        let admins = (1..=admins).map(|id| person(Id::try_from(id).expect("a small number"), Role::Admin, Vec::new())).collect();
        let rooms: Vec<Id> = users.iter().flat_map(|user| user.rooms.clone()).collect();
        let observers = (FIRST_OBSERVER..).take(rooms.len().div_ceil(ROOMS_PER_OBSERVER)).map(|id| person(id, Role::Admin, Vec::new()));
        Self { users, admins, observers: observers.collect(), rooms }
    }

    /// Each room and who looks into it.
    pub fn looks(&self) -> impl Iterator<Item = (Id, &Person)> {
        self.rooms.iter().enumerate().map(|(index, room)| (*room, &self.observers[index / ROOMS_PER_OBSERVER]))
    }

    /// Makes everybody and their rooms.
    pub async fn import(&self, setup: &Setup) -> Result<()> {
        let lines = setup.logs.join("cast.jsonl");
        std::fs::write(&lines, self.lines())?;
        setup.tool(&["import", &lines.display().to_string()], "").await.map(drop)
    }

    fn lines(&self) -> String {
        let everybody = self.users.iter().chain(&self.admins).chain(&self.observers);
        let mut lines: Vec<Value> = everybody.map(|person| account(person.id, &person.name, person.role)).collect();
        lines.push(account(BYSTANDER, "Bystander", Role::User));
        for user in &self.users {
            let rooms = user.rooms.iter();
            lines.extend(rooms.map(|room| json!({"type": "room", "id": room, "user_id": user.id, "created_at": "2026-01-01T00:00:00Z"})));
        }
        lines.iter().map(|line| format!("{line}\n")).collect()
    }
}

fn account(id: Id, name: &str, role: Role) -> Value {
    json!({"type": "user", "id": id, "phone": format!("555{id:06}"), "name": name, "role": role})
}
