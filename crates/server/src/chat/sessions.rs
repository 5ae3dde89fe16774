//! Signing in and out: login, refresh with rotation, logout, changing one's password.

use std::net::IpAddr;

use frontdesk_protocol::{
    Id, Timestamp, User,
    body::{LoginAnswer, LoginRequest, PasswordRequest, RefreshRequest, TokenPair},
    limits::{ACCESS_TTL_SECS, PASSWORD_BYTES_MAX, PASSWORD_BYTES_MIN, PHONE_BYTES_MAX},
};
use frontdesk_store::RotateOutcome;

use crate::{
    accounts::tokens,
    app::App,
    bus::Hint,
    caller::{Caller, SessionRef},
    error::Error,
};

/// Begins a session. An unknown phone, a disabled account and a wrong password cannot be told apart, by time neither.
///
/// # Errors
/// `Unauthorized`; `Invalid` for what is too long; `RateLimited`.
pub async fn login(app: &App, address: Option<IpAddr>, request: LoginRequest) -> Result<LoginAnswer, Error> {
    at_most("phone", &request.phone, PHONE_BYTES_MAX)?;
    at_most("password", &request.password, PASSWORD_BYTES_MAX)?;
    try_once(app, &request.phone, address)?;

    let account = app.store.account_by_phone(&request.phone).await?.filter(|account| !account.disabled);
    let stored = account.as_ref().and_then(|account| account.password_hash.clone());
    let verdict = app.passwords.verify(request.password.clone(), stored).await?;
    let Some(account) = account.filter(|_| verdict.right) else {
        return Err(Error::Unauthorized("the phone or the password is wrong".into()));
    };
    if verdict.outdated {
        let anew = app.passwords.hash(request.password).await?;
        app.store.set_password(account.user.id, anew, false).await?;
    }
    let pair = begin(app, account.user.id).await?;
    Ok(LoginAnswer { access: pair.access, refresh: pair.refresh, user: account.user })
}

/// A new pair for a refresh token. One that was replaced long ago ends its whole session: somebody else has used it.
///
/// # Errors
/// `Unauthorized` if it is unknown, expired, ended or was used before.
pub async fn refresh(app: &App, request: &RefreshRequest) -> Result<TokenPair, Error> {
    let ended = || Error::Unauthorized("the session has ended; sign in again".into());
    let used = tokens::refresh_hash(&request.refresh).ok_or_else(ended)?;
    let (refresh, hash) = tokens::new_refresh();
    match app.store.rotate(used, hash).await? {
        RotateOutcome::Rotated { sid, user_id } => Ok(TokenPair { access: mint(app, user_id, &sid), refresh }),
        RotateOutcome::Reused => {
            tracing::warn!("a refresh token was used again after its replacement; its session is ended");
            Err(ended())
        }
        RotateOutcome::Unknown => Err(ended()),
    }
}

/// Ends this session, or all of the person's.
///
/// # Errors
/// `NotDurable` if it could not be stored.
pub async fn logout(app: &App, caller: &Caller, all: bool) -> Result<(), Error> {
    match &caller.session {
        _ if all => app.store.end_all_sessions(caller.id()).await?,
        SessionRef::Ours(sid) => app.store.end_session(sid).await?,
        SessionRef::Foreign(Some(jti)) => app.store.revoke_jti(caller.id(), jti, caller.expires_at).await?,
        SessionRef::Foreign(None) => app.store.end_all_sessions(caller.id()).await?,
    }
    ended(app);
    Ok(())
}

/// Changes the caller's password. It ends every session, as a thief may hold one, and begins a new one for the caller.
///
/// # Errors
/// `Invalid` if the old one is wrong or the new one too short or too long; `RateLimited`.
pub async fn change_password(app: &App, caller: &Caller, address: Option<IpAddr>, request: PasswordRequest) -> Result<TokenPair, Error> {
    at_most("old_password", &request.old_password, PASSWORD_BYTES_MAX)?;
    at_most("new_password", &request.new_password, PASSWORD_BYTES_MAX)?;
    if request.new_password.len() < PASSWORD_BYTES_MIN {
        return Err(Error::field("new_password", format!("must have at least {PASSWORD_BYTES_MIN} bytes")));
    }
    try_once(app, &format!("id {}", caller.id()), address)?;
    let stored = app.store.account(caller.id()).await?.and_then(|account| account.password_hash);
    if !app.passwords.verify(request.old_password, stored).await?.right {
        return Err(Error::field("old_password", "is not the password until now"));
    }
    let anew = app.passwords.hash(request.new_password).await?;
    app.store.set_password(caller.id(), anew, true).await?;
    ended(app);
    begin(app, caller.id()).await
}

/// Whether anybody can sign in at all.
///
/// # Errors
/// `Unavailable` if the store cannot be read.
pub async fn has_accounts(app: &App) -> Result<bool, Error> {
    Ok(app.store.has_accounts().await?)
}

/// The caller, as others see them.
#[must_use]
pub fn me(caller: &Caller) -> User {
    caller.user.clone()
}

/// Counts a try on every node.
fn try_once(app: &App, who: &str, address: Option<IpAddr>) -> Result<(), Error> {
    app.logins.try_once(who, address)?;
    if let Some(address) = address {
        app.bus.tell(Hint::Tried { who: who.to_owned(), address });
    }
    Ok(())
}

/// Sessions have ended: their connections are to be closed, on every node.
fn ended(app: &App) {
    app.scan_now.notify_one();
    app.bus.tell(Hint::Ended);
}

async fn begin(app: &App, user_id: Id) -> Result<TokenPair, Error> {
    let (refresh, hash) = tokens::new_refresh();
    let sid = app.store.create_session(user_id, hash).await?;
    Ok(TokenPair { access: mint(app, user_id, &sid), refresh })
}

fn mint(app: &App, user_id: Id, sid: &str) -> String {
    app.tokens.mint(user_id, Some(sid), Timestamp::now(), ACCESS_TTL_SECS)
}

fn at_most(field: &str, value: &str, bytes: usize) -> Result<(), Error> {
    if value.len() > bytes { Err(Error::field(field, format!("must have at most {bytes} bytes"))) } else { Ok(()) }
}
