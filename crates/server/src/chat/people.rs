//! Finding people.

use frontdesk_protocol::{body::UserPage, limits::PAGE_DEFAULT};

use crate::{app::App, caller::Admin, error::Error};

/// People whose name or phone contains `q`, a page at a time.
///
/// # Errors
/// `Unavailable` if the store cannot be read.
pub async fn search(app: &App, _admin: &Admin, q: &str, cursor: Option<&str>) -> Result<UserPage, Error> {
    let (results, next) = app.store.people(q, cursor, PAGE_DEFAULT).await?;
    Ok(UserPage { results, next })
}
