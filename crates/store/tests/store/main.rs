//! The store as the server uses it, on temporary files.

mod fixture;

mod check;
mod copies;
mod history;
mod import_export;
mod inboxes;
mod model;
mod people;
mod plans;
mod receipts;
mod rooms;
mod search;
mod sends;
mod sessions;
mod throughput;
mod writer;
