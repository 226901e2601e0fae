//! Asks for all memory there is. `/` takes a refusal for an answer and tells how
//! many bytes it got; `/insist` does not.

use tensor_wasm_test_guests::{answer, path};
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
        // Touched, so that it takes real memory and not just addresses.
        chunk.resize(CHUNK, 1);
        held.push(std::hint::black_box(chunk));
    }
    let bytes = held.len() * CHUNK;
    answer(
        response_out,
        200,
        "text/plain",
        bytes.to_string().as_bytes(),
    );
}

tensor_wasm_test_guests::service!(handle);
