//! What every program that drives a server from outside shares: starting it, tokens, HTTP and sockets, and a disk that fails on
//! command. It knows the protocol and nothing of the server's inside.

pub mod disk;
pub mod http;
pub mod keeper;
pub mod power;
pub mod process;
pub mod socket;
pub mod token;
