//! Holds as much memory as it gets, up to the number of MiB in its path, until the request's body
//! ends. It responds with the number that it got.

use tensor_wasm_test_guests::{begin_response, body, path, write_all};
use wasip2::http::types::{IncomingRequest, OutgoingBody, ResponseOutparam};

const MIB: usize = 1 << 20;

fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    let most = path(&request).trim_matches('/').parse().unwrap_or(0);
    // First, since there may be no room for it later.
    let Some((out, stream)) = begin_response(response_out, 200, "text/plain") else {
        return;
    };
    let mut held: Vec<Vec<u8>> = Vec::with_capacity(most);
    while held.len() < most {
        let mut chunk = Vec::new();
        if chunk.try_reserve_exact(MIB).is_err() {
            // Room for what follows.
            held.pop();
            break;
        }
        // Written, so that the memory is really used, and not only address space.
        chunk.resize(MIB, 1);
        held.push(std::hint::black_box(chunk));
    }
    // A write fails only if the client has closed the connection.
    let _ = write_all(&stream, format!("{} MiB", held.len()).as_bytes());
    let _ = body(&request);
    drop(std::hint::black_box(held));
    drop(stream);
    let _ = OutgoingBody::finish(out, None);
}

tensor_wasm_test_guests::service!(handle);
