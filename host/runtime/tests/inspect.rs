//! What inspecting promises, for people and for scripts that read the JSON.

use std::sync::OnceLock;

use crate::components::{application, component, core_module, policy};
use crate::tools::{Command, TOOLS, repeat, wac_plug};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::json;
use tensor_wasm_runtime::{
    Capability, ComponentKind, InspectError, Inspection, Link, Source, compose, compose_named,
    inspect, plug_named,
};

#[test]
fn each_import_is_counted_to_the_capability_that_it_asks_for() {
    let bytes = application(
        "0.2.0",
        "import tensor:gpu/kernels@0.1.0; import tensor:gpu/residency@0.1.0;
         import tensor:policy/decision@0.1.0; import wasi:clocks/monotonic-clock@0.2.0;
         import wasi:cli/environment@0.2.0; import wasi:cli/stdout@0.2.0;
         import wasi:cli/exit@0.2.0; import wasi:config/store@0.2.0; import wasi:filesystem/preopens@0.2.0;
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
            Capability::Configuration,
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
        (application("0.2.12", ""), ComponentKind::HttpService02),
        (
            component("0.2.0", "export wasi:http/handler@0.3.0;"),
            ComponentKind::HttpService03,
        ),
        (policy("0.2.3", ""), ComponentKind::HttpMiddleware),
        (
            component(
                "0.2.0",
                "import wasi:http/handler@0.3.0; export wasi:http/handler@0.3.0;",
            ),
            ComponentKind::HttpMiddleware03,
        ),
        (
            component("0.2.0", "export wasi:cli/run@0.2.0;"),
            ComponentKind::Command,
        ),
        (
            component("0.2.0", "export tensor:gpu/kernels@0.1.0;"),
            ComponentKind::Library,
        ),
        (component("0.2.0", ""), ComponentKind::Library),
    ] {
        assert_eq!(inspect(&bytes).unwrap().kind, kind);
    }
}

#[test]
fn languages_are_those_of_the_author_and_not_of_what_tools_add() {
    let bytes = wat::parse_str(
        r#"(component
            (core module $libpython3.14.so)
            (core module $wit-component:adapter:wasi_snapshot_preview1
                (@producers (language "Rust" "") (processed-by "rustc" "1.75.0"))))"#,
    );
    let inspection = inspect(&bytes.unwrap()).unwrap();
    assert_eq!(inspection.languages, ["Python 3.14"]);
    assert_eq!(inspection.tools, ["rustc 1.75.0"]);
    let bytes =
        wat::parse_str(r#"(component (core module $m (@producers (language "Rust" "2024"))))"#);
    assert_eq!(inspect(&bytes.unwrap()).unwrap().languages, ["Rust 2024"]);
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

/// A chain in short: each link's role, and its name or digest.
fn told(inspection: &Inspection) -> Vec<(&'static str, String)> {
    let links = inspection.chain.iter();
    links
        .map(|link| match link {
            Link::Middleware(part) => ("middleware", part.label()),
            Link::Application(part) => ("application", part.label()),
            Link::Unknown { reason } => ("unknown", reason.clone()),
            _ => panic!("{link:?}"),
        })
        .collect()
}

fn named<'a>(name: &'a str, bytes: &'a [u8]) -> Source<'a> {
    Source {
        name: Some(name),
        bytes,
    }
}

fn text(text: &str) -> Inspection {
    inspect(&wat::parse_str(text).unwrap()).unwrap()
}

#[test]
fn a_component_that_was_not_composed_is_a_chain_of_itself() {
    for (bytes, role) in [
        (application("0.2.3", ""), "application"),
        (policy("0.2.3", ""), "middleware"),
        (
            component("0.2.0", "export wasi:http/handler@0.3.0;"),
            "application",
        ),
    ] {
        let inspection = inspect(&bytes).unwrap();
        let short = inspection.digest[..19].to_owned();
        assert_eq!(told(&inspection), [(role, short)]);
        assert!(inspection.beside.is_empty() && inspection.warnings.is_empty());
    }
    let command = component("0.2.0", "export wasi:cli/run@0.2.0;");
    assert!(inspect(&command).unwrap().chain.is_empty());
}

#[test]
fn the_chain_names_each_part_and_what_it_asks_for() {
    let outer = policy("0.2.0", "import tensor:policy/decision@0.1.0;");
    let inner = policy("0.2.9", "import wasi:clocks/monotonic-clock@0.2.0;");
    let last = application("0.2.0", "import tensor:gpu/kernels@0.1.0;");
    let bytes = compose_named(
        &[named("outer", &outer), named("inner", &inner)],
        named("last", &last),
    );
    let inspection = inspect(&bytes.unwrap()).unwrap();
    assert_eq!(
        told(&inspection),
        [
            ("middleware", "outer".to_owned()),
            ("middleware", "inner".to_owned()),
            ("application", "last".to_owned()),
        ]
    );
    let json = serde_json::to_value(&inspection).unwrap();
    for (place, file, asked) in [
        (
            0,
            &outer,
            json!({"policy": ["tensor:policy/decision@0.1.0"]}),
        ),
        (
            1,
            &inner,
            json!({"clocks": ["wasi:clocks/monotonic-clock@0.2.0"]}),
        ),
        (2, &last, json!({"gpu": ["tensor:gpu/kernels@0.1.0"]})),
    ] {
        let link = &json["chain"][place];
        assert_eq!(link["capabilities"], asked);
        assert_eq!(link["digest"], inspect(file).unwrap().digest);
    }
    assert_eq!(json["chain"][0]["role"], "middleware");
    assert_eq!(json["chain"][2]["role"], "application");
}

#[test]
fn a_policy_made_of_two_still_waits_for_its_application() {
    let part = policy("0.2.0", "");
    for (tool, command) in TOOLS {
        let inspection = inspect(&command(&part, &part)).unwrap();
        let roles: Vec<_> = told(&inspection)
            .into_iter()
            .map(|(role, _)| role)
            .collect();
        assert_eq!(roles, ["middleware", "middleware"], "{tool}");
        assert_eq!(inspection.kind, ComponentKind::HttpMiddleware, "{tool}");
        let Link::Middleware(last) = &inspection.chain[1] else {
            panic!("{tool}");
        };
        assert!(
            last.capabilities.contains_key(&Capability::HttpNext),
            "{tool}"
        );
    }
}

#[test]
fn composites_of_composites_are_one_flat_chain_whoever_made_them() {
    let (front, service) = (policy("0.2.0", ""), application("0.2.0", ""));
    let ours: Command =
        |front, behind| compose_named(&[named("front", front)], named("behind", behind)).unwrap();
    let tools = [ours, TOOLS[0].1, TOOLS[1].1];
    for inner in tools {
        for middle in tools {
            for outer in tools {
                let bytes = outer(&front, &middle(&front, &inner(&front, &service)));
                let inspection = inspect(&bytes).unwrap();
                let links = told(&inspection);
                let roles: Vec<_> = links.iter().map(|(role, _)| *role).collect();
                assert_eq!(
                    roles,
                    ["middleware", "middleware", "middleware", "application"]
                );
                assert!(inspection.beside.is_empty() && inspection.warnings.is_empty());
            }
        }
    }
    // A policy that is a composite itself stands in front as one.
    let pair = ours(&front, &front);
    assert_eq!(inspect(&ours(&pair, &service)).unwrap().chain.len(), 3);
}

#[test]
fn an_application_that_something_was_plugged_into_has_its_files_name() {
    let deny = component("0.2.0", "export tensor:gpu/kernels@0.1.0;");
    let asking = application("0.2.0", "import tensor:gpu/kernels@0.1.0;");
    let front = policy("0.2.0", "");
    // Others' tools write no names: the part is called after the file around it.
    for denied in [
        plug_named(named("deny", &deny), named("image", &asking)).unwrap(),
        wac_plug(&asking, &deny),
    ] {
        let bytes = compose_named(&[named("policy", &front)], named("image", &denied));
        let inspection = inspect(&bytes.unwrap()).unwrap();
        assert_eq!(told(&inspection)[1], ("application", "image".to_owned()));
        let Link::Application(image) = &inspection.chain[1] else {
            panic!("{:?}", inspection.chain);
        };
        assert!(image.capabilities.is_empty());
        assert_eq!(inspection.beside.len(), 1);
        assert_eq!(inspection.beside[0].digest, inspect(&deny).unwrap().digest);
        let provided = &image.provided[0];
        assert_eq!(provided.import, "tensor:gpu/kernels@0.1.0");
        assert_eq!(provided.by, inspection.beside[0].label());
    }
}

#[test]
fn an_application_that_decides_behind_a_policy_is_warned_of() {
    let deciding = policy("0.2.0", "import tensor:policy/decision@0.1.0;");
    let greedy = application("0.2.0", "import tensor:policy/decision@0.1.0;");
    for (tool, command) in TOOLS {
        let inspection = inspect(&command(&deciding, &greedy)).unwrap();
        let [warning] = &inspection.warnings[..] else {
            panic!("{tool}: {:?}", inspection.warnings);
        };
        assert!(
            warning.contains("admit its own requests"),
            "{tool}: {warning}"
        );
    }
}

#[test]
fn an_application_that_answers_a_policys_decisions_is_warned_of() {
    let deciding = policy("0.2.0", "import tensor:policy/decision@0.1.0;");
    let greedy = application("0.2.0", "export tensor:policy/decision@0.1.0;");
    for (tool, command) in TOOLS {
        let inspection = inspect(&command(&deciding, &greedy)).unwrap();
        let [warning] = &inspection.warnings[..] else {
            panic!("{tool}: {:?}", inspection.warnings);
        };
        assert!(warning.contains("not by the host"), "{tool}: {warning}");
        assert!(!inspection.capabilities.contains_key(&Capability::Policy));
    }
}

/// A handler's whole component: `$NAME`, exporting what the core code in it does.
const SERVICE: &str = r#"
    (component $service
        (core module $m (func (export "handle")))
        (core instance $i (instantiate $m))
        (func $handle (canon lift (core func $i "handle")))
        (instance $handler (export "handle" (func $handle)))
        (export "wasi:http/incoming-handler@0.2.0" (instance $handler)))"#;

#[test]
fn what_can_not_be_followed_is_said_to_be_unknown() {
    for (composite, reason) in [
        // The component comes from whoever instantiates the whole.
        (
            r#"(component
                (import "service" (component $service
                    (export "wasi:http/incoming-handler@0.2.0" (instance (export "handle" (func))))))
                (instance $it (instantiate $service))
                (export "wasi:http/incoming-handler@0.2.0"
                    (instance $it "wasi:http/incoming-handler@0.2.0")))"#
                .to_owned(),
            "from outside",
        ),
        // The handler is the host's own.
        (
            r#"(component
                (import "wasi:http/incoming-handler@0.2.0" (instance $next (export "handle" (func))))
                (export "wasi:http/incoming-handler@0.2.0" (instance $next)))"#
                .to_owned(),
            "the one that it imports",
        ),
        // There is no function to follow.
        (
            r#"(component
                (instance $handler)
                (export "wasi:http/incoming-handler@0.2.0" (instance $handler)))"#
                .to_owned(),
            "no function",
        ),
        // One handler is guarded, and the other is not.
        (
            format!(
                r#"(component {SERVICE}
                    (instance $one (instantiate $service))
                    (instance $two (instantiate $service))
                    (alias export $two "wasi:http/incoming-handler@0.2.0" (instance $other))
                    (export "wasi:http/incoming-handler@0.2.0"
                        (instance $one "wasi:http/incoming-handler@0.2.0"))
                    (export "wasi:http/handler@0.3.0" (instance $other)))"#
            ),
            "different components",
        ),
        // A component that calls one of two others.
        (
            format!(
                r#"(component {SERVICE}
                    (component $fork
                        (import "wasi:http/incoming-handler@0.2.0" (instance $a (export "handle" (func))))
                        (import "wasi:http/incoming-handler@0.2.1" (instance $b (export "handle" (func))))
                        (core module $m (func (export "handle")))
                        (core instance $i (instantiate $m))
                        (func $handle (canon lift (core func $i "handle")))
                        (instance $handler (export "handle" (func $handle)))
                        (export "wasi:http/incoming-handler@0.2.0" (instance $handler)))
                    (instance $one (instantiate $service))
                    (instance $two (instantiate $service))
                    (instance $it (instantiate $fork
                        (with "wasi:http/incoming-handler@0.2.0"
                            (instance $one "wasi:http/incoming-handler@0.2.0"))
                        (with "wasi:http/incoming-handler@0.2.1"
                            (instance $two "wasi:http/incoming-handler@0.2.0"))))
                    (export "wasi:http/incoming-handler@0.2.0"
                        (instance $it "wasi:http/incoming-handler@0.2.0")))"#
            ),
            "more than one other",
        ),
    ] {
        let inspection = text(&composite);
        let links = told(&inspection);
        let Some(("unknown", told)) = links.last().map(|(role, told)| (*role, told)) else {
            panic!("{links:?} for {reason}");
        };
        assert!(told.contains(reason), "{told:?} is not {reason:?}");
    }
}

#[test]
fn a_handler_that_stands_within_its_caller_is_found_too() {
    let inspection = text(&format!(
        r#"(component {SERVICE}
            (instance $held (instantiate $service))
            (core module $m (func (export "handle")))
            (core instance $i (instantiate $m))
            (func $handle (canon lift (core func $i "handle")))
            (instance $handler (export "handle" (func $handle)))
            (export "wasi:http/incoming-handler@0.2.0" (instance $handler)))"#
    ));
    let links = told(&inspection);
    let roles: Vec<_> = links.iter().map(|(role, _)| *role).collect();
    assert_eq!(roles, ["middleware", "application"]);
    assert_eq!(links[1].1, "held");
}

#[test]
fn a_name_can_not_steer_a_terminal() {
    let (front, service) = (policy("0.2.0", ""), application("0.2.0", ""));
    let hostile = "\x1b[2Jpolicy\u{202e}\n\0".to_owned() + &"x".repeat(10_000);
    let bytes = compose_named(&[named(&hostile, &front)], named("", &service)).unwrap();
    let inspection = inspect(&bytes).unwrap();
    let name = &told(&inspection)[0].1;
    assert!(name.chars().count() <= 80);
    assert!(!name.contains(['\x1b', '\u{202e}', '\n', '\0']), "{name:?}");
    assert!(name.contains("[2Jpolicy"), "{name:?}");
}

/// A component in which each level holds the one below twice: of few bytes, and more
/// instances than there could ever be.
#[test]
fn a_component_with_more_instances_than_can_be_listed_ends_as_unknown() {
    let mut component = SERVICE.replace("$service", "$level");
    for _ in 0..40 {
        component = format!(
            r#"(component $level {component}
                (instance $one (instantiate $level))
                (instance $two (instantiate $level))
                (export "wasi:http/incoming-handler@0.2.0"
                    (instance $two "wasi:http/incoming-handler@0.2.0")))"#
        );
    }
    let inspection = text(&component);
    assert_eq!(told(&inspection)[0].0, "application");
    assert!(
        inspection
            .warnings
            .iter()
            .any(|it| it.contains("more than is listed")),
        "{:?}",
        inspection.warnings
    );
}

#[test]
fn a_chain_of_more_policies_than_anybody_composes_is_listed_whole() {
    let (front, service) = (policy("0.2.0", ""), application("0.2.0", ""));
    let bytes = repeat(wac_plug, &[&front[..]; 80], &service);
    let inspection = inspect(&bytes).unwrap();
    assert_eq!(inspection.chain.len(), 81);
    assert!(matches!(&inspection.chain[80], Link::Application(_)));
}

fn composites() -> Vec<Vec<u8>> {
    let front = policy("0.2.0", "import tensor:policy/decision@0.1.0;");
    let service = application("0.2.0", "import tensor:gpu/kernels@0.1.0;");
    let mut composites = vec![compose(&[&front, &front], &service).unwrap()];
    composites.extend(TOOLS.map(|(_, command)| command(&front, &command(&front, &service))));
    composites
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_mutated_composite_is_read_or_refused(
        which in 0..3_usize,
        changes in proptest::collection::vec((any::<Index>(), any::<u8>(), 0..3_u8), 1..6),
    ) {
        static COMPOSITES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
        let mut bytes = COMPOSITES.get_or_init(composites)[which].clone();
        for (place, value, change) in changes {
            let place = place.index(bytes.len());
            match change {
                0 => bytes[place] = value,
                1 => bytes[place] = bytes[place].wrapping_add(1),
                _ => { bytes.remove(place); }
            }
        }
        if let Ok(inspection) = inspect(&bytes) {
            prop_assert!(!inspection.chain.is_empty() || inspection.beside.is_empty());
        }
    }
}
