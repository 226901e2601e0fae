//! Keeps buffers on the device, and says what is in them. `/noise/NAME/BYTES/SEED` writes bytes that
//! look random to the buffer of this name, which is made where it is missing; `/noise/NAME/BYTES/SEED/AT`
//! writes them from `AT` on. `/sum/NAME` reads all of it and answers with its length and a checksum,
//! `/touch/NAME` writes its first byte and waits until that is done.

use tensor_wasm_guest::http::{self, Request, Response};
use tensor_wasm_guest::{Buffer, Device, Result};

http::service!(handle);

/// What is written or read at one time, in bytes.
const PIECE: u64 = 1 << 20;

fn handle(request: Request) -> Response {
    let path = request.path().to_owned();
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let answer = match parts.as_slice() {
        ["noise", name, bytes, seed] => noise(name, number(bytes), number(seed), 0),
        ["noise", name, bytes, seed, at] => noise(name, number(bytes), number(seed), number(at)),
        ["sum", name] => sum(name),
        ["touch", name] => touch(name),
        _ => Ok("?".to_owned()),
    };
    let (status, text) = match answer {
        Ok(text) => (200, text),
        Err(error) => (503, error.kind().to_string()),
    };
    Response::new(status, "text/plain", text.into_bytes())
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or(0)
}

fn noise(name: &str, bytes: u64, seed: u64, at: u64) -> Result<String> {
    let device = Device::open()?;
    let buffer: Buffer<u8> = device.lookup_or_keep(name, || device.allocate(at + bytes))?;
    let queue = device.queue()?;
    let mut state = seed;
    let mut written = 0;
    while written < bytes {
        let count = PIECE.min(bytes - written);
        let mut piece = vec![0_u8; count as usize];
        for word in piece.chunks_mut(8) {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let mixed = state ^ (state >> 32);
            for (byte, value) in word.iter_mut().zip(mixed.to_le_bytes()) {
                *byte = value;
            }
        }
        queue.write(&buffer, at + written, &piece)?;
        written += count;
    }
    queue.synchronize()?;
    Ok(buffer.len().to_string())
}

fn sum(name: &str) -> Result<String> {
    let device = Device::open()?;
    let Some(buffer) = device.lookup::<u8>(name)? else {
        return Ok("none".to_owned());
    };
    let queue = device.queue()?;
    let (mut sum, mut read) = (0xcbf2_9ce4_8422_2325_u64, 0);
    while read < buffer.len() {
        let end = buffer.len().min(read + PIECE);
        for byte in queue.read(&buffer, read..end)? {
            sum = (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        read = end;
    }
    Ok(format!("{} {sum:016x}", buffer.len()))
}

fn touch(name: &str) -> Result<String> {
    let device = Device::open()?;
    let buffer: Buffer<u8> = device.lookup_or_keep(name, || device.allocate(1))?;
    let queue = device.queue()?;
    queue.write(&buffer, 0, &[1])?;
    queue.synchronize()?;
    Ok("touched".to_owned())
}
