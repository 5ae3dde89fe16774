//! The promises of the contract, tested from outside on a running server: a file per behaviour.

mod fixture;

mod accounts;
mod attachments;
mod chaos;
mod cli;
mod demo;
mod django;
mod drain;
mod frames;
mod http;
mod hub;
mod inbox;
mod limits;
mod messages;
mod openapi;
mod presence;
mod receipts;
mod resume;
mod rooms;
mod sessions;
mod settings;
mod tidy;
mod tokens;
mod typing;
