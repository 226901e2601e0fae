//! `tensor-wasm config`: checks and shows the settings, and where each comes from.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::config::{
    self, ConfigDiagnostic, Error, File, FileOption, INVALID, Setting, SettingKind, Settings,
    Source, TenantGrant,
};

/// Check and show what the file, the environment and the flags set
#[derive(Args)]
pub struct Config {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(Check),
    Show(Show),
    Default(Default),
}

/// Check a configuration file and tell all that is wrong with it
///
/// Ends with 0 where the file is right, with 2 where something in it is wrong, and
/// with 1 where it can't be read.
#[derive(Args)]
#[command(after_help = "\
Examples:
  tensor-wasm config check
  tensor-wasm config check --config /etc/tensor-wasm.toml --json | jq '.mistakes[].line'")]
struct Check {
    #[command(flatten)]
    file: FileOption,
    /// Print JSON, for machines
    #[arg(long)]
    json: bool,
}

/// Show each setting as `serve` would have it, and what decides it
///
/// Takes all options of `serve`. Secrets are hidden. `config show node` does the same for
/// `node`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  tensor-wasm config show
  tensor-wasm config show --addr 0.0.0.0:80 --json | jq '.settings.addr'
  tensor-wasm config show node --data-dir data --json | jq .settings.gpu")]
struct Show {
    /// Print JSON, for machines
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    of: Option<ShowOf>,
}

#[derive(Subcommand)]
enum ShowOf {
    Node(ShowNode),
}

/// Show each setting as `node` would have it, and what decides it
///
/// Takes all options of `node`. Secrets are hidden.
#[derive(Args)]
struct ShowNode {
    /// Print JSON, for machines
    #[arg(long)]
    json: bool,
}

/// Print a file with every key, its help and its default, commented out
#[derive(Args)]
#[command(after_help = "\
Examples:
  tensor-wasm config default > tensor-wasm.toml")]
struct Default {}

impl Config {
    pub fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Check(check) => check.run(),
            Command::Show(show) => show.run(&settings),
            Command::Default(Default {}) => {
                super::print(&config::default_text(&config::settings_table()))?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

/// What `check --json` prints.
#[derive(Serialize)]
struct Checked<'a> {
    file: &'a Path,
    valid: bool,
    /// How many keys the file sets.
    keys: Option<usize>,
    #[serde(rename = "mistakes")]
    diagnostics: &'a [ConfigDiagnostic],
    warnings: &'a [String],
}

impl Check {
    fn run(self) -> anyhow::Result<ExitCode> {
        let Some(path) = self.file.path() else {
            anyhow::bail!("there is no ./tensor-wasm.toml: name a configuration with --config");
        };
        let mut warnings = config::warnings();
        let table = config::settings_table();
        let (keys, diagnostics) = match File::read(&path, &table) {
            Ok(file) => {
                warnings.extend(config::exposed_secrets(&path, &file, &table));
                (Some(file.keys), Vec::new())
            }
            Err(Error::Invalid { diagnostics, .. }) => (None, diagnostics),
            Err(error) => return Err(error.into()),
        };
        for warning in &warnings {
            tell!("warning: {warning}");
        }
        if self.json {
            super::print_json(&Checked {
                file: &path,
                valid: keys.is_some(),
                keys,
                diagnostics: &diagnostics,
                warnings: &warnings,
            })?;
        } else if let Some(keys) = keys {
            let s = if keys == 1 { "" } else { "s" };
            super::print(&format!("{}: ok, {keys} key{s}\n", path.display()))?;
        } else {
            crate::output::to_stderr(format_args!("{}", config::lines(&path, &diagnostics)));
        }
        Ok(match keys {
            Some(_) => ExitCode::SUCCESS,
            None => ExitCode::from(INVALID),
        })
    }
}

impl Show {
    fn run(&self, settings: &Settings) -> anyhow::Result<ExitCode> {
        for warning in &settings.warnings {
            tell!("warning: {warning}");
        }
        let of_node = |ShowOf::Node(node): &ShowOf| node.json;
        if self.json || self.of.as_ref().is_some_and(of_node) {
            super::print_json(&as_json(settings))?;
        } else {
            super::print(&as_table(settings))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A tenant's key: its name, its value if it has one, and the table that says so.
type TenantRow = (&'static str, Option<String>, &'static str);

/// The tables of the tenants that are granted anything, and what is in effect there.
fn tenants(
    Settings {
        tenants, command, ..
    }: &Settings,
) -> Vec<(String, Vec<TenantRow>)> {
    // The source of a value, where there is one; else the command, whose flags decide.
    let from = |value: &Option<String>, source| if value.is_some() { source } else { *command };
    let of_default = tenants.default.in_words();
    let is_set = |grant: &TenantGrant| *grant != TenantGrant::default();
    let default = is_set(&tenants.default).then(|| {
        let rows = of_default.iter();
        let rows = rows.map(|(name, value)| (*name, value.clone(), from(value, "file")));
        ("default".to_owned(), rows.collect())
    });
    let others = tenants.by_id.iter().map(|(id, own)| {
        let rows = own.in_words().into_iter().zip(tenants.of(*id).in_words());
        let rows = rows.map(|((name, own), (_, effective))| {
            let source = match own {
                Some(_) => "file",
                None => from(&effective, "tenants.default"),
            };
            (name, effective, source)
        });
        (id.to_string(), rows.collect())
    });
    default.into_iter().chain(others).collect()
}

fn as_json(settings: &Settings) -> Value {
    let rows = settings.effective.iter().map(|setting| {
        let value = json!({
            "value": json_value(setting),
            "source": setting.source,
            "variable": setting.variable,
        });
        (setting.name.clone(), value)
    });
    let tenants = tenants(settings).into_iter().map(|(id, rows)| {
        let rows = rows.into_iter().map(|(name, value, source)| {
            (name.to_owned(), json!({ "value": value, "source": source }))
        });
        (id, Value::Object(rows.collect()))
    });
    json!({
        "file": settings.path.as_ref().map(|path: &PathBuf| path.display().to_string()),
        "settings": rows.collect::<Map<_, _>>(),
        "tenants": tenants.collect::<Map<_, _>>(),
        "warnings": settings.warnings,
    })
}

fn json_value(setting: &Setting) -> Value {
    let values = setting.values.clone();
    match (setting.kind, values) {
        (SettingKind::List, values) => json!(values.unwrap_or_default()),
        (_, None) => Value::Null,
        (SettingKind::Switch, Some(values)) => json!(values.iter().any(|value| value == "true")),
        (SettingKind::One, Some(values)) => json!(values.join(",")),
    }
}

fn as_table(settings: &Settings) -> String {
    let file = match &settings.path {
        Some(path) => path.display().to_string(),
        None => "none".to_owned(),
    };
    let mut rows = Vec::new();
    for setting in &settings.effective {
        let value = match &setting.values {
            Some(values) if !values.is_empty() => values.join(", "),
            _ => "-".to_owned(),
        };
        let source = match (&setting.source, &setting.variable) {
            (Source::Environment, Some(variable)) => format!("environment ({variable})"),
            (source, _) => source.name().to_owned(),
        };
        rows.push([setting.name.clone(), value, source]);
    }
    for (id, keys) in tenants(settings) {
        for (name, value, source) in keys {
            let value = value.unwrap_or_else(|| "-".to_owned());
            rows.push([format!("tenants.{id}.{name}"), value, source.to_owned()]);
        }
    }
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let (first, second) = (width(0), width(1));
    let lines = rows
        .iter()
        .map(|[name, value, source]| format!("{name:first$}  {value:second$}  {source}\n"));
    format!("file: {file}\n{}", lines.collect::<String>())
}
