//! The order in which a request is judged, apart from where its parts come from.

use crate::bindings::Method;
use crate::bindings::credentials::{self, Principal};
use crate::cors::Cors;
use crate::rate::{Rate, retry_after};
use crate::refusal::Refusal;
use crate::settings::Settings;
use crate::{bearer, tenant};

/// One request, and what the host does about it.
pub trait Call {
    fn method(&self) -> Method;
    fn path_with_query(&self) -> Option<String>;
    /// All values of a header.
    fn header(&self, name: &str) -> Vec<Vec<u8>>;
    /// Who holds a token.
    fn authenticate(&self, token: &str) -> Result<Principal, credentials::Refusal>;
    /// Takes one request out of a bucket, or says after how many nanoseconds to try
    /// again.
    fn take(&self, key: &str, rate: Rate) -> Result<(), u64>;
}

/// What becomes of a request.
#[derive(Debug)]
pub enum Verdict<'s> {
    /// It goes through, for a tenant.
    Admit {
        caller: Option<Principal>,
        tenant: u64,
    },
    /// A browser gets to hear what pages of this origin may do.
    Preflight {
        /// As the answer says it.
        origin: Vec<u8>,
        cors: Cors<'s>,
    },
    /// It does not go through.
    Refuse {
        caller: Option<Principal>,
        refusal: Refusal,
    },
}

/// Judges a request.
pub fn of<'s>(call: &impl Call, settings: &Settings<'s>) -> Verdict<'s> {
    if is_public(call, settings) {
        return Verdict::Admit {
            caller: None,
            tenant: 0,
        };
    }
    if let Some(answer) = preflight(call, settings) {
        return answer;
    }
    let caller = match caller(call, settings) {
        Ok(caller) => caller,
        Err(refusal) => {
            return Verdict::Refuse {
                caller: None,
                refusal,
            };
        }
    };
    match tenant(call, settings, caller.as_ref()) {
        Ok(tenant) => Verdict::Admit { caller, tenant },
        Err(refusal) => Verdict::Refuse { caller, refusal },
    }
}

fn is_public(call: &impl Call, settings: &Settings<'_>) -> bool {
    settings.has_public_paths()
        && matches!(call.method(), Method::Get | Method::Head)
        && call
            .path_with_query()
            .is_some_and(|path| settings.is_public(&path))
}

/// A browser's question before a page's request, which carries no credentials.
fn preflight<'s>(call: &impl Call, settings: &Settings<'s>) -> Option<Verdict<'s>> {
    let cors = settings.cors?;
    if !matches!(call.method(), Method::Options) {
        return None;
    }
    let origin = call.header("origin");
    if origin.is_empty() || call.header("access-control-request-method").is_empty() {
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

/// Who calls; nobody in particular only where the operator lets nobody in. A token
/// that is sent is checked there too.
fn caller(call: &impl Call, settings: &Settings<'_>) -> Result<Option<Principal>, Refusal> {
    let headers = call.header("authorization");
    match bearer::token(&headers)? {
        None if settings.insecure_no_auth => Ok(None),
        None => Err(Refusal::NoCredentials),
        Some(token) => match call.authenticate(token) {
            Ok(caller) => Ok(Some(caller)),
            Err(credentials::Refusal::Unknown) => Err(Refusal::UnknownToken),
            Err(credentials::Refusal::Expired) => Err(Refusal::ExpiredToken),
        },
    }
}

/// The tenant that the caller may act for, now.
fn tenant(
    call: &impl Call,
    settings: &Settings<'_>,
    caller: Option<&Principal>,
) -> Result<u64, Refusal> {
    let tenant = match tenant::named(&call.header(tenant::HEADER))? {
        Some(tenant) => tenant,
        None if settings.require_tenant => return Err(Refusal::MissingTenant),
        None => 0,
    };
    if caller.is_some_and(|caller| !tenant::holds(&caller.scope, tenant)) {
        return Err(Refusal::TenantOutOfScope);
    }
    if let Some(rate) = settings.rate {
        rate.take(
            caller.map(|caller| caller.id.as_str()),
            settings.rate_by_tenant.then_some(tenant),
            |key, rate| call.take(key, rate),
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
