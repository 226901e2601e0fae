//! What all commands share that serve over HTTP: their options, and how such a process runs,
//! from the first log line to the last record. A command says what it serves
//! ([`ServerCommand`]) and [`run()`] does the rest.

mod audit;
mod cache;
mod command;
mod device;
mod files;
mod http;
mod limits;
mod listener;
mod options;
mod policy;
mod progress;
mod protection;
mod record;
mod reload;
mod report;
mod requests;
mod run;
mod signals;
mod supervisor;
mod systemd;
mod tenants;
mod tls;
mod watchdog;

pub use cache::CacheOptions;
pub use command::ServerCommand;
pub use options::{ServerOptions, Telemetry, source};
pub use progress::Progress;
pub use report::{file_name, list};
pub use run::run;
