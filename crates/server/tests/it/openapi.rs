//! The OpenAPI document that is committed is what the code says.

use frontdesk::http::openapi;

#[test]
fn the_committed_document_is_what_the_code_says() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let committed = std::fs::read_to_string(path).expect("docs/openapi.json is there");
    assert!(committed == openapi::document(), "docs/openapi.json is not what the code says; run `make gen` and commit it");
}
