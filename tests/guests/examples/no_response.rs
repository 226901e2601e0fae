//! Returns without a response.

use wasip2::http::types::{IncomingRequest, ResponseOutparam};

fn handle(_request: IncomingRequest, _response_out: ResponseOutparam) {}

tensor_wasm_test_guests::service!(handle);
