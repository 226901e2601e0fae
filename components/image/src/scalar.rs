//! The filters in WebAssembly, the fallback if the host does not grant a device. The results
//! are the same as those of the kernels, bit for bit; `kernels/filters.cu` describes them.

use crate::filter::Filter;
use crate::picture::{Picture, Rgba};

/// Filters a picture.
pub fn apply(filter: Filter, picture: &Picture) -> Picture {
    let width = picture.width as usize;
    let pixels = match filter {
        Filter::Gaussian { passes } => (1..passes)
            .fold(gaussian(width, &picture.pixels), |pixels, _| {
                gaussian(width, &pixels)
            }),
        Filter::Sobel => sobel(width, &picture.pixels),
        Filter::Grayscale => grayscale(&picture.pixels),
    };
    picture.with_pixels(pixels, filter.is_gray())
}

/// The rows of a picture. Rows beyond its edges repeat the outermost rows.
struct Rows<'a> {
    pixels: &'a [Rgba],
    width: usize,
}

impl<'a> Rows<'a> {
    fn count(&self) -> usize {
        self.pixels.len() / self.width
    }

    fn row(&self, y: usize, offset: isize) -> &'a [Rgba] {
        let y = clamped(y, offset, self.count());
        &self.pixels[y * self.width..][..self.width]
    }
}

/// `index + offset`, clamped to the indices of this length.
fn clamped(index: usize, offset: isize, length: usize) -> usize {
    index.saturating_add_signed(offset).min(length - 1)
}

fn luma([r, g, b, _]: Rgba) -> i32 {
    (77 * i32::from(r) + 150 * i32::from(g) + 29 * i32::from(b) + 128) >> 8
}

fn gaussian(width: usize, pixels: &[Rgba]) -> Vec<Rgba> {
    let rows = Rows { pixels, width };
    let mut window: [Vec<[u16; 4]>; 5] =
        std::array::from_fn(|i| weighted_row(rows.row(0, i as isize - 2)));
    let mut out = Vec::with_capacity(pixels.len());
    for y in 0..rows.count() {
        let [a, b, c, d, e] = &window;
        for ((((a, b), c), d), e) in a.iter().zip(b).zip(c).zip(d).zip(e) {
            out.push(std::array::from_fn(|i| {
                ((binomial(a[i], b[i], c[i], d[i], e[i]) + 128) >> 8) as u8
            }));
        }
        window.rotate_left(1);
        window[4] = weighted_row(rows.row(y, 3));
    }
    out
}

/// The weighted sum of each pixel and its neighbours in the row.
fn weighted_row(row: &[Rgba]) -> Vec<[u16; 4]> {
    (0..row.len())
        .map(|x| {
            let at = |offset| row[clamped(x, offset, row.len())];
            let (a, b, c, d, e) = (at(-2), at(-1), at(0), at(1), at(2));
            std::array::from_fn(|i| {
                // At most 16 times 255.
                binomial(
                    a[i].into(),
                    b[i].into(),
                    c[i].into(),
                    d[i].into(),
                    e[i].into(),
                ) as u16
            })
        })
        .collect()
}

fn binomial(a: u16, b: u16, c: u16, d: u16, e: u16) -> u32 {
    u32::from(a) + 4 * u32::from(b) + 6 * u32::from(c) + 4 * u32::from(d) + u32::from(e)
}

fn sobel(width: usize, pixels: &[Rgba]) -> Vec<Rgba> {
    let rows = Rows { pixels, width };
    let mut out = Vec::with_capacity(pixels.len());
    for y in 0..rows.count() {
        let [above, middle, below] = [rows.row(y, -1), rows.row(y, 0), rows.row(y, 1)];
        for (x, pixel) in middle.iter().enumerate() {
            let (left, right) = (clamped(x, -1, width), clamped(x, 1, width));
            let [nw, n, ne] = [left, x, right].map(|x| luma(above[x]));
            let [w, e] = [left, right].map(|x| luma(middle[x]));
            let [sw, s, se] = [left, x, right].map(|x| luma(below[x]));
            let across = ne + 2 * e + se - nw - 2 * w - sw;
            let down = sw + 2 * s + se - nw - 2 * n - ne;
            // The sum is below 2^24 and therefore exact in `f32`, and the square root is
            // correctly rounded here and in the kernel.
            let length = ((across * across + down * down) as f32)
                .sqrt()
                .round_ties_even();
            let value = length.min(255.0) as u8;
            out.push([value, value, value, pixel[3]]);
        }
    }
    out
}

fn grayscale(pixels: &[Rgba]) -> Vec<Rgba> {
    pixels
        .iter()
        .map(|&pixel| {
            let value = luma(pixel) as u8;
            [value, value, value, pixel[3]]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The filter by its definition, as a sum over the 5 x 5 square.
    fn gaussian_by_definition(width: usize, pixels: &[Rgba]) -> Vec<Rgba> {
        const WEIGHTS: [u32; 5] = [1, 4, 6, 4, 1];
        let height = pixels.len() / width;
        (0..pixels.len())
            .map(|index| {
                let (x, y) = (index % width, index / width);
                std::array::from_fn(|channel| {
                    let mut sum = 128;
                    for (dy, wy) in (-2..).zip(WEIGHTS) {
                        for (dx, wx) in (-2..).zip(WEIGHTS) {
                            let (x, y) = (clamped(x, dx, width), clamped(y, dy, height));
                            sum += wx * wy * u32::from(pixels[y * width + x][channel]);
                        }
                    }
                    (sum >> 8) as u8
                })
            })
            .collect()
    }

    fn noise(count: usize) -> Vec<Rgba> {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..count)
            .map(|_| [next(), next(), next(), next()])
            .collect()
    }

    #[test]
    fn the_separable_filter_equals_its_definition() {
        for (width, height) in [(1, 1), (1, 9), (9, 1), (2, 3), (17, 13)] {
            let pixels = noise(width * height);
            assert_eq!(
                gaussian(width, &pixels),
                gaussian_by_definition(width, &pixels),
                "{width} x {height}"
            );
        }
    }

    #[test]
    fn a_uniform_picture_is_not_changed_by_the_blur_and_has_no_edges() {
        let pixels = vec![[10, 200, 30, 128]; 35];
        assert_eq!(gaussian(7, &pixels), pixels);
        assert_eq!(sobel(7, &pixels), vec![[0, 0, 0, 128]; 35]);
    }

    #[test]
    fn a_black_and_white_edge_has_the_largest_gradient() {
        let (black, white) = ([0, 0, 0, 255], [255, 255, 255, 255]);
        let row = [black, black, white, white];
        let edge = [black, white, white, black];
        assert_eq!(sobel(4, &row.repeat(3)), edge.repeat(3));
    }

    #[test]
    fn gray_pixels_keep_their_brightness() {
        for value in [0, 1, 127, 128, 254, 255] {
            let pixel = [value, value, value, 7];
            assert_eq!(grayscale(&[pixel]), [pixel]);
        }
    }
}
