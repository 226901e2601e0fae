//! Lists of tokens, whatever they were read from.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::time::{Duration, UNIX_EPOCH};

use tensor_wasm_runtime::policy::Scope;

use super::super::{Claims, HashedLine, Secret, TokenSource, parse_tenants};
use super::*;

const LIST: &str = "# comment\n\nbuild:0Jd9rUq4mW2hX7cT\r\n  Zk3vN8pQ1sY6bF5g  \n";

fn claims(name: &str) -> Claims {
    Claims {
        name: name.to_owned(),
        scope: Scope::All,
        roles: vec![],
        expires: None,
    }
}

/// A secret and its line, under a key of its own.
fn line(claims: Claims) -> (String, String) {
    line_with(FileKey::generate().unwrap(), claims)
}

fn line_with(key: FileKey, claims: Claims) -> (String, String) {
    let secret = Secret::generate().unwrap();
    let line = HashedLine::new(&secret, key, claims).unwrap();
    (secret.reveal().to_owned(), line.to_string())
}

#[test]
fn a_known_token_names_its_principal() {
    let list = TokenList::parse(LIST).unwrap();
    assert_eq!(list.len(), 2);
    assert_eq!(list.authenticate("0Jd9rUq4mW2hX7cT").unwrap().id, "build");
    let unnamed = list.authenticate("Zk3vN8pQ1sY6bF5g").unwrap();
    assert_eq!(
        (unnamed.id.as_str(), unnamed.scope),
        ("token-2", Scope::All)
    );
}

#[test]
fn a_hashed_token_names_its_principal_with_scope_and_roles() {
    let (secret, line) = line(Claims {
        scope: parse_tenants("1,2").unwrap(),
        roles: vec!["admin".to_owned(), "deploy".to_owned()],
        ..claims("alice")
    });
    let list = TokenList::parse(&format!("{LIST}{line}\n")).unwrap();
    let alice = list.authenticate(&secret).unwrap();
    assert_eq!(alice.id, "alice");
    assert_eq!(alice.scope, Scope::Only(vec![1, 2]));
    assert_eq!(alice.roles, ["admin", "deploy"]);
    assert_eq!(list.authenticate("0Jd9rUq4mW2hX7cT").unwrap().id, "build");
}

#[test]
fn whatever_is_not_a_token_of_the_list_is_unknown() {
    let (secret, line) = line(claims("alice"));
    let list = TokenList::parse(&format!("{LIST}{line}")).unwrap();
    let digest = line.split_once(' ').unwrap().1;
    let hash = digest.rsplit_once(':').unwrap().1;
    let long = "x".repeat(1 << 20);
    for token in [
        "",
        "0Jd9rUq4mW2hX7c",
        "0Jd9rUq4mW2hX7cTT",
        "build",
        "alice",
        "# comment",
        digest,
        hash,
        &secret[1..],
        &secret.to_uppercase(),
        &format!("{secret} "),
        &long,
    ] {
        assert_eq!(list.authenticate(token), Err(Refusal::Unknown));
    }
}

#[test]
fn an_error_names_the_line_and_never_the_token() {
    let (_, good) = line(claims("alice"));
    for (text, number) in [
        ("good-token-0123456\nse cret", 2),
        ("\n:secret", 2),
        ("name:", 1),
        ("na me:secret", 1),
        ("a:b:secret", 1),
        ("sécret", 1),
        ("a\nsecret blake3:00:00", 2),
        (&format!("{good} secret"), 1),
        (&format!("{good} expires=secret"), 1),
    ] {
        let error = TokenList::parse(text).unwrap_err();
        assert!(
            matches!(error, TokenError::Wrong { place: TokenSource::Line(l), .. } if l == number),
            "{text}"
        );
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("cret"), "{shown}");
        assert!(
            error.to_string().contains(&format!("line {number} ")),
            "{error}"
        );
    }
}

#[test]
fn a_token_that_comes_twice_is_an_error_with_both_lines() {
    let (_, line) = line(claims("alice"));
    for text in [
        "a:one\nb:two\nc:one",
        &format!("{line}\n\n{}", line.replace("alice", "bob")),
    ] {
        let error = TokenList::parse(text).unwrap_err();
        assert!(
            matches!(
                error,
                TokenError::Repeated {
                    place: TokenSource::Line(3),
                    first: TokenSource::Line(1),
                    what: "token"
                }
            ),
            "{error}"
        );
    }
}

#[test]
fn a_name_has_two_tokens_during_a_rotation_and_never_three() {
    let key = FileKey::generate().unwrap();
    let lines: Vec<_> = (0..3).map(|_| line_with(key, claims("alice"))).collect();
    let two = TokenList::parse(&format!("{}\n{}", lines[0].1, lines[1].1)).unwrap();
    for (secret, _) in &lines[..2] {
        assert_eq!(two.authenticate(secret).unwrap().id, "alice");
    }
    let (one, two, three) = (&lines[0].1, &lines[1].1, &lines[2].1);
    for text in [
        format!("{one}\n{two}\n\n{three}"),
        "alice:one\nalice:two\n\nalice:three".to_owned(),
    ] {
        let error = TokenList::parse(&text).unwrap_err().to_string();
        for place in ["line 4 ", "line 1 ", "line 2 "] {
            assert!(error.contains(place), "{error}");
        }
    }
}

#[test]
fn tokens_that_have_expired_do_not_count_as_one_of_two() {
    let old = line(Claims {
        expires: Some(UNIX_EPOCH + Duration::from_secs(1)),
        ..claims("alice")
    });
    let text = format!("{}\nalice:one\nalice:two", old.1);
    let list = TokenList::parse(&text).unwrap();
    assert_eq!(list.authenticate(&old.0), Err(Refusal::Expired));
    assert!(list.authenticate("one").is_ok() && list.authenticate("two").is_ok());
}

#[test]
fn a_generated_name_is_not_shared_with_a_chosen_one() {
    for text in ["one\ntoken-1:two", "token-2:one\ntwo"] {
        let error = TokenList::parse(text).unwrap_err();
        assert!(
            matches!(
                error,
                TokenError::Repeated {
                    place: TokenSource::Line(2),
                    first: TokenSource::Line(1),
                    what: "name"
                }
            ),
            "{error}"
        );
    }
}

#[test]
fn a_token_is_valid_whenever_the_clock_shows_a_time_before_its_expiry() {
    let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
    let (secret, line) = line(Claims {
        expires: Some(at(1000)),
        ..claims("alice")
    });
    let list = TokenList::parse(&line).unwrap();
    // Forward, back, and to before the epoch.
    for (now, good) in [
        (at(999), true),
        (at(1000), false),
        (at(1 << 40), false),
        (at(0), true),
        (UNIX_EPOCH - Duration::from_secs(1 << 40), true),
        (at(1001), false),
    ] {
        let answer = list.authenticate_at(&secret, now);
        match good {
            true => assert_eq!(answer.unwrap().id, "alice"),
            false => assert_eq!(answer, Err(Refusal::Expired)),
        }
    }
}

#[test]
fn of_a_token_with_two_keys_the_entry_that_has_not_expired_counts() {
    let secret = Secret::generate().unwrap();
    let write = |name, expires| {
        let key = FileKey::generate().unwrap();
        let claims = Claims {
            expires,
            ..claims(name)
        };
        HashedLine::new(&secret, key, claims).unwrap().to_string()
    };
    let (old, new) = (write("old", Some(UNIX_EPOCH)), write("new", None));
    for text in [format!("{old}\n{new}"), format!("{new}\n{old}")] {
        let list = TokenList::parse(&text).unwrap();
        assert_eq!(list.authenticate(secret.reveal()).unwrap().id, "new");
    }
}

#[test]
fn a_file_has_few_keys_since_each_costs_every_request_a_hash() {
    let lines: Vec<_> = (0..=MOST_KEYS)
        .map(|number| line(claims(&format!("name-{number}"))))
        .collect();
    let text = |lines: &[(String, String)]| {
        let lines: Vec<_> = lines.iter().map(|(_, line)| line.as_str()).collect();
        lines.join("\n")
    };
    let list = TokenList::parse(&text(&lines[..MOST_KEYS])).unwrap();
    assert!(list.authenticate(&lines[MOST_KEYS - 1].0).is_ok());
    let error = TokenList::parse(&text(&lines)).unwrap_err();
    assert!(
        matches!(
            error,
            TokenError::TooManyKeys {
                place: TokenSource::Line(65)
            }
        ),
        "{error}"
    );
}

#[test]
fn a_list_without_tokens_is_an_error() {
    for text in ["", "\n\n", "# nothing\n"] {
        assert!(matches!(TokenList::parse(text), Err(TokenError::Empty)));
    }
}

#[test]
fn a_list_shows_no_secret_for_debugging() {
    let (_, line) = line(claims("alice"));
    let list = TokenList::parse(&format!("{LIST}{line}")).unwrap();
    assert_eq!(
        format!("{list:?}"),
        r#"TokenList(["build", "token-2", "alice"])"#
    );
    let listed: Vec<_> = list.entries().map(|entry| format!("{entry:?}")).collect();
    let hash = line.rsplit_once(':').unwrap().1;
    for secret in ["0Jd9rUq4mW2hX7cT", hash] {
        assert!(!listed.join("").contains(secret), "{listed:?}");
    }
    assert!(listed[2].contains("hashed: true") && listed[1].contains("hashed: false"));
}

#[test]
fn a_missing_file_is_named() {
    let error = TokenList::from_file(Path::new("/nowhere/tokens")).unwrap_err();
    assert!(error.to_string().contains("/nowhere/tokens"), "{error}");
}

#[test]
fn a_file_is_read_and_one_that_is_huge_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens");
    fs::write(&path, LIST).unwrap();
    assert_eq!(TokenList::from_file(&path).unwrap().len(), 2);
    fs::write(&path, "#".repeat(33 << 20)).unwrap();
    assert!(matches!(
        TokenList::from_file(&path),
        Err(TokenError::TooLarge { .. })
    ));
    fs::write(&path, [0xff, 0xfe]).unwrap();
    assert!(matches!(
        TokenList::from_file(&path),
        Err(TokenError::Read { .. })
    ));
    assert!(matches!(
        TokenList::from_file(directory.path()),
        Err(TokenError::Read { .. })
    ));
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "([a-c: #\\n]|blake3:|tenants=|\\PC){0,60}") {
        let _ = TokenList::parse(&text);
    }
}
