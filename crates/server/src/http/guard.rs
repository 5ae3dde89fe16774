//! What holds for every request: paths with and without the trailing slash, headers that keep browsers careful, whom other
//! origins' pages may call, and under which names a demo may be reached.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, Uri, header, uri::PathAndQuery},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::{
    app::App,
    config::{Config, Origin},
    error::Error,
};

/// Calls and sockets end in a slash; these do not.
const WITHOUT_SLASH: [&str; 4] = ["/healthz", "/readyz", "/metrics", "/api/openapi.json"];

/// Gives a request the path that the router knows.
pub fn canonical_path<B>(mut request: axum::http::Request<B>) -> axum::http::Request<B> {
    if let Some(uri) = canonical(request.uri()) {
        *request.uri_mut() = uri;
    }
    request
}

fn canonical(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    let bare = path.strip_suffix('/').unwrap_or(path);
    let wanted = if WITHOUT_SLASH.contains(&bare) {
        bare.to_owned()
    } else if path.starts_with("/api/") || path.starts_with("/ws/") {
        format!("{bare}/")
    } else {
        return None;
    };
    if wanted == path {
        return None;
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(format!("{wanted}{query}")).ok()?);
    Uri::from_parts(parts).ok()
}

/// Headers that no answer goes without; what a handler has set stays.
pub async fn careful(request: Request, next: Next) -> Response {
    let is_call = request.uri().path().starts_with("/api/");
    let mut answer = next.run(request).await;
    let headers = answer.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::X_FRAME_OPTIONS, "DENY");
    if is_call {
        set(header::CACHE_CONTROL, "no-store");
    }
    answer
}

/// A demo's passwords are known to everybody, so no page of another name may reach it by pointing that name at this machine.
pub async fn demo_host(State(app): State<App>, request: Request, next: Next) -> Response {
    if app.config.demo && !is_local(&request) {
        return Error::Forbidden("the demo is served to localhost, 127.0.0.0/8 and [::1] only".into()).into_response();
    }
    next.run(request).await
}

fn is_local(request: &Request) -> bool {
    let header = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let Some(host) = header.or_else(|| request.uri().authority().map(|authority| authority.as_str())) else { return false };
    let Ok(origin) = format!("http://{host}").parse::<Origin>() else { return false };
    origin.host() == "localhost"
        || origin.host() == "[::1]"
        || origin.host().parse::<Ipv4Addr>().is_ok_and(|address| IpAddr::V4(address).is_loopback())
}

/// Lets pages of the allowed origins call; `None` when there are none. No cookie is ever involved.
pub fn cors(config: &Config) -> Option<CorsLayer> {
    let allowed = config.allowed_origins.clone();
    if allowed.is_empty() {
        return None;
    }
    let known = move |origin: &HeaderValue| {
        let origin = origin.to_str().ok().and_then(Origin::of_header);
        origin.is_some_and(|origin| allowed.contains(&origin))
    };
    let layer = CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, _| known(origin)))
        .allow_methods([Method::GET, Method::POST, Method::PATCH])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, header::RANGE, header::IF_NONE_MATCH])
        .expose_headers([header::RETRY_AFTER, header::CONTENT_RANGE, header::ETAG, HeaderName::from_static("x-request-id")])
        .max_age(Duration::from_secs(600));
    Some(layer)
}
