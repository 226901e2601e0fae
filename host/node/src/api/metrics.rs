//! The route of the metrics, for callers who may see all tenants.

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use tensor_wasm_runtime::server::MetricsPage;
use wasmtime_wasi_http::WasiBody;

use super::{Api, Call, body};
use crate::error::{NodeError, OPERATOR_ONLY};

impl Api {
    /// The page that the address for operators has too. It names all tenants, so that a caller
    /// has to be one who may act for all of them. Where no policy says who calls, there is one
    /// tenant only.
    pub(super) fn metrics_page(&self, call: Call<'_>) -> Result<Response<WasiBody>, NodeError> {
        if !self.is_operator(&call) {
            return Err(NodeError::new(
                &OPERATOR_ONLY,
                "the metrics show all tenants: ask with a token that is valid for all of them, or \
                 at the address of --admin",
            ));
        }
        let page = self.metrics.text(call.request.headers().get(ACCEPT));
        let mut response = body::complete(StatusCode::OK, page.text);
        let content_type = HeaderValue::from_static(page.content_type);
        response.headers_mut().insert(CONTENT_TYPE, content_type);
        Ok(response)
    }
}
