//! Our own accept loop: every connection is a task that ends with the server, a slow head is cut off, newcomers past what
//! there is room for are told to come back, and running out of file descriptors makes them wait instead of spinning.

pub mod address;
pub mod memory;
pub mod places;
pub mod pulse;

use std::{convert::Infallible, fs::File, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::ConnectInfo,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::{app::App, error::Error};
use places::{Full, Place};
use pulse::Pulsing;

/// How long a client may take for the head of a request; also how long an idle connection is kept.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest head of a request.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// What the kernel takes for a connection beyond what is on its way.
const UNSENT_BYTES_MAX: u32 = 64 * 1024;
/// How long to wait when no connection can be taken.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);
/// Newcomers that may be told at once that there is no room; whoever comes on top of them is only closed.
const TURNED_AWAY_MAX: usize = 64;
/// How long telling one may take.
const TURN_AWAY_WITHIN: Duration = Duration::from_secs(2);
/// When somebody who found no room may try again.
const COME_BACK_AFTER: Duration = Duration::from_secs(5);

/// Serves until the server is to leave; then no connection is taken any more, requests under way are answered, and the tracker
/// sees the last one end.
pub async fn serve(listener: TcpListener, router: Router, app: &App) {
    let (shutdown, tracker) = (&app.shutdown, &app.tracker);
    let turned_away = Arc::new(Semaphore::new(TURNED_AWAY_MAX));
    let mut spare = open_spare();
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => match app.places.take(app.addresses.of_peer(peer)) {
                Ok(place) => drop(tracker.spawn(connection(stream, peer, router.clone(), shutdown.clone(), place))),
                Err(full) => {
                    if let Ok(permit) = turned_away.clone().try_acquire_owned() {
                        tracker.spawn(async move {
                            turn_away(stream, full).await;
                            drop(permit);
                        });
                    }
                }
            },
            Err(error) if is_exhausted(&error) => {
                tracing::warn!(%error, "no connection can be taken; raise the limit of open files");
                drop(spare.take());
                turn_one_away(&listener).await;
                spare = open_spare();
                tokio::time::sleep(EXHAUSTED_PAUSE).await;
            }
            Err(error) => tracing::debug!(%error, "a connection ended before it was taken"),
        }
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, router: Router, shutdown: CancellationToken, place: Place) {
    let place = Arc::new(place);
    if let Err(error) = tune(&stream) {
        tracing::debug!(%error, "a connection ended before it was served");
        return;
    }
    let stream = Pulsing { stream, place: place.clone() };
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        // A WebSocket outlives this task and keeps the place.
        request.extensions_mut().insert(place.clone());
        router.clone().call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

/// Frames are small and must not wait for the next one. What a slow reader has not taken waits here, where it can be counted
/// and shed, and not by megabytes in the kernel, where a ping would stand behind it.
fn tune(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    SockRef::from(stream).set_tcp_notsent_lowat(UNSENT_BYTES_MAX)
}

/// Why nobody new is taken, as an answer.
#[must_use]
pub fn no_room(full: Full) -> Response {
    let error = match full {
        Full::House => Error::Unavailable("the server is full; come back a little later".into()),
        Full::Address => Error::RateLimited { what: "this address has too many connections".into(), retry_after: COME_BACK_AFTER },
    };
    let mut answer = error.into_response();
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(COME_BACK_AFTER.as_secs()));
    answer
}

/// Answers whatever is asked first, since a connection closed before that looks like a broken network.
async fn turn_away(stream: TcpStream, full: Full) {
    let service = service_fn(move |_: Request<Incoming>| async move { Ok::<_, Infallible>(no_room(full)) });
    let connection = http1::Builder::new().keep_alive(false).max_buf_size(HEAD_BYTES_MAX).serve_connection(TokioIo::new(stream), service);
    // Whoever asks nothing in time is closed all the same.
    let _ = timeout(TURN_AWAY_WITHIN, connection).await;
}

fn open_spare() -> Option<File> {
    File::open("/dev/null").ok()
}

/// EMFILE and ENFILE: this process or the machine has no descriptor left.
fn is_exhausted(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(23 | 24))
}

/// With the spare descriptor given back, the newcomer can be taken and closed, so that it does not hang in the queue.
async fn turn_one_away(listener: &TcpListener) {
    if let Ok(Ok((stream, _))) = timeout(Duration::from_millis(1), listener.accept()).await {
        drop(stream);
    }
}
