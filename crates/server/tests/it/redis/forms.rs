//! The ways in which Redis is run: with a password, with TLS, as a cluster, behind sentinels.

use std::{path::Path, process::Stdio};

use tokio::process::Command;

use super::*;
use crate::fixture::redis::{answers, ask, free_port, run};

async fn hear_each_other_at(url: &str) -> (House, House) {
    let address = Address::parse(url).expect("a good address");
    let nodes = two_at(address, |_, timing| timing.scan = NEVER).await;
    speak(&nodes).await;
    nodes
}

/// In rooms of several channels.
async fn speak(nodes: &(House, House)) {
    for user in [GRACE, LINUS] {
        let mut here = nodes.0.enters(user, user.room).await;
        let mut there = nodes.1.enters(ADA, user.room).await;
        here.says("can you hear me?").await;
        there.sees("can you hear me?").await;
        there.says("I can").await;
        here.sees("I can").await;
        here.leaves().await;
        there.leaves().await;
    }
}

#[tokio::test]
async fn a_password_is_given() {
    let redis = Redis::starts_with(&["--requirepass", "s3cr:t/@"]).await;
    let nodes = hear_each_other_at(&format!("redis://:s3cr%3At%2F%40@127.0.0.1:{}", redis.port)).await;
    close(nodes).await;
    // A wrong one is no reason not to start.
    let address = Address::parse(&format!("redis://:wrong@127.0.0.1:{}", redis.port)).expect("a good address");
    let node = House::nodes_with(1, |config, _| config.redis = Some(address.clone())).await.pop().expect("one");
    until_ready_says(&node, "degraded").await;
    node.closes().await;
}

#[tokio::test]
async fn tls_with_an_authority_of_ones_own() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (key, certificate) = certificate(folder.path()).await;
    let port = free_port();
    let (tls_port, auth) = (port.to_string(), "no");
    let args = ["--tls-port", &tls_port, "--tls-cert-file", &certificate, "--tls-key-file", &key, "--tls-auth-clients", auth];
    let _redis = Redis::starts_with(&args).await;
    let nodes = hear_each_other_at(&format!("rediss://127.0.0.1:{port}?ca={certificate}")).await;
    close(nodes).await;
    // Nobody vouches for it.
    let address = Address::parse(&format!("rediss://127.0.0.1:{port}")).expect("a good address");
    let node = House::nodes_with(1, |config, _| config.redis = Some(address.clone())).await.pop().expect("one");
    tokio::time::sleep(Duration::from_secs(1)).await;
    until_ready_says(&node, "degraded").await;
    node.closes().await;
}

/// A key and a certificate for 127.0.0.1.
async fn certificate(folder: &Path) -> (String, String) {
    let (key, certificate) = (folder.join("key.pem"), folder.join("certificate.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=redis"])
        .args(["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout".as_ref(), key.as_os_str(), "-out".as_ref(), certificate.as_os_str()])
        .stderr(Stdio::null())
        .status()
        .await
        .expect("openssl is not installed; do so: apt-get install openssl");
    assert!(made.success(), "openssl made no certificate");
    let text = |path: &Path| path.to_str().expect("text").to_owned();
    (text(&key), text(&certificate))
}

#[tokio::test]
async fn a_cluster_carries_each_channel_on_the_server_of_its_slot() {
    let mut servers = Vec::new();
    for slots in ["0 5460", "5461 10922", "10923 16383"] {
        // The port beside, for the cluster's own talk, has to be free and below 65536.
        let redis = Redis::starts_with(&["--cluster-enabled", "yes", "--cluster-port", &free_port().to_string()]).await;
        assert!(redis.asks(&format!("CLUSTER ADDSLOTSRANGE {slots}")).await.contains("OK"));
        servers.push(redis);
    }
    for other in &servers[1..] {
        let info = other.asks("CLUSTER NODES").await;
        let beside = info.split('@').nth(1).and_then(|rest| rest.split([' ', ',']).next()).expect("its other port").to_owned();
        assert!(servers[0].asks(&format!("CLUSTER MEET 127.0.0.1 {} {beside}", other.port)).await.contains("OK"));
    }
    for redis in &servers {
        until("the cluster agrees", || async {
            let info = redis.asks("CLUSTER INFO").await;
            info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
        })
        .await;
    }
    let ports: Vec<String> = servers.iter().map(|redis| format!("127.0.0.1:{}", redis.port)).collect();
    let nodes = hear_each_other_at(&format!("redis+cluster://{}", ports.join(","))).await;
    let mut used = 0;
    for redis in &servers {
        used += usize::from(!redis.asks("PUBSUB SHARDCHANNELS").await.starts_with("*0"));
    }
    assert_eq!(used, 3, "the channels are spread over all servers");
    // Without +cluster it is told what is wrong, and the node goes on without.
    close(nodes).await;
    let address = Address::parse(&servers[0].url()).expect("a good address");
    let node = House::nodes_with(1, |config, _| config.redis = Some(address.clone())).await.pop().expect("one");
    tokio::time::sleep(Duration::from_secs(1)).await;
    until_ready_says(&node, "degraded").await;
    node.closes().await;
}

#[tokio::test]
async fn after_a_failover_sentinels_name_the_new_server() {
    let first = Redis::starts().await;
    let second = Redis::starts_with(&["--replicaof", &format!("127.0.0.1 {}", first.port)]).await;
    let (port, folder) = (free_port(), tempfile::tempdir().expect("a temporary folder"));
    let settings = folder.path().join("sentinel.conf");
    let text = format!(
        "port {port}\nbind 127.0.0.1\nsentinel monitor desk 127.0.0.1 {} 1\nsentinel down-after-milliseconds desk 1000\n\
         sentinel failover-timeout desk 10000\n",
        first.port
    );
    std::fs::write(&settings, text).expect("a file");
    let mut command = Command::new("redis-server");
    command.arg(&settings).arg("--sentinel").current_dir(folder.path());
    let _sentinel = run(command, &folder.path().join("log"));
    answers(port).await;
    let knows = |what: &'static str| async move { ask(port, "SENTINEL MASTERS").await.is_ok_and(|told| told.contains(what)) };
    until("the sentinel knows the replica", || async {
        ask(port, "SENTINEL REPLICAS desk").await.is_ok_and(|told| told.contains(&format!("{}", second.port)))
    })
    .await;
    assert!(knows("desk").await);
    let address = Address::parse(&format!("redis+sentinel://127.0.0.1:{port}/desk")).expect("a good address");
    let nodes = two_at(address, |_, _| {}).await;
    speak(&nodes).await;
    first.signal("STOP").await;
    until("the other server is the first now", || async {
        ask(port, "SENTINEL GET-MASTER-ADDR-BY-NAME desk").await.is_ok_and(|told| told.contains(&format!("{}", second.port)))
    })
    .await;
    until("the nodes speak through the new server", || async {
        second.asks("PUBSUB SHARDNUMSUB").await;
        !second.asks("PUBSUB SHARDCHANNELS").await.starts_with("*0")
    })
    .await;
    until_ready_says(&nodes.0, "ok").await;
    until_ready_says(&nodes.1, "ok").await;
    speak(&nodes).await;
    first.signal("CONT").await;
    close(nodes).await;
}

#[test]
fn an_address_that_cannot_be_used_is_named() {
    let wrong = |url: &str| Address::parse(url).expect_err(url);
    assert!(wrong("localhost:6379").contains("it is no URL"));
    assert!(wrong("http://localhost").contains("http:// is not known"));
    assert!(wrong("redis://a:1,b:2").contains("several hosts"));
    assert!(wrong("redis+sentinel://a:1,b:2").contains("no service"));
    assert!(wrong("redis+ring://a:1").contains("+ring is not known"));
    assert!(wrong("redis://:secret@a:port").contains("cannot be read"));
    assert!(wrong("redis://a?ca=/x").contains("rediss://"));
    assert!(wrong("rediss://a?ca=/does/not/exist").contains("cannot be read"));
    assert!(wrong("redis://a?tls=1").contains("?tls is not known"));
    assert!(!wrong("redis://:secret@a:port").contains("secret"), "a password is never shown");
    assert!(!format!("{:?}", Address::parse("redis://:secret@a").expect("a good address")).contains("secret"));
}
