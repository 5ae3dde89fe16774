//! A throwaway PostgreSQL of Debian's package: one server for the whole process, a database for each test. The server's own tests
//! use this file, too.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use sqlx::{Connection as _, PgConnection};

const START_WITHIN: Duration = Duration::from_secs(30);

/// Whether these tests are to use PostgreSQL.
pub fn is_wanted() -> bool {
    std::env::var("FRONTDESK_TEST_DATABASE").is_ok_and(|name| name == "postgres")
}

/// The URL of a new, empty database.
pub async fn database() -> String {
    static SERVER: OnceLock<Server> = OnceLock::new();
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let server = SERVER.get_or_init(Server::start);
    let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let mut connection = PgConnection::connect(&server.url("postgres")).await.expect("the server answers");
    let statement = sqlx::AssertSqlSafe(format!("create database {name} template template0"));
    sqlx::query(statement).execute(&mut connection).await.expect("a new database");
    connection.close().await.expect("it closes");
    server.url(&name)
}

/// A running server; it ends, and its folder goes, when this process does.
pub struct Server {
    pub port: u16,
    /// Its input closes with this process, which ends the server.
    keeper: Child,
}

/// Where a cluster lies, and whose it is.
pub struct Folder {
    pub path: PathBuf,
    account: Option<(u32, u32)>,
}

impl Folder {
    pub fn new() -> Self {
        let path = tempfile::Builder::new().prefix("frontdesk-postgres-").tempdir().expect("a temporary folder").keep();
        let account = account(&path);
        Self { path, account }
    }

    pub fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    /// Makes a cluster in it.
    pub fn init(&self) {
        let mut initdb = self.command(&programs().join("initdb"));
        initdb.args(["-A", "trust", "-U", "frontdesk", "-E", "UTF8", "--locale=C", "--no-sync", "-D"]).arg(self.data());
        succeed(initdb);
    }

    /// A program that runs as the one whose folder it is.
    pub fn command(&self, program: &Path) -> Command {
        command(self.account, program)
    }
}

/// Runs a program to its end, which must be good.
pub fn succeed(mut command: Command) {
    let done = command.stdin(Stdio::null()).stdout(Stdio::null()).output().expect("the program runs");
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
}

impl Server {
    /// Makes a cluster and starts it on a free port.
    pub fn start() -> Self {
        let folder = Folder::new();
        folder.init();
        Self::run(&folder, free_port(), &[])
    }

    /// Starts what is in a folder, with more settings; the folder goes with it.
    pub fn run(folder: &Folder, port: u16, settings: &[&str]) -> Self {
        // The keeper waits for the end of its input, which is the end of this process, however it comes.
        let script = "\"$@\" >\"$FOLDER/log\" 2>&1 & server=$!; cat >/dev/null; kill -INT $server; wait $server; rm -rf \"$FOLDER\"";
        let mut keeper = folder.command(Path::new("sh"));
        keeper.env("FOLDER", &folder.path).args(["-c", script, "sh"]).arg(programs().join("postgres")).arg("-D").arg(folder.data());
        keeper.args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=500", "-c", "fsync=off"]);
        keeper.args(settings.iter().flat_map(|setting| ["-c", setting]));
        // A test that ends this process' group must not end the keeper before it has cleaned up.
        let keeper = std::os::unix::process::CommandExt::process_group(&mut keeper, 0);
        let sockets = format!("unix_socket_directories={}", folder.path.display());
        let keeper = keeper.arg("-c").arg(sockets).stdin(Stdio::piped()).spawn().expect("sh runs");
        wait_for(port, &folder.path.join("log"));
        Self { port, keeper }
    }

    /// Ends it, and its folder with it.
    #[allow(dead_code, reason = "only the store's tests end one")]
    pub fn stop(&mut self) {
        drop(self.keeper.stdin.take());
        self.keeper.wait().expect("the keeper ends");
    }

    /// Where one of its databases is.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://frontdesk@127.0.0.1:{}/{database}", self.port)
    }
}

/// The newest version's programs.
pub fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions.max_by_key(|entry| entry.file_name().to_string_lossy().parse::<u32>().unwrap_or(0));
    let programs = newest.expect("PostgreSQL is not installed; do so: apt-get install postgresql").path().join("bin");
    assert!(programs.join("initdb").exists(), "{} has no initdb; install PostgreSQL: apt-get install postgresql", programs.display());
    programs
}

/// PostgreSQL refuses to run as root: then it runs as the account that its package made, which the folder is given to.
fn account(folder: &Path) -> Option<(u32, u32)> {
    if std::os::unix::fs::MetadataExt::uid(&fs::metadata("/proc/self").expect("this process")) != 0 {
        return None;
    }
    let accounts = fs::read_to_string("/etc/passwd").expect("accounts");
    let line = accounts.lines().find(|line| line.starts_with("postgres:")).expect("the account of PostgreSQL's package");
    let ids: Vec<u32> = line.split(':').skip(2).take(2).map(|id| id.parse().expect("a number")).collect();
    chown(folder, Some(ids[0]), Some(ids[1])).expect("the folder can be given away");
    Some((ids[0], ids[1]))
}

fn command(account: Option<(u32, u32)>, program: &Path) -> Command {
    use std::os::unix::process::CommandExt as _;

    let mut command = Command::new(program);
    if let Some((user, group)) = account {
        command.uid(user).gid(group);
    }
    command.current_dir("/");
    command
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

fn wait_for(port: u16, log: &Path) {
    let deadline = Instant::now() + START_WITHIN;
    while !fs::read_to_string(log).is_ok_and(|log| log.contains("ready to accept connections")) {
        assert!(Instant::now() < deadline, "PostgreSQL does not start on {port}: {}", fs::read_to_string(log).unwrap_or_default());
        thread::sleep(Duration::from_millis(20));
    }
}
