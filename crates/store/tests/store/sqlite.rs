//! What is SQLite's own matter: files, copies, the write-ahead log, statements' plans.

mod check;
mod copies;
mod inboxes;
mod model;
mod plans;
mod throughput;
mod writer;
