//! The sandbox of a worker, seen from outside: its capabilities, environment and files.

use std::fs;

use tensor_wasm_tests::{Driver, Serve, Server, guest};

use super::{assert_increments, cuda, workers_become};

/// The fields of a `status` file of `/proc`.
fn field<'a>(status: &'a str, name: &str) -> &'a str {
    let mut lines = status.lines().filter_map(|line| line.split_once(':'));
    let found = lines.find(|(field, _)| *field == name);
    found.unwrap_or_else(|| panic!("{name}: {status}")).1.trim()
}

/// Each of its threads has given up its capabilities, and makes system calls by a filter.
#[track_caller]
fn assert_threads_confined(worker: i32) {
    let threads = fs::read_dir(format!("/proc/{worker}/task")).unwrap();
    // One that compiles may have ended since.
    let statuses: Vec<String> = threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("status")).ok())
        .collect();
    assert!(!statuses.is_empty());
    for status in statuses {
        assert_eq!(field(&status, "NoNewPrivs"), "1", "{status}");
        assert_eq!(field(&status, "Seccomp"), "2", "{status}");
        for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
            assert_eq!(field(&status, set), "0000000000000000", "{status}");
        }
        // Only root can make its bounding set smaller, and for others it means nothing.
        if rustix::process::geteuid().is_root() {
            assert_eq!(field(&status, "CapBnd"), "0000000000000000", "{status}");
        }
    }
}

#[track_caller]
fn assert_confined(worker: i32) {
    assert_threads_confined(worker);
    let variables = fs::read(format!("/proc/{worker}/environ")).unwrap();
    let variables = String::from_utf8_lossy(&variables).into_owned();
    assert!(!variables.contains("SECRET"), "{variables}");
    for variable in variables.split('\0').filter(|text| !text.is_empty()) {
        let expected = [
            "LD_LIBRARY_PATH=",
            "CUDA_VISIBLE_DEVICES=GPU-",
            "CUDA_DEVICE_MAX_CONNECTIONS=32",
            "CUDA_MPS_PIPE_DIRECTORY=/proc/no-mps",
        ];
        let is_expected = expected.iter().any(|name| variable.starts_with(name));
        assert!(is_expected, "{variable}");
    }
    let files: Vec<String> = fs::read_dir(format!("/proc/{worker}/fd"))
        .unwrap()
        .flatten()
        .filter_map(|file| fs::read_link(file.path()).ok())
        .map(|file| file.display().to_string())
        .collect();
    let ours = |file: &String| {
        // The shared memory, the one socket, what libraries open for themselves, what tells which of its
        // pages were written, and what keeps the rule on its own entry of `/proc` in force.
        file.contains("memfd:tensor-wasm-device")
            || file.starts_with("socket:")
            || file.contains("/dev/null")
            || file.contains("anon_inode")
            || *file == format!("/proc/{worker}/pagemap")
            || *file == format!("/proc/{worker}")
    };
    assert!(files.iter().all(ours), "{files:?}");
    let sockets = files.iter().filter(|file| file.starts_with("socket:"));
    let mut sockets: Vec<_> = sockets.collect();
    sockets.dedup();
    assert_eq!(sockets.len(), 1, "{files:?}");
    let adjusted = fs::read_to_string(format!("/proc/{worker}/oom_score_adj")).unwrap();
    assert_eq!(adjusted.trim(), "1000");
}

#[test]
fn a_processor_worker_is_sandboxed_to_its_memory_and_one_socket() {
    let server = Serve::new(guest("gpu_scenarios"))
        .arg("--isolate")
        .env("SECRET", "s3cret")
        .start();
    assert_increments(&server.get("/increment"));
    assert_confined(workers_become(&server, 1)[0]);
}

#[test]
fn a_worker_with_a_driver_is_sandboxed_as_tightly() {
    let driver = Driver::new("");
    let server = cuda(&driver).env("SECRET", "s3cret").start();
    assert_increments(&server.get("/increment"));
    assert_confined(workers_become(&server, 1)[0]);
}

/// By another process of the same user, and by a worker of this server.
#[cfg(target_arch = "x86_64")]
mod attacked {
    use std::process::{Command, Stdio};

    use super::super::attacks::{Answers, Targets};
    use super::super::injection::Captive;
    use super::*;

    const REFUSED: [i64; 3] = [
        -(libc::EPERM as i64),
        // By Landlock.
        -(libc::EACCES as i64),
        // By a filter, where callers know of that answer and do without.
        -(libc::ENOSYS as i64),
    ];

    #[track_caller]
    fn assert_refused(answers: &Answers) {
        let worked: Vec<_> = answers
            .iter()
            .filter(|(name, answer)| {
                // There is nobody at any address.
                let nobody = name.starts_with("connect") && *answer == -(libc::ENOENT as i64);
                !REFUSED.contains(answer) && !nobody
            })
            .collect();
        assert!(worked.is_empty(), "{worked:?}");
    }

    #[track_caller]
    fn assert_withstands_attacks(server: &Server) {
        assert_increments(&server.get("/increment"));
        let worker = workers_become(server, 1)[0];
        let targets = Targets::of(server.id());
        let mut captive = Captive::stop(worker);
        let answers = targets.attack_as_same_user(&mut captive);
        assert!(answers.len() > 25);
        assert_refused(&answers);
        let answers = targets.attack_with_rights(&mut captive);
        assert!(answers.len() > 40);
        assert_refused(&answers);
        targets.assert_untouched();
        drop(captive);
        // It goes on, and starts threads.
        assert_increments(&server.get("/increment"));
        assert_eq!(workers_become(server, 1), [worker]);
        assert_threads_confined(worker);
    }

    #[test]
    fn no_system_call_of_a_processor_worker_reaches_beyond_it() {
        let server = Serve::new(guest("gpu_scenarios")).arg("--isolate").start();
        assert_withstands_attacks(&server);
    }

    #[test]
    fn no_system_call_of_a_worker_with_a_driver_reaches_beyond_it() {
        let driver = Driver::new("");
        assert_withstands_attacks(&cuda(&driver).start());
    }

    /// Without this, the tests above might try what never works.
    #[test]
    fn the_same_system_calls_work_in_a_process_without_a_sandbox() {
        let server = Server::of(guest("hello"));
        let targets = Targets::of(server.id());
        let mut other = Command::new("sleep")
            .arg("1000")
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let process = i32::try_from(other.id()).unwrap();
        tensor_wasm_tests::eventually("the program to sleep", || {
            let name = fs::read_to_string(format!("/proc/{process}/wchan")).ok()?;
            name.contains("nanosleep").then_some(())
        });
        let mut captive = Captive::stop(process);
        let answers = targets.attack_as_same_user(&mut captive);
        drop(captive);
        other.kill().unwrap();
        other.wait().unwrap();
        let refused: Vec<_> = answers.iter().filter(|(_, answer)| *answer < 0).collect();
        assert!(refused.is_empty(), "{refused:?}");
    }

    #[test]
    fn a_system_call_of_another_architecture_ends_the_worker() {
        let server = Serve::new(guest("gpu_scenarios")).arg("--isolate").start();
        assert_increments(&server.get("/increment"));
        let worker = workers_become(&server, 1)[0];
        let mut captive = Captive::stop(worker);
        const GETPID: u64 = 20;
        captive.call_as_i386(GETPID);
        drop(captive);
        workers_become(&server, 0);
        server.log_with(&["a device worker was ended by signal"]);
        assert_increments(&server.get("/increment"));
    }
}
