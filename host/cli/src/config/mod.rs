//! The configuration: a file, the environment and the command line as one.
//!
//! A flag overrides a variable, a variable the file, and the file the built-in default.
//! The options of `serve` are the table of all settings ([`table`]). A setting that only
//! the file makes is passed to clap as a flag of the command line, so that there is one
//! parser, one set of checks and one definition of which options conflict.

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
use clap::{ArgMatches, Args, Command, CommandFactory, FromArgMatches};
use tensor_wasm_node::tokens::others_may_read;

use crate::Cli;

pub use default::text as default_text;
pub use diagnostic::{ConfigDiagnostic, Error, INVALID, lines};
pub use file::File;
pub use resolve::{Setting, Source};
pub use table::{Kind, Table};
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

/// What a configuration holds beside the options of `serve`, and where each came from.
#[derive(Default)]
pub struct Settings {
    /// The file, if one was read.
    pub path: Option<PathBuf>,
    /// What each tenant may have.
    pub tenants: Tenants,
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

/// All commands, those that take settings with all that sets them.
pub fn command() -> Command {
    Cli::command().mut_subcommands(|command| match command.get_name() {
        "serve" => with_settings(command),
        "config" => command.mut_subcommands(|command| match command.get_name() {
            "show" => shows_settings(command),
            _ => command,
        }),
        _ => command,
    })
}

fn with_settings(command: Command) -> Command {
    with_variables(FileOption::augment_args(command))
}

/// Adds the options of `serve` to a command, none of them required.
fn shows_settings(command: Command) -> Command {
    let root = Cli::command();
    let Some(serve) = root.find_subcommand("serve") else {
        return command;
    };
    let options = serve.get_arguments().cloned();
    let options = options.map(|option| option.required(false));
    with_settings(command.args(options).groups(serve.get_groups().cloned()))
}

/// The table of all settings.
pub fn settings_table() -> Table {
    let mut command = command();
    command.build();
    command
        .find_subcommand("serve")
        .map_or_else(|| Table::of(&Command::new("serve")), Table::of)
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
        key.map_or(!known.contains(name), Key::may_hold_a_secret)
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
    let Some((path, leaf)) = configured(&flags) else {
        let matches = command.try_get_matches_from(arguments)?;
        let cli = Cli::from_arg_matches(&matches)?;
        return Ok(Loaded {
            cli,
            settings: Settings::default(),
        });
    };
    let table = settings_table();
    let option = FileOption::from_arg_matches(leaf)?;
    let file = option.path();
    let contents = match &file {
        Some(path) => File::read(path, &table)?,
        None => File::default(),
    };
    let mut warnings = names::unknown_variables(&command, &names::ours());
    if let Some(path) = &file {
        warnings.extend(exposed_secrets(path, &contents, &table));
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
            path: file,
            tenants: contents.tenants,
            warnings,
            effective,
        },
    })
}

/// The path of a command that takes settings, from the root.
type CommandPath = &'static [&'static str];

/// The command that takes settings, where it is one of those, and its arguments.
fn configured(matches: &ArgMatches) -> Option<(CommandPath, &ArgMatches)> {
    const PATHS: [CommandPath; 2] = [&["serve"], &["config", "show"]];
    PATHS.into_iter().find_map(|path| {
        path.iter()
            .try_fold(matches, |matches, name| matches.subcommand_matches(name))
            .map(|leaf| (path, leaf))
    })
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

/// Parses the command line alone: a variable would hide which flags are set, and a
/// required option may be in the file.
fn flags(command: &Command, arguments: &[OsString]) -> Result<ArgMatches, clap::Error> {
    let mut bare = |command: Command| {
        command.mut_args(|argument| match argument.get_id().as_str() {
            "config" => argument,
            _ => without_variable(argument).required(false),
        })
    };
    let command = at(command.clone(), &["serve"], &mut bare);
    let command = at(command, &["config", "show"], &mut bare);
    match command.clone().try_get_matches_from(arguments) {
        Err(error) if error.kind() == ErrorKind::MissingRequiredArgument => {
            // An option that needs another one, which the file may have.
            command.ignore_errors(true).try_get_matches_from(arguments)
        }
        matches => matches,
    }
}
