//! The demo: people whose passwords everybody may know, and conversations that read like real ones. Made once, when the
//! folder is new, with ages relative to that moment.

mod script;

use std::collections::HashMap;

use frontdesk_protocol::{Id, Role, RoomStatus, Timestamp, body::DemoAccount};
use frontdesk_store::{AttachmentRecord, EventRecord, MessageRecord, ReceiptRecord, Record, RoomRecord, Store, UserRecord};

use self::script::{Line, Script, Speaker, What};
use crate::{accounts::passwords, data::DataFolder, files::Files};

const PASSWORD: &str = "drivecash";
const INES: Id = 1;
const NOAH: Id = 2;
const ADMINS: [(Id, &str, &str); 2] = [(INES, "9999999999", "Ines Duarte"), (NOAH, "9999999998", "Noah Ahmadi")];
/// The first user's id and room; the others follow.
const FIRST_USER: Id = 3;

const SCRIPTS: [&str; 7] = [
    include_str!("../demo/grace.txt"),
    include_str!("../demo/jonas.txt"),
    include_str!("../demo/misaki.txt"),
    include_str!("../demo/layla.txt"),
    include_str!("../demo/lena.txt"),
    include_str!("../demo/tomas.txt"),
    include_str!("../demo/amara.txt"),
];

/// Files that a line may name.
const FILES: [(&str, &str, &[u8]); 2] = [
    ("photo", "router-antenna.png", include_bytes!("../demo/router.png")),
    ("label", "Return label RX-20417.pdf", include_bytes!("../demo/return-label.pdf")),
];

/// The accounts that the login page offers.
#[must_use]
pub fn accounts() -> Vec<DemoAccount> {
    let account = |phone: &str, name: &str, role| DemoAccount { phone: phone.into(), password: PASSWORD.into(), name: name.into(), role };
    let admins = ADMINS.iter().map(|(_, phone, name)| account(phone, name, Role::Admin));
    let users = scripts().into_iter().map(|script| account(script.phone, script.name, Role::User));
    admins.chain(users).collect()
}

/// Fills a store that has no accounts yet.
///
/// # Errors
/// Whatever the store or the file system says.
pub async fn fill(store: &Store, folder: &DataFolder) -> anyhow::Result<()> {
    if store.has_accounts().await? {
        return Ok(());
    }
    let files = Files::open(folder).await?;
    let hash = tokio::task::spawn_blocking(|| passwords::new_hash(PASSWORD)).await?;
    let mut told = Told { now: Timestamp::now(), next_message: 1, records: people(&hash) };
    for (user_id, script) in (FIRST_USER..).zip(scripts()) {
        told.conversation(&files, user_id, &script).await?;
    }
    Ok(store.import(told.records).await?)
}

fn scripts() -> Vec<Script<'static>> {
    SCRIPTS.into_iter().map(Script::parse).collect()
}

/// One hash serves all: it protects nothing, and making nine takes a moment at the first start.
fn people(hash: &str) -> Vec<Record> {
    let person = |id, phone: &str, name: &str, role| {
        let (phone, name) = (phone.to_owned(), name.to_owned());
        Record::User(UserRecord { id, phone, name, role, password_hash: Some(hash.to_owned()), disabled: None, last_seen: None })
    };
    let admins = ADMINS.iter().map(|(id, phone, name)| person(*id, phone, name, Role::Admin));
    let users = (FIRST_USER..).zip(scripts()).map(|(id, script)| person(id, script.phone, script.name, Role::User));
    admins.chain(users).collect()
}

/// The records so far.
struct Told {
    now: Timestamp,
    next_message: Id,
    records: Vec<Record>,
}

impl Told {
    /// A room's id is its user's.
    async fn conversation(&mut self, files: &Files, user_id: Id, script: &Script<'_>) -> anyhow::Result<()> {
        let first = script.lines.first().map_or(self.now, |line| self.when(script, line));
        let last = script.lines.last().map_or(self.now, |line| self.when(script, line));
        let (status, updated_at) =
            if script.resolved { (RoomStatus::Resolved, last.plus_millis(60_000)) } else { (RoomStatus::Open, last) };
        let room = RoomRecord { id: user_id, user_id, status: Some(status), created_at: first, updated_at: Some(updated_at) };
        self.records.push(Record::Room(room));

        let mut said = Vec::new();
        for line in &script.lines {
            let id = self.message(files, user_id, script, line).await?;
            said.push((line.speaker, id, self.when(script, line)));
        }
        if script.resolved {
            let (seq, created_at) = (i64::try_from(said.len())? + 1, updated_at);
            self.records.push(Record::Event(EventRecord { room_id: user_id, seq, status, user_id: INES, created_at }));
        }
        self.receipts(user_id, script, &said);
        Ok(())
    }

    async fn message(&mut self, files: &Files, user_id: Id, script: &Script<'_>, line: &Line<'_>) -> anyhow::Result<Id> {
        let id = self.next_message;
        self.next_message += 1;
        let (message, file) = match line.what {
            What::Text(text) => (text.to_owned(), None),
            What::File(name) => (String::new(), FILES.iter().find(|(known, _, _)| *known == name)),
        };
        let (room_id, sender_id, created_at) = (user_id, person(line.speaker, user_id), self.when(script, line));
        let record = MessageRecord { id: Some(id), room_id, seq: None, sender_id, side: None, message, client_id: None, created_at };
        self.records.push(Record::Message(record));
        if let Some((_, name, bytes)) = file {
            self.records.push(Record::Attachment(attach(files, id, name, bytes).await?));
        }
        Ok(id)
    }

    /// Everybody has read all but the last messages of the other side that the script leaves unread.
    fn receipts(&mut self, room_id: Id, script: &Script<'_>, said: &[(Speaker, Id, Timestamp)]) {
        let unread = HashMap::from([(true, script.unread_by_user), (false, script.unread_by_support)]);
        for reader in [Speaker::User, Speaker::Ines, Speaker::Noah] {
            let is_user = reader == Speaker::User;
            let spoke = said.iter().any(|(speaker, ..)| *speaker == reader);
            let heard = said.iter().filter(|(speaker, ..)| (*speaker == Speaker::User) != is_user);
            let arrived = heard.clone().next_back();
            let read = heard.rev().nth(unread[&is_user]);
            let (Some((_, read, read_at)), Some((_, arrived, arrived_at)), true) = (read, arrived, spoke) else { continue };
            self.records.push(Record::Receipt(ReceiptRecord {
                room_id,
                user_id: person(reader, room_id),
                side: None,
                read_message_id: Some(*read),
                read_at: Some(read_at.plus_millis(20_000)),
                delivered_message_id: Some(*arrived),
                delivered_at: Some(arrived_at.plus_millis(1_000)),
            }));
        }
    }

    fn when(&self, script: &Script<'_>, line: &Line<'_>) -> Timestamp {
        self.now.plus_millis(-1_000 * (script.ended_secs + script.lasted_secs - line.at_secs))
    }
}

fn person(speaker: Speaker, user_id: Id) -> Id {
    match speaker {
        Speaker::User => user_id,
        Speaker::Ines => INES,
        Speaker::Noah => NOAH,
    }
}

async fn attach(files: &Files, message_id: Id, name: &str, bytes: &[u8]) -> anyhow::Result<AttachmentRecord> {
    let mut upload = files.begin().await?;
    upload.write(bytes).await?;
    let file = upload.finish(name).await?;
    Ok(AttachmentRecord {
        id: None,
        message_id,
        name: file.name,
        content_type: file.content_type,
        size: file.size,
        width: file.width,
        height: file.height,
        bytes: None,
        key: file.key,
        thumbnail: file.thumbnail,
        sha256: file.sha256,
    })
}
