//! What a command of the client prints, and how it ends.

use std::io::{self, Write};
use std::process::ExitCode;

use super::error::ClientError;
use super::model::Function;
use super::text::{list, plain, size};
use crate::commands::table::table;

/// Runs a command of the client. An error is printed, and becomes the exit code.
pub fn run(command: impl Future<Output = Result<(), ClientError>>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(command);
    // Nobody waits for a read of standard input that is still going on.
    runtime.shutdown_background();
    Ok(match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let (code, notes) = (error.exit_code(), error.notes());
            crate::report(&error.into());
            for note in notes {
                tell!("{note}");
            }
            ExitCode::from(code)
        }
    })
}

/// Prints JSON of the node as it came, on lines of its own.
pub fn print_json(json: &[u8]) -> Result<(), ClientError> {
    write_out(json)?;
    match json.last() {
        Some(b'\n') => Ok(()),
        _ => write_out(b"\n"),
    }
}

/// Prints text.
pub fn print(text: &str) -> Result<(), ClientError> {
    write_out(text.as_bytes())
}

/// Prints a table, or that there is nothing to list.
pub fn print_table<const N: usize>(
    titles: [&str; N],
    rows: &[[String; N]],
    nothing: &str,
) -> Result<(), ClientError> {
    match rows.is_empty() {
        true => print(&format!("{nothing}\n")),
        false => print(&table(titles, rows)),
    }
}

/// Writes bytes to standard output at once. A reader that went away is no error.
pub fn write_out(bytes: &[u8]) -> Result<(), ClientError> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(cause) => ClientError::output(cause),
    }
}

/// What a person is shown of a function.
pub fn describe(function: &Function) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| text += &format!("{name:<14}{value}\n");
    line("name", &plain(&function.name));
    line("id", &plain(&function.id));
    line("version", &function.version.to_string());
    line("digest", &plain(&function.digest));
    line("size", &size(function.size_bytes));
    line("traffic", &traffic(function));
    line("capabilities", &list(&function.capabilities, ", "));
    line("granted", &list(&function.imports.granted, ", "));
    line("denied", &list(&function.imports.denied, ", "));
    line("created", &plain(&function.created_at));
    line("updated", &plain(&function.updated_at));
    text
}

/// Which versions get requests: `2`, or `1: 90%, 2: 10%`.
pub fn traffic(function: &Function) -> String {
    let weights: Vec<String> = function
        .traffic
        .iter()
        .map(|(version, percent)| format!("{version}: {percent}%"))
        .collect();
    list(&weights, ", ")
}
