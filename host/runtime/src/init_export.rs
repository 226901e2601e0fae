//! The exports of components by which they are initialized, and tell their state.

use wasmparser::{Parser, Payload};

/// The interface by which a component exports its `init`, without its version.
const INTERFACE: &str = "tensor:lifecycle/initialization";

/// The export of an instrumented component that tells its state.
pub(crate) const ACCESS: &str = "wasmtime:wizer/access";

/// The export of a component by which it is initialized, if it has one.
pub(crate) fn init_export(component: &[u8]) -> Option<String> {
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(component) {
        // Whoever compiles it tells what is wrong with it.
        match payload.ok()? {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    let name = export.ok()?.name.full_name().into_owned();
                    if is_init(&name) {
                        return Some(name);
                    }
                }
            }
            _ => {}
        }
    }
    None
}

/// Whether this is the name of the interface, in a version that this host has.
pub(crate) fn is_init(export: &str) -> bool {
    let version = export
        .strip_prefix(INTERFACE)
        .and_then(|version| version.strip_prefix('@'));
    version.is_some_and(|version| version.starts_with("0.1."))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn init_is_found_by_its_interface_in_versions_of_this_line_alone() {
        for (export, is_found) in [
            ("tensor:lifecycle/initialization@0.1.0", true),
            ("tensor:lifecycle/initialization@0.1.7", true),
            ("tensor:lifecycle/initialization@0.2.0", false),
            ("tensor:lifecycle/initialization", false),
            ("other:lifecycle/initialization@0.1.0", false),
        ] {
            let bytes = wat::parse_str(format!(
                r#"(component (component $c) (instance $i (instantiate $c)) (export "{export}" (instance $i)))"#
            ))
            .unwrap();
            assert_eq!(init_export(&bytes).is_some(), is_found, "{export}");
        }
        assert_eq!(init_export(b"no component"), None);
    }
}
