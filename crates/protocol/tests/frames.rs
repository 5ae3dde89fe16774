//! Properties of the wire: what is written can be read and is the same, and whatever else is read is refused without a panic.

use std::{fmt::Debug, fs, path::PathBuf};

use frontdesk_protocol::{
    Attachment, ClientFrame, ErrorCode, Message, Role, Room, RoomStatus, ServerFrame, Timestamp, User,
    body::{
        DemoAccount, FieldError, LoginAnswer, LoginRequest, LogoutRequest, MessagePage, OpenRoomRequest, Options, PasswordRequest,
        PatchRoomRequest, Problem, ReadRequest, RefreshRequest, RoomPage, RoomsSummary, SendRequest, TokenPair, UserPage,
    },
    frame::{InboxReady, Presence, Ready, Receipt, Resume, RoomReady},
};
use proptest::{collection::vec, option, prelude::*, sample::select};
use serde::{Serialize, de::DeserializeOwned};

fn any_text() -> BoxedStrategy<String> {
    prop_oneof![
        any::<String>(),
        "\\PC{0,40}",
        select(vec!["", "\"", "\\", "\u{0}", "\u{2028}", "\u{feff}", "😀", "\u{fffd}", "\u{7f}", "{}", "null"]).prop_map(String::from)
    ]
    .boxed()
}

fn any_number() -> impl Strategy<Value = i64> {
    prop_oneof![0..20_i64, 0..=(1_i64 << 53) - 1, any::<i64>()]
}

fn any_time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![any::<i64>(), 0..4_102_444_800_000_i64].prop_map(Timestamp::from_millis)
}

fn any_role() -> impl Strategy<Value = Role> {
    select(vec![Role::User, Role::Admin])
}

fn any_status() -> impl Strategy<Value = RoomStatus> {
    select(vec![RoomStatus::Open, RoomStatus::Resolved])
}

fn any_resume() -> impl Strategy<Value = Resume> {
    select(vec![Resume::None, Resume::Complete, Resume::Reset])
}

fn any_code() -> impl Strategy<Value = ErrorCode> {
    select(vec![
        ErrorCode::BadFrame,
        ErrorCode::TooLong,
        ErrorCode::Stale,
        ErrorCode::NotDurable,
        ErrorCode::RateLimited,
        ErrorCode::Internal,
    ])
}

fn any_user() -> BoxedStrategy<User> {
    (any_number(), any_text(), any_role()).prop_map(|(id, name, role)| User { id, name, role }).boxed()
}

fn any_attachment() -> BoxedStrategy<Attachment> {
    let side = || option::of(any_number());
    (any_number(), any_text(), any_text(), any_number(), any_text(), side(), side(), option::of(any_text()))
        .prop_map(|(id, name, content_type, size, url, width, height, thumbnail_url)| Attachment {
            id,
            name,
            content_type,
            size,
            url,
            width,
            height,
            thumbnail_url,
        })
        .boxed()
}

fn any_message() -> BoxedStrategy<Message> {
    let place = (any_number(), any_number(), any_number());
    let said = (any_text(), vec(any_attachment(), 0..3), option::of(any_text()), any_time(), any::<bool>());
    (place, any_user(), said)
        .prop_map(|((id, room_id, seq), sender, (message, attachments, client_id, created_at, read))| Message {
            id,
            room_id,
            seq,
            sender,
            message,
            attachments,
            client_id,
            created_at,
            read,
        })
        .boxed()
}

fn any_room() -> BoxedStrategy<Room> {
    let state = (any_number(), any_user(), any_status(), any_number(), any_number(), any::<bool>());
    let times = (option::of(any_time()), any_time(), any_time());
    (state, option::of(any_message()), times)
        .prop_map(|((id, user, status, unread_count, last_seq, online), last_message, (last_seen, created_at, updated_at))| Room {
            id,
            user,
            status,
            unread_count,
            last_message,
            last_seq,
            online,
            last_seen,
            created_at,
            updated_at,
        })
        .boxed()
}

fn any_receipts() -> BoxedStrategy<Vec<Receipt>> {
    let receipt = (any_number(), any_role(), any_number(), any_number());
    vec(receipt.prop_map(|(user_id, role, read_seq, delivered_seq)| Receipt { user_id, role, read_seq, delivered_seq }), 0..4).boxed()
}

fn any_client_frame() -> impl Strategy<Value = ClientFrame> {
    prop_oneof![
        (any_text(), option::of(any_text()), option::of(any_number()))
            .prop_map(|(message, client_id, if_last_seq)| ClientFrame::ChatMessage { message, client_id, if_last_seq }),
        any::<bool>().prop_map(|is_typing| ClientFrame::Typing { is_typing }),
        any_number().prop_map(|message_id| ClientFrame::ReadReceipt { message_id }),
        any_number().prop_map(|message_id| ClientFrame::Delivered { message_id }),
        (any_number(), option::of(any_text())).prop_map(|(after, epoch)| ClientFrame::Resume { after, epoch }),
        any_text().prop_map(|token| ClientFrame::Auth { token }),
        Just(ClientFrame::Ping),
        (any_number(), option::of(any_number()), option::of(any_text())).prop_map(|(room_id, after, epoch)| ClientFrame::OpenRoom {
            room_id,
            after,
            epoch
        }),
        any_number().prop_map(|room_id| ClientFrame::CloseRoom { room_id }),
    ]
}

fn any_ready() -> BoxedStrategy<Ready> {
    let room = (any_text(), any_room(), any_user(), any_receipts(), any::<bool>(), any_resume(), any::<u64>()).prop_map(
        |(epoch, room, user, receipts, support_online, resume, heartbeat_ms)| {
            let ready = RoomReady { protocol: 1, epoch, room, user, receipts, support_online, resume, heartbeat_ms };
            Ready::Room(Box::new(ready))
        },
    );
    let inbox = (any_text(), any_user(), any_text(), any_summary(), any_resume(), any::<u64>()).prop_map(
        |(epoch, user, version, summary, resume, heartbeat_ms)| {
            let ready = InboxReady { protocol: 1, epoch, user, version, summary, resume, heartbeat_ms };
            Ready::Inbox(Box::new(ready))
        },
    );
    prop_oneof![room, inbox].boxed()
}

fn any_summary() -> impl Strategy<Value = RoomsSummary> {
    (any_number(), any_number(), any_number(), any_number(), any_number())
        .prop_map(|(rooms, rooms_unread, unread, open, resolved)| RoomsSummary { rooms, rooms_unread, unread, open, resolved })
}

/// Where, who, in which role, which message, its seq.
fn any_mark() -> impl Strategy<Value = (i64, i64, Role, i64, i64)> {
    (any_number(), any_number(), any_role(), any_number(), any_number())
}

fn any_live_frame() -> BoxedStrategy<ServerFrame> {
    prop_oneof![
        any_message().prop_map(ServerFrame::ChatMessage),
        (any_number(), any_number(), any_text(), any::<bool>()).prop_map(|(room_id, user_id, name, is_typing)| ServerFrame::Typing {
            room_id,
            user_id,
            name,
            is_typing
        }),
        (any_mark(), any_time()).prop_map(|((room_id, user_id, role, message_id, seq), read_at)| ServerFrame::ReadReceipt {
            room_id,
            user_id,
            role,
            message_id,
            seq,
            read_at
        }),
        any_mark().prop_map(|(room_id, user_id, role, message_id, seq)| ServerFrame::Delivered { room_id, user_id, role, message_id, seq }),
        (any_mark(), select(vec![Presence::Online, Presence::Offline]), option::of(any_time())).prop_map(
            |((room_id, user_id, role, ..), status, last_seen)| ServerFrame::UserStatus { room_id, user_id, role, status, last_seen }
        ),
        (any_mark(), any_status(), any_time()).prop_map(|((room_id, user_id, _, _, seq), status, created_at)| ServerFrame::RoomUpdated {
            room_id,
            seq,
            status,
            user_id,
            created_at
        }),
        any::<bool>().prop_map(|online| ServerFrame::SupportStatus { online }),
        (any_room(), any_text()).prop_map(|(room, version)| ServerFrame::RoomSummary { room, version }),
    ]
    .boxed()
}

fn any_answer() -> BoxedStrategy<ServerFrame> {
    prop_oneof![
        any_ready().prop_map(ServerFrame::Ready),
        (any_code(), any_text(), option::of(any_text()), option::of(any_number()), option::of(any::<u64>())).prop_map(
            |(code, message, client_id, room_id, retry_after_ms)| {
                ServerFrame::Error { code, message, client_id, room_id, retryable: code.retryable(), retry_after_ms }
            }
        ),
        (any_text(), any_number(), option::of(any_number()), any_number(), any_time(), any::<bool>()).prop_map(
            |(client_id, id, room_id, seq, created_at, duplicate)| ServerFrame::Ack { client_id, id, room_id, seq, created_at, duplicate }
        ),
        (option::of(any_number()), option::of(any_text())).prop_map(|(last_seq, version)| ServerFrame::Heartbeat { last_seq, version }),
        any_time().prop_map(|expires_at| ServerFrame::TokenExpiring { expires_at }),
        any_time().prop_map(|expires_at| ServerFrame::AuthOk { expires_at }),
        any::<u64>().prop_map(|after_ms| ServerFrame::Reconnect { after_ms }),
        Just(ServerFrame::Pong),
        (any_number(), any_number(), any_number(), any_resume()).prop_map(|(room_id, after, last_seq, resume)| ServerFrame::Resumed {
            room_id,
            after,
            last_seq,
            resume
        }),
        (any_number(), any_text(), any_room(), any_receipts(), any_resume())
            .prop_map(|(room_id, epoch, room, receipts, resume)| ServerFrame::RoomOpened { room_id, epoch, room, receipts, resume }),
        any_number().prop_map(|room_id| ServerFrame::RoomClosed { room_id }),
    ]
    .boxed()
}

fn any_server_frame() -> impl Strategy<Value = ServerFrame> {
    prop_oneof![any_live_frame(), any_answer()]
}

/// What was written, read again.
fn again<T: Serialize + DeserializeOwned>(value: &T) -> T {
    let text = serde_json::to_string(value).expect("wire types are JSON");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// For types that cannot be compared: the second writing is the first one.
fn stays_the_same<T: Serialize + DeserializeOwned>(value: &T) {
    let write = |value: &T| serde_json::to_string(value).expect("wire types are JSON");
    assert_eq!(write(&again(value)), write(value));
}

/// Whatever can be read can be written and read again.
fn is_refused_or_settled<T: Serialize + DeserializeOwned + PartialEq + Debug>(text: &str) {
    if let Ok(value) = serde_json::from_str::<T>(text) {
        assert_eq!(again(&value), value, "from {text}");
    }
}

/// Enough to find what is wrong in a second or two; `PROPTEST_CASES` tries more.
const CASES: u32 = 64;

fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_frame_of_a_client_comes_back_as_it_was(frame in any_client_frame()) {
        prop_assert_eq!(again(&frame), frame);
    }

    #[test]
    fn every_frame_of_the_server_comes_back_as_it_was(frame in any_server_frame()) {
        prop_assert_eq!(again(&frame), frame);
    }

    #[test]
    fn every_body_comes_back_as_it_was(
        rooms in vec(any_room(), 0..3),
        messages in vec(any_message(), 0..3),
        next in option::of(any_text()),
        (detail, field, code) in (any_text(), any_text(), any_code()),
    ) {
        stays_the_same(&RoomPage { results: rooms, next: next.clone() });
        stays_the_same(&SendRequest { message: detail.clone(), client_id: next });
        stays_the_same(&MessagePage { next: messages.first().map(|message| message.seq), results: messages });
        let errors = vec![FieldError { field, message: detail.clone() }];
        stays_the_same(&Problem { title: "Conflict".into(), status: 409, detail, code, errors });
    }

    #[test]
    fn every_call_and_its_answer_come_back_as_they_were(
        (one, other, user) in (any_text(), any_text(), any_user()),
        (number, flag, status) in (option::of(any_number()), any::<bool>(), any_status()),
        summary in any_summary(),
    ) {
        stays_the_same(&LoginRequest { phone: one.clone(), password: other.clone() });
        stays_the_same(&LoginAnswer { access: one.clone(), refresh: other.clone(), user: user.clone() });
        stays_the_same(&RefreshRequest { refresh: one.clone() });
        stays_the_same(&TokenPair { access: one.clone(), refresh: other.clone() });
        stays_the_same(&LogoutRequest { all: flag });
        stays_the_same(&PasswordRequest { old_password: one.clone(), new_password: other.clone() });
        stays_the_same(&OpenRoomRequest { user_id: number });
        stays_the_same(&PatchRoomRequest { status });
        stays_the_same(&ReadRequest { message_id: number.unwrap_or(1) });
        stays_the_same(&summary);
        stays_the_same(&UserPage { results: vec![user.clone()], next: flag.then(|| one.clone()) });
        let account = DemoAccount { phone: one, password: other, name: user.name, role: user.role };
        stays_the_same(&Options { demo: flag.then(|| vec![account]), has_accounts: flag, message_max: 4_000 });
    }

    #[test]
    fn a_time_is_read_as_it_was_written_and_keeps_its_order(one in any_time(), other in any_time()) {
        prop_assert_eq!(one.to_string().parse::<Timestamp>().expect("a time"), one);
        prop_assert_eq!(one.plus_millis(1) > one, one.as_millis() < Timestamp::from_millis(i64::MAX).as_millis());
        prop_assert_eq!(one < other, one.as_millis() < other.as_millis());
    }

    #[test]
    fn whatever_is_read_is_refused_or_can_be_written_again(text in any_damaged()) {
        is_refused_or_settled::<ClientFrame>(&text);
        is_refused_or_settled::<ServerFrame>(&text);
        is_refused_or_settled::<Message>(&text);
        is_refused_or_settled::<Room>(&text);
        is_refused_or_settled::<Timestamp>(&text);
        let _ = serde_json::from_str::<Problem>(&text);
        let _ = text.parse::<Timestamp>();
    }
}

/// A golden file with a piece of it replaced by a piece of another, or by something that is often wrong.
fn any_damaged() -> impl Strategy<Value = String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden");
    let files = fs::read_dir(folder).expect("the golden files are there");
    let mut texts: Vec<String> =
        files.map(|file| fs::read_to_string(file.expect("an entry").path()).expect("a golden file is text")).collect();
    texts.sort();
    let odd = ["null", "[]", "{}", "\"\"", "-1", "1e999", "5.0", "9007199254740993", "\"\\ud800\"", "[[[[[[[[", "\"type\":", ","];
    let piece = prop_oneof![select(texts.clone()), select(odd.map(String::from).to_vec()), any_text()];
    (select(texts), piece, any::<[prop::sample::Index; 4]>()).prop_map(|(text, piece, cuts)| {
        let text: Vec<char> = text.chars().collect();
        let piece: Vec<char> = piece.chars().collect();
        let at = |index: &prop::sample::Index, of: &[char]| index.index(of.len() + 1);
        let (from, length) = (at(&cuts[0], &text), cuts[1].index(12));
        let (begin, end) = (at(&cuts[2], &piece), at(&cuts[3], &piece));
        let end_of_cut = (from + length).min(text.len());
        let middle = &piece[begin.min(end)..begin.max(end)];
        text[..from].iter().chain(middle).chain(&text[end_of_cut..]).collect()
    })
}
