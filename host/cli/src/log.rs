//! The log: events of the program and of its guests, on standard error.

mod panics;
mod stderr;
mod writer;

use std::io::{self, IsTerminal};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use tracing_subscriber::{EnvFilter, reload};

use stderr::Stderr;
use writer::LogWriter;

/// What of the log is written, and how.
#[derive(Args)]
pub struct LogOptions {
    /// How log lines look
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    log: Format,
    /// What is logged: error, warn, info, debug, trace, or a filter such as
    /// tensor_wasm_runtime=debug
    #[arg(long, value_name = "FILTER", env = "RUST_LOG", default_value = "info")]
    log_level: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One JSON object a line, for machines
    Json,
}

/// What changes the level of a log that was started.
pub struct LogControl(Box<dyn Fn(EnvFilter) -> Result<(), reload::Error> + Send>);

impl LogControl {
    /// What these options say is logged from now on. How lines look stays.
    ///
    /// # Errors
    ///
    /// Where the filter is invalid; what is logged then stays as it was.
    pub fn set_level(&self, options: &LogOptions) -> anyhow::Result<()> {
        Ok((self.0)(options.filter()?)?)
    }
}

impl LogOptions {
    /// What an author wants to see: what goes wrong, and what the component writes. Not the
    /// warning that kernels are checked, which they are meant to be.
    pub fn for_development() -> LogOptions {
        let default = "warn,tensor_wasm::guest=info,tensor_wasm_node::host::device=error";
        LogOptions {
            log: Format::Text,
            log_level: std::env::var("RUST_LOG").unwrap_or_else(|_| default.to_owned()),
        }
    }

    /// Starts to log. From then on panics are lines of the log too.
    ///
    /// # Errors
    ///
    /// Where the filter is invalid.
    pub fn start(&self) -> anyhow::Result<LogControl> {
        let log = tracing_subscriber::fmt()
            .with_env_filter(self.filter()?)
            // It would print them, and panic where standard error can't be written.
            .log_internal_errors(false)
            .with_writer(Arc::new(LogWriter::new(Stderr::default(), self.log)));
        let control = match self.log {
            Format::Text => {
                let log = log.with_ansi(io::stderr().is_terminal());
                let log = log.with_filter_reloading();
                let handle = log.reload_handle();
                log.init();
                LogControl(Box::new(move |filter| handle.reload(filter)))
            }
            Format::Json => {
                let log = log.json().with_filter_reloading();
                let handle = log.reload_handle();
                log.init();
                LogControl(Box::new(move |filter| handle.reload(filter)))
            }
        };
        panics::log();
        Ok(control)
    }

    fn filter(&self) -> anyhow::Result<EnvFilter> {
        EnvFilter::try_new(&self.log_level).map_err(|error| {
            anyhow::anyhow!(
                "`{}` is no log filter ({error}): try error, warn, info, debug or trace",
                self.log_level
            )
        })
    }
}
