//! The shipped WIT: it is what `wit/` and the packages of WASI say, tools can read it, and each
//! world stands alone.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use tensor_wasm_runtime::{Contract, ContractError};
use wit_parser::Resolve;

use crate::linking::crate_directory;

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Each crate that needs the contract has a copy, so that it can be packaged and vendored.
const COPIES: [&str; 2] = ["host/runtime/wit", "guest-sdk/wit"];

/// The files of the contract, one for each version of WASI: with the file of its worlds, and the
/// crate of its packages.
const FILES: [(&str, &str, &str); 2] = [
    ("tensor.wit", "worlds.wit", "wasip2"),
    ("tensor-p3.wit", "worlds-p3.wit", "wasip3"),
];

#[test]
fn the_copies_of_the_contract_are_what_its_sources_say() {
    for (file, worlds, wasi) in FILES {
        let text = from_sources(worlds, wasi).one_file().unwrap();
        for folder in COPIES {
            let copy = Path::new(REPOSITORY).join(folder).join(file);
            assert!(
                fs::read_to_string(copy).unwrap() == text,
                "{folder}/{file} differs from what the files in `wit/` make: run `cargo xtask wit`"
            );
        }
    }
}

#[test]
fn the_one_file_says_the_same_when_it_is_read_and_written_again() {
    let shipped = [Contract::shipped(), Contract::shipped_p3()];
    for (shipped, (_, worlds, wasi)) in shipped.into_iter().zip(FILES) {
        let sources = from_sources(worlds, wasi).one_file().unwrap();
        let shipped = shipped.unwrap().one_file().unwrap();
        // Of packages that need none of each other, either may come first.
        assert!(packages(&shipped) == packages(&sources), "{shipped}");
    }
}

/// The packages of a file, without their order.
fn packages(file: &str) -> BTreeSet<&str> {
    file.split("\npackage ").map(str::trim).collect()
}

#[test]
fn each_world_alone_is_a_file_and_a_folder_that_tools_can_read() {
    let mut worlds = Contract::shipped().unwrap().worlds();
    assert_eq!(
        worlds,
        ["gpu", "gpu-service", "middleware", "policy", "initialized"]
    );
    let p3 = Contract::shipped_p3().unwrap().worlds();
    assert_eq!(p3, ["gpu-service-p3", "middleware-p3", "policy-p3"]);
    worlds.extend(p3);
    for world in worlds {
        let contract = Contract::of_world(&world).unwrap();
        let mut resolve = Resolve::default();
        let main = resolve
            .push_str("one.wit", &contract.one_file().unwrap())
            .unwrap();
        resolve.select_world(&[main], Some(&world)).unwrap();

        let folder = tempfile::tempdir().unwrap();
        for (path, text) in contract.folder().unwrap() {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let mut resolve = Resolve::default();
        let (main, _) = resolve.push_dir(folder.path()).unwrap();
        resolve.select_world(&[main], Some(&world)).unwrap();
    }
}

#[test]
fn the_worlds_of_services_need_no_interface_that_may_still_change() {
    for (world, wasi) in [
        ("gpu", false),
        ("gpu-service", true),
        ("gpu-service-p3", true),
    ] {
        let contract = Contract::of_world(world).unwrap();
        let text = contract.one_file().unwrap();
        assert!(!text.contains("-rc."), "{world} needs a release candidate");
        assert!(
            !text.contains("@unstable"),
            "{world} needs what is unstable"
        );
        assert_eq!(text.contains("wasi:"), wasi, "{world}");
    }
}

#[test]
fn an_unknown_world_is_refused_with_the_names_that_there_are() {
    let Err(error) = Contract::of_world("gpu-servce") else {
        panic!("there is such a world");
    };
    assert!(matches!(error, ContractError::UnknownWorld { .. }));
    assert_eq!(
        error.to_string(),
        "there is no world `gpu-servce`: the worlds are gpu, gpu-service, middleware, policy, \
         initialized, gpu-service-p3, middleware-p3, policy-p3"
    );
}

/// The contract of `wit/`, with the packages of WASI that the lock file pins.
fn from_sources(worlds: &str, wasi: &str) -> Contract {
    let folder = tempfile::tempdir().unwrap();
    let packages = folder.path().join("deps");
    let brought = |name: &str, path: &str| crate_directory(name).join(path);
    copy(&brought(wasi, "wit/deps"), &packages);
    copy(
        &brought("wasmtime-wasi-config", "wit/deps/config"),
        &packages.join("config"),
    );
    let sources = Path::new(REPOSITORY).join("wit");
    for file in ["gpu.wit", "lifecycle.wit", "policy.wit"] {
        fs::copy(sources.join(file), packages.join(file)).unwrap();
    }
    fs::copy(sources.join(worlds), folder.path().join("worlds.wit")).unwrap();
    let mut resolve = Resolve::default();
    let (main, _) = resolve
        .push_dir(folder.path())
        .unwrap_or_else(|error| panic!("the contract does not resolve: {error:#}"));
    Contract::of(resolve, main)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry: PathBuf = entry.unwrap().path();
        fs::copy(&entry, to.join(entry.file_name().unwrap())).unwrap();
    }
}
