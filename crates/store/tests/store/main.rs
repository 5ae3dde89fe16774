//! The store as the server uses it, on temporary files.

mod fixture;

mod history;
mod import_export;
mod people;
mod receipts;
mod rooms;
mod sends;
mod sessions;
mod throughput;
mod writer;
