//! All of a node: a snapshot of each function of each tenant, and the state of the node beside them.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use tensor_wasm_snapshot::NodeFunction;

use super::download::download_state;
use super::node_file::{NODE_FILE, function_file};
use super::save::{describe, refuse_existing, save_as};
use crate::commands::client::connection::Client;
use crate::commands::client::error::ClientError;
use crate::commands::client::output;
use crate::commands::client::text::size;

/// How often it is looked whether there are other functions by now.
const ATTEMPTS: usize = 5;

/// How a node is exported.
pub struct NodeExport<'a> {
    pub folder: &'a Path,
    pub force: bool,
    pub json: bool,
    /// What secrets are sealed by.
    pub key: Option<&'a str>,
}

impl NodeExport<'_> {
    /// Exports it. The state is written last, and names all functions: a folder with it is whole.
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
        let mut saved = BTreeMap::<NodeFunction, PathBuf>::new();
        for _ in 0..ATTEMPTS {
            client.tenant = own_tenant;
            let found = download_state(&client, &first).await;
            let manifest = found.inspect_err(|_| drop(fs::remove_file(&first)))?;
            let is_missing = |one: &&NodeFunction| !saved.contains_key(*one);
            let missing: Vec<_> = manifest.functions.iter().filter(is_missing).collect();
            if missing.is_empty() {
                let is_there = |one: &NodeFunction| manifest.functions.contains(one);
                for path in saved
                    .iter()
                    .filter(|(one, _)| !is_there(one))
                    .map(|(_, path)| path)
                {
                    remove(path)?;
                }
                fs::rename(&first, &state).map_err(|cause| write_error(&state, cause))?;
                return match self.json {
                    true => Ok(()),
                    false => output::print(&format!(
                        "{}: {} functions, {} of usage, {} of tokens\n",
                        state.display(),
                        manifest.functions.len(),
                        size(manifest.usage.bytes),
                        size(manifest.tokens.bytes)
                    )),
                };
            }
            for function in missing {
                if let Some(path) = self.save(&mut client, function).await? {
                    saved.insert(function.clone(), path);
                }
            }
        }
        remove(&first)?;
        Err(ClientError::Input(
            "the node's functions kept changing while they were saved, or this token may not save \
             some of them: try again, or compare with `tensor-wasm list --tenant` of each tenant"
                .to_owned(),
        ))
    }

    /// Saves a function; nothing where it is there no more.
    async fn save(
        &self,
        client: &mut Client,
        function: &NodeFunction,
    ) -> Result<Option<PathBuf>, ClientError> {
        let path = function_file(self.folder, function);
        if !self.force {
            refuse_existing(&path)?;
        }
        make_folder(path.parent().unwrap_or(self.folder))?;
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
