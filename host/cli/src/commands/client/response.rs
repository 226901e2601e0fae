//! A function's response, as it is: its body goes to standard output as it comes.

use std::io::{self, Write};

use super::connection::Answer;
use super::error::ClientError;
use super::text::plain;

/// Writes a function's response to standard output, with its head where that is asked for.
/// A reader that goes away ends it.
///
/// # Errors
///
/// Where the node answers in the function's place, the response breaks off, or its status is
/// 400 or more, which is told after all of it is written.
pub async fn pass_on(mut answer: Answer<'_>, include_head: bool) -> Result<(), ClientError> {
    if !answer.is_of_function() {
        return Err(answer.error().await);
    }
    let mut out = io::stdout();
    if include_head && !write(&mut out, head(&answer).as_bytes())? {
        return Ok(());
    }
    while let Some(part) = answer.part().await? {
        if !write(&mut out, &part)? {
            return Ok(());
        }
    }
    if answer.status.is_client_error() || answer.status.is_server_error() {
        return Err(ClientError::FunctionStatus(answer.status));
    }
    Ok(())
}

/// Writes bytes at once. Returns whether anybody still reads.
fn write(out: &mut impl Write, bytes: &[u8]) -> Result<bool, ClientError> {
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(cause) => ClientError::output(cause).map(|()| false),
    }
}

/// The head of a response as it looks in HTTP/1.1, and an empty line.
fn head(answer: &Answer<'_>) -> String {
    let mut text = format!("{:?} {}\n", answer.version, answer.status);
    for (name, value) in &answer.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        text += &format!("{name}: {}\n", plain(&value));
    }
    text.push('\n');
    text
}
