//! The load generator against the bare server: what is sent comes back, and the books say so.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

struct Bare {
    child: Child,
    address: String,
}

impl Bare {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_bare")).arg("127.0.0.1:0").stdout(Stdio::piped()).spawn().expect("it is built");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        let address = line.trim().rsplit('/').next().expect("an address").to_owned();
        Self { child, address }
    }

    fn load(&self, args: &[&str]) -> Value {
        let mut command = Command::new(env!("CARGO_BIN_EXE_load"));
        command.args(args).args(["--at", &self.address, "--origin", "--pid", &self.child.id().to_string()]);
        let output = command.output().expect("it is built");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("a report is JSON")
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        // It may have died by itself, which the test has noticed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn all_that_is_said_in_many_rooms_is_delivered_once() {
    let report = Bare::start().load(&["chat", "--rooms", "20", "--outstanding", "3", "--warmup", "0.1", "--seconds", "0.3"]);
    let counts = &report["counts"];
    assert!(counts["done"].as_u64() > Some(60), "{report}");
    assert_eq!(counts["delivered"].as_u64(), counts["sent"].as_u64().map(|sent| 2 * sent), "{report}");
    for name in ["lost", "doubled", "out_of_order", "errors", "disconnected"] {
        assert_eq!(counts[name], 0, "{name} in {report}");
    }
}

#[test]
fn everybody_in_a_full_room_hears_everything_and_comes_back_after_a_cut() {
    let bare = Bare::start();
    let report = bare.load(&["fanout", "--listeners", "300", "--outstanding", "4", "--warmup", "0.1", "--seconds", "0.3"]);
    assert_eq!(report["counts"]["delivered"].as_u64(), report["counts"]["sent"].as_u64().map(|sent| 301 * sent), "{report}");
    let report = bare.load(&["storm", "--clients", "300"]);
    assert_eq!(report["back"]["talk"]["counts"]["done"], 300, "{report}");
}

#[test]
fn connections_that_do_nothing_are_counted_beside_a_chat_and_let_go() {
    let talk = ["--chat-rooms", "5", "--warmup", "0.1", "--seconds", "0.2"];
    let idle = ["idle", "--connections", "50", "--idle-seconds", "0.2", "--return-seconds", "1"];
    let report = Bare::start().load(&[&idle[..], &talk[..]].concat());
    assert_eq!((&report["joining"]["connected"], &report["disconnected"]), (&50.into(), &0.into()), "{report}");
    for chat in ["chat_before", "chat_beside", "chat_after"] {
        assert_eq!(report[chat]["counts"]["lost"], 0, "{chat} in {report}");
    }
    assert!(report["kib_per_connection"]["resident"].is_number(), "{report}");
}

#[test]
fn connections_that_are_held_take_turns_among_nodes_and_those_of_a_node_that_dies_are_counted() {
    let (one, mut other) = (Bare::start(), Bare::start());
    let mut command = Command::new(env!("CARGO_BIN_EXE_load"));
    command.args(["hold", "--connections", "21", "--origin", "--at", &format!("{},{}", one.address, other.address)]);
    let mut holder = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it is built");
    let (mut words, mut lines) = (holder.stdin.take().expect("piped"), BufReader::new(holder.stdout.take().expect("piped")).lines());
    let mut next = || -> Value { serde_json::from_str(&lines.next().expect("a line").expect("text")).expect("a report is JSON") };
    let mut ask = || words.write_all(b"\n").expect("it reads");

    assert_eq!(next()["prepared"], 21);
    ask();
    assert_eq!(next()["connected"], 21);
    ask();
    let report = next();
    assert_eq!((&report["disconnected"], &report["samples"]), (&0.into(), &Value::Array(Vec::new())), "{report}");
    assert!(report["memory_kib"]["resident"].as_u64() > Some(0), "{report}");

    other.child.kill().expect("it runs");
    let report = (0..100)
        .map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(100));
            ask();
            next()
        })
        .find(|report| report["disconnected"] != 0)
        .expect("they are missed");
    assert_eq!(report["disconnected"], 10, "every second of them: {report}");
    drop(words);
    assert!(holder.wait().expect("it ends").success());
}

#[test]
fn a_server_is_filled_with_as_many_messages_as_were_asked_for() {
    let report = Bare::start().load(&["fill", "--messages", "5000", "--rooms", "20"]);
    assert!(report["stored"].as_u64() >= Some(5_000), "{report}");
}

/// Where there is no `strace`, or it may not attach, the benchmark says so; there is nothing to test then.
#[test]
fn the_writes_of_a_burst_are_counted_on_its_own_socket() {
    let bare = Bare::start();
    let mut command = Command::new(env!("CARGO_BIN_EXE_load"));
    command.args(["burst", "--bursts", "3", "--at", &bare.address, "--origin", "--pid", &bare.child.id().to_string()]);
    let output = command.output().expect("it is built");
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return assert!(said.contains("strace"), "{said}");
    }
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report is JSON");
    assert_eq!((&report["frames"], &report["bursts"], &report["counts"]["lost"]), (&20.into(), &3.into(), &0.into()), "{report}");
    assert!(report["writes_per_burst"]["max"].as_u64() <= Some(20), "{report}");
}
