//! The pages: the web build, embedded in the binary. Without one, the server says how to make it.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use rust_embed::{EmbeddedFile, RustEmbed};

/// Files whose name changes with their content.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
const NOT_BUILT: &str = "The pages are not built yet.\n\nRun `make build` (or `npm ci && npm run build` in web/), then start Frontdesk again.\nThe API and the WebSockets work without them.\n";

#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Dist;

/// The user's page.
pub async fn user(headers: HeaderMap) -> Response {
    page("user/index.html", &headers)
}

/// The admins' console.
pub async fn console(headers: HeaderMap) -> Response {
    page("console/index.html", &headers)
}

/// Any other file of the build.
pub fn file(path: &str, headers: &HeaderMap) -> Option<Response> {
    let name = path.strip_prefix('/')?;
    // Pages have their own paths, where they get their policy.
    if name.ends_with(".html") {
        return None;
    }
    let mut answer = encoded(name, headers)?;
    let caching = if name.starts_with("assets/") { IMMUTABLE } else { "no-cache" };
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    Some(answer)
}

fn page(name: &str, headers: &HeaderMap) -> Response {
    let mut answer = encoded(name, headers).unwrap_or_else(|| (StatusCode::SERVICE_UNAVAILABLE, NOT_BUILT).into_response());
    let set = answer.headers_mut();
    set.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    set.insert(header::CONTENT_SECURITY_POLICY, policy(headers));
    answer
}

/// Nothing from anywhere else, and nothing inline. Older Safari does not count the sockets of the same host as `'self'`.
fn policy(headers: &HeaderMap) -> HeaderValue {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).filter(|host| is_plain(host));
    let sockets = host.map(|host| format!(" ws://{host} wss://{host}")).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'{sockets}; font-src 'self'; \
         media-src 'self' blob:; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).expect("ASCII only")
}

/// Only what a host's name is made of may come into the policy.
fn is_plain(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
}

fn encoded(name: &str, headers: &HeaderMap) -> Option<Response> {
    let plain = Dist::get(name)?;
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let small = [("br", "br"), ("gzip", "gz")]
        .into_iter()
        .filter(|(encoding, _)| accepts(accepted, encoding))
        .find_map(|(encoding, ending)| Some((encoding, Dist::get(&format!("{name}.{ending}"))?)));
    let media = mime_guess::from_path(name).first_or_octet_stream();
    let (encoding, chosen) = small.map_or((None, plain), |(encoding, file)| (Some(encoding), file));

    let etag = etag(&chosen);
    let mut answer = if headers.get(header::IF_NONE_MATCH) == Some(&etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Body::from(chosen.data.into_owned()).into_response()
    };
    let set = answer.headers_mut();
    set.insert(header::ETAG, etag);
    set.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    set.insert(header::CONTENT_TYPE, media_type(media.as_ref()));
    if let Some(encoding) = encoding {
        set.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    Some(answer)
}

fn media_type(media: &str) -> HeaderValue {
    let text = media.starts_with("text/") || media == "image/svg+xml";
    let full = if text { format!("{media}; charset=utf-8") } else { media.to_owned() };
    HeaderValue::try_from(full).expect("media types are ASCII")
}

fn accepts(accepted: &str, encoding: &str) -> bool {
    accepted.split(',').any(|part| {
        let (name, quality) = part.split_once(';').unwrap_or((part, ""));
        name.trim().eq_ignore_ascii_case(encoding) && !quality.trim().replace(' ', "").starts_with("q=0;") && quality.trim() != "q=0"
    })
}

fn etag(file: &EmbeddedFile) -> HeaderValue {
    let hash: String = file.metadata.sha256_hash()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    HeaderValue::try_from(format!("\"{hash}\"")).expect("hexadecimal digits")
}
