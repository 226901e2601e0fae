//! `tensor-wasm deploy`: a component becomes a function of a node, or a new version of one.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};

use super::assets;
use super::error::{ClientError, EXIT_CODES};
use super::model::Function;
use super::options::{ClientOptions, LONG_TIMEOUT};
use super::output::{self, describe};
use super::progress::Progress;
use super::request::{Call, Target};

/// The longest name of a function: that of a DNS label (RFC 1035, section 2.3.4).
const LONGEST_NAME: usize = 63;

/// What is shown while the answer is waited for.
const SENT: &str = "sent; the node compiles it";

/// Deploy a component to a node, as a function
///
/// The node checks and compiles the component, and then directs all requests for the name
/// to it. Where there is a function of this name already, the component becomes its new
/// version; requests that run finish on the old one, and `tensor-wasm rollback` goes back.
#[derive(Args)]
#[command(after_help = help())]
pub struct Deploy {
    /// The component, with a WASI 0.2 or 0.3 HTTP handler; - for standard input
    file: PathBuf,
    /// The function's name: up to 63 of a-z, 0-9 and -, with - neither first nor last
    /// [default: the file's name, without its ending]
    #[arg(long)]
    name: Option<String>,
    /// A folder with the files that the function finds below /assets, such as weights: those that
    /// have changed are uploaded first. Without it the version gets what is staged by
    /// `tensor-wasm assets`
    #[arg(long, value_name = "DIRECTORY")]
    assets: Option<PathBuf>,
    /// Print the node's JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    node: ClientOptions,
}

fn help() -> String {
    format!(
        "\
Examples:
  tensor-wasm deploy image.wasm
  tensor-wasm deploy target/wasm32-wasip2/release/image.wasm --name thumbnails
  tensor-wasm deploy image.wasm --assets weights/
  tensor-wasm deploy image.wasm --json | jq -r .id
  tensor-wasm deploy image.wasm --server https://node.example --tenant 7

{EXIT_CODES}"
    )
}

impl Deploy {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(self.deploy())
    }

    async fn deploy(self) -> Result<(), ClientError> {
        let is_input = self.file == Path::new("-");
        let name = match (&self.name, is_input) {
            (Some(name), _) => name.clone(),
            (None, true) => {
                return Err(ClientError::Input(
                    "standard input has no name: name the function with --name".to_owned(),
                ));
            }
            (None, false) => name_of(&self.file).ok_or_else(|| {
                ClientError::Input(format!(
                    "the name of {} makes no name of a function: give one with --name",
                    self.file.display()
                ))
            })?,
        };
        let target = Target::of(&["functions"]).with_query("name", Some(&name));
        let mut call = Call::new(Method::POST, target);
        call.headers
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/wasm"));
        let client = self.node.client_with_timeout(LONG_TIMEOUT)?;
        if let Some(folder) = &self.assets {
            assets::sync(&client, &name, folder).await?;
        }
        let (call, progress) = if is_input {
            let progress = Progress::start(&name, None, SENT);
            (call.with_reader(progress.read(io::stdin()), None), progress)
        } else {
            let failed = |cause| ClientError::File {
                path: self.file.clone(),
                cause,
            };
            let file = File::open(&self.file).map_err(failed)?;
            let metadata = file.metadata().map_err(failed)?;
            if metadata.is_dir() {
                return Err(failed(io::ErrorKind::IsADirectory.into()));
            }
            // Pipes and the like have a length that is not theirs.
            let length = metadata.is_file().then_some(metadata.len());
            let progress = Progress::start(&name, length, SENT);
            (call.with_reader(progress.read(file), length), progress)
        };
        let answer = client.json::<Function>(call).await;
        progress.finish();
        let (json, function) = answer?;
        if self.json {
            return output::print_json(&json);
        }
        output::print(&describe(&function))
    }
}

/// A function's name that is made of a file's: its letters in lower case, and a hyphen for
/// whatever can't be in the name.
fn name_of(path: &Path) -> Option<String> {
    let stem = path.file_stem().and_then(OsStr::to_str)?;
    let mut name = String::new();
    for letter in stem.chars() {
        match letter.to_ascii_lowercase() {
            letter if letter.is_ascii_alphanumeric() => name.push(letter),
            _ if name.is_empty() || name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    name.truncate(LONGEST_NAME);
    let name = name.trim_end_matches('-');
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_s_name_becomes_a_dns_label() {
        for (file, name) in [
            ("image.wasm", Some("image")),
            ("/a/b/My_Image v2.wasm", Some("my-image-v2")),
            ("saxpy", Some("saxpy")),
            ("--a__b--.wasm", Some("a-b")),
            ("a.b.wasm", Some("a-b")),
            ("größe.wasm", Some("gr-e")),
            ("___.wasm", None),
            ("/", None),
        ] {
            assert_eq!(name_of(Path::new(file)).as_deref(), name, "{file}");
        }
        let long = format!("{}-b.wasm", "a".repeat(62));
        assert_eq!(name_of(Path::new(&long)), Some("a".repeat(62)));
    }
}
