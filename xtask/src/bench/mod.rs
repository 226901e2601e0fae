//! `cargo xtask bench`: measurements.

mod cold_start;
mod device;
mod embeddings;
pub mod figures;
mod functions;
mod kernels;
mod linear_algebra;
mod load;
mod node;
mod plot;
mod policy;
mod record;
mod report;
mod rounds;
mod rust_kernels;
mod sdk;
mod serve;
mod snapshot;

use anyhow::Result;

use crate::workspace::Workspace;

/// Measure.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    subject: Subject,
}

#[derive(clap::Subcommand)]
enum Subject {
    Device(device::Arguments),
    Embeddings(embeddings::Arguments),
    Kernels(kernels::Arguments),
    LinearAlgebra(linear_algebra::Arguments),
    Node(node::Arguments),
    Policy(policy::Arguments),
    Record(record::Arguments),
    RustKernels(rust_kernels::Arguments),
    Sdk(sdk::Arguments),
    Serve(serve::Arguments),
    Snapshot(snapshot::Arguments),
}

/// Runs the command.
///
/// # Errors
/// Where something does not build, a server or a measurement fails.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    match &arguments.subject {
        Subject::Device(arguments) => device::run(workspace, arguments),
        Subject::Embeddings(arguments) => embeddings::run(workspace, arguments),
        Subject::Kernels(arguments) => kernels::run(workspace, arguments),
        Subject::LinearAlgebra(arguments) => linear_algebra::run(workspace, arguments),
        Subject::Node(arguments) => node::run(workspace, arguments),
        Subject::Policy(arguments) => policy::run(workspace, arguments),
        Subject::Record(arguments) => record::run(workspace, arguments),
        Subject::RustKernels(arguments) => rust_kernels::run(workspace, arguments),
        Subject::Sdk(arguments) => sdk::run(workspace, arguments),
        Subject::Serve(arguments) => serve::run(workspace, arguments),
        Subject::Snapshot(arguments) => snapshot::run(workspace, arguments),
    }
}
