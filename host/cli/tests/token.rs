//! What `tensor-wasm token` promises: the real binary, real files, and secrets that
//! show once and nowhere else.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use tensor_wasm_node::tokens::TokenList;
use tensor_wasm_runtime::policy::{Authenticator, Scope};

use crate::run::Run;

fn token_with(input: impl AsRef<[u8]>, arguments: &[&str]) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tensor-wasm"))
        .arg("token")
        .args(arguments)
        .env_remove("RUST_LOG")
        .env_remove("TENSOR_WASM_BIN")
        .env_remove("TENSOR_WASM_COMPONENTS")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that ends early reads none of it.
    let _ = child.stdin.take().unwrap().write_all(input.as_ref());
    let output = child.wait_with_output().unwrap();
    output.into()
}

fn token(arguments: &[&str]) -> Run {
    token_with("", arguments)
}

/// A directory with a token file in it, or without.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("tokens")
    }

    fn name(&self) -> String {
        self.path().display().to_string()
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }
}

const SECRET: &str = "Wm3kT0pQ9zR5xY7cV1bN4sD8";

#[test]
fn help_teaches_with_examples() {
    for (command, words) in [
        (&[][..], &["new", "hash", "list", "SIGHUP", "rotation"][..]),
        (
            &["new"],
            &["--name", "--tenant", "--role", "--expires", "90d"],
        ),
        (&["hash"], &["standard input", "22 random characters"]),
        (&["list"], &["--json", "no secrets"]),
    ] {
        let arguments: Vec<_> = command.iter().copied().chain(["--help"]).collect();
        let help = token(&arguments).succeeds().out;
        for word in words.iter().chain(&["Examples:\n  tensor-wasm token "]) {
            assert!(help.contains(word), "no {word:?} in {help}");
        }
    }
}

#[test]
fn a_new_token_is_printed_with_the_line_that_knows_it() {
    let run = token(&["new", "--name", "alice"]).succeeds();
    let lines: Vec<_> = run.out.lines().collect();
    let [secret, line] = lines[..] else {
        panic!("{}", run.out);
    };
    assert!(secret.starts_with("twt_") && !line.contains(secret));
    assert!(!run.err.contains(secret), "{}", run.err);
    let list = TokenList::parse(line).unwrap();
    assert_eq!(list.authenticate(secret).unwrap().id, "alice");
    let other = token(&["new", "--name", "alice"]).succeeds();
    assert_ne!(other.out.lines().next().unwrap(), secret);
}

#[test]
fn a_new_token_goes_into_a_file_that_only_its_owner_may_read() {
    let files = Files::new();
    let more = [
        "--tenant",
        "1,2",
        "--role",
        "admin",
        "--role",
        "deploy",
        "--expires",
        "90d",
    ];
    let new = ["new", "--name", "alice", "--file", &files.name()];
    let run = token(&[&new[..], &more].concat()).succeeds();
    let secret = run.out.trim_end();
    assert_eq!(run.out.lines().count(), 1, "only the secret: {}", run.out);
    assert!(
        run.err.contains("alice as line 1 of") && run.err.contains("SIGHUP"),
        "{}",
        run.err
    );
    assert!(!run.err.contains(secret) && !files.text().contains(secret));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(files.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let list = TokenList::from_file(&files.path()).unwrap();
    let alice = list.authenticate(secret).unwrap();
    assert_eq!(alice.scope, Scope::Only(vec![1, 2]));
    assert_eq!(alice.roles, ["admin", "deploy"]);
}

#[test]
fn machines_get_json() {
    let files = Files::new();
    let expires = "2999-01-01T00:00:00Z";
    let run = token(&[
        "new",
        "--name",
        "ci",
        "--tenant",
        "7",
        "--expires",
        expires,
        "--file",
        &files.name(),
        "--json",
    ])
    .succeeds();
    let report = run.json();
    assert_eq!(report["name"], "ci");
    assert_eq!(report["tenants"], json!([7]));
    assert_eq!(report["roles"], json!([]));
    assert_eq!(report["expires"], expires);
    assert_eq!(report["line"], 1);
    assert_eq!(report["file"], files.name());
    let stored = report["stored"].as_str().unwrap();
    assert_eq!(files.text(), format!("{stored}\n"));
    let list = TokenList::parse(stored).unwrap();
    let secret = report["secret"].as_str().unwrap();
    assert_eq!(list.authenticate(secret).unwrap().id, "ci");

    let report = token_with(SECRET, &["hash", "--name", "a", "--json"]).succeeds();
    assert!(!report.out.contains(SECRET));
    let report = report.json();
    assert_eq!(
        (&report["tenants"], &report["file"]),
        (&json!("*"), &Value::Null)
    );
    assert!(report.get("secret").is_none());
}

#[test]
fn a_secret_of_ones_own_is_hashed_from_standard_input() {
    for input in [
        SECRET.to_owned(),
        format!("{SECRET}\n"),
        format!("{SECRET}\r\nanother line\n"),
    ] {
        let run = token_with(input, &["hash", "--name", "alice"]).succeeds();
        assert!(!run.out.contains(SECRET) && !run.err.contains(SECRET));
        let list = TokenList::parse(&run.out).unwrap();
        assert_eq!(list.authenticate(SECRET).unwrap().id, "alice");
    }
    let files = Files::new();
    let arguments = ["hash", "--name", "alice", "--file", &files.name()];
    let run = token_with(SECRET, &arguments).succeeds();
    assert_eq!(run.out, "");
    let list = TokenList::from_file(&files.path()).unwrap();
    assert!(list.authenticate(SECRET).is_ok());
}

#[test]
fn a_secret_that_could_be_guessed_is_refused_and_not_repeated() {
    let long = "0123456789".repeat(1000);
    for (input, word) in [
        (&b"hunter2-hunter2-hunte"[..], "22"),
        (b"", "empty"),
        (b"\nhunter2-hunter2-hunter2", "empty"),
        (b"hunter2 hunter2 hunter2 hunter2", "HTTP"),
        (b"hhhhhhhhhhhhhhhhhhhhhhhhhhh", "repeats"),
        (long.as_bytes(), "512"),
        (b"\xff\xfe", "standard input"),
    ] {
        let run = token_with(input, &["hash", "--name", "alice"]);
        run.fails_and_prints_nothing(1, &[word]);
        assert!(
            !run.err.contains("hunter") && !run.err.contains("01234"),
            "{}",
            run.err
        );
    }
}

#[test]
fn a_name_rotates_through_two_tokens_and_a_third_is_refused() {
    let files = Files::new();
    let name = files.name();
    let new = ["new", "--name", "alice", "--file", &name];
    let (one, two) = (token(&new).succeeds().out, token(&new).succeeds().out);
    let text = files.text();
    token(&new)
        .fails_and_prints_nothing(1, &["no token was added", "line 3 ", "line 1 ", "line 2 "]);
    assert_eq!(files.text(), text);
    let list = TokenList::from_file(&files.path()).unwrap();
    assert!(list.authenticate(one.trim_end()).is_ok());
    assert!(list.authenticate(two.trim_end()).is_ok());

    fs::write(files.path(), text.lines().nth(1).unwrap()).unwrap();
    token(&new).succeeds();
    assert_eq!(files.text().lines().count(), 2, "the last line was ended");
}

#[test]
fn a_list_shows_everything_but_secrets_and_hashes() {
    let files = Files::new();
    let name = files.name();
    token(&[
        "new", "--name", "alice", "--tenant", "3,5", "--role", "admin", "--file", &name,
    ])
    .succeeds();
    let hashed = files.text();
    let old = "expires=2001-02-03T04:05:06Z";
    let other = token(&["new", "--name", "bob"]).succeeds().out;
    let second = other.lines().nth(1).unwrap().to_owned() + " roles=admin " + old;
    fs::write(
        files.path(),
        format!(
            "# comment\n{hashed}plain:{SECRET}\n{second}\n{}\n",
            &SECRET[1..]
        ),
    )
    .unwrap();

    let run = token(&["list", &name]).succeeds();
    let lines: Vec<Vec<_>> = run
        .out
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        lines,
        [
            vec![
                "LINE", "NAME", "TENANTS", "ROLES", "EXPIRES", "STORED", "AS"
            ],
            vec!["2", "alice", "3,5", "admin", "-", "hash"],
            vec!["3", "plain", "*", "-", "-", "plain", "text"],
            vec![
                "4",
                "bob",
                "*",
                "admin",
                "2001-02-03T04:05:06Z",
                "(expired)",
                "hash"
            ],
            vec!["5", "token-4", "*", "-", "-", "plain", "text"],
        ]
    );

    let json = token(&["list", &name, "--json"]).succeeds();
    let digest = hashed.split_whitespace().nth(1).unwrap();
    let hash = digest.rsplit(':').next().unwrap();
    for shown in [&run.out, &run.err, &json.out, &json.err] {
        assert!(
            !shown.contains(hash) && !shown.contains(&SECRET[1..]),
            "{shown}"
        );
    }
    let rows = json.json();
    assert_eq!(
        rows[0],
        json!({"line": 2, "name": "alice", "tenants": [3, 5], "roles": ["admin"],
            "expires": null, "expired": false, "stored_as": "hash"})
    );
    assert_eq!(rows[1]["stored_as"], "plain text");
    assert_eq!(rows[2]["expired"], true);
    assert_eq!(rows[2]["expires"], "2001-02-03T04:05:06Z");
    assert_eq!(rows[3]["tenants"], "*");
}

#[cfg(unix)]
#[test]
fn a_file_that_others_may_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let files = Files::new();
    fs::write(files.path(), "").unwrap();
    for (mode, warns) in [(0o644, true), (0o640, true), (0o600, false)] {
        fs::set_permissions(files.path(), fs::Permissions::from_mode(mode)).unwrap();
        let run = token(&["list", &files.name()]).succeeds();
        assert_eq!(run.out, "no tokens\n");
        assert_eq!(run.err.contains("chmod 600"), warns, "{}", run.err);
    }
}

#[test]
fn what_can_not_be_done_is_said_with_the_cure() {
    let files = Files::new();
    let name = files.name();
    token(&["list", &name]).fails_and_prints_nothing(1, &[&name, "No such file"]);
    fs::write(files.path(), "good-token-0123456\nbad token\n").unwrap();
    let run = token(&["list", &name]);
    run.fails_and_prints_nothing(1, &["line 2 ", "NAME:TOKEN"]);
    assert!(!run.err.contains("bad"), "{}", run.err);
    token(&["new", "--name", "a", "--file", &name]).fails_and_prints_nothing(1, &["line 2 "]);
    token(&["new", "--name", "a", "--file", "/nowhere/tokens"])
        .fails_and_prints_nothing(1, &["/nowhere/tokens"]);
    token(&["new", "--name", "not a name"]).fails_and_prints_nothing(1, &["1 to 64"]);
    token(&["new", "--name", "a", "--role", "not a role"])
        .fails_and_prints_nothing(1, &["role", "1 to 64"]);
    for (arguments, words) in [
        (&["new"][..], &["--name"][..]),
        (&["list"], &["<FILE>"]),
        (
            &["new", "--name", "a", "--tenant", "x"],
            &["--tenant", "1,2"],
        ),
        (&["new", "--name", "a", "--tenant", "-1"], &["--tenant"]),
        (
            &["new", "--name", "a", "--expires", "soon"],
            &["--expires", "90d"],
        ),
        (
            &["new", "--name", "a", "--expires", "2001-01-01T00:00:00Z"],
            &["--expires", "future"],
        ),
        (&["new", "--name", "a", "--expires", "9000y"], &["9999"]),
    ] {
        token(arguments).fails_and_prints_nothing(2, words);
    }
}
