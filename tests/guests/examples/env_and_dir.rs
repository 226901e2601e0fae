//! Shows what the host grants, as JSON: `/` the environment, the arguments and the preopened
//! directories, `/read/PATH` a file, `/polls/PATH` one that it reads as far as there is something, and
//! `/at/PATH` one from its second byte on. `/write/PATH` writes the request's body to a file.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use tensor_wasm_test_guests::{body, path, respond};
use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::{Descriptor, DescriptorFlags, ErrorCode, OpenFlags, PathFlags};
use wasip2::http::types::{IncomingRequest, ResponseOutparam};
use wasip2::io::streams::StreamError;

fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    let path = path(&request);
    let seen = if let Some(file) = path.strip_prefix("/read") {
        match fs::read_to_string(file) {
            Ok(text) => json!({ "text": text }),
            Err(error) => failure(&error),
        }
    } else if let Some(file) = path.strip_prefix("/polls") {
        seen(opened(file).and_then(|file| polled(&file)))
    } else if let Some(file) = path.strip_prefix("/at") {
        seen(opened(file).and_then(|file| read_at(&file)))
    } else if let Some(file) = path.strip_prefix("/write") {
        match fs::write(file, body(&request)) {
            Ok(()) => json!({ "written": true }),
            Err(error) => failure(&error),
        }
    } else {
        json!({
            "environment": std::env::vars().collect::<BTreeMap<_, _>>(),
            "arguments": std::env::args().collect::<Vec<_>>(),
            "directories": get_directories()
                .into_iter()
                .map(|(_, name)| name)
                .collect::<Vec<_>>(),
        })
    };
    respond(
        response_out,
        200,
        "application/json",
        seen.to_string().as_bytes(),
    );
}

fn seen(result: Result<Value, ErrorCode>) -> Value {
    result.unwrap_or_else(|error| json!({ "error": error.to_string() }))
}

/// A file, in the directory that it lies in.
fn opened(path: &str) -> Result<Descriptor, ErrorCode> {
    let directories = get_directories().into_iter();
    let mut found = directories.filter_map(|(directory, name)| {
        let inside = path.strip_prefix(&name)?.strip_prefix('/')?;
        Some((directory, inside))
    });
    let (directory, inside) = found.next().ok_or(ErrorCode::NoEntry)?;
    directory.open_at(
        PathFlags::empty(),
        inside,
        OpenFlags::empty(),
        DescriptorFlags::READ,
    )
}

/// All of a file, and how often it was asked for more.
fn polled(file: &Descriptor) -> Result<Value, ErrorCode> {
    let stream = file.read_via_stream(0)?;
    let mut text = Vec::new();
    for count in 1_u32.. {
        match stream.read(1000) {
            Ok(bytes) if bytes.is_empty() => stream.subscribe().block(),
            Ok(bytes) => text.extend(bytes),
            Err(StreamError::Closed) => {
                return Ok(json!({ "bytes": text.len(), "reads": count }));
            }
            Err(StreamError::LastOperationFailed(_)) => break,
        }
    }
    Err(ErrorCode::Io)
}

/// Some bytes from the second on, and whether the file ends there; then those behind its end.
fn read_at(file: &Descriptor) -> Result<Value, ErrorCode> {
    let (bytes, is_end) = file.read(9, 1)?;
    let (behind, is_behind) = file.read(9, 1 << 40)?;
    Ok(json!({
        "text": String::from_utf8_lossy(&bytes),
        "ends": is_end,
        "behind": [behind.len().to_string(), is_behind.to_string()],
    }))
}

fn failure(error: &std::io::Error) -> Value {
    json!({ "error": error.to_string() })
}

tensor_wasm_test_guests::service!(handle);
