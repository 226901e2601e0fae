//! The program that measures cudarc alone.

use std::process::Command;

use crate::driver::Driver;

/// Cargo puts it beside the tests' folder.
fn plain() -> Command {
    let test = std::env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    Command::new(profile.join("examples").join("plain"))
}

#[test]
fn it_measures_launches_and_copies_in_both_directions_and_prints_json() {
    let driver = Driver::new("");
    let mut command = plain();
    command.args(["--launches", "10", "1000", "4096"]);
    let output = driver.set(&mut command).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["stand_in"], true);
    assert_eq!(json["waited_launch_ns"]["times"], 10);
    assert!(json["queued_launches"]["done_per_second"].as_f64() > Some(0.0));
    let copies: Vec<_> = json["copies"].as_array().unwrap().iter().collect();
    assert_eq!(copies.len(), 8);
    for copy in copies {
        assert!(copy["bytes_per_second"].as_f64() > Some(0.0), "{copy}");
    }
}

#[test]
fn it_reports_a_missing_driver() {
    // SAFETY: it loads a library, and lets it go.
    if unsafe { cudarc::driver::sys::is_culib_present() } {
        return;
    }
    let output = plain().env("LD_LIBRARY_PATH", "/nowhere").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no libcuda.so here"));
}
