//! A node: functions of many tenants, deployed, changed and invoked over HTTP.

mod assets;
mod client;
mod data_directory;
mod deploy;
mod document;
mod embeddings;
mod errors;
mod initialization;
mod invoke;
mod jobs;
mod limits;
mod neighbours;
mod observe;
mod outgoing;
mod ready;
mod reload;
mod restart;
mod settings;
mod snapshots;
mod tenants;
mod upgrade;
mod verify;

use std::fs;
use std::path::Path;

use reqwest::Method;
use serde_json::Value;
use tempfile::TempDir;
use tensor_wasm_tests::{Reply, Serve, Server, guest};

/// A node that runs, and its folder.
struct Node {
    server: Server,
    data: TempDir,
}

impl Node {
    fn start(options: &[&str]) -> Node {
        let data = TempDir::new().unwrap();
        let server = Serve::node(data.path()).args(options).start();
        Node { server, data }
    }

    /// Ends the process at once, and starts another one on the same folder.
    fn restart(self, options: &[&str]) -> Node {
        let Node { server, data } = self;
        drop(server);
        let server = Serve::node(data.path()).args(options).start();
        Node { server, data }
    }

    fn post_component(&self, name: &str, component: impl AsRef<Path>) -> Reply {
        let request = self
            .server
            .request(Method::POST, &format!("/functions?name={name}"));
        let request = request.header("content-type", "application/wasm");
        self.server.send(request.body(fs::read(component).unwrap()))
    }

    /// Deploys a test guest.
    #[track_caller]
    fn deploy(&self, name: &str, guest_name: &str) -> Value {
        let reply = self.post_component(name, guest(guest_name));
        assert_eq!(reply.status, 201, "{}", reply.text());
        reply.json()
    }

    fn list(&self) -> Vec<String> {
        let functions = self.server.get("/functions").json();
        let functions = functions["functions"].as_array().unwrap();
        let names = functions.iter().map(|function| &function["name"]);
        names
            .map(|name| name.as_str().unwrap().to_owned())
            .collect()
    }

    fn send_json(&self, method: Method, path: &str, body: &Value) -> Reply {
        let request = self.server.request(method, path).json(body);
        self.server.send(request)
    }

    fn delete(&self, path: &str) -> Reply {
        self.server.send(self.server.request(Method::DELETE, path))
    }
}
