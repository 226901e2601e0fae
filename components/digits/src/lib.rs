//! A service that reads handwritten digits: a neural network of two layers, whose weights are part of
//! the component. To a POST of `[[0, 0, 5, 13, …], …]`, pictures of 8 by 8 pixels from 0 to 16, row by
//! row, it responds with `[{"digit": 0, "probability": 0.99}, …]`.
//!
//! It is meant as a beginning for services of one's own: weights that stay on the device, two products
//! of matrices and a softmax, which the host computes. `train.py` made the weights.

mod network;

use serde::Serialize;
use tensor_wasm_guest::http::{self, Request, Response};

http::service!(handle);

/// The longest body of a request, in bytes.
const MAX_BODY: usize = 1024 * 1024;

/// The most pictures of a request.
const MAX_PICTURES: usize = 4096;

/// What a picture shows.
#[derive(Serialize)]
struct Reading {
    digit: usize,
    probability: f32,
}

fn handle(request: Request) -> Response {
    if request.method() != "POST" {
        let message = "POST a list of pictures, each a list of 64 numbers from 0 to 16";
        return Response::error(&request, 405, "method_not_allowed", message)
            .header("allow", "POST");
    }
    let body = match request.body(MAX_BODY) {
        Ok(body) => body,
        Err(error) => return Response::body_error(&request, &error),
    };
    let pixels = match pixels(&body) {
        Ok(pixels) => pixels,
        Err(message) => return Response::error(&request, 400, "bad_request", &message),
    };
    let shares = match network::read(&pixels) {
        Ok(shares) => shares,
        Err(error) => return Response::device_error(&request, &error),
    };
    let readings: Vec<_> = shares.iter().map(Reading::of).collect();
    match serde_json::to_vec(&readings) {
        Ok(json) => Response::new(200, "application/json", json),
        Err(error) => Response::error(&request, 500, "internal", &error.to_string()),
    }
}

/// The pixels of all pictures, from 0 to 1.
fn pixels(body: &[u8]) -> Result<Vec<f32>, String> {
    let pictures: Vec<Vec<f32>> = serde_json::from_slice(body)
        .map_err(|error| format!("the body is not a list of lists of numbers: {error}"))?;
    if pictures.is_empty() || pictures.len() > MAX_PICTURES {
        return Err(format!(
            "{} pictures; send 1 to {MAX_PICTURES}",
            pictures.len()
        ));
    }
    for (index, picture) in pictures.iter().enumerate() {
        if picture.len() != network::PIXELS {
            return Err(format!(
                "the picture with index {index} has {} pixels, and not {}",
                picture.len(),
                network::PIXELS
            ));
        }
        if let Some(pixel) = picture.iter().find(|pixel| !(0.0..=16.0).contains(*pixel)) {
            return Err(format!(
                "the picture with index {index} has the pixel {pixel}, and not from 0 to 16"
            ));
        }
    }
    let pixels = pictures.into_iter().flatten();
    Ok(pixels.map(|pixel| pixel / 16.0).collect())
}

impl Reading {
    /// The most probable digit.
    fn of(shares: &[f32; network::DIGITS]) -> Reading {
        let most = |a: &usize, b: &usize| shares[*a].total_cmp(&shares[*b]);
        let digit = (0..network::DIGITS).max_by(most).unwrap_or(0);
        Reading {
            digit,
            probability: shares[digit],
        }
    }
}
