//! Others' tools for composing, by the libraries that their commands consist of.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use std::fs;

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
    wasm_tools_compose_with(front, behind, Config::default())
}

/// `wasm-tools compose FRONT -d BEHIND -c CONFIG`.
pub fn wasm_tools_compose_with(front: &[u8], behind: &[u8], mut config: Config) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (front_path, behind_path) = (
        folder.path().join("front.wasm"),
        folder.path().join("behind.wasm"),
    );
    fs::write(&front_path, front).unwrap();
    fs::write(&behind_path, behind).unwrap();
    config.dir = folder.path().to_owned();
    config.definitions.push(behind_path);
    ComponentComposer::new(&front_path, &config)
        .compose()
        .unwrap()
}

/// Policies in front of an application, outermost first: the command repeated,
/// from the inside outwards.
pub fn repeat(command: Command, policies: &[&[u8]], application: &[u8]) -> Vec<u8> {
    let policies = policies.iter().rev();
    policies.fold(application.to_vec(), |behind, front| command(front, &behind))
}
