//! The diagnostics that a file can have, each told with its place and its cure.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::num::NonZeroU32;

use clap::builder::BoolishValueParser;
use clap::{Arg, ArgAction, Command, value_parser};
use proptest::prelude::*;

use super::*;
use crate::config::settings_table;
use crate::values;

/// A small command with an option of each kind, one of them a secret.
fn table() -> Table {
    let option = |name: &'static str| Arg::new(name).long(name).value_name("TEXT");
    let mut command = Command::new("serve").args([
        Arg::new("component").value_name("COMPONENT"),
        option("addr"),
        option("gpu").value_parser(["auto", "cpu"]),
        option("size").value_parser(values::bytes),
        option("count").value_parser(value_parser!(NonZeroU32)),
        option("rate").value_parser(value_parser!(f64)),
        option("truth").value_parser(value_parser!(bool)),
        option("policy").action(ArgAction::Append),
        option("env")
            .action(ArgAction::Append)
            .value_name("KEY=VALUE")
            .value_parser(values::variable),
        option("tokens")
            .hide_env_values(true)
            .value_parser(|text: &str| match text.len() {
                0..20 => Ok(text.to_owned()),
                _ => Err(format!("{text} is too long")),
            }),
        Arg::new("dry")
            .long("dry")
            .action(ArgAction::SetTrue)
            .value_parser(BoolishValueParser::new())
            .conflicts_with("addr"),
    ]);
    command.build();
    Table::of(&command)
}

fn good(text: &str) -> File {
    File::parse(text.as_bytes(), &table()).unwrap_or_else(|wrong| panic!("{text}: {wrong:?}"))
}

/// The diagnostics of a text as `LINE:COLUMN: MESSAGE`.
fn wrong(text: &str) -> Vec<String> {
    let diagnostics = File::parse(text.as_bytes(), &table()).expect_err(text);
    diagnostics
        .into_iter()
        .map(|ConfigDiagnostic { position, message }| {
            format!("{}:{}: {message}", position.line, position.column)
        })
        .collect()
}

/// The one mistake of a text.
#[track_caller]
fn one_wrong(text: &str, place: &str, words: &[&str]) {
    let diagnostics = wrong(text);
    assert_eq!(diagnostics.len(), 1, "{diagnostics:?}");
    assert!(
        diagnostics[0].starts_with(&format!("{place}: ")),
        "{diagnostics:?}"
    );
    for word in words {
        assert!(
            diagnostics[0].contains(word),
            "no {word:?} in {diagnostics:?}"
        );
    }
}

#[test]
fn an_empty_file_sets_nothing() {
    assert_eq!(good("").keys, 0);
    assert_eq!(good("# only a comment\n").values, BTreeMap::new());
    assert_eq!(good("").tenants, Tenants::default());
}

#[test]
fn each_kind_of_key_takes_the_types_that_fit_it() {
    let file = good(
        "component = 'a.wasm'\naddr = \"x\"\nsize = 0x10\ncount = 1_000\nrate = 0.5\n\
         truth = true\npolicy = ['a', 'b']\nenv = 'A=b'\ndry = false\n",
    );
    let value = |key: &str| file.values[key].join("|");
    assert_eq!(value("component"), "a.wasm");
    assert_eq!(value("size"), "16");
    assert_eq!(value("count"), "1000");
    assert_eq!(value("rate"), "0.5");
    assert_eq!(value("truth"), "true");
    assert_eq!(value("policy"), "a|b");
    assert_eq!(value("env"), "A=b");
    assert_eq!(value("dry"), "false");
    assert_eq!(file.keys, 9);
    assert_eq!(good("size = '1KiB'\nrate = 2\npolicy = []").keys, 3);
}

#[test]
fn an_unknown_key_is_told_with_the_nearest_one() {
    one_wrong(
        "\n  adr = 1",
        "2:3",
        &["no key `adr`", "did you mean `addr`?"],
    );
    one_wrong("qqq = 1", "1:1", &["no key `qqq`", "config default"]);
    one_wrong("[tenant.7]", "1:2", &["no key `tenant`", "`tenants`"]);
    one_wrong(
        "[addr]\nx = 1",
        "1:1",
        &["`addr` is a table", "TEXT in quotes"],
    );
}

#[test]
fn a_value_of_a_wrong_type_is_told_with_the_right_one() {
    for (text, words) in [
        ("addr = 1", ["an integer", "TEXT in quotes"]),
        ("addr = 1.5", ["a number", "TEXT in quotes"]),
        ("addr = true", ["a boolean", "TEXT in quotes"]),
        ("addr = ['a']", ["an array", "TEXT in quotes"]),
        ("addr = 1979-05-27", ["a date", "TEXT in quotes"]),
        ("addr = {}", ["a table", "TEXT in quotes"]),
        ("gpu = 1", ["an integer", "in quotes"]),
        ("count = true", ["a boolean", "a number, or TEXT"]),
        ("truth = 1", ["an integer", "true or false"]),
        (
            "dry = 'true'",
            ["a string", "true or false, without quotes"],
        ),
        ("dry = 1", ["an integer", "true or false, without quotes"]),
        ("dry = [true]", ["an array", "true or false"]),
    ] {
        one_wrong(
            text,
            &format!("1:{}", 1 + text.find("= ").unwrap() + 2),
            &words,
        );
    }
    one_wrong(
        "policy = ['a', 1]",
        "1:16",
        &["an integer", "an array of them"],
    );
    one_wrong("policy = [['a']]", "1:11", &["an array"]);
}

#[test]
fn a_value_that_is_not_accepted_is_told_with_what_is() {
    one_wrong("gpu = 'yes'", "1:7", &["`gpu` can't be `yes`", "auto, cpu"]);
    one_wrong("size = 'much'", "1:8", &["`much`", "64MiB"]);
    one_wrong("count = 0", "1:9", &["`count` can't be `0`", "zero"]);
    one_wrong("count = -1", "1:9", &["`-1`"]);
    one_wrong("count = 1.5", "1:9", &["`1.5`"]);
    one_wrong("count = 99999999999", "1:9", &["too large"]);
    let huge = format!("count = {}", "9".repeat(60));
    one_wrong(&huge, "1:9", &["too large"]);
    one_wrong("env = ['A=1', '=2']", "1:15", &["KEY=VALUE"]);
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_file() {
    let diagnostics = wrong("gpu = 1\nx = \ncount = 0\n[tenants.7]\ngpu = 'maybe'\nnone = 1\n");
    let places: Vec<&str> = diagnostics.iter().map(|m| &m[..2]).collect();
    assert_eq!(places, ["1:", "2:", "3:", "5:", "6:"], "{diagnostics:?}");
}

#[test]
fn a_key_that_stands_there_twice_is_a_mistake() {
    one_wrong("addr = 'a'\naddr = 'b'", "2:1", &["duplicate key"]);
    let twice = wrong("[tenants.7]\n[tenants.7]");
    assert!(twice[0].contains("duplicate"), "{twice:?}");
}

#[test]
fn what_is_no_toml_and_no_text_is_told_with_its_place() {
    let unclosed = wrong("addr = 'a\n");
    assert!(unclosed[0].starts_with("1:"), "{unclosed:?}");
    assert!(unclosed[0].contains("no TOML"), "{unclosed:?}");
    let bytes = File::parse(b"addr = 'a'\n\xff", &table()).unwrap_err();
    assert_eq!((bytes[0].position.line, bytes[0].position.column), (2, 1));
    assert!(bytes[0].message.contains("UTF-8"), "{bytes:?}");
}

#[test]
fn keys_that_exclude_each_other_can_not_both_be_set() {
    one_wrong("addr = 'a'\ndry = true", "2:1", &["`dry`", "beside `addr`"]);
    one_wrong("dry = true\naddr = 'a'", "2:1", &["`addr`", "beside `dry`"]);
    assert_eq!(good("addr = 'a'\ndry = false").keys, 2);
}

#[test]
fn no_secret_is_in_a_mistake() {
    for text in [
        "tokens = 'hushhushhushhushhushhush'",
        "tokens = 'hush",
        "tokens = ['hush']",
        "tokens = 'hush' hush",
        "token = 'hush'",
        "env = ['A=hush', 1, '=hush']",
        "addr = 1\ntokens = 'hush'",
    ] {
        let diagnostics = format!("{:?}", wrong(text));
        assert!(!diagnostics.contains("hush"), "{diagnostics}");
    }
    let long = wrong("tokens = 'hushhushhushhushhushhush'");
    assert!(long[0].contains("*** is too long"), "{long:?}");
}

#[test]
fn tenants_have_grants_of_their_own_and_one_for_the_others() {
    let file = good(
        "[tenants.default]\ngpu = 'deny'\n[tenants.7]\nname = 'acme'\ngpu = 'grant'\n\
         gpu-memory-bytes = 1024\nkernel-timeout = '2s'\ngpu-share = 3\n[tenants.0]\n",
    );
    assert_eq!(file.keys, 6);
    assert_eq!(file.tenants.by_id.len(), 2);
    let seven = file.tenants.of(7);
    assert_eq!(seven.name.as_deref(), Some("acme"));
    assert_eq!(seven.gpu_memory_bytes.unwrap().get(), 1024);
    assert_eq!(seven.gpu_share, NonZeroU32::new(3));
    assert_eq!(file.tenants.of(0), file.tenants.default);
    assert_eq!(file.tenants.of(99), file.tenants.default);
}

#[test]
fn the_mistakes_of_tenants_name_the_tenant() {
    for (text, words) in [
        ("tenants = 1", ["`tenants` is no table", "[tenants.7]"]),
        ("tenants.7 = 1", ["`tenants.7` is no table", "[tenants.7]"]),
        ("[[tenants.7]]", ["`tenants.7` is no table", "[tenants.7]"]),
        (
            "[tenants.acme]",
            ["`tenants.acme` names no tenant", "default"],
        ),
        ("[tenants.07]", ["`tenants.07` names no tenant", "default"]),
        ("[tenants.-1]", ["`tenants.-1` names no tenant", "default"]),
        (
            "[tenants.18446744073709551616]",
            ["names no tenant", "[tenants.7]"],
        ),
        (
            "[tenants.7]\ngpu-module = 1",
            ["`tenants.7.gpu-module`", "mean `tenants.7.gpu-modules`?"],
        ),
        (
            "[tenants.7]\ngpu = 'auto'",
            ["`tenants.7.gpu`", "grant, deny, refuse"],
        ),
        (
            "[tenants.7]\ngpu-queues = 0",
            ["`tenants.7.gpu-queues` can't be `0`", "zero"],
        ),
        (
            "[tenants.7]\ngpu-memory-bytes = 0",
            ["`tenants.7.gpu-memory-bytes`", "more than nothing"],
        ),
        (
            "[tenants.7]\nkernel-timeout = '0s'",
            ["`tenants.7.kernel-timeout`", "longer than nothing"],
        ),
        ("[tenants.7]\nname = ' '", ["`tenants.7.name`", "a name"]),
        (
            "[tenants.7]\nname = 'a'\n[tenants.8]\nname = 'a'",
            ["`tenants.8.name`", "of `tenants.7` already"],
        ),
        (
            "[tenants.default]\nname = 'a'",
            ["`tenants.default`", "can't have a name"],
        ),
        (
            "[tenants.7]\nname = ['a']",
            ["`tenants.7.name`", "an array"],
        ),
    ] {
        let diagnostics = wrong(text);
        assert_eq!(diagnostics.len(), 1, "{text}: {diagnostics:?}");
        for word in words {
            assert!(
                diagnostics[0].contains(word),
                "no {word:?} in {diagnostics:?}"
            );
        }
    }
}

#[test]
fn what_a_message_quotes_of_the_file_is_short_and_printable() {
    let text = format!("gpu = \"a\\u001b[2J{}\"", "x".repeat(1000));
    let diagnostics = wrong(&text);
    assert!(diagnostics[0].len() < 200, "{diagnostics:?}");
    assert!(diagnostics[0].contains("a\\u{1b}[2J"), "{diagnostics:?}");
}

#[test]
fn a_file_of_mistakes_alone_is_told_in_part() {
    let text = "wrong = 1\n[]\n".repeat(50_000);
    let diagnostics = wrong(&text);
    assert!(
        diagnostics.len() <= MAX_DIAGNOSTICS,
        "{}",
        diagnostics.len()
    );
    assert!(diagnostics.last().unwrap().contains("more errors"));
}

/// Text that is often nearly a configuration.
fn nearly_toml() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("tenants".to_owned()),
        Just("default".to_owned()),
        Just("gpu".to_owned()),
        Just("policy".to_owned()),
        Just("no-cache".to_owned()),
        Just("max-body-bytes".to_owned()),
        "[\\[\\]{}=.,'\"#\n -]{1,3}",
        "[0-9]{1,20}",
        "-?[0-9]{1,4}\\.[0-9e]{0,4}",
        "(true|false|inf|nan|1979-05-27|0x[0-9a-f]{0,20})",
        "'[a-z]{0,5}'",
        "\\PC{0,4}",
    ];
    proptest::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = File::parse(&bytes, &table());
    }

    #[test]
    fn no_text_makes_it_panic(text in "(\\PC|\n){0,200}") {
        let _ = File::parse(text.as_bytes(), &table());
    }

    #[test]
    fn nothing_that_is_nearly_a_configuration_makes_it_panic(text in nearly_toml()) {
        let _ = File::parse(text.as_bytes(), &settings_table());
    }

    #[test]
    fn any_string_is_either_taken_as_it_is_or_refused(value in "\\PC{0,40}") {
        let text = format!("addr = {}", crate::config::default::quoted(&value));
        match File::parse(text.as_bytes(), &table()) {
            Ok(file) => prop_assert_eq!(&file.values["addr"], &[value]),
            Err(diagnostics) => prop_assert!(value.is_empty(), "{:?}", diagnostics),
        }
    }
}
