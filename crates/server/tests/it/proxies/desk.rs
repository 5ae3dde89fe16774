//! Two nodes as processes on one database, at addresses that they keep when they are restarted.

use tempfile::TempDir;

use super::proxy::{BOTH, Kind, Proxy, free_address};
use crate::{fixture::*, postgres};

/// The nodes and the folder of each.
pub struct Desk {
    folder: TempDir,
    args: Vec<String>,
    pub nodes: [Node; 2],
}

pub struct Node {
    pub address: String,
    process: Process,
}

impl Desk {
    /// Two nodes with the usual people and these settings. The proxies of the tests are at 127.0.0.1.
    pub async fn opens(args: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        use_database(folder.path(), &postgres::database().await);
        std::fs::write(folder.path().join("people.jsonl"), people::cast()).expect("the folder can be written");
        frontdesk(folder.path(), &["import", "people.jsonl"], "").await.ok();
        // Nodes have a folder each and share the attachments.
        let attachments = folder.path().join("data/attachments");
        std::fs::create_dir_all(&attachments).expect("a folder can be made");
        std::fs::create_dir(folder.path().join("data1")).expect("a folder can be made");
        std::os::unix::fs::symlink(&attachments, folder.path().join("data1/attachments")).expect("a folder can be shared");
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        let (here, there) = (free_address(), free_address());
        let nodes = [
            Node { process: start(&folder, 0, &here, &args).await, address: here },
            Node { process: start(&folder, 1, &there, &args).await, address: there },
        ];
        Self { folder, args, nodes }
    }

    /// A proxy before both.
    pub async fn behind(&self, kind: Kind) -> Proxy {
        Proxy::starts(kind, [&self.nodes[0].address, &self.nodes[1].address]).await
    }

    /// Each proxy before both.
    pub async fn behind_both(&self) -> [Proxy; 2] {
        [self.behind(BOTH[0]).await, self.behind(BOTH[1]).await]
    }

    /// Tells a node to leave, waits until it has, and starts it again.
    pub async fn restarts(&mut self, number: usize) {
        let node = &mut self.nodes[number];
        node.process.signal("TERM").await;
        assert_eq!(node.process.ended().await, 0, "{}", node.process.log());
        node.process = start(&self.folder, number, &node.address, &self.args).await;
    }
}

impl Node {
    /// The sum of what it counts under this name with these labels.
    pub async fn counts(&self, name: &str) -> u64 {
        let metrics = Api::new(&self.address, None).get("/metrics").await;
        let lines = metrics.text();
        let values = lines.lines().filter(|line| line.starts_with(name)).filter_map(|line| line.rsplit(' ').next());
        values.map(|value| value.parse::<u64>().expect("a count")).sum()
    }

    /// WebSockets to rooms now.
    pub async fn tabs(&self) -> u64 {
        self.counts("frontdesk_connections{kind=\"room\"}").await
    }
}

async fn start(folder: &TempDir, number: usize, address: &str, args: &[String]) -> Process {
    let data = folder.path().join(["data", "data1"][number]);
    let mut serve = process::command(folder.path(), &["serve", "--listen", address]);
    Process::start(serve.args(args).env("FRONTDESK_DATA", data)).await
}
