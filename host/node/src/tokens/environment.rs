//! The tokens of `TENSOR_WASM_API_TOKENS`.
//!
//! Entries with commas between them: `TOKEN:tenant=*`, or `TOKEN:tenant=1,2,3`. An
//! item that is only a number belongs to the list of tenants before it. A bare
//! `TOKEN` still works, for all tenants, and is deprecated.

use tensor_wasm_runtime::policy::{Principal, Scope};

use super::claims::parse_tenant;
use super::entry::{Entry, ProcessKeys};
use super::secret::problem_of;
use super::{SHORT, TokenError, TokenSource};
use crate::deprecation::{BARE_TOKENS, Release};

/// An entry of the variable.
struct Item<'a> {
    token: &'a str,
    /// `None` for a bare token.
    scope: Option<Scope>,
}

/// Takes the tokens from the variable's text. Warns in the log, once, where some of
/// them are bare, until the release that refuses these.
pub(super) fn parse(
    keys: &ProcessKeys,
    text: &str,
    release: Release,
) -> Result<Vec<Entry>, TokenError> {
    let items = items(text)?;
    if let Some(first) = items.iter().position(|item| item.scope.is_none()) {
        if BARE_TOKENS.is_removed_in(release) {
            return Err(TokenError::Removed {
                place: TokenSource::Entry(first + 1),
                deprecation: &BARE_TOKENS,
            });
        }
        let bare = items.iter().filter(|item| item.scope.is_none()).count();
        tracing::warn!(bare, "{BARE_TOKENS}");
    }
    let entries = items.into_iter().enumerate().map(|(index, item)| {
        let (number, place) = (index + 1, TokenSource::Entry(index + 1));
        if item.token.len() < SHORT {
            tracing::warn!("{place}: a token of fewer than {SHORT} characters could be guessed");
        }
        let principal = Principal {
            id: format!("env-{number}"),
            scope: item.scope.unwrap_or(Scope::All),
            roles: Vec::new(),
        };
        Entry::plain(keys, place, item.token, principal, true)
    });
    Ok(entries.collect())
}

fn items(text: &str) -> Result<Vec<Item<'_>>, TokenError> {
    let mut items = Vec::<Item<'_>>::new();
    for part in text.split(',').map(str::trim) {
        if part.is_empty() {
            continue;
        }
        let number = items.len();
        let wrong = |number, problem| TokenError::Wrong {
            place: TokenSource::Entry(number),
            problem,
        };
        if part.bytes().all(|b| b.is_ascii_digit()) {
            let Some(Item {
                scope: Some(Scope::Only(tenants)),
                ..
            }) = items.last_mut()
            else {
                // As a token it would be for all tenants, and easy to guess.
                return Err(wrong(
                    number + 1,
                    "is a number with no list of tenants before it",
                ));
            };
            let tenant = parse_tenant(part).map_err(|problem| wrong(number, problem))?;
            if !tenants.contains(&tenant) {
                tenants.push(tenant);
            }
        } else {
            items.push(item(part).map_err(|problem| wrong(number + 1, problem))?);
        }
    }
    Ok(items)
}

fn item(text: &str) -> Result<Item<'_>, &'static str> {
    let (token, scope) = match text.split_once(':') {
        None => (text, None),
        Some((token, scope)) => {
            let tenants = scope
                .trim()
                .strip_prefix("tenant=")
                .ok_or("has something other than tenant= behind its colon")?;
            let scope = match tenants.trim() {
                "*" => Scope::All,
                tenant => Scope::Only(vec![parse_tenant(tenant)?]),
            };
            (token.trim(), Some(scope))
        }
    };
    match problem_of(token) {
        Some(problem) => Err(problem),
        None => Ok(Item { token, scope }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;
    use proptest::prelude::*;

    /// One that takes bare tokens.
    const RELEASE: Release = Release { major: 0, minor: 1 };

    fn scopes(text: &str) -> Vec<(String, Scope)> {
        let entries = parse(&ProcessKeys::generate().unwrap(), text, RELEASE).unwrap();
        entries
            .into_iter()
            .map(|e| (e.principal.id, e.principal.scope))
            .collect()
    }

    #[test]
    fn entries_have_all_tenants_or_some_and_names_by_their_position() {
        let expected = [
            ("env-1".to_owned(), Scope::All),
            ("env-2".to_owned(), Scope::Only(vec![1, 2, 3])),
            ("env-3".to_owned(), Scope::All),
            ("env-4".to_owned(), Scope::Only(vec![u64::MAX])),
        ];
        for text in [
            "a:tenant=*,b:tenant=1,2,3,bare,d:tenant=18446744073709551615",
            " a:tenant=* ,\nb:tenant=1, 2,2 ,3,,bare,d : tenant= 18446744073709551615,",
        ] {
            assert_eq!(scopes(text), expected, "{text}");
        }
        assert!(scopes("").is_empty() && scopes(" , ,").is_empty());
        assert_eq!(scopes("123:tenant=4")[0].1, Scope::Only(vec![4]));
    }

    #[test]
    fn an_error_names_the_entrys_position_and_never_its_text() {
        for (text, number, word) in [
            ("a:tenant=*,b:tenant=1,2,secret:tenant=x", 3, "tenants"),
            ("secret:tenant=", 1, "tenants"),
            ("secret:tenant=1,18446744073709551616", 1, "64-bit"),
            ("secret:tenant=-1", 1, "tenants"),
            ("secret:tenant=*,5", 2, "number"),
            ("secret,5", 2, "number"),
            ("5", 1, "number"),
            ("a:tenant=1,secret:role=x", 2, "tenant="),
            ("secret:tenant=1:tenant=2", 1, "tenants"),
            (":tenant=1", 1, "empty"),
            ("a,b,se cret", 3, "HTTP"),
            ("sécret:tenant=1", 1, "HTTP"),
        ] {
            let Err(error) = parse(&ProcessKeys::generate().unwrap(), text, RELEASE) else {
                panic!("{text} was taken");
            };
            let shown = format!("{error} {error:?}");
            let place = format!("entry {number} of TENSOR_WASM_API_TOKENS ");
            assert!(
                shown.contains(&place) && shown.contains(word),
                "{text}: {shown}"
            );
            assert!(!shown.contains("cret"), "{shown}");
        }
    }

    #[test]
    fn from_version_1_on_a_bare_token_is_refused_and_the_form_that_is_not_is_named() {
        let keys = ProcessKeys::generate().unwrap();
        let release = Release { major: 1, minor: 0 };
        let Err(error) = parse(&keys, "a:tenant=1,2,secret", release) else {
            panic!("it is bare");
        };
        assert_eq!(
            error.to_string(),
            "entry 2 of TENSOR_WASM_API_TOKENS is one of the bare bearer tokens in \
             TENSOR_WASM_API_TOKENS, which are refused since version 1.0: write \
             token:tenant=* or token:tenant=1,2"
        );
        assert_eq!(parse(&keys, "a:tenant=1,2", release).unwrap().len(), 1);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(\\PC{0,9}|[a-c]|:tenant=|[0-9]{1,22}|\\*|,){0,20}") {
            let _ = parse(&ProcessKeys::generate().unwrap(), &text, RELEASE);
        }
    }
}
