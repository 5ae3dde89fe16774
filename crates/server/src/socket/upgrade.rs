//! From a request to a connection: origin, token, room, places; all before the handshake is answered.
//!
//! A browser cannot see why an upgrade was refused, so what is wrong with the caller is told *after* it, by an `error`
//! frame and a close code (contract, section 4). A wrong `Origin` is refused before.

use std::{net::SocketAddr, time::Duration};

use axum::{
    body::Body,
    extract::{ConnectInfo, FromRequestParts, Path, Query, State, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, Request, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};
use frontdesk_protocol::{CloseCode, Id, limits::FRAME_BYTES_MAX};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        handshake::server::create_response,
        protocol::{Role, WebSocketConfig},
    },
};

use super::{
    connection::{Connection, View},
    inbox::InboxView,
    room::RoomView,
    wire::Wire,
};
use crate::{
    app::App,
    caller::{self, Caller},
    chat::{access, presence},
    config::Origin,
    door::{no_room, places::Full, pulse::Pulsing},
    error::Error,
    hub::{Connected, Credentials, Kind, Refusal},
};

/// Big enough for a chat frame, small enough that an idle connection costs little: 128 KiB is the library's default.
const READ_BUFFER_BYTES: usize = 512;
/// The library's own frames only, pings and closes; see `Wire` for all others.
const WRITE_BUFFER_BYTES: usize = 0;
const SUBPROTOCOL: &str = "frontdesk.v1";
const SUBPROTOCOL_TOKEN: &str = "bearer.";
/// How long a peer that was refused may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// What the address asks for; everything may be left out. Of what is given twice the first counts.
struct Wish {
    token: Option<String>,
    v: Option<String>,
    after: Option<String>,
    epoch: Option<String>,
}

impl Wish {
    /// What cannot be read counts as left out: a browser would not be told of it before the upgrade.
    fn of(uri: &Uri) -> Self {
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(uri).map(|Query(pairs)| pairs).unwrap_or_default();
        let first = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        Self { token: first("token"), v: first("v"), after: first("after"), epoch: first("epoch") }
    }
}

/// Why a caller gets no connection: the close code, and the error that explains it.
struct Refused(CloseCode, Error);

/// A request for a connection that nothing speaks against but, perhaps, who asks and for what.
pub(super) struct Handshake {
    wish: Wish,
    headers: HeaderMap,
    peer: SocketAddr,
    upgrade: OnUpgrade,
    /// What accepts it.
    response: Response<()>,
}

impl FromRequestParts<App> for Handshake {
    type Rejection = Response;

    /// What is refused before the upgrade, when nobody has been let in yet: a foreign `Origin`, a full house, and what is no WebSocket.
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        if !origin_is_ours(app, &parts.headers) {
            let text = "this Origin may not connect; the operator can add it to --allowed-origins\n";
            return Err((StatusCode::FORBIDDEN, text).into_response());
        }
        // On a connection that was taken before memory was used up.
        if app.places.memory_is_full() {
            return Err(no_room(Full::House));
        }
        let wish = Wish::of(&parts.uri);
        let ConnectInfo(peer) = ConnectInfo::from_request_parts(parts, app).await.map_err(IntoResponse::into_response)?;
        let (response, upgrade) = accept(parts).ok_or_else(|| {
            let text = "this address speaks WebSocket only; a proxy in between must pass on Upgrade and Connection\n";
            (StatusCode::UPGRADE_REQUIRED, [(header::UPGRADE, "websocket")], text).into_response()
        })?;
        Ok(Self { wish, headers: std::mem::take(&mut parts.headers), peer, upgrade, response })
    }
}

/// The answer that makes a WebSocket of the connection, if it was asked for as RFC 6455, section 4.2.1 says.
fn accept(parts: &mut Parts) -> Option<(Response<()>, OnUpgrade)> {
    let upgrade = parts.extensions.remove::<OnUpgrade>()?;
    let (none, ()) = Request::new(()).into_parts();
    let request = Request::from_parts(std::mem::replace(parts, none), ());
    let response = create_response(&request);
    *parts = request.into_parts().0;
    let mut response = response.ok()?;
    if offered(&parts.headers).any(|name| name == SUBPROTOCOL) {
        response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    }
    Some((response, upgrade))
}

/// `GET /ws/chat/{room_id}/`
pub(super) async fn room(State(app): State<App>, room_id: Result<Path<String>, PathRejection>, handshake: Handshake) -> Response {
    let v1 = handshake.wish.v.as_deref() == Some("1") || offered(&handshake.headers).any(|name| name == SUBPROTOCOL);
    let kind = if v1 { Kind::Room } else { Kind::Origin };
    let room_id = room_id.map(|Path(text)| text).unwrap_or_default();
    let entered = Gate { app: &app, handshake: &handshake, kind }.enter_room(&room_id).await;
    handshake.answer(app, kind, entered)
}

/// `GET /ws/inbox/`
pub(super) async fn inbox(State(app): State<App>, handshake: Handshake) -> Response {
    let entered = Gate { app: &app, handshake: &handshake, kind: Kind::Inbox }.enter_inbox().await;
    handshake.answer(app, Kind::Inbox, entered)
}

struct Gate<'a> {
    app: &'a App,
    handshake: &'a Handshake,
    kind: Kind,
}

/// Everything that a connection needs but the socket itself. Dropped with a failed upgrade, it gives every place back.
struct Entered {
    caller: Caller,
    connected: Connected,
    view: View,
}

impl Gate<'_> {
    async fn enter_room(&self, room_id: &str) -> Result<Entered, Refused> {
        // What is no number is the number of no room: rooms are counted from 1.
        let room_id: Id = room_id.parse().unwrap_or_default();
        let (caller, owner) = self.identify(Some(room_id)).await?;
        let pass = access::admit(&caller, room_id, owner).map_err(|error| {
            let code = if caller.is_admin() { CloseCode::NotFound } else { CloseCode::Forbidden };
            Refused(code, error)
        })?;
        let connected = self.connect(&caller)?;
        let joined = self.app.hub.join(room_id, &connected.outbox, &caller.user, self.app.timing.presence_grace);
        if joined.arrived {
            presence::arrived(self.app, room_id, &caller.user);
        }
        // What is not a number is no place in this history: the answer will be `reset`.
        let Wish { after, epoch, .. } = &self.handshake.wish;
        let after = after.as_deref().map(|after| after.parse().unwrap_or(-1));
        let view = View::Room(Box::new(RoomView::new(pass, joined, after, epoch.clone())));
        Ok(Entered { caller, connected, view })
    }

    async fn enter_inbox(&self) -> Result<Entered, Refused> {
        let (caller, _) = self.identify(None).await?;
        if !caller.is_admin() {
            return Err(Refused(CloseCode::Forbidden, Error::Forbidden("the inbox is for admins; connect to your room".into())));
        }
        let connected = self.connect(&caller)?;
        let seat = self.app.hub.join_inbox(&connected.outbox);
        let Wish { after, epoch, .. } = &self.handshake.wish;
        let view = View::Inbox(Box::new(InboxView::new(seat, after.clone(), epoch.clone())));
        Ok(Entered { caller, connected, view })
    }

    async fn identify(&self, room_id: Option<Id>) -> Result<(Caller, Option<Id>), Refused> {
        let missing = || Error::Unauthorized("a token is needed: Authorization, a subprotocol, or ?token=".into());
        let token = self.token().ok_or_else(|| Refused(CloseCode::Unauthorized, missing()))?;
        caller::identify_at(self.app, &token, room_id).await.map_err(|error| match error {
            Error::Unauthorized(_) => Refused(CloseCode::Unauthorized, error),
            other => Refused(CloseCode::TryAgainLater, other),
        })
    }

    /// The header, then the subprotocol, then the query (contract, section 2).
    fn token(&self) -> Option<String> {
        let headers = &self.handshake.headers;
        let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let bearer = header.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        if let Some((_, token)) = bearer {
            return Some(token.trim().to_owned());
        }
        let subprotocol = offered(headers).find_map(|name| name.strip_prefix(SUBPROTOCOL_TOKEN).map(str::to_owned));
        subprotocol.or_else(|| self.handshake.wish.token.clone())
    }

    fn connect(&self, caller: &Caller) -> Result<Connected, Refused> {
        let address = self.app.addresses.of(self.handshake.peer, &self.handshake.headers);
        let credentials = credentials(caller);
        let connected = self.app.hub.connect(caller.id(), caller.user.role, self.kind, address, credentials).map_err(|refusal| {
            let what = match refusal {
                Refusal::User => "this person has too many connections",
                Refusal::Address => "this address has too many connections",
            };
            Refused(CloseCode::TooManyConnections, Error::RateLimited { what: what.into(), retry_after: Duration::from_secs(5) })
        })?;
        if caller.is_admin() {
            presence::admin_connected(self.app);
        }
        Ok(connected)
    }
}

/// What a connection's token can be ended by.
pub(super) fn credentials(caller: &Caller) -> Credentials {
    Credentials { sid: caller.session.sid().map(str::to_owned), jti: caller.session.jti().map(str::to_owned), issued_at: caller.issued_at }
}

fn offered(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).into_iter();
    lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(',')).map(str::trim)
}

/// Whether a page of this origin may connect. Without `Origin` it is no browser: let in.
fn origin_is_ours(app: &App, headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let Some(origin) = origin.to_str().ok().and_then(Origin::of_header) else { return false };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    host.is_some_and(|host| origin.is_host(host))
        || app.config.public_url.as_ref().is_some_and(|ours| ours.same_place(&origin))
        || app.config.allowed_origins.iter().any(|allowed| allowed.same_place(&origin))
}

impl Handshake {
    fn answer(self, app: App, kind: Kind, entered: Result<Entered, Refused>) -> Response {
        let Self { upgrade, response, .. } = self;
        let tracker = app.tracker.clone();
        // A box of its own, so that what is needed to begin is gone afterwards.
        let opened = Box::pin(open(app, kind, upgrade, entered));
        // Leaving waits for it.
        tracker.spawn(async move {
            if let Some(connection) = opened.await {
                connection.run().await;
            }
        });
        response.map(|()| Body::empty())
    }
}

async fn open(app: App, kind: Kind, upgrade: OnUpgrade, entered: Result<Entered, Refused>) -> Option<Box<Connection>> {
    let socket = upgraded(upgrade).await?;
    match entered {
        Ok(Entered { caller, connected, view }) => {
            let wire = Wire::new(socket, app.timing.write_timeout);
            Some(Box::new(Connection::new(app, wire, caller, connected, view, kind)))
        }
        Err(refused) => {
            turn_away(app, Wire::new(socket, GOODBYE), refused).await;
            None
        }
    }
}

/// The socket, once the handshake's answer is out. `None` if the peer has gone before.
async fn upgraded(upgrade: OnUpgrade) -> Option<WebSocketStream<Pulsing>> {
    let upgraded = upgrade.await.inspect_err(|error| tracing::debug!(%error, "a connection ended before it was upgraded")).ok()?;
    let parts = upgraded.downcast::<TokioIo<Pulsing>>().expect("all connections come by the door");
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_message_size(Some(FRAME_BYTES_MAX))
        .max_frame_size(Some(FRAME_BYTES_MAX));
    let read = parts.read_buf.to_vec();
    Some(WebSocketStream::from_partially_read(parts.io.into_inner(), read, Role::Server, Some(config)).await)
}

async fn turn_away(app: App, mut wire: Wire, Refused(code, error): Refused) {
    app.metrics.refused(error.code());
    let goodbye = async {
        wire.write(super::wire::refusal(&error, None, None)).await?;
        wire.close(code, &error.to_string()).await
    };
    // Whoever does not listen to the goodbye is let go all the same.
    let _ = tokio::time::timeout(GOODBYE, goodbye).await;
}
