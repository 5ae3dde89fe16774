//! Fuzz targets for HTTP: paths and queries, JSON bodies, multipart. An input begins with a line such as `Grace GET /api/…`.

use std::time::{Duration, Instant};

use axum::{body::Body, http::Request};

use super::{
    desk::{Desk, Outcome},
    driver::Target,
};
use crate::fixture::{ADA, GRACE};

/// Nothing that is this small may take longer, even on a busy machine.
const LONGEST: Duration = Duration::from_secs(5);

#[rustfmt::skip]
const QUERIES: Target = Target {
    name: "queries",
    words: &[
        "?", "&", "=", "%", "%00", "%ff", "+", "/", "//", "..", "q=", "cursor=", "before=", "after=", "limit=", "status=", "unread=", "open",
        "resolved", "true", "/api/chat/rooms/", "messages/", "/api/users/", "/api/chat/attachments/", "thumbnail/", "summary/", "Grace", "Ada",
        "nobody", "GET", "HEAD", "DELETE", "OPTIONS", "1767225605000.101", "😀", "%E2%80%AE", "'", "\"", "\\", "_", "*",
    ],
};

#[rustfmt::skip]
const BODIES: Target = Target {
    name: "bodies",
    words: &[
        "{", "}", "[", "]", "\"", ":", ",", "null", "true", "\\u0000", "\\ud800", "\"message\"", "\"client_id\"", "\"user_id\"",
        "\"message_id\"", "\"status\"", "\"open\"", "\"resolved\"", "\"refresh\"", "\"phone\"", "\"password\"", "\"all\"", "POST", "PATCH", "Ada",
        "Grace", "/api/chat/rooms/101/", "messages/", "read/", "/api/auth/logout/", "/api/auth/refresh/", "[[[[[[[[", "\u{feff}", " ", "😀",
    ],
};

#[rustfmt::skip]
const MULTIPART: Target = Target {
    name: "multipart",
    words: &[
        "\r\n", "\n", "--x", "--x--", "\r\n--x\r\n", "Content-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\r\n",
        "Content-Disposition: form-data; name=\"message\"\r\n\r\n", "Content-Disposition: form-data; name=\"client_id\"\r\n\r\n",
        "Content-Type: text/html\r\n", "filename*=UTF-8''..%2f..%2fx", "name=", "\"", ";", "../", "\0", "\u{202e}", "GIF89a",
    ],
};

/// A request from an input: who asks, the method and the path stand in its first line. `None`: no HTTP client could say this.
fn request(input: &[u8], content_type: &str) -> Option<Request<Body>> {
    let (line, body) = input.split_at(input.iter().position(|&byte| byte == b'\n').unwrap_or(input.len()));
    let line = std::str::from_utf8(line).ok()?;
    let mut words = line.splitn(3, ' ');
    let (who, method, target) = (words.next()?, words.next()?, words.next()?);
    let mut request = Request::builder().method(method).uri(target).header("content-type", content_type);
    if let Some(who) = [ADA, GRACE].into_iter().find(|person| person.name == who) {
        request = request.header("authorization", format!("Bearer {}", who.token()));
    }
    let request = request.body(Body::from(body.get(1..).unwrap_or_default().to_vec())).ok()?;
    let path = request.uri().path();
    // Sockets are dialled by a target of their own.
    (path.starts_with('/') && !path.starts_with("/ws/")).then_some(request)
}

fn call(desk: &Desk, input: &[u8], content_type: &str) -> Option<Outcome> {
    let request = request(input, content_type)?;
    let begun = Instant::now();
    let outcome = desk.asks(request);
    assert!(begun.elapsed() < LONGEST, "it took {:?}", begun.elapsed());
    Some(outcome)
}

#[test]
fn whatever_is_asked_the_answer_is_a_documented_one() {
    let desk = Desk::opens();
    QUERIES.run(|input| call(&desk, input, "text/plain"));
}

#[test]
fn whatever_json_is_sent_it_is_applied_in_full_or_refused_by_a_problem() {
    let desk = Desk::opens();
    BODIES.run(|input| call(&desk, input, "application/json"));
}

#[test]
fn whatever_form_is_sent_it_is_stored_with_its_files_or_leaves_nothing() {
    let desk = Desk::opens();
    MULTIPART.run(|input| {
        let line = b"Grace POST /api/chat/rooms/101/messages/\n";
        let (head, files) = (desk.head(), desk.files());
        let outcome = call(&desk, &[line, input].concat(), "multipart/form-data; boundary=x").expect("the line is a good one");
        match outcome.0 {
            201 => assert_eq!(desk.head(), head + 1, "one message"),
            200 => assert_eq!((desk.head(), desk.files()), (head, files), "a repeat stores nothing"),
            _ => {}
        }
        outcome
    });
}

/// What is wrong with a body was once looked for field by field, each time in a copy of all: half a minute for 128 KiB.
#[test]
fn a_body_of_very_many_fields_is_refused_at_once() {
    let desk = Desk::opens();
    let fields: Vec<String> = (0..12_000).map(|number| format!("\"{number}\":0")).collect();
    let body = format!("nobody POST /api/auth/login/\n{{\"phone\":1,\"password\":\"\",{}}}", fields.join(","));
    let begun = Instant::now();
    let outcome = call(&desk, body.as_bytes(), "application/json").expect("the line is a good one");
    assert_eq!(outcome.0, 422);
    assert!(begun.elapsed() < Duration::from_secs(1), "it took {:?}", begun.elapsed());
}
