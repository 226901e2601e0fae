//! The client: the commands that ask a node, over its HTTP API.
//!
//! A command makes a request ([`request`]) and sends it ([`connection`]); what comes back is
//! shown as text for people or, with `--json`, as it is. Failures have exit codes that
//! scripts can tell apart ([`error`]).

mod activate;
mod address;
mod assets;
mod body;
mod connection;
mod delete;
mod deploy;
mod error;
mod invoke;
mod jobs;
mod list;
mod logs;
mod model;
mod options;
mod outgoing;
mod output;
mod pages;
mod progress;
mod ready;
mod request;
mod response;
mod rollback;
mod secrets;
mod settings;
mod show;
mod snapshot;
mod text;
mod traffic;
mod usage;
mod verify;

pub use activate::Activate;
pub use assets::Assets;
pub use delete::Delete;
pub use deploy::Deploy;
pub use invoke::Invoke;
pub use jobs::Jobs;
pub use list::List;
pub use logs::Logs;
pub use outgoing::Outgoing;
pub use ready::Ready;
pub use rollback::Rollback;
pub use secrets::Secrets;
pub use settings::Settings;
pub use show::Show;
pub use snapshot::Snapshot;
pub use traffic::Traffic;
pub use usage::Usage;
pub use verify::Verify;
