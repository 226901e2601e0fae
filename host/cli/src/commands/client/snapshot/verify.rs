//! `tensor-wasm snapshot verify`

use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use tensor_wasm_snapshot::{
    Error, FileManifest, Keys, Manifest, NodeManifest, Signature, Verified, verify_as,
};

use super::download::snapshot;
use super::keys::TrustOptions;
use crate::commands::client::error::{ClientError, EXIT_CODES};
use crate::commands::client::output;
use crate::commands::client::text::size;

/// Check a snapshot's signature, and everything that is in it, without a node
///
/// Also node.snapshot, as `export --node` writes it.
#[derive(Args)]
#[command(after_help = help())]
pub struct Verify {
    /// The file
    path: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    trust: TrustOptions,
}

fn help() -> String {
    format!(
        "\
Examples:
  tensor-wasm snapshot verify image.snapshot
  tensor-wasm snapshot verify image.snapshot --require-signature

{EXIT_CODES}"
    )
}

impl Verify {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(async move { self.verify() })
    }

    fn verify(&self) -> Result<(), ClientError> {
        let keys = self.trust.keys()?;
        match self.verify_as::<Manifest>(&keys) {
            Err(Error::OtherKind { .. }) => {
                let verified = self.verify_as::<NodeManifest>(&keys);
                self.report(&verified.map_err(|cause| snapshot(&self.path, cause))?)
            }
            verified => self.report(&verified.map_err(|cause| snapshot(&self.path, cause))?),
        }
    }

    fn verify_as<M: FileManifest>(&self, keys: &Keys) -> Result<Verified<M>, Error> {
        verify_as(File::open(&self.path)?, keys)
    }

    fn report(&self, verified: &Verified<impl FileManifest>) -> Result<(), ClientError> {
        let manifest = &verified.manifest;
        let chunks = manifest.chunks().len();
        if self.json {
            let contents = manifest.contents();
            let bytes: u64 = contents.iter().map(|(_, content)| content.bytes).sum();
            let json = json!({
                "file_bytes": verified.file_bytes,
                "bytes": bytes,
                "chunks": chunks,
                "signed_by": verified.signature.key(),
                "is_trusted": matches!(verified.signature, Signature::Trusted { .. }),
            });
            return output::print_json(json.to_string().as_bytes());
        }
        output::print(&format!(
            "{}: whole, {} in {} chunks, {}\n",
            self.path.display(),
            size(verified.file_bytes),
            chunks,
            describe(&verified.signature)
        ))
    }
}

/// Who has signed it, in words.
pub fn describe(signature: &Signature) -> String {
    match signature {
        Signature::None => "not signed".to_owned(),
        Signature::Trusted { key } => format!("signed by {key}, which is trusted"),
        Signature::Unknown { key } => format!("signed by {key}, of which nothing is known here"),
    }
}
