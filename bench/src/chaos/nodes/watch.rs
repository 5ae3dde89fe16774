//! Asks nodes again and again how they are: how soon one says that it is not well, and whether it is well again.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use frontdesk_bench::http::Api;
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};

const ASK_EVERY: Duration = Duration::from_millis(50);
/// A node that does not answer within this has not said anything.
const PATIENCE: Duration = Duration::from_secs(6);

/// When a node said for the first time that it is not well.
type Said = Arc<Mutex<Option<Instant>>>;

/// A look at some nodes that goes on.
pub struct Watch(Vec<(Said, JoinHandle<()>)>);

impl Watch {
    pub fn begin(addresses: &[String]) -> Self {
        let each = addresses.iter().map(|address| {
            let (said, address) = (Said::default(), address.clone());
            let noted = Arc::clone(&said);
            let asking = tokio::spawn(async move {
                while status(&address).await.is_none_or(|status| status == "ok") {
                    sleep(ASK_EVERY).await;
                }
                *noted.lock().expect("nobody panics with the time in hand") = Some(Instant::now());
            });
            (said, asking)
        });
        Self(each.collect())
    }

    /// How long it took each of them since it was struck.
    pub fn ends(self, struck: Instant) -> Vec<Option<Duration>> {
        let each = self.0.into_iter().map(|(said, asking)| {
            asking.abort();
            said.lock().expect("nobody panics with the time in hand").map(|at| at.duration_since(struck))
        });
        each.collect()
    }
}

/// What `/readyz` says: `ok`, `degraded`, or the reason why not.
async fn status(address: &str) -> Option<String> {
    let answer = Api::new(address, "", PATIENCE).get("/readyz").await.ok()?;
    let said = answer.json().ok()?;
    let word = if answer.status == 200 { &said["status"] } else { &said["detail"] };
    Some(word.as_str().unwrap_or("nothing that is understood").to_owned())
}

/// Waits until it is; else answers what it says instead.
pub async fn is_well(address: &str, within: Duration) -> Result<(), String> {
    let until = Instant::now() + within;
    loop {
        match status(address).await {
            Some(status) if status == "ok" => return Ok(()),
            other if Instant::now() > until => return Err(other.unwrap_or_else(|| "nothing at all".into())),
            _ => sleep(ASK_EVERY).await,
        }
    }
}
