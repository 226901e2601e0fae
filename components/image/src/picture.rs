//! Pictures, and their PNG encoding.

use std::io::Cursor;

use png::{BitDepth, ColorType, Compression, Decoder, DecodingError, Encoder, Limits};

/// The largest width or height, in pixels.
const MAX_SIDE: u32 = 16_384;
/// The largest number of pixels, a little more than a 4K picture has.
const MAX_PIXELS: u64 = 10_000_000;

/// One pixel: red, green, blue and opacity.
pub type Rgba = [u8; 4];

/// A picture in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// In pixels, at least 1.
    pub width: u32,
    /// In pixels, at least 1.
    pub height: u32,
    /// Row after row.
    pub pixels: Vec<Rgba>,
    /// Whether it has no colours, and is written as grayscale.
    pub gray: bool,
    /// Whether it has an alpha channel, and is written with one.
    pub alpha: bool,
}

/// Why a picture cannot be read or written.
#[derive(Debug)]
pub enum PictureError {
    /// It does not begin with the signature of a PNG.
    NotPng,
    /// It begins with the signature, but is not a valid PNG.
    Broken(String),
    /// It is larger than the service accepts; width and height in pixels.
    TooLarge { width: u32, height: u32 },
    /// It cannot be written.
    Encode(String),
}

impl std::fmt::Display for PictureError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            PictureError::NotPng => f.write_str("the body is not a PNG"),
            PictureError::Broken(why) => write!(f, "the PNG cannot be read: {why}"),
            PictureError::TooLarge { width, height } => write!(
                f,
                "the picture has {width} x {height} pixels; this service accepts at most \
                 {MAX_PIXELS} pixels, and at most {MAX_SIDE} in width and height"
            ),
            PictureError::Encode(why) => write!(f, "the result cannot be written: {why}"),
        }
    }
}

impl From<DecodingError> for PictureError {
    fn from(error: DecodingError) -> PictureError {
        PictureError::Broken(error.to_string())
    }
}

impl Picture {
    /// Reads a PNG of any kind. Channels of 16 bits are reduced to 8.
    pub fn decode(png: &[u8]) -> Result<Picture, PictureError> {
        if !png.starts_with(b"\x89PNG\r\n\x1a\n") {
            return Err(PictureError::NotPng);
        }
        // A limit for other data than pixels, such as text and profiles. The pixels are limited
        // below.
        let limits = Limits {
            bytes: 4 * 1024 * 1024,
        };
        let mut decoder = Decoder::new_with_limits(Cursor::new(png), limits);
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let header = decoder.read_header_info()?;
        let (width, height) = (header.width, header.height);
        if width.max(height) > MAX_SIDE || u64::from(width) * u64::from(height) > MAX_PIXELS {
            return Err(PictureError::TooLarge { width, height });
        }

        let mut reader = decoder.read_info()?;
        let size = reader
            .output_buffer_size()
            .ok_or(PictureError::TooLarge { width, height })?;
        let mut bytes = vec![0; size];
        let frame = reader.next_frame(&mut bytes)?;
        bytes.truncate(frame.buffer_size());
        let (gray, alpha) = match frame.color_type {
            ColorType::Grayscale => (true, false),
            ColorType::GrayscaleAlpha => (true, true),
            ColorType::Rgb => (false, false),
            ColorType::Rgba => (false, true),
            ColorType::Indexed => {
                return Err(PictureError::Broken("its palette was not expanded".into()));
            }
        };
        Ok(Picture {
            width,
            height,
            pixels: match (gray, alpha) {
                (true, false) => bytes.iter().map(|&v| [v, v, v, 255]).collect(),
                (true, true) => pixels(&bytes, |&[v, a]| [v, v, v, a]),
                (false, false) => pixels(&bytes, |&[r, g, b]| [r, g, b, 255]),
                (false, true) => pixels(&bytes, |&rgba| rgba),
            },
            gray,
            alpha,
        })
    }

    /// Writes a PNG, with only the channels that it needs.
    pub fn encode(&self) -> Result<Vec<u8>, PictureError> {
        let color = match (self.gray, self.alpha) {
            (true, false) => ColorType::Grayscale,
            (true, true) => ColorType::GrayscaleAlpha,
            (false, false) => ColorType::Rgb,
            (false, true) => ColorType::Rgba,
        };
        let bytes: Vec<u8> = match color {
            ColorType::Grayscale => self.pixels.iter().map(|&[v, ..]| v).collect(),
            ColorType::GrayscaleAlpha => bytes(&self.pixels, |&[v, _, _, a]| [v, a]),
            ColorType::Rgb => bytes(&self.pixels, |&[r, g, b, _]| [r, g, b]),
            _ => self.pixels.as_flattened().to_vec(),
        };
        let mut png = Vec::new();
        let mut encoder = Encoder::new(&mut png, self.width, self.height);
        encoder.set_color(color);
        encoder.set_depth(BitDepth::Eight);
        encoder.set_compression(Compression::Fast);
        let failed = |error: png::EncodingError| PictureError::Encode(error.to_string());
        let mut writer = encoder.write_header().map_err(failed)?;
        writer.write_image_data(&bytes).map_err(failed)?;
        writer.finish().map_err(failed)?;
        Ok(png)
    }

    /// The same picture with other pixels; `gray` says that these have no colours.
    pub fn with_pixels(&self, pixels: Vec<Rgba>, gray: bool) -> Picture {
        Picture {
            pixels,
            gray: self.gray || gray,
            ..*self
        }
    }
}

fn pixels<const N: usize>(bytes: &[u8], of: impl Fn(&[u8; N]) -> Rgba) -> Vec<Rgba> {
    bytes.as_chunks().0.iter().map(of).collect()
}

fn bytes<const N: usize>(pixels: &[Rgba], of: impl Fn(&Rgba) -> [u8; N]) -> Vec<u8> {
    pixels.iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn picture(gray: bool, alpha: bool) -> Picture {
        let pixels = (0..15u8).map(|i| {
            let (g, b) = if gray { (i, i) } else { (i + 50, i + 100) };
            [i, g, b, if alpha { 200 + i } else { 255 }]
        });
        Picture {
            width: 5,
            height: 3,
            pixels: pixels.collect(),
            gray,
            alpha,
        }
    }

    #[test]
    fn every_kind_of_picture_survives_writing_and_reading() {
        for (gray, alpha) in [(false, false), (false, true), (true, false), (true, true)] {
            let picture = picture(gray, alpha);
            assert_eq!(
                Picture::decode(&picture.encode().unwrap()).unwrap(),
                picture
            );
        }
    }

    #[test]
    fn a_truncated_png_is_an_error_and_a_damaged_one_does_not_panic() {
        let png = picture(false, true).encode().unwrap();
        for length in 0..png.len() - 12 {
            assert!(Picture::decode(&png[..length]).is_err(), "{length}");
        }
        for index in 0..png.len() {
            let mut png = png.clone();
            png[index] ^= 0x55;
            let _ = Picture::decode(&png);
        }
    }

    #[test]
    fn a_png_with_a_huge_size_in_its_header_is_refused_before_memory_is_allocated() {
        let mut png = Vec::new();
        let mut encoder = Encoder::new(&mut png, 100_000, 100_000);
        encoder.set_color(ColorType::Rgba);
        drop(encoder.write_header().unwrap());
        assert!(matches!(
            Picture::decode(&png),
            Err(PictureError::TooLarge { .. })
        ));
    }
}
