//! What is wrong in a database is found, and nothing else.

use frontdesk_protocol::RoomStatus;
use frontdesk_store::{Checked, Counts, Inspection, MarkKind};

use crate::fixture::{Desk, desk, file, stored, text};

async fn checked(desk: &Desk) -> Checked {
    let mut inspection = Inspection::open(&desk.path).await.unwrap();
    let checked = inspection.check().await.unwrap();
    inspection.close().await.unwrap();
    checked
}

/// Something of everything.
async fn talked() -> Desk {
    let desk = desk().await;
    for number in 0..20 {
        let mut message = text(desk.room, if number % 3 == 0 { &desk.ada } else { &desk.grace }, &number.to_string());
        if number == 4 {
            message.attachments = vec![file("a"), file("b")];
        }
        let message = stored(desk.send(message).await);
        if number % 4 == 0 {
            desk.mark(&desk.ada, &message, MarkKind::Read).await;
            desk.mark(&desk.grace, &message, MarkKind::Delivered).await;
        }
        if number % 6 == 0 {
            desk.mark(&desk.grace, &message, MarkKind::Read).await;
            let status = if number % 12 == 0 { RoomStatus::Resolved } else { RoomStatus::Open };
            desk.store.set_status(desk.room, desk.ada.id, status).await.unwrap();
        }
    }
    desk
}

#[tokio::test]
async fn a_sound_database_has_no_problems() {
    let desk = talked().await;
    let checked = checked(&desk).await;
    assert_eq!(checked.problems.lines, Vec::<String>::new());
    let counts = Counts { users: 2, rooms: 1, messages: 20, attachments: 2, attachment_bytes: 6, last_attachment_id: 2 };
    assert_eq!(checked.counts, Some(counts));
}

#[tokio::test]
async fn each_kind_of_damage_is_found() {
    for (damage, told) in [
        ("update messages set seq = 100 where seq = 22", "room 1: its seqs are not 1 to 22, each once: it has 22 of them, 1 to 100"),
        ("delete from messages where seq = 9", "room 1: its seqs are not 1 to 22, each once: it has 21 of them, 1 to 22"),
        ("delete from messages where seq = 1", "room 1: its seqs are not 1 to 22, each once: it has 21 of them, 2 to 22"),
        ("delete from status_events where seq = 2", "room 1: its seqs are not 1 to 22, each once: it has 21 of them, 1 to 22"),
        ("update status_events set seq = 3 where seq = 2", "1 to 22, 1 of them twice"),
        ("update rooms set last_seq = 23", "room 1: its seqs are not 1 to 23"),
        ("update rooms set user_messages = 1", "room 1: user_messages is 1, a recount gives 13"),
        ("update rooms set admin_messages = admin_messages + 1", "room 1: admin_messages is 8, a recount gives 7"),
        ("update rooms set user_last_seq = 0", "room 1: user_last_seq is 0"),
        ("update rooms set admin_last_seq = 0", "room 1: admin_last_seq is 0"),
        ("update rooms set user_read_count = 0", "room 1: user_read_count is 0"),
        ("update rooms set admins_read_count = 99", "room 1: admins_read_count is 99"),
        ("update rooms set last_message_id = null", "room 1: last_message_id is 0, a recount gives 20"),
        ("update messages set user_count = 0 where id = 7", "message 7: its counts are 0 and"),
        ("update messages set files = 1 where id = 5", "message 5: files is 1, a recount gives 2"),
        ("update receipts set read_seq = 99 where user_id = 1", "room 1: user 1 has read to 99"),
        ("update meta set version = 1", "the newest is 1"),
        ("update messages set sender_id = 99 where id = 3", "messages 3: what it refers to in users is missing"),
        ("update attachments set message_id = 99 where id = 1", "attachments 1: what it refers to in messages is missing"),
        ("update inbox_totals set open = 5", "the inbox's totals are 5 open, 0 resolved, 1 unread rooms, 2 unread messages, a recount"),
        ("update inbox_totals set unread = 0", "0 unread messages, a recount gives"),
        ("delete from inbox_totals", "the inbox's totals are missing, a recount gives 1 open"),
        ("delete from people_search where rowid = 2", "user 2: a search looks for nothing, the account has \"grace 5550001\""),
        ("insert into people_search (rowid, text) values (99, 'x')", "user 99: a search looks for \"x\", the account has nothing"),
        ("update people_search set text = 'x' where rowid = 2", "user 2: a search looks for \"x\", the account has \"grace"),
        ("update people_search_content set c0 = 'x' where id = 2", "the database is damaged: malformed inverted index for FTS5 table"),
    ] {
        let desk = talked().await;
        desk.damages(damage).await;
        let lines = checked(&desk).await.problems.lines;
        assert!(lines.iter().any(|line| line.contains(told)), "{damage}: {lines:#?}");
    }
}

#[tokio::test]
async fn a_torn_page_is_found() {
    let desk = talked().await;
    desk.store.close().await;
    let mut bytes = std::fs::read(&desk.path).unwrap();
    assert_eq!(bytes.len() % 4_096, 0);
    // A page that a power cut left half written, each in turn.
    let pages = bytes.len() / 4_096;
    let whole = bytes.clone();
    let mut found = 0;
    for page in 0..pages {
        bytes.clone_from(&whole);
        bytes[page * 4_096..page * 4_096 + 512].fill(0xa5);
        std::fs::write(&desk.path, &bytes).unwrap();
        let lines = match Inspection::open(&desk.path).await {
            Ok(mut inspection) => inspection.check().await.map_or(1, |checked| checked.problems.lines.len()),
            Err(_) => 1,
        };
        found += usize::from(lines > 0);
    }
    assert_eq!(found, pages);
}

#[tokio::test]
async fn past_fifty_problems_are_only_counted() {
    let desk = desk().await;
    for number in 0..80 {
        desk.says(&desk.grace, &number.to_string()).await;
    }
    desk.damages("update messages set user_count = 0").await;
    let problems = checked(&desk).await.problems;
    assert_eq!((problems.lines.len(), problems.more), (50, 30));
}
