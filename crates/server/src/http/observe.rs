//! Around every request: an id, a log line without anything secret, the counters, and an answer even when a handler panics.

use std::{panic::AssertUnwindSafe, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use futures_util::FutureExt;
use tracing::Instrument;
use uuid::Uuid;

use super::problem::{self, Refusal};
use crate::app::App;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// How paths without a route are counted: the paths themselves are the client's to choose.
const NO_ROUTE: &str = "other";

/// Watches a request from its head to the head of its answer.
pub async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = Uuid::now_v7().to_string();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or(NO_ROUTE, MatchedPath::as_str).to_owned();

    let span = tracing::info_span!("request", id, %method, route);
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span.clone()).await;
    let _entered = span.entered();
    let mut answer = answered.unwrap_or_else(|_| {
        tracing::error!("a handler panicked");
        problem::internal()
    });

    let status = answer.status().as_u16();
    app.metrics.answered(method.as_str(), &route, status);
    if let Some(Refusal(code)) = answer.extensions().get() {
        app.metrics.refused(*code);
    }
    tracing::debug!(status, took_ms = started.elapsed().as_millis() as u64, "answered");
    answer.headers_mut().insert(REQUEST_ID, HeaderValue::try_from(id).expect("a UUID is ASCII"));
    answer
}
