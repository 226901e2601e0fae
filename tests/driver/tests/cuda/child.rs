//! Tests in processes of their own, each with a driver of its own: most leave it in a state that
//! nothing else could use.

use std::io::Read;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::driver::Driver;

/// Set in the process that is to carry out a test instead of starting it.
const INSIDE: &str = "TENSOR_WASM_TEST_INSIDE";

/// Bounds a wait, so that a test which would never end fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Declares tests that run in processes of their own, with these switches.
macro_rules! in_child {
    ($($(#[$meta:meta])* fn $name:ident($switches:expr) $body:block)*) => {$(
        #[test]
        $(#[$meta])*
        fn $name() {
            let path = concat!(module_path!(), "::", stringify!($name));
            let driver = || $crate::driver::Driver::new($switches);
            if let Some(ended) = $crate::child::run(path, driver, || $body) {
                ended.succeeds();
            }
        }
    )*};
}

pub(crate) use in_child;

/// How a test's process ended, and what it wrote.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) output: String,
    /// The calls that its driver got.
    pub(crate) calls: Vec<String>,
}

impl Ended {
    pub(crate) fn succeeds(&self) {
        assert!(self.status.success(), "{}:\n{}", self.status, self.output);
    }

    /// It panicked, and said this.
    pub(crate) fn panicked(&self, with: &str) {
        assert_eq!(self.status.code(), Some(101), "{}", self.output);
        assert!(self.output.contains(with), "{}", self.output);
    }
}

/// Runs `body` in a process of its own, with a driver that is made for it, and says how that
/// ended; in that process itself, `None`.
///
/// `path` is the test's own, with the name of the crate.
pub(crate) fn run(
    path: &str,
    driver: impl FnOnce() -> Driver,
    body: impl FnOnce(),
) -> Option<Ended> {
    if is_inside() {
        body();
        return None;
    }
    let driver = driver();
    let mut ended = end_of(driver.set(&mut inside(path)));
    ended.calls = driver.calls();
    Some(ended)
}

/// As [`run`], where no driver is found.
pub(crate) fn run_without(path: &str, body: impl FnOnce()) -> Option<Ended> {
    if is_inside() {
        body();
        return None;
    }
    Some(end_of(inside(path).env("LD_LIBRARY_PATH", "/nowhere")))
}

fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// The command that carries out a test.
fn inside(path: &str) -> Command {
    let (_, test) = path.split_once("::").expect("a path has a crate");
    let mut command = Command::new(std::env::current_exe().expect("a test has an executable"));
    command
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1");
    command
}

fn end_of(command: &mut Command) -> Ended {
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut pipes: Vec<Box<dyn Read + Send>> = Vec::new();
    pipes.extend(child.stdout.take().map(|pipe| Box::new(pipe) as Box<_>));
    pipes.extend(child.stderr.take().map(|pipe| Box::new(pipe) as Box<_>));
    let readers: Vec<_> = pipes
        .into_iter()
        .map(|mut pipe| {
            std::thread::spawn(move || {
                let mut bytes = Vec::new();
                let _ = pipe.read_to_end(&mut bytes);
                String::from_utf8_lossy(&bytes).into_owned()
            })
        })
        .collect();
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            break status;
        }
        if begun.elapsed() > PATIENCE {
            let _ = child.kill();
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let output = readers.into_iter().map(|reader| reader.join().unwrap());
    Ended {
        status,
        output: output.collect(),
        calls: Vec::new(),
    }
}
