//! The answers that the policy gives itself: refusals, and those to preflight requests.

use crate::Head;
use crate::cors::Cors;
use crate::refusal::Refusal;
use crate::response_headers;
use crate::settings::Settings;
use tensor_wasm_middleware::{decimal, error_body};

/// A response.
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: Vec<(&'static str, Vec<u8>)>,
    /// Its body, which may be empty.
    pub body: Vec<u8>,
}

impl Answer {
    /// The error response to a request that is refused. Settings are missing where they can't be
    /// read.
    pub(crate) fn refusal(
        head: &impl Head,
        settings: Option<&Settings<'_>>,
        refusal: Refusal,
    ) -> Answer {
        let error = refusal.response();
        let mut headers: Vec<(&'static str, Vec<u8>)> = Vec::new();
        let mut add = |name, value: &[u8]| headers.push((name, value.to_vec()));
        if let Some(challenge) = error.challenge {
            add("www-authenticate", challenge.as_bytes());
        }
        if let Refusal::RateLimited { retry_after } = refusal {
            add("retry-after", decimal::to_string(retry_after).as_bytes());
        }
        // Without these headers a page cannot read the error response.
        if let Some(cors) = settings.and_then(|settings| settings.cors) {
            let origin = head.header("origin");
            if let Some(origin) = cors.allow(&origin) {
                add("access-control-allow-origin", origin);
            }
            add("vary", b"Origin");
        }
        add("content-type", b"application/json");
        if let Some(settings) = settings {
            if let (Refusal::RateLimited { retry_after }, Some(rate)) = (refusal, settings.rate) {
                let by_tenant = settings.rate_by_tenant;
                let exceeded = response_headers::of_exceeded(rate, by_tenant, retry_after);
                headers.extend(exceeded);
            }
            let limits = response_headers::security(settings);
            headers.extend(limits.into_iter().map(|it| (it.name, it.value)));
        }
        let id = head.header("x-request-id").into_iter().next();
        Answer {
            status: error.status,
            headers,
            body: error_body::json(error.kind, &error.message, id.as_deref()),
        }
    }

    /// The answer to a preflight request.
    pub(crate) fn preflight(origin: &[u8], cors: &Cors<'_>) -> Answer {
        Answer {
            status: 204,
            headers: vec![
                ("access-control-allow-origin", origin.to_vec()),
                ("access-control-allow-methods", cors.methods.into()),
                ("access-control-allow-headers", cors.headers.into()),
                (
                    "access-control-max-age",
                    decimal::to_string(cors.max_age.into()).into(),
                ),
                ("vary", b"Origin".to_vec()),
            ],
            body: Vec::new(),
        }
    }
}
