//! The node's audit log as a file: the records of requests, found by their ids.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use serde_json::Value;

use crate::commands::client::error::ClientError;

/// How much of the end of the file is read, in bytes: the records are among the last.
const TAIL: u64 = 8 << 20;

/// The action and the status of the record of a request, if there is one.
///
/// # Errors
///
/// Where the file can't be read.
pub fn record_of(path: &Path, request_id: &str) -> Result<Option<(String, u64)>, ClientError> {
    let text = tail(path).map_err(|cause| ClientError::File {
        path: path.to_owned(),
        cause,
    })?;
    let mut lines = text.lines().rev();
    Ok(lines.find_map(|line| {
        // Most lines are of other requests.
        if !line.contains(request_id) {
            return None;
        }
        let record: Value = serde_json::from_str(line).ok()?;
        if record.get("request_id")?.as_str()? != request_id {
            return None;
        }
        let action = record.get("action")?.as_str()?.to_owned();
        let status = record.get("outcome")?.get("status_code")?.as_u64()?;
        Some((action, status))
    }))
}

fn tail(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_record_is_found_by_its_request() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let line = |id: &str, action: &str| {
            format!(
                "{{\"request_id\":\"{id}\",\"action\":\"{action}\",\"outcome\":{{\"status_code\":200}}}}\n"
            )
        };
        let text = line("a1", "function.invoke") + &line("b", "x a1") + "not JSON a1\n";
        std::fs::write(&path, text).unwrap();
        let found = record_of(&path, "a1").unwrap();
        assert_eq!(found, Some(("function.invoke".to_owned(), 200)));
        assert_eq!(record_of(&path, "c").unwrap(), None);
        assert!(record_of(&folder.path().join("none"), "c").is_err());
    }
}
