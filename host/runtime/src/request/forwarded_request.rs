//! A request that a policy has forwarded, while the component behind responds to it.
//!
//! The policy waits for the response, and whoever polls the policy polls this too, beside it:
//! Wasmtime does not let a guest run within the poll of another one.

use super::error::HandleError;
use crate::lock::ignore_poison;
use futures::channel::oneshot;
use std::pin::Pin;
use std::sync::Mutex;
use wasmtime_wasi_http::WasiBody;

/// Ends when there is a response, which the policy has then.
pub(crate) type ForwardedRequest = Pin<Box<dyn Future<Output = ()> + Send>>;

type Outcome = Result<http::Response<WasiBody>, HandleError>;

/// What a policy has forwarded, until whoever runs the policy takes it.
#[derive(Default)]
pub(crate) struct ForwardedSlot(Mutex<Option<ForwardedRequest>>);

impl ForwardedSlot {
    /// Forwards a request, or tells why it goes no further. Returns where its response comes.
    pub(crate) fn put<F>(&self, response: Result<F, HandleError>) -> oneshot::Receiver<Outcome>
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let (send, receive) = oneshot::channel();
        match response {
            Ok(response) => {
                let forwarded = async move {
                    // The policy may be gone.
                    let _ = send.send(response.await);
                };
                *ignore_poison(self.0.lock()) = Some(Box::pin(forwarded));
            }
            Err(error) => drop(send.send(Err(error))),
        }
        receive
    }

    /// Takes out what was forwarded.
    pub(crate) fn take(&self) -> Option<ForwardedRequest> {
        ignore_poison(self.0.lock()).take()
    }
}
