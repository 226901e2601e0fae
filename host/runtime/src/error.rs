//! Why a component can't be loaded. Why a request fails is
//! [`HandleError`](crate::server::HandleError).

use crate::init_error::InitError;

/// Why a component was not loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The engine, or something that it needs of the machine, failed.
    #[error("{what}: {cause:#}")]
    Engine {
        /// What failed, and what may help.
        what: String,
        /// What the engine says.
        cause: wasmtime::Error,
    },
    /// The bytes are not a component.
    #[error(
        "this is not a WebAssembly component: {0} (build with `cargo build --target wasm32-wasip2`, or make a component of a core module with `wasm-tools component new`)"
    )]
    NotAComponent(String),
    /// The component is invalid, or exceeds a limit of the engine.
    #[error("the component cannot be compiled: {0:#}")]
    Compile(wasmtime::Error),
    /// Imports that this host does not have, all of them.
    #[error("the component needs what this host does not have: {}", join(.0))]
    MissingImports(Vec<MissingImport>),
    /// The component imports the GPU, and the operator refuses such components.
    #[error(
        "the component is refused to {tenants}, to whom the GPU is not granted, since it imports {} (serve it with `--gpu auto` to grant the GPU, or with `--gpu deny` to let it run without)",
        .imports.join(", ")
    )]
    GpuRefused {
        /// The tenants that it is refused to.
        tenants: String,
        /// Its imports of the GPU, all of them.
        imports: Vec<String>,
    },
    /// A policy that could not forward a request.
    #[error(
        "the policy does not import the handler that it exports, so it could never forward a request (a middleware exports and imports `wasi:http/incoming-handler@0.2`, or `wasi:http/handler@0.3`)"
    )]
    PolicyWithoutNext,
    /// The component exports no function that the host can call with a request.
    #[error(
        "the component exports no HTTP handler: `wasi:http/incoming-handler@0.2` or `wasi:http/handler@0.3` is needed, and it exports {}{}",
        list_or_nothing(.0),
        other_version(.0)
    )]
    NoHandler(Vec<String>),
    /// Its imports have the right names, and the wrong types.
    #[error("the component does not fit this host: {0:#}")]
    Link(wasmtime::Error),
    /// Its requests were to be recorded, and can't be.
    #[error("requests of this component can't be recorded: {0}")]
    NotRecordable(String),
    /// It was not initialized.
    #[error(transparent)]
    Init(#[from] InitError),
    /// A directory that was to be granted cannot be opened.
    #[error("the directory {path} cannot be granted: {cause:#}")]
    Directory {
        /// The directory on the host.
        path: String,
        /// What the operating system says.
        cause: wasmtime::Error,
    },
}

/// An import that the host does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingImport {
    /// The import's name, as the component spells it.
    pub name: String,
    /// Why the host does not have it, and what to do.
    pub reason: String,
}

impl std::fmt::Display for MissingImport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` ({})", self.name, self.reason)
    }
}

impl Error {
    pub(crate) fn engine(what: impl Into<String>, cause: wasmtime::Error) -> Error {
        Error::Engine {
            what: what.into(),
            cause,
        }
    }
}

fn join(imports: &[MissingImport]) -> String {
    let names: Vec<String> = imports.iter().map(ToString::to_string).collect();
    names.join(", ")
}

fn list_or_nothing(names: &[String]) -> String {
    if names.is_empty() {
        return "nothing".into();
    }
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// What to do where there is a handler, of a version that this host doesn't have.
fn other_version(exports: &[String]) -> &'static str {
    let handlers = ["wasi:http/incoming-handler@", "wasi:http/handler@"];
    let is_handler = |export: &String| handlers.iter().any(|name| export.starts_with(name));
    match exports.iter().any(is_handler) {
        true => {
            " (build it against a release of `wasi:http` 0.2 or 0.3: each patch version will do, \
             a draft will not)"
        }
        false => "",
    }
}
