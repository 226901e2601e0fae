//! What an operator sets: where the log is written, and what happens while it can't be.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::AuditError;

/// Where the log goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AuditTarget {
    /// Standard output, between what the server itself prints.
    #[default]
    Stdout,
    /// A file, appended to.
    File(PathBuf),
    /// Nothing is recorded.
    None,
}

impl FromStr for AuditTarget {
    type Err = AuditError;

    fn from_str(input: &str) -> Result<Self, AuditError> {
        let wrong = |hint: String| AuditError::Target {
            input: input.to_owned(),
            hint,
        };
        match input {
            "stdout" => Ok(Self::Stdout),
            "none" => Ok(Self::None),
            _ => match input.strip_prefix("file:") {
                Some("") => Err(wrong("; the path is missing".to_owned())),
                Some(path) => Ok(Self::File(PathBuf::from(path))),
                None if input.contains(['/', '.']) => {
                    Err(wrong(format!("; did you mean `file:{input}`?")))
                }
                None => Err(wrong(String::new())),
            },
        }
    }
}

impl fmt::Display for AuditTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => f.write_str("stdout"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::None => f.write_str("none"),
        }
    }
}

/// What happens to requests while records can't be kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// Requests that could change state are refused.
    #[default]
    Refuse,
    /// Requests go on; what is lost is counted and warned about.
    Warn,
}

impl FromStr for OnFailure {
    type Err = AuditError;

    fn from_str(input: &str) -> Result<Self, AuditError> {
        match input {
            "refuse" => Ok(Self::Refuse),
            "warn" => Ok(Self::Warn),
            _ => Err(AuditError::OnFailure {
                input: input.to_owned(),
            }),
        }
    }
}

impl fmt::Display for OnFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refuse => "refuse",
            Self::Warn => "warn",
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn a_target_is_read_and_shown_in_the_same_words() {
        for text in ["stdout", "none", "file:/var/log/audit.log", "file:a:b"] {
            assert_eq!(text.parse::<AuditTarget>().unwrap().to_string(), text);
        }
        for text in ["refuse", "warn"] {
            assert_eq!(text.parse::<OnFailure>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_wrong_target_is_repeated_with_what_could_have_been_meant() {
        for (text, words) in [
            (
                "/var/log/audit.log",
                "did you mean `file:/var/log/audit.log`?",
            ),
            ("file:", "the path is missing"),
            ("", "write `stdout`, `file:PATH` or `none`"),
            ("syslog", "`syslog`"),
            ("STDOUT", "`STDOUT`"),
        ] {
            let error = text.parse::<AuditTarget>().unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        let error = "panic".parse::<OnFailure>().unwrap_err().to_string();
        assert!(error.contains("`panic`") && error.contains("`refuse` or `warn`"));
    }
}
