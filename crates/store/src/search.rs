//! Search: what people are found by, and the statement that finds them by the index of all texts. What the dialects say
//! differently about it is here.

use crate::sql::{Dialect, Query};

/// Nobody's name is longer; SQLite refuses patterns past 50,000 bytes.
const LETTERS_MAX: usize = 1_000;
/// The index holds pieces of so many letters.
const PIECE: usize = 3;
/// A page is first looked for among this many times its length of what comes next in the list: a text that many bear fills it
/// there. Whom a text means that does not is few enough to look at each, wherever in the list they are.
const NEAR: i64 = 20;

/// What a person is found by.
pub(crate) fn text_of(name: &str, phone: &str) -> String {
    format!("{}\n{}", name.to_lowercase(), phone.to_lowercase())
}

/// How far down the list a page of this length is looked for before the index is asked.
pub(crate) fn near(limit: i64) -> i64 {
    limit.saturating_mul(NEAR)
}

/// A text to be found anywhere in [`text_of`].
#[derive(Clone, Debug)]
pub(crate) struct Needle(String);

impl Needle {
    /// `None` is found in everybody.
    pub(crate) fn new(q: &str) -> Option<Self> {
        let text: String = q.to_lowercase().chars().take(LETTERS_MAX).collect();
        (!text.is_empty()).then_some(Self(text))
    }

    /// A pattern for `like … escape '\'`.
    pub(crate) fn pattern(&self) -> String {
        let mut pattern = String::from("%");
        for letter in self.0.chars() {
            if matches!(letter, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(letter);
        }
        pattern.push('%');
        pattern
    }

    /// Adds the statement that answers the ids of those in whom it is found, as `person`.
    pub(crate) fn push_people(&self, sql: &mut Query<'_>, dialect: Dialect) {
        match dialect {
            Dialect::Postgres => {
                sql.push("select id as person from users where search like ").push_bind(self.pattern()).push(r" escape '\'");
            }
            Dialect::Sqlite if self.0.chars().count() < PIECE => {
                sql.push("select distinct doc as person from people_pieces where term >= ").push_bind(self.0.clone());
                sql.push(" and term < ").push_bind(format!("{}{}", self.0, char::MAX));
            }
            Dialect::Sqlite => {
                sql.push("select rowid as person from people_search where people_search match ").push_bind(self.phrase());
            }
        }
    }

    /// FTS5's syntax for just these letters in a row.
    fn phrase(&self) -> String {
        format!("\"{}\"", self.0.replace('"', "\"\""))
    }
}

#[cfg(test)]
mod tests {
    use super::Needle;

    #[test]
    fn what_like_would_take_for_a_pattern_is_meant_literally() {
        assert_eq!(Needle::new(r"50%_\Ä").expect("it is a text").pattern(), r"%50\%\_\\ä%");
        assert!(Needle::new("").is_none());
    }

    #[test]
    fn what_the_index_would_take_for_syntax_is_meant_literally() {
        assert_eq!(Needle::new(r#"a" OR "b"#).expect("it is a text").phrase(), r#""a"" or ""b""#);
    }
}
