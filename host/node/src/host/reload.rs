//! What can change while a host serves: its tokens, its certificates, and the file of its
//! audit log.

use std::error::Error;
use std::sync::Arc;

use tensor_wasm_runtime::server::Tls;

use crate::audit::{AuditLog, Outcome};
use crate::tokens::{Reloaded, Tokens};

/// Reads the files of a running host again. It doesn't keep the rest of the host alive.
pub struct Reloader {
    tokens: Arc<Tokens>,
    audit: Option<Arc<AuditLog>>,
}

impl Reloader {
    pub(crate) fn new(tokens: Arc<Tokens>, audit: Option<Arc<AuditLog>>) -> Reloader {
        Reloader { tokens, audit }
    }

    /// Reads tokens and certificates again, and opens the audit log's file anew, which
    /// another program may have moved away. Running requests are not affected, and what
    /// can't be read stays as it was. Blocks while it reads. Logs and records the outcome.
    pub fn reload(&self, tls: Option<&Tls>) {
        // First, so that the records of the rest are in the new file.
        if let Some(audit) = &self.audit {
            audit.reopen();
        }
        match self.tokens.reload() {
            Ok(Reloaded { tokens, expired }) => {
                tracing::info!(tokens, expired, "the tokens were read again");
                self.record("tokens.reload", Outcome::done());
            }
            Err(error) => self.failed("tokens.reload", "tokens", &error),
        }
        match tls.map(Tls::reload) {
            None => {}
            Some(Ok(())) => {
                tracing::info!("the certificates were read again");
                self.record("tls.reload", Outcome::done());
            }
            Some(Err(error)) => self.failed("tls.reload", "certificates", &error),
        }
    }

    /// Records that the configuration was read again, or can't be used and stays as it was.
    pub fn record_configuration(&self, is_used: bool) {
        let outcome = match is_used {
            true => Outcome::done(),
            false => Outcome::failed("reload_failed"),
        };
        self.record("config.reload", outcome);
    }

    fn failed(&self, action: &str, what: &str, error: &dyn Error) {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text += &format!(": {error}");
            cause = error.source();
        }
        tracing::error!("the {what} stay as they were: {text}");
        self.record(action, Outcome::failed("reload_failed"));
    }

    fn record(&self, action: &str, outcome: Outcome) {
        if let Some(audit) = &self.audit {
            audit.event(action, "-", outcome);
        }
    }
}
