//! `cargo xtask test`: every test there is, host and guests, after building
//! what they drive: the binary, the components, and a driver without a device.

use std::{
    fs,
    io::IsTerminal,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Result, bail};

use crate::{
    components::Which,
    gpu_check, product,
    steps::{Step, Steps},
    workspace::{Profile, Workspace},
};

/// Run all tests: units, end to end against the real binary, documentation.
///
/// Uses cargo-nextest where it is installed, else `cargo test`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Run only tests whose name contains this.
    filter: Option<String>,
    /// Run the tests of this package only; may be repeated.
    #[arg(long, short)]
    package: Vec<String>,
    /// Run no tests, but write the compiler's filetests (host/ptx/filetests) anew; review what
    /// changed with `git diff`.
    #[arg(long, conflicts_with_all = ["filter", "package"])]
    bless: bool,
}

/// Makes the filetests write what they would compare.
const BLESS: &str = "TENSOR_WASM_BLESS";

/// Runs the command.
///
/// # Errors
/// Where something does not build, and where a test fails.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    if arguments.bless {
        return bless(workspace);
    }
    let mut steps = Steps::new(product::STEPS + 2 + 4 * usize::from(cfg!(target_os = "linux")));

    let binary = product::build(workspace, &mut steps, Which::All, Profile::Dev)?;

    // A driver is found by the dynamic linker's rules, which are Linux's.
    let driver = match cfg!(target_os = "linux") {
        true => {
            let step = steps.begin("building the driver without a device");
            let driver = workspace.build_driver(&step, Profile::Dev)?;
            step.done(workspace.relative(&driver));
            Some(driver)
        }
        false => None,
    };

    let environment = |command: &mut Command| {
        if let Some(driver) = &driver {
            command.env("TENSOR_WASM_DRIVER", driver);
        }
        command
            .env("TENSOR_WASM_BIN", &binary)
            .env("TENSOR_WASM_COMPONENTS", workspace.components_folder());
        if std::io::stderr().is_terminal() {
            command.env("CARGO_TERM_COLOR", "always");
        }
    };

    let nextest = has_nextest(workspace);
    let step = steps.begin("running tests of host and guests");
    let mut command = match nextest {
        true => workspace.cargo(["nextest", "run", "--no-fail-fast", "--no-tests", "pass"]),
        false => workspace.cargo(["test", "--tests", "--no-fail-fast"]),
    };
    environment(command.args(selection(&arguments.package)));
    if let Some(filter) = &arguments.filter {
        command.args(["--", filter]);
    }
    let mut tests = Tally::default();
    let mut tests_ran = step.run_shown(&mut command, &mut |line| tests.read(line))?;
    step.done(&tests);

    // All that is promised of the device, where it is in processes of its own.
    if let Some(driver) = &driver {
        let folder = driver_folder(workspace, driver)?;
        let filter = arguments.filter.as_deref();
        for (kind, what) in [
            ("isolated", "the processor in processes of its own"),
            ("cuda", "CUDA's driver interface"),
        ] {
            let step = steps.begin(&format!("running tests of the device on {what}"));
            if !arguments.package.is_empty() {
                step.done("left out, since packages were named");
                continue;
            }
            let commands = match nextest {
                true => vec![with_nextest(workspace, filter)],
                false => with_cargo_alone(workspace, &step, filter)?,
            };
            let mut tally = Tally::default();
            for mut command in commands {
                environment(&mut command);
                command.env("TENSOR_WASM_TEST_DEVICE", kind);
                if kind == "cuda" {
                    command.env("LD_LIBRARY_PATH", &folder);
                }
                tests_ran &= step.run_shown(&mut command, &mut |line| tally.read(line))?;
            }
            step.done(&tally);
            tests.passed += tally.passed;
            tests.failed += tally.failed;
        }

        let step = steps
            .begin("running the script for machines with a GPU, on the driver without a device");
        if arguments.package.is_empty() && filter.is_none() {
            let outcome = gpu_check::test(workspace, &step);
            match outcome {
                Ok(seen) => step.done(seen),
                Err(error) => {
                    step.print(&format!("{error:#}"));
                    step.done("failed");
                    tests.failed += 1;
                }
            }
        } else {
            step.done("left out, since packages or a filter were given");
        }
    }

    let step = steps.begin("running examples in the documentation");
    let mut examples = Tally::default();
    let libraries: Vec<_> = arguments
        .package
        .iter()
        .filter(|package| workspace.has_library(package))
        .cloned()
        .collect();
    let examples_ran = if arguments.filter.is_some() {
        step.done("left out, since a filter was given");
        true
    } else if libraries.is_empty() && !arguments.package.is_empty() {
        step.done("none, since there is no library");
        true
    } else {
        let mut command = workspace.cargo(["test", "--doc", "--no-fail-fast"]);
        environment(command.args(selection(&libraries)));
        let ran = step.run_shown(&mut command, &mut |line| examples.read(line))?;
        step.done(&examples);
        ran
    };

    let passed = tests.passed + examples.passed;
    let failed = tests.failed + examples.failed;
    if failed > 0 {
        bail!("{failed} failed, {passed} passed, in {}", steps.elapsed());
    }
    if !tests_ran || !examples_ran {
        bail!("not all tests could be run (see above); {passed} passed");
    }
    if passed == 0 {
        bail!("no test was run: none fits what was asked for");
    }
    println!(
        "{passed} passed ({} tests, {} examples in the documentation), none failed, in {}",
        tests.passed,
        examples.passed,
        steps.elapsed()
    );
    Ok(())
}

/// The tests that run again on each kind of device: modules, by the program that they are part of.
const ON_EACH_DEVICE: [(&str, &[&str]); 2] = [
    ("device", &["device"]),
    (
        "end_to_end",
        &[
            "digits",
            "gpu",
            "grants",
            "isolation",
            "services",
            "tenants",
        ],
    ),
];

/// Runs the tests of [`ON_EACH_DEVICE`], each in a process of its own.
fn with_nextest(workspace: &Workspace, filter: Option<&str>) -> Command {
    let mut command = workspace.cargo(["nextest", "run", "--no-fail-fast", "--no-tests", "pass"]);
    command.args(Workspace::HOST_MEMBERS);
    let programs = ON_EACH_DEVICE.map(|(program, _)| ["--test", program]);
    command.args(programs.as_flattened());
    let chosen = ON_EACH_DEVICE.map(|(program, modules)| {
        let modules = modules.join("|");
        format!("(binary(={program}) & test(/^({modules})::/))")
    });
    command.args(["--filterset", &chosen.join(" | ")]);
    // This holds beside the other: a test is run that both choose.
    command.arg("--").args(filter);
    command
}

/// Runs the same tests by name, for cargo runs what any of several filters chooses; a command for
/// each program. Within a program, one test runs after the other: those of a module share a server,
/// and there a fault is all its tenant's.
fn with_cargo_alone(
    workspace: &Workspace,
    step: &Step,
    filter: Option<&str>,
) -> Result<Vec<Command>> {
    let mut commands = Vec::new();
    for (program, modules) in ON_EACH_DEVICE {
        let test = || {
            let mut command = workspace.cargo(["test", "--no-fail-fast", "--test", program]);
            command.args(Workspace::HOST_MEMBERS).arg("--");
            command
        };
        let listed = step.run(test().args(["--list", "--format=terse"]))?;
        let names: Vec<_> = listed
            .stdout
            .iter()
            .filter_map(|line| line.strip_suffix(": test"))
            .filter(|name| is_of(name, modules))
            .filter(|name| filter.is_none_or(|filter| name.contains(filter)))
            .collect();
        // Without a name, it would run all.
        if !names.is_empty() {
            let mut command = test();
            command.args(["--test-threads=1", "--exact"]).args(names);
            commands.push(command);
        }
    }
    Ok(commands)
}

/// Whether a test is in one of these modules.
fn is_of(name: &str, modules: &[&str]) -> bool {
    let module = name.split("::").next();
    module.is_some_and(|module| module != name && modules.contains(&module))
}

/// Writes the filetests anew. Features are chosen as for all tests, so that nothing is built twice.
fn bless(workspace: &Workspace) -> Result<()> {
    let mut steps = Steps::new(1);
    let step = steps.begin("writing the compiler's filetests");
    let mut command = workspace.cargo(["test"]);
    command.args(Workspace::HOST_MEMBERS);
    command.args(["--test", "ptx", "--", "filetests::"]);
    let mut tally = Tally::default();
    let ran = step.run_shown(command.env(BLESS, "1"), &mut |line| tally.read(line))?;
    step.done(&tally);
    if !ran || tally.passed == 0 {
        bail!("the filetests could not be written (see above)");
    }
    println!("host/ptx/filetests is as the compiler has it now; `git diff` shows what changed");
    Ok(())
}

/// A folder in which programs find the driver under its own name.
fn driver_folder(workspace: &Workspace, driver: &Path) -> Result<PathBuf> {
    let folder = workspace.target().join("driver");
    fs::create_dir_all(&folder)?;
    for name in ["libcuda.so.1", "libcuda.so"] {
        // Written beside and moved: a program that has the last one loaded keeps it.
        let fresh = folder.join(format!("{name}.new"));
        fs::copy(driver, &fresh)?;
        fs::rename(fresh, folder.join(name))?;
    }
    Ok(folder)
}

/// These packages, or where none is named, all.
fn selection(packages: &[String]) -> Vec<&str> {
    if packages.is_empty() {
        return Workspace::HOST_MEMBERS.to_vec();
    }
    packages
        .iter()
        .flat_map(|package| ["--package", package])
        .collect()
}

fn has_nextest(workspace: &Workspace) -> bool {
    workspace
        .cargo(["nextest", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// How many tests passed and failed, as the runner's own summaries say.
#[derive(Default, Debug, PartialEq)]
struct Tally {
    passed: u64,
    failed: u64,
    left_out: u64,
}

impl Tally {
    /// Adds what a line of a runner's output says, if it is a summary.
    fn read(&mut self, line: &str) {
        let line = console::strip_ansi_codes(line);
        // cargo test: `test result: ok. 5 passed; 0 failed; 1 ignored; …`
        // nextest: `     Summary [   0.018s] 7 tests run: 6 passed, 1 failed, 2 skipped`
        let Some(summary) = line.strip_prefix("test result:").or_else(|| {
            let (_, counts) = line
                .trim_start()
                .strip_prefix("Summary [")?
                .split_once("run:")?;
            Some(counts)
        }) else {
            return;
        };
        let mut before = 0;
        for word in summary.split([' ', ',', ';', '(']) {
            match word {
                "passed" => self.passed += before,
                "failed" | "timed" => self.failed += before,
                "ignored" | "skipped" => self.left_out += before,
                _ => before = word.parse().unwrap_or(before),
            }
        }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.left_out > 0 {
            write!(f, ", {} left out", self.left_out)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(lines: &[&str]) -> Tally {
        let mut tally = Tally::default();
        lines.iter().for_each(|line| tally.read(line));
        tally
    }

    #[test]
    fn summaries_of_cargo_test_add_up() {
        let lines = [
            "test server::tests::drains ... ok",
            "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.00s",
            "test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out",
        ];
        let expected = Tally {
            passed: 7,
            failed: 1,
            left_out: 1,
        };
        assert_eq!(tally(&lines), expected);
    }

    #[test]
    fn the_summary_of_nextest_is_read_in_colour_and_with_slow_tests() {
        let line = "\u{1b}[32;1m     Summary\u{1b}[0m [   0.018s] \u{1b}[1m9\u{1b}[0m tests run: \u{1b}[1m6\u{1b}[0m passed (1 slow), 2 failed, 1 timed out, 2 skipped";
        let expected = Tally {
            passed: 6,
            failed: 3,
            left_out: 2,
        };
        assert_eq!(tally(&[line]), expected);
    }

    #[test]
    fn a_test_belongs_to_the_module_that_its_name_begins_with() {
        let modules = ["gpu", "device"];
        assert!(is_of("gpu::launches::a_kernel_runs", &modules));
        for name in ["corpus::device::runs", "gpus::a_kernel_runs", "gpu", ""] {
            assert!(!is_of(name, &modules), "{name}");
        }
    }

    #[test]
    fn a_test_that_prints_the_word_passed_is_not_counted() {
        assert_eq!(tally(&["3 passed the gate"]), Tally::default());
    }
}
