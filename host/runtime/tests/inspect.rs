//! What inspecting promises, for people and for scripts that read the JSON.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod components;

use components::{application, component, core_module, policy};
use tensor_wasm_runtime::{Capability, InspectError, Kind, compose, inspect};

#[test]
fn each_import_is_counted_to_the_capability_that_it_asks_for() {
    let bytes = application(
        "0.2.0",
        "import tensor:gpu/kernels@0.1.0; import tensor:gpu/residency@0.1.0;
         import tensor:policy/decision@0.1.0; import wasi:clocks/monotonic-clock@0.2.0;
         import wasi:cli/environment@0.2.0; import wasi:cli/stdout@0.2.0;
         import wasi:cli/exit@0.2.0; import wasi:filesystem/preopens@0.2.0;
         import wasi:random/random@0.2.0; import wasi:sockets/tcp@0.2.0;
         import shout: func();",
    );
    let inspection = inspect(&bytes).unwrap();
    let capabilities: Vec<Capability> = inspection.capabilities.keys().copied().collect();
    assert_eq!(
        capabilities,
        [
            Capability::Gpu,
            Capability::Policy,
            Capability::Filesystem,
            Capability::Sockets,
            Capability::Environment,
            Capability::Clocks,
            Capability::Random,
            Capability::Stdio,
            Capability::Other,
        ]
    );
    assert_eq!(
        inspection.capabilities[&Capability::Gpu],
        ["tensor:gpu/kernels@0.1.0", "tensor:gpu/residency@0.1.0"]
    );
    assert_eq!(inspection.capabilities[&Capability::Other], ["shout"]);
}

#[test]
fn a_component_that_asks_for_nothing_has_no_capabilities() {
    let inspection = inspect(&application("0.2.0", "")).unwrap();
    assert!(inspection.capabilities.is_empty(), "{inspection:?}");
    assert_eq!(inspection.imports[0].name, "wasi:http/types@0.2.0");
}

#[test]
fn the_kind_follows_from_what_is_exported_and_imported() {
    for (bytes, kind) in [
        (application("0.2.12", ""), Kind::HttpService02),
        (
            component("0.2.0", "export wasi:http/handler@0.3.0;"),
            Kind::HttpService03,
        ),
        (policy("0.2.3", ""), Kind::HttpMiddleware),
        (
            component("0.2.0", "export wasi:cli/run@0.2.0;"),
            Kind::Command,
        ),
        (
            component("0.2.0", "export tensor:gpu/kernels@0.1.0;"),
            Kind::Library,
        ),
        (component("0.2.0", ""), Kind::Library),
    ] {
        assert_eq!(inspect(&bytes).unwrap().kind, kind);
    }
}

#[test]
fn the_json_has_the_fields_that_scripts_rely_on() {
    let bytes = application("0.2.12", "import tensor:gpu/kernels@0.1.0;");
    let json = serde_json::to_value(inspect(&bytes).unwrap()).unwrap();
    assert_eq!(json["kind"], "http-service-0.2");
    assert_eq!(json["size"], bytes.len());
    assert_eq!(
        json["digest"],
        format!("blake3:{}", blake3::hash(&bytes).to_hex())
    );
    assert_eq!(json["capabilities"]["gpu"][0], "tensor:gpu/kernels@0.1.0");
    assert_eq!(json["exports"][0]["package"], "wasi:http");
    assert_eq!(json["exports"][0]["interface"], "incoming-handler");
    assert_eq!(json["exports"][0]["version"], "0.2.12");
    assert_eq!(json["exports"][0]["kind"], "instance");
    assert!(json["core_modules"].as_u64().unwrap() >= 1);
    assert!(
        json["tools"][0]
            .as_str()
            .unwrap()
            .starts_with("wit-component")
    );
    assert!(json["languages"].is_array() && json["components"].is_number());
}

#[test]
fn only_the_outermost_component_has_imports_and_exports() {
    let composite = compose(&[&policy("0.2.0", "")], &application("0.2.0", "")).unwrap();
    let inspection = inspect(&composite).unwrap();
    assert!(inspection.components >= 2, "{inspection:?}");
    assert_eq!(inspection.exports.len(), 1);
    assert_eq!(inspection.imports.len(), 1);
}

#[test]
fn a_core_module_is_told_apart_from_what_is_no_webassembly() {
    assert!(matches!(
        inspect(&core_module()),
        Err(InspectError::CoreModule)
    ));
    let good = application("0.2.0", "");
    for bytes in [
        &b""[..],
        b"\0asm",
        b"hello",
        &good[..good.len() - 3],
        &[0xff; 4096],
    ] {
        assert!(matches!(
            inspect(bytes),
            Err(InspectError::NotAComponent(_))
        ));
    }
}
