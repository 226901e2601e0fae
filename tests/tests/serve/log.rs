//! A log that can't be written: lines are lost, counted and told of later, and nothing else
//! changes.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use tensor_wasm_tests::{Serve, Server, Signal, eventually, guest};

/// The two forms of the log.
const FORMATS: [&str; 2] = ["--log=text", "--log=json"];

/// Makes the server log on every thread that may: those of requests, of guests, and of
/// signals and reloading.
fn make_it_log(server: &Server) {
    for _ in 0..3 {
        server.get("/trap").assert_error(500, "trap");
        assert_eq!(server.get("/").text(), "well\n");
        server.hang_up();
    }
    assert_eq!(server.admin("/livez").status, 200);
}

/// A server with standard error as the shell redirects it.
fn redirected(format: &str, redirection: &str) -> Server {
    Serve::new(guest("misbehaves"))
        .args(["--admin=127.0.0.1:0", format])
        .by_script(&format!("exec \"$@\" {redirection}"))
        .start()
}

fn make_pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
}

/// The redirection to a pipe whose reader is gone.
fn without_reader(folder: &Path) -> String {
    let pipe = folder.join("pipe");
    make_pipe(&pipe);
    let pipe = pipe.display();
    // The shell's own end for reading makes opening it possible, and is then closed.
    format!("7<>'{pipe}' 2>'{pipe}' 7<&-")
}

#[test]
fn a_log_whose_reader_is_gone_changes_nothing() {
    for (format, signal) in FORMATS.into_iter().zip([Signal::TERM, Signal::INT]) {
        let folder = TempDir::new().unwrap();
        let server = redirected(format, &without_reader(folder.path()));
        make_it_log(&server);
        server.signal(signal);
        let output = server.wait();
        assert_eq!(output.code, Some(0), "{format}, {signal:?}");
    }
}

#[test]
fn a_log_on_a_full_disk_changes_nothing() {
    for (format, signal) in FORMATS.into_iter().zip([Signal::INT, Signal::TERM]) {
        let server = redirected(format, "2>/dev/full");
        make_it_log(&server);
        server.signal(signal);
        let output = server.wait();
        assert_eq!(output.code, Some(0), "{format}, {signal:?}");
    }
}

#[test]
fn a_standard_output_that_cannot_be_written_keeps_nobody_from_serving() {
    let folder = TempDir::new().unwrap();
    let log = folder.path().join("log");
    // It can't say where it listens, so a test chooses the port.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = port.local_addr().unwrap();
    drop(port);
    let running = Serve::at(guest("misbehaves"), address)
        .by_script(&format!("exec \"$@\" >/dev/full 2>'{}'", log.display()))
        .spawn();
    let get = || reqwest::blocking::get(format!("http://{address}/"));
    let answer = eventually("it to serve", || get().ok());
    assert_eq!(answer.text().unwrap(), "well\n");
    let output = running.stop();
    let log = fs::read_to_string(log).unwrap();
    assert_eq!(output.code, Some(0), "{log}");
    assert!(log.contains("No space left"), "{log}");
}

/// A file that reaches the limit of its size fails with `EFBIG`, and the signal that comes
/// with it ends nobody. Once there is room again, the log says what is missing.
#[test]
fn lines_that_are_lost_are_counted_and_told_once_there_is_room_again() {
    for format in FORMATS {
        let folder = TempDir::new().unwrap();
        let log = folder.path().join("log");
        let server = redirected(format, &format!("2>>'{}'", log.display()));
        server.get("/trap").assert_error(500, "trap");
        let size = || fs::metadata(&log).unwrap().len();
        let limit = size() + 10_000;
        server.limit_file_size(limit);
        eventually("the log to be full", || {
            server.get("/trap").assert_error(500, "trap");
            (size() == limit).then_some(())
        });
        for _ in 0..3 {
            server.get("/trap").assert_error(500, "trap");
        }
        let before = fs::read_to_string(&log).unwrap();
        assert!(!before.contains("lines are missing"), "{before}");
        fs::File::options()
            .write(true)
            .open(&log)
            .unwrap()
            .set_len(0)
            .unwrap();
        server.get("/trap").assert_error(500, "trap");
        let told = eventually("the loss to be told", || {
            let text = fs::read_to_string(&log).unwrap();
            let line = text.lines().find(|line| line.contains("lines are missing"));
            line.map(str::to_owned)
        });
        assert!(
            told.contains("lost") && told.contains("File too large"),
            "{told}"
        );
        assert!(told.starts_with('{') == (format == "--log=json"), "{told}");
        assert_eq!(server.stop().code, Some(0));
    }
}

/// What a guest writes takes no more of the log than one request may have, whatever it is.
#[test]
fn newlines_and_control_characters_of_a_guest_do_not_fill_the_log() {
    for path in ["/newlines", "/controls"] {
        let server = Server::of(guest("misbehaves"));
        assert_eq!(server.get(path).text(), "well\n");
        let log = server.stop().stderr;
        assert!(log.contains("the rest is dropped"), "{path}");
        assert!(log.len() < 300 << 10, "{path}: {} bytes", log.len());
        assert!(!log.contains('\u{1b}') && !log.contains('\0'), "{path}");
    }
}

/// A reader that stops reading is no reason to stop serving.
#[test]
fn a_log_whose_reader_does_not_read_holds_nobody_up() {
    let folder = TempDir::new().unwrap();
    let pipe = folder.path().join("pipe");
    make_pipe(&pipe);
    // Both ends are open here, and nobody reads.
    let reader = fs::File::options()
        .read(true)
        .write(true)
        .open(&pipe)
        .unwrap();
    let server = redirected("--log=text", &format!("2>'{}'", pipe.display()));
    for _ in 0..400 {
        server.get("/trap").assert_error(500, "trap");
    }
    server.terminate();
    assert_eq!(server.wait().code, Some(0));
    drop(reader);
}
