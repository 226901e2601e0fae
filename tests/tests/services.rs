//! The example services `saxpy` and `image`, compared with reference implementations
//! in Rust, with a device and without one.

use reqwest::Method;
use serde_json::{Value, json};
use tensor_wasm_tests::{Reply, Serve, Server, SharedServer, component, run};

static SAXPY: SharedServer = SharedServer::new(|| Serve::new(component("saxpy")));
static IMAGE: SharedServer = SharedServer::new(|| Serve::new(component("image")));

fn saxpy(body: impl Into<Vec<u8>>) -> Reply {
    SAXPY.get().post("/", body)
}

#[test]
fn saxpy_computes_what_rust_computes() {
    for count in [0usize, 1, 31, 1000, 5000] {
        let a = 0.37f32;
        let x: Vec<f32> = (0..count).map(|i| (i as f32).sin() * 100.0).collect();
        let y: Vec<f32> = (0..count).map(|i| (i as f32).cos()).collect();
        let reply = saxpy(json!({ "a": a, "x": x, "y": y }).to_string());
        assert_eq!(reply.status, 200, "{}", reply.text());
        let result: Vec<f32> = reply.json()["result"]
            .as_array()
            .unwrap()
            .iter()
            .map(|number| number.as_f64().unwrap() as f32)
            .collect();
        let expected: Vec<f32> = x.iter().zip(&y).map(|(x, y)| a.mul_add(*x, *y)).collect();
        assert_eq!(result, expected);
    }
}

#[test]
fn saxpy_reports_the_device_it_ran_on() {
    let reply = saxpy(r#"{"a": 2, "x": [1, 2], "y": [3, 4]}"#).json();
    assert_eq!(reply["result"], json!([5.0, 8.0]));
    let name = reply["device"]["name"].as_str().unwrap();
    assert!(SAXPY.get().start().device.contains(name));
}

#[test]
fn saxpy_rejects_invalid_input() {
    for body in [
        "",
        "{",
        "[]",
        r#"{"a": 1}"#,
        r#"{"a": "one", "x": [], "y": []}"#,
    ] {
        assert_eq!(saxpy(body).status, 400, "{body}");
    }
    let unequal = saxpy(r#"{"a": 1, "x": [1], "y": []}"#);
    assert_eq!(unequal.status, 422, "{}", unequal.text());
    let server = SAXPY.get();
    assert_eq!(server.get("/").status, 405);
    assert_eq!(server.get("/elsewhere").status, 404);
}

#[test]
fn saxpy_reports_that_there_is_no_device() {
    let server = Serve::new(component("saxpy"))
        .args(["--gpu", "deny"])
        .start();
    let reply = server.post("/", r#"{"a": 1, "x": [1], "y": [1]}"#);
    assert!(reply.status.is_client_error() || reply.status.is_server_error());
    assert!(
        reply.json()["error"]["message"].is_string(),
        "{}",
        reply.text()
    );
}

type Rgba = [u8; 4];

/// A picture of some colour, with an edge, a gradient and some noise.
struct Picture {
    width: usize,
    height: usize,
    pixels: Vec<Rgba>,
}

impl Picture {
    fn drawn(width: usize, height: usize) -> Self {
        let mut noise = 12345u32;
        let pixels = (0..width * height)
            .map(|index| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let (x, y) = (index % width, index / width);
                let edge = if x > y { 200 } else { 20 };
                [
                    edge,
                    (x * 5) as u8,
                    (noise >> 25) as u8,
                    255 - (y % 64) as u8,
                ]
            })
            .collect();
        Self {
            width,
            height,
            pixels,
        }
    }

    fn png(&self, color: png::ColorType) -> Vec<u8> {
        let bytes: Vec<u8> = match color {
            png::ColorType::Grayscale => self.pixels.iter().map(|pixel| pixel[0]).collect(),
            png::ColorType::Rgb => self
                .pixels
                .iter()
                .flat_map(|pixel| [pixel[0], pixel[1], pixel[2]])
                .collect(),
            _ => self.pixels.as_flattened().to_vec(),
        };
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, self.width as u32, self.height as u32);
        encoder.set_color(color);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&bytes).unwrap();
        writer.finish().unwrap();
        file
    }

    /// The pixel there, or the nearest one within the picture.
    fn at(&self, x: isize, y: isize) -> Rgba {
        let x = x.clamp(0, self.width as isize - 1) as usize;
        let y = y.clamp(0, self.height as isize - 1) as usize;
        self.pixels[y * self.width + x]
    }

    fn map(&self, filter: impl Fn(isize, isize) -> Rgba) -> Vec<Rgba> {
        (0..self.pixels.len())
            .map(|index| filter((index % self.width) as isize, (index / self.width) as isize))
            .collect()
    }
}

fn luma([r, g, b, _]: Rgba) -> i32 {
    (77 * i32::from(r) + 150 * i32::from(g) + 29 * i32::from(b) + 128) >> 8
}

fn grayscale(picture: &Picture) -> Vec<Rgba> {
    picture.map(|x, y| {
        let pixel = picture.at(x, y);
        let value = luma(pixel) as u8;
        [value, value, value, pixel[3]]
    })
}

/// The two-dimensional kernel of binomial weights, applied at once.
fn gaussian(picture: &Picture) -> Vec<Rgba> {
    const WEIGHTS: [u32; 5] = [1, 4, 6, 4, 1];
    picture.map(|x, y| {
        std::array::from_fn(|channel| {
            let mut sum = 128;
            for (dy, down) in (-2..).zip(WEIGHTS) {
                for (dx, across) in (-2..).zip(WEIGHTS) {
                    sum += across * down * u32::from(picture.at(x + dx, y + dy)[channel]);
                }
            }
            (sum / 256) as u8
        })
    })
}

fn sobel(picture: &Picture) -> Vec<Rgba> {
    picture.map(|x, y| {
        let near = |dx: isize, dy: isize| luma(picture.at(x + dx, y + dy));
        let across = near(1, -1) + 2 * near(1, 0) + near(1, 1)
            - near(-1, -1)
            - 2 * near(-1, 0)
            - near(-1, 1);
        let down = near(-1, 1) + 2 * near(0, 1) + near(1, 1)
            - near(-1, -1)
            - 2 * near(0, -1)
            - near(1, -1);
        let length = f64::from(across * across + down * down).sqrt();
        let value = length.round_ties_even().min(255.0) as u8;
        [value, value, value, picture.at(x, y)[3]]
    })
}

/// The pixels of a PNG, whatever its kind.
fn decoded(file: &[u8]) -> (usize, usize, Vec<Rgba>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(file))
        .read_info()
        .unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut bytes).unwrap();
    let bytes = &bytes[..frame.buffer_size()];
    let pixels = match frame.color_type {
        png::ColorType::Grayscale => bytes.iter().map(|v| [*v, *v, *v, 255]).collect(),
        png::ColorType::GrayscaleAlpha => bytes
            .as_chunks()
            .0
            .iter()
            .map(|&[v, a]| [v, v, v, a])
            .collect(),
        png::ColorType::Rgb => bytes
            .as_chunks()
            .0
            .iter()
            .map(|&[r, g, b]| [r, g, b, 255])
            .collect(),
        png::ColorType::Rgba => bytes.as_chunks().0.to_vec(),
        png::ColorType::Indexed => panic!("nobody asked for a palette"),
    };
    (frame.width as usize, frame.height as usize, pixels)
}

/// Every filter on pictures of sizes that fit blocks and of sizes that do not.
fn filters_as_the_reference(server: &Server, device: impl Fn(&str) -> bool) {
    type Reference = fn(&Picture) -> Vec<Rgba>;
    let filters: [(&str, Reference); 3] = [
        ("/grayscale", grayscale),
        ("/gaussian", gaussian),
        ("/sobel", sobel),
    ];
    for (width, height) in [(1, 1), (1, 37), (37, 1), (16, 16), (61, 47)] {
        let picture = Picture::drawn(width, height);
        for (path, reference) in filters {
            let reply = server.post(path, picture.png(png::ColorType::Rgba));
            assert_eq!(reply.status, 200, "{}", reply.text());
            assert_eq!(reply.header("content-type"), Some("image/png"));
            let told = reply.header("x-tensor-wasm-device").unwrap();
            assert!(device(told), "{told}");
            let filtered = decoded(&reply.body);
            let expected = (width, height, reference(&picture));
            assert!(filtered == expected, "{path} of {width} x {height} differs");
        }
    }
}

#[test]
fn image_filters_match_the_reference_implementation() {
    let server = IMAGE.get();
    filters_as_the_reference(&server, |device| device != "fallback");
}

#[test]
fn image_filters_work_without_a_device() {
    let server = Serve::new(component("image"))
        .args(["--gpu", "deny"])
        .start();
    filters_as_the_reference(&server, |device| device == "fallback");
}

/// A composite with `deny-gpu` does not import the GPU, so the host's grant has no effect.
#[test]
fn a_service_composed_with_deny_gpu_has_no_device_even_if_the_host_grants_one() {
    let folder = tempfile::tempdir().unwrap();
    let denied = folder.path().join("denied.wasm");
    let (image, denial) = (component("image"), component("deny-gpu"));
    let composed = run([
        "compose".as_ref(),
        image.as_os_str(),
        "--plug".as_ref(),
        denial.as_os_str(),
        "-o".as_ref(),
        denied.as_os_str(),
    ]);
    assert_eq!(composed.code, Some(0), "{}", composed.stderr);
    let server = Serve::new(denied).args(["--gpu", "cpu"]).start();
    filters_as_the_reference(&server, |device| device == "fallback");
}

#[test]
fn grayscale_and_opaque_pictures_are_filtered() {
    let server = IMAGE.get();
    let picture = Picture::drawn(33, 21);
    for color in [png::ColorType::Grayscale, png::ColorType::Rgb] {
        let file = picture.png(color);
        let (width, height, pixels) = decoded(&file);
        let plain = Picture {
            width,
            height,
            pixels,
        };
        let reply = server.post("/gaussian", file);
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert!(
            decoded(&reply.body) == (width, height, gaussian(&plain)),
            "{color:?}"
        );
    }
}

#[test]
fn a_body_that_is_not_a_png_is_rejected_with_a_json_error() {
    let server = IMAGE.get();
    let file = Picture::drawn(20, 20).png(png::ColorType::Rgba);
    let errors = [
        (server.post("/sobel", "not a picture"), 415),
        (server.post("/sobel", ""), 415),
        (server.post("/sobel", &file[..file.len() / 2]), 400),
        (server.post("/nothing", file.clone()), 404),
        (server.get("/sobel"), 405),
        (
            server.send(
                server
                    .request(Method::POST, "/sobel")
                    .header("content-type", "text/html")
                    .body(file),
            ),
            415,
        ),
    ];
    for (reply, status) in errors {
        assert_eq!(reply.status, status, "{}", reply.text());
        let error: Value = reply.json()["error"].take();
        assert!(
            error["kind"].is_string() && error["message"].is_string(),
            "{error}"
        );
    }
}
