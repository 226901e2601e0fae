//! The HTTP front: sockets, limits, ids, error answers and draining, for whatever
//! [`Handler`] stands behind it. It knows nothing of components, which is why its
//! tests need none.

mod admin;
mod answer;
mod connection;
mod envelope;
mod error;
mod front;
mod handler;
mod limits;
mod listener;
mod request_body;
mod request_id;
mod shutdown;
mod tls;

pub use admin::Admin;
pub use error::ListenError;
pub use handler::{HandleError, Handler, RequestInfo};
pub use limits::Limits;
pub use listener::{Drained, Server};
pub use request_id::{REQUEST_ID, RequestId};
pub use shutdown::Readiness;
pub use tls::{ClientCertificates, Tls, TlsError, TlsFiles};
