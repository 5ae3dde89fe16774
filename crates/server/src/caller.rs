//! Who is calling: a token becomes a person with a role, or an error.

use frontdesk_protocol::{Id, Role, Timestamp, User};

use crate::{accounts::tokens::Claims, app::App, error::Error};

/// What a token can be ended by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionRef {
    /// One of our own: the session's id.
    Ours(String),
    /// Made by another holder of the secret: the token's `jti`, if it has one.
    Foreign(Option<String>),
}

impl SessionRef {
    /// Our session's id.
    #[must_use]
    pub fn sid(&self) -> Option<&str> {
        match self {
            Self::Ours(sid) => Some(sid),
            Self::Foreign(_) => None,
        }
    }

    /// The foreign token's id.
    #[must_use]
    pub fn jti(&self) -> Option<&str> {
        match self {
            Self::Ours(_) => None,
            Self::Foreign(jti) => jti.as_deref(),
        }
    }
}

/// A person whose token is good.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The person, as stored now.
    pub user: User,
    /// What ends the token.
    pub session: SessionRef,
    /// When the token expires.
    pub expires_at: Timestamp,
    /// When it was issued, in seconds since the epoch (RFC 7519 `iat`); 0 if it does not say.
    pub issued_at: i64,
}

/// A caller who is an admin; asked for by whatever only admins may.
#[derive(Clone, Debug)]
pub struct Admin(pub Caller);

impl Caller {
    /// The caller as an admin.
    ///
    /// # Errors
    /// `Forbidden` for a user.
    pub fn admin(self) -> Result<Admin, Error> {
        match self.user.role {
            Role::Admin => Ok(Admin(self)),
            Role::User => Err(Error::Forbidden("only admins may do this".into())),
        }
    }

    /// The person's id.
    #[must_use]
    pub fn id(&self) -> Id {
        self.user.id
    }

    /// Whether the person is an admin.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.user.role == Role::Admin
    }
}

/// Finds out who holds a token (contract, section 2).
///
/// # Errors
/// `Unauthorized` if it is wrong, expired, revoked, or of a person who is unknown or disabled; `Unavailable` if that cannot be found out.
pub async fn identify(app: &App, token: &str) -> Result<Caller, Error> {
    Ok(identify_at(app, token, None).await?.0)
}

/// As [`identify`], with the owner of the room that the caller asks for: one question to the store instead of two.
///
/// # Errors
/// As [`identify`].
pub async fn identify_at(app: &App, token: &str, room_id: Option<Id>) -> Result<(Caller, Option<Id>), Error> {
    let claims = app.tokens.verify(token, Timestamp::now())?;
    let session = session_of(&claims);
    let found = app.store.authenticate(claims.user_id, session.sid(), session.jti(), room_id).await?;
    let Some(found) = found.filter(|found| !found.account.disabled) else {
        return Err(Error::Unauthorized("the token is of nobody who may sign in here".into()));
    };
    // Our own sessions are ended by their sid, so that a login in the very second of a change stays good.
    let too_old = session.sid().is_none() && claims.issued_at < found.account.tokens_after;
    if found.ended || too_old {
        return Err(Error::Unauthorized("the session has ended; sign in again".into()));
    }
    let caller = Caller { user: found.account.user, session, expires_at: claims.expires_at, issued_at: claims.issued_at };
    Ok((caller, found.room_owner))
}

fn session_of(claims: &Claims) -> SessionRef {
    match &claims.sid {
        Some(sid) => SessionRef::Ours(sid.clone()),
        None => SessionRef::Foreign(claims.jti.clone()),
    }
}
