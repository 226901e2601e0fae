//! A service that computes `a * x + y` on the device. POST
//! `{"a": 2.0, "x": [1, 2], "y": [3, 4]}`, and it answers with
//! `{"result": [5.0, 8.0], "device": {...}}`. A result that is not finite, which
//! JSON cannot say, is `null`.

mod compute;

use serde::{Deserialize, Serialize};
use tensor_wasm_guest::http::{self, Request, Response};
use tensor_wasm_guest::{Device, DeviceInfo};

http::service!(answer);

/// In bytes: some five million numbers.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// What a client asks.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    a: f32,
    x: Vec<f32>,
    y: Vec<f32>,
}

/// What it gets.
#[derive(Serialize)]
struct Answer {
    result: Vec<f32>,
    device: About,
}

/// The device that did it.
#[derive(Serialize)]
struct About {
    name: String,
    backend: String,
    multiprocessors: u32,
}

impl From<DeviceInfo> for About {
    fn from(info: DeviceInfo) -> About {
        About {
            backend: info.backend.to_string(),
            name: info.name,
            multiprocessors: info.multiprocessors,
        }
    }
}

fn answer(request: Request) -> Response {
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
    let question: Question = match serde_json::from_slice(&body) {
        Ok(question) => question,
        Err(error) => {
            let message = format!("not the JSON that this service takes: {error}");
            return Response::error(&request, 400, "bad_request", &message);
        }
    };
    if question.x.len() != question.y.len() {
        let message = format!(
            "x has {} numbers and y has {}; they must be as many",
            question.x.len(),
            question.y.len()
        );
        return Response::error(&request, 422, "unequal_lengths", &message);
    }

    let done = Device::open().and_then(|device| {
        let result = compute::saxpy(&device, question.a, &question.x, &question.y)?;
        Ok(Answer {
            result,
            device: device.info().into(),
        })
    });
    let answer = match done {
        Ok(answer) => answer,
        Err(error) => return Response::device_error(&request, &error),
    };
    match serde_json::to_vec(&answer) {
        Ok(json) => Response::new(200, "application/json", json),
        Err(error) => Response::error(&request, 500, "internal", &error.to_string()),
    }
}
