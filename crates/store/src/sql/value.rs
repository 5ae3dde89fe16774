//! The values of a statement, whichever database it is for.

use std::borrow::Cow;

use sqlx::{Arguments as _, error::BoxDynError, postgres::PgArguments, sqlite::SqliteArguments};

use crate::columns::ClientId;

/// A value of a statement.
#[derive(Clone, Debug)]
pub(crate) enum Value<'q> {
    Int(Option<i64>),
    Bool(Option<bool>),
    Text(Option<Cow<'q, str>>),
    Bytes(Option<Cow<'q, [u8]>>),
    ClientId(Option<Cow<'q, str>>),
}

/// `$from` and `Option<$from>` become a variant.
macro_rules! value_from {
    ($($from:ty => $variant:ident($value:ident => $into:expr)),+ $(,)?) => {$(
        impl<'q> From<$from> for Value<'q> {
            fn from($value: $from) -> Self {
                Self::$variant(Some($into))
            }
        }

        impl<'q> From<Option<$from>> for Value<'q> {
            fn from(value: Option<$from>) -> Self {
                Self::$variant(value.map(|$value| $into))
            }
        }
    )+};
}

value_from! {
    i64 => Int(value => value),
    bool => Bool(value => value),
    &'q str => Text(value => Cow::Borrowed(value)),
    &'q String => Text(value => Cow::Borrowed(value.as_str())),
    String => Text(value => Cow::Owned(value)),
    &'q [u8] => Bytes(value => Cow::Borrowed(value)),
    ClientId<'q> => ClientId(value => Cow::Borrowed(value.0)),
}

impl From<&i64> for Value<'_> {
    fn from(value: &i64) -> Self {
        Self::Int(Some(*value))
    }
}

impl<'q> From<&'q Option<String>> for Value<'q> {
    fn from(value: &'q Option<String>) -> Self {
        value.as_ref().into()
    }
}

impl Value<'_> {
    fn add_to_sqlite(self, arguments: &mut SqliteArguments) -> Result<(), BoxDynError> {
        match self {
            Self::Int(value) => arguments.add(value),
            Self::Bool(value) => arguments.add(value),
            Self::Text(value) => arguments.add(value),
            Self::Bytes(value) => arguments.add(value.map(Cow::into_owned)),
            Self::ClientId(value) => arguments.add(value.as_deref().map(ClientId)),
        }
    }

    fn add_to_postgres(self, arguments: &mut PgArguments) -> Result<(), BoxDynError> {
        match self {
            Self::Int(value) => arguments.add(value),
            Self::Bool(value) => arguments.add(value),
            Self::Text(value) | Self::ClientId(value) => arguments.add(value),
            Self::Bytes(value) => arguments.add(value.as_deref()),
        }
    }
}

pub(super) fn for_sqlite(values: Vec<Value<'_>>) -> sqlx::Result<SqliteArguments> {
    let mut arguments = SqliteArguments::default();
    for value in values {
        value.add_to_sqlite(&mut arguments).map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

pub(super) fn for_postgres(values: Vec<Value<'_>>) -> sqlx::Result<PgArguments> {
    let mut arguments = PgArguments::default();
    for value in values {
        value.add_to_postgres(&mut arguments).map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}
