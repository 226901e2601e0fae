//! A request that a policy has forwarded, while the component behind responds to it.
//!
//! The policy waits for the response, and whoever polls the policy polls this too, beside it:
//! Wasmtime does not let a guest run within the poll of another one.

use super::error::HandleError;
use crate::lock::ignore_poison;
use futures::channel::oneshot;
use futures::future::{Either, select};
use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use wasmtime_wasi_http::WasiBody;

/// Ends when there is a response, which the policy has then.
pub(crate) type ForwardedRequest = Pin<Box<dyn Future<Output = ()> + Send>>;

type Outcome = Result<http::Response<WasiBody>, HandleError>;

/// Where the response to what was forwarded comes. Where this is dropped before, what is behind is
/// stopped.
pub(crate) type ResponseReceiver = oneshot::Receiver<Outcome>;

/// What a policy has forwarded, until whoever runs the policy takes it.
#[derive(Default)]
pub(crate) struct ForwardedSlot {
    waiting: Mutex<Option<ForwardedRequest>>,
    is_claimed: AtomicBool,
}

impl ForwardedSlot {
    /// Whether this is the first request that the policy forwards. It forwards one for each that it
    /// is given: what a request uses, and who is answered, is counted once.
    pub(crate) fn claim(&self) -> bool {
        !self.is_claimed.swap(true, Ordering::Relaxed)
    }

    /// Forwards a request, or tells why it goes no further. Returns where its response comes.
    pub(crate) fn put<F>(&self, response: Result<F, HandleError>) -> ResponseReceiver
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let (mut send, receive) = oneshot::channel();
        match response {
            Ok(response) => {
                let forwarded = async move {
                    let response = pin!(response);
                    let outcome = match select(response, send.cancellation()).await {
                        Either::Left((outcome, _)) => outcome,
                        // The policy is gone, or has cancelled its call.
                        Either::Right(_) => return,
                    };
                    let _ = send.send(outcome);
                };
                *ignore_poison(self.waiting.lock()) = Some(Box::pin(forwarded));
            }
            Err(error) => drop(send.send(Err(error))),
        }
        receive
    }

    /// Takes out what was forwarded.
    pub(crate) fn take(&self) -> Option<ForwardedRequest> {
        ignore_poison(self.waiting.lock()).take()
    }
}
