//! Behind a proxy: the examples in `deploy/`, before two nodes, keep what is promised without them. docs/operating.md tells
//! people what these tests try.

mod desk;
mod proxy;
mod roll;

use std::time::Duration;

use reqwest::{
    Client,
    multipart::{Form, Part},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use self::{
    desk::Desk,
    proxy::{BOTH, Kind, Proxy},
};
use crate::fixture::*;

const ROOM: i64 = GRACE.room;

#[tokio::test]
async fn people_meet_through_a_proxy_on_whichever_node_they_are() {
    let desk = Desk::opens(&["--rate-limit", "0", "--trusted-proxies", "127.0.0.1"]).await;
    for (kind, proxy) in BOTH.into_iter().zip(desk.behind_both().await) {
        let session = proxy.api(GRACE).post("/api/auth/login/", json!({"phone": GRACE.phone, "password": PASSWORD})).await.ok();
        let token = session["access"].as_str().expect("text");
        let mut grace = ws::Dial::new(&proxy.address, &format!("/ws/chat/{ROOM}/")).token(token).v1().open().await;
        grace.ready = grace.hears("ready").await;
        // The way of browsers: the token is a subprotocol, and the page's origin is the proxy.
        let dial = ws::Dial::new(&proxy.address, &format!("/ws/chat/{ROOM}/")).origin(&format!("http://{}", proxy.address));
        let mut ada = dial.header("sec-websocket-protocol", format!("frontdesk.v1, bearer.{}", ADA.token())).open().await;
        ada.ready = ada.hears("ready").await;
        assert_eq!(ada.protocol.as_deref(), Some("frontdesk.v1"));
        // One after the other, they come to different nodes.
        let tabs = [desk.nodes[0].tabs().await, desk.nodes[1].tabs().await];
        assert_eq!(tabs, [1, 1], "{kind:?} spreads the connections");
        for number in 0..3 {
            let (asks, answers) = (format!("{kind:?} asks {number}"), format!("{kind:?} answers {number}"));
            grace.says(&asks).await;
            ada.sees(&asks).await;
            ada.says(&answers).await;
            grace.sees(&answers).await;
        }
        assert_eq!(ada.seqs(), grace.seqs());
        assert_eq!(ada.seqs().len(), 6);
        for tab in [&mut grace, &mut ada] {
            tab.leaves().await;
        }
        until("both have left", async || desk.nodes[0].tabs().await + desk.nodes[1].tabs().await == 0).await;
        let stranger = ws::Dial::new(&proxy.address, &format!("/ws/chat/{ROOM}/")).token(token).origin("https://elsewhere.example");
        assert_eq!(stranger.refused().await, 403, "the origin is judged as without a proxy");
    }
}

#[tokio::test]
async fn the_page_and_large_files_go_through_a_proxy() {
    let desk = Desk::opens(&["--trusted-proxies", "127.0.0.1"]).await;
    for (kind, proxy) in BOTH.into_iter().zip(desk.behind_both().await) {
        let (direct, page) = (Api::new(&desk.nodes[0].address, None).get("/").await, proxy.api(GRACE).get("/").await);
        let policy = page.header("content-security-policy");
        assert!(page.status == 200 && policy.contains(&format!("ws://{}", proxy.address)), "the node knows its name outside: {policy}");
        assert!(page.body == direct.body, "{kind:?} leaves the page as it is");
        // Far more than proxies let through unasked.
        let bytes: Vec<u8> = (0..=250).cycle().take(6_000_000).collect();
        let file = || Part::bytes(bytes.clone()).file_name("data.bin");
        let form = Form::new().text("message", "").text("client_id", format!("{kind:?}")).part("file", file()).part("file", file());
        let path = format!("/api/chat/rooms/{ROOM}/messages/");
        let posted = api::answer(proxy.api(GRACE).request("POST", &path).multipart(form)).await.is(201);
        let url = posted["attachments"][1]["url"].as_str().expect("an attachment has a url");
        // Both nodes have it, whichever of them took it.
        for _ in 0..2 {
            let down = proxy.api(ADA).get(url).await;
            assert!((down.status, &down.body) == (200, &bytes), "{kind:?} hands it down as it was");
            let part = api::answer(proxy.api(ADA).request("GET", url).header("range", "bytes=1000000-3999999")).await;
            assert_eq!((part.status, part.header("content-range")), (206, "bytes 1000000-3999999/6000000"));
            assert!(part.body == bytes[1_000_000..4_000_000]);
        }
        assert_eq!(proxy.api(LINUS).get(url).await.status, 404);
        Api::new(&proxy.address, None).get("/metrics").await.problem(401, "unauthorized");
    }
}

/// Tries to sign in with a wrong password from an address of this machine, claiming to be somebody else each time, until it is
/// refused; answers how many tries were let through.
async fn tries_of(from: [u8; 4], address: &str) -> usize {
    let client = Client::builder().local_address(Some(from.into())).build().expect("a client");
    for number in 0..=30 {
        let request = client.post(format!("http://{address}/api/auth/login/")).header("x-forwarded-for", format!("203.0.113.{number}"));
        match api::answer(request.json(&json!({"phone": GRACE.phone, "password": "wrong"}))).await.status {
            401 => {}
            429 => return number,
            other => panic!("an attempt was answered with {other}"),
        }
    }
    31
}

/// Ten a minute on each of two nodes.
#[tokio::test]
async fn only_a_trusted_proxy_says_who_a_visitor_is() {
    let desk = Desk::opens(&["--trusted-proxies", "127.0.0.1"]).await;
    let [nginx, caddy] = desk.behind_both().await;
    for (proxy, [one, another]) in [(&nginx, [2, 3]), (&caddy, [4, 5])] {
        let tries = tries_of([127, 0, 0, one], &proxy.address).await;
        assert!((10..=20).contains(&tries), "a forged address is not believed: {tries}");
        let tries = tries_of([127, 0, 0, another], &proxy.address).await;
        assert!((10..=20).contains(&tries), "and visitors are told apart: {tries}");
    }
    // Who comes to a node without a proxy speaks for himself, whatever he writes.
    assert_eq!(tries_of([127, 0, 0, 6], &desk.nodes[0].address).await, 10);
}

#[tokio::test]
async fn a_proxy_that_is_not_trusted_is_one_visitor() {
    let desk = Desk::opens(&["--trusted-proxies", "192.0.2.1"]).await;
    let proxy = desk.behind(Kind::Nginx).await;
    assert!((10..=20).contains(&tries_of([127, 0, 0, 2], &proxy.address).await));
    // The other node may have a try or two left for the address of the proxy.
    assert!(tries_of([127, 0, 0, 3], &proxy.address).await < 10, "another visitor has no tries of his own");
}

/// Nodes that take a request and go without an answer; what was asked of them is told.
async fn takes_and_goes(listener: TcpListener, told: tokio::sync::mpsc::UnboundedSender<String>) {
    loop {
        let (mut line, _) = listener.accept().await.expect("a connection");
        let told = told.clone();
        tokio::spawn(async move {
            let mut piece = [0; 4_096];
            let mut head = String::new();
            while !head.contains("\r\n\r\n") {
                match line.read(&mut piece).await {
                    Ok(count @ 1..) => head.push_str(&String::from_utf8_lossy(&piece[..count])),
                    _ => return,
                }
            }
            if head.starts_with("GET /readyz") {
                let _ = line.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
                return;
            }
            let _ = told.send(head.lines().next().unwrap_or_default().to_owned());
        });
    }
}

#[tokio::test]
async fn a_post_that_a_node_took_is_not_sent_to_another() {
    for kind in BOTH {
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let mut nodes = Vec::new();
        for _ in 0..2 {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
            nodes.push(listener.local_addr().expect("an address").to_string());
            tokio::spawn(takes_and_goes(listener, tell.clone()));
        }
        let proxy = Proxy::starts(kind, [&nodes[0], &nodes[1]]).await;
        let path = format!("/api/chat/rooms/{ROOM}/messages/");
        assert_eq!(proxy.api(GRACE).post(&path, json!({"message": "once"})).await.status, 502);
        told.recv().await.expect("a node was asked");
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(told.try_recv().is_err(), "{kind:?} sends it once");
    }
}

#[tokio::test]
async fn no_token_appears_in_the_log_of_a_proxy() {
    for kind in BOTH {
        // Nobody listens there, so that every request is an error, which proxies write down with all they know.
        let (one, another) = (proxy::free_address(), proxy::free_address());
        let proxy = Proxy::starts(kind, [&one, &another]).await;
        let path = format!("/ws/chat/{ROOM}/");
        let status = proxy.dial_room(GRACE).refused().await;
        assert!(status == 502 || status == 503, "{status}");
        let dial = ws::Dial::new(&proxy.address, &path).header("sec-websocket-protocol", "frontdesk.v1, bearer.secret");
        assert!(dial.refused().await >= 502);
        until("it has logged", async || proxy.logs().contains(&path)).await;
        let logs = proxy.logs();
        assert!(!logs.contains("eyJ") && !logs.contains("bearer."), "{kind:?}: {logs}");
    }
}
