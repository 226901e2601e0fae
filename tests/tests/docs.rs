//! Tests of the documentation: its commands run, the options it lists are exactly those that
//! exist, and its code is compiled.
//!
//! A block marked `sh` is run. All of a page's blocks make one script, in order,
//! in a folder of its own that looks like the checkout. A server that the page
//! starts runs on a free port until the page starts another or ends. A block
//! marked `sh checked` holds commands that would run the tests within the tests;
//! only that they exist, with their options, is checked. So are ours among the commands
//! of blocks that take other tools, such as `sh python`.

use std::{
    collections::BTreeSet,
    env, fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Comes before each page's script.
const PRELUDE: &str = include_str!("../docs/prelude.sh");

/// The marks of commands that take other tools: `cargo xtask languages` runs them.
const OF_OTHER_TOOLS: [&str; 4] = [
    "sh python",
    "sh javascript",
    "sh python javascript",
    "sh cargo-component",
];

/// `curl` knows the admin address only once a server runs.
const ADMIN: (&str, &str) = ("http://127.0.0.1:9090", "http://$admin");

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// The binary, as `cargo xtask test` names it, else where cargo puts it.
fn binary() -> PathBuf {
    let binary = env::var_os("TENSOR_WASM_BIN")
        .map_or_else(|| target().join("debug/tensor-wasm"), PathBuf::from);
    assert!(
        binary.exists(),
        "{} is missing: run `cargo xtask test`",
        binary.display()
    );
    binary
}

pub fn pages() -> Vec<PathBuf> {
    let mut pages = Vec::new();
    for folder in ["", "docs", "docs/guide", "docs/runbooks", "rfcs"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    pages.sort();
    pages
}

/// The text of each fenced block whose first line is exactly this mark.
fn blocks(page: &Path, mark: &str) -> Vec<String> {
    let text = fs::read_to_string(page).unwrap();
    let mut blocks = Vec::new();
    let mut inside: Option<(bool, String)> = None;
    for line in text.lines() {
        match (&mut inside, line.strip_prefix("```")) {
            (None, Some(opening)) => inside = Some((opening == mark, String::new())),
            (Some(_), Some(_)) => {
                if let Some((true, block)) = inside.take() {
                    blocks.push(block);
                }
            }
            (Some((_, block)), None) => {
                block.push_str(line);
                block.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks
}

/// A folder in which a page's relative paths lead where they lead in the
/// checkout, and what the page writes does not stay.
fn folder_like_the_checkout() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["components", "guest-sdk", "tests", "wit", "docs"] {
        symlink(root().join(name), folder.path().join(name)).unwrap();
    }
    symlink(target(), folder.path().join("target")).unwrap();
    folder
}

/// Runs a page's commands and returns what they printed.
fn run(page: &str) -> String {
    let folder = folder_like_the_checkout();
    let mut script = PRELUDE.to_owned();
    for block in blocks(&root().join(page), "sh") {
        script.push_str(&block.replace(ADMIN.0, ADMIN.1));
    }
    let binary = binary();
    let path = env::join_paths(
        std::iter::once(binary.parent().unwrap().to_owned())
            .chain(env::split_paths(&env::var_os("PATH").unwrap())),
    )
    .unwrap();
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(folder.path())
        .env("PATH", path)
        .env("CHECKOUT", root())
        .env("CARGO_TARGET_DIR", target())
        .env("CARGO_NET_OFFLINE", "true")
        .env(
            "PROJECTS",
            Path::new(env!("CARGO_TARGET_TMPDIR")).join("projects"),
        )
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{page}: {}\n{said}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    said
}

fn assert_said(said: &str, expected: &[&str]) {
    for part in expected {
        assert!(said.contains(part), "{part:?} is not in:\n{said}");
    }
}

#[test]
fn the_commands_of_the_readme_run_and_its_own_component_answers() {
    assert_said(&run("README.md"), &["12.0,24.0,36.0", "[2.0, 4.0, 6.0]"]);
}

#[test]
fn the_commands_of_the_page_on_guests_run() {
    assert_said(
        &run("docs/guests.md"),
        &["tensor:gpu/kernels", "gaussian", "2 words"],
    );
}

#[test]
fn the_commands_of_the_tutorial_lead_from_nothing_to_a_service_behind_a_policy() {
    assert_said(
        &run("docs/guide/tutorial.md"),
        &[
            "tensor:gpu/kernels",
            "[2.0, 4.0, 6.0]",
            "[1.0, 4.0, 9.0]",
            "\"kind\":\"unauthorized\"",
            "[25.0]",
        ],
    );
}

#[test]
fn the_commands_of_the_cookbook_run() {
    run("docs/guide/cookbook.md");
}

#[test]
fn the_commands_of_the_page_on_embeddings_run_and_a_digit_is_read() {
    assert_said(
        &run("docs/guide/embeddings.md"),
        &[
            r#""id":"tiny""#,
            r#""usage":{"prompt_tokens":8"#,
            r#"[{"digit":0,"#,
        ],
    );
}

#[test]
fn the_commands_of_the_page_on_kernels_in_rust_run_and_its_component_answers() {
    assert_said(&run("docs/kernels-in-rust.md"), &["[5.0, 13.0, 17.0]"]);
}

#[test]
fn the_commands_of_the_page_on_checks_run_and_the_race_is_found() {
    assert_said(
        &run("docs/checking-kernels.md"),
        &[
            "12.0,24.0,36.0",
            "race on shared memory: writes 4 bytes at address 0x4",
            "(0, 0, 0), line 16, reads too",
            "{\"ok\":[1,0,3,2,",
        ],
    );
}

#[test]
fn the_commands_of_the_page_on_serving_run() {
    assert_said(&run("docs/serving.md"), &["cpu"]);
}

#[test]
fn the_commands_of_the_page_on_gpus_run_with_a_process_for_each_tenant() {
    assert_said(
        &run("docs/gpu.md"),
        &["ok, 10 keys", "12.0,24.0", "16.0,28.0"],
    );
}

#[test]
fn the_commands_of_the_page_on_policy_run_and_the_policy_decides() {
    assert_said(
        &run("docs/policy.md"),
        &[
            "unauthorized",
            "invalid_auth",
            "invalid_tenant",
            "duplicate_tenant_header",
            "tenant_scope_denied",
            "rate_limited",
            "request_too_large",
            "12.0,24.0",
            "\"error_kind\":\"rate_limited\"",
        ],
    );
}

#[test]
fn the_commands_of_the_page_on_tls_run_and_every_client_is_answered() {
    // Older ones can't sign with `req -CA`. All else of TLS is tested without it.
    let version = Command::new("openssl").arg("version").output();
    let version = version.map_or_else(
        |error| error.to_string(),
        |output| String::from_utf8_lossy(&output.stdout).into_owned(),
    );
    if !version.starts_with("OpenSSL 3") {
        eprintln!("left out: the page on TLS needs OpenSSL 3, and here is: {version}");
        return;
    }
    let said = run("docs/tls.md");
    assert_said(&said, &["12.0,24.0", "16.0,28.0", "20.0,32.0", "24.0,36.0"]);
}

#[test]
fn the_commands_of_the_page_on_configuration_run_and_the_file_is_served() {
    assert_said(&run("docs/configuration.md"), &["ok, 2 keys", "[5.0,8.0]"]);
}

#[test]
fn the_commands_of_the_page_on_the_audit_log_run_and_the_chain_verifies() {
    assert_said(&run("docs/audit-log.md"), &["unauthorized", "records"]);
}

#[test]
fn the_commands_of_the_page_on_metrics_run_and_the_request_is_counted() {
    assert_said(
        &run("docs/metrics.md"),
        &[
            "12.0,24.0,36.0",
            "tensor_wasm_http_requests_total{route=\"component\",method=\"POST\",status=\"200\"} 1",
        ],
    );
}

#[test]
fn the_commands_of_the_page_on_tracing_run_also_where_there_is_no_collector() {
    assert_said(
        &run("docs/tracing.md"),
        &["12.0,24.0,36.0", "13.0,26.0,39.0", r#""status":"ok""#],
    );
}

#[test]
fn the_commands_of_the_page_on_composing_run_and_show_the_chain() {
    assert_said(
        &run("docs/composing.md"),
        &[
            "1. policy, middleware",
            "2. image, application",
            "from deny-gpu",
        ],
    );
}

#[test]
fn the_commands_of_the_page_on_the_client_run_against_a_node() {
    assert_said(
        &run("docs/client.md"),
        &[
            "12.0,24.0",
            "2: 100%",
            "version 1 gets all requests",
            "state     succeeded",
            "[7.0]",
        ],
    );
}

#[test]
fn the_commands_of_the_page_on_replay_run_and_nothing_differs() {
    assert_said(
        &run("docs/replay.md"),
        &[
            "the same: ",
            "status 500",
            r#""result": "same""#,
            r#""call":"#,
        ],
    );
}

#[test]
fn the_commands_of_the_page_on_nodes_lead_from_nothing_to_a_function_behind_a_policy() {
    assert_said(
        &run("docs/node.md"),
        &[
            r#""name":"saxpy","version":1"#,
            "12.0,24.0",
            r#""kind":"unauthorized""#,
            r#""job_id":"job_"#,
            r#""function":"saxpy""#,
            r#""kind":"rate_limited""#,
            "audit.log: whole",
            "GUEST_MS",
            "tensor_wasm_tenant_requests_total{tenant=\"0\"}",
        ],
    );
}

#[test]
fn the_page_on_the_client_has_the_exit_codes_and_the_options_that_help_has() {
    let output = Command::new(binary()).args(["list", "--help"]).output();
    let help = String::from_utf8(output.unwrap().stdout).unwrap();
    let page = fs::read_to_string(root().join("docs/client.md")).unwrap();
    let (_, codes) = help.split_once("Exit codes:\n").unwrap();
    for line in codes.lines().filter(|line| !line.trim().is_empty()) {
        let (code, meaning) = line.trim().split_once("  ").unwrap();
        let row = format!("| {code} | {meaning} |\n");
        assert!(page.contains(&row), "{row:?} is not in docs/client.md");
    }
    let (_, options) = help.split_once("Node:\n").unwrap();
    let (options, _) = options.split_once("Examples:").unwrap();
    let options: BTreeSet<_> = options
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("--"))
        .map(option_name)
        .collect();
    let named: BTreeSet<_> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `--"))
        .map(option_name)
        .collect();
    assert_eq!(options, named);
}

#[test]
fn a_function_whose_new_version_fails_is_rolled_back_as_its_runbook_says() {
    assert_said(
        &run("docs/runbooks/availability-fast-burn.md"),
        &[
            "its callers fail with status 7",
            "12.0,24.0",
            "route=\"function.invoke\"",
        ],
    );
}

#[test]
fn where_the_time_of_a_request_goes_is_seen_as_its_runbook_says() {
    let said = run("docs/runbooks/latency.md");
    assert_said(&said, &["guest;dur=", "launches", "saxpy"]);
}

#[test]
fn an_audit_log_that_was_moved_away_goes_on_as_its_runbook_says() {
    let said = run("docs/runbooks/audit-unavailable.md");
    assert_said(&said, &["12.0", "whole"]);
}

#[test]
fn what_a_limit_rejects_is_counted_as_its_runbook_says() {
    let said = run("docs/runbooks/at-a-limit.md");
    assert_said(&said, &["tensor_wasm_http_requests_total"]);
}

#[test]
fn a_deleted_function_gives_its_bytes_back_as_its_runbook_says() {
    let said = run("docs/runbooks/disk-full.md");
    assert_said(&said, &["data/components"]);
}

#[test]
fn a_tenant_whose_worker_was_killed_is_served_as_its_runbook_says() {
    let said = run("docs/runbooks/device-lost.md");
    assert_said(&said, &["12.0,24.0", "13.0,26.0"]);
}

#[test]
fn a_token_that_leaked_is_refused_after_what_its_runbook_says() {
    let said = run("docs/runbooks/token-leak.md");
    assert_said(&said, &["12.0,24.0", "the token is not known", "whole"]);
}

#[test]
fn a_configuration_that_keeps_a_server_from_starting_is_mended_as_its_runbook_says() {
    let said = run("docs/runbooks/will-not-start.md");
    assert_said(&said, &["ok, 1 key", "request-timeout"]);
}

#[test]
fn a_node_goes_back_to_what_it_was_before_an_upgrade_as_its_runbook_says() {
    let said = run("docs/runbooks/rollback.md");
    assert_said(&said, &["12.0,24.0", "whole"]);
}

#[test]
fn a_node_that_lost_its_folder_is_restored_from_its_backup() {
    let said = run("docs/BACKUP-RESTORE.md");
    assert_said(&said, &["12.0,24.0"]);
}

#[test]
fn the_guide_to_version_1_leads_through_an_upgrade() {
    let said = run("docs/MIGRATION-v0-to-v1.md");
    assert_said(&said, &["12.0,24.0", "tensor_wasm_build_info", "whole"]);
}

#[test]
fn an_upgrade_keeps_what_was_there_as_its_page_says() {
    let said = run("docs/UPGRADE.md");
    assert_said(
        &said,
        &["succeeded", "12.0,24.0", "tensor_wasm_build_info", "whole"],
    );
}

#[test]
fn every_alert_names_a_runbook_that_is_there_and_every_runbook_is_listed() {
    let rules = fs::read_to_string(root().join("docs/alerts/tensor-wasm.yml")).unwrap();
    let named = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("runbook: "));
    let mut alerts = 0;
    for page in named {
        assert!(root().join(page).exists(), "{page} is not there");
        alerts += 1;
    }
    assert_eq!(alerts, rules.matches("- alert: ").count());
    let objectives = fs::read_to_string(root().join("docs/SLO.md")).unwrap();
    for entry in fs::read_dir(root().join("docs/runbooks")).unwrap() {
        let name = entry.unwrap().file_name();
        let link = format!("(runbooks/{})", name.to_str().unwrap());
        assert!(objectives.contains(&link), "{link} is not in docs/SLO.md");
    }
}

#[test]
fn every_page_with_commands_is_run_by_a_test() {
    let run = [
        "BACKUP-RESTORE.md",
        "MIGRATION-v0-to-v1.md",
        "README.md",
        "UPGRADE.md",
        "at-a-limit.md",
        "audit-unavailable.md",
        "availability-fast-burn.md",
        "device-lost.md",
        "disk-full.md",
        "latency.md",
        "rollback.md",
        "token-leak.md",
        "will-not-start.md",
        "audit-log.md",
        "checking-kernels.md",
        "client.md",
        "cookbook.md",
        "embeddings.md",
        "tutorial.md",
        "composing.md",
        "configuration.md",
        "gpu.md",
        "guests.md",
        "kernels-in-rust.md",
        "metrics.md",
        "node.md",
        "policy.md",
        "replay.md",
        "serving.md",
        "tls.md",
        "tracing.md",
    ];
    for page in pages() {
        let name = page.file_name().unwrap().to_str().unwrap();
        assert!(
            blocks(&page, "sh").is_empty() || run.contains(&name),
            "{name} has a block marked `sh`, and no test that runs it"
        );
        for mark in ["bash", "shell", "console", "shell-session"] {
            assert!(
                blocks(&page, mark).is_empty(),
                "{name}: mark commands with `sh`, not `{mark}`, and they are tested"
            );
        }
    }
}

#[test]
fn commands_marked_as_checked_only_exist_with_their_options() {
    for page in pages() {
        let checked = blocks(&page, "sh checked");
        let of_other_tools = OF_OTHER_TOOLS.map(|mark| blocks(&page, mark)).concat();
        let mut lines: Vec<&str> = checked.iter().flat_map(|b| b.lines()).collect();
        for line in of_other_tools.iter().flat_map(|b| b.lines()) {
            if line.starts_with("tensor-wasm ") {
                lines.push(line);
            }
        }
        for line in lines {
            let (mut program, words) = if let Some(words) = line.strip_prefix("cargo xtask ") {
                let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
                let mut program = Command::new(cargo);
                program.arg("xtask");
                (program, words)
            } else if let Some(words) = line.strip_prefix("tensor-wasm ") {
                (Command::new(binary()), words)
            } else {
                panic!("{}: cannot check `{line}`", page.display());
            };
            let words = words.split_whitespace();
            let (options, words): (Vec<_>, Vec<_>) = words.partition(|w| w.starts_with("--"));
            // `bench serve` is a command of two words; elsewhere the second is an argument.
            let command = &words[..words.len().min(if words[0] == "bench" { 2 } else { 1 })];
            let output = program
                .current_dir(root())
                .env("CARGO_TARGET_DIR", target())
                .args(command)
                .arg("--help")
                .output()
                .unwrap();
            let help = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "`{line}`: {}", output.status);
            for option in options {
                assert!(
                    help.contains(option),
                    "`{line}`: no {option} among its options:\n{help}"
                );
            }
        }
    }
}

#[test]
fn the_page_on_serving_names_every_option_and_no_other() {
    let output = Command::new(binary()).args(["serve", "--help"]).output();
    let help = String::from_utf8(output.unwrap().stdout).unwrap();
    let there: BTreeSet<_> = help
        .lines()
        .filter_map(|line| {
            line.trim_start()
                .trim_start_matches("-h, ")
                .strip_prefix("--")
        })
        .map(option_name)
        .filter(|name| name != "help")
        .collect();
    let page = fs::read_to_string(root().join("docs/serving.md")).unwrap();
    let named: BTreeSet<_> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `--"))
        .map(option_name)
        .collect();
    assert_eq!(
        there, named,
        "left: `tensor-wasm serve --help`, right: docs/serving.md"
    );
}

fn option_name(text: &str) -> String {
    text.chars()
        .take_while(|letter| letter.is_ascii_lowercase() || *letter == '-')
        .collect()
}

#[test]
fn the_services_on_the_page_on_guests_are_the_examples_that_are_compiled() {
    let shown = blocks(&root().join("docs/guests.md"), "rust");
    for name in ["service", "set_up_once"] {
        let path = root().join(format!("guest-sdk/examples/{name}.rs"));
        let example = fs::read_to_string(path).unwrap();
        assert!(
            shown.contains(&example),
            "copy the example {name} into docs/guests.md"
        );
    }
}
