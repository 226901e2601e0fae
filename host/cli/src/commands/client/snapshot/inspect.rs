//! `tensor-wasm snapshot inspect`

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use tensor_wasm_snapshot::limits::FUNCTION_VERSION;
use tensor_wasm_snapshot::{Decoder, Keys, Manifest, Signature};

use super::download::snapshot;
use super::keys::TrustOptions;
use super::verify::describe;
use crate::commands::client::error::{ClientError, EXIT_CODES};
use crate::commands::client::output;
use crate::commands::client::text::{list, plain, size};

/// How much is read at once.
const PIECE: usize = 64 << 10;

/// Show what is in a snapshot, without a node
///
/// Reads its manifest alone: `verify` reads the rest, too.
#[derive(Args)]
#[command(after_help = help())]
pub struct Inspect {
    /// The file
    path: PathBuf,
    /// Print the manifest, which is JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    trust: TrustOptions,
}

fn help() -> String {
    format!(
        "\
Examples:
  tensor-wasm snapshot inspect image.snapshot
  tensor-wasm snapshot inspect image.snapshot --json | jq '.versions[].buffers[].name'

{EXIT_CODES}"
    )
}

impl Inspect {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(async move { self.inspect() })
    }

    fn inspect(&self) -> Result<(), ClientError> {
        let keys = self.trust.keys()?;
        let head = head(&self.path, &keys)?;
        if self.json {
            let json = serde_json::to_vec_pretty(&head.manifest);
            return output::print_json(&json.unwrap_or_default());
        }
        output::print(&text(&head.manifest, &head.signature))
    }
}

/// The head of a file.
pub struct Head {
    pub manifest: Manifest,
    /// Who has signed it.
    pub signature: Signature,
    /// BLAKE3 of it, as `blake3:` and hexadecimal digits.
    pub digest: String,
}

/// The head of a file.
///
/// # Errors
///
/// Where it can't be read, or is no snapshot that can be used.
pub fn head(path: &Path, keys: &Keys) -> Result<Head, ClientError> {
    let failed = |cause| ClientError::File {
        path: path.to_owned(),
        cause,
    };
    let mut file = File::open(path).map_err(failed)?;
    let mut decoder = Decoder::new(keys);
    let mut piece = vec![0; PIECE];
    loop {
        let count = file.read(&mut piece).map_err(failed)?;
        decoder.push(piece.get(..count).unwrap_or_default());
        decoder
            .next_event()
            .map_err(|cause| snapshot(path, cause))?;
        if let (Some(manifest), Some(signature)) = (decoder.manifest(), decoder.signature()) {
            return Ok(Head {
                manifest: manifest.clone(),
                signature: signature.clone(),
                digest: format!("blake3:{}", blake3::hash(decoder.head()).to_hex()),
            });
        }
        if count == 0 {
            let missing = tensor_wasm_snapshot::Error::Truncated {
                at: decoder.arrived(),
                missing: 1,
            };
            return Err(snapshot(path, decoder.finish().err().unwrap_or(missing)));
        }
    }
}

fn text(manifest: &Manifest, signature: &Signature) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| text += &format!("{name:<12}{value}\n");
    let function = &manifest.function;
    line(
        "function",
        format!("{} ({})", plain(&function.name), plain(&function.id)),
    );
    line("tenant", manifest.tenant.to_string());
    let created = u64::try_from(manifest.created_ms).unwrap_or(0);
    let created = std::time::Duration::from_millis(created.min(253_402_300_799_999));
    let created = humantime::format_rfc3339_millis(std::time::SystemTime::UNIX_EPOCH + created);
    line(
        "created",
        format!("{created} by {}", plain(&manifest.program)),
    );
    line("format", format!("version {FUNCTION_VERSION}"));
    line("signature", describe(signature));
    line(
        "size",
        format!(
            "{}, compressed {}",
            size(manifest.bytes()),
            size(manifest.stored_bytes())
        ),
    );
    for version in &manifest.versions {
        line(
            "version",
            format!(
                "{}: {}% of the requests, component {}",
                version.number,
                version.weight,
                size(version.component.bytes)
            ),
        );
        line("  imports", list(&version.granted, ", "));
        for asset in &version.assets {
            line(
                "  asset",
                format!("{} {}", plain(&asset.path), size(asset.content.bytes)),
            );
        }
        for buffer in &version.buffers {
            line(
                "  buffer",
                format!("{} {}", plain(&buffer.name), size(buffer.content.bytes)),
            );
        }
    }
    let names: Vec<_> = manifest.settings.keys().cloned().collect();
    line("settings", list(&names, ", "));
    let secrets = manifest.secrets.iter();
    let secrets: Vec<_> = secrets
        .map(|(name, secret)| match secret.sealed {
            Some(_) => format!("{name} (sealed)"),
            None => format!("{name} (its name alone)"),
        })
        .collect();
    line("secrets", list(&secrets, ", "));
    line("jobs", manifest.jobs.len().to_string());
    text
}
