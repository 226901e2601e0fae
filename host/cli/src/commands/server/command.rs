//! What a command is that serves: which host it assembles of its options, and what of it can change.

use tensor_wasm_node::host::Served;
use tensor_wasm_runtime::HttpGrant;

use super::{ServerOptions, Telemetry};
use crate::commands::Command;
use crate::config::Settings;

/// A command that serves.
pub trait ServerCommand: Sized + 'static {
    /// What it serves.
    type Host: Served;

    /// What changes it while it serves.
    type Control: Send + 'static;

    /// Whether it shows its metrics by itself, also where there is no address for operators.
    const SHOWS_METRICS: bool = false;

    /// The settings that can change while it serves, beside those that can for every command.
    const CHANGEABLE: &'static [&'static str];

    /// Whether the servers that each tenant's components may send requests to can change too.
    const CHANGES_OUTGOING: bool;

    /// This command, where it is this one.
    fn of(command: Command) -> Option<Self>;

    /// What changes a host of this command.
    fn control(host: &Self::Host) -> Self::Control;

    /// Has the host go by these options from now on, as far as it can, and grant its components
    /// these requests. Called after the host itself was changed; `tenants_changed` says whether
    /// what tenants have is something else by that.
    fn change(&self, control: &Self::Control, outgoing: HttpGrant, tenants_changed: bool);

    /// What policies find in `wasi:config/store`.
    fn policy_settings(&self) -> Vec<(String, String)> {
        self.options().policy.settings()
    }

    /// The options that it shares with the others.
    fn options(&self) -> &ServerOptions;

    /// Assembles the host that the options describe, which tells this telemetry what happens.
    /// Called in the context of the Tokio runtime that serves, outside of its tasks, so that it
    /// may block.
    ///
    /// # Errors
    ///
    /// Where it can't be assembled; the process then ends.
    fn assemble(&self, settings: &Settings, telemetry: Telemetry) -> anyhow::Result<Self::Host>;

    /// The lines on standard output that say what is served, to follow those that say where.
    fn report(&self, host: &Self::Host) -> String;
}
