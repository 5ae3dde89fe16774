//! Who is on which node, for the other nodes: leases in PostgreSQL. What is here is of no more use when all nodes have ended.

use frontdesk_protocol::{Id, Role};

use crate::{
    Error, Store, columns,
    sql::{self, Dialect, query, query_scalar},
};

/// A node that has said nothing for so long is taken for dead. Nodes say that they live every few seconds.
const LEASE: &str = "10 seconds";
/// What a dead node has left is removed after that, and what was said of people who have gone.
const KEPT: &str = "1 minute";

/// So many changes are read at once.
const PAGE: i64 = 10_000;

/// A person who has come to a node, or has gone from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whereabouts {
    /// Which node.
    pub node: String,
    /// In which room; 0 is the desk as a whole.
    pub room_id: Id,
    /// Who.
    pub user_id: Id,
    /// The role in which they came.
    pub role: Role,
    /// Whether they are there.
    pub here: bool,
}

/// What other nodes have said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Elsewhere {
    /// The nodes that live.
    pub alive: Vec<String>,
    /// What has changed on them; some of it may have been told before.
    pub changes: Vec<Whereabouts>,
    /// Where the next question goes on.
    pub place: i64,
    /// Whether there was no more.
    pub is_last: bool,
}

impl Store {
    /// Whether several nodes may use this database.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.inner.source.dialect() == Dialect::Postgres
    }

    /// Says that a node lives. True: nothing is known of it, or no more, so it must say of everybody anew that they are there.
    pub async fn beat(&self, node: &str) -> Result<bool, Error> {
        let node = node.to_owned();
        self.write(move |work| {
            Box::pin(async move {
                let connection = &mut work.connection;
                query("set local synchronous_commit = off").execute(connection).await?;
                let mut known = query_scalar("select beat_at > clock_timestamp() - interval '");
                known.push(LEASE).push("' from nodes where id = ").push_bind(&node);
                let known: Option<bool> = known.fetch_optional(connection).await?;
                query(
                    "insert into nodes (id, beat_at) values ($1, clock_timestamp()) \
                     on conflict (id) do update set beat_at = excluded.beat_at",
                )
                .bind(&node)
                .execute(connection)
                .await?;
                let mut dead = query("with dead as (delete from nodes where beat_at < clock_timestamp() - interval '");
                dead.push(KEPT).push("' returning id) delete from presence using dead where presence.node = dead.id");
                dead.execute(connection).await?;
                let mut gone = query("delete from presence where not here and changed_at < clock_timestamp() - interval '");
                gone.push(KEPT).push("'");
                gone.execute(connection).await?;
                if known.is_none() {
                    // What was said by a node that was taken for dead, and then died. All of them are looked at, so not at every beat.
                    query("delete from presence where not exists (select 1 from nodes where nodes.id = presence.node)")
                        .execute(connection)
                        .await?;
                }
                Ok(known != Some(true))
            })
        })
        .await
    }

    /// Says of people that they are on a node, or have gone from it.
    pub async fn announce(&self, changes: Vec<Whereabouts>) -> Result<(), Error> {
        self.write(move |work| {
            Box::pin(async move {
                query("set local synchronous_commit = off").execute(&mut work.connection).await?;
                let version = work.version().await?;
                for set in columns::sets(&changes) {
                    let mut sql = query(
                        "insert into presence (node, room_id, user_id, role, here, version, changed_at) \
                         select column1, column2, column3, column4, column5, ",
                    );
                    sql.push_bind(version).push(", clock_timestamp() from (");
                    sql.push_values(set, |Whereabouts { node, room_id, user_id, role, here }| {
                        [node.into(), room_id.into(), user_id.into(), columns::role_text(*role).into(), (*here).into()]
                    });
                    sql.push(
                        ") j on conflict (node, room_id, user_id) do update set role = excluded.role, here = excluded.here, \
                         version = excluded.version, changed_at = excluded.changed_at",
                    );
                    sql.execute(&mut work.connection).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Takes a node back: nobody is there any more.
    pub async fn leave(&self, node: &str) -> Result<(), Error> {
        let node = node.to_owned();
        self.write(move |work| {
            Box::pin(async move {
                query("delete from presence where node = $1").bind(&node).execute(&mut work.connection).await?;
                query("delete from nodes where id = $1").bind(&node).execute(&mut work.connection).await.map(drop)
            })
        })
        .await
    }

    /// What other nodes than this one have said since a place.
    pub async fn elsewhere(&self, node: &str, place: i64) -> Result<Elsewhere, Error> {
        let mut reader = self.reader().await?;
        let next = sql::all_ended(&mut reader).await?;
        let rows = query(
            "select p.version, p.node, p.room_id, p.user_id, p.role, p.here from presence p \
             where p.version > $1 and p.node <> $2 order by p.version fetch first $3 rows with ties",
        )
        .bind(place)
        .bind(node)
        .bind(PAGE)
        .fetch_all(&mut reader)
        .await?;
        // After the changes: who has said something has said before that it lives.
        let mut alive = query_scalar("select id from nodes where beat_at > clock_timestamp() - interval '");
        alive.push(LEASE).push("' and id <> ").push_bind(node);
        let alive: Vec<String> = alive.fetch_all(&mut reader).await?;
        let changes = rows
            .iter()
            .map(|row| {
                Ok(Whereabouts {
                    node: row.try_get("node")?,
                    room_id: row.try_get("room_id")?,
                    user_id: row.try_get("user_id")?,
                    role: columns::role(row, "role")?,
                    here: row.try_get("here")?,
                })
            })
            .collect::<sqlx::Result<_>>()?;
        // One more change of the last number could not be left out.
        let full = rows.last().filter(|_| i64::try_from(rows.len()).is_ok_and(|count| count >= PAGE));
        let place = full.map(|row| row.try_get("version")).transpose()?.map_or(next, |last: i64| last.min(next));
        Ok(Elsewhere { alive, changes, place, is_last: full.is_none() })
    }
}
