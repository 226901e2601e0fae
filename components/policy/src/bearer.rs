//! The bearer token of a request, as RFC 6750 has it.

/// The token in a request's `authorization` headers, or why there is none.
pub fn token(headers: &[Vec<u8>]) -> Result<&str, &'static str> {
    let header = match headers {
        [] => return Err("a token is needed: send the header `Authorization: Bearer TOKEN`"),
        [header] => header,
        // Which one counts would be for each reader to guess.
        _ => return Err("more than one Authorization header"),
    };
    match header.split_at_checked(SCHEME.len()) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(SCHEME) => {
            let token = token.trim_ascii();
            if token.is_empty() || !token.iter().all(u8::is_ascii_graphic) {
                return Err("the token is empty, or holds characters that no token has");
            }
            str::from_utf8(token).map_err(|_| "the token is not text")
        }
        _ => Err("only `Authorization: Bearer TOKEN` is understood"),
    }
}

const SCHEME: &[u8] = b"bearer ";

#[cfg(test)]
mod tests {
    use super::*;

    fn of(headers: &[&str]) -> Result<String, &'static str> {
        let headers: Vec<_> = headers.iter().map(|h| h.as_bytes().to_vec()).collect();
        token(&headers).map(str::to_owned)
    }

    #[test]
    fn a_bearer_token_is_found_whatever_the_case_of_its_scheme() {
        assert_eq!(of(&["Bearer secret"]), Ok("secret".into()));
        assert_eq!(of(&["bEARER   s3cr3t== "]), Ok("s3cr3t==".into()));
    }

    #[test]
    fn whatever_is_no_bearer_token_is_refused() {
        for headers in [
            &[][..],
            &[""],
            &["Bearer"],
            &["Bearer "],
            &["Bearersecret"],
            &["Basic c2VjcmV0"],
            &["Bearer two words"],
            &["Bearer caf\u{e9}"],
            &["Bearer one", "Bearer two"],
        ] {
            assert!(of(headers).is_err(), "{headers:?}");
        }
    }
}
