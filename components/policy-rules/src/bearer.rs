//! The bearer token of a request, RFC 6750.

use crate::refusal::Refusal;

/// The longest header value that is accepted, in bytes.
const MAX_HEADER_BYTES: usize = 1024;

const SCHEME: &[u8] = b"bearer ";

/// The token in the values of a request's `authorization` header, `None` if there are none.
///
/// # Errors
/// [`Refusal::InvalidAuth`] if the header is repeated, too long, or not a bearer token.
pub fn token(headers: &[Vec<u8>]) -> Result<Option<&str>, Refusal> {
    let header = match headers {
        [] => return Ok(None),
        [header] => header,
        // Other readers of the request might use another one of them.
        _ => {
            return Err(Refusal::InvalidAuth(
                "there is more than one header Authorization: send one",
            ));
        }
    };
    if header.len() > MAX_HEADER_BYTES {
        return Err(Refusal::InvalidAuth(
            "the header Authorization is longer than 1024 bytes: send `Bearer TOKEN` in it",
        ));
    }
    match header.split_at_checked(SCHEME.len()) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(SCHEME) => {
            let token = token.trim_ascii();
            let is_valid = !token.is_empty() && token.iter().all(u8::is_ascii_graphic);
            str::from_utf8(token)
                .ok()
                .filter(|_| is_valid)
                .map(Some)
                .ok_or(Refusal::InvalidAuth(
                    "the token is empty, or holds characters that no token has: \
                     send it as it was given out",
                ))
        }
        _ => Err(Refusal::InvalidAuth(
            "the header Authorization is not understood: send `Authorization: Bearer TOKEN`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn token_of(headers: &[&str]) -> Result<Option<String>, Refusal> {
        let headers: Vec<_> = headers.iter().map(|h| h.as_bytes().to_vec()).collect();
        token(&headers).map(|token| token.map(str::to_owned))
    }

    #[test]
    fn the_case_of_the_scheme_does_not_matter() {
        assert_eq!(token_of(&["Bearer secret"]), Ok(Some("secret".into())));
        assert_eq!(
            token_of(&["bEARER   s3cr3t== "]),
            Ok(Some("s3cr3t==".into()))
        );
    }

    #[test]
    fn without_a_header_there_is_no_token_and_no_error() {
        assert_eq!(token_of(&[]), Ok(None));
    }

    #[test]
    fn a_header_that_is_not_a_bearer_token_is_refused() {
        for headers in [
            &[""][..],
            &["Bearer"],
            &["Bearer "],
            &["Bearersecret"],
            &["Basic c2VjcmV0"],
            &["Bearer two words"],
            &["Bearer caf\u{e9}"],
            &["Bearer one", "Bearer two"],
            &["Bearer one", "Bearer one"],
        ] {
            assert!(
                matches!(token_of(headers), Err(Refusal::InvalidAuth(_))),
                "{headers:?}"
            );
        }
    }

    #[test]
    fn a_header_of_more_than_a_kibibyte_is_refused() {
        let longest = "x".repeat(MAX_HEADER_BYTES - SCHEME.len());
        assert_eq!(
            token_of(&[&format!("Bearer {longest}")]),
            Ok(Some(longest.clone()))
        );
        assert!(token_of(&[&format!("Bearer {longest}x")]).is_err());
        // Spaces count, since the length is checked before anything else.
        assert!(token_of(&[&format!("Bearer {longest} ")]).is_err());
    }

    proptest! {
        #[test]
        fn a_token_is_a_part_of_the_header_without_spaces_for_any_bytes(
            headers in prop::collection::vec(
                prop_oneof![
                    any::<Vec<u8>>(),
                    any::<Vec<u8>>().prop_map(|rest| [b"Bearer ", &rest[..]].concat()),
                    "[Bb]earer [ \t]*[!-~]{1,40}[ \t]*".prop_map(String::into_bytes),
                ],
                0..3,
            )
        ) {
            match token(&headers) {
                Ok(None) => prop_assert!(headers.is_empty()),
                Ok(Some(token)) => {
                    prop_assert_eq!(headers.len(), 1);
                    prop_assert!(!token.is_empty());
                    prop_assert!(token.bytes().all(|byte| byte.is_ascii_graphic()));
                    let at = headers[0].windows(token.len()).any(|w| w == token.as_bytes());
                    prop_assert!(at);
                }
                Err(refusal) => prop_assert!(matches!(refusal, Refusal::InvalidAuth(_))),
            }
        }
    }
}
