//! For the build scripts of middlewares: lays out the WIT that their bindings are generated
//! from, and asks for a small stack.

use std::{env, error, fs};

#[path = "../../wit/packages.rs"]
mod packages;

/// Runs the build script.
pub fn run() -> Result<(), Box<dyn error::Error>> {
    let wit = packages::lay()?;
    fs::copy("../../wit/worlds.wit", wit.join("worlds.wit"))?;
    // Of the default, 1 MiB, a host that clears an instance's memory after a
    // request would have to look through pages that a middleware never reaches.
    if env::var("CARGO_CFG_TARGET_ARCH")? == "wasm32" {
        println!("cargo::rustc-link-arg-cdylib=-zstack-size=65536");
    }
    println!("cargo::rerun-if-changed=../middleware/build_script.rs");
    Ok(())
}
