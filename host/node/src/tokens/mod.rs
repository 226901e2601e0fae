//! The bearer tokens that a server knows: from a file, from the environment, or both.
//!
//! A file has one token a line; blank lines, and lines that begin with `#`, don't
//! count:
//!
//! ```text
//! # written by `tensor-wasm token new`: a name, a hash, and what the token is good for
//! alice blake3:9f0c…:77a1… tenants=1,2 roles=admin expires=2027-01-01T00:00:00Z
//! # tokens as they are work too, with a name before them or without
//! build-server:0Jd9rUq4mW2hX7cT
//! Zk3vN8pQ1sY6bF5g
//! ```
//!
//! The environment has them in one variable, each with the tenants that it is for:
//! `TENSOR_WASM_API_TOKENS='0Jd9rUq4mW2hX7cT:tenant=*,Zk3vN8pQ1sY6bF5g:tenant=1,2'`.
//!
//! No token stays in memory. Hashes stay hashes; tokens in the clear are hashed with a key
//! of this process, so that a copy of its memory reveals no token, and two processes with
//! the same list have no hash in common.
//!
//! BLAKE3 is a fast hash, which is right for secrets that can't be guessed: the tokens of
//! [`Secret::generate`] have 256 bits, and [`Secret::from_text`] refuses short ones. A slow
//! hash would not protect them better, and would cost every request as much as an
//! attacker.

mod append;
mod claims;
mod entry;
mod environment;
mod error;
mod file;
mod hashed;
mod list;
mod reload;
mod secret;

pub use append::{Appended, append};
pub use claims::{Claims, format_tenants, format_time, parse_expiry, parse_tenants};
pub use entry::Listed;
pub use error::{TokenError, TokenSource};
pub use file::others_may_read;
pub use hashed::{FileKey, HashedLine};
pub use list::TokenList;
pub use reload::{Clock, Reloaded, Tokens};
pub use secret::Secret;

/// The longest file that is read, in bytes: some 200,000 hashed tokens.
const LARGEST_FILE: u64 = 32 << 20;

/// Below this many characters, a token in the clear is worth a warning: it could be
/// guessed.
const SHORT: usize = 16;

/// The longest name and the longest token, in characters.
const LONGEST_NAME: usize = 64;
const LONGEST_TOKEN: usize = 512;

/// How many keys the hashes of one file may be made with. Each costs every request a
/// hash; `tensor-wasm token new --file` makes all of a file's with one.
const MOST_KEYS: usize = 64;
