//! Interfaces of this host, by name and version, and the search for the one that an
//! import means.

use semver::{Version, VersionReq};

/// The 0.2 line of WASI, of which every version fits every other.
pub(super) const WASI_02: &str = "0.2";
/// The 0.3 line of WASI, of which every version fits every other.
pub(super) const WASI_03: &str = "0.3";
/// Our own packages.
pub(super) const TENSOR: &str = "0.1";
/// `wasi:config` is a draft, of which each version fits itself alone.
pub(super) const WASI_CONFIG: &str = "0.2.0-rc.1";

/// Some interfaces of one package that the host provides.
#[derive(Debug)]
pub(crate) struct Interface {
    package: &'static str,
    names: &'static [&'static str],
    /// The versions that fit: a line such as `0.2`, or one version.
    versions: &'static str,
}

impl Interface {
    pub(super) const fn new(
        package: &'static str,
        names: &'static [&'static str],
        versions: &'static str,
    ) -> Interface {
        Interface {
            package,
            names,
            versions,
        }
    }

    fn is(&self, package: &str, name: &str) -> bool {
        self.package == package && self.names.contains(&name)
    }

    fn has_version(&self, version: &str, parsed: &Version) -> bool {
        // One version fits itself alone: a range of `semver` would let later drafts in.
        if Version::parse(self.versions).is_ok() {
            return self.versions == version;
        }
        VersionReq::parse(&format!("~{}", self.versions)).is_ok_and(|range| range.matches(parsed))
    }
}

/// The entry of a table of interfaces that an import means.
///
/// # Errors
///
/// Why the host doesn't have the import, and what to do.
pub(super) fn find<'t, E>(
    import: &str,
    table: &'t [E],
    interfaces: impl Fn(&E) -> &'static [Interface],
) -> Result<&'t E, String> {
    let Some((package, rest)) = import.split_once('/') else {
        return Err("this host provides interfaces only, such as `wasi:http/types`".into());
    };
    let (name, version) = match rest.split_once('@') {
        Some((name, version)) => (name, Some(version)),
        None => (rest, None),
    };
    let all = || {
        table
            .iter()
            .flat_map(|entry| interfaces(entry).iter().map(move |it| (entry, it)))
    };
    let same_name = || all().filter(|(_, interface)| interface.is(package, name));
    if same_name().next().is_none() {
        let mut near: Vec<&str> = Vec::new();
        for (_, interface) in all().filter(|(_, interface)| interface.package == package) {
            for name in interface.names {
                if !near.contains(name) {
                    near.push(name);
                }
            }
        }
        return Err(match near.is_empty() {
            true => format!("this host has no interface of package `{package}`"),
            false => format!("of package `{package}` this host has {}", near.join(", ")),
        });
    }
    let known = || {
        let versions: Vec<String> = same_name()
            .map(|(_, interface)| match Version::parse(interface.versions) {
                Ok(version) => version.to_string(),
                Err(_) => format!("{}.x", interface.versions),
            })
            .collect();
        format!(
            "this host has it in version {}: build the component against that",
            versions.join(" and ")
        )
    };
    let Some(version) = version else {
        return Err(format!("the import names no version; {}", known()));
    };
    let Ok(parsed) = Version::parse(version) else {
        return Err(format!("`{version}` is not a version; {}", known()));
    };
    same_name()
        .find(|(_, interface)| interface.has_version(version, &parsed))
        .map(|(entry, _)| entry)
        .ok_or_else(known)
}
