//! What proves who somebody is: passwords, tokens, and how often either may be tried.

pub mod limits;
pub mod passwords;
pub mod tokens;
