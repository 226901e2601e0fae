//! The options of the audit log.

use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};
use tensor_wasm_node::audit::{AuditConfig, AuditTarget, OnFailure};

#[derive(Args)]
pub struct AuditOptions {
    /// Where a record of each request that a policy decides on goes: stdout, file:PATH
    /// or none
    #[arg(
        long,
        help_heading = "Audit",
        value_name = "WHERE",
        env = "TENSOR_WASM_API_AUDIT_LOG",
        default_value = "stdout"
    )]
    audit_log: AuditTarget,
    /// Where the number and the hash of the last record are kept, to tell later that no
    /// record is missing from the end; by default beside the log, as FILE.head
    #[arg(long, value_name = "FILE", help_heading = "Audit")]
    audit_anchor: Option<PathBuf>,
    /// Send each answer only when its record is safe on the disk
    #[arg(long, value_parser = BoolishValueParser::new(), help_heading = "Audit")]
    audit_sync: bool,
    /// What happens to requests that could change something while the log can't be
    /// written
    #[arg(long, value_enum, default_value = "refuse", help_heading = "Audit")]
    audit_on_failure: WhenFailing,
}

/// What happens while records can't be kept.
#[derive(Clone, Copy, ValueEnum)]
enum WhenFailing {
    /// They are answered with 503
    Refuse,
    /// They go on; what is lost is counted and warned about
    Warn,
}

impl AuditOptions {
    /// How the log is kept.
    pub fn config(&self) -> AuditConfig {
        AuditConfig {
            target: self.audit_log.clone(),
            anchor: self.audit_anchor.clone(),
            sync: self.audit_sync,
            on_failure: match self.audit_on_failure {
                WhenFailing::Refuse => OnFailure::Refuse,
                WhenFailing::Warn => OnFailure::Warn,
            },
            ..AuditConfig::default()
        }
    }

    /// Logs where records go; as a warning where they go nowhere.
    pub fn log(&self, audited: bool) {
        if audited {
            tracing::info!(sync = self.audit_sync, "audit log: {}", self.audit_log);
        } else {
            tracing::warn!("audit log: none; no decision is recorded");
        }
    }
}
