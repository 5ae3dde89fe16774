//! Sessions: families of refresh tokens (stored as SHA-256 only), revoked foreign tokens, and the list of revocations
//! by which every node learns what to close.

use frontdesk_protocol::{Id, Timestamp, limits};
use uuid::Uuid;

use crate::{
    Account, Error, Store,
    batch::Work,
    people,
    sql::{self, Dialect, Row, query, query_as, query_scalar},
};

/// What became of a refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RotateOutcome {
    /// The new hash stands in the same family.
    Rotated {
        /// The session.
        sid: String,
        /// Whose.
        user_id: Id,
    },
    /// It had been replaced too long ago: somebody has a copy, so the family was ended.
    Reused,
    /// Unknown, expired, ended, or the person is disabled.
    Unknown,
}

/// What a request needs to know about its caller, in one read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticated {
    /// The account; it may be disabled.
    pub account: Account,
    /// Whether the session or the foreign token was ended.
    pub ended: bool,
    /// Whose room was asked for; `None` if there is none.
    pub room_owner: Option<Id>,
}

/// Something that was revoked: a session, a foreign token, or (neither) all that a person had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Its place in the list.
    pub id: i64,
    /// Whose.
    pub user_id: Id,
    /// The session.
    pub sid: Option<String>,
    /// The foreign token.
    pub jti: Option<String>,
    /// With neither: every session there was, and foreign tokens with an earlier `iat` (seconds).
    pub before_iat: i64,
}

/// How long what was ended is remembered: longer than any of our access tokens lives, or a node sleeps.
const ENDED_KEPT_MS: i64 = 24 * 3_600 * 1_000;

impl Store {
    /// Starts a session and answers its id.
    pub async fn create_session(&self, user_id: Id, refresh_hash: [u8; 32]) -> Result<String, Error> {
        self.write(move |work| Box::pin(create(work, user_id, refresh_hash))).await
    }

    /// Replaces a refresh token.
    pub async fn rotate(&self, refresh_hash: [u8; 32], new_hash: [u8; 32]) -> Result<RotateOutcome, Error> {
        self.write(move |work| Box::pin(rotate(work, refresh_hash, new_hash))).await
    }

    /// Ends a session.
    pub async fn end_session(&self, sid: &str) -> Result<(), Error> {
        let sid = sid.to_owned();
        self.write(move |work| Box::pin(async move { end(work, &sid).await })).await
    }

    /// Ends everything that a person has: sessions, and foreign tokens from before now.
    pub async fn end_all_sessions(&self, user_id: Id) -> Result<(), Error> {
        self.write(move |work| Box::pin(async move { end_all(work, user_id).await.map(drop) })).await
    }

    /// Ends a foreign token.
    pub async fn revoke_jti(&self, user_id: Id, jti: &str, expires_at: Timestamp) -> Result<(), Error> {
        let jti = jti.to_owned();
        self.write(move |work| Box::pin(async move { revoke(work, user_id, &jti, expires_at).await })).await
    }

    /// Forgets what has expired: sessions, refresh tokens, revoked tokens and old revocations.
    pub async fn prune(&self) -> Result<(), Error> {
        self.write(|work| Box::pin(prune(work))).await
    }

    /// A caller's account, whether the session or foreign token was ended, and whose room it is that they ask for, if they ask for
    /// one. `None`: no such person.
    pub async fn authenticate(
        &self,
        user_id: Id,
        sid: Option<&str>,
        jti: Option<&str>,
        room_id: Option<Id>,
    ) -> Result<Option<Authenticated>, Error> {
        let row = query(concat!(
            "select ",
            people::account_columns!(),
            ", exists (select 1 from sessions s where s.sid = $2 and s.user_id = u.id and s.ended_at is null and s.expires_at > $4) as lives, \
             exists (select 1 from revoked_tokens t where t.user_id = u.id and t.jti = $3) as revoked, \
             (select r.user_id from rooms r where r.id = $5) as room_owner from users u where u.id = $1",
        ))
        .bind(user_id)
        .bind(sid)
        .bind(jti)
        .bind(self.now().as_millis())
        .bind(room_id)
        .fetch_optional(&mut *self.reader().await?)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let (lives, revoked): (bool, bool) = (row.try_get("lives")?, row.try_get("revoked")?);
        let ended = revoked || (sid.is_some() && !lives);
        Ok(Some(Authenticated { account: people::from_row(&row)?, ended, room_owner: row.try_get("room_owner")? }))
    }

    /// What was revoked since a place in the list, oldest first, and the place where it goes on. PostgreSQL shows some of it again:
    /// a smaller number may have been committed after a larger one.
    pub async fn revocations_after(&self, place: i64) -> Result<(Vec<Revocation>, i64), Error> {
        let mut reader = self.reader().await?;
        let (place_column, end) = match reader.dialect() {
            Dialect::Sqlite => ("id", query_scalar("select coalesce(max(id), 0) from revocations").fetch_one(&mut reader).await?),
            Dialect::Postgres => ("version", sql::all_ended(&mut reader).await?),
        };
        let mut sql = query("select id, user_id, sid, jti, before_iat from revocations where ");
        sql.push(place_column).push(" > ").push_bind(place).push(" order by id");
        let rows = sql.fetch_all(&mut reader).await?;
        Ok((rows.iter().map(from_row).collect::<sqlx::Result<_>>()?, end))
    }

    /// Where the list of revocations ends now.
    pub async fn last_revocation(&self) -> Result<i64, Error> {
        Ok(self.revocations_after(i64::MAX).await?.1)
    }
}

fn from_row(row: &Row) -> sqlx::Result<Revocation> {
    Ok(Revocation {
        id: row.try_get("id")?,
        user_id: row.try_get("user_id")?,
        sid: row.try_get("sid")?,
        jti: row.try_get("jti")?,
        before_iat: row.try_get("before_iat")?,
    })
}

fn expiry(now: Timestamp) -> i64 {
    now.plus_millis(limits::REFRESH_TTL_SECS * 1_000).as_millis()
}

async fn create(work: &mut Work, user_id: Id, hash: [u8; 32]) -> sqlx::Result<String> {
    let sid = Uuid::new_v4().to_string();
    query("insert into sessions (sid, user_id, created_at, expires_at) values ($1, $2, $3, $4)")
        .bind(&sid)
        .bind(user_id)
        .bind(work.now.as_millis())
        .bind(expiry(work.now))
        .execute(&mut work.connection)
        .await?;
    insert_token(work, &sid, hash).await?;
    Ok(sid)
}

async fn insert_token(work: &mut Work, sid: &str, hash: [u8; 32]) -> sqlx::Result<()> {
    query("insert into refresh_tokens (hash, sid, created_at) values ($1, $2, $3)")
        .bind(&hash[..])
        .bind(sid)
        .bind(work.now.as_millis())
        .execute(&mut work.connection)
        .await?;
    Ok(())
}

/// Two tabs, or an answer that was lost, may use a token again shortly after it was replaced; later somebody has a copy.
async fn rotate(work: &mut Work, hash: [u8; 32], new_hash: [u8; 32]) -> sqlx::Result<RotateOutcome> {
    let mut select = query_as::<(String, Id, Option<i64>)>(
        "select t.sid, s.user_id, t.replaced_at from refresh_tokens t join sessions s on s.sid = t.sid \
         join users u on u.id = s.user_id where t.hash = $1 and s.ended_at is null and s.expires_at > $2 and not u.disabled",
    );
    if work.connection.dialect() == Dialect::Postgres {
        // The same token may be used on another node now.
        select.push(" for update of s, t");
    }
    let found = select.bind(&hash[..]).bind(work.now.as_millis()).fetch_optional(&mut work.connection).await?;
    let Some((sid, user_id, replaced_at)) = found else { return Ok(RotateOutcome::Unknown) };
    if replaced_at.is_some_and(|at| work.now.as_millis() - at > limits::REFRESH_REUSE_SECS * 1_000) {
        end(work, &sid).await?;
        return Ok(RotateOutcome::Reused);
    }
    query("update refresh_tokens set replaced_at = coalesce(replaced_at, $2) where hash = $1")
        .bind(&hash[..])
        .bind(work.now.as_millis())
        .execute(&mut work.connection)
        .await?;
    insert_token(work, &sid, new_hash).await?;
    query("update sessions set expires_at = $2 where sid = $1").bind(&sid).bind(expiry(work.now)).execute(&mut work.connection).await?;
    Ok(RotateOutcome::Rotated { sid, user_id })
}

async fn end(work: &mut Work, sid: &str) -> sqlx::Result<()> {
    let user_id: Option<Id> = query_scalar("update sessions set ended_at = $2 where sid = $1 and ended_at is null returning user_id")
        .bind(sid)
        .bind(work.now.as_millis())
        .fetch_optional(&mut work.connection)
        .await?;
    match user_id {
        Some(user_id) => note(work, user_id, Some(sid), None).await,
        None => Ok(()),
    }
}

/// False: no such person.
pub(crate) async fn end_all(work: &mut Work, user_id: Id) -> sqlx::Result<bool> {
    let found = query("update users set tokens_after = $2 where id = $1")
        .bind(user_id)
        .bind(next_second(work.now))
        .execute(&mut work.connection)
        .await?;
    if found == 0 {
        return Ok(false);
    }
    query("update sessions set ended_at = $2 where user_id = $1 and ended_at is null")
        .bind(user_id)
        .bind(work.now.as_millis())
        .execute(&mut work.connection)
        .await?;
    note(work, user_id, None, None).await?;
    Ok(true)
}

/// A foreign token tells only the second in which it was made, so that second goes as a whole.
fn next_second(now: Timestamp) -> i64 {
    now.as_secs() + 1
}

async fn revoke(work: &mut Work, user_id: Id, jti: &str, expires_at: Timestamp) -> sqlx::Result<()> {
    query("insert into revoked_tokens (user_id, jti, expires_at) values ($1, $2, $3) on conflict (user_id, jti) do nothing")
        .bind(user_id)
        .bind(jti)
        .bind(expires_at.as_millis())
        .execute(&mut work.connection)
        .await?;
    note(work, user_id, None, Some(jti)).await
}

async fn note(work: &mut Work, user_id: Id, sid: Option<&str>, jti: Option<&str>) -> sqlx::Result<()> {
    query("insert into revocations (user_id, sid, jti, before_iat, created_at) values ($1, $2, $3, $4, $5)")
        .bind(user_id)
        .bind(sid)
        .bind(jti)
        .bind(next_second(work.now))
        .bind(work.now.as_millis())
        .execute(&mut work.connection)
        .await?;
    Ok(())
}

/// Tokens of a session go with it; a session that is gone counts as ended.
async fn prune(work: &mut Work) -> sqlx::Result<()> {
    let now = work.now.as_millis();
    let statements = [
        ("delete from sessions where expires_at <= $1", now),
        ("delete from sessions where ended_at <= $1", now - ENDED_KEPT_MS),
        ("delete from refresh_tokens where created_at <= $1", now - limits::REFRESH_TTL_SECS * 1_000),
        ("delete from revoked_tokens where expires_at <= $1", now),
        ("delete from revocations where created_at <= $1", now - ENDED_KEPT_MS),
    ];
    for (statement, before) in statements {
        query(statement).bind(before).execute(&mut work.connection).await?;
    }
    Ok(())
}
