//! Allocates memory until an allocation fails. `/` then responds with the number of bytes that
//! it got; `/insist` aborts.

use tensor_wasm_test_guests::{path, respond};
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

const CHUNK: usize = 1024 * 1024;

fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    let insist = path(&request) == "/insist";
    let mut held: Vec<Vec<u8>> = Vec::with_capacity(8 * 1024);
    loop {
        let mut chunk = Vec::new();
        if insist {
            chunk.reserve_exact(CHUNK);
        } else if chunk.try_reserve_exact(CHUNK).is_err() {
            break;
        }
        // Written, so that the memory is really used, and not only address space.
        chunk.resize(CHUNK, 1);
        held.push(std::hint::black_box(chunk));
    }
    let bytes = held.len() * CHUNK;
    respond(
        response_out,
        200,
        "text/plain",
        bytes.to_string().as_bytes(),
    );
}

tensor_wasm_test_guests::service!(handle);
