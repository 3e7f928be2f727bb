//! What relbook serves over HTTP: one file per service, and how all of them end.
//!
//! A service stops at SIGINT or SIGTERM: it takes no new connection, finishes what it has begun,
//! and ends after a few seconds whatever a client does.

pub mod witness;

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;

/// How long requests in flight may take after the signal to stop.
const GRACE: Duration = Duration::from_secs(5);

/// Serves until a signal says stop; `ready` hears the address that was bound.
///
/// # Errors
/// When the address cannot be bound or no runtime can be made.
pub fn run(
    listen: &str,
    router: Router,
    ready: impl FnOnce(SocketAddr) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        // Both wait for the same signals; the second gives up on clients that do not leave.
        let (stop, give_up) = (signal()?, signal()?);
        let listener = tokio::net::TcpListener::bind(listen).await?;
        ready(listener.local_addr()?)?;
        let served = axum::serve(listener, router).with_graceful_shutdown(stop);
        tokio::select! {
            ended = served => ended,
            () = async { give_up.await; tokio::time::sleep(GRACE).await } => Ok(()),
        }
    })
}

/// Returns what ends at the first SIGINT or SIGTERM from now on.
fn signal() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async { drop(tokio::signal::ctrl_c().await) })
}
