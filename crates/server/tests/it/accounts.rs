//! Passwords as they are stored: what is read, what is refused, what is hashed anew.

use frontdesk::accounts::passwords::{self, Passwords};

use crate::fixture::*;

const DJANGO: &str = "pbkdf2_sha256$1000$saltsalt$";

fn django(password: &str, rounds: u32) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let mut hash = [0; 32];
    pbkdf2::pbkdf2_hmac::<sha2::Sha256>(password.as_bytes(), b"saltsalt", rounds, &mut hash);
    format!("pbkdf2_sha256${rounds}$saltsalt${}", STANDARD.encode(hash))
}

#[tokio::test]
async fn hashes_of_every_kind_that_is_taken_are_checked() {
    let passwords = Passwords::new();
    let verify = async |password: &str, stored: &str| passwords.verify(password.into(), Some(stored.into())).await.expect("a core is free");
    let ours = passwords::new_hash("drivecash");
    assert!(ours.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{ours}");
    for (stored, outdated) in [(ours, false), (django("drivecash", 1_000), true)] {
        passwords::recognise(&stored).expect("it is taken");
        let right = verify("drivecash", &stored).await;
        assert_eq!((right.right, right.outdated), (true, outdated));
        assert!(!verify("drivecash ", &stored).await.right);
        assert!(!verify("", &stored).await.right);
    }
}

#[tokio::test]
async fn hashes_that_cannot_be_checked_or_cost_too_much_are_refused() {
    let huge = "$argon2id$v=19$m=262144,t=2,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let weak_kind = "$argon2i$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for stored in [
        "",
        "drivecash",
        "!",
        "md5$salt$hash",
        DJANGO,
        "pbkdf2_sha256$0$saltsalt$AAAA",
        huge,
        weak_kind,
        &django("x", 1_000).replace("$1000$", "$5000001$"),
    ] {
        passwords::recognise(stored).expect_err(stored);
        let verdict = Passwords::new().verify("x".into(), Some(stored.into())).await.expect("a core is free");
        assert!(!verdict.right, "{stored}");
    }
}

#[tokio::test]
async fn a_hash_of_the_origin_is_hashed_anew_at_the_first_good_login() {
    let house = House::opens_outside(&[]).await;
    let hash_of_grace = async || {
        let exported = house.cli(&["export"], "").await.ok();
        let lines = exported.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line is JSON"));
        let grace = lines.into_iter().find(|record| record["type"] == "user" && record["id"] == GRACE.id).expect("Grace is exported");
        grace["password_hash"].as_str().expect("she has a password").to_owned()
    };
    assert!(hash_of_grace().await.starts_with("pbkdf2_sha256$"));
    house.api_of_nobody().post("/api/auth/login/", json!({"phone": GRACE.phone, "password": "wrong"})).await.problem(401, "unauthorized");
    assert!(hash_of_grace().await.starts_with("pbkdf2_sha256$"), "a wrong password changes nothing");
    house.logs_in(GRACE, PASSWORD).await;
    assert!(hash_of_grace().await.starts_with("$argon2id$"));
    house.logs_in(GRACE, PASSWORD).await;
    house.closes().await;
}
