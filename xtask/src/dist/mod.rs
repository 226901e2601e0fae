//! `cargo xtask dist`: what is handed to operators: one archive with the program, its manual pages, shell
//! completions, systemd units, policies and the bill of materials, and beside it checksums and a statement
//! of how it was made.

mod provenance;
mod sbom;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, time::SystemTime};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::components::Which;
use crate::product;
use crate::steps::{Step, Steps};
use crate::workspace::{Profile, Workspace};

/// The components that an operator puts in front of others.
const COMPONENTS: [&str; 4] = [
    "policy.wasm",
    "policy-p3.wasm",
    "request-limit.wasm",
    "deny-gpu.wasm",
];

/// Files of the checkout, and where they are in the archive.
const FILES: [(&str, &str); 9] = [
    ("LICENSE", "share/doc/tensor-wasm/LICENSE"),
    ("README.md", "share/doc/tensor-wasm/README.md"),
    ("CHANGELOG.md", "share/doc/tensor-wasm/CHANGELOG.md"),
    ("SECURITY.md", "share/doc/tensor-wasm/SECURITY.md"),
    ("docs/UPGRADE.md", "share/doc/tensor-wasm/UPGRADE.md"),
    (
        "docs/alerts/tensor-wasm.yml",
        "share/tensor-wasm/alerts.yml",
    ),
    (
        "docs/dashboards/tensor-wasm.json",
        "share/tensor-wasm/dashboard.json",
    ),
    ("packaging/Containerfile", "Containerfile"),
    ("packaging/INSTALL.md", "INSTALL.md"),
];

/// What completes options, and where it is in the archive.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "share/bash-completion/completions/tensor-wasm"),
    ("zsh", "share/zsh/site-functions/_tensor-wasm"),
    ("fish", "share/fish/vendor_completions.d/tensor-wasm.fish"),
];

/// Make the archive that operators install: target/dist/tensor-wasm-VERSION-TARGET.tar.gz.
///
/// Two runs of one commit with one program make the same archive, byte for byte. The statement of how it
/// was made is not signed: whoever publishes it signs SHA256SUMS.
#[derive(clap::Args)]
pub struct Arguments {
    /// Pack this program, and build none; the statement then does not say what it was built of
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Where the archive is put, and what is beside it
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// Where something does not build, or a part of the archive is missing.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let started = SystemTime::now();
    let source = Source::of(workspace)?;
    let mut steps = match arguments.binary {
        Some(_) => Steps::new(1),
        None => Steps::new(product::STEPS + 1),
    };
    let binary = match &arguments.binary {
        Some(binary) => binary.clone(),
        None => {
            let commit = Some(source.commit.as_str());
            product::build_of(workspace, &mut steps, Which::All, Profile::Release, commit)?
        }
    };
    let out = match &arguments.out {
        Some(out) => out.clone(),
        None => workspace.target().join("dist"),
    };
    let step = steps.begin("packing");
    let packed = pack(workspace, &step, &binary, &source, &out)?;
    let statement = provenance::statement(&provenance::Build {
        source: &source,
        packed: &packed,
        is_built: arguments.binary.is_none(),
        lock_sha256: sha256(&step, &workspace.root().join("Cargo.lock"))?,
        compiler: &text(&step, Command::new("rustc").arg("--version"))?,
        started,
        finished: SystemTime::now(),
    });
    finish(&step, &packed, &statement)?;
    if source.is_modified {
        step.print("the checkout has changes that are not committed: the statement says so");
    }
    step.done(workspace.relative(&packed.archive));
    Ok(())
}

/// What the archive is made of.
pub struct Source {
    pub version: String,
    /// As Rust names it, such as `x86_64-unknown-linux-gnu`.
    pub target: String,
    pub commit: String,
    /// When the commit was made, in seconds since 1970: the time of all files in the archive.
    pub seconds: u64,
    /// Whether the checkout has changes that are not committed.
    pub is_modified: bool,
}

impl Source {
    fn of(workspace: &Workspace) -> Result<Source> {
        let git = |arguments: &[&str]| -> Result<String> {
            let mut command = Command::new("git");
            command.current_dir(workspace.root()).args(arguments);
            output(&mut command)
        };
        let compiler = output(Command::new("rustc").arg("-vV"))?;
        let target = compiler
            .lines()
            .find_map(|line| line.strip_prefix("host: "));
        Ok(Source {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            target: target.context("rustc does not say its host")?.to_owned(),
            commit: git(&["rev-parse", "HEAD"])?,
            seconds: git(&["show", "--no-patch", "--format=%ct", "HEAD"])?
                .parse()
                .context("git does not say when the commit was made")?,
            is_modified: !git(&["status", "--porcelain"])?.is_empty(),
        })
    }

    /// What the archive, and the one folder in it, are called.
    fn name(&self) -> String {
        format!("tensor-wasm-{}-{}", self.version, self.target)
    }
}

/// An archive.
pub struct Packed {
    pub archive: PathBuf,
    pub sbom: PathBuf,
    pub archive_sha256: String,
    pub sbom_sha256: String,
}

/// Makes the folder that is packed. Returns the bill of materials that is in it.
fn assemble(
    workspace: &Workspace,
    step: &Step,
    binary: &Path,
    source: &Source,
    folder: &Path,
) -> Result<String> {
    if folder.exists() {
        fs::remove_dir_all(folder).context("cannot remove what the last run made")?;
    }
    let program = folder.join("bin/tensor-wasm");
    copy(binary, &program)?;
    for (from, to) in FILES {
        copy(&workspace.root().join(from), &folder.join(to))?;
    }
    let units = workspace.root().join("packaging/systemd");
    for unit in fs::read_dir(&units).with_context(|| format!("cannot read {}", units.display()))? {
        let unit = unit?;
        let to = folder.join("lib/systemd/system").join(unit.file_name());
        copy(&unit.path(), &to)?;
    }
    for name in COMPONENTS {
        let from = workspace.components_folder().join(name);
        copy(
            &from,
            &folder.join("share/tensor-wasm/components").join(name),
        )
        .context("`cargo xtask components` builds them")?;
    }
    // What a container's volume is made of.
    fs::create_dir_all(folder.join("var/lib/tensor-wasm"))?;
    let pages = folder.join("share/man/man1");
    step.run(Command::new(&program).args(["man", "--out"]).arg(&pages))?;
    for (shell, to) in COMPLETIONS {
        let script = output(Command::new(&program).args(["completions", shell]))?;
        write(&folder.join(to), &format!("{script}\n"))?;
    }
    let bill = serde_json::to_string_pretty(&sbom::bill(workspace, source)?)?;
    write(&folder.join("share/doc/tensor-wasm/sbom.cdx.json"), &bill)?;
    Ok(bill)
}

/// Makes the folder, and the archive of it.
fn pack(
    workspace: &Workspace,
    step: &Step,
    binary: &Path,
    source: &Source,
    out: &Path,
) -> Result<Packed> {
    let bill = assemble(workspace, step, binary, source, &out.join(source.name()))?;
    let archive = out.join(format!("{}.tar.gz", source.name()));
    let sbom = out.join(format!("{}.cdx.json", source.name()));
    write(&sbom, &bill)?;
    let mut tar = Command::new("tar");
    tar.args([
        "--create",
        "--sort=name",
        "--owner=0",
        "--group=0",
        "--numeric-owner",
    ])
    .args(["--format=ustar", "--mode=u=rwX,go=rX"])
    .arg(format!("--mtime=@{}", source.seconds))
    // Neither name nor time of the archive itself.
    .arg("--use-compress-program=gzip --no-name")
    .arg("--file")
    .arg(&archive)
    .arg("--directory")
    .arg(out)
    .arg(source.name());
    step.run(&mut tar)?;
    Ok(Packed {
        archive_sha256: sha256(step, &archive)?,
        sbom_sha256: sha256(step, &sbom)?,
        archive,
        sbom,
    })
}

/// Writes the statement and the checksums beside the archive.
fn finish(step: &Step, packed: &Packed, statement: &Value) -> Result<()> {
    let name = |path: &Path| path.file_name().unwrap_or_default().display().to_string();
    let out = packed.archive.parent().unwrap_or(Path::new("."));
    let provenance = packed
        .archive
        .with_extension("")
        .with_extension("provenance.json");
    write(&provenance, &serde_json::to_string_pretty(statement)?)?;
    let sums = [
        (&packed.archive, packed.archive_sha256.clone()),
        (&packed.sbom, packed.sbom_sha256.clone()),
        (&provenance, sha256(step, &provenance)?),
    ];
    let lines = sums.map(|(path, sum)| format!("{sum}  {}\n", name(path)));
    write(&out.join("SHA256SUMS"), &lines.concat())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::copy(from, to).with_context(|| format!("cannot copy {}", from.display()))?;
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// What a command prints, without the last line's end.
fn output(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("cannot start {command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?} failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).context("what it prints is no text")?;
    Ok(text.trim_end().to_owned())
}

fn text(step: &Step, command: &mut Command) -> Result<String> {
    step.at(format_args!("{command:?}"));
    output(command)
}

fn sha256(step: &Step, path: &Path) -> Result<String> {
    let line = text(step, Command::new("sha256sum").arg("--binary").arg(path))?;
    let sum = line.split_whitespace().next();
    Ok(sum.context("sha256sum prints nothing")?.to_owned())
}
