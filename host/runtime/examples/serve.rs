//! The smallest host: serves one component on a free port until it is
//! interrupted. `cargo run --example serve -- hello.wasm`

use std::sync::Arc;
use std::time::Duration;
use tensor_wasm_device::{CpuConfig, Device, Limits};
use tensor_wasm_runtime::server::{self, Server};
use tensor_wasm_runtime::{
    Application, ApplicationConfig, Engine, EngineConfig, GpuAccess, GpuGrant,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let path = std::env::args()
        .nth(1)
        .ok_or("give the path of a component")?;
    // Once per process: the engine, and the device.
    let engine = Engine::new(EngineConfig::default())?;
    let device = Device::cpu(CpuConfig::default())?;
    // Once per tenant: a session on the device, within the tenant's limits.
    let session = device.session(Limits::default());
    // Once per application: the component, and what it is granted.
    let application = Application::load(
        &engine,
        &std::fs::read(path)?,
        ApplicationConfig {
            gpu: Arc::new(GpuGrant::Granted(GpuAccess::new(session))),
            ..ApplicationConfig::default()
        },
    )?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let address = "127.0.0.1:0".parse()?;
        let server = Server::bind(address, server::Limits::default()).await?;
        println!("listening on http://{}", server.address());
        let shutdown = async {
            // Without a way to be interrupted the example serves until it is killed.
            let _ = tokio::signal::ctrl_c().await;
        };
        server
            .serve(Arc::new(application), shutdown, Duration::from_secs(10))
            .await;
        Ok(())
    })
}
