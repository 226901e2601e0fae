//! The tokens of a running server: read, read again, added to, and many of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;
use tensor_wasm_node::tokens::{
    Claims, FileKey, HashedLine, Reloaded, Secret, TokenError, Tokens, append,
};
use tensor_wasm_runtime::policy::{Authenticator, Refusal, Scope};

const OLD: &str = "old-token-0123456789";
const NEW: &str = "new-token-0123456789";

fn claims(name: &str) -> Claims {
    Claims {
        name: name.to_owned(),
        scope: Scope::All,
        roles: vec![],
        expires: None,
    }
}

/// A directory with a token file in it.
struct Files(TempDir);

impl Files {
    fn new(text: &str) -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        files.write(text);
        files
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("tokens")
    }

    fn write(&self, text: impl AsRef<[u8]>) {
        fs::write(self.path(), text).unwrap();
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }
}

fn name(tokens: &Tokens, token: &str) -> Result<String, Refusal> {
    tokens.authenticate(token).map(|principal| principal.id)
}

#[test]
fn without_environment_and_file_each_token_is_refused() {
    let empty = Files::new("# nothing yet\n");
    for tokens in [
        Tokens::new(None, None).unwrap(),
        Tokens::new(Some(""), None).unwrap(),
        Tokens::new(Some(" , "), Some(&empty.path())).unwrap(),
    ] {
        assert!(tokens.current().is_empty());
        for token in ["", OLD] {
            assert_eq!(name(&tokens, token), Err(Refusal::Unknown));
        }
        assert_eq!(
            tokens.reload().unwrap(),
            Reloaded {
                tokens: 0,
                expired: 0
            }
        );
    }
}

#[test]
fn tokens_come_from_the_environment_and_from_a_file_together() {
    let files = Files::new(&format!("build:{OLD}\n"));
    let tokens = Tokens::new(Some(&format!("{NEW}:tenant=7")), Some(&files.path())).unwrap();
    assert_eq!(name(&tokens, OLD).unwrap(), "build");
    let principal = tokens.authenticate(NEW).unwrap();
    assert_eq!(
        (principal.id.as_str(), principal.scope),
        ("env-1", Scope::Only(vec![7]))
    );
    assert_eq!(
        format!("{:?}", tokens.current()),
        r#"TokenList(["env-1", "build"])"#
    );
    let shown = format!("{tokens:?}");
    assert!(!shown.contains(OLD) && !shown.contains(NEW), "{shown}");
}

#[test]
fn what_stands_in_both_is_an_error_that_names_both_places() {
    let files = Files::new(&format!("\nbuild:{OLD}\n"));
    let environment = format!("{NEW}:tenant=1,2,{OLD}:tenant=*");
    let error = Tokens::new(Some(&environment), Some(&files.path())).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("line 2 of the token file") && text.contains("entry 2 of TENSOR_WASM"),
        "{text}"
    );
    files.write("env-1:something-else-1234");
    let error = Tokens::new(Some(&environment), Some(&files.path())).unwrap_err();
    assert!(
        matches!(error, TokenError::Repeated { what: "name", .. }),
        "{error}"
    );
}

#[test]
fn a_reload_takes_new_tokens_and_drops_old_ones_and_keeps_the_environments() {
    let files = Files::new(&format!("a:{OLD}\n"));
    let tokens = Tokens::new(Some("from-environment-123:tenant=*"), Some(&files.path())).unwrap();
    files.write(format!("b:{NEW}\nc:other-token-01234567\n"));
    assert_eq!(name(&tokens, OLD).unwrap(), "a", "not before it is told to");
    let reloaded = tokens.reload().unwrap();
    assert_eq!((reloaded.tokens, reloaded.expired), (3, 0));
    assert_eq!(name(&tokens, OLD), Err(Refusal::Unknown));
    assert_eq!(name(&tokens, NEW).unwrap(), "b");
    assert_eq!(name(&tokens, "from-environment-123").unwrap(), "env-1");
}

#[test]
fn after_a_reload_that_fails_the_list_is_what_it_was() {
    let files = Files::new(&format!("a:{OLD}\n"));
    let tokens = Tokens::new(None, Some(&files.path())).unwrap();
    let fails = |text: Option<&[u8]>, expected: fn(&TokenError) -> bool| {
        match text {
            Some(text) => files.write(text),
            None => fs::remove_file(files.path()).unwrap(),
        }
        let error = tokens.reload().unwrap_err();
        assert!(expected(&error), "{error}");
        assert_eq!(name(&tokens, OLD).unwrap(), "a");
    };
    fails(Some(b"no token"), |e| matches!(e, TokenError::Wrong { .. }));
    fails(Some(&[0xff]), |e| matches!(e, TokenError::Read { .. }));
    fails(Some(&vec![b'#'; 33 << 20]), |e| {
        matches!(e, TokenError::TooLarge { .. })
    });
    fails(None, |e| matches!(e, TokenError::Read { .. }));
    files.write("");
    assert_eq!(tokens.reload().unwrap().tokens, 0, "to empty it is allowed");
    assert_eq!(name(&tokens, OLD), Err(Refusal::Unknown));
}

#[test]
fn expiry_follows_a_clock_that_jumps() {
    let files = Files::new("");
    let end = UNIX_EPOCH + Duration::from_secs(5_000);
    let secret = Secret::generate().unwrap();
    let line = HashedLine::new(
        &secret,
        FileKey::generate().unwrap(),
        Claims {
            expires: Some(end),
            ..claims("alice")
        },
    );
    files.write(line.unwrap().to_string());
    let time = Arc::new(AtomicU64::new(0));
    let clock = {
        let time = time.clone();
        move || UNIX_EPOCH + Duration::from_secs(time.load(Ordering::SeqCst))
    };
    let tokens = Tokens::with_clock(None, Some(&files.path()), Box::new(clock)).unwrap();
    for (now, good) in [(4_999, true), (5_000, false), (0, true), (1 << 40, false)] {
        time.store(now, Ordering::SeqCst);
        let expected = if good {
            Ok("alice".to_owned())
        } else {
            Err(Refusal::Expired)
        };
        assert_eq!(name(&tokens, secret.reveal()), expected, "at {now}");
        let reloaded = tokens.reload().unwrap();
        assert_eq!((reloaded.tokens, reloaded.expired), (1, usize::from(!good)));
    }
    let before_the_epoch = || UNIX_EPOCH - Duration::from_secs(1 << 40);
    let tokens = Tokens::with_clock(None, Some(&files.path()), Box::new(before_the_epoch)).unwrap();
    assert_eq!(name(&tokens, secret.reveal()).unwrap(), "alice");
    tokens.reload().unwrap();
}

#[test]
fn no_request_misses_a_token_while_the_list_is_read_again() {
    let files = Files::new(&format!("a:{OLD}\n"));
    let tokens = Tokens::new(None, Some(&files.path())).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let asking: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut asked = 0_u64;
                    while !done.load(Ordering::SeqCst) {
                        assert_eq!(name(&tokens, OLD).unwrap(), "a");
                        asked += 1;
                    }
                    asked
                })
            })
            .collect();
        for _ in 0..200 {
            tokens.reload().unwrap();
        }
        done.store(true, Ordering::SeqCst);
        for thread in asking {
            thread.join().unwrap();
        }
    });
}

#[test]
fn a_hundred_thousand_tokens_are_known_each_by_its_name() {
    let key = FileKey::generate().unwrap();
    let secrets: Vec<_> = (0..100_000).map(|_| Secret::generate().unwrap()).collect();
    let mut text = String::new();
    for (number, secret) in secrets.iter().enumerate() {
        let line = HashedLine::new(secret, key, claims(&format!("name-{number}"))).unwrap();
        text.push_str(&format!("{line}\n"));
    }
    let files = Files::new(&text);
    let tokens = Tokens::new(None, Some(&files.path())).unwrap();
    assert_eq!(tokens.current().len(), secrets.len());
    for (number, secret) in secrets.iter().enumerate() {
        assert_eq!(
            name(&tokens, secret.reveal()).unwrap(),
            format!("name-{number}")
        );
    }
    assert_eq!(name(&tokens, "twt_nobody"), Err(Refusal::Unknown));
}

#[test]
fn a_token_is_added_to_a_file_that_is_made_for_it_and_for_its_owner_only() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens");
    let secret = Secret::generate().unwrap();
    let added = append(&path, &secret, claims("alice")).unwrap();
    assert_eq!(added.number, 1);
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text, format!("{}\n", added.line));
    assert!(!text.contains(secret.reveal()));
    #[cfg(unix)]
    assert_eq!(mode(&path), 0o600);
    let tokens = Tokens::new(None, Some(&path)).unwrap();
    assert_eq!(name(&tokens, secret.reveal()).unwrap(), "alice");
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 1, "nothing left");
}

#[test]
fn what_stands_in_the_file_stays_and_its_key_is_used_again() {
    let files = Files::new(&format!("# ours\nbuild:{OLD}"));
    let secrets: Vec<_> = ["a", "b"]
        .map(|name| {
            let secret = Secret::generate().unwrap();
            append(&files.path(), &secret, claims(name)).unwrap();
            secret
        })
        .into();
    let text = files.text();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[..2], ["# ours", &format!("build:{OLD}")]);
    let key = |line: &str| line.split(':').nth(1).unwrap().to_owned();
    assert_eq!(key(lines[2]), key(lines[3]));
    let tokens = Tokens::new(None, Some(&files.path())).unwrap();
    for (secret, expected) in secrets.iter().zip(["a", "b"]) {
        assert_eq!(name(&tokens, secret.reveal()).unwrap(), expected);
    }
}

#[test]
fn a_file_that_would_hold_a_mistake_is_left_as_it_was() {
    let secret = Secret::generate().unwrap();
    for (text, name, word) in [
        ("a b c\n", "alice", "line 1 "),
        ("alice:one\nalice:two\n", "alice", "third"),
        ("one\n", "token-1", "repeats the name"),
        ("", "not a name", "name"),
    ] {
        let files = Files::new(text);
        let error = append(&files.path(), &secret, claims(name)).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
        assert_eq!(files.text(), text);
    }
    let files = Files::new("");
    append(&files.path(), &secret, claims("a")).unwrap();
    let text = files.text();
    let error = append(&files.path(), &secret, claims("b")).unwrap_err();
    assert!(
        error.to_string().contains("repeats the token of line 1"),
        "{error}"
    );
    assert_eq!(files.text(), text);
    let error = append(files.0.path(), &secret, claims("a")).unwrap_err();
    assert!(matches!(error, TokenError::Write { .. }), "{error}");
}

#[test]
fn many_that_add_at_the_same_time_lose_no_token() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens");
    thread::scope(|scope| {
        for number in 0..16 {
            let path = &path;
            scope.spawn(move || {
                let secret = Secret::generate().unwrap();
                append(path, &secret, claims(&format!("name-{number}"))).unwrap();
            });
        }
    });
    let tokens = Tokens::new(None, Some(&path)).unwrap();
    assert_eq!(tokens.current().len(), 16);
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[cfg(unix)]
#[test]
fn permissions_and_links_stay_what_they_were() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let files = Files::new("");
    fs::set_permissions(files.path(), fs::Permissions::from_mode(0o640)).unwrap();
    let link = files.0.path().join("link");
    symlink("tokens", &link).unwrap();
    append(&link, &Secret::generate().unwrap(), claims("alice")).unwrap();
    assert_eq!(mode(&files.path()), 0o640);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(files.text().starts_with("alice blake3:"));
}

#[test]
fn the_clock_of_this_machine_is_the_default() {
    let files = Files::new("");
    let soon = SystemTime::now() + Duration::from_secs(1 << 30);
    let (good, old) = (Secret::generate().unwrap(), Secret::generate().unwrap());
    for (secret, name, expires) in [(&good, "good", soon), (&old, "old", UNIX_EPOCH)] {
        let claims = Claims {
            expires: Some(expires),
            ..claims(name)
        };
        append(&files.path(), secret, claims).unwrap();
    }
    let tokens = Tokens::new(None, Some(&files.path())).unwrap();
    assert_eq!(name(&tokens, good.reveal()).unwrap(), "good");
    assert_eq!(name(&tokens, old.reveal()), Err(Refusal::Expired));
}
