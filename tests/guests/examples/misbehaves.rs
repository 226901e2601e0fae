//! Fails in a way that the path names; `/` responds with `well`. So tests can send failing and
//! healthy requests to the same component.

use tensor_wasm_test_guests::{path, respond};
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    match path(&request).as_str() {
        "/trap" => std::process::abort(),
        "/panic" => panic(),
        "/exit" => std::process::exit(3),
        "/loop" => {
            // Signals to the test that the loop has begun.
            eprintln!("looping");
            while std::hint::black_box(true) {}
        }
        "/recurse" => drop(descend(std::hint::black_box(1))),
        "/hog" => hog(),
        "/nothing" => {}
        "/newlines" => {
            eprint!("{}", "\n".repeat(1 << 20));
            respond(response_out, 200, "text/plain", b"well\n");
        }
        "/controls" => {
            eprint!("{}", "\u{1b}\u{0}".repeat(1 << 19));
            respond(response_out, 200, "text/plain", b"well\n");
        }
        _ => respond(response_out, 200, "text/plain", b"well\n"),
    }
}

#[allow(clippy::panic)]
fn panic() {
    panic!("on purpose");
}

#[allow(unconditional_recursion)]
#[inline(never)]
fn descend(depth: u64) -> u64 {
    let here = std::hint::black_box([depth; 16]);
    descend(depth.wrapping_add(1)).wrapping_add(here[3])
}

fn hog() {
    let mut held: Vec<Vec<u8>> = Vec::new();
    loop {
        held.push(std::hint::black_box(vec![1; 1024 * 1024]));
    }
}

tensor_wasm_test_guests::service!(handle);
