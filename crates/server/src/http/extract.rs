//! What handlers ask for: the caller, the body, the path, the parameters. Each failure is one of our problems and names its field.

use std::{net::IpAddr, str::FromStr, time::Duration};

use axum::{
    body::{Bytes, to_bytes},
    extract::{ConnectInfo, FromRequest, FromRequestParts, Path, Request},
    http::{HeaderMap, header, request::Parts},
};
use frontdesk_protocol::{Id, body::FieldError};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{
    app::App,
    caller::{self, Admin, Caller},
    error::Error,
};

/// The largest JSON body: the longest message with every character written as an escaped surrogate pair.
const BODY_BYTES_MAX: usize = 128 * 1024;
/// Fields among which the wrong one is looked for; finding it takes their number squared.
const BLAMED_FIELDS_MAX: usize = 32;
/// How long a JSON body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

impl FromRequestParts<App> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let token = bearer(&parts.headers).ok_or_else(|| Error::Unauthorized("send an access token as Authorization: Bearer".into()))?;
        caller::identify(app, token).await
    }
}

impl FromRequestParts<App> for Admin {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        Caller::from_request_parts(parts, app).await?.admin()
    }
}

/// The token of `Authorization: Bearer`; the scheme is compared without case (RFC 9110).
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The address that attempts are counted by; `None` if everybody would share it.
pub struct From(pub Option<IpAddr>);

impl FromRequestParts<App> for From {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let peer = parts.extensions.get::<ConnectInfo<std::net::SocketAddr>>().map(|info| info.0);
        Ok(Self(peer.and_then(|peer| app.addresses.of(peer, &parts.headers))))
    }
}

/// The id in a path. What is no number names nothing, so it is absent.
pub struct PathId(pub Id);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let absent = || Error::NotFound("there is nothing at this path".into());
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| absent())?;
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| digits).map(Self).ok_or_else(absent)
    }
}

/// A JSON body.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _app: &App) -> Result<Self, Error> {
        let json = read_json(request).await?.ok_or_else(|| Error::BadRequest("the body is empty; send a JSON object".into()))?;
        decode(&json).map(Self)
    }
}

/// A JSON body that may be left out.
pub struct OptionalBody<T>(pub T);

impl<T: DeserializeOwned + Default> FromRequest<App> for OptionalBody<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _app: &App) -> Result<Self, Error> {
        read_json(request).await?.map_or_else(|| Ok(Self(T::default())), |json| decode(&json).map(Self))
    }
}

async fn read_json(request: Request) -> Result<Option<Bytes>, Error> {
    let is_json = is_json(request.headers());
    let body = tokio::time::timeout(BODY_TIMEOUT, to_bytes(request.into_body(), BODY_BYTES_MAX)).await;
    let bytes = body
        .map_err(|_| Error::BadRequest("the body did not arrive in time".into()))?
        .map_err(|_| Error::TooLarge(format!("a JSON body may have {BODY_BYTES_MAX} bytes")))?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if is_json { Ok(Some(bytes)) } else { Err(Error::UnsupportedMediaType("send the body as application/json".into())) }
}

/// A body without a type counts as JSON, since nothing else is taken here.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(declared) = headers.get(header::CONTENT_TYPE) else { return true };
    let media = declared.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media == "application/json" || media.starts_with("application/") && media.ends_with("+json")
}

/// 400 for what is not JSON; 422 for JSON that is not what was asked for.
fn decode<T: DeserializeOwned>(json: &[u8]) -> Result<T, Error> {
    let fields = match serde_json::from_slice(json) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) => return Err(Error::field("body", "must be a JSON object")),
        Err(error) => return Err(Error::BadRequest(format!("the body is not JSON: {error}"))),
    };
    if let Some((name, _)) = fields.iter().find(|(_, value)| value.as_str().is_some_and(|text| text.contains('\0'))) {
        return Err(Error::field(name, "must not contain U+0000"));
    }
    // From the text itself, so that a field given twice is refused and not silently the last.
    serde_json::from_slice(json).map_err(|error| blame::<T>(&fields, &error.to_string()))
}

/// serde says what is wrong, but not where: it is the field without which it says something else.
fn blame<T: DeserializeOwned>(fields: &Map<String, Value>, problem: &str) -> Error {
    let problem = problem.split(" at line ").next().unwrap_or(problem);
    if let Some(name) = quoted(problem, "missing field `") {
        return Error::field(name, "is required");
    }
    if let Some(name) = quoted(problem, "duplicate field `") {
        return Error::field(name, "is given twice");
    }
    if fields.len() > BLAMED_FIELDS_MAX {
        return Error::field("body", problem);
    }
    let decodes = |fields: Map<String, Value>| serde_json::from_value::<T>(Value::Object(fields)).map_err(|error| error.to_string());
    let without = |name: &String| fields.iter().filter(|(other, _)| *other != name).map(|(k, v)| (k.clone(), v.clone())).collect();
    let said = decodes(fields.clone()).err();
    let guilty = fields.keys().find(|name| decodes(without(name)).err() != said);
    Error::field(guilty.map_or("body", String::as_str), problem)
}

fn quoted<'a>(problem: &'a str, before: &str) -> Option<&'a str> {
    problem.strip_prefix(before)?.split('`').next()
}

/// The parameters of a query. Every wrong one is collected, so that a client sees all at once.
pub struct Params {
    pairs: Vec<(String, String)>,
    errors: Vec<FieldError>,
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let query = axum::extract::Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let axum::extract::Query(pairs) = query.map_err(|_| Error::BadRequest("the query cannot be read".into()))?;
        Ok(Self { pairs, errors: Vec::new() })
    }
}

impl Params {
    /// A text; an empty one counts as left out.
    pub fn text(&mut self, name: &str) -> Option<String> {
        let value = self.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())?;
        if value.contains('\0') {
            self.wrong(name, "must not contain U+0000");
            return None;
        }
        (!value.is_empty()).then_some(value)
    }

    /// A whole number within bounds.
    pub fn number(&mut self, name: &str, least: i64, most: i64) -> Option<i64> {
        let number = self.text(name)?.parse().ok().filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.wrong(name, &format!("must be a whole number from {least} to {most}"));
        }
        number
    }

    /// A word that names a value, as in JSON.
    pub fn word<T: DeserializeOwned>(&mut self, name: &str, choices: &str) -> Option<T> {
        let text = self.text(name)?;
        let value = serde_json::from_value(Value::String(text)).ok();
        if value.is_none() {
            self.wrong(name, &format!("must be {choices}"));
        }
        value
    }

    /// `1` or `true`; `0` or `false`; false if left out.
    pub fn flag(&mut self, name: &str) -> bool {
        match self.text(name).as_deref() {
            Some("1" | "true") => true,
            None | Some("0" | "false") => false,
            Some(_) => {
                self.wrong(name, "must be 1 or 0");
                false
            }
        }
    }

    /// Something opaque that an earlier page gave.
    pub fn cursor<T: FromStr>(&mut self, name: &str) -> Option<T> {
        let cursor = self.text(name)?.parse().ok();
        if cursor.is_none() {
            self.wrong(name, "must be the `next` of an earlier page");
        }
        cursor
    }

    /// Notes a parameter as wrong.
    pub fn wrong(&mut self, name: &str, message: &str) {
        self.errors.push(FieldError { field: name.into(), message: message.into() });
    }

    /// All that was wrong.
    pub fn judged(self) -> Result<(), Error> {
        if self.errors.is_empty() { Ok(()) } else { Err(Error::Invalid(self.errors)) }
    }
}
