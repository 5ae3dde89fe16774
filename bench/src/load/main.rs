//! `load`: drives any server of the protocol as hard as one core can, and says in JSON what came of it and how much of the work was its
//! own.

mod burst;
mod chat;
mod crowd;
mod data;
mod frame;
mod hold;
mod host;
mod idle;
mod lines;
mod mark;
mod probe;
mod service;
mod storm;
mod talk;
mod target;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use serde_json::Value;

/// Drives a chat server and says what came of it, as JSON.
#[derive(Debug, Parser)]
struct Args {
    #[command(subcommand)]
    scenario: Scenario,
}

#[derive(Debug, Subcommand)]
enum Scenario {
    /// A user and an admin in each of many rooms, both writing
    Chat(chat::Chat),
    /// One room with many listeners
    Fanout(chat::Fanout),
    /// Connects many, each in a room of their own
    Connect(idle::Connect),
    /// Many who do nothing, and some who chat beside them
    Idle(idle::Idle),
    /// Connects many and holds them, telling what they hear when a line is read from standard input
    Hold(hold::Hold),
    /// Everybody is cut off and comes back at once
    Storm(storm::Storm),
    /// Many frames for one connection at once: in how many writes they leave
    Burst(burst::Burst),
    /// Writes until so many messages are stored
    Fill(chat::Fill),
    /// Starts a server again and again, and waits until it is ready
    Start(service::Start),
    /// Lists of rooms over HTTP
    Inbox(service::Inbox),
    /// How fast the disk and the processor are at this moment
    Probe(probe::Probe),
    /// Writes people, rooms and messages as lines for `frontdesk import`
    Data(data::Data),
    /// Prints a token of a person
    Token {
        /// The person's id
        #[arg(long)]
        user: frontdesk_protocol::Id,
    },
}

fn main() -> ExitCode {
    // As many descriptors as the system lets us have; a shortage is told by the first connection that lacks one.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    match run(&Args::parse().scenario) {
        Ok(Value::Null) => ExitCode::SUCCESS,
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("load: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(scenario: &Scenario) -> Result<Value> {
    match scenario {
        Scenario::Chat(args) => chat::chat(args),
        Scenario::Fanout(args) => chat::fanout(args),
        Scenario::Connect(args) => idle::connect(args),
        Scenario::Idle(args) => idle::idle(args),
        Scenario::Hold(args) => hold::hold(args).map(|()| Value::Null),
        Scenario::Storm(args) => storm::storm(args),
        Scenario::Burst(args) => burst::burst(args),
        Scenario::Fill(args) => chat::fill(args),
        Scenario::Start(args) => service::start(args),
        Scenario::Inbox(args) => service::inbox(args),
        Scenario::Probe(args) => probe::probe(args),
        Scenario::Data(args) => data::write_data(args).map(|()| Value::Null),
        Scenario::Token { user } => {
            println!("{}", frontdesk_bench::token::of(*user));
            Ok(Value::Null)
        }
    }
}
