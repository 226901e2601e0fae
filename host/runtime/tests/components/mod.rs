//! Small components made of WIT alone, for tests that look at a component's
//! shape and never run it.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve};

/// `wasi:http` of one version, cut down to what a handler needs. From 0.2.5 on it
/// has a function more, as a later version of the real one may.
fn wasi_http(version: &str) -> String {
    let later = match version {
        "0.2.0" => "",
        _ => "path: func() -> option<string>;",
    };
    format!(
        "package wasi:http@{version} {{
            interface types {{
                resource incoming-request {{ method: func() -> string; {later} }}
                resource response-outparam {{ set: static func(param: response-outparam, status: u16); }}
            }}
            interface incoming-handler {{
                use types.{{incoming-request, response-outparam}};
                handle: func(request: incoming-request, response-out: response-outparam);
            }}
        }}
        package wasi:http@0.3.0 {{
            interface handler {{ handle: func(request: string) -> string; }}
        }}"
    )
}

const OTHERS: &str = "
    package tensor:gpu@0.1.0 {
        interface kernels {
            resource device { open: static func() -> device; allocate: func(bytes: u64) -> buffer; }
            resource buffer { size: func() -> u64; }
        }
        interface residency {
            use kernels.{device, buffer};
            lookup: func(device: borrow<device>, name: string) -> option<buffer>;
        }
    }
    package tensor:policy@0.1.0 {
        interface decision { admit: func(tenant: u64); }
        interface limiter { take: func(key: string) -> result<_, u64>; }
    }
    package wasi:clocks@0.2.0 {
        interface monotonic-clock { now: func() -> u64; }
    }
    package wasi:clocks@0.2.9 {
        interface monotonic-clock { now: func() -> u64; resolution: func() -> u64; }
    }
    package wasi:cli@0.2.0 {
        interface environment { get-arguments: func() -> list<string>; }
        interface stdout { write: func(text: string); }
        interface exit { exit: func(code: u8); }
        interface run { run: func() -> result; }
    }
    package wasi:config@0.2.0 {
        interface store { get: func(key: string) -> option<string>; }
    }
    package wasi:filesystem@0.2.0 {
        interface preopens { get: func() -> list<string>; }
    }
    package wasi:random@0.2.0 {
        interface random { get: func() -> u64; }
    }
    package wasi:sockets@0.2.0 {
        interface tcp { connect: func(address: string); }
    }
";

/// A component whose world has these lines. `wasi:http` comes in `version`.
pub fn component(version: &str, world: &str) -> Vec<u8> {
    with_packages(&format!("{}\n{OTHERS}", wasi_http(version)), world)
}

/// A component of packages of one's own.
pub fn with_packages(packages: &str, world: &str) -> Vec<u8> {
    let text = format!("package test:test;\n{packages}\nworld it {{ {world} }}");
    let mut resolve = Resolve::default();
    let package = resolve.push_str("test.wit", &text).unwrap();
    let world = resolve.select_world(&[package], Some("it")).unwrap();
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Standard32);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
    ComponentEncoder::default()
        .module(&module)
        .unwrap()
        .validate(true)
        .encode()
        .unwrap()
}

/// An application of this version of `wasi:http`, with more lines in its world.
pub fn application(version: &str, more: &str) -> Vec<u8> {
    component(
        version,
        &format!("export wasi:http/incoming-handler@{version}; {more}"),
    )
}

/// A policy of this version of `wasi:http`, with more lines in its world.
pub fn policy(version: &str, more: &str) -> Vec<u8> {
    component(
        version,
        &format!(
            "import wasi:http/incoming-handler@{version}; \
             export wasi:http/incoming-handler@{version}; {more}"
        ),
    )
}

/// A core module.
pub fn core_module() -> Vec<u8> {
    wat::parse_str("(module)").unwrap()
}
