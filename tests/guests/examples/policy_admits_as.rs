//! A policy that admits every request with the same caller, `the-same-caller`, for the tenant
//! of the header `X-TensorWasm-Tenant`, or 0.

use tensor_wasm_test_guests::policy::credentials::{Principal, Scope};
use tensor_wasm_test_guests::policy::{decision, forward};
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    let tenant = request
        .headers()
        .get("x-tensorwasm-tenant")
        .first()
        .and_then(|value| str::from_utf8(value).ok()?.parse().ok())
        .unwrap_or(0);
    let caller = Principal {
        id: "the-same-caller".into(),
        scope: Scope::Only(vec![tenant]),
        roles: vec!["tester".into()],
    };
    decision::admit(Some(&caller), tenant);
    forward(request, response_out);
}

tensor_wasm_test_guests::service!(handle);
