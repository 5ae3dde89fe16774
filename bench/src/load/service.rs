//! What people wait for outside of a room: a server that starts, and the admins' list of rooms.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use clap::Args;
use frontdesk_bench::token;
use hdrhistogram::Histogram;
use reqwest::Client;
use serde_json::{Map, Value, json};

use crate::{
    talk::quantiles,
    target::{ADMINS, Target},
};

const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A server and its data.
#[derive(Args, Debug)]
pub struct Start {
    /// The server's binary
    #[arg(long)]
    pub server: PathBuf,
    /// Its data folder
    #[arg(long)]
    pub data: PathBuf,
    /// How often it is started
    #[arg(long, default_value_t = 10)]
    pub runs: u32,
    /// The core it runs on
    #[arg(long)]
    pub core: Option<u32>,
}

/// Times from the start of the process to the first `/readyz` that says yes.
///
/// # Errors
/// When it does not get ready.
pub fn start(args: &Start) -> Result<Value> {
    let mut times = Vec::new();
    for _ in 0..args.runs {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let began = Instant::now();
        let mut child = launch(args, address)?;
        let ready = loop {
            if is_ready(address).unwrap_or(false) {
                break Some(began.elapsed());
            }
            if began.elapsed() > START_TIMEOUT || child.try_wait()?.is_some() {
                break None;
            }
            thread::sleep(Duration::from_micros(500));
        };
        Command::new("kill").args(["-TERM", &child.id().to_string()]).status()?;
        child.wait()?;
        times.push(ready.context("the server did not get ready")?.as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let middle = times[times.len() / 2];
    Ok(json!({"runs": args.runs, "ready_ms": {"min": times[0], "median": middle, "max": times[times.len() - 1]}}))
}

fn launch(args: &Start, address: SocketAddr) -> Result<Child> {
    let pinned = args.core.map(|core| vec!["taskset".into(), "-c".into(), core.to_string()]).unwrap_or_default();
    let words: Vec<_> = pinned.into_iter().chain([args.server.display().to_string()]).collect();
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).args(["serve", "--listen", &address.to_string(), "--data"]).arg(&args.data);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FRONTDESK_")) {
        command.env_remove(name);
    }
    command.env("FRONTDESK_JWT_SECRET", token::SECRET).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().with_context(|| format!("{} cannot be started", words[0]))
}

fn is_ready(address: SocketAddr) -> Result<bool> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer)?;
    Ok(answer.ends_with(b"200"))
}

/// An admin's lists.
#[derive(Args, Debug)]
pub struct Inbox {
    #[command(flatten)]
    pub target: Target,
    /// How often each list is asked for
    #[arg(long, default_value_t = 300)]
    pub requests: u32,
    /// Seconds after which a list is asked for no more
    #[arg(long, default_value_t = 8.0)]
    pub seconds: f64,
}

/// What is asked for; `{n}` is a number that changes.
const LISTS: &[(&str, &str)] = &[
    ("first page", "?limit=50"),
    ("open", "?status=open&limit=50"),
    ("resolved", "?status=resolved&limit=50"),
    ("unread", "?unread=1&limit=50"),
    ("unread and resolved", "?unread=1&status=resolved&limit=50"),
    ("search by name", "?q=User%20{n}&limit=50"),
    ("search by phone", "?q=500000{n}&limit=50"),
    ("search by two letters", "?q=er&limit=50"),
    ("search among the unread", "?q=User%20{n}&unread=1&limit=50"),
    ("search in vain", "?q=nobody{n}&limit=50"),
    ("search in vain by two letters", "?q=zq&limit=50"),
    ("summary", "summary/"),
];

/// Asks for each list again and again over one connection.
///
/// # Errors
/// When an answer is no list.
pub fn inbox(args: &Inbox) -> Result<Value> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(10)).build()?;
        let mut report = Map::new();
        for (name, query) in LISTS {
            let mut times = Histogram::<u64>::new_with_bounds(1, 60_000_000, 3)?;
            let start = Instant::now();
            for number in 0..args.requests {
                if start.elapsed().as_secs_f64() > args.seconds {
                    break;
                }
                let query = query.replace("{n}", &(1_000 + number * 37 % 9_000).to_string());
                let url = format!("http://{}/api/chat/rooms/{query}", args.target.node(0));
                let token = token::of(1 + i64::from(number) % ADMINS);
                let began = Instant::now();
                let answer = client.get(&url).bearer_auth(token).send().await?;
                ensure!(answer.status() == 200, "{url} answered {}", answer.status());
                answer.bytes().await?;
                times.saturating_record(began.elapsed().as_micros() as u64);
            }
            report.insert((*name).into(), quantiles(&times));
        }
        Ok(Value::Object(report))
    })
}
