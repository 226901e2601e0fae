//! Sleeps for the number of milliseconds in its path, then responds.

use tensor_wasm_test_guests::{path, respond};
use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    let milliseconds: u64 = path(&request)
        .trim_start_matches('/')
        .parse()
        .unwrap_or(100);
    subscribe_duration(milliseconds * 1_000_000).block();
    respond(response_out, 200, "text/plain", b"rested\n");
}

tensor_wasm_test_guests::service!(handle);
