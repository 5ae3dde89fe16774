//! The origin's system: tokens of the real djangorestframework-simplejwt open the doors, hashes of the real Django log in.

use std::{fs, path::PathBuf};

use tokio::process::Command;

use crate::fixture::{tokens, *};

/// Releases whose tokens differ: since 5.5 `user_id` is written as a string.
const RELEASES: [(&str, &[&str]); 2] = [
    ("new", &["Django==5.2.8", "djangorestframework==3.16.1", "djangorestframework-simplejwt==5.5.1", "setuptools==80.9.0"]),
    ("old", &["Django==4.2.26", "djangorestframework==3.15.2", "djangorestframework-simplejwt==5.2.2", "setuptools==80.9.0"]),
];

/// What the real packages make.
struct Made {
    release: &'static str,
    facts: Value,
}

async fn run(what: &str, command: &mut Command) -> String {
    let output = command
        .output()
        .await
        .unwrap_or_else(|error| panic!("{what}: {error}. Install python3 with its venv and pip: apt-get install python3-venv"));
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{what} failed. It needs python3 with venv and pip (apt-get install python3-venv) and PyPI once: {err}"
    );
    String::from_utf8(output.stdout).expect("Python writes UTF-8")
}

/// An environment with the pinned packages, made once and kept beside the build. Tests of other processes wait for it.
async fn environment(name: &str, packages: &[&str]) -> PathBuf {
    let place = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("origin-{name}"));
    let pinned = packages.join(" ");
    let lock = fs::File::create(place.with_extension("lock")).expect("the target folder can be written");
    let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock))
        .await
        .expect("waiting does not panic")
        .expect("files can be locked");
    let mark = place.join("packages");
    if fs::read_to_string(&mark).unwrap_or_default() != pinned {
        run("python3 -m venv", Command::new("python3").args(["-m", "venv", "--clear"]).arg(&place)).await;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        run("pip install", Command::new(place.join("bin/python")).args(pip).args(packages)).await;
        fs::write(mark, pinned).expect("the environment can be written");
    }
    drop(lock);
    place.join("bin/python")
}

async fn make(releases: &[(&'static str, &[&str])]) -> Vec<Made> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/python/origin.py");
    let mut made = Vec::new();
    for &(release, packages) in releases {
        let python = environment(release, packages).await;
        let id = GRACE.id.to_string();
        let output = run("origin.py", Command::new(python).args([script, tokens::SECRET, &id, "the origin's password"])).await;
        made.push(Made { release, facts: serde_json::from_str(&output).expect("the script prints JSON") });
    }
    made
}

#[tokio::test]
async fn tokens_of_simplejwt_are_accepted() {
    let house = House::opens().await;
    for Made { release, facts } in make(&RELEASES).await {
        for (kind, token) in facts["access"].as_object().expect("tokens by kind") {
            let token = token.as_str().expect("a token");
            let me = house.api_with(token).get("/api/auth/me/").await;
            assert_eq!(me.status, 200, "{release}: {kind}: {}", me.text());
            assert_eq!(me.json()["id"], GRACE.id);
            let mut old = house.dial_room(token, GRACE.room).open().await;
            old.says(&format!("{release}: {kind}")).await;
        }
        let refresh = facts["refresh"].as_str().expect("a token");
        house.api_with(refresh).get("/api/auth/me/").await.problem(401, "unauthorized");
    }
    house.closes().await;
}

#[tokio::test]
async fn hashes_of_django_log_in_and_are_hashed_anew() {
    for Made { release, facts } in make(&RELEASES[..1]).await {
        let house = House::opens().await;
        let hash = facts["hash"].as_str().expect("a hash");
        assert!(hash.starts_with("pbkdf2_sha256$"), "{release}: {hash}");
        let line = json!({"type": "user", "id": GRACE.id, "phone": GRACE.phone, "name": "Grace", "role": "user", "password_hash": hash});
        house.cli(&["import", "-"], &line.to_string()).await.ok();
        let nobody = house.api_of_nobody();
        nobody.post("/api/auth/login/", json!({"phone": GRACE.phone, "password": "another password"})).await.problem(401, "unauthorized");
        assert!(house.cli(&["export"], "").await.ok().contains(hash), "{release}: a bad login changes nothing");
        house.logs_in(GRACE, "the origin's password").await;
        let exported = house.cli(&["export"], "").await.ok();
        assert!(!exported.contains(hash) && exported.contains("$argon2id$"), "{release}: hashed anew");
        house.logs_in(GRACE, "the origin's password").await;
        // A hash that nobody could check is refused when it is imported, not when somebody stands before the door.
        let line = json!({"type": "user", "id": 99, "phone": "99", "name": "Other", "role": "user", "password_hash": facts["other_hash"]});
        let refused = house.cli(&["import", "-"], &line.to_string()).await;
        assert_eq!(refused.code, 1);
        assert!(refused.err.contains("line 1") && refused.err.contains("password_hash"), "{release}: {}", refused.err);
        house.closes().await;
    }
}
