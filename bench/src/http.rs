//! The HTTP door for one person: calls that may fail, and answers that are judged by whoever asked.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Client, Method, RequestBuilder, multipart::Form};
use serde_json::Value;

/// Calls to one address as one person.
#[derive(Clone, Debug)]
pub struct Api {
    client: Client,
    base: String,
    token: String,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// When to ask again, if the server says so.
    pub retry_after: Option<Duration>,
    /// The body.
    pub body: Vec<u8>,
}

impl Api {
    /// Each call has a connection of its own, so that a fault hits one call. It waits no longer than `patience`.
    ///
    /// # Panics
    /// If the system has no sockets at all.
    #[must_use]
    pub fn new(address: &str, token: &str, patience: Duration) -> Self {
        let client = Client::builder().pool_max_idle_per_host(0).timeout(patience).build().expect("a client needs nothing");
        Self { client, base: format!("http://{address}"), token: token.into() }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token)
    }

    /// Reads.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        answer(self.request(Method::GET, path)).await
    }

    /// Reads JSON, which must be there.
    ///
    /// # Errors
    /// When no answer comes, or another than 200.
    pub async fn read(&self, path: &str) -> Result<Value> {
        let answer = self.get(path).await?;
        ensure!(answer.status == 200, "GET {path} answered {} {}", answer.status, String::from_utf8_lossy(&answer.body));
        answer.json()
    }

    /// Posts JSON.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        answer(self.request(Method::POST, path).json(body)).await
    }

    /// Changes something.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Answer> {
        answer(self.request(Method::PATCH, path).json(body)).await
    }

    /// Posts a form with files.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn upload(&self, path: &str, form: Form) -> Result<Answer> {
        answer(self.request(Method::POST, path).multipart(form)).await
    }
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Errors
    /// When it is none.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body).context("the server speaks JSON")
    }
}

async fn answer(request: RequestBuilder) -> Result<Answer> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    let seconds = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    Ok(Answer { status, retry_after: seconds.map(Duration::from_secs), body: response.bytes().await?.to_vec() })
}
