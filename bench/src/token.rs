//! Access tokens as another holder of the shared secret makes them.

use std::time::{SystemTime, UNIX_EPOCH};

use frontdesk_protocol::Id;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

/// The secret that the harness and its servers share.
pub const SECRET: &str = "known-to-the-harness-and-its-servers-only";
/// Longer than any run.
const TTL_SECS: u64 = 24 * 3_600;

/// An access token of a person.
#[must_use]
pub fn of(user_id: Id) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970").as_secs();
    let jti = uuid::Uuid::new_v4().simple().to_string();
    let claims = json!({"token_type": "access", "exp": now + TTL_SECS, "iat": now, "jti": jti, "user_id": user_id});
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).expect("numbers and strings can be signed")
}
