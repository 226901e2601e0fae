//! What `--version` says beside the number: of which commit the program was built, and which versions its
//! engine, its contract and its formats have.

use tensor_wasm_node::node::DATABASE_VERSION;
use tensor_wasm_snapshot::limits::{FUNCTION_VERSION, NODE_VERSION, RECORDING_VERSION};

/// The commit, which `cargo xtask dist` sets.
const COMMIT: Option<&str> = option_env!("TENSOR_WASM_COMMIT");

/// As in the lock file, which a test compares.
const ENGINE: &str = "Wasmtime 48.0.8";

/// The package of the contract, as in `wit/`, which a test compares.
const CONTRACT: &str = "tensor:gpu@0.1.0";

/// The text.
pub fn long() -> String {
    format!(
        "{number}
commit     {commit}
engine     {ENGINE}
contract   {CONTRACT}
snapshots  format versions {FUNCTION_VERSION} (functions) and {NODE_VERSION} (nodes)
recordings format version {RECORDING_VERSION}
database   schema {DATABASE_VERSION}",
        number = env!("CARGO_PKG_VERSION"),
        commit = COMMIT.unwrap_or("not recorded"),
    )
}
