//! For the build scripts of middleware components: sets a small stack.

use std::{env, error};

/// Runs the build script.
pub fn run() -> Result<(), Box<dyn error::Error>> {
    // After each request the host resets the memory of the instance. The default stack
    // of 1 MiB would make it look through pages that are never used.
    if env::var("CARGO_CFG_TARGET_ARCH")? == "wasm32" {
        println!("cargo::rustc-link-arg-cdylib=-zstack-size=65536");
    }
    println!("cargo::rerun-if-changed=../middleware/build_script.rs");
    Ok(())
}
