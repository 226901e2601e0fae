//! What composing promises: the shape of the result, and a named error for each
//! way in which components don't fit together.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod components;

use components::{application, component, core_module, policy, with_packages};
use tensor_wasm_runtime::{ComposeError, Inspection, Kind, Member, compose, inspect, plug};

fn imports(inspection: &Inspection) -> Vec<&str> {
    let mut names: Vec<_> = inspection.imports.iter().map(|item| &*item.name).collect();
    names.sort_unstable();
    names
}

fn exports(inspection: &Inspection) -> Vec<&str> {
    inspection.exports.iter().map(|item| &*item.name).collect()
}

#[test]
fn a_policy_in_front_takes_the_applications_place() {
    let policy = policy("0.2.0", "import tensor:policy/decision@0.1.0;");
    let application = application("0.2.0", "import tensor:gpu/kernels@0.1.0;");
    let result = inspect(&compose(&[&policy], &application).unwrap()).unwrap();
    assert_eq!(exports(&result), ["wasi:http/incoming-handler@0.2.0"]);
    assert_eq!(
        imports(&result),
        [
            "tensor:gpu/kernels@0.1.0",
            "tensor:policy/decision@0.1.0",
            "wasi:http/types@0.2.0"
        ]
    );
    assert_eq!(result.kind, Kind::HttpService02);
}

#[test]
fn no_policy_leaves_the_application_as_it_is() {
    let application = application("0.2.0", "");
    assert_eq!(compose(&[], &application).unwrap(), application);
}

#[test]
fn several_policies_stand_one_behind_the_other() {
    let policy = policy("0.2.0", "import tensor:policy/decision@0.1.0;");
    let application = application("0.2.0", "");
    let result = compose(&[&policy, &policy, &policy], &application).unwrap();
    let result = inspect(&result).unwrap();
    assert_eq!(exports(&result), ["wasi:http/incoming-handler@0.2.0"]);
    assert_eq!(
        imports(&result),
        ["tensor:policy/decision@0.1.0", "wasi:http/types@0.2.0"]
    );
}

#[test]
fn a_composite_can_be_composed_again() {
    let policy = policy("0.2.0", "");
    let inner = compose(&[&policy], &application("0.2.0", "")).unwrap();
    let outer = inspect(&compose(&[&policy], &inner).unwrap()).unwrap();
    assert_eq!(outer.kind, Kind::HttpService02);
}

#[test]
fn equal_imports_of_policy_and_application_become_one() {
    let clock = "import wasi:clocks/monotonic-clock@0.2.0;";
    let result = compose(&[&policy("0.2.0", clock)], &application("0.2.0", clock)).unwrap();
    assert_eq!(
        imports(&inspect(&result).unwrap()),
        ["wasi:clocks/monotonic-clock@0.2.0", "wasi:http/types@0.2.0"]
    );
}

#[test]
fn versions_that_wasi_calls_compatible_fit_both_ways() {
    for (front, back) in [
        ("0.2.0", "0.2.12"),
        ("0.2.12", "0.2.0"),
        ("0.2.6", "0.2.12"),
    ] {
        let result = compose(&[&policy(front, "")], &application(back, ""));
        let result = inspect(&result.unwrap_or_else(|e| panic!("{front}/{back}: {e}"))).unwrap();
        assert_eq!(
            exports(&result),
            [format!("wasi:http/incoming-handler@{front}")],
        );
        assert_eq!(
            result.kind,
            Kind::HttpService02,
            "{front} in front of {back}"
        );
    }
}

#[test]
fn an_import_of_two_compatible_versions_becomes_the_later_one() {
    let result = compose(
        &[&policy(
            "0.2.0",
            "import wasi:clocks/monotonic-clock@0.2.9;",
        )],
        &application("0.2.0", "import wasi:clocks/monotonic-clock@0.2.0;"),
    );
    assert_eq!(
        imports(&inspect(&result.unwrap()).unwrap()),
        ["wasi:clocks/monotonic-clock@0.2.9", "wasi:http/types@0.2.0"]
    );
}

#[test]
fn handlers_of_wasi_0_3_make_a_chain_too() {
    let handler = "wasi:http/handler@0.3.0";
    let policy = component("0.2.0", &format!("import {handler}; export {handler};"));
    let application = component("0.2.0", &format!("export {handler};"));
    let result = inspect(&compose(&[&policy], &application).unwrap()).unwrap();
    assert_eq!(exports(&result), [handler]);
    assert_eq!(result.kind, Kind::HttpService03);
}

#[test]
fn a_policy_of_another_wasi_than_the_application_is_refused_by_name() {
    let application = component("0.2.0", "export wasi:http/handler@0.3.0;");
    let error = compose(&[&policy("0.2.0", "")], &application).unwrap_err();
    assert!(matches!(
        error,
        ComposeError::PolicyWithoutExport {
            member: Member::Policy(0),
            ..
        }
    ));
    assert!(
        error.to_string().contains("wasi:http/handler@0.3.0"),
        "{error}"
    );
}

#[test]
fn a_policy_that_exports_no_handler_is_refused_with_what_it_exports() {
    let mute = component("0.2.0", "export wasi:cli/run@0.2.0;");
    let good = policy("0.2.0", "");
    let error = compose(&[&good, &mute], &application("0.2.0", "")).unwrap_err();
    assert!(matches!(
        error,
        ComposeError::PolicyWithoutExport {
            member: Member::Policy(1),
            ..
        }
    ));
    let text = error.to_string();
    assert!(
        text.contains("policy 2") && text.contains("wasi:cli/run@0.2.0"),
        "{text}"
    );
}

#[test]
fn a_policy_that_imports_no_handler_is_refused() {
    let error = compose(&[&application("0.2.0", "")], &application("0.2.0", "")).unwrap_err();
    assert!(matches!(
        error,
        ComposeError::PolicyWithoutImport {
            member: Member::Policy(0),
            ..
        }
    ));
}

#[test]
fn an_application_without_a_handler_is_refused_with_what_it_exports() {
    let command = component("0.2.0", "export wasi:cli/run@0.2.0;");
    for policies in [vec![], vec![policy("0.2.0", "")]] {
        let policies: Vec<&[u8]> = policies.iter().map(Vec::as_slice).collect();
        let error = compose(&policies, &command).unwrap_err();
        assert!(matches!(
            error,
            ComposeError::ApplicationWithoutHandler { .. }
        ));
        assert!(error.to_string().contains("wasi:cli/run@0.2.0"), "{error}");
    }
}

#[test]
fn a_core_module_is_told_apart_from_what_is_no_webassembly() {
    let good = policy("0.2.0", "");
    let error = compose(&[&good], &core_module()).unwrap_err();
    assert!(matches!(
        error,
        ComposeError::CoreModule {
            member: Member::Application
        }
    ));
    assert!(
        error.to_string().contains("wasm-tools component new"),
        "{error}"
    );
    for bytes in [
        &b""[..],
        b"\0asm",
        b"hello",
        &good[..good.len() / 2],
        &[0xff; 4096],
    ] {
        let error = compose(&[bytes], &application("0.2.0", "")).unwrap_err();
        let member = Member::Policy(0);
        assert!(matches!(error, ComposeError::NotAComponent { member: m, .. } if m == member));
    }
}

#[test]
fn a_handler_of_other_types_is_refused_with_the_difference() {
    let other = "package wasi:http@0.2.0 {
        interface types { resource incoming-request; resource response-outparam; }
        interface incoming-handler {
            use types.{incoming-request, response-outparam};
            handle: func(request: incoming-request, response-out: string);
        }
    }";
    let handler = "wasi:http/incoming-handler@0.2.0";
    let odd = with_packages(other, &format!("import {handler}; export {handler};"));
    let error = compose(&[&odd], &application("0.2.0", "")).unwrap_err();
    assert!(
        matches!(&error, ComposeError::Mismatch { interface, .. } if interface == handler),
        "{error:?}"
    );
}

#[test]
fn what_a_provider_exports_is_no_longer_imported() {
    let gpu = "tensor:gpu/kernels@0.1.0; import tensor:gpu/residency@0.1.0;";
    let provider = component(
        "0.2.0",
        "export tensor:gpu/kernels@0.1.0; export tensor:gpu/residency@0.1.0;",
    );
    let result = plug(&provider, &application("0.2.0", &format!("import {gpu}"))).unwrap();
    let result = inspect(&result).unwrap();
    assert_eq!(imports(&result), ["wasi:http/types@0.2.0"]);
    assert_eq!(exports(&result), ["wasi:http/incoming-handler@0.2.0"]);
}

#[test]
fn a_consumer_of_one_of_the_providers_interfaces_is_served_too() {
    let provider = component(
        "0.2.0",
        "export tensor:gpu/kernels@0.1.0; export tensor:gpu/residency@0.1.0;",
    );
    let consumer = application("0.2.0", "import tensor:gpu/kernels@0.1.0;");
    let result = inspect(&plug(&provider, &consumer).unwrap()).unwrap();
    assert_eq!(imports(&result), ["wasi:http/types@0.2.0"]);
}

#[test]
fn a_provider_of_nothing_that_is_asked_for_is_an_error() {
    let provider = component("0.2.0", "export tensor:gpu/kernels@0.1.0;");
    let error = plug(&provider, &application("0.2.0", "")).unwrap_err();
    assert!(matches!(error, ComposeError::NothingToPlug { .. }));
}
