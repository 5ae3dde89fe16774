//! Sessions: login, rotation, logout, and everything that ends a person's connections at once.

use std::time::Duration;

use tokio::time::Instant;

use crate::fixture::{tokens, *};

fn token(of: &Value, name: &str) -> String {
    of[name].as_str().unwrap_or_else(|| panic!("{name} is a token: {of}")).to_owned()
}

/// Every socket must be closed with 4401, told by an `error` before it, within two seconds.
async fn all_close(tabs: &mut [Tab], since: Instant) {
    for tab in tabs {
        assert_eq!(tab.closed().await, 4401);
        assert_eq!(tab.seen("error").last().map(|error| error["code"].clone()), Some(json!("unauthorized")));
    }
    assert!(since.elapsed() < Duration::from_millis(2_500), "within two seconds, not {:?}", since.elapsed());
}

#[tokio::test]
async fn a_login_gives_a_session_that_works_everywhere() {
    let house = House::opens().await;
    let login = house.logs_in(GRACE, PASSWORD).await;
    assert_eq!(login["user"], json!({"id": GRACE.id, "name": "Grace", "role": "user"}));
    let access = token(&login, "access");
    assert_eq!(house.api_with(&access).get("/api/auth/me/").await.ok(), login["user"]);
    let mut grace = house.dial_room(&access, GRACE.room).v1().open().await;
    assert_eq!(grace.hears("ready").await["user"], login["user"]);
    house.closes().await;
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_phone_look_the_same() {
    let house = House::opens().await;
    let nobody = house.api_of_nobody();
    let wrong = nobody.post("/api/auth/login/", json!({"phone": GRACE.phone, "password": "wrong"})).await;
    wrong.problem(401, "unauthorized");
    for (phone, password) in [("0000000000", "wrong"), ("", ""), ("not a phone at all", "x"), (" 9000000011", PASSWORD)] {
        let unknown = nobody.post("/api/auth/login/", json!({"phone": phone, "password": password})).await;
        unknown.problem(401, "unauthorized");
        assert_eq!(unknown.text(), wrong.text());
    }
    nobody.post("/api/auth/login/", json!({"phone": "1".repeat(33), "password": "x"})).await.problem(422, "invalid");
    nobody.post("/api/auth/login/", json!({"phone": "1".repeat(32), "password": "x".repeat(1_024)})).await.problem(401, "unauthorized");
    nobody.post("/api/auth/login/", json!({"phone": "1", "password": "x".repeat(1_025)})).await.problem(422, "invalid");
    let missing = nobody.post("/api/auth/login/", json!({"phone": "1"})).await.problem(422, "invalid");
    assert_eq!(missing["errors"][0]["field"], "password");
    house.closes().await;
}

#[tokio::test]
async fn a_refresh_token_is_rotated_and_its_successors_work() {
    let house = House::opens().await;
    let nobody = house.api_of_nobody();
    let mut pair = house.logs_in(GRACE, PASSWORD).await;
    for _ in 0..3 {
        let next = nobody.post("/api/auth/refresh/", json!({"refresh": token(&pair, "refresh")})).await.ok();
        assert_ne!(next["refresh"], pair["refresh"]);
        house.api_with(&token(&next, "access")).get("/api/auth/me/").await.ok();
        pair = next;
    }
    house.closes().await;
}

/// Two tabs, or an answer that was lost.
#[tokio::test]
async fn a_refresh_token_used_twice_within_a_minute_gives_pairs_of_one_family() {
    let house = House::opens().await;
    let nobody = house.api_of_nobody();
    let login = house.logs_in(GRACE, PASSWORD).await;
    let body = json!({"refresh": token(&login, "refresh")});
    let (one, two) = tokio::join!(nobody.post("/api/auth/refresh/", body.clone()), nobody.post("/api/auth/refresh/", body.clone()));
    let (one, two) = (one.ok(), two.ok());
    for pair in [&one, &two] {
        let next = nobody.post("/api/auth/refresh/", json!({"refresh": token(pair, "refresh")})).await.ok();
        house.api_with(&token(&next, "access")).get("/api/auth/me/").await.ok();
    }
    house.api_with(&token(&one, "access")).post("/api/auth/logout/", json!({})).await.done();
    house.api_with(&token(&two, "access")).get("/api/auth/me/").await.problem(401, "unauthorized");
    house.closes().await;
}

#[tokio::test]
async fn bad_refresh_tokens_are_refused() {
    let house = House::opens().await;
    let login = house.logs_in(GRACE, PASSWORD).await;
    let nobody = house.api_of_nobody();
    for bad in ["", "nonsense", "r1.AAAA", &token(&login, "access"), &GRACE.token(), &format!("{}x", token(&login, "refresh"))] {
        nobody.post("/api/auth/refresh/", json!({"refresh": bad})).await.problem(401, "unauthorized");
    }
    nobody.post("/api/auth/refresh/", json!({})).await.problem(422, "invalid");
    assert_eq!(house.api_with(&token(&login, "refresh")).get("/api/auth/me/").await.status, 401, "a refresh token is no access token");
    house.closes().await;
}

#[tokio::test]
async fn logout_ends_this_session_and_no_other() {
    let house = House::opens().await;
    let here = house.logs_in(GRACE, PASSWORD).await;
    let there = house.logs_in(GRACE, PASSWORD).await;
    let mut ending = [
        house.dial_room(&token(&here, "access"), GRACE.room).v1().open().await,
        house.dial_room(&token(&here, "access"), GRACE.room).open().await,
    ];
    let mut staying = house.dial_room(&token(&there, "access"), GRACE.room).v1().open().await;
    staying.ready = staying.hears("ready").await;
    let since = Instant::now();
    house.api_with(&token(&here, "access")).post("/api/auth/logout/", json!({})).await.done();
    house.api_with(&token(&here, "access")).get("/api/auth/me/").await.problem(401, "unauthorized");
    all_close(&mut ending, since).await;
    house.api_of_nobody().post("/api/auth/refresh/", json!({"refresh": token(&here, "refresh")})).await.problem(401, "unauthorized");
    assert_eq!(house.dial_room(&token(&here, "access"), GRACE.room).turned_away().await.0, 4401);
    staying.fence().await;
    house.api_with(&token(&there, "access")).get("/api/auth/me/").await.ok();
    house.closes().await;
}

#[tokio::test]
async fn logout_of_a_foreign_token_ends_that_token() {
    let house = House::opens().await;
    let (ending, staying) = (GRACE.token(), GRACE.token());
    let mut tabs = [house.dial_room(&ending, GRACE.room).open().await];
    let since = Instant::now();
    house.api_with(&ending).post("/api/auth/logout/", json!({})).await.done();
    all_close(&mut tabs, since).await;
    house.api_with(&ending).get("/api/auth/me/").await.problem(401, "unauthorized");
    house.api_with(&staying).get("/api/auth/me/").await.ok();
    house.closes().await;
}

#[tokio::test]
async fn logout_of_all_ends_every_session_foreign_ones_too() {
    let house = House::opens().await;
    let here = house.logs_in(GRACE, PASSWORD).await;
    let there = house.logs_in(GRACE, PASSWORD).await;
    let foreign = tokens::changed(GRACE.id, &json!({"iat": tokens::now() - 5}));
    let mut tabs = [
        house.dial_room(&token(&here, "access"), GRACE.room).v1().open().await,
        house.dial_room(&token(&there, "access"), GRACE.room).open().await,
        house.dial_room(&foreign, GRACE.room).v1().open().await,
    ];
    let mut linus = house.enters(LINUS, LINUS.room).await;
    let since = Instant::now();
    house.api_with(&token(&here, "access")).post("/api/auth/logout/", json!({"all": true})).await.done();
    all_close(&mut tabs, since).await;
    for gone in [token(&here, "access"), token(&there, "access"), foreign] {
        house.api_with(&gone).get("/api/auth/me/").await.problem(401, "unauthorized");
    }
    house.api_of_nobody().post("/api/auth/refresh/", json!({"refresh": token(&there, "refresh")})).await.problem(401, "unauthorized");
    let again = house.logs_in(GRACE, PASSWORD).await;
    house.api_with(&token(&again, "access")).get("/api/auth/me/").await.ok();
    linus.fence().await;
    house.closes().await;
}

#[tokio::test]
async fn a_changed_password_ends_every_session_but_the_new_one() {
    let house = House::opens().await;
    let here = house.logs_in(GRACE, PASSWORD).await;
    let there = house.logs_in(GRACE, PASSWORD).await;
    let api = house.api_with(&token(&here, "access"));
    api.post("/api/auth/password/", json!({"old_password": "wrong", "new_password": "a new password"})).await.problem(422, "invalid");
    api.post("/api/auth/password/", json!({"old_password": PASSWORD, "new_password": "short"})).await.problem(422, "invalid");
    let mut tabs = [
        house.dial_room(&token(&here, "access"), GRACE.room).v1().open().await,
        house.dial_room(&token(&there, "access"), GRACE.room).open().await,
    ];
    let since = Instant::now();
    let pair = api.post("/api/auth/password/", json!({"old_password": PASSWORD, "new_password": "a new password"})).await.ok();
    all_close(&mut tabs, since).await;
    house.api_with(&token(&pair, "access")).get("/api/auth/me/").await.ok();
    house.api_with(&token(&there, "access")).get("/api/auth/me/").await.problem(401, "unauthorized");
    house.api_of_nobody().post("/api/auth/login/", json!({"phone": GRACE.phone, "password": PASSWORD})).await.problem(401, "unauthorized");
    house.logs_in(GRACE, "a new password").await;
    house.closes().await;
}

/// Each of the four verbs ends the person's sessions, also when the tool works beside the running server.
#[tokio::test]
async fn the_command_line_ends_sessions_of_a_running_server() {
    let house = House::opens().await;
    let verbs: [(&[&str], &str); 4] = [
        (&["user", "password", "--phone", GRACE.phone], "another password\n"),
        (&["user", "role", "--phone", GRACE.phone, "admin"], ""),
        (&["user", "disable", "--phone", GRACE.phone], ""),
        (&["user", "enable", "--phone", GRACE.phone], ""),
    ];
    let mut password = PASSWORD;
    for (verb, input) in verbs {
        let mut tabs = Vec::new();
        if verb[1] != "enable" {
            let login = house.logs_in(GRACE, password).await;
            let foreign = tokens::changed(GRACE.id, &json!({"iat": tokens::now() - 5}));
            tabs.push(house.dial_room(&token(&login, "access"), GRACE.room).v1().open().await);
            tabs.push(house.dial_room(&foreign, GRACE.room).open().await);
        }
        house.cli(verb, input).await.ok();
        all_close(&mut tabs, Instant::now()).await;
        if verb[1] == "password" {
            password = "another password";
        }
    }
    let login = house.logs_in(GRACE, password).await;
    assert_eq!(login["user"]["role"], "admin");
    house.closes().await;
}

#[tokio::test]
async fn a_connection_takes_a_new_token_in_place() {
    let house = House::opens().await;
    let short = tokens::changed(GRACE.id, &json!({"exp": tokens::now() + 4}));
    let mut grace = house.joins(house.dial_room(&short, GRACE.room).v1(), GRACE.room, None).await;
    grace.hears("token_expiring").await;
    grace.send(json!({"type": "auth", "token": "garbage"})).await;
    grace.is_refused("unauthorized").await;
    grace.send(json!({"type": "auth", "token": LINUS.token()})).await;
    grace.is_refused("forbidden").await;
    let exp = tokens::now() + 600;
    grace.send(json!({"type": "auth", "token": tokens::changed(GRACE.id, &json!({"exp": exp}))})).await;
    let expires_at = grace.hears("auth_ok").await["expires_at"].as_str().expect("a time").to_owned();
    assert_eq!(expires_at.parse::<jiff::Timestamp>().expect("RFC 3339").as_second(), exp);
    tokio::time::sleep(Duration::from_secs(5)).await;
    grace.fence().await;
    house.closes().await;
}

/// A bad token leaves the old one in place, and with it the moment at which it expires.
#[tokio::test]
async fn expiry_closes_v1_connections_and_leaves_those_of_old_their_grace() {
    let house = House::opens().await;
    let exp = tokens::now() + 3;
    let short = tokens::changed(GRACE.id, &json!({"exp": exp}));
    let mut grace = house.dial_room(&short, GRACE.room).v1().open().await;
    let mut old = house.dial_room(&short, GRACE.room).open().await;
    let expiring = grace.hears("token_expiring").await;
    assert_eq!(
        expiring["expires_at"].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok()).map(jiff::Timestamp::as_second),
        Some(exp)
    );
    grace.send(json!({"type": "auth", "token": "garbage"})).await;
    grace.is_refused("unauthorized").await;
    assert_eq!(grace.closed().await, 4401);
    assert_eq!(grace.is_refused("unauthorized").await["code"], "unauthorized");
    assert!(tokens::now() >= exp, "not before it expires");
    old.says("I still write").await;
    assert!(old.seen("token_expiring").is_empty());
    assert_eq!(house.dial_room(&short, GRACE.room).turned_away().await.0, 4401, "at connect an expired token is always refused");
    house.closes().await;
}

#[tokio::test]
async fn without_a_grace_expiry_closes_those_of_old_too() {
    let house = House::opens_with(|config, _| config.origin_grace = Duration::ZERO).await;
    let short = tokens::changed(GRACE.id, &json!({"exp": tokens::now() + 2}));
    let mut old = house.dial_room(&short, GRACE.room).open().await;
    assert_eq!(old.closed().await, 4401);
    house.closes().await;
}

#[tokio::test]
async fn an_admin_who_is_one_no_more_loses_the_inbox() {
    let house = House::opens().await;
    let foreign = tokens::changed(ALAN.id, &json!({"iat": tokens::now() - 5}));
    let mut tabs = [house.dial("/ws/inbox/").token(&foreign).open().await, house.dial_room(&foreign, GRACE.room).v1().open().await];
    let mut ada = house.watches_inbox(ADA).await;
    house.cli(&["user", "role", "--phone", ALAN.phone, "user"], "").await.ok();
    all_close(&mut tabs, Instant::now()).await;
    let now_a_user = tokens::changed(ALAN.id, &json!({"iat": tokens::now() + 1}));
    assert_eq!(house.dial("/ws/inbox/").token(&now_a_user).turned_away().await.0, 4403);
    assert_eq!(house.dial_room(&now_a_user, GRACE.room).turned_away().await.0, 4403);
    ada.fence().await;
    house.closes().await;
}
