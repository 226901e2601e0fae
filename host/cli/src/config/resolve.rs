//! Resolution of settings: which source decides each one.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::ffi::OsString;
use std::path::Path;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};
use serde::Serialize;

use super::table::{Key, SettingKind, Table, without_variable};

/// The source that decides a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The built-in default.
    Default,
    /// The configuration file.
    File,
    /// Its variable.
    Environment,
    /// The command line.
    Flag,
}

impl Source {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File => "file",
            Self::Environment => "environment",
            Self::Flag => "flag",
        }
    }
}

/// One setting in effect, with secrets hidden.
#[derive(Debug)]
pub struct Setting {
    pub name: String,
    /// None where it is not set and has no default.
    pub values: Option<Vec<String>>,
    pub kind: SettingKind,
    pub source: Source,
    pub variable: Option<String>,
}

/// The source of each setting.
pub struct Resolved<'t> {
    table: &'t Table,
    sources: BTreeMap<String, Source>,
    /// The values of the keys that the file decides.
    file: BTreeMap<String, Vec<String>>,
    /// The keys whose variable clap must not read.
    ignored_variables: BTreeSet<String>,
}

impl<'t> Resolved<'t> {
    /// Decides, from the flags of the command line alone and the values of the file.
    ///
    /// A setting that conflicts with one from a higher source is ignored, and so is a key of
    /// the file that another command has and this one has not.
    pub fn new(
        table: &'t Table,
        flags: &ArgMatches,
        mut file: BTreeMap<String, Vec<String>>,
    ) -> Self {
        let mut sources = BTreeMap::new();
        let mut ignored_variables = BTreeSet::new();
        for key in table.iter() {
            let source = flags.value_source(key.id());
            if source == Some(ValueSource::CommandLine) {
                sources.insert(key.name.clone(), Source::Flag);
            }
        }
        let by_flag: BTreeSet<String> = sources.keys().cloned().collect();
        // The keys that conflicts count for: a switch that is off conflicts with nothing.
        let mut in_effect = by_flag.clone();
        for key in table.iter().filter(|key| !by_flag.contains(&key.name)) {
            let Some(value) = key.variable().and_then(env::var_os) else {
                continue;
            };
            let is_off = key.kind == SettingKind::Switch
                && value.to_str().and_then(|value| key.switched(value)) == Some(false);
            let is_overridden = !is_off && !key.conflicts.is_disjoint(&by_flag);
            if is_off || is_overridden {
                ignored_variables.insert(key.name.clone());
            } else {
                in_effect.insert(key.name.clone());
            }
            if !is_overridden {
                sources.insert(key.name.clone(), Source::Environment);
            }
        }
        file.retain(|name, values| {
            let Some(key) = table.get(name) else {
                return false;
            };
            let is_off = values.iter().all(|value| value == "false");
            let is_overridden = !is_off && !key.conflicts.is_disjoint(&in_effect);
            !is_overridden && !sources.contains_key(name)
        });
        for name in file.keys() {
            sources.insert(name.clone(), Source::File);
        }
        Self {
            table,
            sources,
            file,
            ignored_variables,
        }
    }

    /// The command and the command line with what the file sets.
    pub fn apply(
        &self,
        command: Command,
        path: &[&str],
        mut arguments: Vec<OsString>,
    ) -> (Command, Vec<OsString>) {
        let change = |argument: Arg| {
            let Some(key) = self.table.iter().find(|key| key.id() == argument.get_id()) else {
                return argument;
            };
            let argument = if self.ignored_variables.contains(&key.name) {
                without_variable(argument)
            } else {
                argument
            };
            match self.file.get(&key.name) {
                // A positional argument has no flag: the file's value becomes its default.
                Some(values) if key.is_positional() => {
                    argument.required(false).default_values(values)
                }
                _ => argument,
            }
        };
        let command = super::at(command, path, &mut |command| command.mut_args(change));
        let from_file: Vec<OsString> = self
            .table
            .iter()
            .filter(|key| !key.is_positional())
            .filter_map(|key| Some((key, self.file.get(&key.name)?)))
            .flat_map(|(key, values)| values.iter().filter_map(|value| flag(key, value)))
            .collect();
        // After the names of the program and of the command. A switch may stand between them.
        let mut position = 1;
        for name in path {
            let rest = arguments.get(position..).unwrap_or_default();
            let distance = rest.iter().take_while(|argument| argument != name).count();
            position = arguments.len().min(position + distance + 1);
        }
        arguments.splice(position..position, from_file);
        (command, arguments)
    }

    /// An error of clap, without secrets, and with the source of the value where that is
    /// not the command line.
    pub fn explain(&self, error: clap::Error, path: Option<&Path>) -> clap::Error {
        let Some((key, value)) = refused(self.table, &error) else {
            return error;
        };
        let source = match (self.source(&key.name), key.variable(), path) {
            (Source::Environment, Some(variable), _) => Some(format!("the variable {variable}")),
            (Source::File, _, Some(path)) => Some(path.display().to_string()),
            _ => None,
        };
        let tip = source.map(|source| format!("`{}` is set by {source}", key.name));
        with_tip(key, value.as_deref(), error, tip)
    }

    /// All settings, from the matches of the whole command line.
    pub fn effective(&self, matches: &ArgMatches) -> Vec<Setting> {
        self.table
            .iter()
            .map(|key| {
                let values = key.values(matches);
                Setting {
                    name: key.name.clone(),
                    values: values.map(|values| values.iter().map(|v| key.shown(v)).collect()),
                    kind: key.kind,
                    source: self.source(&key.name),
                    variable: key.variable(),
                }
            })
            .collect()
    }

    /// A secret on the command line, where other users can read it.
    pub fn exposed(&self) -> Option<&Key> {
        let flag = |key: &&Key| key.is_secret() && self.source(&key.name) == Source::Flag;
        self.table.iter().find(flag)
    }

    fn source(&self, name: &str) -> Source {
        self.sources.get(name).copied().unwrap_or(Source::Default)
    }
}

/// An error of clap without secrets.
pub fn without_secrets(table: &Table, error: clap::Error) -> clap::Error {
    match refused(table, &error) {
        Some((key, value)) => with_tip(key, value.as_deref(), error, None),
        None => error,
    }
}

/// The key that an error is about, and the value that it refuses.
fn refused<'t>(table: &'t Table, error: &clap::Error) -> Option<(&'t Key, Option<String>)> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    let key = table.by_error_name(&text(ContextKind::InvalidArg)?)?;
    Some((key, text(ContextKind::InvalidValue)))
}

/// The error with a tip. One that contains a secret is built again without it, since both
/// the value and the parser's reason may quote the secret.
fn with_tip(
    key: &Key,
    value: Option<&str>,
    mut error: clap::Error,
    tip: Option<String>,
) -> clap::Error {
    if let Some(value) = value.filter(|value| key.shown(value) != **value) {
        let reason = key.accepts(value).err().unwrap_or_default();
        let (shown, flag) = (key.shown(value), key.flag());
        let tip = tip
            .map(|tip| format!("\n\n  tip: {tip}"))
            .unwrap_or_default();
        let message = format!("invalid value '{shown}' for '{flag}': {reason}{tip}\n");
        return clap::Error::raw(error.kind(), message);
    }
    if let Some(tip) = tip {
        let tip = ContextValue::StyledStrs(vec![StyledStr::from(tip)]);
        error.insert(ContextKind::Suggested, tip);
    }
    error
}

/// A value of the file as a flag. A switch that is off is none.
fn flag(key: &Key, value: &str) -> Option<OsString> {
    match (key.kind, value) {
        (SettingKind::Switch, "true") => Some(format!("--{}", key.name).into()),
        (SettingKind::Switch, _) => None,
        _ => Some(format!("--{}={value}", key.name).into()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    /// A program with one command whose options are a certificate, its key, and a
    /// secret that is never accepted.
    fn program() -> Command {
        let option = |name: &'static str| Arg::new(name).long(name);
        let refuse = |text: &str| Err::<String, _>(format!("{text} is no token"));
        Command::new("program").subcommand(Command::new("serve").args([
            option("cert").requires("key"),
            option("key"),
            option("tokens").hide_env_values(true).value_parser(refuse),
        ]))
    }

    fn parse(line: &[&str], file: &[(&str, &str)]) -> Result<ArgMatches, clap::Error> {
        let mut built = program();
        built.build();
        let table = Table::of(built.find_subcommand("serve").unwrap());
        let line: Vec<OsString> = line.iter().map(OsString::from).collect();
        let flags = super::super::flags(&program(), &line)
            .map_err(|error| without_secrets(&table, error))?;
        let file = file
            .iter()
            .map(|(name, value)| ((*name).to_owned(), vec![(*value).to_owned()]))
            .collect();
        let flags = flags.subcommand_matches("serve").unwrap();
        let resolved = Resolved::new(&table, flags, file);
        let (command, line) = resolved.apply(program(), &["serve"], line);
        command
            .try_get_matches_from(line)
            .map_err(|error| resolved.explain(error, Some(Path::new("the file"))))
    }

    #[test]
    fn an_option_that_needs_another_one_can_have_it_from_the_file() {
        let line = ["program", "serve", "--cert", "a"];
        let matches = parse(&line, &[("key", "b")]).unwrap();
        let serve = matches.subcommand_matches("serve").unwrap();
        assert_eq!(serve.get_one::<String>("cert").unwrap(), "a");
        assert_eq!(serve.get_one::<String>("key").unwrap(), "b");
        let alone = parse(&line, &[]).unwrap_err().to_string();
        assert!(alone.contains("--key"), "{alone}");
        let file = parse(&["program", "serve"], &[("cert", "a")]).unwrap_err();
        assert!(file.to_string().contains("--key"), "{file}");
    }

    #[test]
    fn an_error_hides_a_secret_and_names_its_source() {
        let secret = [("tokens", "hush")];
        let error = parse(&["program", "serve"], &secret)
            .unwrap_err()
            .to_string();
        assert!(error.contains("`tokens` is set by the file"), "{error}");
        assert!(!error.contains("hush"), "{error}");
        let flag = parse(&["program", "serve", "--tokens=hush"], &[]);
        let flag = flag.unwrap_err().to_string();
        assert!(flag.contains("--tokens"), "{flag}");
        assert!(!flag.contains("hush"), "{flag}");
    }
}
