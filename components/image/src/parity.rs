//! Tests that the kernels and the scalar code give the same results, bit for bit. The kernels
//! run in the reference interpreter, with every step checked.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use tensor_wasm_guest::LaunchConfig;
use tensor_wasm_guest::testing::Device;

use crate::filter::Filter;
use crate::picture::{Picture, Rgba};
use crate::scalar;

#[test]
fn kernels_and_scalar_code_agree_on_every_bit() {
    let mut device = Device::load(include_str!("../kernels/filters.ptx")).unwrap();
    let filters = [
        Filter::Gaussian { passes: 1 },
        Filter::Gaussian { passes: 3 },
        Filter::Sobel,
        Filter::Grayscale,
    ];
    // Smaller than a block, exactly one block, and several with partial blocks at both edges.
    for (width, height) in [(1, 1), (3, 40), (16, 16), (37, 21)] {
        let picture = noise(width, height);
        for filter in filters {
            assert_eq!(
                run(&mut device, filter, &picture),
                scalar::apply(filter, &picture).pixels,
                "{filter:?} of {width} x {height}"
            );
        }
    }
}

/// Applies a filter with the kernels.
fn run(device: &mut Device, filter: Filter, picture: &Picture) -> Vec<Rgba> {
    let config = LaunchConfig::for_area(picture.width, picture.height, (16, 16));
    let mut from = device.upload(&picture.pixels).unwrap();
    for _ in 0..filter.passes() {
        let to = device.allocate::<Rgba>(picture.pixels.len()).unwrap();
        let launch = device.launch(filter.kernel(), config);
        let launch = launch.arg(&to).arg(&from).arg(picture.width as i32);
        launch.arg(picture.height as i32).run().unwrap();
        from = to;
    }
    device.read(&from)
}

fn noise(width: u32, height: u32) -> Picture {
    let mut state = width * 1000 + height;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    Picture {
        width,
        height,
        pixels: (0..width * height)
            .map(|_| [next(), next(), next(), next()])
            .collect(),
        gray: false,
        alpha: true,
    }
}
