//! The file with what a node has beside its functions, and where the files of its functions are.

use std::fs::File;
use std::path::{Path, PathBuf};

use tensor_wasm_snapshot::{
    AuditPosition, Chunk, Content, Decoder, Error, Event, KeptSnapshot, Keys, NodeFunction,
    NodeManifest,
};

use super::download::snapshot;
use crate::commands::client::error::ClientError;

/// The file in a folder that was exported.
pub const NODE_FILE: &str = "node.snapshot";

/// How much is read at once.
const PIECE: usize = 256 << 10;

/// What a backup has of a node beside its functions, but for usage, which is for nodes.
pub struct NodeState {
    pub functions: Vec<NodeFunction>,
    /// The snapshots that it kept, oldest first.
    pub snapshots: Vec<KeptSnapshot>,
    /// A token file.
    pub tokens: String,
    /// How many tokens there were in the clear, which are not in it.
    pub tokens_left_out: u64,
    pub audit: Option<AuditPosition>,
}

/// Where the snapshot of a function is in a folder that was exported.
pub fn function_file(folder: &Path, function: &NodeFunction) -> PathBuf {
    // A name of a function is one of a file: letters, digits and hyphens.
    let file = format!("{}.snapshot", function.name);
    folder.join(function.tenant.to_string()).join(file)
}

/// Where a snapshot that the node keeps is in such a folder.
///
/// # Errors
///
/// Where its id is none.
pub fn kept_file(folder: &Path, kept: &KeptSnapshot) -> Result<PathBuf, ClientError> {
    // A file names the folder that it is written to only by what can be an id.
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if kept.id.is_empty() || !kept.id.bytes().all(fits) {
        return Err(ClientError::Input(format!(
            "{} names a snapshot {:?}, which can't be the id of one",
            folder.join(NODE_FILE).display(),
            kept.id
        )));
    }
    let of_tenant = folder.join(kept.tenant.to_string());
    Ok(of_tenant.join("kept").join(format!("{}.snapshot", kept.id)))
}

/// Reads the file of a folder to its end.
///
/// # Errors
///
/// Where it can't be read, or can't be used.
pub fn read(folder: &Path, keys: &Keys) -> Result<NodeState, ClientError> {
    let path = folder.join(NODE_FILE);
    let failed = |cause| ClientError::File {
        path: path.clone(),
        cause,
    };
    let mut file = File::open(&path).map_err(failed)?;
    let mut decoder = Decoder::<_, NodeManifest>::of(keys);
    let mut piece = vec![0; PIECE];
    let mut tokens = Vec::new();
    loop {
        let count = std::io::Read::read(&mut file, &mut piece).map_err(failed)?;
        if count == 0 {
            break;
        }
        decoder.push(piece.get(..count).unwrap_or_default());
        while let Some(event) = decoder
            .next_event()
            .map_err(|cause| snapshot(&path, cause))?
        {
            let Event::Chunk(place, chunk) = event else {
                continue;
            };
            let content = decoder.manifest().map(|manifest| &manifest.tokens);
            if content.is_some_and(|content| has(content, place)) {
                tokens.push((place, chunk));
            }
        }
    }
    let (manifest, _) = decoder.finish().map_err(|cause| snapshot(&path, cause))?;
    for function in &manifest.functions {
        check_name(&path, &function.name)?;
    }
    let tokens = whole(&manifest.tokens, &tokens).map_err(|cause| snapshot(&path, cause))?;
    let tokens = String::from_utf8(tokens)
        .map_err(|_| ClientError::Input(format!("the tokens in {} are no text", path.display())))?;
    Ok(NodeState {
        functions: manifest.functions,
        snapshots: manifest.snapshots,
        tokens,
        tokens_left_out: manifest.tokens_left_out,
        audit: manifest.audit,
    })
}

fn has(content: &Content, place: usize) -> bool {
    content.chunks.iter().any(|chunk| *chunk as usize == place)
}

/// A content, of its chunks.
fn whole(content: &Content, chunks: &[(usize, Chunk)]) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    for place in &content.chunks {
        if let Some((_, chunk)) = chunks.iter().find(|(known, _)| known == &(*place as usize)) {
            bytes.extend(chunk.unpack()?);
        }
    }
    Ok(bytes)
}

/// A file names the folder that it is written to only by what can be a function's name.
fn check_name(path: &Path, name: &str) -> Result<(), ClientError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    match !name.is_empty() && name.bytes().all(fits) {
        true => Ok(()),
        false => Err(ClientError::Input(format!(
            "{} names a function {name:?}, which can't be the name of one",
            path.display()
        ))),
    }
}
