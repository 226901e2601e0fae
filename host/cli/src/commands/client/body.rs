//! The body of an invocation, as the command line gives it: text, a file or standard input.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;

use super::error::ClientError;
use super::request::Call;

/// Where a body comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodySource {
    /// The text itself.
    Text(String),
    /// A file, by `@PATH`.
    File(PathBuf),
    /// Standard input, by `-`.
    Input,
}

impl FromStr for BodySource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix('@') {
            Some("") => Err("it names no file: write @FILE".to_owned()),
            Some("-") => Ok(Self::Input),
            Some(path) => Ok(Self::File(path.into())),
            None if text == "-" => Ok(Self::Input),
            None => Ok(Self::Text(text.to_owned())),
        }
    }
}

impl BodySource {
    /// The call with this body.
    ///
    /// # Errors
    ///
    /// Where the file can't be read.
    pub fn put_into(self, call: Call) -> Result<Call, ClientError> {
        match self {
            Self::Text(text) => Ok(call.with_bytes(text)),
            Self::Input => Ok(call.with_reader(io::stdin(), None)),
            Self::File(path) => {
                let failed = |cause| ClientError::File {
                    path: path.clone(),
                    cause,
                };
                let file = File::open(&path).map_err(failed)?;
                let metadata = file.metadata().map_err(failed)?;
                if metadata.is_dir() {
                    return Err(failed(io::ErrorKind::IsADirectory.into()));
                }
                let length = metadata.is_file().then_some(metadata.len());
                Ok(call.with_reader(file, length))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_text_or_a_file_or_standard_input() {
        let text = |text: &str| Ok(BodySource::Text(text.to_owned()));
        assert_eq!("{\"a\": 1}".parse(), text("{\"a\": 1}"));
        assert_eq!("".parse(), text(""));
        assert_eq!("-x".parse(), text("-x"));
        assert_eq!("@a/b".parse(), Ok(BodySource::File("a/b".into())));
        assert_eq!("-".parse(), Ok(BodySource::Input));
        assert_eq!("@-".parse(), Ok(BodySource::Input));
        assert!("@".parse::<BodySource>().is_err());
    }
}
