//! The decision on a request: the order in which its token, its tenant, its rate and its path
//! are checked. The request and the host are behind a trait, so that tests can replace them.

use crate::Head;
use crate::bindings::credentials::{self, Principal};
use crate::cors::Cors;
use crate::rate::{Rate, retry_after};
use crate::refusal::Refusal;
use crate::settings::Settings;
use crate::{bearer, tenant};

/// The method of a request, as far as the rules tell methods apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// HEAD.
    Head,
    /// OPTIONS.
    Options,
    /// Any other.
    Other,
}

/// A request, and the functions of the host that the decision on it needs.
pub trait Request: Head {
    /// The principal that holds a token.
    fn authenticate(&self, token: &str) -> Result<Principal, credentials::Refusal>;
    /// Takes one token from a bucket, or returns the number of nanoseconds after which to
    /// retry.
    fn take(&self, key: &str, rate: Rate) -> Result<(), u64>;
    /// How many tokens a bucket holds.
    fn available(&self, key: &str, rate: Rate) -> u32;
}

/// The decision on a request.
#[derive(Debug)]
pub enum Verdict<'s> {
    /// Pass it on to the service, for a tenant.
    Admit {
        caller: Option<Principal>,
        tenant: u64,
        /// Whether it counts in the caller's rate limit.
        limited: bool,
    },
    /// Answer the preflight request of a browser.
    Preflight {
        /// The value of `Access-Control-Allow-Origin`.
        origin: Vec<u8>,
        cors: Cors<'s>,
    },
    /// Refuse it.
    Refuse {
        caller: Option<Principal>,
        refusal: Refusal,
    },
}

/// Decides on a request. Whether its path is public is asked last, where it would be refused
/// otherwise: each question is a call of the host, and most requests are of known callers.
pub fn decide<'s>(request: &impl Request, settings: &Settings<'s>) -> Verdict<'s> {
    if let Some(verdict) = preflight(request, settings) {
        return verdict;
    }
    let (caller, refusal) = match caller(request, settings) {
        Ok(caller) => match tenant(request, settings, caller.as_ref()) {
            Ok(tenant) => {
                return Verdict::Admit {
                    caller,
                    tenant,
                    limited: true,
                };
            }
            Err(refusal) => (caller, refusal),
        },
        Err(refusal) => (None, refusal),
    };
    match is_public(request, settings) {
        true => Verdict::Admit {
            caller: None,
            tenant: 0,
            limited: false,
        },
        false => Verdict::Refuse { caller, refusal },
    }
}

fn is_public(request: &impl Request, settings: &Settings<'_>) -> bool {
    settings.has_public_paths()
        && matches!(request.method(), Method::Get | Method::Head)
        && request
            .path_with_query()
            .is_some_and(|path| settings.is_public(&path))
}

/// The verdict on a CORS preflight request, which has no credentials. `None` if the request is
/// not one.
fn preflight<'s>(request: &impl Request, settings: &Settings<'s>) -> Option<Verdict<'s>> {
    let cors = settings.cors?;
    if !matches!(request.method(), Method::Options) {
        return None;
    }
    let origin = request.header("origin");
    if origin.is_empty() || request.header("access-control-request-method").is_empty() {
        return None;
    }
    Some(match cors.allow(&origin) {
        Some(origin) => Verdict::Preflight {
            origin: origin.to_vec(),
            cors,
        },
        None => Verdict::Refuse {
            caller: None,
            refusal: Refusal::OriginDenied,
        },
    })
}

/// The caller. `None` is an anonymous caller, which is possible only if the settings admit
/// requests without a token; even then a token that was sent must be valid.
fn caller(request: &impl Request, settings: &Settings<'_>) -> Result<Option<Principal>, Refusal> {
    let headers = request.header("authorization");
    match bearer::token(&headers)? {
        None if settings.insecure_no_auth => Ok(None),
        None => Err(Refusal::NoCredentials),
        Some(token) => match request.authenticate(token) {
            Ok(caller) => Ok(Some(caller)),
            Err(credentials::Refusal::Unknown) => Err(Refusal::UnknownToken),
            Err(credentials::Refusal::Expired) => Err(Refusal::ExpiredToken),
        },
    }
}

/// The tenant of the request, if the caller may act for it and is within its rate limit.
fn tenant(
    request: &impl Request,
    settings: &Settings<'_>,
    caller: Option<&Principal>,
) -> Result<u64, Refusal> {
    let tenant = match tenant::from_headers(&request.header(tenant::HEADER))? {
        Some(tenant) => tenant,
        None if settings.require_tenant => return Err(Refusal::MissingTenant),
        None => 0,
    };
    if caller.is_some_and(|caller| !tenant::is_in_scope(&caller.scope, tenant)) {
        return Err(Refusal::TenantOutOfScope);
    }
    if let Some(rate) = settings.rate {
        rate.take(
            caller.map(|caller| caller.id.as_str()),
            settings.rate_by_tenant.then_some(tenant),
            |key, rate| request.take(key, rate),
        )
        .map_err(|nanoseconds| Refusal::RateLimited {
            retry_after: retry_after(nanoseconds),
        })?;
    }
    Ok(tenant)
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
