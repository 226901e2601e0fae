//! The configuration file: what it sets, or all diagnostics of it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::{ConfigDiagnostic, Error, Position};
use super::names::nearest;
use super::syntax::{self, Note};
use super::table::{Key, SettingKind, Table};
use super::tenants::{self, TenantGrant, Tenants};

/// The longest file that is read. A configuration has a few kilobytes.
const LONGEST: u64 = 1 << 20;

/// The table of the tenants' tables.
const TENANTS: &str = "tenants";

/// The table that says how a project is built, which is not about serving
/// (`crate::project`).
const BUILD: &str = "build";

/// The diagnostics that are reported of one file. A file with more is the wrong file.
const MAX_DIAGNOSTICS: usize = 50;

/// What a file sets.
#[derive(Debug, Default)]
pub struct File {
    /// The keys that it sets, each with its values in words.
    pub values: BTreeMap<String, Vec<String>>,
    pub tenants: Tenants,
    /// How many keys it sets, including those of tenants.
    pub keys: usize,
}

impl File {
    /// Reads a file and checks all of it.
    ///
    /// # Errors
    ///
    /// Where it can't be read, is too long, or is wrong.
    pub fn read(path: &Path, table: &Table) -> Result<Self, Error> {
        let bytes = read(path)?;
        Self::parse(&bytes, table).map_err(|diagnostics| Error::Invalid {
            path: path.to_owned(),
            diagnostics,
        })
    }

    /// Checks the bytes of a file.
    ///
    /// # Errors
    ///
    /// All diagnostics, in the order of the file.
    pub fn parse(bytes: &[u8], table: &Table) -> Result<Self, Vec<ConfigDiagnostic>> {
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let (good, _) = bytes
                    .split_at_checked(error.valid_up_to())
                    .unwrap_or_default();
                let good = String::from_utf8_lossy(good);
                let message = "this is no UTF-8: is it the right file?".to_owned();
                let position = Position::of(&good, good.len());
                return Err(vec![ConfigDiagnostic { position, message }]);
            }
        };
        let (root, notes) = syntax::parse(text);
        let mut reader = Reader {
            text,
            notes,
            keys: 0,
        };
        let (mut settings, mut tenants) = (DeTable::new(), None);
        for (key, value) in root {
            if key.get_ref() == TENANTS {
                tenants = Some(value);
            } else if key.get_ref() != BUILD || !matches!(value.get_ref(), DeValue::Table(_)) {
                settings.insert(key, value);
            }
        }
        let values = reader.keys(&settings, table, "");
        let tenants = tenants.map(|tenants| reader.tenants(&tenants));
        reader.done().map(|keys| Self {
            values,
            tenants: tenants.unwrap_or_default(),
            keys,
        })
    }
}

/// Reads a file, up to the bound.
fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes))
        .map_err(|source: io::Error| Error::Unreadable {
            path: path.to_owned(),
            source,
        })?;
    if bytes.len() as u64 > LONGEST {
        return Err(Error::TooLarge {
            path: PathBuf::from(path),
            limit: LONGEST,
        });
    }
    Ok(bytes)
}

/// Reads the keys of a file and collects diagnostics.
struct Reader<'a> {
    text: &'a str,
    notes: Vec<Note>,
    keys: usize,
}

type Entry<'a, 'b> = (&'b Spanned<Cow<'a, str>>, &'b Spanned<DeValue<'a>>);

impl Reader<'_> {
    fn report(&mut self, byte: usize, message: String) {
        self.notes.push(Note {
            byte,
            message,
            is_syntax: false,
        });
    }

    /// The number of keys, or the diagnostics.
    fn done(mut self) -> Result<usize, Vec<ConfigDiagnostic>> {
        if self.notes.is_empty() {
            return Ok(self.keys);
        }
        self.notes.sort();
        self.notes.dedup();
        let more = self.notes.len().saturating_sub(MAX_DIAGNOSTICS);
        self.notes.truncate(MAX_DIAGNOSTICS);
        let broken: BTreeSet<usize> = self
            .notes
            .iter()
            .filter(|note| note.is_syntax)
            .map(|note| Position::of(self.text, note.byte).line)
            .collect();
        let mut diagnostics: Vec<ConfigDiagnostic> = self
            .notes
            .into_iter()
            .map(|note| {
                let position = Position::of(self.text, note.byte);
                (note.is_syntax, position, note.message)
            })
            // Errors that only follow from a line with invalid syntax are left out.
            .filter(|(is_syntax, position, _)| *is_syntax || !broken.contains(&position.line))
            .map(|(_, position, message)| ConfigDiagnostic { position, message })
            .collect();
        if let Some(last) = diagnostics.last_mut().filter(|_| more > 0) {
            last.message += &format!(" (and {more} more errors)");
        }
        Err(diagnostics)
    }

    /// The values of one table of the file. `prefix` comes before its keys in messages.
    fn keys(
        &mut self,
        entries: &DeTable<'_>,
        table: &Table,
        prefix: &str,
    ) -> BTreeMap<String, Vec<String>> {
        let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in in_order(entries) {
            self.keys += 1;
            let Some(key) = table.get(name.get_ref()) else {
                let known = table.iter().map(|key| key.name.as_str());
                let known = known.chain(prefix.is_empty().then_some(TENANTS));
                self.unknown("key", name, prefix, nearest(name.get_ref(), known));
                continue;
            };
            if let Some(texts) = self.value(key, value, prefix) {
                let set = |other: &&String| is_set(values.get(other.as_str()));
                if let Some(other) = key.conflicts.iter().find(set)
                    && is_set(Some(&texts))
                {
                    let message = format!("`{prefix}{}` can't be set beside `{other}`", key.name);
                    self.report(name.span().start, message);
                }
                values.insert(key.name.clone(), texts);
            }
        }
        values
    }

    fn unknown(
        &mut self,
        what: &str,
        name: &Spanned<Cow<'_, str>>,
        prefix: &str,
        nearest: Option<&str>,
    ) {
        let cure = nearest.map_or_else(
            || "`tensor-wasm config default` lists those there are".to_owned(),
            |meant| format!("did you mean `{prefix}{meant}`?"),
        );
        let name_text = excerpt(name.get_ref());
        self.report(
            name.span().start,
            format!("there is no {what} `{prefix}{name_text}`: {cure}"),
        );
    }

    /// What a key is set to, each value in words and checked.
    fn value(
        &mut self,
        key: &Key,
        value: &Spanned<DeValue<'_>>,
        prefix: &str,
    ) -> Option<Vec<String>> {
        let before = self.notes.len();
        let texts = match (key.kind, value.get_ref()) {
            (SettingKind::List, DeValue::Array(items)) => items
                .iter()
                .filter_map(|item| self.single(key, item, prefix))
                .collect(),
            _ => self.single(key, value, prefix).into_iter().collect(),
        };
        (self.notes.len() == before).then_some(texts)
    }

    /// One value in words.
    fn single(&mut self, key: &Key, value: &Spanned<DeValue<'_>>, prefix: &str) -> Option<String> {
        let at = value.span().start;
        let name = format!("{prefix}{}", key.name);
        let Some(text) = text(key, value.get_ref()) else {
            let is = type_name(value.get_ref());
            let message = format!("`{name}` is {is}: {}", expected(key));
            self.report(at, message);
            return None;
        };
        if let Err(reason) = key.accepts(&text) {
            let shown = excerpt(&key.shown(&text));
            // Not every parser's reason says which form is expected.
            let form = match key.defaults().first() {
                _ if !key.choices().is_empty() => String::new(),
                Some(default) => format!(" (it is `{default}` by default)"),
                None => format!(" (it takes {})", key.value_name()),
            };
            let message = format!("`{name}` can't be `{shown}`: {reason}{form}");
            self.report(at, message);
            return None;
        }
        Some(text)
    }

    fn tenants(&mut self, value: &Spanned<DeValue<'_>>) -> Tenants {
        let mut tenants = Tenants::default();
        let DeValue::Table(entries) = value.get_ref() else {
            self.report(
                value.span().start,
                format!("`{TENANTS}` is no table: write [{TENANTS}.7]"),
            );
            return tenants;
        };
        let table = TenantGrant::table();
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        for (tenant, value) in in_order(entries) {
            let (id, at) = (tenants::id(tenant.get_ref()), tenant.span().start);
            let table_name = format!("{TENANTS}.{}", excerpt(tenant.get_ref()));
            if id.is_none() && tenant.get_ref() != tenants::DEFAULT {
                let message = format!(
                    "`{table_name}` names no tenant: write its number, as in [{TENANTS}.7], or [{TENANTS}.{}]",
                    tenants::DEFAULT
                );
                self.report(at, message);
                continue;
            }
            let DeValue::Table(entries) = value.get_ref() else {
                self.report(
                    at,
                    format!("`{table_name}` is no table: write [{table_name}]"),
                );
                continue;
            };
            let values = self.keys(entries, &table, &format!("{table_name}."));
            let grant = match TenantGrant::from_values(&values) {
                Ok(grant) => grant,
                Err(error) => {
                    self.report(
                        at,
                        format!("`{table_name}` can't be used: {}", error.kind()),
                    );
                    continue;
                }
            };
            if let Some(name) = &grant.name {
                let at = entries.get("name").map_or(at, |value| value.span().start);
                if id.is_none() {
                    let message =
                        format!("`{table_name}` is every other tenant, and can't have a name");
                    self.report(at, message);
                } else if let Some(other) = names.insert(name.clone(), table_name.clone()) {
                    let message = format!("`{table_name}.name` is the name of `{other}` already");
                    self.report(at, message);
                }
            }
            match id {
                Some(id) => {
                    tenants.by_id.insert(id, grant);
                }
                None => tenants.default = grant,
            }
        }
        tenants
    }
}

/// The entries of a table in the order of the file.
fn in_order<'a, 'b>(table: &'b DeTable<'a>) -> Vec<Entry<'a, 'b>> {
    let mut entries: Vec<Entry<'a, 'b>> = table.iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    entries
}

/// Whether a value sets anything: a switch that is off and an empty list don't.
fn is_set(values: Option<&Vec<String>>) -> bool {
    values.is_some_and(|values| values.iter().any(|value| value != "false"))
}

/// A value as the command line has it, where the key takes values of its type.
fn text(key: &Key, value: &DeValue<'_>) -> Option<String> {
    if key.kind == SettingKind::Switch {
        return value.as_bool().map(|on| on.to_string());
    }
    match value {
        DeValue::String(text) => Some(text.clone().into_owned()),
        DeValue::Integer(number) if key.is_number() => {
            // A number that is too large stays as it is written: the option's own parser
            // refuses it.
            let number = i128::from_str_radix(number.as_str(), number.radix())
                .map_or_else(|_| number.to_string(), |number| number.to_string());
            Some(number)
        }
        DeValue::Float(number) if key.is_number() => Some(number.as_str().to_owned()),
        DeValue::Boolean(on) if key.is_boolean() => Some(on.to_string()),
        _ => None,
    }
}

/// The type of a value, as part of a sentence.
fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

/// What a key takes, as part of a sentence.
fn expected(key: &Key) -> String {
    let one = if key.kind == SettingKind::Switch || key.is_boolean() {
        "true or false, without quotes".to_owned()
    } else if key.is_number() {
        format!("a number, or {} in quotes", key.value_name())
    } else {
        format!("{} in quotes", key.value_name())
    };
    match key.kind {
        SettingKind::List => format!("it takes {one}, or an array of them"),
        SettingKind::Switch | SettingKind::One => format!("it takes {one}"),
    }
}

/// Text of a file, escaped and shortened so that it fits on one line of a message.
fn excerpt(text: &str) -> String {
    const LETTERS: usize = 80;
    let mut shown: String = text
        .chars()
        .take(LETTERS)
        .flat_map(|letter| {
            let plain = !letter.is_control();
            let escaped = (!plain).then(|| letter.escape_default());
            escaped.into_iter().flatten().chain(plain.then_some(letter))
        })
        .collect();
    if text.chars().nth(LETTERS).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests;
