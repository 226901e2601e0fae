//! The WIT contract in `wit/`: it resolves against the WASI that components are built with,
//! and has the properties that its comments promise.

use std::path::Path;

use wit_parser::{Interface, Resolve, Type, TypeDefKind, WorldId};

const CONTRACT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../wit");

#[test]
fn every_world_resolves_against_the_wasi_version_of_the_components() {
    let resolve = contract();
    for world in [
        "tensor:gpu/capability@0.1.0",
        "tensor:lifecycle/initialized@0.1.0",
        "tensor:policy/capability@0.1.0",
        "tensor:worlds/gpu@0.1.0",
        "tensor:worlds/gpu-service@0.1.0",
        "tensor:worlds/middleware@0.1.0",
        "tensor:worlds/policy@0.1.0",
        "tensor:worlds/initialized@0.1.0",
    ] {
        world_named(&resolve, world);
    }
}

#[test]
fn our_interfaces_resolve_without_wasi() {
    for file in ["gpu.wit", "lifecycle.wit", "policy.wit"] {
        let mut resolve = Resolve::default();
        resolve
            .push_file(Path::new(CONTRACT).join(file))
            .unwrap_or_else(|error| panic!("{file} does not stand alone: {error:#}"));
    }
}

#[test]
fn the_device_alone_is_a_world_that_needs_no_wasi() {
    let resolve = contract();
    let world = world_named(&resolve, "tensor:worlds/gpu@0.1.0");
    let (imports, exports) = names(&resolve, world);
    assert_eq!(
        imports,
        [
            "tensor:gpu/kernels@0.1.0",
            "tensor:gpu/residency@0.1.0",
            "tensor:gpu/linear-algebra@0.1.0"
        ]
    );
    assert!(exports.is_empty());
}

#[test]
fn a_service_exports_a_handler_and_may_launch_kernels() {
    let resolve = contract();
    let world = world_named(&resolve, "tensor:worlds/gpu-service@0.1.0");
    let (imports, exports) = names(&resolve, world);
    assert!(imports.contains(&"tensor:gpu/kernels@0.1.0".to_owned()));
    assert!(imports.contains(&"tensor:gpu/residency@0.1.0".to_owned()));
    assert_eq!(exports, ["wasi:http/incoming-handler@0.2.12"]);
}

#[test]
fn a_middleware_imports_and_exports_a_handler_and_needs_only_wasi() {
    let resolve = contract();
    let world = world_named(&resolve, "tensor:worlds/middleware@0.1.0");
    let (imports, exports) = names(&resolve, world);
    assert!(imports.contains(&"wasi:http/incoming-handler@0.2.12".to_owned()));
    assert!(imports.contains(&"wasi:config/store@0.2.0-rc.1".to_owned()));
    assert_eq!(exports, ["wasi:http/incoming-handler@0.2.12"]);
    assert!(imports.iter().all(|name| name.starts_with("wasi:")));
}

#[test]
fn a_policy_is_a_middleware_that_decides_and_cannot_reach_the_device() {
    let resolve = contract();
    let names_of = |world| names(&resolve, world_named(&resolve, world));
    let (imports, exports) = names_of("tensor:worlds/policy@0.1.0");
    let (middleware, handler) = names_of("tensor:worlds/middleware@0.1.0");
    assert_eq!(exports, handler);
    assert!(middleware.iter().all(|name| imports.contains(name)));
    for interface in ["credentials", "decision", "limiter"] {
        assert!(imports.contains(&format!("tensor:policy/{interface}@0.1.0")));
    }
    assert!(!imports.iter().any(|name| name.starts_with("tensor:gpu/")));
}

#[test]
fn device_objects_are_resources_that_a_guest_cannot_forge() {
    let resolve = contract();
    let kernels = interface_named(&resolve, "kernels");
    for name in ["device", "buffer", "module", "kernel", "queue", "event"] {
        let kind = &resolve.types[kernels.types[name]].kind;
        assert!(
            matches!(kind, TypeDefKind::Resource),
            "{name} is no resource"
        );
    }
}

#[test]
fn every_fallible_device_call_returns_the_same_error_type() {
    let resolve = contract();
    let error = interface_named(&resolve, "kernels").types["error"];
    for interface in ["kernels", "linear-algebra", "residency"] {
        for function in interface_named(&resolve, interface).functions.values() {
            let Some(Type::Id(result)) = function.result else {
                continue;
            };
            let TypeDefKind::Result(result) = &resolve.types[result].kind else {
                continue;
            };
            let Some(Type::Id(mut of)) = result.err else {
                panic!("{} fails without saying why", function.name);
            };
            while let TypeDefKind::Type(Type::Id(aliased)) = resolve.types[of].kind {
                of = aliased;
            }
            assert_eq!(of, error, "{} fails in its own way", function.name);
        }
    }
}

#[test]
fn the_bindings_of_the_sdk_are_those_of_its_contract() {
    let sdk = Path::new(CONTRACT).join("../guest-sdk");
    let contract = std::fs::read(sdk.join("wit/tensor.wit")).unwrap();
    let hash = contract
        .iter()
        .fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
    for file in ["capability.rs", "initialized.rs"] {
        let bindings = std::fs::read_to_string(sdk.join("src/bindings").join(file)).unwrap();
        let (head, _) = bindings.split_once('\n').unwrap();
        assert!(
            head.ends_with(&format!("with the hash {hash:016x}.")),
            "run `cargo xtask wit`, and commit the result: {file}: {head}"
        );
    }
}

/// The whole contract, in the one file that tools get.
fn contract() -> Resolve {
    let mut resolve = Resolve::default();
    resolve
        .push_file(Path::new(CONTRACT).join("../guest-sdk/wit/tensor.wit"))
        .unwrap_or_else(|error| panic!("the contract does not resolve: {error:#}"));
    resolve
}

fn world_named(resolve: &Resolve, name: &str) -> WorldId {
    let (world, _) = resolve
        .worlds
        .iter()
        .find(|(_, world)| {
            let package = &resolve.packages[world.package.unwrap()].name;
            package.interface_id(&world.name) == name
        })
        .unwrap_or_else(|| panic!("there is no world {name}"));
    world
}

fn interface_named<'a>(resolve: &'a Resolve, name: &str) -> &'a Interface {
    let (_, interface) = resolve
        .interfaces
        .iter()
        .find(|(_, interface)| {
            let package = &resolve.packages[interface.package.unwrap()].name;
            package.namespace == "tensor"
                && package.name == "gpu"
                && interface.name.as_deref() == Some(name)
        })
        .unwrap_or_else(|| panic!("there is no interface tensor:gpu/{name}"));
    interface
}

/// The names of a world's imports and exports.
fn names(resolve: &Resolve, world: WorldId) -> (Vec<String>, Vec<String>) {
    let world = &resolve.worlds[world];
    let name = |key| resolve.name_world_key(key);
    (
        world.imports.keys().map(name).collect(),
        world.exports.keys().map(name).collect(),
    )
}
