//! The policy that stands in front of a service: a request with a known bearer
//! token goes through untouched, every other is answered with 401. Who holds
//! which token, and what is recorded, is the host's.
//!
//! It runs in front of every request, so it takes care to stay small: no
//! formatting, and no WASI but HTTP.

mod answer;
mod bearer;
mod bindings;

use bindings::{IncomingRequest, ResponseOutparam, credentials, decision};
use credentials::{Principal, Refusal, Scope};

struct Policy;

impl bindings::Guest for Policy {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let caller = match identify(&request) {
            Ok(caller) => caller,
            Err(message) => {
                decision::refuse(None, "unauthorized");
                return answer::unauthorized(&request, out, message);
            }
        };
        match tenant(&caller) {
            Some(tenant) => {
                decision::admit(Some(&caller), tenant);
                bindings::forward(request, out);
            }
            None => {
                decision::refuse(Some(&caller), "unauthorized");
                answer::unauthorized(&request, out, "the token is good for no tenant");
            }
        }
    }
}

fn identify(request: &IncomingRequest) -> Result<Principal, &'static str> {
    let headers = request.headers();
    let authorization = headers.get("authorization");
    let token = bearer::token(&authorization)?;
    credentials::authenticate(token).map_err(|refusal| match refusal {
        Refusal::Unknown => "the token is not known",
        Refusal::Expired => "the token has expired",
    })
}

/// The tenant that a request is for. A server of one application has only one,
/// so it is the first that the caller may act for.
fn tenant(caller: &Principal) -> Option<u64> {
    match &caller.scope {
        Scope::All => Some(0),
        Scope::Only(tenants) => tenants.first().copied(),
    }
}
