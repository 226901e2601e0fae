//! Is initialized once, and says what its instances find of that, as JSON: the table that `init` has made in
//! memory and on the device, the file that it has read, and how often `init` and this instance's handler
//! have run. The path `/read/PATH` reads a file, which needs the handles that the standard library had, and
//! `/change` changes what is on the device.
//!
//! The setting, or the environment variable, `init` says what `init` does instead: `fail`, `trap`, `exit`,
//! `loop`, `grow` (past all memory), `fill` (64 MiB), `keep-file`, `keep-device`, `keep-module`, `keep-stream`.

#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::fs::File;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use serde_json::json;
use tensor_wasm_guest::http::{Request, Response};
use tensor_wasm_guest::{Device, http};
use tensor_wasm_test_guests::policy::store;

tensor_wasm_guest::init!(init);
http::service!(handle);

const TABLE: u64 = 100_000;
const PTX: &[u8] =
    b".version 7.0\n.target sm_70\n.address_size 64\n.visible .entry nothing()\n{\nret;\n}\n";

static INITS: AtomicU32 = AtomicU32::new(0);
static REQUESTS: AtomicU32 = AtomicU32::new(0);
static KEY: AtomicU64 = AtomicU64::new(0);
static STATE: Mutex<Option<State>> = Mutex::new(None);
/// What may not be left behind.
static FILE: Mutex<Option<File>> = Mutex::new(None);
static FILLED: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct State {
    table: HashMap<u64, u64>,
    file: Option<String>,
    secret: Option<String>,
}

fn setting(name: &str) -> Option<String> {
    let stored = store::get(name).ok().flatten();
    stored.or_else(|| std::env::var(name).ok())
}

fn init() -> Result<(), String> {
    INITS.fetch_add(1, Ordering::Relaxed);
    println!("init begins");
    print!("a line without an end");
    let random = wasip2::random::random::get_random_u64();
    KEY.store(random, Ordering::Relaxed);
    let table: HashMap<u64, u64> = (0..TABLE).map(|key| (key, key * key)).collect();
    let file = std::fs::read_to_string("/assets/weights").ok();
    *STATE.lock().unwrap() = Some(State {
        table,
        file,
        secret: setting("secret"),
    });
    if let Ok(device) = Device::open() {
        let queue = device.queue().map_err(|error| error.to_string())?;
        let values: Vec<u32> = (0..1000).collect();
        let buffer = queue.upload(&values).map_err(|error| error.to_string())?;
        queue.synchronize().map_err(|error| error.to_string())?;
        let kept = device.keep("table", buffer);
        kept.map_err(|error| error.to_string())?;
    }
    match setting("init").as_deref() {
        Some("fail") => Err("there are no weights: stage /assets/weights".to_owned()),
        Some("trap") => std::process::abort(),
        Some("exit") => std::process::exit(3),
        Some("loop") => loop {
            std::hint::black_box(0);
        },
        Some("grow") => {
            let mut all = Vec::new();
            loop {
                all.push(vec![1_u8; 16 << 20]);
                std::hint::black_box(&all);
            }
        }
        Some("fill") => {
            *FILLED.lock().unwrap() = vec![7; 64 << 20];
            Ok(())
        }
        Some("keep-file") => {
            let file = File::open("/assets/weights").map_err(|error| error.to_string())?;
            *FILE.lock().unwrap() = Some(file);
            Ok(())
        }
        Some("keep-device") => {
            std::mem::forget(Device::open().map_err(|error| error.to_string())?);
            Ok(())
        }
        Some("keep-module") => {
            let device = Device::open().map_err(|error| error.to_string())?;
            std::mem::forget(device.load(PTX).map_err(|error| error.to_string())?);
            Ok(())
        }
        Some("keep-stream") => {
            std::mem::forget(wasip2::cli::stdout::get_stdout());
            Ok(())
        }
        _ => Ok(()),
    }
}

fn change() -> tensor_wasm_guest::Result<()> {
    let device = Device::open()?;
    if let Some(buffer) = device.lookup::<u32>("table")? {
        let queue = device.queue()?;
        queue.write(&buffer, 0, &[4711])?;
        queue.synchronize()?;
    }
    Ok(())
}

/// The sum of what `init` has kept on the device, if it is there.
fn on_device() -> Option<u64> {
    let device = Device::open().ok()?;
    let buffer = device.lookup::<u32>("table").ok()??;
    let queue = device.queue().ok()?;
    let values = queue.download(&buffer).ok()?;
    Some(values.into_iter().map(u64::from).sum())
}

fn handle(request: Request) -> Response {
    let requests = REQUESTS.fetch_add(1, Ordering::Relaxed) + 1;
    println!("a request");
    if let Some(path) = request.path().strip_prefix("/read") {
        return match std::fs::read_to_string(path) {
            Ok(text) => Response::text(200, text),
            Err(error) => Response::text(404, error.to_string()),
        };
    }
    if request.path() == "/change" {
        return match change() {
            Ok(()) => Response::text(200, "changed"),
            Err(error) => Response::text(503, error.to_string()),
        };
    }
    let mut state = STATE.lock().unwrap();
    let found = state.as_mut().map(|state| {
        let sum: u64 = state.table.values().sum();
        // Of this instance alone.
        state.table.insert(0, 1_000_000);
        (sum, state.file.clone(), state.secret.clone())
    });
    let (sum, file, secret) = found.unwrap_or_default();
    let answer = json!({
        "inits": INITS.load(Ordering::Relaxed),
        "requests": requests,
        "sum": sum,
        "file": file,
        "secret": secret,
        "key": KEY.load(Ordering::Relaxed).to_string(),
        "filled": FILLED.lock().unwrap().len(),
        "on_device": on_device(),
    });
    Response::new(200, "application/json", answer.to_string().into_bytes())
}
