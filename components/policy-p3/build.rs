//! The build script that all middleware components share.

#[path = "../middleware/build_script.rs"]
mod build_script;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    build_script::run()
}
