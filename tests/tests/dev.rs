//! `tensor-wasm dev`: real projects whose build command is a shell's, so that a test decides what it
//! makes and when it fails.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;

use reqwest::blocking::Client;
use tempfile::TempDir;
use tensor_wasm_test_process::{Process, Signal};
use tensor_wasm_tests::{PATIENCE, eventually, guest, run, tensor_wasm};

/// A folder with a project, and the program that serves it.
struct Dev {
    folder: TempDir,
    process: Process,
    url: String,
    client: Client,
}

/// The build makes a component of `next.wasm`, unless `broken` has a message.
const MANIFEST: &str = r#"
[build]
command = ["sh", "-c", "if [ -s broken ]; then cat broken >&2; exit 7; fi; cp next.wasm out.wasm"]
component = "out.wasm"
watch = ["next.wasm", "broken"]
"#;

/// A project whose first version is this guest.
fn project(first: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tensor-wasm.toml"), MANIFEST).unwrap();
    fs::write(folder.path().join("broken"), "").unwrap();
    fs::copy(guest(first), folder.path().join("next.wasm")).unwrap();
    folder
}

impl Dev {
    fn start(folder: TempDir, options: &[&str]) -> Dev {
        let mut command = tensor_wasm();
        command
            .arg("dev")
            .arg(folder.path())
            .args(["--addr", "127.0.0.1:0"])
            .args(options);
        let mut process = Process::spawn(&mut command).unwrap();
        let url = process.wait_until(PATIENCE, |out| {
            let url = out.strip_prefix("listening on ")?.lines().next()?;
            Some(url.to_owned())
        });
        let url = url.unwrap_or_else(|error| panic!("{error:?}: {}", process.stderr.text()));
        Dev {
            folder,
            process,
            url,
            client: Client::builder().timeout(PATIENCE).build().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file as an editor does: another one in its place.
    fn save(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let fresh = self.path(&format!("{name}.new"));
        fs::write(&fresh, bytes).unwrap();
        fs::rename(fresh, self.path(name)).unwrap();
    }

    fn get(&self, path: &str, accept: &str) -> (u16, String) {
        let request = self.client.get(format!("{}{path}", self.url));
        let response = request.header("accept", accept).send().unwrap();
        (response.status().as_u16(), response.text().unwrap())
    }

    fn said(&self, words: &str) {
        eventually(words, || {
            self.process.stderr.text().contains(words).then_some(())
        });
    }

    fn end(mut self) -> String {
        self.process.signal(Signal::TERM).unwrap();
        let status = self.process.wait(PATIENCE).unwrap().expect("it ends");
        assert!(status.success(), "{}", self.process.stderr.text());
        self.process.stderr.text()
    }
}

#[test]
fn a_change_is_built_and_takes_over_and_each_request_is_printed() {
    for options in [&[][..], &["--poll", "--no-kernel-checks"]] {
        let dev = Dev::start(project("hello"), options);
        // The first request waits for the first build.
        assert_eq!(dev.get("/a?b=c", "*/*"), (200, "hello\n".to_owned()));
        dev.save("next.wasm", fs::read(guest("reflect")).unwrap());
        eventually("the next version", || {
            (!dev.get("/", "*/*").1.contains("hello")).then_some(())
        });
        let said = dev.end();
        assert!(said.contains("GET /a 200 in "), "{said}");
        assert!(said.contains("0 launches, device 0.0 ms"), "{said}");
        assert!(said.contains("serving "), "{said}");
    }
}

#[test]
fn a_version_for_wasi_0_3_takes_over_from_one_for_0_2() {
    let dev = Dev::start(project("hello"), &[]);
    assert_eq!(dev.get("/", "*/*"), (200, "hello\n".to_owned()));
    dev.save("next.wasm", fs::read(guest("p3_hello")).unwrap());
    eventually("the next version", || {
        (dev.get("/", "*/*").1 == "hello from 0.3\n").then_some(())
    });
    let said = dev.end();
    assert!(said.contains("HTTP service (WASI 0.3)"), "{said}");
}

#[test]
fn a_request_that_runs_while_a_version_is_replaced_is_answered_by_the_old_one() {
    let dev = Dev::start(project("echo"), &[]);
    dev.said("serving ");
    let mut running = TcpStream::connect(dev.url.trim_start_matches("http://")).unwrap();
    running.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
    write!(running, "{head}5\r\nfirst\r\n").unwrap();
    let mut answer = String::new();
    until(&mut running, &mut answer, "first");

    dev.save("next.wasm", fs::read(guest("hello")).unwrap());
    eventually("the next version", || {
        (dev.get("/", "*/*").1 == "hello\n").then_some(())
    });
    write!(running, "4\r\nlast\r\n0\r\n\r\n").unwrap();
    until(&mut running, &mut answer, "last");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    drop(running);
    dev.end();
}

/// Reads until these words have come.
fn until(stream: &mut TcpStream, read: &mut String, words: &str) {
    let mut bytes = [0; 1024];
    while !read.contains(words) {
        let count = stream.read(&mut bytes).unwrap();
        assert!(count > 0, "closed after: {read}");
        read.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
}

#[test]
fn a_failed_build_keeps_the_last_version_and_shows_browsers_the_message() {
    let dev = Dev::start(project("hello"), &[]);
    assert_eq!(dev.get("/", "*/*").0, 200);
    dev.save("broken", "error[E0308]: expected `Vec<u8>`\n");
    dev.said("the last good version is served on");
    assert_eq!(dev.get("/", "*/*"), (200, "hello\n".to_owned()));
    let (status, page) = dev.get("/", "text/html,*/*;q=0.8");
    assert_eq!(status, 500);
    assert!(
        page.contains("error[E0308]: expected `Vec&lt;u8&gt;`"),
        "{page}"
    );
    dev.save("broken", "");
    eventually("the mended version", || {
        (dev.get("/", "text/html").0 == 200).then_some(())
    });
    let said = dev.end();
    // The compiler's message is in the terminal too.
    assert!(said.contains("error[E0308]: expected `Vec<u8>`"), "{said}");
}

#[test]
fn where_nothing_was_built_yet_everybody_is_told_why() {
    let folder = project("hello");
    fs::write(folder.path().join("broken"), "no such thing\n").unwrap();
    let dev = Dev::start(folder, &[]);
    let (status, text) = dev.get("/", "*/*");
    assert_eq!(status, 500);
    assert!(
        text.contains("no such thing") && text.contains("exit status: 7"),
        "{text}"
    );
    // A file that is no component is said to be none.
    dev.save("next.wasm", "no component");
    dev.save("broken", "");
    eventually("the reason", || {
        dev.get("/", "*/*")
            .1
            .contains("does not begin with")
            .then_some(())
    });
    // A manifest that is broken meanwhile, and mended.
    dev.save("tensor-wasm.toml", "[build");
    eventually("the reason", || {
        dev.get("/", "*/*")
            .1
            .contains("tensor-wasm.toml:1:")
            .then_some(())
    });
    dev.save("next.wasm", fs::read(guest("hello")).unwrap());
    dev.save("tensor-wasm.toml", MANIFEST);
    eventually("the mended version", || {
        (dev.get("/", "*/*").0 == 200).then_some(())
    });
    dev.end();
}

#[test]
fn a_component_that_traps_is_an_answer_and_a_line_and_does_not_end_it() {
    let dev = Dev::start(project("trap"), &[]);
    assert_eq!(dev.get("/", "*/*").0, 500);
    dev.save("next.wasm", fs::read(guest("traps_at_start")).unwrap());
    eventually("the version that traps at its start", || {
        let builds = dev.process.stderr.text().matches("serving ").count();
        (builds == 2).then_some(())
    });
    assert_eq!(dev.get("/start", "*/*").0, 500);
    dev.save("next.wasm", fs::read(guest("hello")).unwrap());
    eventually("the mended version", || {
        (dev.get("/", "*/*").0 == 200).then_some(())
    });
    let said = dev.end();
    assert!(said.contains("GET / 500 (the component failed"), "{said}");
    assert!(said.contains("GET /start 500 ("), "{said}");
}

#[test]
fn a_folder_without_a_manifest_and_a_port_in_use_are_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    for command in ["dev", "build"] {
        let refused = run([command, &path]);
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.stderr.contains("tensor-wasm new"), "{refused:?}");
    }
    fs::write(
        folder.path().join("tensor-wasm.toml"),
        "[build]\ncomand = []\n",
    )
    .unwrap();
    let refused = run(["dev", &path]);
    assert!(
        refused.stderr.contains("tensor-wasm.toml:2:1: "),
        "{refused:?}"
    );

    fs::write(folder.path().join("tensor-wasm.toml"), MANIFEST).unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = run(["dev", &path, "--addr", &address]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains(&address), "{refused:?}");
    assert!(
        !folder.path().join("out.wasm").exists(),
        "nothing was built"
    );
}

#[test]
fn build_runs_the_command_and_copies_what_it_made() {
    let folder = project("hello");
    let (path, out) = (
        folder.path().display().to_string(),
        folder.path().join("my-copy.wasm"),
    );
    let built = run(["build", &path, "--out", &out.display().to_string()]);
    assert_eq!(built.code, Some(0), "{built:?}");
    assert!(
        built.stdout.contains("HTTP service (WASI 0.2)"),
        "{built:?}"
    );
    assert_eq!(fs::read(&out).unwrap(), fs::read(guest("hello")).unwrap());

    fs::write(folder.path().join("broken"), "what is wrong\n").unwrap();
    let failed = run(["build", &path]);
    assert_eq!(failed.code, Some(1), "{failed:?}");
    assert!(
        failed.stderr.contains("what is wrong") && failed.stderr.contains("failed"),
        "{failed:?}"
    );

    let manifest = MANIFEST.replace("component = \"out.wasm\"", "component = \"other.wasm\"");
    fs::write(folder.path().join("tensor-wasm.toml"), manifest).unwrap();
    fs::write(folder.path().join("broken"), "").unwrap();
    let nothing = run(["build", &path]);
    assert!(
        nothing.stderr.contains("other.wasm") && nothing.stderr.contains("build.component"),
        "{nothing:?}"
    );
}
