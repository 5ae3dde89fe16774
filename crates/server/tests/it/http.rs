//! The HTTP door: paths, problems, history, what needs a token and what does not, and who may call from a browser.

use crate::fixture::*;

async fn with_messages(count: usize) -> House {
    let house = House::opens().await;
    let mut lines = String::new();
    for number in 1..=count {
        let sender = if number % 2 == 0 { ADA.id } else { GRACE.id };
        lines += &format!(
            "{}\n",
            json!({"type": "message", "room_id": GRACE.room, "sender_id": sender, "message": format!("m{number}"), "created_at": "2026-01-01T00:00:05Z", "client_id": format!("c{number}")})
        );
    }
    std::fs::write(house.folder().join("messages.jsonl"), lines).expect("the folder can be written");
    house.cli(&["import", "messages.jsonl"], "").await.ok();
    house
}

fn seqs(page: &Value) -> Vec<i64> {
    page["results"].as_array().expect("a page has results").iter().map(|message| message["seq"].as_i64().expect("a seq")).collect()
}

#[tokio::test]
async fn history_is_paged_by_seq_oldest_first() {
    let house = with_messages(120).await;
    let grace = house.api(GRACE);
    let path = format!("/api/chat/rooms/{}/messages/", GRACE.room);
    let page = async |query: &str| grace.get(&format!("{path}{query}")).await.ok();
    let newest = page("").await;
    assert_eq!((seqs(&newest), &newest["next"]), ((71..=120).collect(), &json!(71)), "the newest fifty by default");
    let before = page("?before=71").await;
    assert_eq!((seqs(&before), &before["next"]), ((21..=70).collect(), &json!(21)));
    let oldest = page("?before=21").await;
    assert_eq!((seqs(&oldest), &oldest["next"]), ((1..=20).collect(), &Value::Null));
    let after = page("?after=0&limit=100").await;
    assert_eq!((seqs(&after), &after["next"]), ((1..=100).collect(), &json!(100)));
    let rest = page("?after=100&limit=100").await;
    assert_eq!((seqs(&rest), &rest["next"]), ((101..=120).collect(), &Value::Null));
    assert_eq!(seqs(&page("?after=120").await), Vec::<i64>::new());
    assert_eq!(seqs(&page("?limit=1").await), [120]);
    assert_eq!(seqs(&page("?limit=200").await).len(), 120);
    for bad in ["limit=0", "limit=201", "limit=many", "before=x", "after=-1", "after=1.5"] {
        let problem = grace.get(&format!("{path}?{bad}")).await.problem(422, "invalid");
        assert_eq!(problem["errors"][0]["field"].as_str(), bad.split('=').next(), "{bad}");
    }
    house.closes().await;
}

#[tokio::test]
async fn a_message_is_posted_and_answered_whole() {
    let house = House::opens().await;
    let path = format!("/api/chat/rooms/{}/messages/", GRACE.room);
    let mut ada = house.enters(ADA, GRACE.room).await;
    let posted = house.api(GRACE).post(&path, json!({"message": "Hi"})).await.is(201);
    let mut seen = ada.sees("Hi").await;
    seen.as_object_mut().expect("a frame is an object").remove("type");
    assert_eq!(posted, seen, "a frame is the message and its type");
    assert!(posted.get("client_id").is_none());
    let grace = house.api(GRACE);
    for (body, code) in [
        (json!({"message": ""}), "empty"),
        (json!({"message": " \n"}), "empty"),
        (json!({"message": "a".repeat(4_001)}), "too_long"),
        (json!({"message": "a\0b"}), "invalid"),
        (json!({"message": 5}), "invalid"),
        (json!({}), "invalid"),
        (json!({"message": "Hi", "client_id": ""}), "invalid"),
        (json!({"message": "Hi", "client_id": "x".repeat(65)}), "invalid"),
        (json!(["Hi"]), "invalid"),
    ] {
        grace.post(&path, body).await.problem(422, code);
    }
    assert_eq!(ada.seqs(), [1]);
    house.closes().await;
}

#[tokio::test]
async fn what_is_wrong_is_a_problem_with_a_code() {
    let house = House::opens().await;
    let grace = house.api(GRACE);
    for path in
        ["/api/nothing/", "/api/chat/rooms/nonsense/", "/api/chat/rooms/-1/", "/api/chat/rooms/99999999999999999999/", "/nothing", "/api/"]
    {
        grace.get(path).await.problem(404, "not_found");
    }
    api::answer(grace.request("DELETE", &format!("/api/chat/rooms/{}/", GRACE.room))).await.problem(405, "method_not_allowed");
    api::answer(grace.request("PUT", "/api/auth/login/")).await.problem(405, "method_not_allowed");
    let login = |content_type: &str, body: &str| {
        house.api_of_nobody().request("POST", "/api/auth/login/").header("content-type", content_type).body(body.to_owned())
    };
    api::answer(login("application/json", "{\"phone\":")).await.problem(400, "bad_request");
    api::answer(login("application/json", "")).await.problem(400, "bad_request");
    api::answer(login("text/plain", "{\"phone\":\"1\",\"password\":\"2\"}")).await.problem(415, "unsupported_media_type");
    api::answer(login("application/x-www-form-urlencoded", "phone=1&password=2")).await.problem(415, "unsupported_media_type");
    api::answer(login("application/json", &format!("{{\"phone\":\"{}\"}}", "1".repeat(200_000)))).await.problem(413, "too_large");
    let messages = format!("/api/chat/rooms/{}/messages/", GRACE.room);
    api::answer(grace.request("POST", &messages).header("content-type", "application/json").body("nonsense"))
        .await
        .problem(400, "bad_request");
    api::answer(grace.request("POST", &messages).header("content-type", "application/json").body(vec![b'"', 0xff, b'"']))
        .await
        .problem(400, "bad_request");
    house.closes().await;
}

#[tokio::test]
async fn paths_are_served_with_and_without_the_trailing_slash() {
    let house = House::opens().await;
    let grace = house.api(GRACE);
    for path in [
        "/api/auth/me",
        "/api/chat/rooms",
        "/api/chat/rooms/summary",
        "/api/chat/rooms/101",
        "/api/chat/rooms/101/messages",
        "/api/options",
        "/healthz",
        "/readyz",
        "/api/openapi.json",
    ] {
        let (bare, slashed) = (grace.get(path).await, grace.get(&format!("{path}/")).await);
        assert_eq!((bare.status, slashed.status), (200, 200), "{path}");
        assert_eq!(bare.text(), slashed.text());
    }
    let mut grace = house.dial("/ws/chat/101").token(&GRACE.token()).v1().open().await;
    grace.hears("ready").await;
    house.closes().await;
}

#[tokio::test]
async fn options_need_no_token_and_name_no_account_outside_a_demo() {
    let house = House::opens().await;
    assert_eq!(house.api_of_nobody().get("/api/options/").await.ok(), json!({"demo": null, "has_accounts": true, "message_max": 4_000}));
    house.closes().await;
}

#[tokio::test]
async fn health_needs_no_token() {
    let house = House::opens().await;
    house.api_of_nobody().get("/healthz").await.done();
    house.api_of_nobody().get("/readyz").await.done();
    house.closes().await;
}

#[tokio::test]
async fn metrics_are_for_admins_the_token_and_direct_peers_of_this_machine() {
    let house =
        House::opens_with(|config, _| config.metrics_token = Some(frontdesk::config::Secret::new("the-token-of-the-metrics"))).await;
    house.enters(GRACE, GRACE.room).await.says("Hi").await;
    let direct = house.api_of_nobody().get("/metrics").await;
    assert_eq!(direct.status, 200);
    assert!(direct.text().lines().any(|line| line.starts_with("frontdesk_")), "{}", direct.text());
    let forwarded = async |api: Api| api::answer(api.request("GET", "/metrics").header("x-forwarded-for", "203.0.113.1")).await;
    forwarded(house.api_of_nobody()).await.problem(401, "unauthorized");
    forwarded(house.api(GRACE)).await.problem(403, "forbidden");
    forwarded(house.api_with("wrong")).await.problem(401, "unauthorized");
    forwarded(house.api(ADA)).await.done();
    forwarded(house.api_with("the-token-of-the-metrics")).await.done();
    house.closes().await;
}

/// A page in a browser on this machine is not the operator.
#[tokio::test]
async fn metrics_are_not_for_other_pages() {
    let house = House::opens().await;
    let request = house.api_of_nobody().request("GET", "/metrics").header("origin", "https://elsewhere.example");
    api::answer(request).await.problem(401, "unauthorized");
    house.closes().await;
}

#[tokio::test]
async fn sockets_take_our_own_origin_and_none_and_refuse_others_before_the_upgrade() {
    let house = House::opens_with(|config, _| {
        config.public_url = Some("https://help.example".parse().expect("an origin"));
        config.allowed_origins = vec!["https://shop.example:8443".parse().expect("an origin")];
    })
    .await;
    let dial = || house.dial_room(&GRACE.token(), GRACE.room).v1();
    let own = house.address.clone();
    let port = own.rsplit(':').next().expect("an address has a port");
    dial().open().await.hears("ready").await;
    for good in [
        format!("http://{own}"),
        format!("https://{own}"),
        "https://help.example".into(),
        "http://help.example:443".into(),
        "https://help.example:443".into(),
        "https://shop.example:8443".into(),
    ] {
        dial().origin(&good).open().await.hears("ready").await;
    }
    let bad = [
        "http://elsewhere.example".into(),
        "null".into(),
        "nonsense".into(),
        "https://shop.example".into(),
        "https://help.example.elsewhere.example".into(),
        "https://help.example:444".into(),
        "http://127.0.0.1".into(),
        format!("http://localhost:{port}"),
        format!("http://{own}.elsewhere.example"),
        format!("http://elsewhere.example@{own}"),
        String::new(),
    ];
    for bad in bad {
        assert_eq!(dial().origin(&bad).refused().await, 403, "{bad:?}");
        assert_eq!(house.dial("/ws/inbox/").token(&ADA.token()).origin(&bad).refused().await, 403, "{bad:?}");
    }
    house.closes().await;
}

/// Default ports are left out in `Host` as in `Origin`, and the scheme is not compared, since TLS may end at a proxy.
#[tokio::test]
async fn default_ports_are_the_same_as_none() {
    let house = House::opens().await;
    for (host, origin, let_in) in [
        ("chat.example", "https://chat.example", true),
        ("chat.example", "http://chat.example", true),
        ("chat.example:443", "https://chat.example", true),
        ("CHAT.example", "https://chat.EXAMPLE", true),
        ("chat.example:8080", "https://chat.example", false),
        ("chat.example", "https://chat.example:8443", false),
    ] {
        let dial = house.dial_room(&GRACE.token(), GRACE.room).v1().header("host", host).origin(origin);
        if let_in {
            dial.open().await.hears("ready").await;
        } else {
            assert_eq!(dial.refused().await, 403, "{host} {origin}");
        }
    }
    house.closes().await;
}

#[tokio::test]
async fn pages_of_allowed_origins_may_call_and_no_others() {
    let house = House::opens_with(|config, _| config.allowed_origins = vec!["https://shop.example".parse().expect("an origin")]).await;
    let preflight = async |origin: &str| {
        let request = house.api_of_nobody().request("OPTIONS", "/api/chat/rooms/");
        let request = request
            .header("origin", origin)
            .header("access-control-request-method", "GET")
            .header("access-control-request-headers", "authorization");
        api::answer(request).await
    };
    assert_eq!(preflight("https://shop.example").await.header("access-control-allow-origin"), "https://shop.example");
    assert_eq!(preflight("https://elsewhere.example").await.header("access-control-allow-origin"), "");
    let called = api::answer(house.api(GRACE).request("GET", "/api/auth/me/").header("origin", "https://shop.example")).await;
    assert_eq!((called.status, called.header("access-control-allow-origin")), (200, "https://shop.example"));
    house.closes().await;
}

#[tokio::test]
async fn a_socket_path_without_an_upgrade_says_so() {
    let house = House::opens().await;
    let answer = house.api(GRACE).get(&format!("/ws/chat/{}/", GRACE.room)).await;
    assert!([400, 426].contains(&answer.status), "{}", answer.status);
    assert!(answer.text().contains("WebSocket"), "{}", answer.text());
    house.closes().await;
}

#[tokio::test]
async fn no_cookie_is_ever_set() {
    let house = House::opens().await;
    let login = house.api_of_nobody().post("/api/auth/login/", json!({"phone": GRACE.phone, "password": PASSWORD})).await;
    let page = house.api_of_nobody().get("/").await;
    assert!(login.headers.get("set-cookie").is_none() && page.headers.get("set-cookie").is_none());
    house.closes().await;
}

#[tokio::test]
async fn the_openapi_document_describes_every_call() {
    let house = House::opens().await;
    let document = house.api_of_nobody().get("/api/openapi.json").await.ok();
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
    for (path, methods) in [
        ("/api/auth/login/", vec!["post"]),
        ("/api/auth/refresh/", vec!["post"]),
        ("/api/auth/logout/", vec!["post"]),
        ("/api/auth/me/", vec!["get"]),
        ("/api/auth/password/", vec!["post"]),
        ("/api/chat/rooms/", vec!["get", "post"]),
        ("/api/chat/rooms/summary/", vec!["get"]),
        ("/api/chat/rooms/{id}/", vec!["get", "patch"]),
        ("/api/chat/rooms/{id}/messages/", vec!["get", "post"]),
        ("/api/chat/rooms/{id}/read/", vec!["post"]),
        ("/api/chat/attachments/{id}/", vec!["get"]),
        ("/api/chat/attachments/{id}/thumbnail/", vec!["get"]),
        ("/api/users/", vec!["get"]),
        ("/api/options/", vec!["get"]),
        ("/healthz", vec!["get"]),
        ("/readyz", vec!["get"]),
        ("/metrics", vec!["get"]),
    ] {
        for method in methods {
            assert!(document["paths"][path][method].is_object(), "{method} {path}");
        }
    }
    house.closes().await;
}
