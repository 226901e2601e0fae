//! A list of tokens, with a lookup whose time depends on no token.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::time::SystemTime;

use subtle::ConstantTimeEq;
use tensor_wasm_runtime::policy::{Authenticator, Principal, Refusal};
use zeroize::Zeroizing;

use super::entry::{Entry, Listed, ProcessKeys};
use super::file::{self, Reading};
use super::hashed::FileKey;
use super::{LONGEST_TOKEN, MOST_KEYS, TokenError};

type Hash = [u8; blake3::OUT_LEN];

/// A list of tokens, each with the principal that holds it.
///
/// A lookup costs one hash for each key of the list (one for tokens in the clear, and
/// usually one for a file) and one more, however many tokens there are.
pub struct TokenList {
    /// The keys of the hashes: the process's key first, then those of the file.
    keys: Vec<Zeroizing<Hash>>,
    lookup_key: Zeroizing<Hash>,
    entries: Vec<Entry>,
    /// Indices into `entries`, by the hash of an entry's hash with `lookup_key`.
    by_hash: HashMap<Hash, usize>,
}

impl fmt::Debug for TokenList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.entries().map(|entry| entry.name).collect();
        f.debug_tuple("TokenList").field(&names).finish()
    }
}

impl TokenList {
    /// Reads a file of tokens. Warns in the log where others may read it.
    ///
    /// # Errors
    ///
    /// [`TokenError`], with the line where one is invalid.
    pub fn from_file(path: &Path) -> Result<TokenList, TokenError> {
        TokenList::parse(&file::read(path, Reading::First)?)
    }

    /// Takes the tokens from the text of such a file.
    ///
    /// # Errors
    ///
    /// [`TokenError`], with the line where one is invalid.
    pub fn parse(text: &str) -> Result<TokenList, TokenError> {
        let keys = ProcessKeys::generate()?;
        let list = TokenList::new(&keys, file::parse(&keys, text)?, SystemTime::now())?;
        if list.is_empty() {
            return Err(TokenError::Empty);
        }
        Ok(list)
    }

    pub(super) fn new(
        keys: &ProcessKeys,
        entries: Vec<Entry>,
        now: SystemTime,
    ) -> Result<TokenList, TokenError> {
        check_names(&entries, now)?;
        let mut list = TokenList {
            keys: vec![keys.tokens.clone()],
            lookup_key: keys.lookup.clone(),
            by_hash: HashMap::with_capacity(entries.len()),
            entries: Vec::new(),
        };
        for (index, entry) in entries.iter().enumerate() {
            let place = entry.place;
            if let Some(FileKey(key)) = entry.key
                && !list.keys.iter().any(|known| **known == key)
            {
                if list.keys.len() > MOST_KEYS {
                    return Err(TokenError::TooManyKeys { place });
                }
                list.keys.push(Zeroizing::new(key));
            }
            let before = list.by_hash.insert(list.looked_up_by(&entry.hash), index);
            if let Some(first) = before.and_then(|index| entries.get(index)) {
                let (first, what) = (first.place, "token");
                return Err(TokenError::Repeated { place, first, what });
            }
        }
        list.entries = entries;
        Ok(list)
    }

    /// How many tokens it holds, expired ones included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds none: then it refuses every token.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What may be shown of its tokens, in the order in which they were read.
    pub fn entries(&self) -> impl Iterator<Item = Listed<'_>> {
        self.entries.iter().map(Entry::listed)
    }

    /// The lines of its tokens that are hashes, as a token file has them, and how many others there
    /// are: those in the clear can't be had from it.
    pub fn hashed_lines(&self) -> (Vec<String>, u64) {
        let (mut lines, mut others) = (Vec::new(), 0);
        for entry in &self.entries {
            match entry.line() {
                Some(line) => lines.push(line.to_string()),
                None => others += 1,
            }
        }
        (lines, others)
    }

    /// The key that the file's hashes are made with, where it has any.
    pub(super) fn file_key(&self) -> Option<FileKey> {
        self.entries.iter().find_map(|entry| entry.key)
    }

    /// The principal that holds this token at this time.
    ///
    /// # Errors
    ///
    /// Where nobody holds it, or it has expired.
    pub fn authenticate_at(&self, token: &str, now: SystemTime) -> Result<Principal, Refusal> {
        if token.len() > LONGEST_TOKEN {
            return Err(Refusal::Unknown);
        }
        // Every key is tried, whatever was found before. A token can be in the list twice,
        // with two keys: the entry that has not expired counts, or else the first.
        let mut found = None::<&Entry>;
        for key in &self.keys {
            let hash = *blake3::keyed_hash(key, token.as_bytes()).as_bytes();
            if let Some(entry) = self.find(&hash)
                && found.is_none_or(|first| first.has_expired(now) && !entry.has_expired(now))
            {
                found = Some(entry);
            }
        }
        match found {
            None => Err(Refusal::Unknown),
            Some(entry) if entry.has_expired(now) => Err(Refusal::Expired),
            Some(entry) => Ok(entry.principal.clone()),
        }
    }

    /// The entry of a hash.
    ///
    /// The time of the lookup in the map depends on the bits of its key. That key is a hash
    /// with a secret of this process, so it is random to whoever chooses the token, and
    /// measuring one token says nothing about another, even to an attacker who knows the
    /// hashes of the file. So the time reveals no more than the answer does: known or not.
    /// The comparison that decides takes constant time.
    fn find(&self, hash: &Hash) -> Option<&Entry> {
        let index = self.by_hash.get(&self.looked_up_by(hash))?;
        let entry = self.entries.get(*index)?;
        bool::from(entry.hash.ct_eq(hash)).then_some(entry)
    }

    fn looked_up_by(&self, hash: &Hash) -> Hash {
        *blake3::keyed_hash(&self.lookup_key, hash).as_bytes()
    }
}

impl Authenticator for TokenList {
    fn authenticate(&self, token: &str) -> Result<Principal, Refusal> {
        self.authenticate_at(token, SystemTime::now())
    }
}

/// A name may have two valid tokens, so that tokens can be rotated. A generated name belongs
/// to one token alone.
fn check_names(entries: &[Entry], now: SystemTime) -> Result<(), TokenError> {
    #[derive(Default)]
    struct Seen<'a> {
        first: Option<&'a Entry>,
        valid: Vec<&'a Entry>,
    }
    let mut names = HashMap::<&str, Seen<'_>>::new();
    for entry in entries {
        let place = entry.place;
        let seen = names.entry(&entry.principal.id).or_default();
        if let Some(first) = seen.first
            && (entry.unnamed || first.unnamed)
        {
            let (first, what) = (first.place, "name");
            return Err(TokenError::Repeated { place, first, what });
        }
        if !entry.has_expired(now) {
            if let [first, second] = seen.valid.as_slice() {
                let (first, second) = (first.place, second.place);
                return Err(TokenError::ThirdOfName {
                    place,
                    first,
                    second,
                });
            }
            seen.valid.push(entry);
        }
        seen.first.get_or_insert(entry);
    }
    Ok(())
}

#[cfg(test)]
#[path = "list_tests.rs"]
mod tests;
