//! What the configuration promises: the real binary, with a file, an environment
//! and flags, and what it makes of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::run::Run;

/// A folder to start the program in, with a file or without.
struct Folder(TempDir);

impl Folder {
    fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// One with this `tensor-wasm.toml`.
    fn with(text: &str) -> Self {
        let folder = Self::empty();
        folder.write("tensor-wasm.toml", text);
        folder
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, &[])
    }

    fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tensor-wasm"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("TENSOR_WASM_") {
                command.env_remove(name);
            }
        }
        let output = command
            .args(arguments)
            .env_remove("RUST_LOG")
            .envs(variables.iter().copied())
            .current_dir(self.0.path())
            .output()
            .unwrap();
        output.into()
    }

    /// `config show --json`, with these flags and variables.
    #[track_caller]
    fn shown(&self, flags: &[&str], variables: &[(&str, &str)]) -> Value {
        let arguments = [&["config", "show", "--json"], flags].concat();
        let run = self.run_with(&arguments, variables);
        assert_eq!(run.status, 0, "{}", run.err);
        serde_json::from_str(&run.out).unwrap()
    }
}

/// A setting's value and source.
fn setting<'a>(shown: &'a Value, key: &str) -> (&'a Value, &'a str) {
    let setting = &shown["settings"][key];
    (&setting["value"], setting["source"].as_str().unwrap())
}

#[test]
fn a_flag_wins_over_a_variable_over_the_file_over_the_default() {
    let folder = Folder::with("request-timeout = \"1s\"\n");
    let variable = [("TENSOR_WASM_REQUEST_TIMEOUT", "2s")];
    let flag = ["--request-timeout", "3s"];
    for (shown, value, source) in [
        (Folder::empty().shown(&[], &[]), "30s", "default"),
        (folder.shown(&[], &[]), "1s", "file"),
        (folder.shown(&[], &variable), "2s", "environment"),
        (folder.shown(&flag, &variable), "3s", "flag"),
        (folder.shown(&flag, &[]), "3s", "flag"),
    ] {
        let found = setting(&shown, "request-timeout");
        assert_eq!(found, (&json!(value), source));
    }
}

#[test]
fn a_switch_can_be_turned_on_by_the_file_and_off_by_its_variable() {
    let folder = Folder::with("no-cache = true\n");
    let off = |value| [("TENSOR_WASM_NO_CACHE", value)];
    for (shown, value, source) in [
        (Folder::empty().shown(&[], &[]), false, "default"),
        (folder.shown(&[], &[]), true, "file"),
        (folder.shown(&[], &off("0")), false, "environment"),
        (folder.shown(&[], &off("false")), false, "environment"),
        (Folder::empty().shown(&[], &off("1")), true, "environment"),
        (folder.shown(&["--no-cache"], &off("0")), true, "flag"),
    ] {
        assert_eq!(setting(&shown, "no-cache"), (&json!(value), source));
    }
}

#[test]
fn a_list_of_a_higher_source_takes_the_place_of_the_whole_list() {
    let folder = Folder::with("policy = [\"a.wasm\", \"b.wasm\"]\ndir = \"x\"\n");
    let file = folder.shown(&[], &[]);
    assert_eq!(
        setting(&file, "policy"),
        (&json!(["a.wasm", "b.wasm"]), "file")
    );
    assert_eq!(setting(&file, "dir"), (&json!(["x"]), "file"));
    let flags = folder.shown(&["--policy=c.wasm", "--policy", "d.wasm"], &[]);
    assert_eq!(
        setting(&flags, "policy"),
        (&json!(["c.wasm", "d.wasm"]), "flag")
    );
    let none = Folder::empty().shown(&[], &[]);
    assert_eq!(setting(&none, "policy"), (&json!([]), "default"));
}

#[test]
fn the_component_can_stand_in_the_file_and_the_command_line_wins() {
    let folder = Folder::with("component = \"-odd.wasm\"\n");
    let file = folder.shown(&[], &[]);
    assert_eq!(setting(&file, "component"), (&json!("-odd.wasm"), "file"));
    let variable = folder.shown(&[], &[("TENSOR_WASM_COMPONENT", "b.wasm")]);
    assert_eq!(
        setting(&variable, "component"),
        (&json!("b.wasm"), "environment")
    );
    let flag = folder.shown(&["c.wasm"], &[]);
    assert_eq!(setting(&flag, "component"), (&json!("c.wasm"), "flag"));
    let none = Folder::empty().shown(&[], &[]);
    assert_eq!(setting(&none, "component"), (&Value::Null, "default"));

    folder
        .run(&["serve", "--addr", "127.0.0.1:0", "--no-cache"])
        .fails_after_log("-odd.wasm");
    Folder::empty().run(&["serve"]).fails(2, &["<COMPONENT>"]);
}

impl Run {
    /// It got as far as its component, which is not there.
    #[track_caller]
    fn fails_after_log(&self, component: &str) {
        assert_eq!(self.status, 1, "{}", self.err);
        let error = format!("error: can't read {component}");
        assert!(self.err.contains(&error), "{}", self.err);
    }
}

#[test]
fn what_can_not_stand_beside_a_higher_source_gives_way_to_it() {
    let folder = Folder::with("no-cache = true\n");
    let flag = folder.shown(&["--cache-dir", "x"], &[]);
    assert_eq!(setting(&flag, "cache-dir"), (&json!("x"), "flag"));
    assert_eq!(setting(&flag, "no-cache"), (&json!(false), "default"));
    let variable = folder.shown(&[], &[("TENSOR_WASM_CACHE_DIR", "y")]);
    assert_eq!(
        setting(&variable, "cache-dir"),
        (&json!("y"), "environment")
    );
    assert_eq!(setting(&variable, "no-cache"), (&json!(false), "default"));
    let switch = folder.shown(&["--no-cache"], &[("TENSOR_WASM_CACHE_DIR", "y")]);
    assert_eq!(setting(&switch, "cache-dir"), (&Value::Null, "default"));
    assert_eq!(setting(&switch, "no-cache"), (&json!(true), "flag"));
    let off = [("TENSOR_WASM_NO_CACHE", "false")];
    let off = folder.shown(&["--cache-dir", "x"], &off);
    assert_eq!(setting(&off, "cache-dir"), (&json!("x"), "flag"));
    folder
        .run(&["config", "show", "--cache-dir", "x", "--no-cache"])
        .fails(2, &["--no-cache", "--cache-dir"]);
}

#[test]
fn a_wrong_variable_is_told_by_its_name() {
    let variables = [("TENSOR_WASM_ADDR", "nowhere")];
    for arguments in [&["serve", "a.wasm"][..], &["config", "show"]] {
        Folder::empty()
            .run_with(arguments, &variables)
            .fails(2, &["nowhere", "--addr", "TENSOR_WASM_ADDR"]);
    }
    let odd = [("TENSOR_WASM_NO_CACHE", "perhaps")];
    Folder::empty()
        .run_with(&["serve", "a.wasm"], &odd)
        .fails(2, &["perhaps", "TENSOR_WASM_NO_CACHE"]);
}

#[test]
fn a_variable_that_nothing_reads_is_a_warning_with_the_nearest_name() {
    let folder = Folder::with("component = \"nowhere.wasm\"\n");
    let odd = [("TENSOR_WASM_ADR", "hush"), ("TENSOR_WASM_QQQ", "hush")];
    for arguments in [
        &["config", "show"][..],
        &["config", "check"],
        &["serve", "--addr=127.0.0.1:0"],
    ] {
        let run = folder.run_with(arguments, &odd);
        assert!(run.err.contains("TENSOR_WASM_ADR"), "{}", run.err);
        assert!(
            run.err.contains("did you mean TENSOR_WASM_ADDR?"),
            "{}",
            run.err
        );
        assert!(run.err.contains("TENSOR_WASM_QQQ"), "{}", run.err);
        assert!(!run.err.contains("hush"), "{}", run.err);
    }
    let quiet = folder.run_with(&["config", "show"], &[("TENSOR_WASM_GPU", "cpu")]);
    assert_eq!(quiet.err, "");
}

#[test]
fn the_file_is_the_one_that_is_named_or_the_one_that_is_here() {
    let folder = Folder::with("reuse = 2\n");
    let other = folder.write("other.toml", "reuse = 3\n");
    let third = folder.write("third.toml", "reuse = 4\n");
    let (other, third) = (other.to_str().unwrap(), third.to_str().unwrap());
    let variable = [("TENSOR_WASM_CONFIG", third)];
    for (shown, file, reuse) in [
        (folder.shown(&[], &[]), json!("tensor-wasm.toml"), "2"),
        (folder.shown(&["--config", other], &[]), json!(other), "3"),
        (folder.shown(&[], &variable), json!(third), "4"),
        (
            folder.shown(&["--config", other], &variable),
            json!(other),
            "3",
        ),
        (Folder::empty().shown(&[], &[]), Value::Null, "1"),
    ] {
        assert_eq!(shown["file"], file);
        assert_eq!(shown["settings"]["reuse"]["value"], reuse);
    }
}

#[test]
fn a_file_that_can_not_be_read_ends_with_status_1_and_its_name() {
    let folder = Folder::empty();
    let directory = folder.0.path().join("directory.toml");
    fs::create_dir(&directory).unwrap();
    let large = folder.write("large.toml", "# much\n".repeat(200_000));
    for command in [
        &["serve", "a.wasm"][..],
        &["config", "show"],
        &["config", "check"],
    ] {
        for (path, words) in [
            (Path::new("missing.toml"), ["missing.toml", "No such file"]),
            (&directory, ["directory.toml", "directory"]),
            (&large, ["large.toml", "1048576 bytes"]),
        ] {
            let arguments = [command, &["--config", path.to_str().unwrap()]].concat();
            folder.run(&arguments).fails(1, &words);
        }
    }
    folder
        .run(&["config", "check"])
        .fails(1, &["no ./tensor-wasm.toml", "--config"]);
}

#[test]
fn a_wrong_file_ends_every_command_that_reads_it_with_status_2_and_all_mistakes() {
    let folder = Folder::with("adr = \"x\"\ngpu = \"yes\"\n[tenants.7]\ngpu-queues = 0\n");
    for command in [
        &["serve", "a.wasm"][..],
        &["config", "show"],
        &["config", "check"],
    ] {
        folder.run(command).fails(
            2,
            &[
                "error: tensor-wasm.toml:1:1: there is no key `adr`: did you mean `addr`?\n",
                "error: tensor-wasm.toml:2:7: `gpu` can't be `yes`: write auto, cpu, cuda, cuda:NUMBER, cuda:UUID, deny or refuse",
                "error: tensor-wasm.toml:4:14: `tenants.7.gpu-queues` can't be `0`",
            ],
        );
    }
    let json = folder.run(&["config", "check", "--json"]);
    assert_eq!(json.status, 2);
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["valid"], false);
    assert_eq!(json["mistakes"].as_array().unwrap().len(), 3);
    assert_eq!(json["mistakes"][2]["line"], 4);
    assert_eq!(json["mistakes"][2]["column"], 14);
}

#[test]
fn help_and_wrong_usage_come_before_a_wrong_file() {
    let folder = Folder::with("adr = 1\n");
    let help = folder.run(&["serve", "--help"]);
    assert_eq!((help.status, help.err.as_str()), (0, ""));
    folder
        .run(&["serve", "a.wasm", "--addr", "nowhere"])
        .fails(2, &["nowhere"]);
    assert_eq!(folder.run(&["devices"]).status, 0, "it reads no file");
}

#[test]
fn check_counts_the_keys_of_a_right_file() {
    let folder = Folder::with("addr = \"127.0.0.1:0\"\nreuse = 2\n[tenants.7]\ngpu = \"deny\"\n");
    let words = folder.run(&["config", "check"]);
    assert_eq!(
        (words.status, words.out.as_str()),
        (0, "tensor-wasm.toml: ok, 3 keys\n")
    );
    let json = folder.run(&["config", "check", "--json"]);
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["valid"], true);
    assert_eq!(json["keys"], 3);
    assert_eq!(json["mistakes"], json!([]));
}

#[test]
fn one_file_has_the_keys_of_all_commands_that_serve() {
    let folder = Folder::with(
        "component = \"a.wasm\"\nplug = \"b.wasm\"\ngpu = \"cpu\"\n\
         data-dir = \"data\"\nmax-functions = 5\nmax-function-bytes = \"1MiB\"\n",
    );
    let check = folder.run(&["config", "check"]);
    assert_eq!(check.out, "tensor-wasm.toml: ok, 6 keys\n", "{}", check.err);
    let (serve, node) = (folder.shown(&[], &[]), folder.shown(&["node"], &[]));
    for shown in [&serve, &node] {
        assert_eq!(setting(shown, "gpu"), (&json!("cpu"), "file"));
        assert_eq!(shown["warnings"], json!([]));
    }
    assert_eq!(setting(&serve, "component"), (&json!("a.wasm"), "file"));
    assert_eq!(setting(&serve, "plug"), (&json!(["b.wasm"]), "file"));
    assert!(serve["settings"]["max-functions"].is_null());
    assert_eq!(setting(&node, "data-dir"), (&json!("data"), "file"));
    assert_eq!(setting(&node, "max-functions"), (&json!("5"), "file"));
    assert_eq!(
        setting(&node, "max-function-bytes"),
        (&json!("1MiB"), "file")
    );
    assert!(node["settings"]["plug"].is_null());
    // What one command ignores is checked all the same.
    let folder = Folder::with("component = \"a.wasm\"\nmax-functions = 0\nmax-functons = 1\n");
    for command in [
        &["serve"][..],
        &["node", "--data-dir", "data"],
        &["config", "show"],
        &["config", "show", "node"],
        &["config", "check"],
    ] {
        folder.run(command).fails(
            2,
            &[
                "tensor-wasm.toml:2:17: `max-functions` can't be `0`",
                "tensor-wasm.toml:3:1: there is no key `max-functons`: did you mean `max-functions`?",
            ],
        );
    }
}

#[test]
fn show_of_the_node_tells_what_decides_as_that_of_serve_does() {
    let folder = Folder::with("max-functions = 5\n[tenants.7]\ngpu-queues = 2\n");
    let variable = [("TENSOR_WASM_MAX_FUNCTIONS", "6")];
    for (flags, variables, value, source) in [
        (&["node"][..], &[][..], "5", "file"),
        (&["node"], &variable, "6", "environment"),
        (&["node", "--max-functions", "7"], &variable, "7", "flag"),
    ] {
        let shown = folder.shown(flags, variables);
        assert_eq!(setting(&shown, "max-functions"), (&json!(value), source));
        assert_eq!(setting(&shown, "data-dir"), (&Value::Null, "default"));
        let seven = &shown["tenants"]["7"];
        assert_eq!(seven["gpu-modules"]["source"], "node", "its flags decide");
    }
    // A variable counts once, and not for `config show` above it as well.
    let both = [
        ("TENSOR_WASM_NO_CACHE", "false"),
        ("TENSOR_WASM_CACHE_DIR", "y"),
    ];
    let shown = folder.shown(&["node"], &both);
    assert_eq!(setting(&shown, "cache-dir"), (&json!("y"), "environment"));
    folder
        .run(&["config", "show", "--reuse", "2", "node"])
        .fails(2, &["--reuse NUMBER stands before `node`"]);
    folder
        .run(&["config", "show", "--config", "other.toml", "node"])
        .fails(2, &["--config stands before `node`"]);
    folder
        .run(&["config", "show", "node", "--plug", "2"])
        .fails(2, &["--plug"]);
}

#[test]
fn a_node_needs_a_data_directory_from_any_source() {
    let node = ["node", "--addr", "127.0.0.1:0", "--gpu", "nonsense"];
    Folder::empty()
        .run(&["node", "--addr", "127.0.0.1:0"])
        .fails(2, &["--data-dir <DIRECTORY>"]);
    let file = Folder::with("data-dir = \"data\"\n");
    let variable = [("TENSOR_WASM_DATA_DIR", "data")];
    for run in [
        file.run(&node),
        Folder::empty().run_with(&node, &variable),
        Folder::empty().run(&[&node[..], &["--data-dir", "data"]].concat()),
    ] {
        run.fails(2, &["--gpu <DEVICE>"]);
        assert!(!run.err.contains("--data-dir"), "{}", run.err);
    }
}

#[test]
fn a_client_s_token_in_the_environment_is_no_mistake_of_a_server_s() {
    let folder = Folder::with("component = \"nowhere.wasm\"\n");
    let token = [("TENSOR_WASM_TOKEN", "hush")];
    for command in [&["config", "show"][..], &["serve", "--addr=127.0.0.1:0"]] {
        let run = folder.run_with(command, &token);
        assert!(!run.err.contains("TENSOR_WASM_TOKEN"), "{}", run.err);
        assert!(!run.err.contains("hush"), "{}", run.err);
    }
}

#[test]
fn show_hides_the_values_of_the_components_variables() {
    let folder = Folder::with("env = [\"A=hush\", \"B=hush=more\"]\n");
    let shown = folder.shown(&[], &[]);
    assert_eq!(setting(&shown, "env"), (&json!(["A=***", "B=***"]), "file"));
    let words = folder.run(&["config", "show", "--env", "C=hush"]);
    assert!(words.out.contains("C=***"), "{}", words.out);
    assert!(!words.out.contains("hush"), "{}", words.out);
    let wrong = folder.run_with(&["config", "show"], &[("TENSOR_WASM_ENV", "=hush")]);
    wrong.fails(2, &["--env", "TENSOR_WASM_ENV"]);
    assert!(!wrong.err.contains("hush"), "{}", wrong.err);
}

#[test]
fn show_tells_what_each_tenant_may_have_and_why() {
    let folder = Folder::with(
        "[tenants.default]\ngpu = \"grant\"\ngpu-share = 1\n\
         [tenants.7]\nname = \"acme\"\ngpu = \"deny\"\ngpu-memory-bytes = \"1GiB\"\n",
    );
    let shown = folder.shown(&[], &[]);
    let seven = &shown["tenants"]["7"];
    assert_eq!(seven["name"], json!({"value": "acme", "source": "file"}));
    assert_eq!(seven["gpu"], json!({"value": "deny", "source": "file"}));
    assert_eq!(
        seven["gpu-memory-bytes"],
        json!({"value": "1GiB", "source": "file"})
    );
    assert_eq!(
        seven["gpu-share"],
        json!({"value": "1", "source": "tenants.default"})
    );
    assert_eq!(
        seven["gpu-queues"],
        json!({"value": null, "source": "serve"})
    );
    assert_eq!(shown["tenants"]["default"]["gpu"]["value"], "grant");
    let words = folder.run(&["config", "show"]).out;
    let line = words
        .lines()
        .find(|line| line.starts_with("tenants.7.gpu "));
    let words: Vec<&str> = line.unwrap().split_whitespace().collect();
    assert_eq!(words, ["tenants.7.gpu", "deny", "file"]);
}

#[test]
fn show_in_words_names_the_file_and_the_variable_that_decides() {
    let folder = Folder::with("reuse = 2\n");
    let shown = folder.run_with(&["config", "show"], &[("TENSOR_WASM_GPU", "cpu")]);
    assert!(
        shown.out.starts_with("file: tensor-wasm.toml\n"),
        "{}",
        shown.out
    );
    let row = |key: &str| {
        let line = shown.out.lines().find(|line| line.starts_with(key));
        line.unwrap()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(row("reuse "), "reuse 2 file");
    assert_eq!(row("gpu "), "gpu cpu environment (TENSOR_WASM_GPU)");
    assert_eq!(row("admin "), "admin - default");
}

#[test]
fn the_help_of_serve_shows_a_variable_for_each_option() {
    let help = Folder::empty().run(&["serve", "--help"]).out;
    for variable in [
        "[env: TENSOR_WASM_ADDR=]",
        "[env: TENSOR_WASM_COMPONENT=]",
        "[env: TENSOR_WASM_NO_CACHE=]",
        "[env: TENSOR_WASM_POLICY=]",
        "[env: TENSOR_WASM_CONFIG=]",
        "[env: RUST_LOG=]",
    ] {
        assert!(help.contains(variable), "no {variable} in {help}");
    }
    assert!(!help.contains("TENSOR_WASM_LOG_LEVEL"), "{help}");
}

#[test]
fn completions_know_the_configuration() {
    let script = Folder::with("not even TOML").run(&["completions", "bash"]);
    assert_eq!(script.status, 0, "{}", script.err);
    assert!(script.out.contains("--config"), "{}", script.out);
    assert!(script.out.contains("--request-timeout"), "{}", script.out);
}

/// The default file is right as it stands, and where its defaults are uncommented.
#[test]
fn the_default_file_is_right_with_and_without_its_comments() {
    let text = Folder::empty().run(&["config", "default"]).out;
    let folder = Folder::with(&text);
    let check = folder.run(&["config", "check"]);
    assert_eq!(check.out, "tensor-wasm.toml: ok, 0 keys\n", "{}", check.err);

    let empty = Folder::empty();
    let commands = [empty.shown(&[], &[]), empty.shown(&["node"], &[])];
    let has_default = |line: &str| {
        let key = line.split(' ').next().unwrap();
        let value = |shown: &Value| shown["settings"][key]["value"].clone();
        !commands.iter().all(|shown| value(shown).is_null()) && !line.contains(" = [")
    };
    let mut in_tenants = false;
    let lines = text.lines().map(|line| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with('[') => {
            in_tenants = true;
            rest
        }
        Some(rest) if rest.starts_with(' ') || rest.is_empty() => line,
        Some(rest) if in_tenants || has_default(rest) => rest,
        _ => line,
    });
    let uncommented: Vec<&str> = lines.collect();
    let folder = Folder::with(&uncommented.join("\n"));
    let check = folder.run(&["config", "check"]);
    assert_eq!(check.status, 0, "{}", check.err);

    for (shown, flags) in commands.iter().zip([&[][..], &["node"]]) {
        let again = folder.shown(flags, &[]);
        for (key, setting) in shown["settings"].as_object().unwrap() {
            assert_eq!(again["settings"][key]["value"], setting["value"], "{key}");
            assert!(
                text.contains(&format!("\n#{key} = ")),
                "{key} is not in:\n{text}"
            );
            let variable = setting["variable"].as_str().unwrap();
            assert!(text.contains(&format!(", {variable}")), "{variable}");
        }
    }
}

/// `UPDATE_DOCS=1` writes the page anew.
#[test]
fn the_page_on_configuration_has_the_default_file() {
    const BEGIN: &str = "<!-- begin: tensor-wasm config default -->\n";
    const END: &str = "<!-- end -->\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let text = Folder::empty().run(&["config", "default"]).out;
    let right = format!("{before}{BEGIN}\n```toml\n{text}```\n\n{END}{after}");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &right).unwrap();
    } else {
        assert!(
            page == right,
            "docs/configuration.md is not what `tensor-wasm config default` prints: \
             run UPDATE_DOCS=1 cargo test -p tensor-wasm config::"
        );
    }
}

#[test]
fn a_file_with_tokens_that_others_may_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let tokens = "component = \"a.wasm\"\napi-tokens = \"0Jd9rUq4mW2hX7cT5bYk:tenant=*\"\n";
    for (text, mode, warned) in [
        (tokens, 0o644, true),
        (tokens, 0o640, true),
        (tokens, 0o600, false),
        ("component = \"a.wasm\"\n", 0o644, false),
    ] {
        let folder = Folder::with(text);
        let path = folder.0.path().join("tensor-wasm.toml");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        for command in [["config", "check"], ["config", "show"]] {
            let run = folder.run(&command);
            assert_eq!(run.status, 0, "{}", run.err);
            assert_eq!(
                run.err.contains("chmod 600"),
                warned,
                "{mode:o}: {}",
                run.err
            );
            assert!(!run.err.contains("0Jd9"), "{}", run.err);
        }
    }
}

#[test]
fn a_command_that_nobody_listens_to_ends_as_it_would_otherwise() {
    let folder = Folder::with("adr = 1\n");
    let mut command = Command::new(env!("CARGO_BIN_EXE_tensor-wasm"));
    command
        .args(["config", "check"])
        .current_dir(folder.0.path());
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let status = command.stderr(full).status().unwrap();
    assert_eq!(status.code(), Some(2));
}
