//! The store as the server uses it: on temporary files, and with `FRONTDESK_TEST_DATABASE=postgres` on databases of a throwaway
//! PostgreSQL. What is SQLite's own matter is in `sqlite`, what only PostgreSQL can is in `nodes` and `servers`.

mod fixture;
mod postgres;

mod history;
mod import_export;
mod nodes;
mod people;
mod receipts;
mod rooms;
mod search;
mod sends;
mod servers;
mod sessions;
mod sqlite;
