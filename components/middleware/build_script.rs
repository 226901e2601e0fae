//! For the build scripts of middleware components: collects the WIT from which the bindings
//! are generated, and sets a small stack.

use std::{env, error, fs};

#[path = "../../wit/packages.rs"]
mod packages;

/// Runs the build script.
pub fn run() -> Result<(), Box<dyn error::Error>> {
    let wit = packages::collect()?;
    fs::copy("../../wit/worlds.wit", wit.join("worlds.wit"))?;
    // After each request the host resets the memory of the instance. The default stack
    // of 1 MiB would make it look through pages that are never used.
    if env::var("CARGO_CFG_TARGET_ARCH")? == "wasm32" {
        println!("cargo::rustc-link-arg-cdylib=-zstack-size=65536");
    }
    println!("cargo::rerun-if-changed=../middleware/build_script.rs");
    Ok(())
}
