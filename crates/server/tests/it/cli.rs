//! The command line: settings that are wrong are named, accounts, tokens, import and export, and who may use a folder.

use std::{os::unix::fs::PermissionsExt, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::fixture::{process, *};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Standard output carries results only, so a refusal leaves it empty.
fn is_refused(ran: &Ran, code: i32, named: &str) {
    assert_eq!((ran.code, ran.out.as_str()), (code, ""), "{ran:?}");
    assert!(ran.err.contains(named), "it names {named}: {}", ran.err);
}

#[tokio::test]
async fn a_wrong_setting_is_named_and_ends_with_2_before_anything_listens() {
    let folder = folder();
    for (setting, value) in [
        ("--listen", "nowhere"),
        ("--listen", "127.0.0.1"),
        ("--listen", "127.0.0.1:99999"),
        ("--jwt-secret", "too short"),
        ("--rate-limit", "many"),
        ("--rate-limit", "-1"),
        ("--connections-per-user", "0"),
        ("--connections-per-address", "x"),
        ("--message-max", "0"),
        ("--message-max", "1000000"),
        ("--origin-grace", "12"),
        ("--origin-grace", "soon"),
        ("--allowed-origins", "shop.example"),
        ("--public-url", "help.example"),
        ("--trusted-proxies", "proxy"),
        ("--database-url", "mysql://localhost/x"),
        ("--redis-url", "redis://localhost"),
    ] {
        is_refused(&frontdesk(folder.path(), &["serve", &format!("{setting}={value}")], "").await, 2, setting);
        let variable = format!("FRONTDESK_{}", setting.trim_start_matches("--").replace('-', "_").to_uppercase());
        let by_environment = process::finish(process::command(folder.path(), &["serve"]).env(&variable, value), "").await;
        is_refused(&by_environment, 2, &variable);
    }
    let on_postgres = ["serve", "--database-url", "postgres://127.0.0.1:1/x"];
    is_refused(&frontdesk(folder.path(), &on_postgres, "").await, 2, "--jwt-secret");
    is_refused(&frontdesk(folder.path(), &[&on_postgres[..], &["--redis-url", "localhost"]].concat(), "").await, 2, "--redis-url");
    is_refused(&frontdesk(folder.path(), &[&on_postgres[..], &["--demo"]].concat(), "").await, 2, "--database-url");
    is_refused(&frontdesk(folder.path(), &["serve", "--colour", "red"], "").await, 2, "--colour");
    is_refused(&frontdesk(folder.path(), &["dance"], "").await, 2, "dance");
    assert!(!folder.path().join("data").exists(), "nothing is made before the settings are right");
}

#[tokio::test]
async fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let folder = folder();
    std::fs::write(folder.path().join("frontdesk.toml"), "message_max = 100\nconnections_per_user = 7\n")
        .expect("the folder can be written");
    let served = async |flag: &[&str], variable: &str| {
        let args = [&["serve", "--listen", "127.0.0.1:0"], flag].concat();
        let mut command = process::command(folder.path(), &args);
        let mut server = Process::start(command.env("FRONTDESK_MESSAGE_MAX", variable)).await;
        let max = Api::new(&server.address, None).get("/api/options/").await.ok()["message_max"].clone();
        server.kill().await;
        max
    };
    assert_eq!(served(&["--message-max", "300"], "200").await, 300);
    assert_eq!(served(&[], "200").await, 200);
    assert_eq!(served(&[], "").await, 100, "an empty variable counts as unset");
    std::fs::write(folder.path().join("frontdesk.toml"), "mesage_max = 100\n").expect("the folder can be written");
    is_refused(&frontdesk(folder.path(), &["serve"], "").await, 2, "mesage_max");
    is_refused(&frontdesk(folder.path(), &["serve", "--config", "absent.toml"], "").await, 2, "absent.toml");
}

#[tokio::test]
async fn a_folder_is_a_demos_or_not() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir(at("empty")).expect("a folder can be made");
    let mut demo = Process::serve(folder.path(), &at("empty"), &["--demo"]).await;
    let api = Api::new(&demo.address, None);
    let accounts = api.get("/api/options/").await.ok()["demo"].clone();
    let admin =
        accounts.as_array().expect("the demo's accounts").iter().find(|account| account["role"] == "admin").expect("an admin").clone();
    assert_eq!((&admin["phone"], &admin["password"]), (&json!("9999999999"), &json!("drivecash")));
    assert!(accounts.as_array().map(Vec::len) >= Some(7), "an admin and at least six users");
    for account in accounts.as_array().expect("accounts") {
        let login = api.post("/api/auth/login/", json!({"phone": account["phone"], "password": account["password"]})).await.ok();
        assert_eq!((&login["user"]["name"], &login["user"]["role"]), (&account["name"], &account["role"]));
    }
    let port = demo.address.rsplit(':').next().expect("an address has a port").to_owned();
    for (host, status) in [
        ("localhost", 200),
        ("127.0.0.1", 200),
        ("127.1.2.3", 200),
        ("[::1]", 200),
        ("demo.example", 403),
        ("localhost.example", 403),
        ("127.0.0.1.example", 403),
    ] {
        let request = api.request("GET", "/api/options/").header("host", format!("{host}:{port}"));
        assert_eq!(api::answer(request).await.status, status, "{host}");
    }
    demo.kill().await;
    let serve = async |name: &str, args: &[&str]| {
        let args = [&["serve", "--listen", "127.0.0.1:0"], args].concat();
        process::finish(process::command(folder.path(), &args).env("FRONTDESK_DATA", at(name)), "").await
    };
    is_refused(&serve("empty", &[]).await, 2, "demo");
    std::fs::create_dir(at("holds-something")).expect("a folder can be made");
    std::fs::write(at("holds-something").join("letter.txt"), "mine").expect("the folder can be written");
    is_refused(&serve("holds-something", &["--demo"]).await, 2, "demo");
    assert_eq!(std::fs::read_dir(at("holds-something")).expect("the folder is there").count(), 1, "nothing was put beside it");
    is_refused(&serve("absent", &["--demo", "--listen", "0.0.0.0:0"]).await, 2, "--listen");
    let mut again = Process::serve(folder.path(), &at("empty"), &["--demo"]).await;
    again.kill().await;
}

#[tokio::test]
async fn plain_serve_makes_no_account_and_says_how_to_make_the_first() {
    let folder = folder();
    let mut server = Process::serve(folder.path(), &folder.path().join("data"), &[]).await;
    let options = Api::new(&server.address, None).get("/api/options/").await.ok();
    assert_eq!(options, json!({"demo": null, "has_accounts": false, "message_max": 4_000}));
    until("the log says how", async || server.log().contains("frontdesk user add")).await;
    let added = frontdesk(folder.path(), &["user", "add", "--phone", "9999999999", "--name", "Ada", "--admin"], "a good password\n").await;
    assert!(added.ok().trim().parse::<i64>().is_ok(), "it prints the id");
    let login =
        Api::new(&server.address, None).post("/api/auth/login/", json!({"phone": "9999999999", "password": "a good password"})).await.ok();
    assert_eq!((&login["user"]["name"], &login["user"]["role"]), (&json!("Ada"), &json!("admin")));
    assert_eq!(Api::new(&server.address, None).get("/api/options/").await.ok()["has_accounts"], true);
    server.kill().await;
}

#[tokio::test]
async fn accounts_are_made_listed_and_changed() {
    let folder = folder();
    let run = async |args: &[&str], input: &str| frontdesk(folder.path(), args, input).await;
    let id = run(&["user", "add", "--phone", "1", "--name", "Grace"], "password one\n").await.ok();
    is_refused(&run(&["user", "add", "--phone", "1", "--name", "Other"], "password\n").await, 1, "1");
    is_refused(&run(&["user", "add", "--phone", "2", "--name", "Nobody"], "").await, 1, "password");
    is_refused(&run(&["user", "disable", "--phone", "404"], "").await, 1, "no such account");
    let list = run(&["user", "list"], "").await.ok();
    let row = list.lines().find(|line| line.contains("Grace")).expect("she is listed");
    assert!(row.contains(id.trim()) && row.contains("user"), "{row}");
    run(&["user", "role", "--phone", "1", "admin"], "").await.ok();
    run(&["user", "disable", "--phone", "1"], "").await.ok();
    let list = run(&["user", "list"], "").await.ok();
    assert!(list.contains("admin") && list.contains("disabled"), "{list}");
    assert!(!list.contains("argon2"), "no hash is shown");
}

#[tokio::test]
async fn a_token_of_the_command_line_opens_the_server() {
    let folder = folder();
    let data = folder.path().join("data");
    let id = frontdesk(folder.path(), &["user", "add", "--phone", "1", "--name", "Grace"], "a password\n").await.ok();
    let token = frontdesk(folder.path(), &["token", "--user", id.trim(), "--ttl", "5m"], "").await.ok();
    let mut serve = process::command(folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
    let mut server = Process::start(serve.env("FRONTDESK_DATA", &data)).await;
    assert_eq!(Api::new(&server.address, Some(token.trim().into())).get("/api/auth/me/").await.ok()["name"], "Grace");
    is_refused(&frontdesk(folder.path(), &["token", "--user", "999"], "").await, 1, "999");
    server.kill().await;
}

#[tokio::test]
async fn the_document_printed_is_the_document_served() {
    let house = House::opens().await;
    let printed = house.cli(&["openapi"], "").await.ok();
    assert_eq!(printed.trim_end(), house.api_of_nobody().get("/api/openapi.json").await.text().trim_end());
    let version = house.cli(&["--version"], "").await.ok();
    assert_eq!(version.trim(), format!("frontdesk {}", env!("CARGO_PKG_VERSION")));
    house.closes().await;
}

#[tokio::test]
async fn two_servers_do_not_share_a_folder() {
    let house = House::opens().await;
    let second = house.cli(&["serve", "--listen", "127.0.0.1:0"], "").await;
    is_refused(&second, 1, "another");
    house.closes().await;
}

/// The folder's lock dies with the process.
#[tokio::test]
async fn after_a_kill_the_folder_is_free() {
    let mut house = House::opens_outside(&[]).await;
    house.process().kill().await;
    house.opens_again(&[]).await;
    house.closes().await;
}

fn modes(path: &Path) -> Vec<(String, u32)> {
    let mut found = vec![(path.display().to_string(), path.metadata().expect("it is there").permissions().mode() & 0o777)];
    if path.is_dir() {
        let entries = std::fs::read_dir(path).expect("a folder");
        found.extend(entries.flat_map(|entry| modes(&entry.expect("an entry").path())));
    }
    found
}

#[tokio::test]
async fn everything_in_the_folder_is_the_owners_alone_whatever_the_umask() {
    let folder = folder();
    let binary = env!("CARGO_BIN_EXE_frontdesk");
    let data = folder.path().join("data");
    let mut shell = tokio::process::Command::new("sh");
    shell.args(["-c", &format!("umask 000; exec '{binary}' serve --listen 127.0.0.1:0")]).current_dir(folder.path()).kill_on_drop(true);
    let mut server = Process::start(shell.env("FRONTDESK_DATA", &data).env("FRONTDESK_JWT_SECRET", "")).await;
    let id = frontdesk(folder.path(), &["user", "add", "--phone", "1", "--name", "Grace"], "a password\n").await.ok();
    let token = frontdesk(folder.path(), &["token", "--user", id.trim()], "").await.ok();
    let api = Api::new(&server.address, Some(token.trim().into()));
    let room = api.post("/api/chat/rooms/", json!({})).await.is(201)["id"].clone();
    let png = {
        let mut bytes = std::io::Cursor::new(Vec::new());
        image::RgbImage::new(400, 400).write_to(&mut bytes, image::ImageFormat::Png).expect("an image can be encoded");
        bytes.into_inner()
    };
    let form = reqwest::multipart::Form::new().part("file", reqwest::multipart::Part::bytes(png).file_name("a.png"));
    let posted = api::answer(api.request("POST", &format!("/api/chat/rooms/{room}/messages/")).multipart(form)).await;
    posted.is(201);
    for (path, mode) in modes(&data) {
        let wanted = if Path::new(&path).is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, wanted, "{path} has {mode:o}");
    }
    server.kill().await;
}

#[tokio::test]
async fn a_bad_line_is_named_by_its_number_and_its_batch_is_not_applied() {
    let good = r#"{"type":"user","id":1,"phone":"1","name":"Grace","role":"user"}"#;
    for bad in [
        "nonsense",
        r#"{"type":"user","id":2}"#,
        r#"{"type":"user","id":2,"phone":"1","name":"Same phone","role":"user"}"#,
        r#"{"type":"user","id":2,"phone":"2","name":"N","role":"king"}"#,
        r#"{"type":"user","id":0,"phone":"2","name":"N","role":"user"}"#,
        r#"{"type":"user","id":2,"phone":"2","name":"N","role":"user","password_hash":"md5$x"}"#,
        r#"{"type":"user","id":2,"phone":"2","name":"N","role":"user","password_hash":"pbkdf2_sha256$6000000$salt$AAAA"}"#,
        r#"{"type":"room","id":7,"user_id":404,"created_at":"2026-01-01T00:00:00Z"}"#,
        r#"{"type":"message","room_id":404,"sender_id":1,"message":"Hi","created_at":"2026-01-01T00:00:00Z","client_id":"x"}"#,
        r#"{"type":"room","id":7,"user_id":1,"created_at":"yesterday"}"#,
        r#"{"type":"letter"}"#,
    ] {
        let folder = folder();
        std::fs::write(folder.path().join("in.jsonl"), format!("{good}\n\n{bad}\n")).expect("the folder can be written");
        let ran = frontdesk(folder.path(), &["import", "in.jsonl"], "").await;
        is_refused(&ran, 1, "line 3");
        assert!(!frontdesk(folder.path(), &["user", "list"], "").await.ok().contains("Grace"), "{bad}");
    }
    let folder = folder();
    let needs = r#"{"type":"room","id":7,"user_id":1,"created_at":"2026-01-01T00:00:00Z"}"#;
    let message = r#"{"type":"message","room_id":7,"sender_id":1,"message":"Hi","created_at":"2026-01-01T00:00:00Z"}"#;
    std::fs::write(folder.path().join("in.jsonl"), format!("{good}\n{needs}\n{message}\n")).expect("the folder can be written");
    is_refused(&frontdesk(folder.path(), &["import", "in.jsonl"], "").await, 1, "line 3");
}

#[tokio::test]
async fn an_import_may_be_repeated() {
    let folder = folder();
    let lines = [
        r#"{"type":"user","id":1,"phone":"1","name":"Grace","role":"user"}"#,
        r#"{"type":"user","id":2,"phone":"2","name":"Ada","role":"admin"}"#,
        r#"{"type":"room","id":7,"user_id":1,"status":"open","created_at":"2026-01-01T00:00:00Z"}"#,
        r#"{"type":"message","room_id":7,"sender_id":1,"message":"Hello","created_at":"2026-01-01T00:00:05Z","client_id":"x1"}"#,
        r#"{"type":"message","id":50,"room_id":7,"sender_id":2,"message":"Hi Grace","created_at":"2026-01-01T00:00:06Z"}"#,
    ];
    std::fs::write(folder.path().join("in.jsonl"), lines.join("\n")).expect("the folder can be written");
    frontdesk(folder.path(), &["import", "in.jsonl"], "").await.ok();
    let once = frontdesk(folder.path(), &["export"], "").await.ok();
    frontdesk(folder.path(), &["import", "-"], &lines.join("\n").replace("\"Grace\",", "\"Grace H.\",")).await.ok();
    let twice = frontdesk(folder.path(), &["export"], "").await.ok();
    assert_eq!(once.replace("\"Grace\"", "\"Grace H.\""), twice, "users are updated, rooms and messages are left");
}

/// `export | import` into an empty store loses nothing.
#[tokio::test]
async fn what_is_exported_and_imported_is_the_same() {
    let house = House::opens().await;
    let mut ada = house.enters(ADA, GRACE.room).await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    ada.says("Hello").await;
    let said = grace.says("Hi 👋 \"quoted\"").await;
    ada.send(json!({"type": "read_receipt", "message_id": said["id"]})).await;
    grace.hears("read_receipt").await;
    let bytes: Vec<u8> = (0..=255).collect();
    let form = reqwest::multipart::Form::new()
        .text("message", "a file")
        .part("file", reqwest::multipart::Part::bytes(bytes.clone()).file_name("a.bin"));
    let path = format!("/api/chat/rooms/{}/messages/", GRACE.room);
    let posted = api::answer(house.api(GRACE).request("POST", &path).multipart(form)).await.is(201);
    house.api(ADA).patch(&format!("/api/chat/rooms/{}/", GRACE.room), json!({"status": "resolved"})).await.ok();
    house.cli(&["user", "disable", "--phone", KEN.phone], "").await.ok();
    let exported = house.cli(&["export"], "").await.ok();
    let kinds: std::collections::BTreeSet<String> = exported
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("each line is JSON")["type"].as_str().expect("a type").to_owned())
        .collect();
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["attachment", "event", "message", "meta", "receipt", "room", "user"]);
    assert!(exported.contains(&STANDARD.encode(&bytes)));

    let elsewhere = folder();
    frontdesk(elsewhere.path(), &["import", "-"], &exported).await.ok();
    let again = frontdesk(elsewhere.path(), &["export"], "").await.ok();
    assert_eq!(exported, again);
    let mut second = Process::serve(elsewhere.path(), &elsewhere.path().join("data"), &[]).await;
    let file = Api::new(&second.address, Some(GRACE.token())).get(posted["attachments"][0]["url"].as_str().expect("a url")).await;
    assert!(file.body == bytes);
    let login = Api::new(&second.address, None).post("/api/auth/login/", json!({"phone": GRACE.phone, "password": PASSWORD})).await;
    login.ok();
    second.kill().await;
    house.closes().await;
}
