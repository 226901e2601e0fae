//! Lays out the WIT that the bindings are generated from, and asks for a small
//! stack.

#[path = "../../wit/packages.rs"]
mod packages;

use std::{env, fs};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let wit = packages::lay()?;
    fs::copy("../../wit/worlds.wit", wit.join("worlds.wit"))?;
    // Of the default, 1 MiB, a host that clears an instance's memory after a
    // request would have to look through pages that the policy never reaches.
    if env::var("CARGO_CFG_TARGET_ARCH")? == "wasm32" {
        println!("cargo::rustc-link-arg-cdylib=-zstack-size=65536");
    }
    Ok(())
}
