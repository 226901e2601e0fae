//! A node with functions, for measurements of what becomes of these.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::http::{Connection, Response, request};
use crate::server::{Server, ServerKind};

/// A node.
pub(super) struct Node(pub(super) Server);

impl Node {
    /// With the functions that are in this folder.
    pub(super) fn open(binary: &Path, data: &Path) -> Result<Node> {
        let mut command = Command::new(binary);
        command
            .args(["node", "--addr=127.0.0.1:0", "--gpu-memory-bytes=4GiB"])
            .args(["--request-timeout=10min", "--tenant-storage-bytes=32GiB"])
            .arg(format!("--data-dir={}", data.display()))
            .env_remove("RUST_LOG");
        let server = Server::start(&mut command, ServerKind::TensorWasm)?;
        Ok(Node(server))
    }

    /// Deploys a component.
    pub(super) fn deploy(&self, name: &str, component: &Path) -> Result<()> {
        let component =
            fs::read(component).with_context(|| format!("cannot read {}", component.display()))?;
        let headers = [("Content-Type", "application/wasm")];
        let path = format!("/functions?name={name}");
        self.send("POST", &path, &headers, &component)?;
        Ok(())
    }

    pub(super) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Response> {
        let address = self.0.address();
        let text = request(method, path, address, headers, body);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let response = runtime.block_on(async {
            let mut connection = Connection::open(address).await?;
            connection.exchange(&text).await
        })?;
        ensure!(
            (200..300).contains(&response.status),
            "{method} {path} answers {}: {}",
            response.status,
            String::from_utf8_lossy(&response.body)
        );
        Ok(response)
    }

    pub(super) fn json(&self, method: &str, path: &str, body: &str) -> Result<Value> {
        let headers = [("Content-Type", "application/json")];
        let response = self.send(method, path, &headers, body.as_bytes())?;
        Ok(serde_json::from_slice(&response.body)?)
    }
}

/// A time, in milliseconds.
pub(super) fn ms(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}
