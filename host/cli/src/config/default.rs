//! The default configuration file: every key with its help and default, commented out.

use super::table::{Key, SettingKind, Table};
use super::tenants::{DEFAULT, TenantGrant};

/// Comments are wrapped here.
const WIDTH: usize = 88;

const HEAD: &str = "\
# The configuration of `tensor-wasm serve` and `tensor-wasm node`. It is read from
# ./tensor-wasm.toml, or from the file that --config or TENSOR_WASM_CONFIG names. Each key
# is also a variable and a flag: a flag wins over a variable, a variable over this file,
# and this file over the default. A key that one of the two commands does not have is
# ignored by it. What stands here behind a # is the default, or the form of a value that
# has none. Paths start where the server is started.
";

const TENANTS: &str = "\
# What tenants may have, one table for each, by number. [tenants.default] is every tenant
# without a table of its own, and what a tenant's table leaves out. What neither says is
# as the keys above say it. Tenants have no variables and no flags.
";

/// The tables of tenants in the default file, with a value for each key.
const EXAMPLES: [(&str, &[(&str, &str)]); 2] = [
    (DEFAULT, &[("gpu", "grant")]),
    (
        "7",
        &[
            ("name", "acme"),
            ("tenant-memory-bytes", "1GiB"),
            ("cpu-share", "3"),
            ("tenant-cpu", "0.5"),
            ("gpu", "grant"),
            ("gpu-memory-bytes", "256MiB"),
            ("gpu-host-memory-bytes", "64MiB"),
            ("gpu-modules", "8"),
            ("gpu-queues", "4"),
            ("gpu-launches-in-flight", "64"),
            ("kernel-timeout", "2s"),
            ("gpu-launches-per-second", "100"),
            ("gpu-share", "3"),
            ("allow-http", "api.example:8443"),
        ],
    ),
];

/// The file.
pub fn text(table: &Table) -> String {
    let mut text = HEAD.to_owned();
    let mut headings: Vec<Option<&str>> = vec![None];
    for key in table.iter() {
        if !headings.contains(&key.heading()) {
            headings.push(key.heading());
        }
    }
    for heading in headings {
        if let Some(heading) = heading {
            text += &format!("\n# ---- {heading} ----\n");
        }
        for key in table.iter().filter(|key| key.heading() == heading) {
            if !key.is_hidden() {
                text += &format!("\n{}", setting(key));
            }
        }
    }
    text + &tenants()
}

/// One key.
fn setting(key: &Key) -> String {
    let mut text = described(key);
    let names = match key.variable() {
        Some(variable) => format!("{}, {variable}", key.flag()),
        None => key.flag(),
    };
    let defaults = key.defaults();
    let secret = if key.is_secret() { "; a secret" } else { "" };
    let alone = match key.commands.iter().collect::<Vec<_>>()[..] {
        [command] => format!("; `{command}` alone"),
        _ => String::new(),
    };
    text += &comment(&format!("{names}{secret}{alone}"));
    text + &format!("#{} = {}\n", key.name, value(key, &defaults))
}

/// A key's help, and its possible values.
fn described(key: &Key) -> String {
    let mut text = comment(&format!("{}.", key.help().trim_end_matches('.')));
    for (name, help) in key.choices() {
        text += &comment(&format!("  {name}: {help}"));
    }
    text
}

/// The tables of tenants.
fn tenants() -> String {
    let table = TenantGrant::table();
    let mut text = format!("\n# ---- Tenants ----\n\n{TENANTS}");
    for (tenant, values) in EXAMPLES {
        text += &format!("\n#[tenants.{tenant}]\n");
        for (name, example) in values {
            let Some(key) = table.get(name) else {
                continue;
            };
            if tenant != DEFAULT {
                text += &described(key);
            }
            let value = value(key, &[(*example).to_owned()]);
            text += &format!("#{name} = {value}\n");
        }
    }
    text
}

/// Values in TOML: the default, or a placeholder.
fn value(key: &Key, values: &[String]) -> String {
    let one = |value: &String| {
        let plain = key.kind == SettingKind::Switch
            || (key.is_number() && !value.is_empty() && value.chars().all(|c| c.is_ascii_digit()));
        if plain { value.clone() } else { quoted(value) }
    };
    match (key.kind, values) {
        (SettingKind::Switch, []) => "false".to_owned(),
        (SettingKind::One, []) => quoted(key.value_name()),
        (SettingKind::List, []) => format!("[{}]", quoted(key.value_name())),
        (SettingKind::List, values) => {
            let values: Vec<String> = values.iter().map(one).collect();
            format!("[{}]", values.join(", "))
        }
        (SettingKind::Switch | SettingKind::One, [value, ..]) => one(value),
    }
}

/// A string in TOML. Its escapes are those of JSON.
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A comment of as many lines as it takes; those after the first are indented as it.
fn comment(text: &str) -> String {
    let indent: String = text.chars().take_while(|letter| *letter == ' ').collect();
    let mut lines = String::new();
    let mut line = format!("#{indent}");
    for word in text.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines += &format!("{line}\n");
            line = format!("#{indent}");
        }
        line += &format!(" {word}");
    }
    lines + &line + "\n"
}
