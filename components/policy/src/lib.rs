//! The policy that stands in front of a service. A request goes through untouched
//! where its bearer token is known, is good for the tenant that it names, and does
//! not come too soon; every other is answered here. Who holds which token, how often
//! each has called, and what is recorded, is the host's.
//!
//! | setting | is | where it is not set |
//! |---|---|---|
//! | `public-paths` | exact paths that everybody may GET | none |
//! | `cors-allow-origins` | origins whose pages may call, or `*` | none |
//! | `cors-allow-methods` | with which methods | those that HTTP has |
//! | `cors-allow-headers` | with which headers | those of this policy |
//! | `cors-max-age-seconds` | how long browsers may remember that | 600 |
//! | `insecure-no-auth` | lets in who sends no token | `false` |
//! | `require-tenant` | refuses who names no tenant | `false`: it is tenant 0 |
//! | `rate-limit-qps` | requests a second for each token | no limit; 100 beside a burst |
//! | `rate-limit-burst` | requests at once for each token | no limit; 200 beside a rate |
//! | `rate-limit-by` | `token`, or `token-and-tenant` for each tenant of it too | `token` |
//!
//! They come from `wasi:config/store` with each request, so that what is composed
//! once can be configured later. One that can't be understood refuses everybody.
//!
//! It runs in front of every request, so it takes care to stay small: no
//! formatting, and no WASI but HTTP.

mod bearer;
mod bindings;
mod cors;
mod rate;
mod refusal;
mod settings;
mod tenant;
mod verdict;

use bindings::credentials::{self, Principal};
use bindings::{IncomingRequest, Method, ResponseOutparam, decision, limiter, store};
use cors::Cors;
use rate::Rate;
use refusal::Refusal;
use settings::Settings;
use tensor_wasm_middleware::{answer, decimal};
use verdict::{Call, Verdict};
use wasip2::http::types::Fields;

struct Policy;

impl bindings::Guest for Policy {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        // One call for all of them: a call costs more than a few settings too many.
        let stored = store::get_all();
        let settings = match &stored {
            Ok(stored) => Settings::read(stored),
            Err(_) => Err(Refusal::NoSettings),
        };
        let settings = match settings {
            Ok(settings) => settings,
            Err(refusal) => return refuse(&request, out, None, None, refusal),
        };
        // The headers are a child of the request, and may not outlive it here.
        let verdict = verdict::of(
            &Asked {
                headers: request.headers(),
                request: &request,
            },
            &settings,
        );
        match verdict {
            Verdict::Admit { caller, tenant } => {
                decision::admit(caller.as_ref(), tenant);
                bindings::forward(request, out);
            }
            Verdict::Preflight { origin, cors } => {
                decision::refuse(None, "cors_preflight");
                preflight(out, &origin, &cors);
            }
            Verdict::Refuse { caller, refusal } => {
                refuse(
                    &request,
                    out,
                    settings.cors.as_ref(),
                    caller.as_ref(),
                    refusal,
                );
            }
        }
    }
}

/// A request as the host hands it over.
struct Asked<'a> {
    request: &'a IncomingRequest,
    headers: Fields,
}

impl Call for Asked<'_> {
    fn method(&self) -> Method {
        self.request.method()
    }

    fn path_with_query(&self) -> Option<String> {
        self.request.path_with_query()
    }

    fn header(&self, name: &str) -> Vec<Vec<u8>> {
        self.headers.get(name)
    }

    fn authenticate(&self, token: &str) -> Result<Principal, credentials::Refusal> {
        credentials::authenticate(token)
    }

    fn take(&self, key: &str, rate: Rate) -> Result<(), u64> {
        let rate = limiter::Rate {
            per_second: rate.per_second,
            burst: rate.burst,
        };
        limiter::take(key, rate, 1)
    }
}

/// Says to host and client that a request does not go through, and why.
fn refuse(
    request: &IncomingRequest,
    out: ResponseOutparam,
    cors: Option<&Cors<'_>>,
    caller: Option<&Principal>,
    refusal: Refusal,
) {
    let told = refusal.told();
    decision::refuse(caller, told.kind);
    let mut headers: Vec<answer::Header<'_>> = Vec::new();
    if let Some(challenge) = told.challenge {
        headers.push(("www-authenticate", challenge.as_bytes()));
    }
    let seconds;
    if let Refusal::RateLimited { retry_after } = refusal {
        seconds = decimal::text(retry_after);
        headers.push(("retry-after", seconds.as_bytes()));
    }
    // Without these a page learns that it was refused, and not why.
    let origin;
    if let Some(cors) = cors {
        origin = request.headers().get("origin");
        if let Some(origin) = cors.allow(&origin) {
            headers.push(("access-control-allow-origin", origin));
        }
        headers.push(("vary", b"Origin"));
    }
    answer::error(
        request,
        out,
        told.status,
        &headers,
        told.kind,
        &told.message,
    );
}

/// Tells a browser what pages of an origin may do.
fn preflight(out: ResponseOutparam, origin: &[u8], cors: &Cors<'_>) {
    let max_age = decimal::text(cors.max_age.into());
    answer::empty(
        out,
        204,
        &[
            ("access-control-allow-origin", origin),
            ("access-control-allow-methods", cors.methods.as_bytes()),
            ("access-control-allow-headers", cors.headers.as_bytes()),
            ("access-control-max-age", max_age.as_bytes()),
            ("vary", b"Origin"),
        ],
    );
}
