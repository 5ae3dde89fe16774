//! Judging a database by what is in it: whether it is whole, and whether what is counted equals a recount. Read only, beside
//! whoever writes. The bytes of attachments are the server's to judge.

use frontdesk_protocol::Id;

use crate::{
    Database, Error, postgres,
    sql::{Connection, Dialect, Row, query, query_as, query_scalar},
    sqlite,
};

/// Past these, problems are only counted.
const PROBLEMS_MAX: usize = 50;
/// Attachments of one page.
const PAGE: i64 = 500;
/// The migrations after which attachments have a checksum.
const WITH_SUMS: usize = 2;
/// The migrations after which the inbox has totals and an index of texts.
const WITH_INBOX: usize = 3;

/// A database opened for looking at it.
#[derive(Debug)]
pub struct Inspection {
    connection: Connection,
    /// Whether the schema is this version's.
    is_current: bool,
    has_sums: bool,
    has_inbox: bool,
}

/// What is in a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Accounts.
    pub users: i64,
    /// Rooms.
    pub rooms: i64,
    /// Messages.
    pub messages: i64,
    /// Files of messages.
    pub attachments: i64,
    /// What those have together.
    pub attachment_bytes: i64,
    /// The newest file's id.
    pub last_attachment_id: Id,
}

/// What is wrong, a line each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    /// The first ones.
    pub lines: Vec<String>,
    /// How many there are besides.
    pub more: usize,
}

/// What a check has found.
#[derive(Clone, Debug)]
pub struct Checked {
    /// What is in the database, if it could be read.
    pub counts: Option<Counts>,
    /// What is wrong with it.
    pub problems: Problems,
}

/// An attachment as its file must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// The attachment.
    pub id: Id,
    /// The file's name in the attachment folder.
    pub key: String,
    /// The name that people see.
    pub name: String,
    /// The size in bytes.
    pub size: i64,
    /// SHA-256 of the bytes, unless it came before there were checksums.
    pub sha256: Option<[u8; 32]>,
    /// Whether there is a small copy.
    pub thumbnail: bool,
}

impl Problems {
    /// One more.
    pub fn add(&mut self, line: impl Into<String>) {
        if self.lines.len() < PROBLEMS_MAX {
            self.lines.push(line.into());
        } else {
            self.more += 1;
        }
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// What could not even be read is wrong, too.
    fn take(&mut self, what: &str, found: sqlx::Result<Vec<String>>) {
        match found {
            Ok(lines) => lines.into_iter().for_each(|line| self.add(line)),
            Err(error) => self.add(format!("{what} cannot be read: {error}")),
        }
    }
}

impl Inspection {
    /// Opens a database of this version's schema or an older one.
    pub async fn open(database: impl Into<Database>) -> Result<Self, Error> {
        match database.into() {
            Database::Sqlite(path) => {
                let mut connection = sqlite::connect_to_read(&path).await?;
                let applied = match sqlite::applied(&mut connection).await? {
                    0 => return Err(Error::Empty),
                    applied => applied,
                };
                let is_current = sqlite::pending(applied).is_none();
                let (has_sums, has_inbox) = (applied >= WITH_SUMS, applied >= WITH_INBOX);
                Ok(Self { connection: connection.into(), is_current, has_sums, has_inbox })
            }
            Database::Postgres(url) => {
                let connection = postgres::Server::open(&url, false).await?.connect().await?;
                Ok(Self { connection, is_current: true, has_sums: true, has_inbox: true })
            }
        }
    }

    /// Whether the schema is this version's.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.is_current
    }

    /// What is in it, and all that is wrong with it, at one moment. Whether PostgreSQL's own files are whole is its own tools' matter.
    pub async fn check(&mut self) -> Result<Checked, Error> {
        let dialect = self.connection.dialect();
        query(dialect.snapshot()).execute(&mut self.connection).await?;
        let connection = &mut self.connection;
        let mut problems = Problems::default();
        if dialect == Dialect::Sqlite {
            let torn = integrity(connection).await;
            problems.take("the database", torn.map(|lines| lines.iter().map(|line| format!("the database is damaged: {line}")).collect()));
            problems.take("the references", references(connection).await);
        }
        problems.take("the seqs", seqs(connection).await);
        problems.take("the rooms' counts", room_counts(connection).await);
        problems.take("the messages' counts", message_counts(connection).await);
        problems.take("the watermarks", watermarks(connection).await);
        problems.take("the versions", versions(connection).await);
        if self.has_inbox {
            problems.take("the inbox's totals", totals(connection).await);
            if dialect == Dialect::Sqlite {
                problems.take("the index of people", search_texts(connection).await);
            }
        }
        let counts = counts(connection).await.map_err(|error| problems.take("the tables", Err(error))).ok();
        query("rollback").execute(connection).await?;
        Ok(Checked { counts, problems })
    }

    /// Whether the file is whole, and what is in it: an error says what is torn.
    pub async fn verify(&mut self) -> Result<Counts, Error> {
        let mut torn = integrity(&mut self.connection).await?;
        torn.extend(references(&mut self.connection).await?);
        match torn.into_iter().next() {
            Some(problem) => Err(Error::Unavailable(problem)),
            None => Ok(counts(&mut self.connection).await?),
        }
    }

    /// Attachments past an id, by id.
    pub async fn attachments(&mut self, after: Id) -> Result<Vec<StoredFile>, Error> {
        let sql = if self.has_sums {
            "select id, key, name, size, sha256, thumbnail from attachments where id > $1 order by id limit $2"
        } else {
            "select id, key, name, size, null as sha256, thumbnail from attachments where id > $1 order by id limit $2"
        };
        let rows = query(sql).bind(after).bind(PAGE).fetch_all(&mut self.connection).await?;
        Ok(rows.iter().map(file).collect::<sqlx::Result<_>>()?)
    }

    /// Closes the file.
    pub async fn close(self) -> Result<(), Error> {
        Ok(self.connection.close().await?)
    }
}

fn file(row: &Row) -> sqlx::Result<StoredFile> {
    let sum: Option<Vec<u8>> = row.try_get("sha256")?;
    let wrong = |_| sqlx::Error::ColumnDecode { index: "sha256".into(), source: "it has not 32 bytes".into() };
    Ok(StoredFile {
        id: row.try_get("id")?,
        key: row.try_get("key")?,
        name: row.try_get("name")?,
        size: row.try_get("size")?,
        sha256: sum.map(|sum| <[u8; 32]>::try_from(sum).map_err(wrong)).transpose()?,
        thumbnail: row.try_get("thumbnail")?,
    })
}

async fn counts(connection: &mut Connection) -> sqlx::Result<Counts> {
    let row = query(
        "select (select count(*) from users), (select count(*) from rooms), (select count(*) from messages), \
         count(*), cast(coalesce(sum(size), 0) as bigint), coalesce(max(id), 0) from attachments",
    )
    .fetch_one(connection)
    .await?;
    Ok(Counts {
        users: row.try_get(0)?,
        rooms: row.try_get(1)?,
        messages: row.try_get(2)?,
        attachments: row.try_get(3)?,
        attachment_bytes: row.try_get(4)?,
        last_attachment_id: row.try_get(5)?,
    })
}

/// Torn pages, and indexes that differ from their tables.
async fn integrity(connection: &mut Connection) -> sqlx::Result<Vec<String>> {
    let found: Vec<String> = query_scalar("pragma integrity_check").fetch_all(connection).await?;
    // SQLite says several things in one row.
    let lines = found.iter().flat_map(|row| row.lines()).filter(|line| *line != "ok" && !line.starts_with("***"));
    Ok(lines.map(str::to_owned).collect())
}

async fn references(connection: &mut Connection) -> sqlx::Result<Vec<String>> {
    let rows: Vec<(String, Option<i64>, String)> =
        query_as("select \"table\", rowid, parent from pragma_foreign_key_check").fetch_all(connection).await?;
    let line = |(table, row, parent): &(String, Option<i64>, String)| match row {
        Some(row) => format!("{table} {row}: what it refers to in {parent} is missing"),
        None => format!("{table}: what a row refers to in {parent} is missing"),
    };
    Ok(rows.iter().map(line).collect())
}

/// Messages and changes of status together are 1, 2, 3, … in each room.
async fn seqs(connection: &mut Connection) -> sqlx::Result<Vec<String>> {
    query_scalar(
        "select 'room ' || id || ': its seqs are not 1 to ' || last_seq || ', each once: it has ' || events || ' of them, ' || \
         first || ' to ' || last || case when twice > 0 then ', ' || twice || ' of them twice' else '' end from \
         (select id, last_seq, events, twice, case when m_first < e_first then m_first else e_first end as first, \
         case when m_last > e_last then m_last else e_last end as last from (select r.id, r.last_seq, \
         (select count(*) from messages where room_id = r.id) + (select count(*) from status_events where room_id = r.id) as events, \
         (select count(*) from status_events e join messages m on m.room_id = e.room_id and m.seq = e.seq where e.room_id = r.id) \
         as twice, \
         coalesce((select min(seq) from messages where room_id = r.id), r.last_seq + 1) as m_first, \
         coalesce((select min(seq) from status_events where room_id = r.id), r.last_seq + 1) as e_first, \
         coalesce((select max(seq) from messages where room_id = r.id), 0) as m_last, \
         coalesce((select max(seq) from status_events where room_id = r.id), 0) as e_last from rooms r) counted) places \
         where events <> last_seq or twice > 0 or first <> 1 and last_seq > 0 or last <> last_seq order by id",
    )
    .fetch_all(connection)
    .await
}

/// The running counts of a room, in the order of the statement below.
const ROOM_COUNTS: [&str; 7] =
    ["user_messages", "admin_messages", "user_last_seq", "admin_last_seq", "user_read_count", "admins_read_count", "last_message_id"];

async fn room_counts(connection: &mut Connection) -> sqlx::Result<Vec<String>> {
    let rows = query(
        "select * from (select r.id, r.user_messages a1, r.admin_messages a2, r.user_last_seq a3, r.admin_last_seq a4, \
         r.user_read_count a5, r.admins_read_count a6, coalesce(r.last_message_id, 0) a7, \
         count(*) filter (where m.side = 'user') b1, count(*) filter (where m.side = 'admin') b2, \
         coalesce(max(m.seq) filter (where m.side = 'user'), 0) b3, coalesce(max(m.seq) filter (where m.side = 'admin'), 0) b4, \
         count(*) filter (where m.side = 'admin' and m.seq <= r.user_read_seq) b5, \
         count(*) filter (where m.side = 'user' and m.seq <= r.admins_read_seq) b6, \
         coalesce((select n.id from messages n where n.room_id = r.id order by n.seq desc limit 1), 0) b7 \
         from rooms r left join messages m on m.room_id = r.id group by r.id) counted \
         where (a1, a2, a3, a4, a5, a6, a7) <> (b1, b2, b3, b4, b5, b6, b7) order by id",
    )
    .fetch_all(connection)
    .await?;
    let mut lines = Vec::new();
    for row in &rows {
        let room_id: Id = row.try_get(0)?;
        for (index, name) in ROOM_COUNTS.iter().enumerate() {
            let (stored, counted): (i64, i64) = (row.try_get(1 + index)?, row.try_get(1 + ROOM_COUNTS.len() + index)?);
            if stored != counted {
                lines.push(format!("room {room_id}: {name} is {stored}, a recount gives {counted}"));
            }
        }
    }
    Ok(lines)
}

async fn message_counts(connection: &mut Connection) -> sqlx::Result<Vec<String>> {
    let mut lines: Vec<String> = query_scalar(
        "select 'message ' || id || ': its counts are ' || user_count || ' and ' || admin_count || ', a recount gives ' || \
         by_user || ' and ' || by_admin from (select id, user_count, admin_count, \
         count(*) filter (where side = 'user') over earlier as by_user, count(*) filter (where side = 'admin') over earlier as by_admin \
         from messages window earlier as (partition by room_id order by seq rows unbounded preceding)) counted \
         where user_count <> by_user or admin_count <> by_admin order by id",
    )
    .fetch_all(&mut *connection)
    .await?;
    let files: Vec<String> = query_scalar(
        "select 'message ' || m.id || ': files is ' || m.files || ', a recount gives ' || coalesce(a.files, 0) from messages m \
         left join (select message_id, count(*) as files from attachments group by message_id) a on a.message_id = m.id \
         where m.files <> coalesce(a.files, 0) union all \
         select 'attachment ' || a.id || ': it is in room ' || a.room_id || ', its message is in room ' || m.room_id \
         from attachments a join messages m on m.id = a.message_id where a.room_id <> m.room_id",
    )
    .fetch_all(connection)
    .await?;
    lines.extend(files);
    Ok(lines)
}

/// Nothing points past what there is.
async fn watermarks(connection: &mut Connection) -> sqlx::Result<Vec<String>> {
    query_scalar(
        "select 'room ' || r.id || ': user ' || p.user_id || ' has read to ' || p.read_seq || ' and received to ' || \
         p.delivered_seq || ', its newest seq is ' || r.last_seq from receipts p join rooms r on r.id = p.room_id \
         where p.read_seq > r.last_seq or p.delivered_seq > r.last_seq",
    )
    .fetch_all(connection)
    .await
}

async fn versions(connection: &mut Connection) -> sqlx::Result<Vec<String>> {
    let newest = match connection.dialect() {
        Dialect::Sqlite => "select version from meta",
        Dialect::Postgres => "select pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1",
    };
    let newest: i64 = query_scalar(newest).fetch_one(&mut *connection).await?;
    let rooms: Vec<(Id, i64)> =
        query_as("select id, version from rooms where version > $1 order by id").bind(newest).fetch_all(connection).await?;
    let line = |(id, version): &(Id, i64)| format!("room {id}: it changed at version {version}, the newest is {newest}");
    Ok(rooms.iter().map(line).collect())
}

/// The sums of all rooms, as text.
macro_rules! sums_sql {
    ($open:literal, $resolved:literal, $rooms_unread:literal, $unread:literal) => {
        concat!(
            $open,
            " || ' open, ' || ",
            $resolved,
            " || ' resolved, ' || ",
            $rooms_unread,
            " || ' unread rooms, ' || ",
            $unread,
            " || ' unread messages'"
        )
    };
}

async fn totals(connection: &mut Connection) -> sqlx::Result<Vec<String>> {
    query_scalar(concat!(
        "select 'the inbox''s totals are ' || coalesce(stored, 'missing') || ', a recount gives ' || counted from (select (select ",
        sums_sql!("open", "resolved", "rooms_unread", "unread"),
        " from inbox_totals) as stored, (select ",
        sums_sql!(
            "count(*) filter (where status = 'open')",
            "count(*) filter (where status = 'resolved')",
            "count(*) filter (where user_messages > admins_read_count)",
            "coalesce(sum(user_messages - admins_read_count), 0)"
        ),
        " from rooms) as counted) both_sums where stored is distinct from counted",
    ))
    .fetch_all(connection)
    .await
}

/// Whether the index of texts is that of these people. That it is whole has been looked at with the tables.
async fn search_texts(connection: &mut Connection) -> sqlx::Result<Vec<String>> {
    query_scalar(
        "select 'user ' || coalesce(u.id, s.rowid) || ': a search looks for ' || \
         coalesce('\"' || replace(rtrim(s.text, char(10)), char(10), ' ') || '\"', 'nothing') || ', the account has ' || \
         coalesce('\"' || replace(u.search, char(10), ' ') || '\"', 'nothing') \
         from users u full join people_search s on s.rowid = u.id where s.text is not u.search || char(10, 10) order by 1",
    )
    .fetch_all(connection)
    .await
}
