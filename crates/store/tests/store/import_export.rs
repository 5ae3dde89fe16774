//! Records in and out.

use frontdesk_protocol::{Role, RoomStatus, Timestamp};
use frontdesk_store::{ImportError, MarkKind, NewMessage, Options, Record, RoomQuery, Store};

use crate::fixture::{self, Desk, START_MS, desk, file, person, stored, text};

async fn open(options: &Options) -> Store {
    Store::open(options.clone(), true).await.expect("the store opens").0
}

pub async fn export(store: &Store) -> Vec<Record> {
    let mut export = store.export().await.expect("it starts");
    let mut records = Vec::new();
    while let Some(page) = export.next().await.expect("read") {
        records.extend(page);
    }
    records
}

fn lines(text: &str) -> Vec<Record> {
    text.lines().filter(|line| !line.trim().is_empty()).map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// Messages of both sides, with client ids of all forms, and one with files.
fn line(desk: &Desk, number: i64) -> NewMessage {
    let mut message = text(desk.room, if number % 3 == 0 { &desk.ada } else { &desk.grace }, &number.to_string());
    message.client_id = match number % 3 {
        0 => Some(uuid::Uuid::now_v7().to_string()),
        1 => Some(format!("x{number}")),
        _ => None,
    };
    if number == 7 {
        message.attachments = vec![file("a"), file("b")];
    }
    message
}

/// Something of everything, in more than a page of an export.
async fn filled() -> Desk {
    let desk = desk().await;
    let alan = person(&desk.store, "Alan", "5550002", Role::User).await;
    desk.store.set_password(alan.id, "$argon2id$x".into(), false).await.unwrap();
    desk.store.set_disabled(alan.id, true).await.unwrap();
    desk.store.open_room(alan.id).await.unwrap();
    for chunk in 0..12 {
        desk.wait_ms(10);
        let said = desk.send_together((0..50).map(|number| line(&desk, chunk * 50 + number)).collect()).await;
        if chunk % 2 == 0 {
            let message = stored(said[25].clone());
            desk.mark(&desk.ada, &message, MarkKind::Delivered).await;
            desk.wait_ms(3);
            desk.mark(&desk.ada, &message, MarkKind::Read).await;
            desk.mark(&desk.grace, &message, if chunk == 0 { MarkKind::Read } else { MarkKind::Delivered }).await;
            desk.store.set_status(desk.room, desk.ada.id, RoomStatus::Resolved).await.unwrap();
        }
    }
    desk.store.touch_last_seen(vec![(desk.grace.id, Timestamp::from_millis(START_MS))]).await.unwrap();
    desk
}

#[tokio::test]
async fn an_export_imported_into_an_empty_store_loses_nothing() {
    let desk = filled().await;
    let records = export(&desk.store).await;
    let folder = tempfile::tempdir().unwrap();
    let place = fixture::empty(&folder).await;
    let other = open(&place).await;
    for batch in records.chunks(100) {
        // As the command does it: lines, with the file's key set from its bytes.
        let batch = batch.iter().map(|record| {
            let mut copy: Record = serde_json::from_str(&serde_json::to_string(record).unwrap()).unwrap();
            if let (Record::Attachment(copy), Record::Attachment(file)) = (&mut copy, record) {
                assert!(copy.key.is_empty(), "keys are no part of a line");
                copy.key.clone_from(&file.key);
            }
            copy
        });
        other.import(batch.collect()).await.unwrap();
    }
    assert_eq!(export(&other).await, records);
    let rooms = RoomQuery { viewer: Role::Admin, user_id: 1, q: None, status: None, unread: false, cursor: None, limit: 9 };
    for viewer in [Role::User, Role::Admin] {
        let query = RoomQuery { viewer, user_id: desk.grace.id, ..rooms.clone() };
        assert_eq!(other.rooms(&query).await.unwrap().results, desk.store.rooms(&query).await.unwrap().results);
        assert_eq!(other.summary(viewer, desk.grace.id).await.unwrap(), desk.store.summary(viewer, desk.grace.id).await.unwrap());
    }
    assert_eq!(other.events_after(desk.room, 0, 1_000).await.unwrap(), desk.history().await);
    assert_eq!(other.receipt_marks(desk.room).await.unwrap(), desk.store.receipt_marks(desk.room).await.unwrap());
    other.close().await;
    assert_eq!(open(&place).await.epoch(), desk.store.epoch());
}

#[tokio::test]
async fn importing_again_changes_nothing() {
    let desk = filled().await;
    let records = export(&desk.store).await;
    let version = desk.version().await;
    desk.store.import(records.clone()).await.unwrap();
    assert_eq!(export(&desk.store).await, records);
    let heads = desk.store.heads_changed(version, 10).await.unwrap().heads;
    assert_eq!(heads, [], "and no room counts as changed");
}

const ORIGIN: &str = r#"
{"type":"user","id":41,"phone":"900","name":"Old Admin","role":"admin","password_hash":"pbkdf2_sha256$1$a$b"}
{"type":"user","id":42,"phone":"901","name":"Old User","role":"user"}
{"type":"room","id":70,"user_id":42,"status":"resolved","created_at":"2025-01-01T00:00:00Z"}
{"type":"message","room_id":70,"sender_id":42,"message":"Hello","created_at":"2025-01-01T00:00:05Z","client_id":"x1"}
{"type":"message","id":500,"room_id":70,"sender_id":41,"message":"Hi","created_at":"2025-01-01T00:00:06Z"}
{"type":"message","id":498,"room_id":70,"sender_id":42,"message":"Bye","created_at":"2025-01-01T00:00:07Z"}
{"type":"receipt","room_id":70,"user_id":41,"read_message_id":500}
"#;

#[tokio::test]
async fn a_foreign_history_takes_its_seqs_in_the_order_of_the_file() {
    let desk = desk().await;
    desk.store.import(lines(ORIGIN)).await.unwrap();
    let room = desk.store.room(70, Role::Admin).await.unwrap().unwrap();
    assert_eq!((room.status, room.last_seq, room.unread_count), (RoomStatus::Resolved, 3, 1), "the past reopens nothing");
    assert_eq!(room.updated_at.to_string(), "2025-01-01T00:00:07.000Z");
    assert_eq!(room.last_message.unwrap().id, 498);
    desk.store.import(lines(ORIGIN)).await.unwrap();
    assert_eq!(desk.store.room(70, Role::User).await.unwrap().unwrap().last_seq, 3, "again: nothing new");
    let user = desk.store.account(42).await.unwrap().unwrap().user;
    let next = stored(desk.send(text(70, &user, "Back")).await);
    assert_eq!(next.seq, 4);
    assert!(next.id > 500, "later ids lie above");
    assert!(person(&desk.store, "New", "902", Role::User).await.id > 42);
    let mut again = text(70, &user, "Hello");
    again.client_id = Some("x1".into());
    assert!(matches!(desk.send(again).await, frontdesk_store::SendOutcome::Duplicate(first) if first.seq == 1));
}

#[tokio::test]
async fn an_import_into_a_live_room_follows_the_rules_of_seqs() {
    let desk = desk().await;
    desk.says(&desk.grace, "One").await;
    let before = desk.store.version().await.unwrap();
    let line = |rest: &str| {
        lines(&format!(
            r#"{{"type":"message","room_id":{},"sender_id":{},"message":"Two","created_at":"2026-01-02T00:00:00Z",{rest}}}"#,
            desk.room, desk.grace.id
        ))
    };
    desk.store.import(line(r#""client_id":"n1""#)).await.unwrap();
    assert_eq!(desk.room(Role::Admin).await.last_seq, 2);
    assert_eq!(desk.store.heads_changed(before, 9).await.unwrap().heads[0].last_seq, 2, "a server beside it finds the room");
    for (rest, reason) in [
        (r#""client_id":"n2","seq":2"#, "seq 2 of room 1 is taken"),
        (r#""client_id":"n3","seq":9"#, "seq 9 would leave a hole: the newest of room 1 is 2"),
    ] {
        let refused = desk.store.import(line(rest)).await.unwrap_err();
        assert_eq!(refused, ImportError::Record { index: 0, message: reason.into() });
    }
    desk.store.import(line(r#""client_id":"n4","seq":3"#)).await.unwrap();
}

#[tokio::test]
async fn a_wrong_record_is_named_and_nothing_of_its_call_is_applied() {
    let mut desk = desk().await;
    let before = export(&desk.store).await;
    let version = desk.version().await;
    for (bad, reason) in [
        (r#"{"type":"message","room_id":70,"sender_id":42,"message":"x","created_at":"2025-01-01T00:00:00Z"}"#, "id or client_id"),
        (r#"{"type":"message","id":9,"room_id":71,"sender_id":42,"message":"x","created_at":"2025-01-01T00:00:00Z"}"#, "no room 71"),
        (r#"{"type":"message","id":9,"room_id":70,"sender_id":43,"message":"x","created_at":"2025-01-01T00:00:00Z"}"#, "no user 43"),
        (r#"{"type":"message","id":0,"room_id":70,"sender_id":42,"message":"x","created_at":"2025-01-01T00:00:00Z"}"#, "integer from 1"),
        (r#"{"type":"room","id":71,"user_id":43,"created_at":"2025-01-01T00:00:00Z"}"#, "no user 43"),
        (r#"{"type":"user","id":43,"phone":"900","name":"Twin","role":"user"}"#, "that of user 41"),
        (r#"{"type":"user","id":9007199254740991,"phone":"9","name":"High","role":"user"}"#, "integer from 1"),
        (r#"{"type":"event","room_id":70,"seq":9,"status":"open","user_id":41,"created_at":"2025-01-01T00:00:00Z"}"#, "a hole"),
        (r#"{"type":"receipt","room_id":70,"user_id":41,"read_message_id":9}"#, "no message 9"),
        (r#"{"type":"attachment","message_id":9,"name":"x","content_type":"x/y"}"#, "no message 9"),
        (r#"{"type":"attachment","message_id":500,"name":"x","content_type":"x/y"}"#, "bytes are missing"),
        (r#"{"type":"meta","epoch":"x"}"#, "32 hex digits"),
    ] {
        let mut records = lines(ORIGIN);
        records.extend(lines(bad));
        let (send, import) = tokio::join!(desk.try_send(text(999, &desk.grace, "x")), desk.store.import(records));
        assert_eq!(send, Ok(frontdesk_store::SendOutcome::NoSuchRoom), "who shares the batch is not touched");
        match import {
            Err(ImportError::Record { index: 7, message }) => assert!(message.contains(reason), "{bad}: {message}"),
            other => panic!("{bad}: {other:?}"),
        }
    }
    assert_eq!(export(&desk.store).await, before);
    assert_eq!(desk.store.heads_changed(version, 9).await.unwrap().heads, [], "no room has changed");
    desk.published();
}

#[tokio::test]
async fn importing_a_changed_account_ends_its_sessions() {
    let desk = desk().await;
    let sid = desk.store.create_session(desk.grace.id, [1; 32]).await.unwrap();
    let ended = async || desk.store.authenticate(desk.grace.id, Some(&sid), None, None).await.unwrap().unwrap().ended;
    let user = |name: &str, role: &str| {
        lines(&format!(r#"{{"type":"user","id":{},"phone":"5550001","name":"{name}","role":"{role}"}}"#, desk.grace.id))
    };
    desk.store.import(user("Grace H.", "user")).await.unwrap();
    assert_eq!(desk.store.account(desk.grace.id).await.unwrap().unwrap().user.name, "Grace H.");
    assert!(!ended().await);
    desk.store.import(user("Grace H.", "admin")).await.unwrap();
    assert!(ended().await);
}

#[tokio::test]
async fn an_export_shows_one_moment() {
    let desk = desk().await;
    let mut export = desk.store.export().await.unwrap();
    let mut records = export.next().await.unwrap().unwrap();
    let late = person(&desk.store, "Late", "903", Role::User).await;
    desk.says(&desk.grace, "Late").await;
    while let Some(page) = export.next().await.unwrap() {
        records.extend(page);
    }
    assert!(!records.iter().any(|record| matches!(record, Record::User(user) if user.id == late.id)));
    assert!(!records.iter().any(|record| matches!(record, Record::Message(_))));
}
