//! How an archive was made, as a statement of in-toto (v1) with SLSA's predicate of provenance (v1). It is
//! not signed, so that it proves nothing by itself.

use std::path::Path;
use std::time::SystemTime;

use serde_json::{Value, json};

use super::{Packed, Source};

/// What is stated.
pub struct Build<'a> {
    pub source: &'a Source,
    pub packed: &'a Packed,
    /// Whether the program was built by the same command.
    pub is_built: bool,
    pub lock_sha256: String,
    /// What the compiler says of itself.
    pub compiler: &'a str,
    pub started: SystemTime,
    pub finished: SystemTime,
}

/// The statement.
pub fn statement(build: &Build<'_>) -> Value {
    let name = |path: &Path| path.file_name().unwrap_or_default().display().to_string();
    let time = |time| humantime::format_rfc3339_seconds(time).to_string();
    let (source, packed) = (build.source, build.packed);
    let command = match build.is_built {
        true => "cargo xtask dist",
        false => "cargo xtask dist --binary FILE",
    };
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {"name": name(&packed.archive), "digest": {"sha256": packed.archive_sha256}},
            {"name": name(&packed.sbom), "digest": {"sha256": packed.sbom_sha256}},
        ],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "urn:tensor-wasm:cargo-xtask-dist:1",
                "externalParameters": {
                    "command": command,
                    "target": source.target,
                    "profile": if build.is_built { json!("release") } else { Value::Null },
                },
                "internalParameters": {
                    "compiler": build.compiler,
                    "checkoutHasOtherChanges": source.is_modified,
                },
                "resolvedDependencies": [
                    {
                        "uri": "urn:tensor-wasm:source",
                        "digest": {"gitCommit": source.commit},
                    },
                    {
                        "uri": "urn:tensor-wasm:source#Cargo.lock",
                        "digest": {"sha256": build.lock_sha256},
                    },
                ],
            },
            "runDetails": {
                "builder": {"id": "urn:tensor-wasm:local-build"},
                "metadata": {
                    "startedOn": time(build.started),
                    "finishedOn": time(build.finished),
                },
            },
        },
    })
}
