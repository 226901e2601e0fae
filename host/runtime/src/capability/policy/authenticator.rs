//! Authentication of bearer tokens: what a policy component asks through
//! `tensor:policy/credentials`, as the host sees it.
//!
//! The runtime holds no tokens. Whoever embeds it brings an [`Authenticator`];
//! the one that the binary uses reads a file of tokens.

use crate::request::Principal;
use thiserror::Error;

/// Tells who holds a token.
///
/// Called in the middle of requests, on the threads that serve HTTP: it may not
/// block, and the time it takes may not depend on how nearly a token matches.
pub trait Authenticator: Send + Sync {
    /// The principal that holds this token.
    fn authenticate(&self, token: &str) -> Result<Principal, Refusal>;
}

/// Why a token authenticates no caller.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// No principal holds this token.
    #[error("the token is not known")]
    Unknown,
    /// The token was good once.
    #[error("the token has expired")]
    Expired,
}
