//! nginx and Caddy as Debian packages them, started on the very files of `deploy/`: only addresses and paths are replaced.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
};

use tempfile::TempDir;

use crate::fixture::*;

/// What stands in the examples for the nodes.
const NODES: [&str; 2] = ["127.0.0.1:8001", "127.0.0.1:8002"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Nginx,
    Caddy,
}

pub const BOTH: [Kind; 2] = [Kind::Nginx, Kind::Caddy];

/// A running proxy; it ends when this is dropped, and with the test's process, however that ends.
pub struct Proxy {
    pub address: String,
    folder: TempDir,
    keeper: Child,
}

impl Proxy {
    /// Starts it before these nodes and waits until it listens.
    pub async fn starts(kind: Kind, nodes: [&str; 2]) -> Self {
        let folder = tempfile::Builder::new().prefix("frontdesk-proxy-").tempdir().expect("a temporary folder");
        let address = free_address();
        let command = match kind {
            Kind::Nginx => nginx(folder.path(), &address, nodes),
            Kind::Caddy => caddy(folder.path(), &address, nodes),
        };
        let proxy = Self { address, keeper: keep(command, folder.path()), folder };
        let listens = tokio::time::timeout(DEADLINE, async {
            while tokio::net::TcpStream::connect(&proxy.address).await.is_err() {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        });
        assert!(listens.await.is_ok(), "{kind:?} does not listen: {}", proxy.logs());
        proxy
    }

    /// HTTP calls through it.
    pub fn api(&self, who: Person) -> Api {
        Api::new(&self.address, Some(who.token()))
    }

    /// A connection through it.
    pub fn dial_room(&self, who: Person) -> ws::Dial {
        ws::Dial::new(&self.address, &format!("/ws/chat/{}/", GRACE.room)).token(&who.token())
    }

    /// All that it has logged.
    pub fn logs(&self) -> String {
        ["output", "access.log", "error.log"].map(|name| fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()).join("\n")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // The keeper ends when the proxy has.
        let _ = self.keeper.wait();
    }
}

fn nginx(folder: &Path, address: &str, nodes: [&str; 2]) -> Command {
    let at = |name: &str| format!("{}/{name}", folder.display());
    // Without being root it may not use the folders of Debian's package.
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|name| format!("{name}_temp_path {};\n", at(name)));
    let config = example(
        "nginx.conf",
        &[
            ("http {\n", &format!("http {{\n{}", temporary.concat())),
            (NODES[0], nodes[0]),
            (NODES[1], nodes[1]),
            ("        listen 80; ", &format!("        listen {address}; ")),
            ("/run/nginx.pid", &at("pid")),
            ("/var/log/nginx/error.log", &at("error.log")),
            ("/var/log/nginx/access.log", &at("access.log")),
        ],
    );
    fs::write(at("nginx.conf"), config).expect("the folder can be written");
    let mut command = Command::new(installed("nginx", &["/usr/sbin/nginx", "/usr/bin/nginx"]));
    command.args(["-e", "stderr", "-g", "daemon off;", "-p", &at(""), "-c", &at("nginx.conf")]);
    command
}

fn caddy(folder: &Path, address: &str, nodes: [&str; 2]) -> Command {
    let admin = format!("admin unix//{}/admin.sock", folder.display());
    let config = example(
        "Caddyfile",
        &[
            ("admin localhost:2019", &admin),
            ("chat.example.com {", &format!("http://{address} {{\nbind 127.0.0.1\n")),
            (NODES[0], nodes[0]),
            (NODES[1], nodes[1]),
        ],
    );
    fs::write(folder.join("Caddyfile"), config).expect("the folder can be written");
    let mut command = Command::new(installed("caddy", &["/usr/bin/caddy"]));
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(folder.join("Caddyfile"));
    command.env("HOME", folder).env("XDG_DATA_HOME", folder).env("XDG_CONFIG_HOME", folder);
    command
}

/// An example with some of its text replaced, each of which must be there.
fn example(name: &str, changes: &[(&str, &str)]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    changes.iter().fold(text, |text, (old, new)| {
        assert_eq!(text.matches(old).count(), 1, "deploy/{name} has {old:?} once");
        text.replace(old, new)
    })
}

fn installed(name: &str, places: &[&str]) -> PathBuf {
    let found = places.iter().map(PathBuf::from).find(|path| path.exists());
    found.unwrap_or_else(|| panic!("{name} is not installed; do so: apt-get install {name}"))
}

/// Runs a proxy until the keeper's input ends, which is the end of this process at the latest.
fn keep(command: Command, folder: &Path) -> Child {
    let script = "\"$@\" >\"$FOLDER/output\" 2>&1 & proxy=$!; cat >/dev/null; kill -TERM $proxy; wait $proxy";
    let mut keeper = Command::new("sh");
    keeper.env("FOLDER", folder).args(["-c", script, "sh"]).arg(command.get_program()).args(command.get_args());
    keeper.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    keeper.process_group(0).stdin(Stdio::piped()).spawn().expect("sh runs")
}

/// A port that stays free while nobody listens on it: below those that the system gives to others.
pub fn free_address() -> String {
    const FIRST: u16 = 28_000;
    const COUNT: u16 = 4_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let begin = u16::try_from(std::process::id() % u32::from(COUNT)).expect("a small number");
    let mut ports = (0..COUNT).map(|_| FIRST + (begin + NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT);
    let free = ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a port is free");
    SocketAddr::from(([127, 0, 0, 1], free)).to_string()
}
