//! A token in the clear, for as long as somebody has to see it: when it is made.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::{LONGEST_TOKEN, TokenError};

/// What the tokens that we make begin with, so that scanners for leaked secrets, and
/// people, know one where they see it.
const PREFIX: &str = "twt_";

/// Random bytes in a token that we make.
const RANDOM: usize = 32;

/// Fewer characters than this hold fewer than 128 bits, even of random base64.
const SHORTEST: usize = 22;

/// Fewer different characters than this are no random text of that length.
const FEWEST: usize = 6;

/// A token in the clear. Wiped from memory when it is dropped; shown by nothing but
/// [`Secret::reveal`].
pub struct Secret(Zeroizing<String>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// Makes one of 256 random bits.
    ///
    /// # Errors
    ///
    /// Where the operating system has no random numbers.
    pub fn generate() -> Result<Secret, TokenError> {
        let mut random = Zeroizing::new([0; RANDOM]);
        getrandom::fill(random.as_mut_slice()).map_err(TokenError::NoRandomNumbers)?;
        // With room for all of it, so that growing leaves no copy behind.
        let mut text = Zeroizing::new(String::with_capacity(64));
        text.push_str(PREFIX);
        URL_SAFE_NO_PAD.encode_string(random.as_slice(), &mut text);
        Ok(Secret(text))
    }

    /// Takes one that somebody else made.
    ///
    /// # Errors
    ///
    /// [`TokenError::Secret`] where it could be guessed, or where no request can
    /// carry it.
    pub fn from_text(text: &str) -> Result<Secret, TokenError> {
        let wrong = |problem| Err(TokenError::Secret { problem });
        if let Some(problem) = problem_of(text) {
            return wrong(problem);
        }
        if text.len() < SHORTEST {
            return wrong(
                "has fewer than 22 characters: it is kept as a fast hash, which protects \
                 only what nobody can guess, and 22 random characters are 128 bits",
            );
        }
        let mut different: Vec<_> = text.bytes().collect();
        different.sort_unstable();
        different.dedup();
        if different.len() < FEWEST {
            return wrong(
                "repeats a few characters: it is kept as a fast hash, which protects \
                 only what nobody can guess",
            );
        }
        Ok(Secret(Zeroizing::new(text.to_owned())))
    }

    /// The token itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// What keeps a token from ever matching: all that may stand behind `Bearer`
/// (RFC 6750) fits.
pub(super) fn problem_of(token: &str) -> Option<&'static str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
    if token.is_empty() {
        Some("is empty")
    } else if token.len() > LONGEST_TOKEN {
        Some("has more than 512 characters")
    } else if !token.chars().all(fits) {
        Some("has a character that HTTP allows in no bearer token")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn a_generated_token_is_new_each_time_and_fits_a_header() {
        let (one, two) = (Secret::generate().unwrap(), Secret::generate().unwrap());
        assert_ne!(one.reveal(), two.reveal());
        assert_eq!(one.reveal().len(), 4 + 43);
        assert!(one.reveal().starts_with("twt_"));
        assert!(Secret::from_text(one.reveal()).is_ok());
    }

    #[test]
    fn a_secret_that_could_be_guessed_is_refused_with_the_reason() {
        for (text, word) in [
            ("", "empty"),
            ("correct-horse-battery", "22 characters"),
            ("aaaaaaaaaaaaaaaaaaaaaaaaaaaa", "repeats"),
            ("with a blank in the middle", "HTTP"),
            (&"0123456789".repeat(60), "512"),
        ] {
            let error = Secret::from_text(text).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.contains(word), "{shown}");
            assert!(text.is_empty() || !shown.contains(text), "{shown}");
        }
        assert!(Secret::from_text("correct-horse-battery-").is_ok());
    }

    #[test]
    fn a_secret_shows_itself_only_when_asked() {
        let secret = Secret::generate().unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }
}
