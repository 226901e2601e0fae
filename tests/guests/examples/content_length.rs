//! Responds with the status that the path names and with a `Content-Length`: to HEAD without
//! content, as it should, else with it, whether the status allows that or not. With the query
//! `later` it goes on after that, and prints `went on`.

use tensor_wasm_test_guests::{path, write_all};
use wasip2::http::types::{
    Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

const CONTENT: &[u8] = b"content";

fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    let status = path(&request).trim_start_matches('/').parse();
    let target = request.path_with_query().unwrap_or_default();
    let headers = Fields::new();
    let length = CONTENT.len().to_string();
    let _ = headers.append("content-length", length.as_bytes());
    let response = OutgoingResponse::new(headers);
    let _ = response.set_status_code(status.unwrap_or(200));
    let Ok(body) = response.body() else { return };
    ResponseOutparam::set(response_out, Ok(response));
    if !matches!(request.method(), Method::Head)
        && let Ok(stream) = body.write()
    {
        let _ = write_all(&stream, CONTENT);
        drop(stream);
    }
    let _ = OutgoingBody::finish(body, None);
    if target.ends_with("?later") {
        std::thread::sleep(std::time::Duration::from_millis(50));
        println!("went on");
    }
}

tensor_wasm_test_guests::service!(handle);
