//! The promises of the contract, tested from outside on a running server: a file per behaviour.

mod fixture;
#[path = "../../../store/tests/store/postgres.rs"]
mod postgres;

mod accounts;
mod attachments;
mod backup;
mod chaos;
mod cli;
mod demo;
mod django;
mod docs;
mod drain;
mod faults;
mod frames;
mod fuzz;
mod http;
mod hub;
mod inbox;
mod limits;
mod messages;
mod model;
mod nodes;
mod openapi;
mod presence;
mod proxies;
mod receipts;
mod redis;
mod resume;
mod rooms;
mod s3;
mod sessions;
mod settings;
mod slow;
mod tidy;
mod tokens;
mod typing;
