//! Paths of assets, below the folder that they are mounted at.

use std::fmt;

use thiserror::Error;

/// The longest path, in bytes.
const LONGEST: usize = 512;
/// The longest name in it: that of a file on Linux.
const LONGEST_NAME: usize = 255;
/// Folders and file, together.
const DEEPEST: usize = 16;

/// The path of an asset: names with `/` between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AssetPath(String);

/// A text that can't be the path of an asset.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "`{text}` can't be the path of an asset ({problem}): write names with / between them, such as \
     weights/model.bin, at most {DEEPEST} names and {LONGEST} bytes in all"
)]
pub(crate) struct InvalidAssetPath {
    text: String,
    problem: &'static str,
}

impl AssetPath {
    /// The path in the target of a request, where it is percent-encoded.
    pub(crate) fn of_target(target: &str) -> Result<AssetPath, InvalidAssetPath> {
        let decoded = percent_encoding::percent_decode_str(target).decode_utf8();
        match decoded {
            Ok(text) => AssetPath::parse(&text),
            Err(_) => Err(invalid(target, "it is not UTF-8")),
        }
    }

    pub(crate) fn parse(text: &str) -> Result<AssetPath, InvalidAssetPath> {
        let names = || text.split('/');
        let problem = if text.len() > LONGEST {
            "it is too long"
        } else if names().count() > DEEPEST {
            "it has too many folders"
        } else if text.starts_with('/') {
            "it begins with /"
        } else if names().any(str::is_empty) {
            "a name is empty"
        } else if names().any(|name| matches!(name, "." | "..")) {
            "a name is . or .."
        } else if names().any(|name| name.len() > LONGEST_NAME) {
            "a name is longer than 255 bytes"
        } else if text.chars().any(|c| c.is_control() || c == '\\') {
            "it has a control character or a backslash"
        } else {
            return Ok(AssetPath(text.to_owned()));
        };
        Err(invalid(text, problem))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

fn invalid(text: &str, problem: &'static str) -> InvalidAssetPath {
    const SHOWN: usize = 64;
    let shown = text.chars().take(SHOWN);
    let text = shown.flat_map(|c| match c.is_control() {
        true => c.escape_default().collect::<Vec<_>>(),
        false => vec![c],
    });
    InvalidAssetPath {
        text: text.collect(),
        problem,
    }
}

impl fmt::Display for AssetPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::{Component, Path};

    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    use super::*;

    /// Texts near to paths: parts of them in any order, and any others.
    fn texts() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            Just(".".to_owned()),
            Just("..".to_owned()),
            Just("/".to_owned()),
            Just("\\".to_owned()),
            Just("\0".to_owned()),
            Just("%2e".to_owned()),
            Just("a".repeat(LONGEST_NAME)),
            "[a-c]{1,3}",
            "\\PC{0,3}",
            any::<char>().prop_map(String::from),
        ];
        prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn whatever_is_a_path_stays_below_its_folder_and_means_the_same_encoded(text in texts()) {
            let parsed = AssetPath::parse(&text);
            let target = utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string();
            prop_assert_eq!(&AssetPath::of_target(&target), &parsed);
            let Ok(path) = parsed else { return Ok(()) };
            prop_assert_eq!(path.as_str(), &text);
            let below = Path::new(path.as_str());
            prop_assert!(below.components().all(|part| matches!(part, Component::Normal(_))));
            prop_assert_eq!(below.components().count(), text.split('/').count());
        }

        #[test]
        fn no_target_is_decoded_to_a_path_that_leads_elsewhere(
            bytes in prop::collection::vec(any::<u8>(), 0..64),
        ) {
            let target: String = bytes.iter().map(|byte| format!("%{byte:02x}")).collect();
            match AssetPath::of_target(&target) {
                Ok(path) => prop_assert_eq!(path.as_str().as_bytes(), &bytes[..]),
                Err(error) => {
                    let told = error.to_string();
                    prop_assert!(!told.chars().any(char::is_control), "{told:?}");
                }
            }
        }
    }

    #[test]
    fn a_path_is_names_with_slashes_between_them() {
        let deepest = ["a"; DEEPEST].join("/");
        let longest_name = "a".repeat(LONGEST_NAME);
        for path in [
            "a",
            "weights/model.bin",
            ".hidden",
            "...",
            "größe/模型",
            "a b",
            &deepest,
            &longest_name,
        ] {
            assert_eq!(AssetPath::parse(path).unwrap().as_str(), path);
        }
        let too_deep = ["a"; DEEPEST + 1].join("/");
        let (long_name, long) = (
            "a".repeat(LONGEST_NAME + 1),
            "a/".repeat(8) + &"b".repeat(500),
        );
        for path in [
            "", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a\0b", "a\nb", "a\\b",
            "a\u{7f}", &too_deep, &long_name, &long,
        ] {
            assert!(AssetPath::parse(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn a_path_in_a_target_is_decoded_before_it_is_checked() {
        assert_eq!(
            AssetPath::of_target("a%20b/%C3%B6").unwrap().as_str(),
            "a b/ö"
        );
        for target in ["%2e%2e/a", "a%2F..%2Fb", "%2Fa", "a%00b", "%ff", "a/%2e"] {
            assert!(AssetPath::of_target(target).is_err(), "{target}");
        }
        let error = AssetPath::of_target("a%00b").unwrap_err().to_string();
        assert!(error.contains("\\u{0}"), "{error}");
    }
}
