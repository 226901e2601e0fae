//! Reading and resolving components that were not validated: contradicting tables lead to
//! `unknown`, and never to a panic or an endless loop.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::OnceLock;

use proptest::prelude::*;
use proptest::sample::Index;

use super::{chain, tree};

/// A middleware before a service that a provider is plugged into, with names.
const COMPOSITE: &str = r#"(component $whole
    (import "tensor:policy/decision@0.1.0" (instance $decision))
    (component $service
        (import "tensor:gpu/kernels@0.1.0" (instance))
        (core module $m (func (export "handle")))
        (core instance $i (instantiate $m))
        (func $handle (canon lift (core func $i "handle")))
        (component $shim
            (import "f" (func $f))
            (export "handle" (func $f)))
        (instance $handler (instantiate $shim (with "f" (func $handle))))
        (export "wasi:http/incoming-handler@0.2.0" (instance $handler)))
    (component $middleware
        (import "wasi:http/incoming-handler@0.2.0" (instance (export "handle" (func))))
        (import "tensor:policy/decision@0.1.0" (instance))
        (core module $m (func (export "handle")))
        (core instance $i (instantiate $m))
        (func $handle (canon lift (core func $i "handle")))
        (instance $handler (export "handle" (func $handle)))
        (export "wasi:http/incoming-handler@0.2.0" (instance $handler)))
    (component $provider
        (core module $m)
        (core instance (instantiate $m))
        (instance $kernels)
        (export "tensor:gpu/kernels@0.1.0" (instance $kernels)))
    (component $outer
        (alias outer $whole $service (component $service))
        (alias outer $whole $provider (component $provider))
        (instance $gpu (instantiate $provider))
        (instance $it (instantiate $service
            (with "tensor:gpu/kernels@0.1.0" (instance $gpu "tensor:gpu/kernels@0.1.0"))))
        (export "wasi:http/incoming-handler@0.2.0"
            (instance $it "wasi:http/incoming-handler@0.2.0")))
    (instance $behind (instantiate $outer))
    (instance $front (instantiate $middleware
        (with "tensor:policy/decision@0.1.0" (instance $decision))
        (with "wasi:http/incoming-handler@0.2.0"
            (instance $behind "wasi:http/incoming-handler@0.2.0"))))
    (export "wasi:http/incoming-handler@0.2.0"
        (instance $front "wasi:http/incoming-handler@0.2.0")))"#;

fn composite() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| wat::parse_str(COMPOSITE).unwrap())
}

#[test]
fn an_alias_out_of_a_component_and_a_shim_are_followed() {
    let inspection = super::inspect(composite()).unwrap();
    let json = serde_json::to_value(&inspection).unwrap();
    let chain = &json["chain"];
    assert_eq!(chain.as_array().unwrap().len(), 2, "{json:#}");
    assert_eq!(
        (&chain[0]["role"], &chain[0]["name"]),
        (&"middleware".into(), &"front".into())
    );
    assert_eq!(
        (&chain[1]["role"], &chain[1]["name"]),
        (&"application".into(), &"it".into())
    );
    assert_eq!(chain[1]["provided"][0]["by"], "gpu");
    assert_eq!(json["beside"][0]["name"], "gpu");
    assert!(inspection.warnings.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn tables_that_nobody_validated_are_followed_without_panic(
        changes in proptest::collection::vec((any::<Index>(), 0..24_u8, any::<bool>()), 1..5),
    ) {
        let mut bytes = composite().to_vec();
        for (place, value, whole) in changes {
            let byte = &mut bytes[place.index(composite().len())];
            // Small numbers are indices, kinds and lengths: what contradicts.
            *byte = if whole { byte.rotate_left(u32::from(value)) } else { value };
        }
        if let Ok(tree) = tree::read(&bytes) {
            let wiring = chain::follow(&tree);
            prop_assert!(wiring.chain.len() <= 64);
        }
    }
}
