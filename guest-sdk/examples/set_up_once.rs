//! A service that counts words of a list, which it reads once: later instances start with it.

use std::error::Error;
use std::sync::OnceLock;

use tensor_wasm_guest::Device;
use tensor_wasm_guest::http::{self, Request, Response};

static WORDS: OnceLock<Vec<String>> = OnceLock::new();

tensor_wasm_guest::init!(set_up);
http::service!(handle);

fn set_up() -> Result<(), Box<dyn Error>> {
    let text = std::fs::read_to_string("/assets/words.txt")?;
    let words = WORDS.get_or_init(|| text.lines().map(str::to_owned).collect());
    // Where there is a device, what is kept under a name stays there.
    if let Ok(device) = Device::open() {
        let lengths: Vec<u32> = words.iter().map(|word| word.len() as u32).collect();
        let queue = device.queue()?;
        let lengths = queue.upload(&lengths)?;
        queue.synchronize()?;
        device.keep("lengths", lengths)?;
    }
    Ok(())
}

fn handle(_request: Request) -> Response {
    let words = WORDS.get().map_or(0, Vec::len);
    Response::text(200, format!("{words} words\n"))
}
