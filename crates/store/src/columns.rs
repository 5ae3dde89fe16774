//! How the values of our vocabulary stand in columns: roles, statuses, times, client ids, lists of ids.

use frontdesk_protocol::{Id, Role, RoomStatus, Timestamp};
use serde::Serialize;
use sqlx::{
    Encode, Row as _, Sqlite, Type, TypeInfo as _, ValueRef as _,
    encode::IsNull,
    error::BoxDynError,
    sqlite::{SqliteArgumentsBuffer, SqliteTypeInfo},
};
use uuid::Uuid;

use crate::sql::Row;

pub(crate) fn role_text(role: Role) -> &'static str {
    match role {
        Role::User => "user",
        Role::Admin => "admin",
    }
}

pub(crate) fn role(row: &Row, column: &str) -> sqlx::Result<Role> {
    match row.try_get(column)? {
        "user" => Ok(Role::User),
        "admin" => Ok(Role::Admin),
        other => Err(unknown(column, other)),
    }
}

pub(crate) fn status_text(status: RoomStatus) -> &'static str {
    match status {
        RoomStatus::Open => "open",
        RoomStatus::Resolved => "resolved",
    }
}

pub(crate) fn status(row: &Row, column: &str) -> sqlx::Result<RoomStatus> {
    match row.try_get(column)? {
        "open" => Ok(RoomStatus::Open),
        "resolved" => Ok(RoomStatus::Resolved),
        other => Err(unknown(column, other)),
    }
}

fn unknown(column: &str, value: &str) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.into(), source: format!("{value:?} is not known").into() }
}

pub(crate) fn time(row: &Row, column: &str) -> sqlx::Result<Timestamp> {
    row.try_get(column).map(Timestamp::from_millis)
}

pub(crate) fn time_or_none(row: &Row, column: &str) -> sqlx::Result<Option<Timestamp>> {
    Ok(row.try_get::<Option<i64>, _>(column)?.map(Timestamp::from_millis))
}

/// A set of rows or ids as the one parameter of a statement: for what is rare, or has one column.
pub(crate) fn json(rows: &impl Serialize) -> String {
    serde_json::to_string(rows).expect("numbers, text and arrays are JSON")
}

/// Rows of one statement. Bound values cost half of what the same rows cost as JSON (30 against 15 µs a message).
const SET_MAX: usize = 64;

/// Cuts rows into sets for statements with `values`: of a few sizes only, so that the statements stay prepared.
pub(crate) fn sets<T>(rows: &[T]) -> impl Iterator<Item = &[T]> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        let size = (1 << rest.len().checked_ilog2()?).min(SET_MAX);
        let (set, after) = rest.split_at(size);
        rest = after;
        Some(set)
    })
}

/// As [`sets`], filled up with nothing to even fewer sizes, so that several statements stay prepared as one text. A row of which the
/// first value is null must be none to the statement.
pub(crate) fn filled_sets<T>(rows: &[T]) -> impl Iterator<Item = Vec<Option<&T>>> {
    rows.chunks(SET_MAX).map(|set| {
        let size = [1, 4, 16].into_iter().find(|size| set.len() <= *size).unwrap_or(SET_MAX);
        set.iter().map(Some).chain(std::iter::repeat(None)).take(size).collect()
    })
}

/// The column's value of a client id. Only the canonical form becomes a UUID's bytes, since ids are echoed byte for byte.
pub(crate) struct ClientId<'a>(pub(crate) &'a str);

impl ClientId<'_> {
    fn uuid(&self) -> Option<Uuid> {
        let uuid = Uuid::try_parse(self.0).ok()?;
        (uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == self.0).then_some(uuid)
    }
}

impl Type<Sqlite> for ClientId<'_> {
    fn type_info() -> SqliteTypeInfo {
        <str as Type<Sqlite>>::type_info()
    }
}

impl Encode<'_, Sqlite> for ClientId<'_> {
    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        match self.uuid() {
            Some(uuid) => Encode::<Sqlite>::encode(uuid.into_bytes().to_vec(), buffer),
            None => Encode::<Sqlite>::encode(self.0, buffer),
        }
    }
}

/// SQL for the ids in a JSON array, the statement's first parameter.
macro_rules! ids_sql {
    () => {
        "(select cast(value as bigint) from json_each($1))"
    };
}
pub(crate) use ids_sql;

pub(crate) fn client_id(row: &Row, column: &str) -> sqlx::Result<Option<String>> {
    let Row::Sqlite(row) = row else { return row.try_get(column) };
    let value = row.try_get_raw(column)?;
    if value.is_null() {
        return Ok(None);
    }
    if value.type_info().name() != "BLOB" {
        return row.try_get(column).map(Some);
    }
    let uuid =
        Uuid::from_slice(row.try_get(column)?).map_err(|error| sqlx::Error::ColumnDecode { index: column.into(), source: error.into() })?;
    Ok(Some(uuid.hyphenated().to_string()))
}

/// A list of ids as a parameter for [`ids_sql`].
pub(crate) fn ids(ids: impl IntoIterator<Item = Id>) -> String {
    json(&ids.into_iter().collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::{ClientId, filled_sets, sets};

    #[test]
    fn only_the_canonical_form_of_a_uuid_becomes_bytes() {
        for (id, bytes) in [
            ("019b76da-a800-7c1e-8f7b-3d2a9c5e4f10", true),
            ("019B76DA-A800-7C1E-8F7B-3D2A9C5E4F10", false),
            ("019b76daa8007c1e8f7b3d2a9c5e4f10", false),
            ("{019b76da-a800-7c1e-8f7b-3d2a9c5e4f10}", false),
            ("urn:uuid:019b76da-a800-7c1e-8f7b-3d2a9c5e4f10", false),
            ("x1", false),
        ] {
            assert_eq!(ClientId(id).uuid().is_some(), bytes, "{id}");
        }
    }

    #[test]
    fn rows_are_cut_into_sets_of_few_sizes() {
        let rows = [(); 203];
        assert_eq!(sets(&rows).map(<[()]>::len).collect::<Vec<_>>(), [64, 64, 64, 8, 2, 1]);
        assert_eq!(sets::<()>(&[]).count(), 0);
    }

    #[test]
    fn sets_are_filled_up_to_even_fewer_sizes() {
        for (rows, sizes) in [(0, &[][..]), (1, &[1]), (2, &[4]), (5, &[16]), (17, &[64]), (64, &[64]), (203, &[64, 64, 64, 16])] {
            let rows = vec![(); rows];
            assert_eq!(filled_sets(&rows).map(|set| set.len()).collect::<Vec<_>>(), sizes);
            assert_eq!(filled_sets(&rows).flatten().flatten().count(), rows.len());
        }
    }
}
