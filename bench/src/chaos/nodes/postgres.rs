//! A throwaway PostgreSQL of Debian's package, made for one run and gone after it.

use std::{
    fs::{self, File},
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use frontdesk_bench::keeper::{Kept, Last};
use tempfile::TempDir;
use tokio::{
    process::Command,
    time::{Instant, sleep},
};

use super::free_port;

const START_WITHIN: Duration = Duration::from_secs(30);
/// A fast shutdown ends every connection and writes a checkpoint.
const STOP_WITHIN: Duration = Duration::from_secs(30);

pub struct Postgres {
    programs: PathBuf,
    /// PostgreSQL refuses to run as root: then it runs as the account that its package made.
    account: Option<(u32, u32)>,
    data: PathBuf,
    pub port: u16,
    log: PathBuf,
    server: Option<Kept>,
    folder: TempDir,
}

impl Postgres {
    /// Makes a cluster and starts it. Syncing stays on: what is acked has to be on disk.
    pub async fn start(logs: &Path) -> Result<Self> {
        let programs = programs()?;
        // Beside the run's own folder, into which another account cannot look.
        let folder = tempfile::Builder::new().prefix("frontdesk-chaos-postgres-").tempdir()?;
        let account = account(folder.path())?;
        let data = folder.path().join("data");
        let mut postgres = Self { programs, account, data, port: free_port()?, log: logs.join("postgres.log"), server: None, folder };
        let mut initdb = postgres.command("initdb");
        initdb.args(["-A", "trust", "-U", "frontdesk", "-E", "UTF8", "--locale=C", "--no-sync", "-D"]).arg(&postgres.data);
        let made = initdb.stdin(Stdio::null()).output().await.context("initdb cannot be started")?;
        ensure!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        postgres.begin().await?;
        postgres.sql("postgres", "create database frontdesk template template0").await?;
        Ok(postgres)
    }

    /// The URL of the database behind a port, which may be a wire's.
    pub fn url(port: u16) -> String {
        format!("postgres://frontdesk@127.0.0.1:{port}/frontdesk")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        if let Some((user, group)) = self.account {
            command.uid(user).gid(group);
        }
        command.current_dir("/");
        command
    }

    /// Starts the server on what is in its folder, and waits until it answers.
    pub async fn begin(&mut self) -> Result<()> {
        let mut command = self.command("postgres");
        command.arg("-D").arg(&self.data).args(["-p", &self.port.to_string()]);
        command.args(["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=300", "-c"]);
        command.arg(format!("unix_socket_directories={}", self.folder.path().display()));
        let log = File::options().create(true).append(true).open(&self.log)?;
        self.server = Some(Kept::spawn(command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log), Last::Interrupt)?);
        let deadline = Instant::now() + START_WITHIN;
        while let Err(error) = self.sql("postgres", "select 1").await {
            ensure!(Instant::now() < deadline, "PostgreSQL does not start: {error:#}; see {}", self.log.display());
            sleep(Duration::from_millis(30)).await;
        }
        Ok(())
    }

    /// A fast shutdown.
    pub async fn ends(&mut self) -> Result<()> {
        let mut server = self.server.take().context("PostgreSQL runs")?;
        server.signal("INT").await?;
        server.ended(STOP_WITHIN).await.context("PostgreSQL does not stop").map(drop)
    }

    /// Ends every connection to the database, as an administrator may.
    pub async fn ends_connections(&self) -> Result<()> {
        let others = "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'frontdesk' and pid <> pg_backend_pid()";
        self.sql("frontdesk", others).await.map(drop)
    }

    /// Runs a statement past the nodes and answers what it prints.
    pub async fn sql(&self, database: &str, statement: &str) -> Result<String> {
        let mut psql = self.command("psql");
        psql.args(["-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "frontdesk"]);
        psql.args(["-p", &self.port.to_string(), "-d", database, "-c", statement]).stdin(Stdio::null());
        let said = psql.output().await.context("psql cannot be started")?;
        ensure!(said.status.success(), "{statement}: {}", String::from_utf8_lossy(&said.stderr).trim());
        Ok(String::from_utf8_lossy(&said.stdout).trim().to_owned())
    }
}

/// The newest version's programs.
fn programs() -> Result<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions.max_by_key(|entry| entry.file_name().to_string_lossy().parse::<u32>().unwrap_or(0));
    let programs = newest.context("PostgreSQL is not installed; do so: apt-get install postgresql")?.path().join("bin");
    ensure!(programs.join("initdb").exists(), "{} has no initdb; install it: apt-get install postgresql", programs.display());
    Ok(programs)
}

/// Gives the folder to whom PostgreSQL runs as.
fn account(folder: &Path) -> Result<Option<(u32, u32)>> {
    if fs::metadata("/proc/self")?.uid() != 0 {
        return Ok(None);
    }
    let accounts = fs::read_to_string("/etc/passwd")?;
    let line = accounts.lines().find(|line| line.starts_with("postgres:"));
    let line = line.context("PostgreSQL does not run as root, and there is no account postgres; install it: apt-get install postgresql")?;
    let mut ids = line.split(':').skip(2).map(str::parse);
    let (Some(Ok(user)), Some(Ok(group))) = (ids.next(), ids.next()) else { anyhow::bail!("/etc/passwd has no numbers in {line}") };
    chown(folder, Some(user), Some(group))?;
    Ok(Some((user, group)))
}
