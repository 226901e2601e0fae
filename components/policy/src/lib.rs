//! A policy: a middleware that authenticates callers by bearer tokens, and enforces tenants and
//! rate limits. It passes a request on unchanged if its token is known and valid for the
//! tenant that the request names, and if the caller is within its rate limit. It answers every
//! other request itself. The host keeps the tokens, the rate limiter and the audit log.
//!
//! | setting | meaning | default |
//! |---|---|---|
//! | `public-paths` | exact paths that everybody may GET | none |
//! | `cors-allow-origins` | origins whose web pages may call, or `*` | none |
//! | `cors-allow-methods` | the methods that they may use | the common methods of HTTP |
//! | `cors-allow-headers` | the headers that they may send | those that this policy and JSON services use |
//! | `cors-max-age-seconds` | how long browsers may cache this | 600 |
//! | `insecure-no-auth` | admits requests without a token | `false` |
//! | `require-tenant` | refuses requests without a tenant | `false`: the tenant is 0 |
//! | `rate-limit-qps` | requests per second for each token | no limit; 100 if a burst is set |
//! | `rate-limit-burst` | requests at once for each token | no limit; 200 if a rate is set |
//! | `rate-limit-by` | `token`, or `token-and-tenant` for each tenant of a token as well | `token` |
//!
//! The policy reads the settings from `wasi:config/store` at each request, so that a composite
//! can be configured when it is served. If one is invalid, every request is refused.
//!
//! The component is instantiated for every request, so it has to stay small: it does not use
//! `std::fmt`, and of WASI it imports only HTTP and the settings.

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
use tensor_wasm_middleware::{decimal, response};
use verdict::{Request, Verdict};
use wasip2::http::types::Fields;

struct Policy;

impl bindings::Guest for Policy {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        // One call for all settings: a call of the host costs more than a few unused settings.
        let stored = store::get_all();
        let settings = match &stored {
            Ok(stored) => Settings::read(stored),
            Err(_) => Err(Refusal::NoSettings),
        };
        let settings = match settings {
            Ok(settings) => settings,
            Err(refusal) => return refuse(&request, out, None, None, refusal),
        };
        // The headers are a child resource of the request, and must be dropped before it.
        let verdict = verdict::decide(
            &HostRequest {
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

/// The request that the host passed to this component.
struct HostRequest<'a> {
    request: &'a IncomingRequest,
    headers: Fields,
}

impl Request for HostRequest<'_> {
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

/// Refuses a request: reports the reason to the host, and sends the error response.
fn refuse(
    request: &IncomingRequest,
    out: ResponseOutparam,
    cors: Option<&Cors<'_>>,
    caller: Option<&Principal>,
    refusal: Refusal,
) {
    let error = refusal.response();
    decision::refuse(caller, error.kind);
    let mut headers: Vec<response::Header<'_>> = Vec::new();
    if let Some(challenge) = error.challenge {
        headers.push(("www-authenticate", challenge.as_bytes()));
    }
    let seconds;
    if let Refusal::RateLimited { retry_after } = refusal {
        seconds = decimal::to_string(retry_after);
        headers.push(("retry-after", seconds.as_bytes()));
    }
    // Without these headers a page cannot read the error response.
    let origin;
    if let Some(cors) = cors {
        origin = request.headers().get("origin");
        if let Some(origin) = cors.allow(&origin) {
            headers.push(("access-control-allow-origin", origin));
        }
        headers.push(("vary", b"Origin"));
    }
    response::send_error(
        request,
        out,
        error.status,
        &headers,
        error.kind,
        &error.message,
    );
}

/// Answers a preflight request.
fn preflight(out: ResponseOutparam, origin: &[u8], cors: &Cors<'_>) {
    let max_age = decimal::to_string(cors.max_age.into());
    response::send_empty(
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
