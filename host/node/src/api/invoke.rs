//! The routes that invoke a function.

use http::uri::{PathAndQuery, Uri};
use http::{HeaderName, HeaderValue, Request, Response};
use wasmtime_wasi_http::WasiBody;

use super::{Api, Call};
use crate::error::{INVALID_REQUEST, NodeError};

/// Tells the function which part of the path it does not see, so that it can link to itself.
/// Widely used by reverse proxies, and no standard.
const PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");

/// Tells the client which function answered. Responses of the node itself do not have it, so
/// that its errors can be told from a function's, which may look the same.
const FUNCTION: HeaderName = HeaderName::from_static("x-tensorwasm-function");

/// Says in a response that it is this function's. What the function itself says there never counts.
pub(super) fn mark_as_response_of(
    response: &mut Response<WasiBody>,
    function_id: Option<HeaderValue>,
) {
    let headers = response.headers_mut();
    match function_id {
        Some(id) => drop(headers.insert(FUNCTION, id)),
        None => drop(headers.remove(FUNCTION)),
    }
}

impl Api {
    pub(super) async fn invoke(&self, call: Call<'_>) -> Result<Response<WasiBody>, NodeError> {
        let entry = self.functions.find(call.tenant, &call.id).await?;
        let entry = entry.ok_or_else(|| NodeError::no_function(&call.id))?;
        let request = for_function(call.request, &call.rest)?;
        let invoked = self.functions.invoke(&entry, request, call.scope);
        let mut response = invoked.await?;
        mark_as_response_of(&mut response, entry.header_value.clone());
        Ok(response)
    }
}

/// The request as the function sees it: its path is what follows the route's.
pub(super) fn for_function(
    mut request: Request<WasiBody>,
    rest: &str,
) -> Result<Request<WasiBody>, NodeError> {
    let uri = request.uri();
    let prefix = uri.path().strip_suffix(rest).unwrap_or(uri.path());
    let prefix = HeaderValue::from_str(prefix.trim_end_matches('/')).ok();
    let invalid = |_| NodeError::new(&INVALID_REQUEST, "the path can't be the path of a request");
    let target = match (rest, uri.query()) {
        // Of most requests, and known to be a path.
        ("", None) => PathAndQuery::from_static("/"),
        (rest, Some(query)) => format!("/{rest}?{query}")
            .try_into()
            .map_err(|_| invalid(()))?,
        (rest, None) => format!("/{rest}").try_into().map_err(|_| invalid(()))?,
    };
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.path_and_query = Some(target);
    *request.uri_mut() = Uri::from_parts(parts).map_err(|_| invalid(()))?;
    if let Some(prefix) = prefix {
        request.headers_mut().insert(PREFIX, prefix);
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use http_body_util::{BodyExt, Empty};

    use super::*;

    #[test]
    fn a_function_sees_what_follows_its_own_path() {
        for (uri, rest, target, prefix) in [
            (
                "http://h:1/f/a/b/c?d=e",
                "b/c",
                "http://h:1/b/c?d=e",
                "/f/a",
            ),
            ("http://h/f/a", "", "http://h/", "/f/a"),
            ("http://h/f/a/", "", "http://h/", "/f/a"),
            ("http://h/f/a//b%2F?", "/b%2F", "http://h//b%2F?", "/f/a"),
            ("/functions/a/invoke/x", "x", "/x", "/functions/a/invoke"),
        ] {
            let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
            let mut request = Request::new(body);
            *request.uri_mut() = uri.parse().unwrap();
            let request = for_function(request, rest).unwrap();
            assert_eq!(request.uri().to_string(), target, "{uri}");
            assert_eq!(request.headers()[PREFIX], prefix, "{uri}");
        }
    }
}
