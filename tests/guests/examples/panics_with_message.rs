//! Panics with a message, which must be in the log and not in the response.

use wasip2::http::types::{IncomingRequest, ResponseOutparam};

#[allow(clippy::panic)]
fn handle(_request: IncomingRequest, _response_out: ResponseOutparam) {
    panic!("the ledger of the bank of Lilliput does not balance");
}

tensor_wasm_test_guests::service!(handle);
