//! `tensor-wasm token`: creates bearer tokens, and lists those of a token file.

use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde::Serialize;
use tensor_wasm_node::tokens::{
    self, Appended, Claims, FileKey, HashedLine, Listed, Secret, TokenSource, Tokens,
};
use tensor_wasm_runtime::policy::Scope;

use super::table::table;

/// The longest line that is read as a secret, in bytes: no token is longer.
const LONGEST_LINE: u64 = 4096;

/// Make bearer tokens, and show what a token file holds
#[derive(Args)]
#[command(after_help = "\
Examples:
  tensor-wasm token new --name alice --file tokens
  tensor-wasm token list tokens

A rotation: add a second token under the same name, give it to the caller, and remove
the first line when the caller has changed over. A running server reads the file again
on SIGHUP.")]
pub struct Token {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Subcommand)]
enum TokenCommand {
    New(New),
    Hash(Hash),
    List(List),
}

/// Make a token and print it once
///
/// The token has 256 random bits. It is printed on standard output and kept nowhere;
/// after it comes the line with its hash, for a token file. With --file that line is
/// added to the file, and only the token is printed.
#[derive(Args)]
#[command(after_help = "\
Examples:
  tensor-wasm token new --name alice --file tokens
  tensor-wasm token new --name ci --tenant 1,2 --role deploy --expires 90d --file tokens
  tensor-wasm token new --name alice --json | jq -r .secret")]
struct New {
    #[command(flatten)]
    options: GrantOptions,
}

/// Turn a secret of your own into a line for a token file
///
/// Reads the first line of standard input. The line keeps a fast hash, so the secret
/// has to be one that nobody can guess: at least 22 random characters.
#[derive(Args)]
#[command(after_help = "\
Examples:
  tensor-wasm token hash --name alice --file tokens < secret.txt
  openssl rand -hex 32 | tee secret.txt | tensor-wasm token hash --name alice >> tokens")]
struct Hash {
    #[command(flatten)]
    options: GrantOptions,
}

/// Show the tokens of a file: names, tenants, roles and ends, and no secrets
#[derive(Args)]
#[command(after_help = "\
Examples:
  tensor-wasm token list tokens
  tensor-wasm token list tokens --json | jq -r '.[] | select(.expired) | .line'")]
struct List {
    /// The token file
    file: PathBuf,
    /// Print JSON, for machines
    #[arg(long)]
    json: bool,
}

/// What a token is to be good for, and where it goes.
#[derive(Args)]
struct GrantOptions {
    /// Who holds the token: 1 to 64 of A-Z a-z 0-9 . _ -
    #[arg(long)]
    name: String,
    /// The tenants that it is for: numbers with commas between them, or * for all
    #[arg(long, value_name = "TENANTS", value_parser = tenants, default_value = "*", allow_negative_numbers = true)]
    tenant: Scope,
    /// What its holder may do, in a word that your policy knows; repeatable
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// When it ends: a duration such as 90d, or a time such as 2027-01-01T00:00:00Z
    #[arg(long, value_name = "WHEN", value_parser = expiry)]
    expires: Option<SystemTime>,
    /// A token file to add it to; made for its owner only where there is none
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Print JSON, for machines
    #[arg(long)]
    json: bool,
}

fn tenants(text: &str) -> Result<Scope, String> {
    tokens::parse_tenants(text)
        .map_err(|problem| format!("it {problem}: write for example 7, or 1,2, or '*' for all"))
}

fn expiry(text: &str) -> Result<SystemTime, String> {
    tokens::parse_expiry(text, SystemTime::now()).map_err(|problem| format!("it {problem}"))
}

impl Token {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            TokenCommand::New(new) => new.run()?,
            TokenCommand::Hash(hash) => hash.run()?,
            TokenCommand::List(list) => list.run()?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl New {
    fn run(self) -> anyhow::Result<()> {
        let secret = Secret::generate()?;
        let stored = self.options.store(&secret)?;
        if self.options.json {
            return super::print_json(&self.options.report(&stored, Some(&secret)));
        }
        match stored.number {
            Some(_) => super::print(&format!("{}\n", secret.reveal()))?,
            None => super::print(&format!("{}\n{}\n", secret.reveal(), stored.line))?,
        }
        match stored.number {
            Some(_) => tell!("This is the token; it is kept nowhere else."),
            None => tell!(
                "The first line is the token; it is kept nowhere else. \
                 The second goes into a token file."
            ),
        }
        Ok(())
    }
}

impl Hash {
    fn run(self) -> anyhow::Result<()> {
        let secret = secret_from_input()?;
        let stored = self.options.store(&secret)?;
        if self.options.json {
            return super::print_json(&self.options.report(&stored, None));
        }
        match stored.number {
            Some(_) => Ok(()),
            None => super::print(&format!("{}\n", stored.line)),
        }
    }
}

/// A token's line, and its number where it stands in a file.
struct Stored {
    line: HashedLine,
    number: Option<usize>,
}

impl GrantOptions {
    fn store(&self, secret: &Secret) -> anyhow::Result<Stored> {
        let claims = Claims {
            name: self.name.clone(),
            scope: self.tenant.clone(),
            roles: self.roles.clone(),
            expires: self.expires,
        };
        let Some(path) = &self.file else {
            let line = HashedLine::new(secret, FileKey::generate()?, claims)?;
            return Ok(Stored { line, number: None });
        };
        let Appended { number, line } = tokens::append(path, secret, claims)
            .with_context(|| format!("no token was added to {}", path.display()))?;
        warn_of_readers(path);
        tell!(
            "Added {} as line {number} of {}. A running server reads it on SIGHUP.",
            self.name,
            path.display()
        );
        Ok(Stored {
            line,
            number: Some(number),
        })
    }

    fn report<'a>(&'a self, stored: &Stored, secret: Option<&'a Secret>) -> Report<'a> {
        Report {
            name: &self.name,
            secret: secret.map(Secret::reveal),
            stored: stored.line.to_string(),
            file: self.file.as_deref(),
            line: stored.number,
            tenants: Tenants(&self.tenant),
            roles: &self.roles,
            expires: self.expires.map(tokens::format_time),
        }
    }
}

/// The first line of standard input.
fn secret_from_input() -> anyhow::Result<Secret> {
    let input = io::stdin().lock();
    if input.is_terminal() {
        tell!("Type the secret and end the line. It will show.");
    }
    let mut line = String::new();
    BufReader::new(input.take(LONGEST_LINE))
        .read_line(&mut line)
        .context("can't read a secret from standard input")?;
    Ok(Secret::from_text(line.trim_end_matches(['\r', '\n']))?)
}

fn warn_of_readers(path: &Path) {
    if tokens::others_may_read(path) {
        tell!(
            "warning: other users of this machine may read {}: `chmod 600` it",
            path.display()
        );
    }
}

impl List {
    fn run(self) -> anyhow::Result<()> {
        let list = Tokens::new(None, Some(&self.file))?.current();
        warn_of_readers(&self.file);
        let now = SystemTime::now();
        if self.json {
            let rows: Vec<_> = list.entries().map(|entry| Row::new(entry, now)).collect();
            return super::print_json(&rows);
        }
        if list.is_empty() {
            return super::print("no tokens\n");
        }
        let rows: Vec<_> = list
            .entries()
            .map(|entry| Row::new(entry, now).cells())
            .collect();
        super::print(&table(
            ["LINE", "NAME", "TENANTS", "ROLES", "EXPIRES", "STORED AS"],
            &rows,
        ))
    }
}

/// A new token, in the shape that scripts may rely on.
#[derive(Serialize)]
struct Report<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
    stored: String,
    file: Option<&'a Path>,
    line: Option<usize>,
    tenants: Tenants<'a>,
    roles: &'a [String],
    expires: Option<String>,
}

/// A token of a file, in the shape that scripts may rely on.
#[derive(Serialize)]
struct Row<'a> {
    line: usize,
    name: &'a str,
    tenants: Tenants<'a>,
    roles: &'a [String],
    expires: Option<String>,
    expired: bool,
    stored_as: &'static str,
}

impl<'a> Row<'a> {
    fn new(entry: Listed<'a>, now: SystemTime) -> Self {
        let (TokenSource::Line(line) | TokenSource::Entry(line)) = entry.place;
        Self {
            line,
            name: entry.name,
            tenants: Tenants(entry.scope),
            roles: entry.roles,
            expires: entry.expires.map(tokens::format_time),
            expired: entry.expires.is_some_and(|end| end <= now),
            stored_as: if entry.hashed { "hash" } else { "plain text" },
        }
    }

    fn cells(&self) -> [String; 6] {
        let or_dash = |text: String| {
            if text.is_empty() {
                "-".to_owned()
            } else {
                text
            }
        };
        let expires = self.expires.clone().unwrap_or_default();
        [
            self.line.to_string(),
            self.name.to_owned(),
            self.tenants.to_string(),
            or_dash(self.roles.join(",")),
            or_dash(match self.expired {
                true => format!("{expires} (expired)"),
                false => expires,
            }),
            self.stored_as.to_owned(),
        ]
    }
}

/// `*`, or a list of numbers.
struct Tenants<'a>(&'a Scope);

impl std::fmt::Display for Tenants<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&tokens::format_tenants(self.0))
    }
}

impl Serialize for Tenants<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Scope::All => serializer.serialize_str("*"),
            Scope::Only(tenants) => tenants.serialize(serializer),
        }
    }
}
