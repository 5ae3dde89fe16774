//! Writes `golden/*.json` and `web/sdk/src/protocol.gen.ts` from the types, and fails when what is committed differs.
//!
//! `make gen` (that is `FRONTDESK_GEN=1 cargo test -p frontdesk-protocol`) writes them anew.

use std::{fmt::Write as _, fs, path::PathBuf};

use serde::{Serialize, de::DeserializeOwned};
use ts_rs::{Config, TS};

use crate::{
    Attachment, ClientFrame, CloseCode, ErrorCode, Message, Role, Room, RoomStatus, ServerFrame, Timestamp, User, body, frame, limits,
};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Compares a generated file with the committed one, or writes it when asked to.
fn check(path: &str, text: &str) {
    let file = root().join(path);
    if std::env::var_os("FRONTDESK_GEN").is_some() {
        fs::create_dir_all(file.parent().expect("a file has a folder")).expect("the folder can be made");
        fs::write(&file, text).expect("the file can be written");
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == text, "{path} is not what the types say; run `make gen` and commit it\n--- expected\n{text}");
}

fn golden<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(name: &str, value: &T) {
    let text = serde_json::to_string_pretty(value).expect("wire types are JSON") + "\n";
    check(&format!("crates/protocol/golden/{name}.json"), &text);
    assert_eq!(&serde_json::from_str::<T>(&text).expect("what we write we can read"), value);
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_767_225_600_000 + second * 1000)
}

fn grace() -> User {
    User { id: 2, name: "Grace".into(), role: Role::User }
}

fn ada() -> User {
    User { id: 1, name: "Ada".into(), role: Role::Admin }
}

const CLIENT_ID: &str = "019b76da-a800-7c1e-8f7b-3d2a9c5e4f10";
const EPOCH: &str = "b8f3c2d1a4e54f6f9c0d7e1a2b3c4d5e";

fn message() -> Message {
    Message {
        id: 5,
        room_id: 7,
        seq: 3,
        sender: grace(),
        message: "Hi, my parcel has not arrived".into(),
        attachments: Vec::new(),
        client_id: Some(CLIENT_ID.into()),
        created_at: at(5),
        read: false,
    }
}

fn message_with_files() -> Message {
    Message {
        id: 6,
        seq: 4,
        sender: ada(),
        message: String::new(),
        client_id: None,
        attachments: vec![
            Attachment {
                id: 11,
                name: "label.pdf".into(),
                content_type: "application/pdf".into(),
                size: 94_208,
                url: "/api/chat/attachments/11/".into(),
                width: None,
                height: None,
                thumbnail_url: None,
            },
            Attachment {
                id: 12,
                name: "router.jpg".into(),
                content_type: "image/jpeg".into(),
                size: 1_153_434,
                url: "/api/chat/attachments/12/".into(),
                width: Some(1600),
                height: Some(1200),
                thumbnail_url: Some("/api/chat/attachments/12/thumbnail/".into()),
            },
        ],
        read: true,
        ..message()
    }
}

fn room() -> Room {
    Room {
        id: 7,
        user: grace(),
        status: RoomStatus::Open,
        unread_count: 1,
        last_message: Some(message()),
        last_seq: 3,
        online: true,
        last_seen: None,
        created_at: at(0),
        updated_at: at(5),
    }
}

fn receipts() -> Vec<frame::Receipt> {
    vec![
        frame::Receipt { user_id: 1, role: Role::Admin, read_seq: 2, delivered_seq: 3 },
        frame::Receipt { user_id: 2, role: Role::User, read_seq: 1, delivered_seq: 1 },
    ]
}

#[test]
fn client_frames_are_what_the_golden_files_say() {
    let frames = [
        ("chat_message", ClientFrame::ChatMessage { message: "Hi".into(), client_id: None, if_last_seq: None }),
        ("chat_message_v1", ClientFrame::ChatMessage { message: "Hi".into(), client_id: Some(CLIENT_ID.into()), if_last_seq: Some(3) }),
        ("typing", ClientFrame::Typing { is_typing: true }),
        ("read_receipt", ClientFrame::ReadReceipt { message_id: 5 }),
        ("delivered", ClientFrame::Delivered { message_id: 5 }),
        ("resume", ClientFrame::Resume { after: 41, epoch: Some(EPOCH.into()) }),
        ("auth", ClientFrame::Auth { token: "eyJhbGciOiJIUzI1NiJ9.e30.ZRrHA1JJJW8opsbCGfG_HACGpVUMN_a9IV7pAx_Zmeo".into() }),
        ("ping", ClientFrame::Ping),
        ("open_room", ClientFrame::OpenRoom { room_id: 7, after: Some(41), epoch: Some(EPOCH.into()) }),
        ("close_room", ClientFrame::CloseRoom { room_id: 7 }),
    ];
    for (name, frame) in frames {
        golden(&format!("client.{name}"), &frame);
    }
}

#[test]
fn server_frames_are_what_the_golden_files_say() {
    let (room_id, user_id, role) = (7, 2, Role::User);
    let frames = [
        ("chat_message", ServerFrame::ChatMessage(message())),
        ("chat_message_files", ServerFrame::ChatMessage(message_with_files())),
        ("typing", ServerFrame::Typing { room_id, user_id, name: "Grace".into(), is_typing: true }),
        ("read_receipt", ServerFrame::ReadReceipt { room_id, user_id, role, message_id: 5, seq: 3, read_at: at(9) }),
        ("user_status_online", ServerFrame::UserStatus { room_id, user_id, role, status: frame::Presence::Online, last_seen: None }),
        (
            "user_status_offline",
            ServerFrame::UserStatus { room_id, user_id, role, status: frame::Presence::Offline, last_seen: Some(at(60)) },
        ),
        (
            "error_rate_limited",
            ServerFrame::Error {
                code: ErrorCode::RateLimited,
                message: "too many messages: 10 a second are allowed; send this one again in 84 ms".into(),
                client_id: Some(CLIENT_ID.into()),
                room_id: None,
                retryable: true,
                retry_after_ms: Some(84),
            },
        ),
        (
            "error_bad_frame",
            ServerFrame::Error {
                code: ErrorCode::BadFrame,
                message: "missing field `message`".into(),
                client_id: None,
                room_id: None,
                retryable: false,
                retry_after_ms: None,
            },
        ),
        (
            "ready_room",
            ServerFrame::Ready(frame::Ready::Room(Box::new(frame::RoomReady {
                protocol: frame::PROTOCOL,
                epoch: EPOCH.into(),
                room: room(),
                user: ada(),
                receipts: receipts(),
                support_online: true,
                resume: frame::Resume::None,
                heartbeat_ms: 24_310,
            }))),
        ),
        (
            "ready_inbox",
            ServerFrame::Ready(frame::Ready::Inbox(Box::new(frame::InboxReady {
                protocol: frame::PROTOCOL,
                epoch: EPOCH.into(),
                user: ada(),
                version: "1042".into(),
                summary: body::RoomsSummary { rooms: 38, rooms_unread: 4, unread: 9, open: 30, resolved: 8 },
                resume: frame::Resume::Complete,
                heartbeat_ms: 26_020,
            }))),
        ),
        ("ack", ServerFrame::Ack { client_id: CLIENT_ID.into(), id: 5, room_id: None, seq: 3, created_at: at(5), duplicate: false }),
        (
            "ack_inbox",
            ServerFrame::Ack { client_id: CLIENT_ID.into(), id: 5, room_id: Some(7), seq: 3, created_at: at(5), duplicate: true },
        ),
        ("delivered", ServerFrame::Delivered { room_id, user_id, role, message_id: 5, seq: 3 }),
        ("support_status", ServerFrame::SupportStatus { online: false }),
        ("room_updated", ServerFrame::RoomUpdated { room_id, seq: 5, status: RoomStatus::Resolved, user_id: 1, created_at: at(30) }),
        ("heartbeat_room", ServerFrame::Heartbeat { last_seq: Some(5), version: None }),
        ("heartbeat_inbox", ServerFrame::Heartbeat { last_seq: None, version: Some("1042".into()) }),
        ("token_expiring", ServerFrame::TokenExpiring { expires_at: at(900) }),
        ("auth_ok", ServerFrame::AuthOk { expires_at: at(1800) }),
        ("reconnect", ServerFrame::Reconnect { after_ms: 1_730 }),
        ("pong", ServerFrame::Pong),
        ("resumed", ServerFrame::Resumed { room_id, after: 41, last_seq: 44, resume: frame::Resume::Complete }),
        ("room_summary", ServerFrame::RoomSummary { room: room(), version: "1043".into() }),
        (
            "room_opened",
            ServerFrame::RoomOpened { room_id, epoch: EPOCH.into(), room: room(), receipts: receipts(), resume: frame::Resume::None },
        ),
        ("room_closed", ServerFrame::RoomClosed { room_id }),
    ];
    for (name, frame) in frames {
        golden(&format!("server.{name}"), &frame);
    }
}

#[test]
fn bodies_are_what_the_golden_files_say() {
    golden("body.message", &message());
    golden("body.message_files", &message_with_files());
    golden("body.room", &room());
    golden("body.user", &grace());
    golden("body.rooms_summary", &body::RoomsSummary { rooms: 38, rooms_unread: 4, unread: 9, open: 30, resolved: 8 });
    let pages = [
        ("room_page", serde_json::to_value(body::RoomPage { results: vec![room()], next: Some("1767225605000.7".into()) })),
        ("message_page", serde_json::to_value(body::MessagePage { results: vec![message()], next: Some(3) })),
        ("login_answer", serde_json::to_value(body::LoginAnswer { access: "eyJ…".into(), refresh: "r1.…".into(), user: grace() })),
        (
            "options",
            serde_json::to_value(body::Options {
                demo: Some(vec![body::DemoAccount {
                    phone: "9999999999".into(),
                    password: "drivecash".into(),
                    name: "Ada".into(),
                    role: Role::Admin,
                }]),
                has_accounts: true,
                message_max: limits::MESSAGE_CHARS_MAX,
            }),
        ),
        (
            "problem",
            serde_json::to_value(body::Problem {
                title: "Unprocessable Entity".into(),
                status: 422,
                detail: "limit: must be a whole number from 1 to 200".into(),
                code: ErrorCode::Invalid,
                errors: vec![body::FieldError { field: "limit".into(), message: "must be a whole number from 1 to 200".into() }],
            }),
        ),
    ];
    for (name, value) in pages {
        golden(&format!("body.{name}"), &value.expect("bodies are JSON"));
    }
}

#[test]
fn typescript_is_what_the_types_say() {
    let config = Config::default().with_large_int("number");
    let mut text = String::from("// Made from crates/protocol by `make gen`. Do not edit.\n\n");
    macro_rules! declare {
        ($($type:ty),* $(,)?) => { $( writeln!(text, "export {}", <$type>::decl(&config)).expect("strings grow"); )* };
    }
    declare!(
        Role,
        User,
        Attachment,
        Message,
        RoomStatus,
        Room,
        body::RoomsSummary,
        body::RoomPage,
        body::MessagePage,
        body::UserPage,
        body::LoginRequest,
        body::LoginAnswer,
        body::RefreshRequest,
        body::TokenPair,
        body::LogoutRequest,
        body::PasswordRequest,
        body::OpenRoomRequest,
        body::PatchRoomRequest,
        body::SendRequest,
        body::ReadRequest,
        body::DemoAccount,
        body::Options,
        ErrorCode,
        body::FieldError,
        body::Problem,
        frame::Presence,
        frame::Resume,
        frame::Receipt,
        frame::RoomReady,
        frame::InboxReady,
        frame::Ready,
        ClientFrame,
        ServerFrame,
    );
    text.push_str("\nexport const closeCodes = {\n");
    for code in CloseCode::ALL {
        writeln!(text, "  {}: {},", code.name(), code.code()).expect("strings grow");
    }
    text.push_str("} as const\n\nexport const limits = {\n");
    let limits: [(&str, u64); 11] = [
        ("message_chars_max", limits::MESSAGE_CHARS_MAX as u64),
        ("client_id_chars_max", limits::CLIENT_ID_CHARS_MAX as u64),
        ("file_bytes_max", limits::FILE_BYTES_MAX),
        ("files_per_message_max", limits::FILES_PER_MESSAGE_MAX as u64),
        ("inbox_rooms_max", limits::INBOX_ROOMS_MAX as u64),
        ("page_default", limits::PAGE_DEFAULT as u64),
        ("page_max", limits::PAGE_MAX as u64),
        ("heartbeat_ms", limits::HEARTBEAT_MS),
        ("client_silence_percent", limits::CLIENT_SILENCE_PERCENT),
        ("typing_ms", limits::TYPING_MS),
        ("resume_events_max", limits::RESUME_EVENTS_MAX as u64),
    ];
    for (name, value) in limits {
        writeln!(text, "  {name}: {value},").expect("strings grow");
    }
    text.push_str("} as const\n");
    let text = text.replace("/**\n * ", "/** ").replace("\n */\n", " */ ").replace(", \n/**", ",\n  /**").replace("{ \n/**", "{\n  /**");
    check("web/sdk/src/protocol.gen.ts", &text);
}

#[test]
fn unknown_fields_are_ignored_and_wrong_ones_are_named() {
    let frame: ClientFrame =
        serde_json::from_str(r#"{"type":"chat_message","message":"Hi","sender":"x"}"#).expect("extra keys are harmless");
    assert_eq!(frame, ClientFrame::ChatMessage { message: "Hi".into(), client_id: None, if_last_seq: None });
    let error = |text: &str| serde_json::from_str::<ClientFrame>(text).expect_err(text).to_string();
    assert!(error(r#"{"type":"chat_message"}"#).contains("missing field `message`"));
    assert!(error(r#"{"type":"shout"}"#).contains("unknown variant `shout`"));
    assert!(error(r#"{"message":"Hi"}"#).contains("missing field `type`"));
}
