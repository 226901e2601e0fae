//! The options of recording requests, so that `tensor-wasm replay` can run them again.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use tensor_wasm_node::recordings;
use tensor_wasm_runtime::{RecordWhen, RecorderConfig};

use crate::values;

#[derive(Args)]
pub struct RecordOptions {
    /// Record requests in this directory, so that `tensor-wasm replay` can run them again: what
    /// their guests got from outside, with credentials redacted. Without it nothing is recorded
    #[arg(long, value_name = "DIRECTORY", help_heading = "Recording")]
    record: Option<PathBuf>,
    /// Which requests are kept
    #[arg(long, value_enum, default_value = "failed", help_heading = "Recording")]
    record_when: When,
    /// Record one request in so many
    #[arg(
        long,
        value_name = "NUMBER",
        default_value = "1",
        help_heading = "Recording"
    )]
    record_one_in: NonZeroU32,
    /// What a recording may have before it is compressed, up to 1GiB. It ends where it would have
    /// more
    #[arg(long, value_name = "SIZE", value_parser = recording_bytes, default_value = "16MiB", help_heading = "Recording")]
    record_max_bytes: usize,
    /// Keep what guests write and read from the device whole up to this size, 1MiB at most; of more,
    /// its digest
    #[arg(long, value_name = "SIZE", value_parser = whole_bytes, default_value = "64KiB", help_heading = "Recording")]
    record_whole_bytes: usize,
    /// Recordings that are kept, of each function; the oldest gives way
    #[arg(
        long,
        value_name = "NUMBER",
        default_value = "100",
        help_heading = "Recording"
    )]
    record_files: NonZeroUsize,
    /// Leave out the values of headers, query parameters, environment variables and settings of
    /// this name, too; repeatable
    #[arg(long, value_name = "NAME", help_heading = "Recording")]
    record_redact: Vec<String>,
}

/// Which requests are kept.
#[derive(Clone, Copy, ValueEnum)]
enum When {
    /// Those without a response, or with a status from 500 on
    Failed,
    /// All
    All,
}

/// A size that a recording can have.
fn recording_bytes(text: &str) -> Result<usize, String> {
    const MOST: u64 = 1 << 30;
    let bytes = values::bytes(text)?;
    let fits = usize::try_from(bytes).ok().filter(|_| bytes <= MOST);
    fits.ok_or_else(|| "a recording can't have more than 1GiB".to_owned())
}

/// A size up to which something is kept whole.
fn whole_bytes(text: &str) -> Result<usize, String> {
    let bytes = values::bytes(text)?;
    let bytes = usize::try_from(bytes).ok();
    let fits = bytes.filter(|bytes| *bytes <= RecorderConfig::MOST_WHOLE_BYTES);
    fits.ok_or_else(|| {
        "up to 1MiB is kept whole: longer results are not looked through for credentials, and \
         have their digest alone"
            .to_owned()
    })
}

impl RecordOptions {
    /// How requests are recorded, if they are.
    pub fn options(&self) -> Option<recordings::RecordOptions> {
        let directory = self.record.clone()?;
        Some(recordings::RecordOptions {
            directory,
            when: match self.record_when {
                When::Failed => RecordWhen::Failed,
                When::All => RecordWhen::All,
            },
            one_in: self.record_one_in,
            max_bytes: self.record_max_bytes,
            whole_bytes: self.record_whole_bytes,
            files: self.record_files,
            redact: self.record_redact.clone(),
            functions: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_kept_whole_than_is_looked_through() {
        assert_eq!(whole_bytes("1MiB"), Ok(1 << 20));
        assert_eq!(whole_bytes("0"), Ok(0));
        for text in ["1048577", "1GiB", "10EB"] {
            let refused = whole_bytes(text);
            assert!(refused.is_err_and(|error| error.contains("1MiB")), "{text}");
        }
    }
}
