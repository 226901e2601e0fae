//! All of a node comes back: what functions used and the jobs that have ended, then each function of each
//! tenant, with its id, and then the snapshots that the node kept.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use serde::Deserialize;
use serde_json::{Map, json};
use tensor_wasm_snapshot::{KeptSnapshot, Keys, NodeFunction};

use super::inspect::head;
use super::node_file::{self, NODE_FILE, NodeState, function_file, kept_file};
use super::restore::{describe, restore_from};
use super::upload::{SNAPSHOT, upload};
use crate::commands::client::connection::Client;
use crate::commands::client::error::ClientError;
use crate::commands::client::model::{FunctionPage, SnapshotPage};
use crate::commands::client::output;
use crate::commands::client::pages::rows;
use crate::commands::client::request::{Call, Target};
use crate::commands::client::text::plain;

/// How a node is imported.
pub struct NodeImport<'a> {
    pub folder: &'a Path,
    /// Whether functions that are there are restored over.
    pub over: bool,
    pub jobs: bool,
    pub json: bool,
    /// What secrets were sealed by.
    pub key: Option<&'a str>,
}

/// What a node says of what it took.
#[derive(Deserialize)]
struct Imported {
    usage_added: u64,
    usage_known: u64,
    jobs_added: u64,
    jobs_known: u64,
}

impl NodeImport<'_> {
    /// Imports it. All files are looked at before anything is changed.
    pub async fn run(self, mut client: Client) -> Result<(), ClientError> {
        // The node checks who has signed them.
        let state = node_file::read(self.folder, &Keys::default())?;
        let own_tenant = client.tenant;
        let mut present = BTreeSet::new();
        let tenants: BTreeSet<_> = state.functions.iter().map(|one| one.tenant).collect();
        for tenant in tenants {
            client.tenant = Some(tenant);
            let functions = rows::<FunctionPage>(&client, || Target::of(&["functions"])).await?;
            let names = functions.into_iter().map(|function| function.name);
            present.extend(names.map(|name| (tenant, name)));
        }
        client.tenant = own_tenant;
        for function in &state.functions {
            self.check(function, &present)?;
        }
        for kept in &state.snapshots {
            self.check_kept(kept)?;
        }
        let (json, imported) = self.import_state(&client).await?;
        match self.json {
            true => output::print_json(&json)?,
            false => output::print(&format!(
                "{}: {} records of usage, {} were known; {} ended jobs, {} were known\n",
                self.folder.join(NODE_FILE).display(),
                imported.usage_added,
                imported.usage_known,
                imported.jobs_added,
                imported.jobs_known
            ))?,
        }
        for function in &state.functions {
            client.tenant = Some(function.tenant);
            let mut request = Map::new();
            match present.contains(&(function.tenant, function.name.clone())) {
                true => request.insert("over".to_owned(), function.name.clone().into()),
                false => request.insert("keep_id".to_owned(), true.into()),
            };
            request.insert("jobs".to_owned(), self.jobs.into());
            if let Some(key) = self.key {
                request.insert("secrets_key".to_owned(), json!(key));
            }
            let path = function_file(self.folder, function);
            let (json, restored) = restore_from(&client, &path, request, false).await?;
            match self.json {
                true => output::print_json(&json)?,
                false => output::print(&describe(&path, &restored))?,
            }
        }
        self.import_kept(&mut client, &state).await
    }

    /// Uploads the snapshots that the node kept, oldest first, but for those that are there.
    async fn import_kept(&self, client: &mut Client, state: &NodeState) -> Result<(), ClientError> {
        let tenants: BTreeSet<_> = state.snapshots.iter().map(|one| one.tenant).collect();
        for tenant in tenants {
            client.tenant = Some(tenant);
            let present = rows::<SnapshotPage>(client, || Target::of(&["snapshots"])).await?;
            let present: BTreeSet<_> = present.into_iter().map(|one| one.head).collect();
            let of_tenant = state.snapshots.iter().filter(|one| one.tenant == tenant);
            for kept in of_tenant.filter(|kept| !present.contains(&kept.head)) {
                let path = kept_file(self.folder, kept)?;
                let id = upload(client, &path).await?;
                if !self.json {
                    output::print(&format!("{}: kept as {}\n", path.display(), plain(&id)))?;
                }
            }
        }
        Ok(())
    }

    /// Whether the file of a snapshot that the node kept is there, and is it.
    fn check_kept(&self, kept: &KeptSnapshot) -> Result<(), ClientError> {
        let path = kept_file(self.folder, kept)?;
        match head(&path, &Keys::default())?.digest == kept.head {
            true => Ok(()),
            false => Err(ClientError::Input(format!(
                "{} is not the snapshot {} that the node kept",
                path.display(),
                plain(&kept.id)
            ))),
        }
    }

    /// Whether the snapshot of a function is there, and is of it.
    fn check(
        &self,
        function: &NodeFunction,
        present: &BTreeSet<(u64, String)>,
    ) -> Result<(), ClientError> {
        let path = function_file(self.folder, function);
        let manifest = head(&path, &Keys::default())?.manifest;
        if (manifest.tenant, &manifest.function.id) != (function.tenant, &function.id) {
            return Err(ClientError::Input(format!(
                "{} is of the function {} of tenant {}, and not of {} of tenant {}",
                path.display(),
                plain(&manifest.function.id),
                manifest.tenant,
                plain(&function.id),
                function.tenant
            )));
        }
        match present.contains(&(function.tenant, function.name.clone())) && !self.over {
            true => Err(ClientError::Input(format!(
                "{} is of the function {} of tenant {}, which is there: --over restores over it",
                path.display(),
                plain(&function.name),
                function.tenant
            ))),
            false => Ok(()),
        }
    }

    async fn import_state(&self, client: &Client) -> Result<(bytes::Bytes, Imported), ClientError> {
        let path: PathBuf = self.folder.join(NODE_FILE);
        let failed = |cause| ClientError::File {
            path: path.clone(),
            cause,
        };
        let file = File::open(&path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let mut call = Call::new(Method::PUT, Target::of(&["node", "state"]));
        let snapshot: HeaderValue = SNAPSHOT;
        call.headers.insert(CONTENT_TYPE, snapshot);
        client.json(call.with_reader(file, Some(length))).await
    }
}
