//! Who a bearer token belongs to: what a policy component asks through
//! `tensor:policy/credentials`, as the host sees it.
//!
//! The runtime holds no tokens. Whoever embeds it brings an [`Authenticator`];
//! the one that the binary uses reads a file of tokens.

use thiserror::Error;

/// Tells who holds a token.
///
/// Called in the middle of requests, on the threads that serve HTTP: it may not
/// block, and the time it takes may not depend on how nearly a token matches.
pub trait Authenticator: Send + Sync {
    /// The principal that holds this token.
    fn authenticate(&self, token: &str) -> Result<Principal, Refusal>;
}

/// Somebody whose token is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// A stable name that is safe to log; never the token itself.
    pub id: String,
    /// The tenants that the principal may act for.
    pub scope: Scope,
    /// What the principal may do, in words that the operator chose and a policy
    /// understands, for example `admin`.
    pub roles: Vec<String>,
}

/// The tenants that a principal may act for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Each of them, those to come included.
    All,
    /// These, by number.
    Only(Vec<u64>),
}

/// Why a token names nobody.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// No principal holds this token.
    #[error("the token is not known")]
    Unknown,
    /// The token was good once.
    #[error("the token has expired")]
    Expired,
}
