//! The bill of materials of the program: each crate that is compiled into it or runs while it is built, as
//! CycloneDX 1.5 in JSON, from what cargo has resolved for the target.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId, Resolve};
use serde_json::{Value, json};

use super::Source;
use crate::workspace::Workspace;

/// The package of the program.
const PROGRAM: &str = "tensor-wasm";

/// The bill.
pub fn bill(workspace: &Workspace, source: &Source) -> Result<Value> {
    let metadata = MetadataCommand::new()
        .manifest_path(workspace.root().join("Cargo.toml"))
        .other_options(vec![
            "--locked".to_owned(),
            format!("--filter-platform={}", source.target),
        ])
        .exec()
        .context("cannot resolve the dependencies")?;
    let lock = std::fs::read_to_string(workspace.root().join("Cargo.lock"))
        .context("cannot read Cargo.lock")?;
    of(&metadata, &checksums(&lock)?, source)
}

/// The bill of what cargo says.
fn of(
    metadata: &Metadata,
    checksums: &BTreeMap<(String, String), String>,
    source: &Source,
) -> Result<Value> {
    let program = metadata.packages.iter().find(|one| one.name == PROGRAM);
    let program = program.context("the workspace has no package of the program")?;
    let resolve = metadata
        .resolve
        .as_ref()
        .context("cargo resolved nothing")?;
    let needed = needed(resolve, &program.id);
    let mut components = Vec::new();
    for package in &metadata.packages {
        if needed.contains_key(&package.id) && package.id != program.id {
            components.push(component(package, checksums));
        }
    }
    components.sort_by_key(|component| component["bom-ref"].to_string());
    let reference = |id: &PackageId| {
        let package = metadata.packages.iter().find(|one| one.id == *id);
        package.map(purl).unwrap_or_default()
    };
    let mut dependencies: Vec<_> = needed
        .iter()
        .map(|(id, on)| {
            let on: BTreeSet<_> = on.iter().map(reference).collect();
            json!({"ref": reference(id), "dependsOn": on})
        })
        .collect();
    dependencies.sort_by_key(|dependency| dependency["ref"].to_string());
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(source.seconds);
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": humantime::format_rfc3339_seconds(time).to_string(),
            "component": {
                "type": "application",
                "bom-ref": purl(program),
                "name": program.name.as_str(),
                "version": program.version.to_string(),
                "purl": purl(program),
                "licenses": licenses(program),
            },
            "properties": [
                {"name": "tensor-wasm:commit", "value": source.commit},
                {"name": "tensor-wasm:target", "value": source.target},
            ],
        },
        "components": components,
        "dependencies": dependencies,
    }))
}

/// The packages that the program needs, itself included, each with those that it needs.
fn needed(resolve: &Resolve, program: &PackageId) -> BTreeMap<PackageId, BTreeSet<PackageId>> {
    let mut needed = BTreeMap::new();
    let mut waiting = vec![program.clone()];
    while let Some(id) = waiting.pop() {
        if needed.contains_key(&id) {
            continue;
        }
        let node = resolve.nodes.iter().find(|node| node.id == id);
        let on = node.into_iter().flat_map(|node| &node.deps);
        let is_needed = |kind: DependencyKind| kind != DependencyKind::Development;
        let on = on.filter(|on| on.dep_kinds.iter().any(|kind| is_needed(kind.kind)));
        let on: BTreeSet<_> = on.map(|on| on.pkg.clone()).collect();
        waiting.extend(on.iter().cloned());
        needed.insert(id, on);
    }
    needed
}

fn component(package: &Package, checksums: &BTreeMap<(String, String), String>) -> Value {
    let mut component = json!({
        "type": "library",
        "bom-ref": purl(package),
        "name": package.name.as_str(),
        "version": package.version.to_string(),
        "purl": purl(package),
        "licenses": licenses(package),
    });
    let key = (package.name.to_string(), package.version.to_string());
    if let Some(checksum) = checksums.get(&key) {
        component["hashes"] = json!([{"alg": "SHA-256", "content": checksum}]);
    }
    if let Some(repository) = &package.repository {
        component["externalReferences"] = json!([{"type": "vcs", "url": repository}]);
    }
    component
}

/// How the package is named among those of all languages.
fn purl(package: &Package) -> String {
    // The `+` of a version's build metadata is a space where it is not encoded.
    let version = package.version.to_string().replace('+', "%2B");
    format!("pkg:cargo/{}@{version}", package.name)
}

fn licenses(package: &Package) -> Value {
    match &package.license {
        // As some crates still separate alternatives.
        Some(license) => json!([{"expression": license.replace('/', " OR ")}]),
        None => json!([]),
    }
}

/// The checksums of the packages of registries, by name and version.
fn checksums(lock: &str) -> Result<BTreeMap<(String, String), String>> {
    let lock: toml::Table = toml::from_str(lock).context("Cargo.lock is none")?;
    let packages = lock.get("package").and_then(toml::Value::as_array);
    let text = |package: &toml::Value, key: &str| Some(package.get(key)?.as_str()?.to_owned());
    let checksum = |package: &toml::Value| {
        let key = (text(package, "name")?, text(package, "version")?);
        Some((key, text(package, "checksum")?))
    };
    Ok(packages
        .into_iter()
        .flatten()
        .filter_map(checksum)
        .collect())
}
