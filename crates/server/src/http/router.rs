//! Every route of the server on one page.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{Method, Uri, header},
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use tower::{Layer, util::MapRequestLayer};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{assets, attachments, auth, guard, health, messages, multipart, observe, openapi, options, rooms, users};
use crate::{app::App, error::Error, socket};

/// The calls that the OpenAPI document describes.
pub(super) fn calls() -> OpenApiRouter<App> {
    let attachments = OpenApiRouter::new()
        .routes(routes!(attachments::get))
        .routes(routes!(attachments::thumbnail))
        .route_layer(from_fn(attachments::harmless));
    OpenApiRouter::with_openapi(openapi::Api::openapi())
        .routes(routes!(auth::login))
        .routes(routes!(auth::refresh))
        .routes(routes!(auth::logout))
        .routes(routes!(auth::me))
        .routes(routes!(auth::password))
        .routes(routes!(rooms::list, rooms::open))
        .routes(routes!(rooms::summary))
        .routes(routes!(rooms::get, rooms::patch))
        .routes(routes!(rooms::read))
        .routes(routes!(messages::history, messages::send))
        .merge(attachments)
        .routes(routes!(users::search))
        .routes(routes!(options::get))
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
        .routes(routes!(health::metrics))
}

/// Calls, sockets and pages, ready to be served.
pub fn router(app: &App) -> Router {
    let (calls, document) = calls().split_for_parts();
    let document = openapi::to_text(&document);
    let described = get(move || async move { ([(header::CONTENT_TYPE, "application/json")], document) });
    let mut router = calls
        .route("/api/openapi.json", described)
        .merge(socket::routes())
        .route("/", get(assets::user))
        .route("/console", get(assets::console))
        .route("/console/", get(assets::console))
        .method_not_allowed_fallback(async || Error::MethodNotAllowed)
        .fallback(elsewhere)
        .layer(DefaultBodyLimit::max(multipart::BODY_BYTES_MAX));
    if let Some(cors) = guard::cors(&app.config) {
        router = router.layer(cors);
    }
    let router = router
        .layer(from_fn_with_state(app.clone(), guard::demo_host))
        .layer(from_fn(guard::careful))
        .layer(from_fn_with_state(app.clone(), observe::observe))
        .with_state(app.clone());
    Router::new().fallback_service(MapRequestLayer::new(guard::canonical_path).layer(router))
}

/// Files of the web build, and nothing else.
async fn elsewhere(method: Method, uri: Uri, headers: axum::http::HeaderMap) -> Response {
    let file = (method == Method::GET || method == Method::HEAD).then(|| assets::file(uri.path(), &headers)).flatten();
    file.unwrap_or_else(|| Error::NotFound("there is nothing at this path".into()).into_response())
}
