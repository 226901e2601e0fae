//! What a server listens on, and what it tells its supervisor.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{self, UnixDatagram, UnixStream};
use std::path::Path;
use std::process::Command;

use rustix::io::{FdFlags, fcntl_setfd};
use tempfile::TempDir;
use tensor_wasm_tests::{PATIENCE, Running, Serve, eventually, guest, run};

/// What `hello` answers to a request over this stream.
fn ask(mut stream: impl Read + Write) -> String {
    let request = b"GET / HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n";
    stream.write_all(request).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn assert_hello(stream: impl Read + Write) {
    let answer = ask(stream);
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("hello\n"),
        "{answer}"
    );
}

/// A server at this address, once it has printed its last line.
fn at(address: &str, options: &[&str]) -> Running {
    let component = guest("hello");
    let running = Serve::at(component, address).args(options).spawn();
    ready(&running);
    running
}

fn ready(running: &Running) {
    eventually("the server to be ready", || {
        running.printed().contains("\ndevice ").then_some(())
    });
}

/// The port in the first line that the server printed.
fn port(running: &Running) -> u16 {
    let printed = running.printed();
    let line = printed.lines().next().unwrap();
    line.rsplit_once(':').unwrap().1.parse().expect(line)
}

#[test]
fn a_name_and_a_port_alone_are_addresses() {
    for address in ["localhost:0", ":0"] {
        let running = at(address, &[]);
        let to = SocketAddr::from(([127, 0, 0, 1], port(&running)));
        assert_hello(TcpStream::connect(to).unwrap());
        assert_eq!(running.stop().code, Some(0));
    }
    let hello = guest("hello");
    let hello = hello.to_str().unwrap();
    let output = run(["serve", hello, "--addr", "no-such-name.invalid:0"]);
    assert_eq!(output.code, Some(1));
    assert!(
        output.stderr.contains("no-such-name.invalid:0"),
        "{}",
        output.stderr
    );
    let output = run(["serve", hello, "--addr", "nowhere"]);
    assert_eq!(output.code, Some(2));
    assert!(output.stderr.contains("unix:PATH"), "{}", output.stderr);
}

#[test]
fn a_unix_socket_is_served_with_its_permissions_and_goes_with_the_server() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("server.sock");
    let address = format!("unix:{}", path.display());
    let running = at(&address, &["--socket-mode=600"]);
    assert!(
        running
            .printed()
            .starts_with(&format!("listening on {address}\n"))
    );
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_hello(UnixStream::connect(&path).unwrap());

    // A second server leaves the first one its socket.
    let hello = guest("hello");
    let output = run(["serve", hello.to_str().unwrap(), "--addr", &address]);
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.contains("in use"), "{}", output.stderr);
    assert_hello(UnixStream::connect(&path).unwrap());
    assert_eq!(running.stop().code, Some(0));
    assert!(!path.exists());
}

#[test]
fn the_socket_of_a_server_that_was_killed_is_replaced_and_no_other_file_is() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("server.sock");
    let address = format!("unix:{}", path.display());
    // Dropping it kills it.
    drop(at(&address, &[]));
    assert!(path.exists());
    let running = at(&address, &[]);
    assert_hello(UnixStream::connect(&path).unwrap());
    assert_eq!(running.stop().code, Some(0));

    fs::write(&path, "precious").unwrap();
    let hello = guest("hello");
    let output = run(["serve", hello.to_str().unwrap(), "--addr", &address]);
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.contains("no socket"), "{}", output.stderr);
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
}

/// Starts a server that is passed this socket as systemd passes it.
fn activated(socket: impl AsRawFd + std::os::fd::AsFd) -> Running {
    fcntl_setfd(&socket, FdFlags::empty()).unwrap();
    let number = socket.as_raw_fd();
    let running = Serve::new(guest("hello"))
        .by_script(&format!(
            "export LISTEN_PID=$$ LISTEN_FDS=1; exec \"$@\" 3<&{number}"
        ))
        .spawn();
    ready(&running);
    running
}

#[test]
fn a_socket_that_is_passed_is_served() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let running = activated(listener);
    assert_eq!(port(&running), address.port());
    assert_hello(TcpStream::connect(address).unwrap());
    assert_eq!(running.stop().code, Some(0));

    let folder = TempDir::new().unwrap();
    let path = folder.path().join("passed.sock");
    let running = activated(net::UnixListener::bind(&path).unwrap());
    assert_hello(UnixStream::connect(&path).unwrap());
    assert_eq!(running.stop().code, Some(0));
    // It is the supervisor's.
    assert!(path.exists());
}

fn supervised(folder: &Path, name: &str, address: &net::SocketAddr) {
    let socket = UnixDatagram::bind_addr(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let told = || {
        let mut text = [0; 100];
        let length = socket.recv(&mut text).expect(name);
        String::from_utf8_lossy(&text[..length]).into_owned()
    };
    let path = folder.join("server.sock");
    let running = Serve::at(guest("hello"), format!("unix:{}", path.display()))
        .env("NOTIFY_SOCKET", name)
        .spawn();
    assert_eq!(told(), "READY=1");
    assert_hello(UnixStream::connect(&path).unwrap());
    assert_eq!(running.stop().code, Some(0));
    assert_eq!(told(), "STOPPING=1");
}

#[test]
fn a_supervisor_is_told_when_the_server_is_ready_and_when_it_ends() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("notify");
    let address = net::SocketAddr::from_pathname(&path).unwrap();
    supervised(folder.path(), path.to_str().unwrap(), &address);
    let name = format!("tensor-wasm-test-{}", std::process::id());
    let address = net::SocketAddr::from_abstract_name(&name).unwrap();
    supervised(folder.path(), &format!("@{name}"), &address);
}

#[test]
fn a_supervisor_is_told_while_files_are_read_again_and_that_the_server_is_alive() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let told = |expected: &str| {
        loop {
            let mut text = [0; 100];
            let length = socket.recv(&mut text).expect(expected);
            let text = String::from_utf8_lossy(&text[..length]).into_owned();
            // It is alive all the time.
            if text.starts_with(expected) {
                return text;
            }
            assert_eq!(text, "WATCHDOG=1", "in place of {expected}");
        }
    };
    let server = Serve::new(guest("hello"))
        .env("NOTIFY_SOCKET", path.to_str().unwrap())
        .env("WATCHDOG_USEC", "20000")
        .start();
    told("READY=1");
    for _ in 0..3 {
        told("WATCHDOG=1");
    }
    server.hang_up();
    let reloading = told("RELOADING=1\nMONOTONIC_USEC=");
    let micros = reloading.rsplit('=').next().unwrap();
    assert!(micros.parse::<u64>().unwrap() > 0, "{reloading}");
    told("READY=1");
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn a_limit_of_open_files_below_what_clients_may_take_is_warned_about() {
    let server = Serve::new(guest("hello"))
        .by_script("ulimit -n 700; exec \"$@\"")
        .start();
    server.log_with(&["may have 700 files open", "LimitNOFILE="]);
    assert_eq!(server.stop().code, Some(0));
    let server = Serve::new(guest("hello"))
        .by_script("ulimit -Sn 700; exec \"$@\"")
        .start();
    let output = server.stop();
    // The system's hard limit may be low as well.
    assert!(
        !output.stderr.contains("may have 700 files"),
        "{}",
        output.stderr
    );
}

/// The units in `packaging`, as systemd itself reads them.
#[test]
fn the_units_of_systemd_are_valid() {
    let folder = TempDir::new().unwrap();
    let packaging = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/systemd");
    let mut units = Vec::new();
    for entry in fs::read_dir(packaging).unwrap() {
        let path = entry.unwrap().path();
        // A program that is not installed is no fault of the unit.
        let unit = fs::read_to_string(&path).unwrap();
        let unit = unit.replace("/usr/bin/tensor-wasm", "/bin/true");
        let copy = folder.path().join(path.file_name().unwrap());
        fs::write(&copy, unit).unwrap();
        units.push(copy);
    }
    assert!(units.len() > 1, "{units:?}");
    let verified = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .args(&units)
        .output();
    let Ok(verified) = verified else {
        eprintln!("skipped: there is no systemd-analyze");
        return;
    };
    let said = String::from_utf8_lossy(&verified.stderr);
    let ours: Vec<_> = said
        .lines()
        .filter(|line| line.contains("tensor-wasm"))
        .collect();
    assert!(verified.status.success() && ours.is_empty(), "{said}");
}

#[test]
fn during_the_drain_delay_it_is_not_ready_and_still_serves() {
    let server = Serve::new(guest("hello"))
        .args(["--admin=127.0.0.1:0", "--drain-delay=10m"])
        .start();
    server.terminate();
    eventually("it to be no longer ready", || {
        (server.admin("/readyz").status == 503).then_some(())
    });
    for _ in 0..3 {
        assert_hello(TcpStream::connect(server.address()).unwrap());
    }
    server.terminate();
    assert_eq!(server.wait().code, Some(1));
    let server = Serve::new(guest("hello"))
        .arg("--drain-delay=100ms")
        .start();
    assert_eq!(server.stop().code, Some(0));
}
