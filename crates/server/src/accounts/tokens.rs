//! Making and checking tokens: access tokens in the form of djangorestframework-simplejwt, and opaque refresh tokens, of
//! which only the hash is kept.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use frontdesk_protocol::{Id, Timestamp, limits};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rand::RngCore;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{config::Secret, error::Error};

const TOKEN_TYPE: &str = "access";
const REFRESH_PREFIX: &str = "r1.";

/// Signs and checks access tokens with the shared secret.
#[derive(Clone)]
pub struct Tokens {
    signing: EncodingKey,
    checking: DecodingKey,
    validation: Validation,
}

/// What a good access token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Whose it is.
    pub user_id: Id,
    /// Our session, if it is one of ours.
    pub sid: Option<String>,
    /// The token's own id, if it has one.
    pub jti: Option<String>,
    /// When it was issued, in seconds since the epoch; 0 if it does not say.
    pub issued_at: i64,
    /// From when on it is not accepted.
    pub expires_at: Timestamp,
}

#[derive(Serialize)]
struct Minted<'a> {
    token_type: &'static str,
    exp: i64,
    iat: i64,
    jti: String,
    user_id: Id,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
}

impl Tokens {
    /// With the secret that other holders may sign with, too.
    #[must_use]
    pub fn new(secret: &Secret) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        // The library counts the very second of `exp` as good and does not take the caller's time: both are judged below.
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let key = secret.reveal().as_bytes();
        Self { signing: EncodingKey::from_secret(key), checking: DecodingKey::from_secret(key), validation }
    }

    /// An access token, of a session or (for scripts) of none.
    #[must_use]
    pub fn mint(&self, user_id: Id, sid: Option<&str>, now: Timestamp, ttl_secs: i64) -> String {
        let iat = now.as_secs();
        let jti = Uuid::new_v4().simple().to_string();
        let claims = Minted { token_type: TOKEN_TYPE, exp: iat.saturating_add(ttl_secs), iat, jti, user_id, sid };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signing).expect("numbers and strings can be signed")
    }

    /// Checks signature, times and type.
    ///
    /// # Errors
    /// `Unauthorized`, with a reason that does not repeat the token.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, Error> {
        let claims = jsonwebtoken::decode::<Value>(token, &self.checking, &self.validation)
            .map_err(|_| unauthorized("the token is not valid"))?
            .claims;
        if claims["token_type"] != TOKEN_TYPE {
            return Err(unauthorized("the token is not an access token"));
        }
        let now_secs = now.as_millis() as f64 / 1_000.0;
        let exp = claims["exp"].as_f64().ok_or_else(|| unauthorized("the token does not say when it expires"))?;
        if exp <= now_secs {
            return Err(unauthorized("the token has expired"));
        }
        match &claims["nbf"] {
            Value::Null => {}
            nbf if nbf.as_f64().is_some_and(|nbf| nbf <= now_secs) => {}
            _ => return Err(unauthorized("the token is not valid yet")),
        }
        Ok(Claims {
            user_id: user_id(&claims["user_id"]).ok_or_else(|| unauthorized("the token names no user"))?,
            sid: text(&claims["sid"]),
            jti: text(&claims["jti"]),
            issued_at: claims["iat"].as_f64().unwrap_or_default() as i64,
            expires_at: Timestamp::from_millis((exp * 1_000.0) as i64),
        })
    }
}

fn unauthorized(reason: &str) -> Error {
    Error::Unauthorized(reason.into())
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// A number, or a string of digits as newer releases of simplejwt write it.
fn user_id(value: &Value) -> Option<Id> {
    let id = match value {
        Value::Number(number) => number.as_i64()?,
        Value::String(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok()?,
        _ => return None,
    };
    (1..=limits::ID_MAX).contains(&id).then_some(id)
}

/// A new refresh token and the hash to keep of it.
#[must_use]
pub fn new_refresh() -> (String, [u8; 32]) {
    let mut random = [0; 32];
    rand::rng().fill_bytes(&mut random);
    let token = format!("{REFRESH_PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
    let hash = Sha256::digest(token.as_bytes()).into();
    (token, hash)
}

/// The hash that a refresh token is known by; `None` if it has not the form of one.
#[must_use]
pub fn refresh_hash(token: &str) -> Option<[u8; 32]> {
    let random = URL_SAFE_NO_PAD.decode(token.strip_prefix(REFRESH_PREFIX)?).ok()?;
    (random.len() == 32).then(|| Sha256::digest(token.as_bytes()).into())
}
