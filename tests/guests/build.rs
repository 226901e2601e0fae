//! Collects the WIT from which the bindings are generated.

#[path = "../../wit/packages.rs"]
mod packages;

use std::fs;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let wit = packages::collect()?;
    // The guests export the handler with the bindings of `wasip2`. So they cannot use
    // the worlds in `wit/`, which export it too.
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
