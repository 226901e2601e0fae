//! Gives the library the name and the habits of the driver that it stands in for.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libcuda.so.1");
        // Tests erase names from its table of symbols, and it must not look there for its own.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-Bsymbolic");
        // It has threads, and whoever asks only whether it is there unloads it again.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
