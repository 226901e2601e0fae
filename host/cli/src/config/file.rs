//! The file: what it sets, or all that is wrong with it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistake::{Error, Mistake, Position};
use super::names::nearest;
use super::syntax::{self, Note};
use super::table::{Key, Kind, Table};
use super::tenants::{self, TenantGrant, Tenants};

/// The longest file that is read. A configuration has a few kilobytes.
const LONGEST: u64 = 1 << 20;

/// The table of the tenants' tables.
const TENANTS: &str = "tenants";

/// The mistakes that are told of one file. Who has more has the wrong file.
const MOST_MISTAKES: usize = 50;

/// What a file sets.
#[derive(Debug, Default)]
pub struct File {
    /// The keys of `serve` that it sets, each with its values in words.
    pub values: BTreeMap<String, Vec<String>>,
    pub tenants: Tenants,
    /// How many keys it sets, those of tenants included.
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
        Self::parse(&bytes, table).map_err(|mistakes| Error::Invalid {
            path: path.to_owned(),
            mistakes,
        })
    }

    /// Checks the bytes of a file.
    ///
    /// # Errors
    ///
    /// All mistakes, in the order of the file.
    pub fn parse(bytes: &[u8], table: &Table) -> Result<Self, Vec<Mistake>> {
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let (good, _) = bytes
                    .split_at_checked(error.valid_up_to())
                    .unwrap_or_default();
                let good = String::from_utf8_lossy(good);
                let message = "this is no UTF-8: is it the right file?".to_owned();
                let position = Position::of(&good, good.len());
                return Err(vec![Mistake { position, message }]);
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
            } else {
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

/// Goes through a file and notes what is wrong.
struct Reader<'a> {
    text: &'a str,
    notes: Vec<Note>,
    keys: usize,
}

type Entry<'a, 'b> = (&'b Spanned<Cow<'a, str>>, &'b Spanned<DeValue<'a>>);

impl Reader<'_> {
    fn mistake(&mut self, byte: usize, message: String) {
        self.notes.push(Note {
            byte,
            message,
            is_syntax: false,
        });
    }

    /// The number of keys, or the mistakes.
    fn done(mut self) -> Result<usize, Vec<Mistake>> {
        if self.notes.is_empty() {
            return Ok(self.keys);
        }
        self.notes.sort();
        self.notes.dedup();
        let more = self.notes.len().saturating_sub(MOST_MISTAKES);
        self.notes.truncate(MOST_MISTAKES);
        let broken: BTreeSet<usize> = self
            .notes
            .iter()
            .filter(|note| note.is_syntax)
            .map(|note| Position::of(self.text, note.byte).line)
            .collect();
        let mut mistakes: Vec<Mistake> = self
            .notes
            .into_iter()
            .map(|note| {
                let position = Position::of(self.text, note.byte);
                (note.is_syntax, position, note.message)
            })
            // What follows from a broken line is no mistake of its own.
            .filter(|(is_syntax, position, _)| *is_syntax || !broken.contains(&position.line))
            .map(|(_, position, message)| Mistake { position, message })
            .collect();
        if let Some(last) = mistakes.last_mut().filter(|_| more > 0) {
            last.message += &format!(" (and {more} more mistakes)");
        }
        Err(mistakes)
    }

    /// The values of one table of the file. `place` stands before its keys in
    /// messages.
    fn keys(
        &mut self,
        entries: &DeTable<'_>,
        table: &Table,
        place: &str,
    ) -> BTreeMap<String, Vec<String>> {
        let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in in_order(entries) {
            self.keys += 1;
            let Some(key) = table.get(name.get_ref()) else {
                let known = table.iter().map(|key| key.name.as_str());
                let known = known.chain(place.is_empty().then_some(TENANTS));
                self.unknown("key", name, place, nearest(name.get_ref(), known));
                continue;
            };
            if let Some(texts) = self.value(key, value, place) {
                let set = |other: &&String| is_set(values.get(other.as_str()));
                if let Some(other) = key.conflicts.iter().find(set)
                    && is_set(Some(&texts))
                {
                    let message = format!("`{place}{}` can't be set beside `{other}`", key.name);
                    self.mistake(name.span().start, message);
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
        place: &str,
        nearest: Option<&str>,
    ) {
        let cure = nearest.map_or_else(
            || "`tensor-wasm config default` lists those there are".to_owned(),
            |meant| format!("did you mean `{place}{meant}`?"),
        );
        let name_text = readable(name.get_ref());
        self.mistake(
            name.span().start,
            format!("there is no {what} `{place}{name_text}`: {cure}"),
        );
    }

    /// What a key is set to, each value in words and checked.
    fn value(
        &mut self,
        key: &Key,
        value: &Spanned<DeValue<'_>>,
        place: &str,
    ) -> Option<Vec<String>> {
        let before = self.notes.len();
        let texts = match (key.kind, value.get_ref()) {
            (Kind::List, DeValue::Array(items)) => items
                .iter()
                .filter_map(|item| self.one(key, item, place))
                .collect(),
            _ => self.one(key, value, place).into_iter().collect(),
        };
        (self.notes.len() == before).then_some(texts)
    }

    /// One value in words.
    fn one(&mut self, key: &Key, value: &Spanned<DeValue<'_>>, place: &str) -> Option<String> {
        let at = value.span().start;
        let name = format!("{place}{}", key.name);
        let Some(text) = text(key, value.get_ref()) else {
            let is = described(value.get_ref());
            let message = format!("`{name}` is {is}: {}", wanted(key));
            self.mistake(at, message);
            return None;
        };
        if let Err(reason) = key.accepts(&text) {
            let shown = readable(&key.shown(&text));
            self.mistake(at, format!("`{name}` can't be `{shown}`: {reason}"));
            return None;
        }
        Some(text)
    }

    fn tenants(&mut self, value: &Spanned<DeValue<'_>>) -> Tenants {
        let mut tenants = Tenants::default();
        let DeValue::Table(entries) = value.get_ref() else {
            self.mistake(
                value.span().start,
                format!("`{TENANTS}` is no table: write [{TENANTS}.7]"),
            );
            return tenants;
        };
        let table = TenantGrant::table();
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        for (tenant, value) in in_order(entries) {
            let (id, at) = (tenants::id(tenant.get_ref()), tenant.span().start);
            let place = format!("{TENANTS}.{}", readable(tenant.get_ref()));
            if id.is_none() && tenant.get_ref() != tenants::DEFAULT {
                let message = format!(
                    "`{place}` names no tenant: write its number, as in [{TENANTS}.7], or [{TENANTS}.{}]",
                    tenants::DEFAULT
                );
                self.mistake(at, message);
                continue;
            }
            let DeValue::Table(entries) = value.get_ref() else {
                self.mistake(at, format!("`{place}` is no table: write [{place}]"));
                continue;
            };
            let values = self.keys(entries, &table, &format!("{place}."));
            let grant = match TenantGrant::from_values(&values) {
                Ok(grant) => grant,
                Err(error) => {
                    self.mistake(at, format!("`{place}` can't be used: {}", error.kind()));
                    continue;
                }
            };
            if let Some(name) = &grant.name {
                let at = entries.get("name").map_or(at, |value| value.span().start);
                if id.is_none() {
                    let message = format!("`{place}` is every other tenant, and can't have a name");
                    self.mistake(at, message);
                } else if let Some(other) = names.insert(name.clone(), place.clone()) {
                    let message = format!("`{place}.name` is the name of `{other}` already");
                    self.mistake(at, message);
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

/// A value in the words of the command line, where the key can have one of its type.
fn text(key: &Key, value: &DeValue<'_>) -> Option<String> {
    if key.kind == Kind::Switch {
        return value.as_bool().map(|on| on.to_string());
    }
    match value {
        DeValue::String(text) => Some(text.clone().into_owned()),
        DeValue::Integer(number) if key.is_number() => {
            // One that does not fit goes on as it is written, and is refused by the
            // option's own bounds.
            let number = i128::from_str_radix(number.as_str(), number.radix())
                .map_or_else(|_| number.to_string(), |number| number.to_string());
            Some(number)
        }
        DeValue::Float(number) if key.is_number() => Some(number.as_str().to_owned()),
        DeValue::Boolean(on) if key.is_truth_value() => Some(on.to_string()),
        _ => None,
    }
}

/// A value's type, as part of a sentence.
fn described(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "a truth value",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

/// What a key takes instead.
fn wanted(key: &Key) -> String {
    let one = if key.kind == Kind::Switch || key.is_truth_value() {
        "true or false, without quotes".to_owned()
    } else if key.is_number() {
        format!("a number, or {} in quotes", key.value_name())
    } else {
        format!("{} in quotes", key.value_name())
    };
    match key.kind {
        Kind::List => format!("it takes {one}, or an array of them"),
        Kind::Switch | Kind::One => format!("it takes {one}"),
    }
}

/// Text of a file on one line of a message, and not more of it than helps.
fn readable(text: &str) -> String {
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
