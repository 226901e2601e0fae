//! Others' tools for composing, by the libraries that their commands consist of.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::Path;

use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions};
use wasm_compose::composer::ComponentComposer;
use wasm_compose::config::Config;

/// A command of two components: the one in front, and the one behind it.
pub type Command = fn(&[u8], &[u8]) -> Vec<u8>;

/// Each of the others' tools, with the command's name.
pub const TOOLS: [(&str, Command); 2] = [
    ("wac plug", wac_plug),
    ("wasm-tools compose", wasm_tools_compose),
];

/// `wac plug FRONT --plug BEHIND`: what is behind is plugged into the front's socket.
pub fn wac_plug(front: &[u8], behind: &[u8]) -> Vec<u8> {
    let mut graph = CompositionGraph::new();
    let mut register = |name, bytes: &[u8]| {
        let package = Package::from_bytes(name, None, bytes, graph.types_mut()).unwrap();
        graph.register_package(package).unwrap()
    };
    let socket = register("socket", front);
    let plug = register("plug:application", behind);
    wac_graph::plug(&mut graph, vec![plug], socket).unwrap();
    graph.encode(EncodeOptions::default()).unwrap()
}

/// `wasm-tools compose FRONT -d BEHIND`.
pub fn wasm_tools_compose(front: &[u8], behind: &[u8]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let files = ["front.wasm", "behind.wasm"].map(|name| folder.path().join(name));
    fs::write(&files[0], front).unwrap();
    fs::write(&files[1], behind).unwrap();
    wasm_tools_compose_files(&files[0], &files[1]).unwrap()
}

/// The same with the command's files, whose names it cares about.
pub fn wasm_tools_compose_files(front: &Path, behind: &Path) -> anyhow::Result<Vec<u8>> {
    let config = Config {
        dir: front.parent().unwrap().to_owned(),
        definitions: vec![behind.to_owned()],
        ..Config::default()
    };
    ComponentComposer::new(front, &config).compose()
}

/// Policies in front of an application, outermost first: the command repeated,
/// from the inside outwards.
pub fn repeat(command: Command, policies: &[&[u8]], application: &[u8]) -> Vec<u8> {
    let policies = policies.iter().rev();
    policies.fold(application.to_vec(), |behind, front| {
        command(front, &behind)
    })
}
