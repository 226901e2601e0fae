//! All of a node: a snapshot of each function of each tenant, the snapshots that the node keeps, and the
//! state of the node beside them.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use tensor_wasm_snapshot::{KeptSnapshot, NodeFunction, NodeManifest};

use super::download::{download, download_state};
use super::node_file::{NODE_FILE, function_file, kept_file};
use super::save::{describe, refuse_existing, save_as};
use crate::commands::client::connection::Client;
use crate::commands::client::error::ClientError;
use crate::commands::client::output;
use crate::commands::client::text::size;

/// How often it is looked whether there are other functions or snapshots by now.
const ATTEMPTS: usize = 5;

/// How a node is exported.
pub struct NodeExport<'a> {
    pub folder: &'a Path,
    pub force: bool,
    pub json: bool,
    /// What secrets are sealed by.
    pub key: Option<&'a str>,
}

/// The files that were written.
#[derive(Default)]
struct Files {
    functions: BTreeMap<NodeFunction, PathBuf>,
    kept: BTreeMap<KeptSnapshot, PathBuf>,
}

impl Files {
    /// Whether all that a node has is there.
    fn have_all(&self, manifest: &NodeManifest) -> bool {
        let mut functions = manifest.functions.iter();
        let mut kept = manifest.snapshots.iter();
        functions.all(|one| self.functions.contains_key(one))
            && kept.all(|one| self.kept.contains_key(one))
    }

    /// Removes those of what the node has no more.
    fn remove_others(&self, manifest: &NodeManifest) -> Result<(), ClientError> {
        for (function, path) in &self.functions {
            if !manifest.functions.contains(function) {
                remove(path)?;
            }
        }
        for (kept, path) in &self.kept {
            if !manifest.snapshots.contains(kept) {
                remove(path)?;
            }
        }
        Ok(())
    }
}

impl NodeExport<'_> {
    /// Exports it. The state is written last, and names all functions and snapshots: a folder with it is
    /// whole.
    pub async fn run(self, mut client: Client) -> Result<(), ClientError> {
        let state = self.folder.join(NODE_FILE);
        if !self.force {
            refuse_existing(&state)?;
        }
        make_folder(self.folder)?;
        // The index of an earlier export: an export that is interrupted must not look complete.
        remove(&state)?;
        let first = self.folder.join(format!("{NODE_FILE}.first"));
        let own_tenant = client.tenant;
        let mut files = Files::default();
        for _ in 0..ATTEMPTS {
            client.tenant = own_tenant;
            // The jobs may be long: they are asked for once all else is there.
            let manifest = load(&client, &first, false).await?;
            self.save_missing(&mut client, &manifest, &mut files)
                .await?;
            client.tenant = own_tenant;
            let manifest = load(&client, &first, true).await?;
            if files.have_all(&manifest) {
                files.remove_others(&manifest)?;
                fs::rename(&first, &state).map_err(|cause| write_error(&state, cause))?;
                return match self.json {
                    true => Ok(()),
                    false => output::print(&said(&state, &manifest)),
                };
            }
        }
        remove(&first)?;
        Err(ClientError::Input(
            "the node's functions or snapshots kept changing while they were saved, or this token may \
             not save some of them: try again, or compare with `tensor-wasm list --tenant` of each \
             tenant"
                .to_owned(),
        ))
    }

    async fn save_missing(
        &self,
        client: &mut Client,
        manifest: &NodeManifest,
        files: &mut Files,
    ) -> Result<(), ClientError> {
        for function in &manifest.functions {
            if !files.functions.contains_key(function)
                && let Some(path) = self.save(client, function).await?
            {
                files.functions.insert(function.clone(), path);
            }
        }
        for kept in &manifest.snapshots {
            if !files.kept.contains_key(kept)
                && let Some(path) = self.save_kept(client, kept).await?
            {
                files.kept.insert(kept.clone(), path);
            }
        }
        Ok(())
    }

    /// Where a file is to be, whose folder is there.
    fn place(&self, path: &Path) -> Result<(), ClientError> {
        if !self.force {
            refuse_existing(path)?;
        }
        make_folder(path.parent().unwrap_or(self.folder))
    }

    /// Saves a function; nothing where it is there no more.
    async fn save(
        &self,
        client: &mut Client,
        function: &NodeFunction,
    ) -> Result<Option<PathBuf>, ClientError> {
        let path = function_file(self.folder, function);
        self.place(&path)?;
        client.tenant = Some(function.tenant);
        let saved = save_as(client, &function.id, Some(&path), self.key, false).await;
        match saved {
            Ok((json, saved)) => {
                match self.json {
                    true => output::print_json(&json)?,
                    false => output::print(&describe(Some(&path), &saved))?,
                }
                Ok(Some(path))
            }
            Err(ClientError::Node(error)) if error.kind == "function_not_found" => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Saves a snapshot that the node keeps; nothing where it is there no more.
    async fn save_kept(
        &self,
        client: &mut Client,
        kept: &KeptSnapshot,
    ) -> Result<Option<PathBuf>, ClientError> {
        let path = kept_file(self.folder, kept)?;
        self.place(&path)?;
        client.tenant = Some(kept.tenant);
        match download(client, &kept.id, &path).await {
            Ok(_) => {
                if !self.json {
                    output::print(&format!("{}\n", path.display()))?;
                }
                Ok(Some(path))
            }
            Err(ClientError::Node(error)) if error.kind == "snapshot_not_found" => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Writes the state of the node to a file, which is not there where that fails.
async fn load(client: &Client, path: &Path, jobs: bool) -> Result<NodeManifest, ClientError> {
    let found = download_state(client, path, jobs).await;
    found.inspect_err(|_| drop(fs::remove_file(path)))
}

fn said(state: &Path, manifest: &NodeManifest) -> String {
    format!(
        "{}: {} functions, {} snapshots, {} of usage, {} of jobs, {} of tokens\n",
        state.display(),
        manifest.functions.len(),
        manifest.snapshots.len(),
        size(manifest.usage.bytes),
        size(manifest.jobs.bytes),
        size(manifest.tokens.bytes)
    )
}

/// Readable by its owner alone: hashes of tokens are in it.
fn make_folder(path: &Path) -> Result<(), ClientError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|cause| write_error(path, cause))
}

fn remove(path: &Path) -> Result<(), ClientError> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => Err(write_error(path, cause)),
        _ => Ok(()),
    }
}

fn write_error(path: &Path, cause: std::io::Error) -> ClientError {
    ClientError::Write {
        path: path.to_owned(),
        cause,
    }
}
