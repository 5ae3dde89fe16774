//! People: accounts, their passwords and roles, and the search for them.

use frontdesk_protocol::{Id, Role, Timestamp, User};

use crate::{
    BadCursor, Error, Store,
    batch::Work,
    columns,
    search::{self, Needle},
    sessions,
    sql::{Connection, Dialect, Query, Row, query, query_scalar},
};

/// An account to be made.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The phone number that is the account's name.
    pub phone: String,
    /// The name shown to others.
    pub name: String,
    /// What the person may do.
    pub role: Role,
    /// The hash of the password; without one nobody can log in.
    pub password_hash: Option<String>,
}

/// What became of a new account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddOutcome {
    /// It was made.
    Added(Id),
    /// The phone number has an account.
    PhoneTaken,
}

/// An account with what only the server may see.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// The person.
    pub user: User,
    /// The phone number that is the account's name.
    pub phone: String,
    /// The hash of the password.
    pub password_hash: Option<String>,
    /// Whether the person is shut out.
    pub disabled: bool,
    /// Tokens without a session of ours (`sid`) whose `iat` (seconds) is smaller are refused. It is the second after the
    /// change, so that none from before it passes; our own tokens are judged by their session alone.
    pub tokens_after: i64,
    /// When the person was last here.
    pub last_seen: Option<Timestamp>,
}

/// Leaves the hash out, so that no log can hold it.
impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("user", &self.user).field("disabled", &self.disabled).finish_non_exhaustive()
    }
}

/// The columns of an account `u` for [`from_row`].
macro_rules! account_columns {
    () => {
        "u.id, u.phone, u.name, u.role, u.password_hash, u.disabled, u.tokens_after, u.last_seen"
    };
}
pub(crate) use account_columns;

pub(crate) fn from_row(row: &Row) -> sqlx::Result<Account> {
    Ok(Account {
        user: User { id: row.try_get("id")?, name: row.try_get("name")?, role: columns::role(row, "role")? },
        phone: row.try_get("phone")?,
        password_hash: row.try_get("password_hash")?,
        disabled: row.try_get("disabled")?,
        tokens_after: row.try_get("tokens_after")?,
        last_seen: columns::time_or_none(row, "last_seen")?,
    })
}

impl Store {
    /// Makes an account.
    pub async fn add_user(&self, new: NewUser) -> Result<AddOutcome, Error> {
        self.write(move |work| Box::pin(add(work, new))).await
    }

    /// Sets a password's hash; `end_sessions` is false when a good login only hashes anew. False: no such person.
    pub async fn set_password(&self, user_id: Id, password_hash: String, end_sessions: bool) -> Result<bool, Error> {
        self.write(move |work| {
            Box::pin(async move {
                let update = query("update users set password_hash = $2 where id = $1").bind(user_id).bind(password_hash);
                let found = update.execute(&mut work.connection).await? > 0;
                if found && end_sessions {
                    sessions::end_all(work, user_id).await?;
                }
                Ok(found)
            })
        })
        .await
    }

    /// Shuts a person out or lets them in again, and ends their sessions. False: no such person.
    pub async fn set_disabled(&self, user_id: Id, disabled: bool) -> Result<bool, Error> {
        self.write(move |work| {
            Box::pin(async move {
                query("update users set disabled = $2 where id = $1").bind(user_id).bind(disabled).execute(&mut work.connection).await?;
                sessions::end_all(work, user_id).await
            })
        })
        .await
    }

    /// Changes what a person may do, and ends their sessions. False: no such person.
    pub async fn set_role(&self, user_id: Id, role: Role) -> Result<bool, Error> {
        self.write(move |work| {
            Box::pin(async move {
                let role = columns::role_text(role);
                query("update users set role = $2 where id = $1").bind(user_id).bind(role).execute(&mut work.connection).await?;
                sessions::end_all(work, user_id).await
            })
        })
        .await
    }

    /// Notes when people were last here; only forward, and no room counts as changed.
    pub async fn touch_last_seen(&self, seen: Vec<(Id, Timestamp)>) -> Result<(), Error> {
        self.write(move |work| Box::pin(touch(work, seen))).await
    }

    /// A person's account.
    pub async fn account(&self, user_id: Id) -> Result<Option<Account>, Error> {
        let row = query(concat!("select ", account_columns!(), " from users u where u.id = $1"))
            .bind(user_id)
            .fetch_optional(&mut *self.reader().await?)
            .await?;
        Ok(row.as_ref().map(from_row).transpose()?)
    }

    /// The account of a phone number.
    pub async fn account_by_phone(&self, phone: &str) -> Result<Option<Account>, Error> {
        let row = query(concat!("select ", account_columns!(), " from users u where u.phone = $1"))
            .bind(phone)
            .fetch_optional(&mut *self.reader().await?)
            .await?;
        Ok(row.as_ref().map(from_row).transpose()?)
    }

    /// All accounts, by id.
    pub async fn accounts(&self) -> Result<Vec<Account>, Error> {
        let rows =
            query(concat!("select ", account_columns!(), " from users u order by u.id")).fetch_all(&mut *self.reader().await?).await?;
        Ok(rows.iter().map(from_row).collect::<sqlx::Result<_>>()?)
    }

    /// Whether there is any account.
    pub async fn has_accounts(&self) -> Result<bool, Error> {
        Ok(query_scalar("select exists (select 1 from users)").fetch_one(&mut *self.reader().await?).await?)
    }

    /// A page of people by name, found by part of the name or phone, and the cursor of the next page.
    pub async fn people(&self, q: &str, after: Option<&str>, limit: i64) -> Result<(Vec<User>, Option<String>), Error> {
        let after: Option<Id> = after.map(str::parse).transpose().map_err(|_| BadCursor)?;
        let mut reader = self.reader().await?;
        // One more than asked tells whether there is another page.
        let rows = page(&mut reader, Needle::new(q).as_ref(), after, limit.saturating_add(1)).await?;
        let wanted = usize::try_from(limit).unwrap_or(0).min(rows.len());
        let person = |row: &Row| Ok(User { id: row.try_get("id")?, name: row.try_get("name")?, role: columns::role(row, "role")? });
        let people = rows[..wanted].iter().map(person).collect::<sqlx::Result<Vec<_>>>()?;
        let next = people.last().filter(|_| rows.len() > wanted).map(|user| user.id.to_string());
        Ok((people, next))
    }
}

async fn page(connection: &mut Connection, needle: Option<&Needle>, after: Option<Id>, limit: i64) -> sqlx::Result<Vec<Row>> {
    let dialect = connection.dialect();
    let Some(needle) = needle else { return fetch(connection, |sql| listed(sql, after, limit)).await };
    let near = fetch(connection, |sql| found_near(sql, needle, after, limit)).await?;
    if near.len() as i64 == limit {
        return Ok(near);
    }
    fetch(connection, |sql| found_by_index(sql, dialect, needle, after, limit)).await
}

/// Reads the people whom a statement answers as `id`, by name.
async fn fetch(connection: &mut Connection, push_ids: impl FnOnce(&mut Query<'_>)) -> sqlx::Result<Vec<Row>> {
    let mut sql = query("select u.id, u.name, u.role from (");
    push_ids(&mut sql);
    sql.push(") page cross join users u where u.id = page.id order by u.search, u.id");
    sql.fetch_all(connection).await
}

fn listed(sql: &mut Query<'_>, after: Option<Id>, limit: i64) {
    // Nobody's text is empty: the list begins where the index does.
    sql.push("select u.id, u.search from users u where u.search > ''");
    begin_after(sql, after);
    in_order(sql, limit);
}

/// Whom the text means among the next people of the list.
fn found_near(sql: &mut Query<'_>, needle: &Needle, after: Option<Id>, limit: i64) {
    sql.push("select u.id from (");
    listed(sql, after, search::near(limit));
    sql.push(") u where u.search like ").push_bind(needle.pattern()).push(r" escape '\'");
    in_order(sql, limit);
}

/// All whom the text means.
fn found_by_index(sql: &mut Query<'_>, dialect: Dialect, needle: &Needle, after: Option<Id>, limit: i64) {
    sql.push("select u.id from (");
    needle.push_people(sql, dialect);
    sql.push(") found cross join users u where u.id = found.person");
    begin_after(sql, after);
    in_order(sql, limit);
}

fn begin_after(sql: &mut Query<'_>, after: Option<Id>) {
    if let Some(after) = after {
        sql.push(" and (u.search, u.id) > (select a.search, a.id from users a where a.id = ").push_bind(after).push(")");
    }
}

fn in_order(sql: &mut Query<'_>, limit: i64) {
    sql.push(" order by u.search, u.id limit ").push_bind(limit);
}

async fn add(work: &mut Work, new: NewUser) -> sqlx::Result<AddOutcome> {
    let added = query_scalar(
        "insert into users (phone, name, role, password_hash, search) values ($1, $2, $3, $4, $5) \
         on conflict (phone) do nothing returning id",
    )
    .bind(&new.phone)
    .bind(&new.name)
    .bind(columns::role_text(new.role))
    .bind(&new.password_hash)
    .bind(search::text_of(&new.name, &new.phone))
    .fetch_optional(&mut work.connection)
    .await?;
    Ok(added.map_or(AddOutcome::PhoneTaken, AddOutcome::Added))
}

async fn touch(work: &mut Work, seen: Vec<(Id, Timestamp)>) -> sqlx::Result<()> {
    let rows: Vec<_> = seen.into_iter().map(|(id, at)| (id, at.as_millis())).collect();
    query(
        "update users set last_seen = j.seen from \
         (select cast(value->>0 as bigint) as id, max(cast(value->>1 as bigint)) as seen from json_each($1) group by 1) j \
         where users.id = j.id and (users.last_seen is null or users.last_seen < j.seen)",
    )
    .bind(columns::json(&rows))
    .execute(&mut work.connection)
    .await?;
    Ok(())
}
