//! A request as the host follows it: its name, its deadline, what a policy decided on
//! it, and how it fails.
//!
//! This is the bottom of the crate. Everything that handles requests imports it, and
//! it imports no other part of the crate, only the helper for locks. What lives
//! how long: a [`RequestContext`] as long as the request, a [`RequestTask`] as long as
//! one component of the chain works on it.

mod context;
mod decision;
mod error;
mod forwarded_head;
mod forwarded_request;
mod guest_count;
mod guest_run;
mod held;
mod id;
mod info;
mod observer;
mod scope;
mod task;
pub(crate) mod trace;
mod usage;

pub(crate) use context::RequestContext;
pub use decision::{Decision, Principal, Scope};
pub use error::HandleError;
pub(crate) use forwarded_head::ForwardedHead;
pub(crate) use forwarded_request::{ForwardedRequest, ResponseReceiver};
pub(crate) use guest_count::KeptForGuest;
pub use guest_count::{CountsGuests, GuestCount};
pub(crate) use guest_run::{Finish, Stop};
pub use id::{REQUEST_ID, RequestId};
pub use info::{RefusedRequest, RequestInfo};
pub(crate) use observer::Route;
pub use observer::{EndedRequest, Observer, UsageAccount};
pub use scope::RequestScope;
pub(crate) use task::RequestTask;
pub use trace::{Attribute, RequestTrace, Span, SpanId, SpanKind, SpanValue, TraceId, Tracer};
pub use usage::{BytesRead, Usage};
