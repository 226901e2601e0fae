//! Observing requests: what metrics and accounts are made of. The runtime keeps neither: whoever
//! embeds it brings an [`Observer`].

use std::time::Duration;

use super::decision::Decision;
use super::error::HandleError;
use super::usage::Usage;

/// The route that a request has taken, in the extensions of its response.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route(pub(crate) &'static str);

/// A response that has ended, or the end of a request that got none.
#[derive(Clone, Copy, Debug)]
pub struct EndedRequest<'a> {
    /// The method; `None` where the request's head can't be read.
    pub method: Option<&'a http::Method>,
    /// The status of the response; `None` where the client went away before there was one.
    pub status: Option<http::StatusCode>,
    /// The route that code of the embedder has found for it, by the word that it gave the
    /// request ([`RequestScope::set_action`](crate::RequestScope::set_action)).
    pub route: Option<&'static str>,
    /// From the request's head to the last byte of the response.
    pub duration: Duration,
}

/// The account within a tenant, such as a function's, that a request is attributed to
/// ([`RequestScope::attribute_to`](crate::RequestScope::attribute_to)).
///
/// Called where [`Observer::charged`] is: it may neither block nor take long.
pub trait UsageAccount: Send + Sync {
    /// A request is charged for what it used since it was charged before: its tenant is charged
    /// the same.
    fn charged(&self, usage: &Usage);
}

/// Learns what happens to requests.
///
/// Called in the middle of requests, on the threads that serve HTTP and on those that run
/// kernels: it may neither block nor take long.
pub trait Observer: Send + Sync {
    /// A request's head has come.
    fn request_began(&self) {}

    /// A request has ended: its response was sent to the last byte, or broke off. Called once
    /// for each that began.
    fn request_ended(&self, request: EndedRequest<'_>) {
        let _ = request;
    }

    /// A request got an error of the host in place of a response of a guest.
    fn failed(&self, error: HandleError) {
        let _ = error;
    }

    /// A policy has decided on a request.
    fn decided(&self, decision: &Decision) {
        let _ = decision;
    }

    /// A request is charged for what it used since it was charged before. The tenant is `None`
    /// where no policy has admitted the request. All charges of a request add up to what it
    /// used.
    fn charged(&self, tenant: Option<u64>, usage: &Usage) {
        let _ = (tenant, usage);
    }

    /// A launch of a kernel has ended, so long after it was queued.
    fn launch_ended(&self, latency: Duration) {
        let _ = latency;
    }

    /// An instance was made, which took so long.
    fn instantiated(&self, took: Duration) {
        let _ = took;
    }

    /// A component was compiled, or its code was taken from the cache, which took so long.
    fn compiled(&self, took: Duration) {
        let _ = took;
    }
}
