//! The load generator against the bare server: what is sent comes back, and the books say so.

use std::{
    io::{BufRead, BufReader},
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
