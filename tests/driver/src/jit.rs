//! What the real driver's compiler does: it takes a module's text or an image of it, and writes to
//! the logs that the caller lent it.
//!
//! An image ("cubin") of this driver is a header and the text itself: [`MAGIC`], the architecture
//! in four bytes and the text's length in eight, little-endian.

use std::sync::Arc;

use tensor_wasm_ptx::{Limits, Module};

use crate::code::{Code, Result};
use crate::device;
use crate::ffi::{Host, In};

/// What an image begins with.
const MAGIC: &[u8; 16] = b"TensorWasm cubin";
const HEADER: usize = MAGIC.len() + 4 + 8;

/// Options by their number in `CUjit_option`.
const WALL_TIME: u32 = 2;
const INFO_LOG: u32 = 3;
const INFO_LOG_BYTES: u32 = 4;
const ERROR_LOG: u32 = 5;
const ERROR_LOG_BYTES: u32 = 6;
const TARGET: u32 = 9;
const OPTIONS: u32 = 40;

/// What a caller asks of the compiler.
#[derive(Default)]
pub(crate) struct Options {
    info: Log,
    error: Log,
    wall_time: Option<Host>,
    target: Option<u32>,
}

/// A buffer that the caller lent, and where the caller wants to find how much of it was used.
#[derive(Default)]
struct Log {
    buffer: Option<Host>,
    bytes: usize,
    used: Option<Host>,
}

impl Log {
    fn write(&self, text: &str) {
        let mut length = 0;
        if let Some(buffer) = self.buffer.filter(|_| self.bytes > 0) {
            let end = text.floor_char_boundary(self.bytes - 1);
            let kept = text.get(..end).unwrap_or_default();
            buffer.write(kept.as_bytes());
            Host::from_address(buffer.address() + end).write(&[0]);
            length = end;
        }
        if let Some(used) = self.used {
            used.as_out::<usize>().put_if_wanted(length);
        }
    }
}

impl Options {
    /// Reads the caller's two arrays. A value is a pointer, or a number in a pointer's place, which
    /// for sizes is also where the result goes.
    pub(crate) fn read(count: u32, names: In<u32>, values: Host) -> Result<Options> {
        let mut options = Options::default();
        for index in 0..count as usize {
            let name = names.at(index)?;
            let value = values.as_in::<Host>().at(index)?;
            let place = Host::from_address(values.address() + index * size_of::<Host>());
            match name {
                WALL_TIME => options.wall_time = Some(place),
                INFO_LOG => options.info.buffer = Some(value),
                INFO_LOG_BYTES => (options.info.bytes, options.info.used) = sized(value, place),
                ERROR_LOG => options.error.buffer = Some(value),
                ERROR_LOG_BYTES => (options.error.bytes, options.error.used) = sized(value, place),
                TARGET => options.target = Some(value.address() as u32),
                OPTIONS.. => return Err(Code::INVALID_VALUE),
                _ => {}
            }
        }
        for log in [&options.info, &options.error] {
            if let Some(buffer) = log.buffer
                && buffer.is_null()
                && log.bytes > 0
            {
                return Err(Code::INVALID_VALUE);
            }
        }
        Ok(options)
    }

    /// Compiles a module's text.
    pub(crate) fn compile(&self, text: &[u8]) -> Result<Arc<Module>> {
        let begun = std::time::Instant::now();
        let compiled = compile(text, self.target.unwrap_or(device::ARCHITECTURE));
        if let Some(place) = self.wall_time {
            let milliseconds = begun.elapsed().as_secs_f32() * 1000.0;
            place.as_out::<f32>().put_if_wanted(milliseconds);
        }
        self.info.write("");
        match compiled {
            Ok(module) => {
                self.error.write("");
                Ok(Arc::new(module))
            }
            Err((code, log)) => {
                self.error.write(&log);
                Err(code)
            }
        }
    }

    pub(crate) fn target(&self) -> u32 {
        self.target.unwrap_or(device::ARCHITECTURE)
    }
}

/// Such a number is an `unsigned int` in a pointer's place.
fn sized(value: Host, place: Host) -> (usize, Option<Host>) {
    (value.address() & 0xffff_ffff, Some(place))
}

fn compile(text: &[u8], target: u32) -> std::result::Result<Module, (Code, String)> {
    let newest = device::newest_ptx();
    if let Some((major, minor)) = version(text).filter(|version| *version > newest) {
        let log = format!(
            "ptxas application ptx input, line 1; fatal   : Unsupported .version {major}.{minor}; current version is '{}.{}'",
            newest.0, newest.1
        );
        return Err((Code::UNSUPPORTED_PTX_VERSION, log));
    }
    let limits = Limits {
        text_bytes: 64 << 20,
        instructions: 4 << 20,
        global_bytes: 4 << 30,
        max_target: target,
        ..Limits::default()
    };
    tensor_wasm_ptx::parse(text, &limits).map_err(|diagnostics| {
        let mut log = String::new();
        for diagnostic in diagnostics {
            let (line, message) = (diagnostic.line, diagnostic.message);
            log += &format!("ptxas application ptx input, line {line}; error   : {message}\n");
        }
        log += "ptxas fatal   : Ptx assembly aborted due to errors";
        (Code::INVALID_PTX, log)
    })
}

/// What `.version` says, where it says something.
fn version(text: &[u8]) -> Option<(u32, u32)> {
    let text = String::from_utf8_lossy(text);
    let (_, rest) = text.split_once(".version")?;
    let (major, minor) = rest.split_whitespace().next()?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// The text of an image, which is one of ours or a text itself; it ends with a NUL then.
pub(crate) fn text_of_image(image: Host) -> Result<Vec<u8>> {
    let bytes = image.as_in::<u8>();
    if bytes.is_null() {
        return Err(Code::INVALID_VALUE);
    }
    // Byte by byte: a text may be shorter than the header.
    for (index, expected) in MAGIC.iter().enumerate() {
        if bytes.at(index)? != *expected {
            let text = image.as_text().get()?.to_bytes();
            let is_module = text.windows(8).any(|window| window == b".version");
            return is_module.then(|| text.to_vec()).ok_or(Code::INVALID_IMAGE);
        }
    }
    let header = image.read(HEADER);
    let number = |range| {
        let bytes: &[u8] = header.get(range).unwrap_or_default();
        bytes
            .iter()
            .rev()
            .fold(0u64, |number, byte| (number << 8) | u64::from(*byte))
    };
    if number(16..20) > u64::from(device::ARCHITECTURE) {
        return Err(Code::NO_BINARY_FOR_GPU);
    }
    let length = usize::try_from(number(20..28)).map_err(|_| Code::INVALID_IMAGE)?;
    Ok(Host::from_address(image.address() + HEADER).read(length))
}

/// Makes an image of a text.
pub(crate) fn image_of_text(text: &[u8], architecture: u32) -> Vec<u8> {
    let mut image = MAGIC.to_vec();
    image.extend(architecture.to_le_bytes());
    image.extend((text.len() as u64).to_le_bytes());
    image.extend(text);
    image
}
