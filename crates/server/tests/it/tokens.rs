//! Tokens: which are good, which are not, where they may stand, and whose rooms they open.

use jsonwebtoken::Algorithm;

use crate::fixture::{tokens, *};

fn header(algorithm: &str) -> Value {
    json!({"alg": algorithm, "typ": "JWT"})
}

/// Bad tokens by their fault.
fn bad_tokens() -> Vec<(&'static str, String)> {
    let good = GRACE.token();
    let claims = tokens::claims(GRACE.id);
    let changed = |changes: Value| tokens::changed(GRACE.id, &changes);
    let (head, rest) = good.split_once('.').expect("a JWT has parts");
    let (body, signature) = rest.split_once('.').expect("a JWT has parts");
    let other_body = ADA.token().split('.').nth(1).expect("a JWT has parts").to_owned();
    vec![
        ("garbage", "garbage".into()),
        ("three words", "a.b.c".into()),
        ("expired", changed(json!({"exp": tokens::now() - 1}))),
        ("expired this second", changed(json!({"exp": tokens::now()}))),
        ("no exp", changed(json!({"exp": null}))),
        ("exp as text", changed(json!({"exp": "2099"}))),
        ("nbf in the future", changed(json!({"nbf": tokens::now() + 60}))),
        ("alg none", format!("{}.", tokens::unsigned(&header("none"), &claims))),
        ("alg none, signed", tokens::sign_as(&header("none"), &claims, tokens::SECRET, Algorithm::HS256)),
        ("alg NONE without a dot", tokens::unsigned(&header("NONE"), &claims)),
        ("wrong secret", tokens::sign_as(&header("HS256"), &claims, "another-secret-that-is-long-enough-too", Algorithm::HS256)),
        ("empty secret", tokens::sign_as(&header("HS256"), &claims, "", Algorithm::HS256)),
        ("HS512", tokens::sign_as(&header("HS512"), &claims, tokens::SECRET, Algorithm::HS512)),
        ("HS384", tokens::sign_as(&header("HS384"), &claims, tokens::SECRET, Algorithm::HS384)),
        ("RS256 signed with the secret", tokens::sign_as(&header("RS256"), &claims, tokens::SECRET, Algorithm::HS256)),
        ("no signature", format!("{head}.{body}.")),
        ("the signature of another", format!("{head}.{other_body}.{signature}")),
        ("a refresh token of simplejwt", changed(json!({"token_type": "refresh"}))),
        ("no token_type", changed(json!({"token_type": null}))),
        ("unknown user", tokens::of(999_999)),
        ("user_id as a word", changed(json!({"user_id": "grace"}))),
        ("user_id empty", changed(json!({"user_id": ""}))),
        ("user_id negative", changed(json!({"user_id": -11}))),
        ("user_id negative text", changed(json!({"user_id": "-11"}))),
        ("user_id as a float", changed(json!({"user_id": 11.5}))),
        ("user_id in a list", changed(json!({"user_id": [11]}))),
        ("user_id too large", changed(json!({"user_id": 9_007_199_254_740_993_i64}))),
        ("no user_id", changed(json!({"user_id": null}))),
        ("an unknown session", changed(json!({"sid": "11111111-1111-1111-1111-111111111111"}))),
    ]
}

#[tokio::test]
async fn bad_tokens_are_refused_over_http() {
    let house = House::opens().await;
    for (fault, token) in bad_tokens() {
        let answer = house.api_with(&token).get("/api/auth/me/").await;
        assert_eq!(answer.status, 401, "{fault}: {}", answer.text());
        answer.problem(401, "unauthorized");
        assert!(!answer.text().contains(&token) || token == "garbage", "{fault}: the answer does not repeat the token");
    }
    house.api_of_nobody().get("/api/auth/me/").await.problem(401, "unauthorized");
    let basic = house.api_of_nobody().request("GET", "/api/auth/me/").header("authorization", format!("Basic {}", GRACE.token()));
    api::answer(basic).await.problem(401, "unauthorized");
    house.closes().await;
}

/// Authentication failures are told after the upgrade, since a browser cannot see a refused one.
#[tokio::test]
async fn bad_tokens_are_refused_on_sockets_after_the_upgrade() {
    let house = House::opens().await;
    for (fault, token) in bad_tokens() {
        let path = format!("/ws/chat/{}/", GRACE.room);
        assert_eq!(house.dial(&path).token(&token).turned_away().await, (4401, "unauthorized".into()), "{fault}");
        assert_eq!(house.dial(&path).token(&token).v1().turned_away().await, (4401, "unauthorized".into()), "{fault}, v=1");
    }
    for path in ["/ws/chat/101/", "/ws/inbox/"] {
        assert_eq!(house.dial(path).turned_away().await, (4401, "unauthorized".into()), "no token");
        assert_eq!(house.dial(path).token("").turned_away().await, (4401, "unauthorized".into()), "an empty token");
    }
    house.closes().await;
}

#[tokio::test]
async fn a_disabled_person_is_refused() {
    let house = House::opens().await;
    house.cli(&["user", "disable", "--phone", GRACE.phone], "").await.ok();
    // Issued after the person was disabled, so that only that stands against it.
    let token = tokens::changed(GRACE.id, &json!({"iat": tokens::now() + 1}));
    house.api_with(&token).get("/api/auth/me/").await.problem(401, "unauthorized");
    assert_eq!(house.dial_room(&token, GRACE.room).turned_away().await, (4401, "unauthorized".into()));
    house.api_of_nobody().post("/api/auth/login/", json!({"phone": GRACE.phone, "password": PASSWORD})).await.problem(401, "unauthorized");
    house.closes().await;
}

#[tokio::test]
async fn a_user_id_may_be_a_number_or_a_string_of_digits() {
    let house = House::opens().await;
    let text = tokens::changed(GRACE.id, &json!({"user_id": GRACE.id.to_string()}));
    assert_eq!(house.api_with(&text).get("/api/auth/me/").await.ok(), json!({"id": GRACE.id, "name": "Grace", "role": "user"}));
    assert_eq!(house.api(ADA).get("/api/auth/me").await.ok()["role"], "admin");
    house.closes().await;
}

#[tokio::test]
async fn a_token_without_iat_and_jti_is_good() {
    let house = House::opens().await;
    let bare = tokens::changed(GRACE.id, &json!({"iat": null, "jti": null}));
    house.api_with(&bare).get("/api/auth/me/").await.ok();
    let past = tokens::changed(GRACE.id, &json!({"nbf": tokens::now() - 1}));
    house.api_with(&past).get("/api/auth/me/").await.ok();
    house.closes().await;
}

#[tokio::test]
async fn the_header_wins_over_the_subprotocol_and_that_over_the_query() {
    let house = House::opens().await;
    let path = format!("/ws/chat/{}/", GRACE.room);
    let mut by_protocol =
        house.dial(&path).header("sec-websocket-protocol", format!("frontdesk.v1, bearer.{}", GRACE.token())).open().await;
    assert_eq!(by_protocol.protocol.as_deref(), Some("frontdesk.v1"), "never the token");
    assert_eq!(by_protocol.hears("ready").await["user"]["id"], GRACE.id, "the subprotocol asks for v=1");

    let over_query = house.dial(&path).token("garbage").header("sec-websocket-protocol", format!("frontdesk.v1, bearer.{}", GRACE.token()));
    over_query.open().await.hears("ready").await;
    let mut by_header = house
        .dial(&path)
        .header("authorization", format!("Bearer {}", GRACE.token()))
        .header("sec-websocket-protocol", "frontdesk.v1, bearer.garbage")
        .token("garbage")
        .open()
        .await;
    by_header.hears("ready").await;
    let spoiled = house.dial(&path).header("authorization", "Bearer garbage").token(&GRACE.token());
    assert_eq!(spoiled.turned_away().await, (4401, "unauthorized".into()));
    assert_eq!(
        house.api_of_nobody().get(&format!("/api/auth/me/?token={}", GRACE.token())).await.status,
        401,
        "the query is for sockets only"
    );
    house.closes().await;
}

#[tokio::test]
async fn a_second_users_token_opens_nothing_of_the_first() {
    let house = House::opens().await;
    let said = house.enters(GRACE, GRACE.room).await.says("Private").await;
    let form = reqwest::multipart::Form::new()
        .text("message", "see")
        .part("file", reqwest::multipart::Part::bytes(b"secret".to_vec()).file_name("a.txt"));
    let room = format!("/api/chat/rooms/{}/", GRACE.room);
    let with_file = api::answer(house.api(GRACE).request("POST", &format!("{room}messages/")).multipart(form)).await.is(201);
    let file = with_file["attachments"][0]["url"].as_str().expect("a file has a url").to_owned();
    let linus = house.api(LINUS);
    let refused = [
        linus.get(&room).await,
        linus.get(&format!("{room}messages/")).await,
        linus.post(&format!("{room}messages/"), json!({"message": "Hi"})).await,
        linus.post(&format!("{room}read/"), json!({"message_id": said["id"]})).await,
        linus.patch(&room, json!({"status": "resolved"})).await,
        linus.get(&file).await,
        linus.get(&format!("{file}thumbnail/")).await,
    ];
    for answer in refused {
        answer.problem(404, "not_found");
    }
    let absent = linus.get("/api/chat/rooms/999999/").await;
    assert_eq!(absent.text(), linus.get(&room).await.text(), "absent and another's cannot be told apart");
    linus.get("/api/users/").await.problem(403, "forbidden");
    linus.post("/api/chat/rooms/", json!({"user_id": GRACE.id})).await.problem(403, "forbidden");
    let own = linus.get("/api/chat/rooms/").await.ok();
    assert_eq!(own["results"].as_array().map(Vec::len), Some(1));
    assert_eq!(own["results"][0]["id"], LINUS.room);
    for room in [GRACE.room, 999_999] {
        assert_eq!(house.dial_room(&LINUS.token(), room).turned_away().await.0, 4403);
        assert_eq!(house.dial_room(&LINUS.token(), room).v1().turned_away().await.0, 4403);
    }
    let form = reqwest::multipart::Form::new().part("file", reqwest::multipart::Part::bytes(b"x".to_vec()).file_name("x"));
    api::answer(linus.request("POST", &format!("{room}messages/")).multipart(form)).await.problem(404, "not_found");
    house.closes().await;
}

#[tokio::test]
async fn a_user_on_an_admins_call_is_forbidden() {
    let house = House::opens().await;
    let grace = house.api(GRACE);
    grace.patch(&format!("/api/chat/rooms/{}/", GRACE.room), json!({"status": "resolved"})).await.problem(403, "forbidden");
    grace.get("/api/users/?q=ada").await.problem(403, "forbidden");
    house.closes().await;
}

#[tokio::test]
async fn an_admin_who_names_no_room_is_told_that_there_is_none() {
    let house = House::opens().await;
    for room in ["999999", "nonsense", "-1", "99999999999999999999"] {
        let dial = house.dial(&format!("/ws/chat/{room}/"));
        assert_eq!(dial.clone().token(&ADA.token()).turned_away().await, (4404, "not_found".into()), "{room}");
        assert_eq!(dial.token(&GRACE.token()).turned_away().await.0, 4403, "{room}");
    }
    house.closes().await;
}

#[tokio::test]
async fn no_token_appears_in_a_log() {
    let mut house = House::opens_outside(&[]).await;
    let login = house.logs_in(GRACE, PASSWORD).await;
    let session = login["access"].as_str().expect("a token").to_owned();
    let refresh = login["refresh"].as_str().expect("a token").to_owned();
    let foreign = GRACE.token();
    let mut grace = house.dial_room(&foreign, GRACE.room).v1().open().await;
    grace.hears("ready").await;
    grace.send(json!({"type": "auth", "token": session})).await;
    grace.hears("auth_ok").await;
    grace.send(json!({"type": "auth", "token": "almost.a.token"})).await;
    grace.is_refused("unauthorized").await;
    house.dial_room("bad.query.token", GRACE.room).turned_away().await;
    house
        .dial(&format!("/ws/chat/{}/", GRACE.room))
        .header("sec-websocket-protocol", "frontdesk.v1, bearer.bad.protocol.token")
        .turned_away()
        .await;
    house.api_with("bad.header.token").get("/api/auth/me/").await.problem(401, "unauthorized");
    house.api_of_nobody().post("/api/auth/refresh/", json!({"refresh": refresh})).await.ok();
    house.api_of_nobody().get(&format!("/api/auth/me/?token={foreign}")).await;
    house.process().signal("TERM").await;
    assert_eq!(house.process().ended().await, 0);
    let log = house.process().log();
    for secret in [
        &session,
        &refresh,
        &foreign,
        "almost.a.token",
        "bad.query.token",
        "bad.protocol.token",
        "bad.header.token",
        PASSWORD,
        tokens::SECRET,
    ] {
        assert!(!log.contains(secret), "the log shows {secret}:\n{log}");
    }
    house.ends().await;
}
