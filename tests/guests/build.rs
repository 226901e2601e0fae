//! Lays out the WIT that the bindings are generated from.

#[path = "../../wit/packages.rs"]
mod packages;

use std::fs;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let wit = packages::lay()?;
    // The handler that guests export is bound by `wasip2`, so the worlds of the
    // contract, which export it too, are not for them.
    fs::write(
        wit.join("guests.wit"),
        "package test:guests;

world policy {
    include tensor:policy/capability@0.1.0;
    import wasi:config/store@0.2.0-rc.1;
    import wasi:http/incoming-handler@0.2.12;
}
",
    )?;
    Ok(())
}
