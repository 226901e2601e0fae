//! A service that computes `a * x + y` on the device. To a POST of
//! `{"a": 2.0, "x": [1, 2], "y": [3, 4]}` it responds with
//! `{"result": [5.0, 8.0], "device": {...}}`. JSON has no infinities and no NaN; such a
//! result is `null`.

mod compute;

use serde::{Deserialize, Serialize};
use tensor_wasm_guest::http::{self, Request, Response};
use tensor_wasm_guest::{Device, DeviceInfo};

http::service!(handle);

/// The longest request body in bytes, enough for about five million numbers.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// The body of a request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    a: f32,
    x: Vec<f32>,
    y: Vec<f32>,
}

/// The body of a response.
#[derive(Serialize)]
struct Output {
    result: Vec<f32>,
    device: DeviceSummary,
}

/// The device that computed the result.
#[derive(Serialize)]
struct DeviceSummary {
    name: String,
    backend: String,
    multiprocessors: u32,
}

impl From<DeviceInfo> for DeviceSummary {
    fn from(info: DeviceInfo) -> DeviceSummary {
        DeviceSummary {
            backend: info.backend.to_string(),
            name: info.name,
            multiprocessors: info.multiprocessors,
        }
    }
}

fn handle(request: Request) -> Response {
    match request.path() {
        "/" | "/saxpy" => {}
        path => {
            let message = format!("nothing at {path}; POST to /");
            return Response::error(&request, 404, "not_found", &message);
        }
    }
    if request.method() != "POST" {
        let message = r#"POST {"a": 2.0, "x": [1, 2], "y": [3, 4]}"#;
        return Response::error(&request, 405, "method_not_allowed", message)
            .header("allow", "POST");
    }
    let body = match request.body(MAX_BODY) {
        Ok(body) => body,
        Err(error) => return Response::body_error(&request, &error),
    };
    let input: Input = match serde_json::from_slice(&body) {
        Ok(input) => input,
        Err(error) => {
            let message = format!("the body is not the JSON that this service expects: {error}");
            return Response::error(&request, 400, "bad_request", &message);
        }
    };
    if input.x.len() != input.y.len() {
        let message = format!(
            "x has {} numbers and y has {}; they must have the same length",
            input.x.len(),
            input.y.len()
        );
        return Response::error(&request, 422, "unequal_lengths", &message);
    }

    let output = Device::open().and_then(|device| {
        let result = compute::saxpy(&device, input.a, &input.x, &input.y)?;
        Ok(Output {
            result,
            device: device.info().into(),
        })
    });
    let output = match output {
        Ok(output) => output,
        Err(error) => return Response::device_error(&request, &error),
    };
    match serde_json::to_vec(&output) {
        Ok(json) => Response::new(200, "application/json", json),
        Err(error) => Response::error(&request, 500, "internal", &error.to_string()),
    }
}
