//! What this host can give a component, what a component asks for, and what of
//! it stands behind the import: one table, from which come the error that names
//! every missing import and the lines that `serve` prints. The linker stands
//! beside it; `tests/linking.rs` holds the two together.

use crate::error::MissingImport;
use crate::gpu::Standing;
use crate::state::InstanceState;
use crate::{Error, gpu, policy};
use semver::{Version, VersionReq};
use wasmtime::component::Linker;
use wasmtime_wasi_config::WasiConfig;

/// Something that an operator grants, or does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Capability {
    /// Harmless, and always there: clocks, random numbers, streams, logs.
    Basic,
    Gpu,
    Policy,
    /// What an operator tells a policy: `wasi:config`.
    Settings,
    /// The component behind a policy.
    Next,
    Filesystem,
    Environment,
    /// Requests to other servers.
    Http,
    /// Never granted.
    Sockets,
}

/// One interface of this host.
struct Interface {
    package: &'static str,
    names: &'static [&'static str],
    /// The versions that fit. WASI promises that every 0.2.x and every 0.3.x
    /// fits the others of its line.
    versions: &'static str,
    capability: Capability,
}

const WASI_02: &str = "0.2";
const WASI_03: &str = "0.3";
const OURS: &str = "0.1";
/// A draft, of which each version stands for itself.
const CONFIG: &str = "0.2.0-rc.1";

const fn interface(
    package: &'static str,
    names: &'static [&'static str],
    versions: &'static str,
    capability: Capability,
) -> Interface {
    Interface {
        package,
        names,
        versions,
        capability,
    }
}

/// Every interface that [`linker`] provides.
const INTERFACES: &[Interface] = &[
    interface(
        "tensor:gpu",
        &["kernels", "residency"],
        OURS,
        Capability::Gpu,
    ),
    interface(
        "tensor:policy",
        &["credentials", "decision", "limiter"],
        OURS,
        Capability::Policy,
    ),
    interface("wasi:config", &["store"], CONFIG, Capability::Settings),
    interface(
        "wasi:io",
        &["error", "poll", "streams"],
        WASI_02,
        Capability::Basic,
    ),
    interface(
        "wasi:clocks",
        &["monotonic-clock", "wall-clock"],
        WASI_02,
        Capability::Basic,
    ),
    interface(
        "wasi:random",
        &["random", "insecure", "insecure-seed"],
        WASI_02,
        Capability::Basic,
    ),
    interface(
        "wasi:cli",
        &[
            "exit",
            "stdin",
            "stdout",
            "stderr",
            "terminal-input",
            "terminal-output",
            "terminal-stdin",
            "terminal-stdout",
            "terminal-stderr",
        ],
        WASI_02,
        Capability::Basic,
    ),
    interface(
        "wasi:cli",
        &["environment"],
        WASI_02,
        Capability::Environment,
    ),
    interface(
        "wasi:filesystem",
        &["types", "preopens"],
        WASI_02,
        Capability::Filesystem,
    ),
    interface(
        "wasi:sockets",
        &[
            "network",
            "instance-network",
            "ip-name-lookup",
            "tcp",
            "tcp-create-socket",
            "udp",
            "udp-create-socket",
        ],
        WASI_02,
        Capability::Sockets,
    ),
    interface("wasi:http", &["types"], WASI_02, Capability::Basic),
    interface(
        "wasi:http",
        &["incoming-handler"],
        WASI_02,
        Capability::Next,
    ),
    interface(
        "wasi:http",
        &["outgoing-handler"],
        WASI_02,
        Capability::Http,
    ),
    interface(
        "wasi:clocks",
        &["monotonic-clock", "system-clock", "types"],
        WASI_03,
        Capability::Basic,
    ),
    interface(
        "wasi:random",
        &["random", "insecure", "insecure-seed"],
        WASI_03,
        Capability::Basic,
    ),
    interface(
        "wasi:cli",
        &[
            "exit",
            "stdin",
            "stdout",
            "stderr",
            "terminal-input",
            "terminal-output",
            "terminal-stdin",
            "terminal-stdout",
            "terminal-stderr",
            "types",
        ],
        WASI_03,
        Capability::Basic,
    ),
    interface(
        "wasi:cli",
        &["environment"],
        WASI_03,
        Capability::Environment,
    ),
    interface(
        "wasi:filesystem",
        &["types", "preopens"],
        WASI_03,
        Capability::Filesystem,
    ),
    interface(
        "wasi:sockets",
        &["types", "ip-name-lookup"],
        WASI_03,
        Capability::Sockets,
    ),
    interface("wasi:http", &["types"], WASI_03, Capability::Basic),
    interface("wasi:http", &["client"], WASI_03, Capability::Http),
];

/// Builds the linker that every application of an engine shares.
pub(crate) fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<InstanceState>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_config::add_to_linker(&mut linker, |state: &mut InstanceState| {
        WasiConfig::from(&*state.policy.settings)
    })?;
    gpu::add_to_linker(&mut linker)?;
    policy::add_to_linker(&mut linker)?;
    policy::add_next_to_linker(&mut linker)?;
    Ok(linker)
}

/// What an operator grants to a component, as far as imports are concerned.
pub(crate) struct Grants {
    pub(crate) gpu: Standing,
    pub(crate) filesystem: bool,
    pub(crate) environment: bool,
    pub(crate) http: bool,
    pub(crate) policy: bool,
    pub(crate) settings: bool,
    /// Whether a component stands behind this one, which then is a policy.
    pub(crate) next: bool,
}

/// A component's imports, sorted by what stands behind them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The imports that do what they say.
    pub granted: Vec<String>,
    /// The imports that are there, and answer that access is denied, or show
    /// nothing.
    pub denied: Vec<String>,
}

/// Sorts a component's imports.
///
/// # Errors
///
/// [`Error::GpuRefused`] with all imports of the GPU where the grant refuses
/// them, and [`Error::MissingImports`] with all that this host does not have.
pub(crate) fn sort<'a>(
    imports: impl Iterator<Item = &'a str>,
    grants: &Grants,
) -> Result<Asked, Error> {
    let mut asked = Asked::default();
    let mut refused = Vec::new();
    let mut missing = Vec::new();
    for name in imports {
        match find(name) {
            Ok(Capability::Gpu) if matches!(grants.gpu, Standing::Refused { .. }) => {
                refused.push(format!("`{name}`"));
            }
            Ok(Capability::Next) if !grants.next => missing.push(MissingImport {
                name: name.to_string(),
                reason: "this is a policy without an application: compose them, or give the policy with `--policy`".into(),
            }),
            Ok(capability) => {
                let granted = match capability {
                    Capability::Basic | Capability::Next => true,
                    Capability::Gpu => grants.gpu == Standing::Granted,
                    Capability::Settings => grants.settings,
                    Capability::Policy => grants.policy,
                    Capability::Filesystem => grants.filesystem,
                    Capability::Environment => grants.environment,
                    Capability::Http => grants.http,
                    Capability::Sockets => false,
                };
                let list = if granted {
                    &mut asked.granted
                } else {
                    &mut asked.denied
                };
                list.push(name.to_string());
            }
            Err(reason) => missing.push(MissingImport {
                name: name.to_string(),
                reason,
            }),
        }
    }
    if !missing.is_empty() {
        return Err(Error::MissingImports(missing));
    }
    if let (Standing::Refused { tenants }, false) = (&grants.gpu, refused.is_empty()) {
        return Err(Error::GpuRefused {
            tenants: tenants.clone(),
            imports: refused,
        });
    }
    Ok(asked)
}

/// The capability that an import belongs to, or why this host does not have it.
fn find(import: &str) -> Result<Capability, String> {
    let Some((package, rest)) = import.split_once('/') else {
        return Err("this host provides interfaces only, such as `wasi:http/types`".into());
    };
    let (name, version) = match rest.split_once('@') {
        Some((name, version)) => (name, Some(version)),
        None => (rest, None),
    };
    let same_name = || {
        INTERFACES
            .iter()
            .filter(|interface| interface.package == package && interface.names.contains(&name))
    };
    if same_name().next().is_none() {
        let near: Vec<&str> = INTERFACES
            .iter()
            .filter(|interface| interface.package == package)
            .flat_map(|interface| interface.names.iter().copied())
            .collect();
        return Err(match (near.is_empty(), name) {
            (_, "handler") if package == "wasi:http" => {
                "this is a policy without an application: compose them".into()
            }
            (true, _) => format!("no interface of package `{package}` is known here"),
            (false, _) => format!("of package `{package}` this host has {}", near.join(", ")),
        });
    }
    let known = || {
        let versions: Vec<&str> = same_name().map(|interface| interface.versions).collect();
        format!("this host has it in version {}.x", versions.join(".x and "))
    };
    let Some(version) = version else {
        return Err(format!("it names no version; {}", known()));
    };
    let Ok(parsed) = Version::parse(version) else {
        return Err(format!("`{version}` is no version; {}", known()));
    };
    same_name()
        .find(|interface| {
            interface.versions == version
                || VersionReq::parse(&format!("~{}", interface.versions))
                    .is_ok_and(|range| range.matches(&parsed))
        })
        .map(|interface| interface.capability)
        .ok_or_else(known)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const NOTHING: Grants = Grants {
        gpu: Standing::Denied,
        filesystem: false,
        environment: false,
        http: false,
        policy: false,
        settings: false,
        next: false,
    };

    #[test]
    fn every_missing_import_is_named_in_one_error() {
        let imports = [
            "acme:db/sql@1.0.0",
            "wasi:http/types@0.2.4",
            "wasi:io/zebra@0.2.0",
        ];
        let error = sort(imports.into_iter(), &NOTHING).unwrap_err().to_string();
        assert!(error.contains("acme:db/sql@1.0.0"), "{error}");
        assert!(error.contains("wasi:io/zebra@0.2.0"), "{error}");
        assert!(!error.contains("`wasi:http/types@0.2.4`"), "{error}");
    }

    #[test]
    fn a_version_of_another_line_is_refused_with_the_one_that_is_there() {
        let error = sort(["tensor:gpu/kernels@0.9.0"].into_iter(), &NOTHING)
            .unwrap_err()
            .to_string();
        assert!(error.contains("0.1.x"), "{error}");
        assert!(find("wasi:cli/stdin@0.2.99").is_ok());
        assert!(find("wasi:cli/stdin@0.3.0").is_ok());
        assert!(find("wasi:cli/stdin@1.0.0").is_err());
        assert!(find("wasi:cli/stdin").is_err());
        assert!(find("wasi:cli/stdin@x").is_err());
        assert!(find("stdin").is_err());
    }

    #[test]
    fn nothing_is_granted_that_was_not_asked_for() {
        let imports = [
            "tensor:gpu/kernels@0.1.0",
            "wasi:filesystem/types@0.2.6",
            "wasi:cli/environment@0.2.6",
            "wasi:sockets/tcp@0.2.6",
            "wasi:http/outgoing-handler@0.2.6",
            "wasi:clocks/wall-clock@0.2.6",
        ];
        let asked = sort(imports.into_iter(), &NOTHING).unwrap();
        assert_eq!(asked.granted, ["wasi:clocks/wall-clock@0.2.6"]);
        assert_eq!(asked.denied.len(), 5);
    }

    #[test]
    fn a_refused_gpu_is_refused_by_the_names_of_its_imports() {
        let grants = Grants {
            gpu: Standing::Refused {
                tenants: "tenant 7 (acme)".to_owned(),
            },
            ..NOTHING
        };
        let imports = ["tensor:gpu/kernels@0.1.0", "tensor:gpu/residency@0.1.0"];
        let error = sort(imports.into_iter(), &grants).unwrap_err();
        assert!(matches!(&error, Error::GpuRefused { imports, .. } if imports.len() == 2));
        assert!(error.to_string().contains("tenant 7 (acme)"));
    }
}
