//! The rules of the policy component: who may call, for which tenant, how often, and what is added
//! to the answer. The components `policy` (WASI 0.2) and `policy-p3` (WASI 0.3) are thin faces of
//! this crate: they read a request's head, and send what it says.
//!
//! | setting | meaning | default |
//! |---|---|---|
//! | `public-paths` | exact paths that everybody may GET | none |
//! | `cors-allow-origins` | origins whose web pages may call, or `*` | none |
//! | `cors-allow-methods` | the methods that they may use | the common methods of HTTP |
//! | `cors-allow-headers` | the headers that they may send | those that this policy and JSON services use |
//! | `cors-expose-headers` | the headers of answers that they may read (0.3 only) | those that host and policy add |
//! | `cors-max-age-seconds` | how long browsers may cache this | 600 |
//! | `insecure-no-auth` | admits requests without a token | `false` |
//! | `require-tenant` | refuses requests without a tenant | `false`: the tenant is 0 |
//! | `rate-limit-qps` | requests per second for each token | no limit; 100 if a burst is set |
//! | `rate-limit-burst` | requests at once for each token | no limit; 200 if a rate is set |
//! | `rate-limit-by` | `token`, or `token-and-tenant` for each tenant of a token as well | `token` |
//! | `security-headers` | adds headers that limit what browsers do with answers | `false` |
//! | `strict-transport-security` | the value of that header | none |
//!
//! The settings are read from `wasi:config/store` at the first request of an instance, so that a
//! composite can be configured when it is served. If one is invalid, every request is refused.
//!
//! An instance that decides on one request after another keeps the settings, and nothing of a
//! request. One that is composed with a service is made for every request, so the components have
//! to stay small: this code does not use `std::fmt`.

mod answer;
mod bearer;
pub mod bindings;
mod cors;
mod rate;
mod refusal;
mod response_headers;
mod settings;
mod tenant;
mod verdict;

pub use answer::Answer;
pub use response_headers::{Addition, Place};
pub use verdict::Method;

use bindings::credentials::{self, Principal};
use bindings::{decision, limiter};
use rate::Rate;
use settings::Settings;
use verdict::Verdict;

/// The head of a request.
pub trait Head {
    /// Its method.
    fn method(&self) -> Method;
    /// The path and the query of its target.
    fn path_with_query(&self) -> Option<String>;
    /// All values of a header.
    fn header(&self, name: &str) -> Vec<Vec<u8>>;
}

/// What becomes of a request.
pub enum Outcome {
    /// It is forwarded, and these headers are added to the answer, where the policy sees that.
    Forward(Vec<Addition>),
    /// The policy answers it.
    Answer(Answer),
}

/// Decides on a request, and tells the host. `sees_answer` says whether the policy can add headers
/// to the answer of the service.
pub fn decide(head: &impl Head, sees_answer: bool) -> Outcome {
    let settings = match Settings::of_instance() {
        Ok(settings) => settings,
        Err(refusal) => {
            decision::refuse(None, refusal.response().kind);
            return Outcome::Answer(Answer::refusal(head, None, refusal));
        }
    };
    let request = HostRequest(head);
    match verdict::decide(&request, &settings) {
        Verdict::Admit {
            caller,
            tenant,
            limited,
        } => {
            decision::admit(caller.as_ref(), tenant);
            let additions = match sees_answer {
                true => {
                    let id = caller.as_ref().map(|caller| caller.id.as_str());
                    response_headers::of_admitted(
                        &request,
                        &settings,
                        limited.then_some((id, tenant)),
                    )
                }
                false => Vec::new(),
            };
            Outcome::Forward(additions)
        }
        Verdict::Preflight { origin, cors } => {
            decision::refuse(None, "cors_preflight");
            Outcome::Answer(Answer::preflight(&origin, &cors))
        }
        Verdict::Refuse { caller, refusal } => {
            decision::refuse(caller.as_ref(), refusal.response().kind);
            Outcome::Answer(Answer::refusal(head, Some(&settings), refusal))
        }
    }
}

/// A request with the host's functions.
struct HostRequest<'h, H>(&'h H);

impl<H: Head> Head for HostRequest<'_, H> {
    fn method(&self) -> Method {
        self.0.method()
    }

    fn path_with_query(&self) -> Option<String> {
        self.0.path_with_query()
    }

    fn header(&self, name: &str) -> Vec<Vec<u8>> {
        self.0.header(name)
    }
}

fn rate_out(rate: Rate) -> limiter::Rate {
    limiter::Rate {
        per_second: rate.per_second,
        burst: rate.burst,
    }
}

impl<H: Head> verdict::Request for HostRequest<'_, H> {
    fn authenticate(&self, token: &str) -> Result<Principal, credentials::Refusal> {
        credentials::authenticate(token)
    }

    fn take(&self, key: &str, rate: Rate) -> Result<(), u64> {
        limiter::take(key, rate_out(rate), 1)
    }

    fn available(&self, key: &str, rate: Rate) -> u32 {
        limiter::available(key, rate_out(rate))
    }
}
