//! The demo's picture: a landscape drawn from a few formulas, with what image
//! filters are judged by: smooth gradients, hard edges, and fine grain.

use anyhow::{Context, Result};

/// The picture's size in pixels.
pub const WIDTH: u32 = 480;
/// The picture's size in pixels.
pub const HEIGHT: u32 = 320;

/// Where the sun stands and how large it is, in units of the picture's height.
const SUN: (f32, f32, f32) = (1.02, 0.40, 0.075);

/// One ridge of hills, from the far to the near.
struct Ridge {
    /// Height of its line above the lower edge, as a share of the picture's.
    height: f32,
    /// How far it rises and falls.
    relief: f32,
    /// How many hills stand side by side.
    hills: f32,
    seed: u32,
    colour: [f32; 3],
    /// How strong its grain is: trees near by, nothing far away.
    grain: f32,
}

const RIDGES: [Ridge; 4] = [
    Ridge {
        height: 0.50,
        relief: 0.20,
        hills: 3.0,
        seed: 11,
        colour: [0.55, 0.53, 0.66],
        grain: 0.02,
    },
    Ridge {
        height: 0.38,
        relief: 0.16,
        hills: 4.5,
        seed: 23,
        colour: [0.36, 0.41, 0.52],
        grain: 0.05,
    },
    Ridge {
        height: 0.26,
        relief: 0.13,
        hills: 3.5,
        seed: 37,
        colour: [0.20, 0.31, 0.33],
        grain: 0.12,
    },
    Ridge {
        height: 0.12,
        relief: 0.12,
        hills: 5.0,
        seed: 53,
        colour: [0.10, 0.18, 0.15],
        grain: 0.25,
    },
];

/// The picture as a PNG file: 8 bits, RGB.
///
/// # Errors
/// Where the encoder fails.
pub fn landscape() -> Result<Vec<u8>> {
    let mut pixels = Vec::with_capacity((WIDTH * HEIGHT * 3) as usize);
    for row in 0..HEIGHT {
        for column in 0..WIDTH {
            // Both in units of the picture's height, from the upper left.
            let x = column as f32 / HEIGHT as f32;
            let y = row as f32 / HEIGHT as f32;
            let film = 0.015 * (hash(column, row, 97) - 0.5);
            for channel in colour(x, y) {
                pixels.push(((channel + film).clamp(0.0, 1.0) * 255.0).round() as u8);
            }
        }
    }
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, WIDTH, HEIGHT);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&pixels))
        .context("cannot encode the picture")?;
    Ok(file)
}

fn colour(x: f32, y: f32) -> [f32; 3] {
    let mut colour = sky(x, y);
    for ridge in &RIDGES {
        let line = noise(x * ridge.hills, 0.0, ridge.seed, 5);
        let top = 1.0 - ridge.height - ridge.relief * (line - 0.5);
        if y > top {
            let grain = noise(x * 70.0, y * 90.0, ridge.seed + 1, 3) - 0.5;
            // Haze lies in the valleys, below each ridge's line.
            let haze = (0.9 * (y - top)).min(0.25);
            colour = ridge
                .colour
                .map(|base| base * (1.0 + 2.0 * ridge.grain * grain) + 0.35 * haze);
        }
    }
    colour
}

fn sky(x: f32, y: f32) -> [f32; 3] {
    let height = (1.0 - y / 0.62).clamp(0.0, 1.0);
    let mut sky = mix([1.0, 0.78, 0.52], [0.24, 0.42, 0.72], height.powf(0.7));
    let clouds = noise(x * 2.2 + 3.0, y * 7.0, 71, 5);
    let cover = ((clouds - 0.52) * 5.0).clamp(0.0, 0.75) * height.sqrt();
    sky = mix(sky, [0.98, 0.90, 0.86], cover);
    let (sun_x, sun_y, radius) = SUN;
    let distance = (x - sun_x).hypot(y - sun_y);
    if distance < radius {
        return [1.0, 0.96, 0.82];
    }
    let glow = (-(distance - radius) * 6.0).exp() * 0.7;
    mix(sky, [1.0, 0.88, 0.62], glow)
}

fn mix(from: [f32; 3], to: [f32; 3], share: f32) -> [f32; 3] {
    std::array::from_fn(|channel| {
        let from = from.get(channel).copied().unwrap_or_default();
        let to = to.get(channel).copied().unwrap_or_default();
        from + (to - from) * share
    })
}

/// Value noise between 0 and 1: `octaves` layers, each twice as fine as the one
/// before and half as strong.
fn noise(x: f32, y: f32, seed: u32, octaves: u32) -> f32 {
    let (mut sum, mut weight, mut strength, mut scale) = (0.0, 0.0, 1.0, 1.0);
    for octave in 0..octaves {
        sum += strength * smooth(x * scale, y * scale, seed + octave);
        weight += strength;
        strength *= 0.5;
        scale *= 2.0;
    }
    sum / weight
}

fn smooth(x: f32, y: f32, seed: u32) -> f32 {
    let ease = |share: f32| share * share * (3.0 - 2.0 * share);
    let (left, top) = (x.floor(), y.floor());
    let (across, down) = (ease(x - left), ease(y - top));
    let (column, row) = (left as u32, top as u32);
    let blend = |a: f32, b: f32, share: f32| a + (b - a) * share;
    blend(
        blend(hash(column, row, seed), hash(column + 1, row, seed), across),
        blend(
            hash(column, row + 1, seed),
            hash(column + 1, row + 1, seed),
            across,
        ),
        down,
    )
}

/// A number between 0 and 1 that looks like chance and is always the same.
fn hash(x: u32, y: u32, seed: u32) -> f32 {
    let mut bits = x
        .wrapping_mul(0x9E37_79B1)
        .wrapping_add(y.wrapping_mul(0x85EB_CA77))
        .wrapping_add(seed.wrapping_mul(0xC2B2_AE3D));
    bits ^= bits >> 15;
    bits = bits.wrapping_mul(0x2C1B_3C6D);
    bits ^= bits >> 12;
    bits = bits.wrapping_mul(0x297A_2D39);
    bits ^= bits >> 15;
    (bits >> 8) as f32 / (1 << 24) as f32
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_picture_is_a_png_of_its_stated_size_and_the_same_every_time() {
        let file = landscape().unwrap();
        let decoder = png::Decoder::new(std::io::Cursor::new(&file));
        let reader = decoder.read_info().unwrap();
        assert_eq!(reader.info().size(), (WIDTH, HEIGHT));
        assert_eq!(file, landscape().unwrap());
    }
}
