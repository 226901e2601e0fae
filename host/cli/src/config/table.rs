//! The tables of settings: each option of a command that serves, with its key, variable,
//! flag, default and help.
//!
//! A table is clap's own definition of the command. An option that is added to the command
//! is a key and a variable too, with the same help and the same checks. The file may have
//! the keys of all these commands, and so its table is that of all of them together.

use std::collections::BTreeSet;
use std::error::Error as _;

use clap::builder::{BoolishValueParser, Resettable, StyledStr};
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::names::PREFIX;

/// What is shown in place of a secret.
pub const HIDDEN: &str = "***";

/// Text that no parser of numbers, booleans or choices accepts.
const NOT_A_NUMBER: &str = "neither number nor choice";

/// Arguments that are not settings: they name the file, or ask for help.
const NO_SETTINGS: [&str; 3] = ["config", "help", "version"];

/// Gives each option without a variable one of its own, and lets a variable turn a switch
/// on and off.
pub fn with_variables(command: Command) -> Command {
    command.mut_args(|argument| {
        let argument = match argument.get_env() {
            Some(_) => argument,
            None => {
                let name = name_of(&argument).to_uppercase().replace('-', "_");
                argument.env(format!("{PREFIX}{name}"))
            }
        };
        match argument.get_action() {
            ArgAction::SetTrue => argument.value_parser(BoolishValueParser::new()),
            _ => argument,
        }
    })
}

/// The long flag, or the name of a positional argument.
fn name_of(argument: &Arg) -> String {
    argument.get_long().map_or_else(
        || argument.get_id().as_str().replace('_', "-"),
        str::to_owned,
    )
}

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingKind {
    /// True or false.
    Switch,
    /// One value.
    One,
    /// Any number of values.
    List,
}

/// One setting.
pub struct Key {
    /// Its name in the file, in kebab-case.
    pub name: String,
    pub kind: SettingKind,
    /// The names of the keys that it conflicts with.
    pub conflicts: BTreeSet<String>,
    /// The commands that have it.
    pub commands: BTreeSet<String>,
    argument: Arg,
}

/// All settings, in the order in which help shows them.
pub struct Table(Vec<Key>);

impl Table {
    /// The settings that are the options of a command, which has to be built.
    pub fn of(command: &Command) -> Self {
        let settings = || {
            command
                .get_arguments()
                .filter(|argument| !NO_SETTINGS.contains(&argument.get_id().as_str()))
        };
        // Each pair is declared at one of its ends.
        let pairs: Vec<(String, String)> = settings()
            .flat_map(|argument| {
                command
                    .get_arg_conflicts_with(argument)
                    .into_iter()
                    .map(|other| (name_of(argument), name_of(other)))
            })
            .collect();
        let keys = settings().map(|argument| {
            let name = name_of(argument);
            let conflicts = pairs
                .iter()
                .filter_map(|(one, other)| match (*one == name, *other == name) {
                    (true, false) => Some(other.clone()),
                    (false, true) => Some(one.clone()),
                    _ => None,
                })
                .collect();
            let kind = match argument.get_action() {
                ArgAction::SetTrue | ArgAction::SetFalse => SettingKind::Switch,
                ArgAction::Append => SettingKind::List,
                _ => SettingKind::One,
            };
            Key {
                name,
                kind,
                conflicts,
                commands: BTreeSet::from([command.get_name().to_owned()]),
                argument: argument.clone(),
            }
        });
        Self(keys.collect())
    }

    /// With the settings of another command. A setting that both have is the same in both:
    /// it is declared once, and flattened into both.
    pub fn with(mut self, other: Table) -> Self {
        for key in other.0 {
            match self.0.iter_mut().find(|known| known.name == key.name) {
                Some(known) => {
                    known.conflicts.extend(key.conflicts);
                    known.commands.extend(key.commands);
                }
                None => self.0.push(key),
            }
        }
        self
    }

    pub fn iter(&self) -> impl Iterator<Item = &Key> {
        self.0.iter()
    }

    pub fn get(&self, name: &str) -> Option<&Key> {
        self.0.iter().find(|key| key.name == name)
    }

    /// The key that an error of clap names.
    pub fn by_error_name(&self, argument: &str) -> Option<&Key> {
        self.0
            .iter()
            .find(|key| key.argument.to_string() == argument)
    }
}

impl Key {
    /// Clap's name for it.
    pub fn id(&self) -> &str {
        self.argument.get_id().as_str()
    }

    /// Whether it is a positional argument.
    pub fn is_positional(&self) -> bool {
        self.argument.is_positional()
    }

    /// The variable that sets it.
    pub fn variable(&self) -> Option<String> {
        let name = self.argument.get_env()?;
        Some(name.to_string_lossy().into_owned())
    }

    /// The flag with its value, as help shows it: `--addr ADDRESS`.
    pub fn flag(&self) -> String {
        match (self.argument.get_long(), self.kind) {
            (Some(long), SettingKind::Switch) => format!("--{long}"),
            (Some(long), _) => format!("--{long} {}", self.value_name()),
            (None, _) => self.value_name().to_owned(),
        }
    }

    /// The placeholder of its value in help.
    pub fn value_name(&self) -> &str {
        self.argument
            .get_value_names()
            .and_then(|names| names.first())
            .map_or(self.name.as_str(), |name| name.as_str())
    }

    pub fn help(&self) -> String {
        self.argument
            .get_help()
            .map(StyledStr::to_string)
            .unwrap_or_default()
    }

    /// The heading that help shows it under.
    pub fn heading(&self) -> Option<&str> {
        self.argument.get_help_heading()
    }

    pub fn is_hidden(&self) -> bool {
        self.argument.is_hide_set()
    }

    /// Its default.
    pub fn defaults(&self) -> Vec<String> {
        self.argument
            .get_default_values()
            .iter()
            .map(|value| value.to_string_lossy().into_owned())
            .collect()
    }

    /// Its possible values, with help, where there is a list of them.
    pub fn choices(&self) -> Vec<(String, String)> {
        if self.kind == SettingKind::Switch {
            return Vec::new();
        }
        self.argument
            .get_possible_values()
            .iter()
            .filter(|choice| !choice.is_hide_set())
            .map(|choice| {
                let help = choice.get_help().map(StyledStr::to_string);
                (choice.get_name().to_owned(), help.unwrap_or_default())
            })
            .collect()
    }

    /// Whether its value is a number, which a file may write without quotes: its parser then
    /// accepts digits and no words.
    pub fn is_number(&self) -> bool {
        self.accepts("1").is_ok() && self.accepts(NOT_A_NUMBER).is_err()
    }

    /// Whether its value is `true` or `false`.
    pub fn is_boolean(&self) -> bool {
        self.kind == SettingKind::Switch
            || (self.accepts("true").is_ok() && self.accepts(NOT_A_NUMBER).is_err())
    }

    /// Whether its value is a secret: such an option hides its variable's value from help
    /// (`hide_env_values`), and so it is hidden everywhere.
    pub fn is_secret(&self) -> bool {
        self.argument.is_hide_env_values_set()
    }

    /// Whether a value of it may hold a secret: it is one, or a pair, which holds another program's
    /// setting.
    pub fn may_hold_a_secret(&self) -> bool {
        self.is_secret() || self.is_pair()
    }

    fn is_pair(&self) -> bool {
        self.value_name() == "KEY=VALUE"
    }

    /// A value as it may be shown. Of pairs, which hold other programs' settings, only the
    /// key is shown.
    pub fn shown(&self, value: &str) -> String {
        if self.is_secret() {
            return HIDDEN.to_owned();
        }
        match value.split_once('=') {
            Some((key, _)) if self.is_pair() => format!("{key}={HIDDEN}"),
            _ => value.to_owned(),
        }
    }

    /// Checks a value as the command line would.
    ///
    /// # Errors
    ///
    /// What would be accepted, without the value where it is a secret.
    pub fn accepts(&self, value: &str) -> Result<(), String> {
        let error = match self.parse(value) {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        let choices = self.choices();
        if !choices.is_empty() {
            let names: Vec<_> = choices.into_iter().map(|(name, _)| name).collect();
            return Err(format!("it is one of {}", names.join(", ")));
        }
        let reason = match (error.kind(), error.source()) {
            (_, Some(source)) => source.to_string(),
            (ErrorKind::InvalidValue, None) if value.is_empty() => "it is empty".to_owned(),
            _ => format!("it takes {}", self.value_name()),
        };
        // A parser's reason may quote the value.
        let secret = self.shown(value) != value && !value.is_empty();
        Err(if secret {
            reason.replace(value, HIDDEN)
        } else {
            reason
        })
    }

    /// The state that a variable's value gives a switch, if it is valid.
    pub fn switched(&self, value: &str) -> Option<bool> {
        let matches = self.parse(value).ok()?;
        matches.try_get_one(VALUE).ok().flatten().copied()
    }

    /// Parses a value on a command line that has this option and no other.
    fn parse(&self, value: &str) -> Result<ArgMatches, clap::Error> {
        let mut argument = Arg::new(VALUE)
            .long(VALUE)
            .action(ArgAction::Append)
            .ignore_case(self.argument.is_ignore_case_set())
            .value_parser(self.argument.get_value_parser().clone());
        if let Some(delimiter) = self.argument.get_value_delimiter() {
            argument = argument.value_delimiter(delimiter);
        }
        Command::new(VALUE)
            .no_binary_name(true)
            .disable_help_flag(true)
            .arg(argument)
            .try_get_matches_from([format!("--{VALUE}={value}")])
    }

    /// Its values in the matches of a command line, as text.
    pub fn values(&self, matches: &ArgMatches) -> Option<Vec<String>> {
        if self.kind == SettingKind::Switch {
            return Some(vec![matches.get_flag(self.id()).to_string()]);
        }
        let values = matches.try_get_raw(self.id()).ok().flatten()?;
        Some(values.map(|v| v.to_string_lossy().into_owned()).collect())
    }
}

const VALUE: &str = "value";

/// Takes its variable away from an argument.
pub fn without_variable(argument: Arg) -> Arg {
    argument.env(Resettable::<clap::builder::OsStr>::Reset)
}
