//! A server without sockets: requests go straight into its router, so that thousands a second can be tried.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::ConnectInfo,
    http::{Method, Request},
};
use frontdesk::{
    Server,
    app::{App, Timing},
    config::{Config, Secret},
    http, transfer,
};
use frontdesk_protocol::{ErrorCode, Role, body::Problem};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::{
    fixture::{GRACE, people, tokens},
    postgres,
};

/// What was answered: enough to tell outcomes apart.
pub type Outcome = (u16, Option<ErrorCode>, String);

pub struct Desk {
    pub runtime: Runtime,
    server: Server,
    router: Router,
    folder: TempDir,
}

impl Desk {
    /// With the usual people and their rooms.
    pub fn opens() -> Self {
        Self::opens_with(&people::cast())
    }

    /// With what these lines bring.
    pub fn opens_with(lines: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let runtime = Runtime::new().expect("a runtime can be made");
        let mut config = Config::new(folder.path().join("data"));
        config.jwt_secret = Some(Secret::new(tokens::SECRET));
        config.rate_limit = 0;
        let server = runtime.block_on(async {
            if postgres::is_wanted() {
                config.postgres = Some(Secret::new(postgres::database().await));
            }
            let server = Server::prepare(config, Timing::default(), CancellationToken::new()).await.expect("it opens");
            let app = server.app();
            transfer::import(&app.store, &app.files, lines.as_bytes()).await.expect("everybody is taken in");
            server
        });
        let router = http::router(server.app());
        Self { runtime, server, router, folder }
    }

    pub fn app(&self) -> &App {
        self.server.app()
    }

    /// Where attachments are.
    pub fn attachments(&self) -> PathBuf {
        self.folder.path().join("data/attachments")
    }

    /// How many files there are, also of those that are still arriving.
    pub fn files(&self) -> usize {
        let count = |folder: PathBuf| {
            let entries = std::fs::read_dir(folder).expect("the folder is there");
            entries.filter(|entry| entry.as_ref().expect("an entry").path().is_file()).count()
        };
        count(self.attachments()) + count(self.attachments().join("tmp"))
    }

    /// Where Grace's room stands.
    pub fn head(&self) -> i64 {
        let room = self.runtime.block_on(self.app().store.room(GRACE.room, Role::Admin));
        room.expect("it can be read").expect("it is there").last_seq
    }

    /// Asks, and holds the answer to what every answer promises. What is refused has changed nothing.
    pub fn asks(&self, mut request: Request<Body>) -> Outcome {
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 4_321))));
        request.extensions_mut().insert(Arc::new(self.app().places.take(None).expect("there is room")));
        let (head, files) = (self.head(), self.files());
        let is_head = request.method() == Method::HEAD;
        let (status, is_problem, body) = self.runtime.block_on(async {
            let answer = self.router.clone().oneshot(request).await.expect("a router always answers");
            let kind = answer.headers().get("content-type").map(|kind| kind == "application/problem+json");
            let status = answer.status().as_u16();
            (status, kind == Some(true), to_bytes(answer.into_body(), usize::MAX).await.expect("a body that ends"))
        });
        if status < 400 {
            return (status, None, String::new());
        }
        let text = String::from_utf8_lossy(&body);
        assert!(is_problem, "{status} is no problem+json: {text}");
        if is_head {
            assert!(body.is_empty() && status < 500, "{status} {text}");
            return (status, None, String::new());
        }
        let problem: Problem = serde_json::from_slice(&body).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert!(status < 500 && problem.code != ErrorCode::Internal, "{text}");
        assert_eq!(problem.status, status, "{text}");
        assert_eq!(self.head(), head, "refused and yet stored: {text}");
        assert_eq!(self.files(), files, "refused and yet a file is left: {text}");
        (status, Some(problem.code), gist(&problem.detail))
    }
}

/// The beginning of a text without the numbers and names in it.
pub fn gist(text: &str) -> String {
    text.split(|character: char| !character.is_ascii_lowercase()).filter(|word| !word.is_empty()).take(6).collect()
}
