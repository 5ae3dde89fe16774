//! How the values of our vocabulary stand in columns: roles, statuses, times, client ids, lists of ids.

use frontdesk_protocol::{Id, Role, RoomStatus, Timestamp};
use serde::Serialize;
use sqlx::{Row as _, TypeInfo as _, ValueRef as _};
use uuid::Uuid;

use crate::sqlite::Row;

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

/// A set of rows or ids as the one parameter of a statement.
pub(crate) fn json(rows: &impl Serialize) -> String {
    serde_json::to_string(rows).expect("numbers, text and arrays are JSON")
}

/// How a client id travels in such a set; [`client_id_sql`] makes the column's value of it. Only the canonical form
/// becomes a UUID's bytes, since ids are echoed byte for byte.
pub(crate) fn client_id_json(client_id: &str) -> String {
    let canonical = Uuid::try_parse(client_id).is_ok_and(|uuid| uuid.hyphenated().to_string() == client_id);
    format!("{}{client_id}", if canonical { 'u' } else { 't' })
}

/// SQL for the column's value of a client id that [`client_id_json`] wrote.
macro_rules! client_id_sql {
    ($json:literal) => {
        concat!("case substr(", $json, ", 1, 1) when 'u' then unhex(substr(", $json, ", 2), '-') else substr(", $json, ", 2) end")
    };
}
pub(crate) use client_id_sql;

/// SQL for the ids in a JSON array, the statement's first parameter.
macro_rules! ids_sql {
    () => {
        "(select value from json_each($1))"
    };
}
pub(crate) use ids_sql;

pub(crate) fn client_id(row: &Row, column: &str) -> sqlx::Result<Option<String>> {
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

/// What a person is found by.
pub(crate) fn search_text(name: &str, phone: &str) -> String {
    format!("{}\n{}", name.to_lowercase(), phone.to_lowercase())
}

/// Nobody's name is longer; SQLite refuses patterns past 50,000 bytes.
const SEARCH_CHARS_MAX: usize = 1_000;

/// A pattern for `like … escape '\'` that finds the text itself anywhere in [`search_text`].
pub(crate) fn search_pattern(q: &str) -> String {
    let mut pattern = String::from("%");
    for letter in q.to_lowercase().chars().take(SEARCH_CHARS_MAX) {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

/// A list of ids as a parameter for [`ids_sql`].
pub(crate) fn ids(ids: impl IntoIterator<Item = Id>) -> String {
    json(&ids.into_iter().collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::{client_id_json, search_pattern};

    #[test]
    fn only_the_canonical_form_of_a_uuid_becomes_bytes() {
        for (id, first) in [
            ("019b76da-a800-7c1e-8f7b-3d2a9c5e4f10", "u"),
            ("019B76DA-A800-7C1E-8F7B-3D2A9C5E4F10", "t"),
            ("019b76daa8007c1e8f7b3d2a9c5e4f10", "t"),
            ("{019b76da-a800-7c1e-8f7b-3d2a9c5e4f10}", "t"),
            ("urn:uuid:019b76da-a800-7c1e-8f7b-3d2a9c5e4f10", "t"),
            ("x1", "t"),
        ] {
            assert_eq!(client_id_json(id), format!("{first}{id}"));
        }
    }

    #[test]
    fn what_like_would_take_for_a_pattern_is_meant_literally() {
        assert_eq!(search_pattern(r"50%_\Ä"), r"%50\%\_\\ä%");
    }
}
