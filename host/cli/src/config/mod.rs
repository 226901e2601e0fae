//! The configuration: a file, the environment and the command line as one.
//!
//! A flag overrides a variable, a variable the file, and the file the built-in default.
//! The options of the commands that serve are the table of all settings ([`table`]), and one
//! file may have the keys of all of them. A setting that only the file makes is passed to
//! clap as a flag of the command line, so that there is one parser, one set of checks and
//! one definition of which options conflict.

mod default;
mod diagnostic;
mod file;

mod names;
mod resolve;
mod syntax;
mod table;
mod tenants;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, CommandFactory, FromArgMatches};
use tensor_wasm_node::tokens::others_may_read;
use tensor_wasm_node::traces::TraceConfig;

use crate::Cli;

pub use default::text as default_text;
pub use diagnostic::{ConfigDiagnostic, Error, INVALID, Position, lines};
pub use file::File;
pub use names::{CLIENT_TOKEN, SNAPSHOT_HMAC_KEY};
pub use resolve::{Setting, Source};
pub use syntax::parse as parse_toml;
pub use table::{SettingKind, Table};
pub use tenants::{TenantGrant, Tenants};

use resolve::Resolved;
use table::{Key, with_variables, without_variable};

/// The file that is used where none is named and it is there.
const HERE: &str = "tensor-wasm.toml";

// Where the configuration is. No documentation: it would become that of the command.
#[derive(Args, Default)]
pub struct FileOption {
    /// The configuration; ./tensor-wasm.toml, if there is one, where none is named
    #[arg(long = "config", value_name = "FILE", env = "TENSOR_WASM_CONFIG")]
    config: Option<PathBuf>,
}

impl FileOption {
    /// The file to read, if there is one.
    pub fn path(&self) -> Option<PathBuf> {
        let here = || Path::new(HERE).exists().then(|| PathBuf::from(HERE));
        self.config.clone().or_else(here)
    }
}

/// The command line, and the settings of its command.
pub struct Loaded {
    pub cli: Cli,
    pub settings: Settings,
}

/// What a configuration holds beside the options of its command, and where each came from.
#[derive(Default)]
pub struct Settings {
    /// The command whose settings they are.
    pub command: &'static str,
    /// The file, if one was read.
    pub path: Option<PathBuf>,
    /// What each tenant may have.
    pub tenants: Tenants,
    /// Where the spans of requests are exported to, by OpenTelemetry's own variables.
    pub traces: Option<TraceConfig>,
    /// What is suspicious and not an error.
    pub warnings: Vec<String>,
    /// Each setting that is in effect, with secrets hidden.
    pub effective: Vec<Setting>,
}

impl Settings {
    /// Logs where the configuration came from, and its warnings.
    pub fn log(&self) {
        if let Some(path) = &self.path {
            tracing::info!(file = %path.display(), "configured");
        }
        for warning in &self.warnings {
            tracing::warn!("{warning}");
        }
    }
}

/// A command that takes settings.
struct Configured {
    /// Its names, from the root.
    path: CommandPath,
    /// The command that serves whose settings they are.
    server: &'static str,
}

/// The names of a command, from the root.
type CommandPath = &'static [&'static str];

/// The commands that serve.
const SERVERS: [&str; 2] = ["serve", "node"];

/// All commands that take settings, each before those above it.
const CONFIGURED: [Configured; 4] = [
    Configured {
        path: &["serve"],
        server: "serve",
    },
    Configured {
        path: &["node"],
        server: "node",
    },
    Configured {
        path: &["config", "show", "node"],
        server: "node",
    },
    Configured {
        path: &["config", "show"],
        server: "serve",
    },
];

/// All commands, those that take settings with all that sets them.
pub fn command() -> Command {
    let root = Cli::command();
    CONFIGURED.iter().fold(root.clone(), |command, configured| {
        at(command, configured.path, &mut |command| {
            let shows = configured.path != [configured.server];
            let command = match root.find_subcommand(configured.server) {
                Some(server) if shows => shows_settings(command, server),
                _ => command,
            };
            with_variables(FileOption::augment_args(command))
        })
    })
}

/// Adds the options of a command that serves to another one, none of them required.
fn shows_settings(command: Command, server: &Command) -> Command {
    let options = server.get_arguments().cloned();
    let options = options.map(|option| option.required(false));
    command.args(options).groups(server.get_groups().cloned())
}

/// The table of the settings of a command that serves.
fn table_of(server: &'static str) -> Table {
    let mut command = command();
    command.build();
    command
        .find_subcommand(server)
        .map_or_else(|| Table::of(&Command::new(server)), Table::of)
}

/// The table of all settings.
pub fn settings_table() -> Table {
    let [first, others @ ..] = SERVERS;
    others.into_iter().fold(table_of(first), |table, server| {
        table.with(table_of(server))
    })
}

/// The variables of the environment that are ours and may hold a secret: those of the settings
/// whose values are not shown, and those that nothing reads, since a secret may stand under a
/// mistyped name.
pub fn secret_variables() -> Vec<String> {
    let ours = names::ours();
    if ours.is_empty() {
        return Vec::new();
    }
    let (table, known) = (settings_table(), names::known(&command()));
    let may_be_secret = |name: &String| {
        let key = table
            .iter()
            .find(|key| key.variable().as_ref() == Some(name));
        name == CLIENT_TOKEN || key.map_or(!known.contains(name), Key::may_hold_a_secret)
    };
    ours.into_iter().filter(may_be_secret).collect()
}

/// Warnings about variables of the environment.
pub fn warnings() -> Vec<String> {
    names::unknown_variables(&command(), &names::ours())
}

/// A warning about a file that holds secrets and that other users may read.
pub fn exposed_secrets(path: &Path, contents: &File, table: &Table) -> Option<String> {
    let secret = table
        .iter()
        .find(|key| key.is_secret() && contents.values.contains_key(&key.name))?;
    others_may_read(path).then(|| {
        format!(
            "other users of this machine may read `{}` in {}: `chmod 600` it",
            secret.name,
            path.display()
        )
    })
}

/// Reads the command line, and the configuration of a command that has one.
///
/// # Errors
///
/// Where anything in one of them is wrong, or help was asked for.
pub fn load(arguments: Vec<OsString>) -> Result<Loaded, Error> {
    let command = command();
    let flags = match flags(&command, &arguments) {
        Ok(flags) => flags,
        Err(error) => {
            // Parsed again by the whole command, whose help lists the variables.
            let error = command
                .try_get_matches_from(arguments)
                .err()
                .unwrap_or(error);
            return Err(resolve::without_secrets(&settings_table(), error).into());
        }
    };
    let Some((Configured { path, server }, leaf)) = configured(&flags) else {
        let matches = command.try_get_matches_from(arguments)?;
        let cli = Cli::from_arg_matches(&matches)?;
        return Ok(Loaded {
            cli,
            settings: Settings::default(),
        });
    };
    let (table, all) = (table_of(server), settings_table());
    if let Some(option) = misplaced(&flags, path, &all) {
        let message = format!(
            "{option} stands before `{name}`, and would not count for it: write it behind",
            name = path.last().unwrap_or(server)
        );
        Err(command.clone().error(ErrorKind::ArgumentConflict, message))?;
    }
    let option = FileOption::from_arg_matches(leaf)?;
    let file = option.path();
    let contents = match &file {
        Some(path) => File::read(path, &all)?,
        None => File::default(),
    };
    let mut warnings = names::unknown_variables(&command, &names::ours());
    if let Some(path) = &file {
        warnings.extend(exposed_secrets(path, &contents, &all));
    }
    let resolved = Resolved::new(&table, leaf, contents.values);
    if let Some(key) = resolved.exposed() {
        let message = format!(
            "--{} is a secret, and other users of this machine can read command lines: set the \
             variable {}, or the key in the configuration file",
            key.name,
            key.variable().unwrap_or_default()
        );
        Err(command.clone().error(ErrorKind::ArgumentConflict, message))?;
    }
    // A variable counts for the command that runs, and not for one above it as well.
    let others = CONFIGURED.iter().filter(|other| other.path != *path);
    let command = others.fold(command, |command, other| {
        at(command, other.path, &mut without_variables)
    });
    let (command, arguments) = resolved.apply(command, path, arguments);
    let matches = command
        .try_get_matches_from(arguments)
        .map_err(|error| resolved.explain(error, file.as_deref()))?;
    let effective = configured(&matches)
        .map(|(_, leaf)| resolved.effective(leaf))
        .unwrap_or_default();
    let cli = Cli::from_arg_matches(&matches)?;
    Ok(Loaded {
        cli,
        settings: Settings {
            command: server,
            path: file,
            tenants: contents.tenants,
            traces: None,
            warnings,
            effective,
        },
    })
}

/// The command that takes settings, where it is one of those, and its arguments.
fn configured(matches: &ArgMatches) -> Option<(&'static Configured, &ArgMatches)> {
    CONFIGURED.iter().find_map(|configured| {
        configured
            .path
            .iter()
            .try_fold(matches, |matches, name| matches.subcommand_matches(name))
            .map(|leaf| (configured, leaf))
    })
}

/// A setting on the command line that belongs to a command above the one that runs, as in
/// `config show --reuse 2 node`.
fn misplaced(matches: &ArgMatches, path: CommandPath, all: &Table) -> Option<String> {
    let (_, above) = path.split_last()?;
    let above = above
        .iter()
        .try_fold(matches, |matches, name| matches.subcommand_matches(name))?;
    let is_set = |id: &str| {
        // What the one above does not have is no option of it.
        let source = above
            .try_contains_id(id)
            .is_ok()
            .then(|| above.value_source(id));
        source.flatten() == Some(ValueSource::CommandLine)
    };
    if is_set("config") {
        return Some("--config".to_owned());
    }
    let key = all.iter().find(|key| is_set(key.id()))?;
    Some(key.flag())
}

/// Applies a function to the command at this path.
fn at(command: Command, path: &[&str], change: &mut dyn FnMut(Command) -> Command) -> Command {
    let Some((first, rest)) = path.split_first() else {
        return change(command);
    };
    command.mut_subcommands(|command| {
        if command.get_name() == *first {
            at(command, rest, change)
        } else {
            command
        }
    })
}

/// A command whose arguments are all optional and have no variables, but for the file.
fn without_variables(command: Command) -> Command {
    command.mut_args(|argument| match argument.get_id().as_str() {
        "config" => argument,
        _ => without_variable(argument).required(false),
    })
}

/// Parses the command line alone: a variable would hide which flags are set, and a
/// required option may be in the file.
fn flags(command: &Command, arguments: &[OsString]) -> Result<ArgMatches, clap::Error> {
    let command = CONFIGURED.iter().fold(command.clone(), |command, of| {
        at(command, of.path, &mut without_variables)
    });
    match command.clone().try_get_matches_from(arguments) {
        Err(error) if error.kind() == ErrorKind::MissingRequiredArgument => {
            // An option that needs another one, which the file may have.
            command.ignore_errors(true).try_get_matches_from(arguments)
        }
        matches => matches,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that both commands read can't mean two things by one key.
    #[test]
    fn a_setting_that_two_commands_have_is_the_same_in_both() {
        let [serve, node] = SERVERS.map(table_of);
        let mut shared = 0;
        for key in serve.iter() {
            let Some(other) = node.get(&key.name) else {
                continue;
            };
            shared += 1;
            assert_eq!(key.kind, other.kind, "{}", key.name);
            assert_eq!(key.flag(), other.flag());
            assert_eq!(key.variable(), other.variable(), "{}", key.name);
            assert_eq!(key.help(), other.help(), "{}", key.name);
            assert_eq!(key.defaults(), other.defaults(), "{}", key.name);
            assert_eq!(key.conflicts, other.conflicts, "{}", key.name);
        }
        assert!(shared > 30, "{shared}");
    }
}
