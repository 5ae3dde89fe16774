//! One way to say SQL to both databases: statements with their values, connections and rows.
//!
//! A statement's text is the same for both wherever they agree; it asks [`Connection::dialect`] where they do not.

mod value;

use std::{borrow::Cow, fmt, marker::PhantomData, time::Duration};

use frontdesk_protocol::Id;
use sqlx::{
    AssertSqlSafe, ColumnIndex, Connection as _, Decode, FromRow, Postgres, Row as _, Sqlite, Type,
    postgres::{PgArguments, PgConnection, PgRow},
    sqlite::{SqliteConnection, SqliteRow},
};

use tokio::time::timeout;

use value::{for_postgres, for_sqlite};

pub(crate) use value::Value;

/// How long a statement on PostgreSQL may take, its way there and back included.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(12);

/// Which database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// Begins a transaction that reads everything as it is at one moment.
    pub(crate) fn snapshot(self) -> &'static str {
        match self {
            Self::Sqlite => "begin",
            Self::Postgres => "begin isolation level repeatable read, read only",
        }
    }
}

/// A connection to either.
#[derive(Debug)]
pub(crate) enum Connection {
    Sqlite(SqliteConnection),
    Postgres(Session),
}

/// A connection to PostgreSQL, and whether it is of any more use.
#[derive(Debug)]
pub(crate) struct Session {
    connection: PgConnection,
    broken: bool,
}

impl From<SqliteConnection> for Connection {
    fn from(connection: SqliteConnection) -> Self {
        Self::Sqlite(connection)
    }
}

impl From<PgConnection> for Connection {
    fn from(connection: PgConnection) -> Self {
        Self::Postgres(Session { connection, broken: false })
    }
}

impl Connection {
    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Whether it was seen to have ended.
    pub(crate) fn is_broken(&self) -> bool {
        matches!(self, Self::Postgres(session) if session.broken)
    }

    /// Asks a server whether it is still there; a file always is.
    pub(crate) async fn is_alive(&mut self) -> bool {
        match self {
            Self::Sqlite(_) => true,
            Self::Postgres(session) => within(session.connection.ping()).await.is_ok(),
        }
    }

    pub(crate) async fn close(self) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(connection) => connection.close().await,
            Self::Postgres(session) => session.connection.close().await,
        }
    }
}

impl Session {
    /// For what only PostgreSQL understands: arrays.
    pub(crate) async fn fetch_all(&mut self, query: sqlx::query::Query<'_, Postgres, PgArguments>) -> sqlx::Result<Vec<Row>> {
        let rows = within(query.fetch_all(&mut self.connection)).await;
        Ok(self.noted(rows)?.into_iter().map(Row::Postgres).collect())
    }

    /// Notes an error after which the server has left, or may have.
    fn noted<T>(&mut self, result: sqlx::Result<T>) -> sqlx::Result<T> {
        self.broken |= result.as_ref().is_err_and(is_lost);
        result
    }
}

/// Whether an error means that the connection is gone, not that the statement was refused. Class 57P is the operator's doing, 08 the
/// network's (PostgreSQL, appendix A).
pub(crate) fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::Tls(_) | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code.starts_with("57P") || code.starts_with("08")),
        _ => false,
    }
}

/// Whether the same transaction may come about when it is tried again: the server said that it has not (PostgreSQL, appendix A). Class 40
/// is a conflict with another node, 23505 a message that another node stored meanwhile.
pub(crate) fn is_worth_repeating(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    is_lost(error) || code.is_some_and(|code| code.starts_with("40") || ["23505", "53300", "55P03", "57014"].contains(&&*code))
}

/// A row of either.
#[derive(Debug)]
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    pub(crate) fn try_get<'r, T, I>(&'r self, index: I) -> sqlx::Result<T>
    where
        I: ColumnIndex<SqliteRow> + ColumnIndex<PgRow>,
        T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>,
    {
        match self {
            Self::Sqlite(row) => row.try_get(index),
            Self::Postgres(row) => row.try_get(index),
        }
    }
}

/// What becomes of a row.
pub(crate) trait Shape {
    type Out;

    fn of(row: Row) -> sqlx::Result<Self::Out>;
}

/// The row itself.
pub(crate) struct Whole;
/// Its columns in their order.
pub(crate) struct Columns<T>(PhantomData<fn() -> T>);
/// Its first column.
pub(crate) struct First<T>(PhantomData<fn() -> T>);

impl Shape for Whole {
    type Out = Row;

    fn of(row: Row) -> sqlx::Result<Row> {
        Ok(row)
    }
}

impl<T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow>> Shape for Columns<T> {
    type Out = T;

    fn of(row: Row) -> sqlx::Result<T> {
        match row {
            Row::Sqlite(row) => T::from_row(&row),
            Row::Postgres(row) => T::from_row(&row),
        }
    }
}

impl<T> Shape for First<T>
where
    T: for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres>,
{
    type Out = T;

    fn of(row: Row) -> sqlx::Result<T> {
        row.try_get(0)
    }
}

/// A statement with its values, in the making.
pub(crate) struct Query<'q, S = Whole> {
    text: Cow<'static, str>,
    values: Vec<Value<'q>>,
    shape: PhantomData<fn() -> S>,
}

/// A statement whose rows are looked at by name.
pub(crate) fn query<'q>(text: impl Into<Cow<'static, str>>) -> Query<'q> {
    Query::new(text)
}

/// A statement whose rows are tuples.
pub(crate) fn query_as<'q, T>(text: impl Into<Cow<'static, str>>) -> Query<'q, Columns<T>> {
    Query::new(text)
}

/// A statement with one column.
pub(crate) fn query_scalar<'q, T>(text: impl Into<Cow<'static, str>>) -> Query<'q, First<T>> {
    Query::new(text)
}

impl<'q, S> Query<'q, S> {
    fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self { text: text.into(), values: Vec::new(), shape: PhantomData }
    }

    /// The next value, for the text that stands there already.
    pub(crate) fn bind(mut self, value: impl Into<Value<'q>>) -> Self {
        self.values.push(value.into());
        self
    }

    /// More text.
    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.text.to_mut().push_str(text);
        self
    }

    /// A value, and its place in the text.
    pub(crate) fn push_bind(&mut self, value: impl Into<Value<'q>>) -> &mut Self {
        use fmt::Write as _;

        self.values.push(value.into());
        write!(self.text.to_mut(), "${}", self.values.len()).expect("there is always room in memory");
        self
    }

    /// `values (…), (…)`, as a table with the columns `column1`, `column2`, ….
    pub(crate) fn push_values<T, const N: usize>(
        &mut self,
        rows: impl IntoIterator<Item = T>,
        values_of: impl Fn(T) -> [Value<'q>; N],
    ) -> &mut Self {
        for (nth, row) in rows.into_iter().enumerate() {
            self.push(if nth == 0 { "values (" } else { ", (" });
            for (column, value) in values_of(row).into_iter().enumerate() {
                if column > 0 {
                    self.push(", ");
                }
                self.push_bind(value);
            }
            self.push(")");
        }
        self
    }
}

impl<S: Shape> Query<'_, S> {
    /// Every row.
    pub(crate) async fn fetch_all(self, connection: &mut Connection) -> sqlx::Result<Vec<S::Out>> {
        let text = AssertSqlSafe(self.text);
        match connection {
            Connection::Sqlite(connection) => {
                let rows = sqlx::query_with(text, for_sqlite(self.values)?).fetch_all(connection).await?;
                rows.into_iter().map(|row| S::of(Row::Sqlite(row))).collect()
            }
            Connection::Postgres(session) => {
                let rows = session.fetch_all(sqlx::query_with(text, for_postgres(self.values)?)).await?;
                rows.into_iter().map(S::of).collect()
            }
        }
    }

    /// The first row, if there is any.
    pub(crate) async fn fetch_optional(self, connection: &mut Connection) -> sqlx::Result<Option<S::Out>> {
        let text = AssertSqlSafe(self.text);
        let row = match connection {
            Connection::Sqlite(connection) => {
                sqlx::query_with(text, for_sqlite(self.values)?).fetch_optional(connection).await?.map(Row::Sqlite)
            }
            Connection::Postgres(session) => {
                let row = within(sqlx::query_with(text, for_postgres(self.values)?).fetch_optional(&mut session.connection)).await;
                session.noted(row)?.map(Row::Postgres)
            }
        };
        row.map(S::of).transpose()
    }

    /// The first row.
    pub(crate) async fn fetch_one(self, connection: &mut Connection) -> sqlx::Result<S::Out> {
        self.fetch_optional(connection).await?.ok_or(sqlx::Error::RowNotFound)
    }

    /// How many rows it changed.
    pub(crate) async fn execute(self, connection: &mut Connection) -> sqlx::Result<u64> {
        let text = AssertSqlSafe(self.text);
        match connection {
            Connection::Sqlite(connection) => {
                Ok(sqlx::query_with(text, for_sqlite(self.values)?).execute(connection).await?.rows_affected())
            }
            Connection::Postgres(session) => {
                let done = within(sqlx::query_with(text, for_postgres(self.values)?).execute(&mut session.connection)).await;
                Ok(session.noted(done)?.rows_affected())
            }
        }
    }
}

/// A server that is not heard of any more looks like one that is slow; what takes longer than it lets a statement take is lost.
async fn within<T>(answer: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    timeout(ANSWER_TIMEOUT, answer).await.unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())))
}

/// The number up to which every transaction on PostgreSQL has ended: all that they changed can be read from now on.
pub(crate) async fn all_ended(connection: &mut Connection) -> sqlx::Result<i64> {
    query_scalar("select pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1").fetch_one(connection).await
}

/// The next id of a table for a row that comes without one; SQLite gives it by itself.
pub(crate) async fn next_id(connection: &mut Connection, table: &'static str) -> sqlx::Result<Option<Id>> {
    match connection.dialect() {
        Dialect::Sqlite => Ok(None),
        Dialect::Postgres => {
            query_scalar("select nextval(pg_get_serial_sequence($1, 'id'))").bind(table).fetch_one(connection).await.map(Some)
        }
    }
}
