//! The witness over HTTP: C2SP tlog-witness `add-checkpoint`, and nothing that changes a state.
//!
//! Every rule is the ledger's (`relbook_ledger::witness`, `store::Witness`); here a refusal becomes
//! a status and a conflict the size that the log needs for its next try.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use relbook_ledger::store::{Clock as _, SystemClock, Witness, WitnessError};
use relbook_ledger::witness::SUBMISSION_BYTES_MAX;

/// How long a log may take to send its submission.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Returns the service of a witness.
pub fn router(witness: Arc<Witness>) -> Router {
    Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .route("/healthz", get(async || "ok\n"))
        .with_state(witness)
}

async fn add_checkpoint(State(witness): State<Arc<Witness>>, body: Body) -> Response {
    let read = tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, SUBMISSION_BYTES_MAX)).await;
    let body = match read {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => {
            return text(StatusCode::BAD_REQUEST, "the body is too large, or broke off".to_owned());
        }
        Err(_) => return text(StatusCode::REQUEST_TIMEOUT, "the body took too long".to_owned()),
    };
    let work = move || witness.add_checkpoint(&body, SystemClock.now());
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(line)) => line.into_response(),
        Ok(Err(error)) => refusal(&error),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

fn refusal(error: &WitnessError) -> Response {
    let WitnessError::Refused(refusal) = error else {
        return text(StatusCode::INTERNAL_SERVER_ERROR, error.to_string());
    };
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
    match refusal.known_size() {
        Some(size) => (status, [(header::CONTENT_TYPE, "text/x.tlog.size")], format!("{size}\n"))
            .into_response(),
        None => text(status, refusal.to_string()),
    }
}

fn text(status: StatusCode, message: String) -> Response {
    (status, format!("{message}\n")).into_response()
}
