//! `tensor-wasm secrets set`

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use http::Method;
use serde_json::json;
use zeroize::Zeroizing;

use super::target;
use crate::commands::client::error::{ClientError, EXIT_CODES};
use crate::commands::client::options::ClientOptions;
use crate::commands::client::output;
use crate::commands::client::request::Call;

/// The longest secret, in bytes: a node takes JSON of 64 KiB.
const LONGEST: u64 = 60 << 10;

/// Set a secret of a function
///
/// The secret comes from standard input, a file or a variable of the environment, and never from the
/// command line, which other users of a machine can read. A line break at its end is left out.
#[derive(Args)]
#[command(after_help = help())]
pub struct Set {
    /// The function's id or name
    id: String,
    /// The secret's name: letters, digits and . _ -
    name: String,
    /// The file that holds the secret [default: standard input]
    #[arg(long, value_name = "FILE", conflicts_with = "from_env")]
    from: Option<PathBuf>,
    /// The variable of the environment that holds the secret
    #[arg(long, value_name = "VARIABLE")]
    from_env: Option<String>,
    #[command(flatten)]
    node: ClientOptions,
}

fn help() -> String {
    format!(
        "\
Examples:
  tensor-wasm secrets set image API_KEY < api.key
  tensor-wasm secrets set image API_KEY --from api.key
  tensor-wasm secrets set image API_KEY --from-env API_KEY

{EXIT_CODES}"
    )
}

impl Set {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(self.set())
    }

    async fn set(self) -> Result<(), ClientError> {
        let client = self.node.client()?;
        let value = self.value()?;
        let call = Call::new(Method::PUT, target(&self.id, &self.name));
        let call = call.with_json(&json!({ "value": &*value }));
        client.send(call).await?.success().await?;
        Ok(())
    }

    fn value(&self) -> Result<Zeroizing<String>, ClientError> {
        let (text, source) = match (&self.from, &self.from_env) {
            (Some(path), _) => {
                let failed = |cause| ClientError::File {
                    path: path.clone(),
                    cause,
                };
                let file = File::open(path).map_err(failed)?;
                (read(file).map_err(failed)?, path.display().to_string())
            }
            (None, Some(variable)) => match std::env::var(variable) {
                Ok(value) => return checked(Zeroizing::new(value), variable),
                Err(std::env::VarError::NotPresent) => {
                    return Err(ClientError::Input(format!(
                        "the variable {variable} is not set"
                    )));
                }
                Err(std::env::VarError::NotUnicode(_)) => (None, variable.clone()),
            },
            (None, None) => {
                if io::stdin().is_terminal() {
                    return Err(ClientError::Input(
                        "a terminal shows what is typed: redirect standard input, or name a file \
                         with --from or a variable with --from-env"
                            .to_owned(),
                    ));
                }
                let failed = |cause| ClientError::File {
                    path: "standard input".into(),
                    cause,
                };
                let text = read(io::stdin().lock()).map_err(failed)?;
                (text, "standard input".to_owned())
            }
        };
        let text =
            text.ok_or_else(|| ClientError::Input(format!("{source} holds no text in UTF-8")))?;
        checked(text, &source)
    }
}

/// The text of a reader, if it is one, without a line break at its end.
fn read(reader: impl Read) -> io::Result<Option<Zeroizing<String>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    reader.take(LONGEST + 3).read_to_end(&mut bytes)?;
    let text = std::str::from_utf8(&bytes).ok().map(|text| {
        let line = text.strip_suffix('\n').unwrap_or(text);
        Zeroizing::new(line.strip_suffix('\r').unwrap_or(line).to_owned())
    });
    Ok(text)
}

/// A secret that is empty is rather a pipe whose program failed, and would replace one that is not.
fn checked(text: Zeroizing<String>, source: &str) -> Result<Zeroizing<String>, ClientError> {
    if text.is_empty() {
        return Err(ClientError::Input(format!(
            "the secret in {source} is empty, and nothing was changed: `tensor-wasm secrets delete` \
             removes one"
        )));
    }
    if text.len() as u64 > LONGEST {
        return Err(ClientError::Input(format!(
            "the secret in {source} is longer than {LONGEST} bytes"
        )));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn one_line_break_at_the_end_is_left_out() {
        for (bytes, text) in [
            ("a b", "a b"),
            ("a\n", "a"),
            ("a\r\n", "a"),
            ("a\n\n", "a\n"),
            ("\n", ""),
            (" a ", " a "),
        ] {
            assert_eq!(&**read(bytes.as_bytes()).unwrap().unwrap(), text);
        }
        assert!(read(&[0xff_u8][..]).unwrap().is_none());
    }

    #[test]
    fn an_empty_secret_is_refused_by_the_name_of_its_source() {
        let checked = |text: &str| checked(Zeroizing::new(text.to_owned()), "standard input");
        let error = checked("").unwrap_err().to_string();
        assert!(error.contains("standard input is empty"), "{error}");
        assert_eq!(&**checked("a").unwrap(), "a");
    }
}
