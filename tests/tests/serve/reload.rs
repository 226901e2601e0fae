//! SIGHUP: files are read again, and what can't be read stays as it was.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::thread;

use reqwest::Method;
use tempfile::TempDir;
use tensor_wasm_tests::{Serve, Server, component, eventually, guest};

const OLD: &str = "twt_a-token-that-only-this-test-knows-000001";
const NEW: &str = "twt_a-token-that-comes-with-the-next-hangup-2";

fn serve(tokens: &Path) -> Server {
    Serve::new(guest("hello"))
        .arg("--policy")
        .arg(component("policy"))
        .arg("--token-file")
        .arg(tokens)
        .start()
}

fn admits(server: &Server, token: &str) -> bool {
    let request = server.request(Method::GET, "/").bearer_auth(token);
    server.send(request).status == 200
}

/// Writes into a pipe, which waits for a reader.
fn write_to(pipe: &Path, text: String) -> thread::JoinHandle<()> {
    let pipe = pipe.to_owned();
    thread::spawn(move || {
        let mut pipe = fs::File::options().write(true).open(pipe).unwrap();
        pipe.write_all(text.as_bytes()).unwrap();
    })
}

#[test]
fn a_token_file_that_is_a_pipe_is_read_again_only_where_somebody_writes() {
    let folder = TempDir::new().unwrap();
    let pipe = folder.path().join("tokens");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let writer = write_to(&pipe, format!("alice:{OLD}\n"));
    let server = serve(&pipe);
    writer.join().unwrap();
    assert!(admits(&server, OLD));

    server.hang_up();
    server.log_with(&["the tokens stay as they were", "nobody has written"]);
    assert!(admits(&server, OLD));

    let writer = write_to(&pipe, format!("alice:{NEW}\n"));
    eventually("the new token to be known", || {
        server.hang_up();
        admits(&server, NEW).then_some(())
    });
    writer.join().unwrap();
    assert!(!admits(&server, OLD));
    assert_eq!(server.stop().code, Some(0));
}

/// As with `--token-file <(command)` in a shell: the pipe is there and has been read.
#[test]
fn a_token_file_that_was_read_to_its_end_keeps_its_tokens() {
    let server = Serve::new(guest("hello"))
        .arg("--policy")
        .arg(component("policy"))
        .by_script(&format!("exec \"$@\" --token-file <(echo 'alice:{OLD}')"))
        .start();
    assert!(admits(&server, OLD));
    server.hang_up();
    server.log_with(&["the tokens stay as they were", "nobody has written"]);
    assert!(admits(&server, OLD));
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn the_log_says_why_tokens_cannot_be_read_again() {
    let folder = TempDir::new().unwrap();
    let tokens = folder.path().join("tokens");
    fs::write(&tokens, format!("alice:{OLD}\n")).unwrap();
    let server = serve(&tokens);
    fs::remove_file(&tokens).unwrap();
    server.hang_up();
    server.log_with(&["the tokens stay as they were", "No such file or directory"]);
    assert!(admits(&server, OLD));
}

#[test]
fn a_token_file_may_begin_with_a_byte_order_mark() {
    let folder = TempDir::new().unwrap();
    let tokens = folder.path().join("tokens");
    fs::write(&tokens, format!("\u{feff}alice:{OLD}\r\n")).unwrap();
    assert!(admits(&serve(&tokens), OLD));
}
