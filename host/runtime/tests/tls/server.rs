//! The server under test, and the handler behind it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, StreamBody};
use tensor_wasm_runtime::server::{
    Drained, HandleError, Handler, Limits, RequestInfo, Server, Tls,
};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use wasmtime_wasi_http::WasiBody;

/// Long enough that reaching it means a failure.
pub const NEVER: Duration = Duration::from_secs(30);

/// Says who asks. `/gate` waits until the test opens it, `/endless` never ends.
#[derive(Default)]
pub struct WhoAmI {
    pub gate: Notify,
    pub arrived: Notify,
    pub dropped: Arc<Notify>,
    pub calls: AtomicUsize,
}

pub struct OnDrop(pub Arc<Notify>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Handler for WhoAmI {
    async fn handle(
        &self,
        request: Request<WasiBody>,
        info: RequestInfo,
    ) -> Result<Response<WasiBody>, HandleError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.arrived.notify_one();
        match request.uri().path() {
            "/gate" => self.gate.notified().await,
            "/endless" => {
                let on_drop = OnDrop(self.dropped.clone());
                let frame = Bytes::from(vec![b'x'; 64 << 10]);
                let frames = futures::stream::repeat_with(move || {
                    let _ = &on_drop;
                    Ok(http_body::Frame::data(frame.clone()))
                });
                return Ok(Response::new(StreamBody::new(frames).boxed_unsync()));
            }
            _ => {}
        }
        let who = info.certificate.as_deref().unwrap_or("nobody");
        let text = Full::new(Bytes::from(format!("you are {who}.")));
        Ok(Response::new(
            text.map_err(|never| match never {}).boxed_unsync(),
        ))
    }
}

pub struct Running {
    pub address: SocketAddr,
    pub handler: Arc<WhoAmI>,
    pub stop: oneshot::Sender<()>,
    pub served: JoinHandle<Drained>,
}

impl Running {
    pub async fn start(tls: Tls) -> Self {
        Self::start_with(tls, Limits::default()).await
    }

    pub async fn start_with(tls: Tls, limits: Limits) -> Self {
        let server = Server::bind(([127, 0, 0, 1], 0).into(), limits)
            .await
            .unwrap()
            .with_tls(tls);
        let address = server.address();
        let handler = Arc::new(WhoAmI::default());
        let (stop, stopped) = oneshot::channel();
        let stopped = async { drop(stopped.await) };
        let served = tokio::spawn(server.serve(handler.clone(), stopped, NEVER));
        Self {
            address,
            handler,
            stop,
            served,
        }
    }

    pub fn calls(&self) -> usize {
        self.handler.calls.load(Ordering::Relaxed)
    }
}

pub fn quick() -> Limits {
    Limits {
        head_timeout: Duration::from_millis(50),
        idle_timeout: Duration::from_millis(50),
        ..Limits::default()
    }
}
