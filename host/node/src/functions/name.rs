//! Names of functions: DNS labels (RFC 1123, section 2.1), so that a name can be part of a
//! host name.

use std::fmt;

use thiserror::Error;

/// The longest name, in bytes (RFC 1035, section 2.3.4).
const LONGEST: usize = 63;

/// The name of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FunctionName(String);

/// A text that can't be the name of a function.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "`{text}` can't be the name of a function: write 1 to 63 lower-case letters, digits and \
     hyphens, with a letter or digit at both ends"
)]
pub(crate) struct InvalidName {
    text: String,
}

impl FunctionName {
    pub(crate) fn parse(text: &str) -> Result<FunctionName, InvalidName> {
        let bytes = text.as_bytes();
        let is_inner =
            |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
        let at_end = |byte: Option<&u8>| byte.is_some_and(|byte| *byte != b'-');
        let fits = bytes.len() <= LONGEST
            && bytes.iter().all(is_inner)
            && at_end(bytes.first())
            && at_end(bytes.last());
        match fits {
            true => Ok(FunctionName(text.to_owned())),
            false => Err(InvalidName {
                text: text.chars().take(LONGEST + 1).collect(),
            }),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FunctionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn names_are_dns_labels() {
        let longest = "a".repeat(LONGEST);
        for name in ["a", "0", "image-2", "a--b", longest.as_str()] {
            assert_eq!(FunctionName::parse(name).unwrap().as_str(), name);
        }
        let too_long = "a".repeat(LONGEST + 1);
        for name in [
            "", "-a", "a-", "A", "a_b", "a.b", "ä", "a b", "fn_0", &too_long,
        ] {
            assert!(FunctionName::parse(name).is_err(), "{name}");
        }
    }
}
