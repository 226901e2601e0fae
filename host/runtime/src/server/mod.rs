//! The HTTP server: sockets, TLS, limits, request ids, error responses and draining,
//! for whatever [`Handler`] answers the requests. It knows nothing of components, which
//! is why its tests need none.

mod address;
mod admin;
mod authority;
mod client_stream;
mod connection;
mod connection_task;
mod envelope;
mod error;
mod exchange;
mod forwarded;
mod handler;
mod library_refusal;
mod limits;
mod listener;
mod no_content;
mod pace;
mod peer_watch;
mod places;
mod polling_task;
mod readiness;
mod repoll;
mod request_body;
mod request_head;
mod response_body;
mod server_span;
mod service;
mod shutdown;
mod socket;
mod tls;
mod when_woken;

pub use crate::request::{CountsGuests, GuestCount};
pub use crate::request::{HandleError, REQUEST_ID, RefusedRequest, RequestId, RequestInfo};
pub use address::{ListenAddress, NoAddress};
pub use admin::{Admin, MetricsPage, MetricsText};
pub use envelope::error_body;
pub use error::ListenError;
pub use handler::{CompleteResponse, Handler};
pub use limits::{Limits, PeerLimit};
pub use listener::{Drained, Server};
pub(crate) use no_content::has_content;
pub use readiness::{Readiness, UnreadyParts};
pub use socket::{PassedSocket, UNIX_CLIENT};
pub use tls::{ClientCertificates, Tls, TlsError, TlsFiles};
