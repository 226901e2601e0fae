//! `tensor-wasm delete`: a function with all its versions goes.

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use clap::Args;
use http::Method;

use super::error::{ClientError, EXIT_CODES};
use super::model::Function;
use super::options::ClientOptions;
use super::output;
use super::request::{Call, Target};
use super::text::plain;

/// Delete a function of a node, with all its versions
///
/// Asks first where it is run by a person, that is, where standard input and error are a
/// terminal.
#[derive(Args)]
#[command(after_help = help())]
pub struct Delete {
    /// The function's id or name
    id: String,
    /// Don't ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    node: ClientOptions,
}

fn help() -> String {
    format!(
        "\
Examples:
  tensor-wasm delete image
  tensor-wasm delete image --yes

{EXIT_CODES}"
    )
}

impl Delete {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(self.delete())
    }

    async fn delete(self) -> Result<(), ClientError> {
        let client = self.node.client()?;
        let mut id = self.id;
        if !self.yes && io::stdin().is_terminal() && io::stderr().is_terminal() {
            let call = Call::get(Target::of(&["functions", &id]));
            let (_, function) = client.json::<Function>(call).await?;
            let versions = match function.versions.len() {
                0 | 1 => "its version".to_owned(),
                number => format!("all {number} versions"),
            };
            let question = format!(
                "delete {} ({}) with {versions} for good? [y/N] ",
                plain(&function.name),
                plain(&function.id)
            );
            if !confirmed(&question) {
                return Err(ClientError::Declined);
            }
            // What was asked about, and not what has its name by now.
            id = function.id;
        }
        let call = Call::new(Method::DELETE, Target::of(&["functions", &id]));
        client.send(call).await?.success().await?;
        Ok(())
    }
}

/// Whether the person at the terminal says yes.
fn confirmed(question: &str) -> bool {
    crate::output::to_stderr(format_args!("{question}"));
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    let answer = answer.trim().to_ascii_lowercase();
    read.is_ok() && matches!(answer.as_str(), "y" | "yes")
}
