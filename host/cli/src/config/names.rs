//! Unknown names, and the known name that was probably meant.

use std::collections::BTreeSet;

use clap::Command;

/// What all our variables begin with.
pub const PREFIX: &str = "TENSOR_WASM_";

/// The variable that holds the token of whoever calls a node. It is no option's, since other
/// users of a machine can read command lines.
pub const CLIENT_TOKEN: &str = "TENSOR_WASM_TOKEN";

/// The variable with the key that snapshots are signed by, of nodes and of the client.
pub const SNAPSHOT_HMAC_KEY: &str = "TENSOR_WASM_API_SNAPSHOT_HMAC_KEY";

/// The least similarity at which a name is suggested. Measure and bound are clap's.
const SIMILAR: f64 = 0.7;

/// The known name that is most similar to this one, if one is similar enough.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(similarity, _)| *similarity > SIMILAR)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

/// Warnings about variables of the environment that have our prefix and that nothing
/// reads. Their values are not shown: one may be a secret under a mistyped name.
pub fn unknown_variables(command: &Command, environment: &[String]) -> Vec<String> {
    let known = known(command);
    let short = |name: &str| name.strip_prefix(PREFIX).map(str::to_owned);
    let shorts: Vec<String> = known.iter().filter_map(|name| short(name)).collect();
    environment
        .iter()
        .filter(|name| !known.contains(*name))
        .filter_map(|name| {
            // Compared without the common prefix, which would make all names similar.
            let cure = match nearest(&short(name)?, shorts.iter().map(String::as_str)) {
                Some(meant) => format!("did you mean {PREFIX}{meant}?"),
                None => "`tensor-wasm config default` lists those that are".to_owned(),
            };
            Some(format!("the variable {name} is not read: {cure}"))
        })
        .collect()
}

/// The variables that a command and those below it read.
pub fn known(command: &Command) -> BTreeSet<String> {
    let mut known = BTreeSet::from([CLIENT_TOKEN.to_owned()]);
    collect(command, &mut known);
    known
}

fn collect(command: &Command, known: &mut BTreeSet<String>) {
    for argument in command.get_arguments() {
        if let Some(name) = argument.get_env() {
            known.insert(name.to_string_lossy().into_owned());
        }
    }
    for below in command.get_subcommands() {
        collect(below, known);
    }
}

/// The names of the variables in the environment that have our prefix.
pub fn ours() -> Vec<String> {
    let mut names: Vec<String> = std::env::vars_os()
        .map(|(name, _)| name.to_string_lossy().into_owned())
        .filter(|name| name.starts_with(PREFIX))
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use clap::Arg;

    use super::*;

    #[test]
    fn the_nearest_name_is_the_one_that_was_meant() {
        let known = ["addr", "admin", "request-timeout"];
        assert_eq!(nearest("adr", known), Some("addr"));
        assert_eq!(nearest("request_timeout", known), Some("request-timeout"));
        assert_eq!(nearest("xyz", known), None);
        assert_eq!(nearest("", known), None);
    }

    #[test]
    fn a_variable_that_nothing_reads_is_named_with_the_nearest_one_and_without_its_value() {
        let below = Command::new("below").arg(Arg::new("a").long("a").env("TENSOR_WASM_ADDR"));
        let command = Command::new("top").subcommand(below);
        let environment = ["ADDR", "ADR", "ZZZ"].map(|name| format!("{PREFIX}{name}"));
        let warnings = unknown_variables(&command, &environment);
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        for (warning, words) in warnings.iter().zip([
            ["TENSOR_WASM_ADR", "did you mean TENSOR_WASM_ADDR?"],
            ["TENSOR_WASM_ZZZ", "config default"],
        ]) {
            assert!(words.iter().all(|word| warning.contains(word)), "{warning}");
        }
    }
}
