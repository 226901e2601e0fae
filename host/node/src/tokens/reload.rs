//! The tokens of a running server: a list that can be read again while requests run.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use tensor_wasm_runtime::policy::{Authenticator, Principal, Refusal};

use super::entry::{Entry, ProcessKeys};
use super::file::{self, Reading};
use super::list::TokenList;
use super::{TokenError, environment};
use crate::deprecation::Release;
use crate::lock::ignore_poison;

/// The time of day. It may jump, in both directions: a token is valid whenever the clock
/// shows a time before its expiry.
pub type Clock = dyn Fn() -> SystemTime + Send + Sync;

/// The tokens that a server knows now.
///
/// A request uses the current list and never waits for one that is being read. With neither
/// environment nor file, or with nothing in them, every token is refused.
///
/// ```
/// use tensor_wasm_node::tokens::Tokens;
/// use tensor_wasm_runtime::policy::{Authenticator, Scope};
///
/// let tokens = Tokens::new(Some("0Jd9rUq4mW2hX7cT:tenant=1,2"), None)?;
/// let principal = tokens.authenticate("0Jd9rUq4mW2hX7cT")?;
/// assert_eq!(principal.id, "env-1");
/// assert_eq!(principal.scope, Scope::Only(vec![1, 2]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Tokens {
    keys: ProcessKeys,
    environment: Vec<Entry>,
    file: Option<PathBuf>,
    clock: Box<Clock>,
    current: ArcSwap<TokenList>,
    /// Held while the file is read, so that an older reading never replaces a newer.
    reading: Mutex<()>,
}

/// What a server knows after its tokens were read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reloaded {
    /// How many tokens there are.
    pub tokens: usize,
    /// How many of them have expired.
    pub expired: usize,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("file", &self.file)
            .field("current", &self.current.load())
            .finish_non_exhaustive()
    }
}

impl Tokens {
    /// Reads tokens from the text of `TENSOR_WASM_API_TOKENS` and from a file, of
    /// which each may be missing. Warns in the log of bare and short tokens, of a
    /// file that others may read, and of one with nothing in it.
    ///
    /// # Errors
    ///
    /// [`TokenError`], with the line or the entry where one is to blame.
    pub fn new(environment: Option<&str>, file: Option<&Path>) -> Result<Tokens, TokenError> {
        Tokens::with_clock(environment, file, Box::new(SystemTime::now))
    }

    /// As [`Tokens::new`], with a clock to tell what has expired.
    ///
    /// # Errors
    ///
    /// As [`Tokens::new`].
    pub fn with_clock(
        environment: Option<&str>,
        file: Option<&Path>,
        clock: Box<Clock>,
    ) -> Result<Tokens, TokenError> {
        let keys = ProcessKeys::generate()?;
        let environment = environment.unwrap_or_default();
        let environment = environment::parse(&keys, environment, Release::CURRENT)?;
        let current = read(&keys, &environment, file, Reading::First, clock())?;
        Ok(Tokens {
            keys,
            environment,
            file: file.map(Path::to_owned),
            clock,
            current: ArcSwap::from_pointee(current),
            reading: Mutex::new(()),
        })
    }

    /// Reads the file again; the environment can't have changed. Requests that run
    /// keep the list that they began with. Blocks while it reads.
    ///
    /// # Errors
    ///
    /// As [`Tokens::new`]. The list is then what it was.
    pub fn reload(&self) -> Result<Reloaded, TokenError> {
        let _alone = ignore_poison(self.reading.lock());
        let now = (self.clock)();
        let file = self.file.as_deref();
        let list = read(&self.keys, &self.environment, file, Reading::Again, now)?;
        let expired = |expires: Option<SystemTime>| expires.is_some_and(|end| end <= now);
        let reloaded = Reloaded {
            tokens: list.len(),
            expired: list.entries().filter(|e| expired(e.expires)).count(),
        };
        self.current.store(Arc::new(list));
        Ok(reloaded)
    }

    /// The list as it is now.
    pub fn current(&self) -> Arc<TokenList> {
        self.current.load_full()
    }
}

impl Authenticator for Tokens {
    fn authenticate(&self, token: &str) -> Result<Principal, Refusal> {
        self.current.load().authenticate_at(token, (self.clock)())
    }
}

fn read(
    keys: &ProcessKeys,
    environment: &[Entry],
    path: Option<&Path>,
    reading: Reading,
    now: SystemTime,
) -> Result<TokenList, TokenError> {
    let mut entries = environment.to_vec();
    if let Some(path) = path {
        let more = file::parse(keys, &file::read(path, reading)?)?;
        if more.is_empty() {
            tracing::warn!(path = %path.display(), "the token file holds no token");
        }
        entries.extend(more);
    }
    TokenList::new(keys, entries, now)
}
