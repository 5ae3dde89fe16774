//! Secrets among the settings: they may stand in a file, and are never repeated.

use crate::fixture::{process::command, *};

async fn fails_to_serve(folder: &std::path::Path, args: &[&str], variables: &[(&str, &str)]) -> String {
    let mut serve = command(folder, &["serve"]);
    serve.args(args).envs(variables.iter().copied());
    let ran = process::finish(&mut serve, "").await;
    assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?} {variables:?}: {ran:?}");
    ran.err
}

#[tokio::test]
async fn a_secret_may_stand_in_a_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("secret");
    std::fs::write(&path, "short\n").expect("the folder can be written");
    let path = path.to_str().expect("a path in ASCII");
    let said = fails_to_serve(folder.path(), &[], &[("FRONTDESK_JWT_SECRET_FILE", path)]).await;
    assert!(said.contains("FRONTDESK_JWT_SECRET") && !said.contains("short\n"), "{said}");
    let long = "x".repeat(32);
    let both = fails_to_serve(folder.path(), &[], &[("FRONTDESK_JWT_SECRET_FILE", path), ("FRONTDESK_JWT_SECRET", &long)]).await;
    assert!(both.contains("FRONTDESK_JWT_SECRET_FILE"), "{both}");
}
