//! Every bound of the protocol, with its unit in its name. TypeScript gets the ones it needs.

/// Longest message in Unicode scalar values; the default of `--message-max`.
pub const MESSAGE_CHARS_MAX: usize = 4_000;
/// Longest `client_id` in characters.
pub const CLIENT_ID_CHARS_MAX: usize = 64;
/// Largest WebSocket frame in bytes; a larger one closes with 1009.
pub const FRAME_BYTES_MAX: usize = 64 * 1024;
/// Largest attachment in bytes.
pub const FILE_BYTES_MAX: u64 = 25 * 1024 * 1024;
/// Most files in one message.
pub const FILES_PER_MESSAGE_MAX: usize = 10;
/// Longest file name in bytes.
pub const FILE_NAME_BYTES_MAX: usize = 255;
/// Longest phone number at login in bytes.
pub const PHONE_BYTES_MAX: usize = 32;
/// Longest password in bytes.
pub const PASSWORD_BYTES_MAX: usize = 1_024;
/// Shortest password that may be chosen over HTTP, in bytes.
pub const PASSWORD_BYTES_MIN: usize = 8;
/// Messages a second and user, the default of `--rate-limit`; the burst is three times this.
pub const MESSAGES_PER_SECOND: u32 = 10;
/// Frames of all kinds a second and connection.
pub const FRAMES_PER_SECOND: u32 = 50;
/// Frames that a connection may send at once.
pub const FRAMES_BURST: u32 = 200;
/// Invalid frames a minute and connection; one more closes with 1008.
pub const BAD_FRAMES_PER_MINUTE: u32 = 100;
/// Events that a resume replays at most; more is a `reset`.
pub const RESUME_EVENTS_MAX: i64 = 1_000;
/// Shortest time between two `resume` frames for a room on one connection, in milliseconds.
pub const RESUME_INTERVAL_MS: u64 = 5_000;
/// Rooms that may be open on one inbox connection.
pub const INBOX_ROOMS_MAX: usize = 64;
/// Default size of a page of a list.
pub const PAGE_DEFAULT: i64 = 50;
/// Largest page of a list.
pub const PAGE_MAX: i64 = 200;
/// The mean time between heartbeats in milliseconds; each connection's own varies by 10 %.
pub const HEARTBEAT_MS: u64 = 25_000;
/// A client that hears nothing for this many heartbeats, in percent, connects again.
pub const CLIENT_SILENCE_PERCENT: u64 = 150;
/// A peer that is silent for this many heartbeats, in percent, is closed with 4408.
pub const SERVER_SILENCE_PERCENT: u64 = 250;
/// How long a person who left still counts as online, in milliseconds.
pub const PRESENCE_GRACE_MS: u64 = 5_000;
/// How long somebody is typing without saying so again, in milliseconds.
pub const TYPING_MS: u64 = 6_000;
/// Shortest time between two summaries of a room in the inbox, in milliseconds.
pub const SUMMARY_INTERVAL_MS: u64 = 250;
/// Lifetime of our access tokens in seconds.
pub const ACCESS_TTL_SECS: i64 = 15 * 60;
/// Lifetime of an unused refresh token in seconds.
pub const REFRESH_TTL_SECS: i64 = 30 * 24 * 3_600;
/// How long a replaced refresh token still gives a new pair, in seconds.
pub const REFRESH_REUSE_SECS: i64 = 60;
/// How long before a connection's token expires it is told so, in seconds.
pub const TOKEN_WARNING_SECS: i64 = 60;
/// Ids and seqs stay below this, so that every JSON number holds them exactly.
pub const ID_MAX: i64 = (1 << 53) - 1;
