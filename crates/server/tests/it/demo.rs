//! The demo: accounts that anybody may use, conversations worth looking at, and no way in by another name.

use crate::fixture::{process::command, *};

#[tokio::test]
async fn a_demo_is_filled_with_people_and_conversations() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let mut demo = Process::start(command(folder, &["serve", "--demo", "--listen=127.0.0.1:0"]).env("FRONTDESK_LOG", "info")).await;
    let nobody = Api::new(&demo.address, None);
    let options = nobody.get("/api/options/").await.ok();
    let accounts = options["demo"].as_array().expect("the demo's accounts");
    assert!(accounts.iter().filter(|account| account["role"] == "user").count() >= 6, "{options}");
    assert_eq!(
        (&accounts[0]["phone"], &accounts[0]["password"], &accounts[0]["role"]),
        (&json!("9999999999"), &json!("drivecash"), &json!("admin"))
    );
    for account in accounts {
        nobody.post("/api/auth/login/", json!({"phone": account["phone"], "password": account["password"]})).await.ok();
    }
    let ran = process::finish(&mut command(folder, &["token", "--user", "1", "--data", "data-demo"]), "").await.ok();
    let admin = Api::new(&demo.address, Some(ran.trim().to_owned()));
    let rooms = admin.get("/api/chat/rooms/").await.ok();
    let rooms = rooms["results"].as_array().expect("rooms");
    assert!(
        rooms.len() >= 6 && rooms.iter().any(|room| room["unread_count"] != 0) && rooms.iter().any(|room| room["status"] == "resolved")
    );
    assert!(rooms.iter().any(|room| room["last_seq"].as_i64() > Some(120)), "one conversation is long");
    for host in ["evil.example", "127.0.0.1.evil.example", "10.0.0.1"] {
        api::answer(nobody.request("GET", "/api/options/").header("host", host)).await.problem(403, "forbidden");
    }
    for host in ["localhost", "127.9.9.9:80", "[::1]:8000"] {
        api::answer(nobody.request("GET", "/api/options/").header("host", host)).await.ok();
    }
    demo.signal("TERM").await;
    assert_eq!(demo.ended().await, 0);
}
