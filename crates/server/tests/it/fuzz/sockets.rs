//! Fuzz targets for WebSockets, over real ones: where to connect, and the frames that are sent.

use std::collections::{BTreeSet, HashSet};

use frontdesk_protocol::{
    ClientFrame, CloseCode, ErrorCode, ServerFrame,
    limits::{CLIENT_ID_CHARS_MAX, MESSAGE_CHARS_MAX},
};
use tokio::runtime::Runtime;
use tokio_tungstenite::tungstenite::Message;

use super::driver::Target;
use crate::{
    fixture::*,
    slow::raw::{Heard, Line, Raw},
};

#[rustfmt::skip]
const ADDRESSES: Target = Target {
    name: "addresses",
    words: &[
        "/ws/chat/", "/ws/inbox/", "101", "102", "?", "&", "=", "token=TOKEN", "token=", "v=1", "v=", "after=", "epoch=", "EPOCH", "%", "%00", "%ff", "/",
        "//", "-1", "TOKEN", ".", "😀",
    ],
};

#[rustfmt::skip]
const FRAMES: Target = Target {
    name: "frames",
    words: &[
        "\n", "{", "}", "[", "]", "\"", ":", ",", "null", "true", "false", "\"type\":\"chat_message\"", "\"type\":\"typing\"",
        "\"type\":\"read_receipt\"", "\"type\":\"delivered\"", "\"type\":\"resume\"", "\"type\":\"auth\"", "\"type\":\"ping\"", "\"type\":\"open_room\"",
        "\"type\":\"close_room\"", "\"message\":", "\"client_id\":", "\"if_last_seq\":", "\"room_id\":", "101", "102", "\\u0000", "\\ud83d", "\u{a0}",
        "😀", "\u{feff}",
    ],
};

/// The codes that an `error` frame may have here: nothing is broken and nothing limited.
const CODES: &[ErrorCode] = &[
    ErrorCode::BadFrame,
    ErrorCode::TooLong,
    ErrorCode::Empty,
    ErrorCode::NotFound,
    ErrorCode::Forbidden,
    ErrorCode::Unauthorized,
    ErrorCode::RateLimited,
    ErrorCode::ClientIdReused,
    ErrorCode::Stale,
];

/// A longer head of a request is refused before it was read.
const PATH_CHARS_MAX: usize = 4_000;

/// Whoever connects to whatever address is refused by HTTP, or told why and closed, or served.
#[test]
fn whatever_address_is_dialled_somebody_answers_as_documented() {
    let runtime = Runtime::new().expect("a runtime can be made");
    let house = runtime.block_on(House::opens());
    let token = GRACE.token();
    ADDRESSES.run(|input| {
        let path: String = String::from_utf8_lossy(input).chars().take(PATH_CHARS_MAX).collect();
        let path = path.replacen("TOKEN", &token, 1).replace(['\r', '\n', ' '], "");
        runtime.block_on(dialled(&house.address, &path))
    });
    runtime.block_on(house.closes());
}

async fn dialled(address: &str, path: &str) -> (u16, String) {
    let (status, mut raw) = Raw::dials(address, path, Line::Plain).await;
    if status != 101 {
        assert!([200, 400, 404, 414, 426, 431].contains(&status), "{status}");
        return (status, String::new());
    }
    // Whoever was let in is told that this is no frame; whoever was not, why.
    raw.text("{}").await;
    let mut told = String::new();
    loop {
        match raw.hears().await {
            Heard::Frame(frame) => {
                let ServerFrame::Error { code, .. } = understood(&frame) else { continue };
                told = format!("{code:?}");
                if code == ErrorCode::BadFrame {
                    return (status, told);
                }
            }
            Heard::Ping(_) => {}
            Heard::Close(code) => {
                assert!(CloseCode::ALL.iter().any(|known| known.code() == code), "closed with {code}");
                return (code, told);
            }
            Heard::Cut => panic!("cut without a word"),
        }
    }
}

fn understood(frame: &Value) -> ServerFrame {
    serde_json::from_value(frame.clone()).unwrap_or_else(|error| panic!("{error}: {frame}"))
}

/// The end of time was once past what a time can be written as, and the connection broke.
#[tokio::test]
async fn a_token_that_never_expires_is_a_token() {
    let house = House::opens().await;
    let for_ever = tokens::changed(GRACE.id, &json!({"exp": 9_007_199_254_740_991_i64}));
    let mut grace = house.joins(house.dial_room(&for_ever, GRACE.room).v1(), GRACE.room, None).await;
    grace.send(json!({"type": "auth", "token": for_ever})).await;
    let expires_at = grace.hears("auth_ok").await["expires_at"].to_string();
    assert!(expires_at.starts_with("\"9999-12-30T"), "{expires_at}");
    grace.says("still here").await;
    house.closes().await;
}

/// People who are sent every input, a line a frame; what is no text goes as a binary frame.
struct Table {
    house: House,
    grace: Tab,
    old: Tab,
    inbox: Tab,
    /// Ids that Grace has used.
    used: HashSet<String>,
    count: usize,
}

/// After so many inputs everybody connects anew, so that what was heard stays short.
const INPUTS_A_SITTING: usize = 50;

#[test]
fn whatever_frames_are_sent_they_are_applied_or_refused_and_the_connection_lives_on() {
    let runtime = Runtime::new().expect("a runtime can be made");
    let mut table = runtime.block_on(Table::is_laid());
    FRAMES.run(|input| runtime.block_on(table.hears(input)));
    runtime.block_on(table.house.closes());
}

impl Table {
    async fn is_laid() -> Self {
        let house = House::opens().await;
        let (grace, old, inbox) = Self::sits(&house).await;
        Self { house, grace, old, inbox, used: HashSet::new(), count: 0 }
    }

    async fn sits(house: &House) -> (Tab, Tab, Tab) {
        let mut inbox = house.watches_inbox(ADA).await;
        inbox.send(json!({"type": "open_room", "room_id": LINUS.room})).await;
        inbox.hears("room_opened").await;
        (house.enters(GRACE, GRACE.room).await, house.enters_as_of_old(GRACE, GRACE.room).await, inbox)
    }

    async fn hears(&mut self, input: &[u8]) -> BTreeSet<String> {
        self.count += 1;
        if self.count.is_multiple_of(INPUTS_A_SITTING) {
            (self.grace, self.old, self.inbox) = Self::sits(&self.house).await;
        }
        let frames: Vec<&[u8]> = input.split(|&byte| byte == b'\n').take(20).collect();
        let mut outcome = BTreeSet::new();
        for is_old in [false, true] {
            self.room_hears(&frames, is_old, &mut outcome).await;
        }
        say(&mut self.inbox, &frames).await;
        self.inbox.fence().await;
        judge(&self.inbox, 0, &mut outcome);
        outcome
    }

    /// What is stored is foretold by the types of the protocol and the rules of the contract; the rest must have stored nothing.
    async fn room_hears(&mut self, frames: &[&[u8]], is_old: bool, outcome: &mut BTreeSet<String>) {
        let room = format!("/api/chat/rooms/{}/", GRACE.room);
        let head = self.house.api(GRACE).get(&room).await.ok()["last_seq"].as_i64().expect("a seq");
        let foretold = frames.iter().filter(|frame| is_stored(frame, &mut self.used)).count();
        let tab = if is_old { &mut self.old } else { &mut self.grace };
        let heard = tab.log.heard().frames.len();
        say(tab, frames).await;
        let marker = uuid::Uuid::now_v7().to_string();
        tab.send(json!({"type": "chat_message", "message": marker})).await;
        let last = tab.sees(&marker).await["seq"].as_i64().expect("a seq");
        assert_eq!(last - head - 1, foretold as i64, "so many of these frames were stored");
        assert!(tab.is_open());
        judge(tab, heard, outcome);
    }
}

async fn say(tab: &mut Tab, frames: &[&[u8]]) {
    for frame in frames {
        match std::str::from_utf8(frame) {
            Ok(text) => tab.send_text(text).await,
            Err(_) => tab.send_raw(Message::binary(frame.to_vec())).await,
        }
    }
}

/// No admin writes in this room, so nothing is ever stale.
fn is_stored(frame: &[u8], used: &mut HashSet<String>) -> bool {
    let is_object = std::str::from_utf8(frame).is_ok_and(|text| text.trim_ascii_start().starts_with('{'));
    let Ok(ClientFrame::ChatMessage { message, client_id, .. }) = serde_json::from_slice(frame) else { return false };
    let good_text = !message.contains('\0') && !message.chars().all(char::is_whitespace) && message.chars().count() <= MESSAGE_CHARS_MAX;
    let good_id = client_id.as_ref().is_none_or(|id| (1..=CLIENT_ID_CHARS_MAX).contains(&id.chars().count()) && !id.contains('\0'));
    is_object && good_text && good_id && client_id.is_none_or(|id| used.insert(id))
}

/// Everything that was heard is a frame of the protocol, and every refusal a known one.
fn judge(tab: &Tab, from: usize, outcome: &mut BTreeSet<String>) {
    for frame in &tab.log.heard().frames[from..] {
        outcome.insert(match understood(frame) {
            ServerFrame::Error { code, retryable, .. } => {
                assert!(CODES.contains(&code), "{frame}");
                assert_eq!(retryable, code.retryable(), "{frame}");
                format!("{code:?}")
            }
            _ => frame["type"].to_string(),
        });
    }
}
