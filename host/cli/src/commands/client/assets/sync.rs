//! Uploading: a file, or what has changed of a folder.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use bytes::Bytes;
use http::Method;
use serde_json::Value;

use super::local::{LocalFile, files_of};
use super::target;
use crate::commands::client::connection::Client;
use crate::commands::client::error::ClientError;
use crate::commands::client::model::AssetList;
use crate::commands::client::progress::Progress;
use crate::commands::client::request::{Call, Target};

/// Stages the files of a folder, and nothing else: uploads those that are not staged as they are, and
/// takes away those that the folder does not have.
///
/// # Errors
///
/// Where a file can't be read, or the node refuses one.
pub async fn sync(client: &Client, id: &str, folder: &Path) -> Result<(), ClientError> {
    let files = files_of(folder)?;
    let target_of_all = Target::of(&["functions", id, "assets"]);
    let mut staged = BTreeMap::new();
    match client.json::<AssetList>(Call::get(target_of_all)).await {
        Ok((_, list)) => {
            let assets = list.assets.into_iter();
            staged.extend(assets.map(|asset| (asset.path, asset.digest)));
        }
        // Nothing is staged, and there is no function yet.
        Err(ClientError::Node(error)) if error.kind == "function_not_found" => {}
        Err(error) => return Err(error),
    }
    let mut changed = Vec::new();
    for file in files {
        if staged.remove(&file.path) != Some(file.digest()?) {
            changed.push(file);
        }
    }
    // First what goes: it may be a folder from now on.
    for path in staged.keys() {
        let call = Call::new(Method::DELETE, target(id, path));
        client.send(call).await?.success().await?;
    }
    for file in changed {
        upload(client, id, &file).await?;
    }
    Ok(())
}

/// Stages a file. Returns the node's JSON.
///
/// # Errors
///
/// Where the file can't be read, or the node refuses it.
pub async fn upload(client: &Client, id: &str, file: &LocalFile) -> Result<Bytes, ClientError> {
    let opened = File::open(&file.file).map_err(|cause| ClientError::File {
        path: file.file.clone(),
        cause,
    })?;
    let progress = Progress::start(&file.path, Some(file.size_bytes), "sent");
    let call = Call::new(Method::PUT, target(id, &file.path));
    let call = call.with_reader(progress.read(opened), Some(file.size_bytes));
    let answer = client.json::<Value>(call).await;
    progress.finish();
    Ok(answer?.0)
}
