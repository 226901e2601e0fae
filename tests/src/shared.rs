//! A server that the tests of a module share while any of them runs.

use std::sync::{Arc, Mutex, Weak};

use crate::server::{Serve, Server};

/// A server that the tests of one process share. It ends with the last test that
/// holds it: a plain `static` would never be dropped, and leave a server behind.
pub struct SharedServer {
    serve: fn() -> Serve,
    server: Mutex<Weak<Server>>,
}

impl SharedServer {
    /// A server that is started by the first test that asks for it.
    pub const fn new(serve: fn() -> Serve) -> Self {
        Self {
            serve,
            server: Mutex::new(Weak::new()),
        }
    }

    /// The running server.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn get(&self) -> Arc<Server> {
        // A test that failed to start it must not fail the others in its place.
        let mut server = self.server.lock().unwrap_or_else(|held| held.into_inner());
        server.upgrade().unwrap_or_else(|| {
            let started = Arc::new((self.serve)().start());
            *server = Arc::downgrade(&started);
            started
        })
    }
}
