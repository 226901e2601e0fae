//! Requests that can't be given to a guest, whoever let them through to here.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use tensor_wasm_runtime::server::{HandleError, Handler, RequestId, RequestInfo};
use tensor_wasm_runtime::{
    Application, ApplicationConfig, Engine, EngineConfig, RequestTrace, TraceId,
};

use crate::linking::component;

/// Long enough that reaching it means a failure.
const NEVER: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_request_that_no_guest_can_be_given_fails_at_once() {
    let engine = Engine::new(EngineConfig {
        instances: std::num::NonZeroU32::MIN,
        ..EngineConfig::default()
    })
    .unwrap();
    let component = component("wasip2", "include wasi:http/proxy@0.2.12;");
    let config = ApplicationConfig {
        request_timeout: NEVER * 60,
        ..ApplicationConfig::default()
    };
    let application = Application::load(&engine, &component, config).unwrap();
    // With room for one instance, a request that held it would stop the next one.
    for _ in 0..3 {
        let body = Empty::<Bytes>::new().map_err(|never| match never {});
        // Without an authority, a request of WASI 0.2 can't be made.
        let request = Request::get("/").body(body.boxed_unsync()).unwrap();
        let info = RequestInfo {
            request_id: RequestId::random(),
            trace: RequestTrace::unknown(TraceId::random()),
            received: std::time::Instant::now(),
            peer: ([127, 0, 0, 1], 1).into(),
            certificate: None,
            body: None,
            guests: None,
        };
        let outcome = tokio::time::timeout(NEVER, application.handle(request, info)).await;
        let error = outcome.expect("it stalls").err();
        assert_eq!(error, Some(HandleError::Internal));
    }
}
