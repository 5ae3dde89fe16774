//! A real S3 server over HTTP, with signatures checked: `s3s` and `s3s-fs` from crates.io, over a temporary folder, in this
//! process. It can be stopped and started again on the same port.

use std::{fs, net::SocketAddr, path::PathBuf};

use frontdesk::config::Storage;
use hyper_util::rt::TokioIo;
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::{
    net::{TcpListener, TcpSocket},
    task::{JoinHandle, JoinSet},
};

const KEY: &str = "frontdesk-test";
const SECRET: &str = "the secret of the test's own bucket";
const NAME: &str = "desk-files";
const PREFIX: &str = "some/prefix";

/// A bucket on a server of its own.
pub struct Bucket {
    address: SocketAddr,
    folder: TempDir,
    serving: Option<JoinHandle<()>>,
}

impl Bucket {
    pub async fn opens() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join(NAME)).expect("the folder can be written");
        let mut bucket = Self { address: SocketAddr::from(([127, 0, 0, 1], 0)), folder, serving: None };
        bucket.comes_back().await;
        bucket
    }

    /// Serves, on the port that it had.
    pub async fn comes_back(&mut self) {
        let listener = listen(self.address);
        self.address = listener.local_addr().expect("a bound listener has an address");
        let mut builder = S3ServiceBuilder::new(FileSystem::new(self.folder.path()).expect("the folder is there"));
        builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let service = builder.build();
        self.serving = Some(tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                // Connections end with the task.
                connections
                    .spawn(async move { hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service).await });
            }
        }));
    }

    /// Is away: its port is closed, its connections are cut.
    pub async fn goes_away(&mut self) {
        let serving = self.serving.take().expect("it serves");
        serving.abort();
        let _ = serving.await;
    }

    /// The setting.
    pub fn url(&self) -> String {
        format!("s3://{NAME}/{PREFIX}")
    }

    /// The variables beside it.
    pub fn variables(&self) -> Vec<(String, String)> {
        let variables = [
            ("AWS_ACCESS_KEY_ID", KEY.into()),
            ("AWS_SECRET_ACCESS_KEY", SECRET.into()),
            ("AWS_REGION", "us-east-1".into()),
            ("AWS_ENDPOINT_URL", format!("http://{}", self.address)),
        ];
        variables.map(|(name, value): (&str, String)| (name.to_owned(), value)).into()
    }

    /// Both, judged.
    pub fn storage(&self) -> Storage {
        Storage::read(&self.url(), self.variables()).expect("the setting is right")
    }

    /// Where its objects lie.
    pub fn place(&self) -> PathBuf {
        self.folder.path().join(NAME).join(PREFIX)
    }

    /// The names of attachments and thumbnails in it.
    pub fn names(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.place()) else { return Vec::new() };
        let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names.filter(|name| frontdesk::files::is_name(name)).collect();
        names.sort();
        names
    }
}

fn listen(address: SocketAddr) -> TcpListener {
    let socket = TcpSocket::new_v4().expect("a socket can be made");
    socket.set_reuseaddr(true).expect("a socket can be set up");
    socket.bind(address).expect("the port is free");
    socket.listen(64).expect("a socket can listen")
}
