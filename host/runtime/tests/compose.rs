//! What composing promises: the shape of the result, and a named error for each
//! way in which components don't fit together.

use crate::components::{application, component, core_module, policy, with_packages};
use crate::tools::{TOOLS, repeat};
use tensor_wasm_runtime::{
    Capability, ComponentKind, ComposeError, Inspection, Link, Member, Source, compose,
    compose_named, inspect, plug,
};

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
    assert_eq!(result.kind, ComponentKind::HttpService02);
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
    assert_eq!(outer.kind, ComponentKind::HttpService02);
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
            ComponentKind::HttpService02,
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
    assert_eq!(result.kind, ComponentKind::HttpService03);
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
    for part in [
        "wasi:http/handler@0.3.0",
        "serve APPLICATION --policy POLICY",
    ] {
        assert!(error.to_string().contains(part), "{error}");
    }
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

fn named<'a>(names: &[&'a str], parts: &[&'a [u8]]) -> Vec<Source<'a>> {
    let pairs = names.iter().zip(parts);
    pairs
        .map(|(name, bytes)| Source {
            name: Some(name),
            bytes,
        })
        .collect()
}

#[test]
fn others_tools_make_the_same_of_the_same_parts() {
    let outer = policy("0.2.0", "import tensor:policy/decision@0.1.0;");
    let inner = policy("0.2.0", "import wasi:clocks/monotonic-clock@0.2.0;");
    let application = application("0.2.0", "import tensor:gpu/kernels@0.1.0;");
    for policies in [
        &[&outer[..]][..],
        &[&outer, &inner],
        &[&inner, &outer, &outer],
    ] {
        let ours = inspect(&compose(policies, &application).unwrap()).unwrap();
        for (tool, command) in TOOLS {
            let theirs = inspect(&repeat(command, policies, &application)).unwrap();
            assert_eq!(imports(&theirs), imports(&ours), "{tool}");
            assert_eq!(exports(&theirs), exports(&ours), "{tool}");
            assert_eq!(theirs.kind, ours.kind, "{tool}");
            assert_eq!(theirs.chain, ours.chain, "{tool}");
        }
    }
}

#[test]
fn names_are_part_of_the_result_and_the_same_names_make_the_same_bytes() {
    let (policy, application) = (policy("0.2.0", ""), application("0.2.0", ""));
    let parts: [&[u8]; 3] = [&policy, &policy, &application];
    let composed = |names: &[&str]| {
        let parts = named(names, &parts);
        compose_named(&parts[..2], parts[2]).unwrap()
    };
    let result = composed(&["outer", "inner", "hello"]);
    assert_eq!(result, composed(&["outer", "inner", "hello"]));
    assert_ne!(result, composed(&["outer", "other", "hello"]));
    assert!(composed(&["", "ünïcödé", "a b\n"]).starts_with(b"\0asm"));
}

#[test]
fn an_application_that_decides_is_refused_behind_a_policy_that_does() {
    let deciding = policy("0.2.0", "import tensor:policy/decision@0.1.0;");
    for import in [
        "tensor:policy/decision@0.1.0",
        "tensor:policy/limiter@0.1.0",
    ] {
        let application = application("0.2.0", &format!("import {import};"));
        let error = compose(&[&policy("0.2.0", ""), &deciding], &application).unwrap_err();
        assert!(
            matches!(&error, ComposeError::ApplicationDecides { imports } if imports == &[import]),
            "{error:?}"
        );
        let text = error.to_string();
        assert!(
            text.contains(import) && text.contains("Remove the import"),
            "{text}"
        );
    }
}

#[test]
fn a_composite_that_decides_counts_as_an_application_that_does() {
    let deciding = policy("0.2.0", "import tensor:policy/decision@0.1.0;");
    let guarded = compose(&[&deciding], &application("0.2.0", "")).unwrap();
    let error = compose(&[&deciding], &guarded).unwrap_err();
    assert!(matches!(error, ComposeError::ApplicationDecides { .. }));
}

#[test]
fn behind_a_middleware_that_decides_nothing_an_application_may_decide_for_itself() {
    let deciding = policy("0.2.0", "import tensor:policy/decision@0.1.0;");
    let guarded = compose(&[&deciding], &application("0.2.0", "")).unwrap();
    let result = inspect(&compose(&[&policy("0.2.0", "")], &guarded).unwrap()).unwrap();
    assert_eq!(result.chain.len(), 3);
}

#[test]
fn a_provider_is_no_way_for_an_application_to_decide() {
    let deciding = policy("0.2.0", "import tensor:policy/decision@0.1.0;");
    let provider = component(
        "0.2.0",
        "export wasi:cli/environment@0.2.0; import tensor:policy/decision@0.1.0;",
    );
    let application = application("0.2.0", "import wasi:cli/environment@0.2.0;");
    let plugged = plug(&provider, &application).unwrap();
    let error = compose(&[&deciding], &plugged).unwrap_err();
    assert!(matches!(error, ComposeError::ApplicationDecides { .. }));
}

#[test]
fn a_provider_may_answer_an_applications_decisions_itself() {
    let deciding = policy("0.2.0", "import tensor:policy/decision@0.1.0;");
    let provider = component("0.2.0", "export tensor:policy/decision@0.1.0;");
    let application = application("0.2.0", "import tensor:policy/decision@0.1.0;");
    let plugged = plug(&provider, &application).unwrap();
    let result = inspect(&compose(&[&deciding], &plugged).unwrap()).unwrap();
    assert!(result.warnings.is_empty(), "{:?}", result.warnings);
}

#[test]
fn an_application_can_not_answer_a_policys_imports() {
    let deciding = policy("0.2.0", "import tensor:policy/decision@0.1.0;");
    let greedy = application("0.2.0", "export tensor:policy/decision@0.1.0;");
    let result = inspect(&compose(&[&deciding], &greedy).unwrap()).unwrap();
    assert!(imports(&result).contains(&"tensor:policy/decision@0.1.0"));
    assert!(result.warnings.is_empty(), "{:?}", result.warnings);
}

#[test]
fn a_policy_keeps_the_device_that_was_denied_to_the_application() {
    let gpu = "import tensor:gpu/kernels@0.1.0;";
    let deny = component("0.2.0", "export tensor:gpu/kernels@0.1.0;");
    let denied = plug(&deny, &application("0.2.0", gpu)).unwrap();
    let without = inspect(&compose(&[&policy("0.2.0", "")], &denied).unwrap()).unwrap();
    assert!(!without.capabilities.contains_key(&Capability::Gpu));
    let with = inspect(&compose(&[&policy("0.2.0", gpu)], &denied).unwrap()).unwrap();
    assert!(with.capabilities.contains_key(&Capability::Gpu));
    let [Link::Middleware(policy), Link::Application(application)] = &with.chain[..] else {
        panic!("{:?}", with.chain);
    };
    assert!(policy.capabilities.contains_key(&Capability::Gpu));
    assert!(!application.capabilities.contains_key(&Capability::Gpu));
}
