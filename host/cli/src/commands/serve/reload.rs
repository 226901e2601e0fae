//! What SIGHUP has the server read again: tokens and certificates, and the audit log,
//! whose file another program may have moved away. Requests that run notice nothing,
//! and what can't be read leaves everything as it was.

use std::fmt::Display;
use std::sync::Arc;

use tensor_wasm_node::audit::{AuditLog, Outcome};
use tensor_wasm_node::tokens::{Reloaded, Tokens};
use tensor_wasm_runtime::server::Tls;

pub(super) struct Reloadable {
    pub(super) tokens: Arc<Tokens>,
    pub(super) tls: Option<Tls>,
    pub(super) audit: Option<Arc<AuditLog>>,
}

impl Reloadable {
    pub(super) fn reload(&self) {
        // First, so that the records of the rest are in the new file.
        if let Some(audit) = &self.audit {
            audit.reopen();
        }
        match self.tokens.reload() {
            Ok(Reloaded { tokens, expired }) => {
                tracing::info!(tokens, expired, "SIGHUP: the tokens were read again");
                self.record("tokens.reload", Outcome::done());
            }
            Err(error) => self.failed("tokens.reload", "tokens", &error),
        }
        match self.tls.as_ref().map(Tls::reload) {
            None => {}
            Some(Ok(())) => {
                tracing::info!("SIGHUP: the certificates were read again");
                self.record("tls.reload", Outcome::done());
            }
            Some(Err(error)) => self.failed("tls.reload", "certificates", &error),
        }
    }

    fn failed(&self, action: &str, what: &str, error: &dyn Display) {
        tracing::error!("SIGHUP: the {what} stay as they were: {error}");
        self.record(action, Outcome::failed("reload_failed"));
    }

    fn record(&self, action: &str, outcome: Outcome) {
        if let Some(audit) = &self.audit {
            audit.event(action, "-", outcome);
        }
    }
}
