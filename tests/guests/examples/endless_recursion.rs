//! Recurses until the stack overflows.

use tensor_wasm_test_guests::respond;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

#[allow(unconditional_recursion)]
#[inline(never)]
fn descend(depth: u64) -> u64 {
    let here = std::hint::black_box([depth; 16]);
    descend(depth.wrapping_add(1)).wrapping_add(here[3])
}

fn handle(_request: IncomingRequest, response_out: ResponseOutparam) {
    let depth = descend(std::hint::black_box(0));
    respond(
        response_out,
        200,
        "text/plain",
        depth.to_string().as_bytes(),
    );
}

tensor_wasm_test_guests::service!(handle);
