//! The OpenAPI 3.1 document, made from the handlers, so that it cannot tell anything else than they do.

use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use super::router;

/// What the document says beside the calls.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Frontdesk",
        description = "Real-time support chat. Errors are RFC 9457 problem+json with a stable `code`; paths are served with and without the trailing slash. The WebSocket protocol is described in docs/protocol.md.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    modifiers(&Bearer),
    security(("bearer" = [])),
    tags(
        (name = "auth", description = "Signing in and out"),
        (name = "rooms", description = "Conversations"),
        (name = "messages", description = "History and sending"),
        (name = "attachments", description = "Files of messages"),
        (name = "users", description = "People, for admins"),
        (name = "server", description = "For login pages and operators")
    )
)]
pub(super) struct Api;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        document.components.get_or_insert_default().add_security_scheme("bearer", SecurityScheme::Http(bearer));
    }
}

/// The document as `/api/openapi.json` serves it and `frontdesk openapi` prints it.
#[must_use]
pub fn document() -> String {
    to_text(router::calls().get_openapi())
}

pub(super) fn to_text(document: &utoipa::openapi::OpenApi) -> String {
    let mut text = document.to_pretty_json().expect("the document is plain data");
    text.push('\n');
    text
}
