//! What a component may import: all of WASI, and our own capabilities. The
//! component is made from the WIT itself, with an import of every function.

use std::path::{Path, PathBuf};
use tensor_wasm_runtime::{Application, ApplicationConfig, Engine, EngineConfig};
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve};

/// Where cargo unpacked a crate, the newest of the lock file.
pub fn crate_directory(name: &str) -> PathBuf {
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .exec()
        .unwrap();
    let package = metadata
        .packages
        .iter()
        .filter(|package| package.name.as_str() == name)
        .max_by_key(|package| &package.version)
        .unwrap();
    package.manifest_path.parent().unwrap().into()
}

/// A component of this world, that imports every function the world has.
pub fn component(wasi: &str, world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    resolve.push_dir(crate_directory(wasi).join("wit")).unwrap();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    for file in ["gpu.wit", "lifecycle.wit", "policy.wit"] {
        resolve.push_file(wit.join(file)).unwrap();
    }
    let package = resolve
        .push_str(
            "all.wit",
            &format!("package test:all; world all {{ {world} }}"),
        )
        .unwrap();
    let world = resolve.select_world(&[package], Some("all")).unwrap();
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Standard32);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
    ComponentEncoder::default()
        .module(&module)
        .unwrap()
        .encode()
        .unwrap()
}

fn load(component: &[u8]) -> Result<Application, tensor_wasm_runtime::Error> {
    let engine = Engine::new(EngineConfig {
        instances: std::num::NonZeroU32::MIN,
        ..EngineConfig::default()
    })
    .unwrap();
    Application::load(&engine, component, ApplicationConfig::default())
}

#[test]
fn a_component_may_import_all_of_wasi_0_2_and_our_capabilities() {
    let component = component(
        "wasip2",
        "include wasi:cli/imports@0.2.12;
         include wasi:http/proxy@0.2.12;
         include tensor:gpu/capability@0.1.0;
         import tensor:policy/credentials@0.1.0;
         import tensor:policy/decision@0.1.0;",
    );
    let application = load(&component).unwrap();
    let asked = application.imports();
    assert!(
        asked
            .granted
            .iter()
            .any(|name| name == "wasi:http/types@0.2.12"),
        "{asked:?}"
    );
    // Nothing was granted, so what reaches out of the instance is denied.
    for name in [
        "tensor:gpu/kernels@0.1.0",
        "tensor:gpu/linear-algebra@0.1.0",
        "tensor:gpu/residency@0.1.0",
        "wasi:cli/environment@0.2.12",
        "wasi:filesystem/preopens@0.2.12",
        "wasi:http/outgoing-handler@0.2.12",
        "wasi:sockets/tcp@0.2.12",
    ] {
        assert!(
            asked.denied.iter().any(|denied| denied == name),
            "{name}: {asked:?}"
        );
    }
}

#[test]
fn a_component_may_import_all_of_wasi_0_3() {
    let component = component(
        "wasip3",
        "include wasi:cli/imports@0.3.2;
         include wasi:http/service@0.3.2;",
    );
    load(&component).unwrap();
}

#[test]
fn every_import_that_no_host_has_is_named_in_one_error() {
    let component = wat::parse_str(
        r#"(component
            (import "acme:db/sql@1.0.0" (instance (export "query" (func))))
            (import "wasi:io/zebra@0.2.0" (instance (export "graze" (func))))
            (import "tensor:gpu/kernels@0.9.0" (instance)))"#,
    )
    .unwrap();
    let error = load(&component).err().unwrap().to_string();
    for part in [
        "acme:db/sql@1.0.0",
        "wasi:io/zebra@0.2.0",
        "tensor:gpu/kernels@0.9.0",
        "0.1.x",
    ] {
        assert!(error.contains(part), "{part} is missing in: {error}");
    }
}

#[test]
fn what_is_no_component_is_told_apart() {
    let cases: [(&[u8], &str); 4] = [
        (b"", "empty"),
        (b"#!/bin/sh", "begin"),
        (b"\0asm\x01\0\0\0", "core module"),
        (b"\0asm\x63\0\x07\0", "unknown kind"),
    ];
    for (bytes, word) in cases {
        let error = load(bytes).err().unwrap().to_string();
        assert!(error.contains(word), "{error}");
        assert!(error.contains("wasm32-wasip2"), "{error}");
    }
    let truncated = b"\0asm\x0d\0\x01\0\xff\xff";
    assert!(load(truncated).is_err());
}

#[test]
fn a_component_without_a_handler_is_refused_with_what_it_exports() {
    let component =
        wat::parse_str(r#"(component (instance $i) (export "acme:a/b@1.0.0" (instance $i)))"#)
            .unwrap();
    let error = load(&component).err().unwrap().to_string();
    assert!(error.contains("acme:a/b@1.0.0"), "{error}");
    assert!(error.contains("wasi:http/incoming-handler"), "{error}");
}
