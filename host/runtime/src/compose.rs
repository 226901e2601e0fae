//! One component made of several: policies in front of an application, and a
//! provider plugged into whoever imports what it exports.
//!
//! What `wac plug` and `wasm-tools compose` do by name and by file, here with the
//! rules of a policy: each of them has to import *and* export the handler, or else
//! it would be left out of the chain without anybody noticing.

use std::fmt;

use thiserror::Error;
use wac_graph::types::{Package, are_semver_compatible};
use wac_graph::{
    CompositionGraph, EncodeError, EncodeOptions, InstantiationArgumentError, NodeId, PackageId,
};
use wasmparser::{Encoding, Parser, Payload, Validator, WasmFeatures};

/// The interfaces that a chain can be made of. A version stands for each that is
/// compatible with it by semantic versioning.
const HANDLERS: [&str; 2] = [
    "wasi:http/incoming-handler@0.2.0",
    "wasi:http/handler@0.3.0",
];

/// One of the components that were to be composed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    /// A policy, by its place in the chain, from 0.
    Policy(usize),
    /// The application behind the policies.
    Application,
    /// What [`plug`] takes exports from.
    Provider,
    /// What [`plug`] fills imports of.
    Consumer,
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy(index) => write!(f, "policy {}", index + 1),
            Self::Application => f.write_str("the application"),
            Self::Provider => f.write_str("the provider"),
            Self::Consumer => f.write_str("the consumer"),
        }
    }
}

/// Why components could not be composed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ComposeError {
    /// The bytes are no component, or an invalid one.
    #[error("{member} is not a valid WebAssembly component: {cause}")]
    NotAComponent {
        /// Whose bytes.
        member: Member,
        /// What is wrong, and at which offset.
        cause: String,
    },
    /// The bytes are a core module.
    #[error(
        "{member} is a core module, not a component: build it for wasm32-wasip2, or wrap it with `wasm-tools component new`"
    )]
    CoreModule {
        /// Whose bytes.
        member: Member,
    },
    /// Nothing that a policy could stand in front of.
    #[error(
        "the application exports no HTTP handler (`wasi:http/incoming-handler@0.2` or `wasi:http/handler@0.3`); it exports {}",
        list(.exports)
    )]
    ApplicationWithoutHandler {
        /// What it exports instead.
        exports: Vec<String>,
    },
    /// A policy that nobody could call.
    #[error(
        "{member} exports no `{handler}`, which the application exports, so it can't stand in front of it; it exports {}",
        list(.exports)
    )]
    PolicyWithoutExport {
        /// Which policy.
        member: Member,
        /// The interface that the chain is made of.
        handler: String,
        /// What it exports instead.
        exports: Vec<String>,
    },
    /// A policy that would answer each request itself.
    #[error(
        "{member} imports no `{handler}`, so it could never pass a request on; name a middleware here, and the application last"
    )]
    PolicyWithoutImport {
        /// Which policy.
        member: Member,
        /// The interface that the chain is made of.
        handler: String,
    },
    /// Same name, other types.
    #[error("`{interface}` of {provider} doesn't fit {consumer}: {cause}")]
    Mismatch {
        /// Who exports it.
        provider: Member,
        /// Who imports it.
        consumer: Member,
        /// The interface, as the consumer names it.
        interface: String,
        /// The first difference.
        cause: String,
    },
    /// The provider exports nothing that the consumer imports.
    #[error("the provider exports nothing that the consumer imports; it exports {}", list(.exports))]
    NothingToPlug {
        /// What the provider exports.
        exports: Vec<String>,
    },
    /// Imports of the same name and incompatible types, in two members.
    #[error("two of the components import `{interface}` with types that contradict: {cause}")]
    ImportConflict {
        /// The interface.
        interface: String,
        /// The first difference.
        cause: String,
    },
    /// The composition is not a valid component.
    #[error("the components can't be composed: {0}")]
    Encode(String),
}

/// Puts policies in front of an application: the first policy is the outermost.
///
/// Each policy's import of the handler is fed by the next one's export, the last
/// one's by the application's. The result exports what the first one exports; what
/// they import beside the handler, it imports, once where two import the same.
/// Versions match as WASI promises: 0.2.0 with 0.2.12. Without policies, the
/// result is the application itself.
pub fn compose(policies: &[&[u8]], application: &[u8]) -> Result<Vec<u8>, ComposeError> {
    let mut composition = Composition::default();
    let service = composition.add(Member::Application, application)?;
    let chain = policies
        .iter()
        .enumerate()
        .map(|(index, policy)| composition.add(Member::Policy(index), policy))
        .collect::<Result<Vec<_>, _>>()?;
    let handler = composition.common_handler(&service, &chain)?;
    if chain.is_empty() {
        return Ok(application.to_vec());
    }

    let mut next = service;
    let mut next_export = composition.find_handler(&next, handler)?;
    for policy in chain.into_iter().rev() {
        let export = composition.find_handler(&policy, handler)?;
        let imports = composition.find_imports(&policy, handler);
        if imports.is_empty() {
            return Err(ComposeError::PolicyWithoutImport {
                member: policy.member,
                handler: handler.to_owned(),
            });
        }
        for import in imports {
            composition.connect(&next, &next_export, &policy, &import)?;
        }
        (next, next_export) = (policy, export);
    }
    composition.export(&next, &next_export)?;
    composition.encode()
}

/// Fills each import of `consumer` that `provider` exports. The result exports what
/// the consumer exports, and imports what is left.
///
/// How a component is kept from the GPU and still runs: the provider then exports
/// `tensor:gpu` and answers each call with an error.
pub fn plug(provider: &[u8], consumer: &[u8]) -> Result<Vec<u8>, ComposeError> {
    let mut composition = Composition::default();
    let provider = composition.add(Member::Provider, provider)?;
    let consumer = composition.add(Member::Consumer, consumer)?;
    let exports = composition.exports(&provider);
    let mut plugged = false;
    for export in &exports {
        for import in composition.find_imports(&consumer, export) {
            composition.connect(&provider, export, &consumer, &import)?;
            plugged = true;
        }
    }
    if !plugged {
        return Err(ComposeError::NothingToPlug { exports });
    }
    for export in composition.exports(&consumer) {
        composition.export(&consumer, &export)?;
    }
    composition.encode()
}

/// The graph of what is composed, with errors that name members instead of nodes.
#[derive(Default)]
struct Composition {
    graph: CompositionGraph,
}

/// One component in the graph.
struct Part {
    member: Member,
    package: PackageId,
    instance: NodeId,
}

impl Composition {
    fn add(&mut self, member: Member, bytes: &[u8]) -> Result<Part, ComposeError> {
        check(member, bytes)?;
        let not_a_component = |cause: String| ComposeError::NotAComponent { member, cause };
        // The name only has to differ from the others': `wac` never shows it.
        let package = Package::from_bytes(&member.to_string(), None, bytes, self.graph.types_mut())
            .map_err(|error| not_a_component(format!("{error:#}")))?;
        let package = self
            .graph
            .register_package(package)
            .map_err(|error| not_a_component(error.to_string()))?;
        Ok(Part {
            member,
            package,
            instance: self.graph.instantiate(package),
        })
    }

    fn exports(&self, part: &Part) -> Vec<String> {
        let world = &self.graph.types()[self.graph[part.package].ty()];
        world.exports.keys().cloned().collect()
    }

    fn find_export(&self, part: &Part, name: &str) -> Option<String> {
        let world = &self.graph.types()[self.graph[part.package].ty()];
        // The exact version first: a component may export several.
        world
            .exports
            .get_key_value(name)
            .map(|(export, _)| export)
            .or_else(|| {
                let mut exports = world.exports.keys();
                exports.find(|export| are_semver_compatible(export, name))
            })
            .cloned()
    }

    fn find_imports(&self, part: &Part, name: &str) -> Vec<String> {
        let world = &self.graph.types()[self.graph[part.package].ty()];
        let imports = world.imports.keys();
        imports
            .filter(|import| are_semver_compatible(import, name))
            .cloned()
            .collect()
    }

    /// The handler that the application exports and that the policies can carry.
    /// Where no handler suits all, that of the application: the chain then fails
    /// at the first policy that doesn't fit, with that policy's name.
    fn common_handler(&self, service: &Part, chain: &[Part]) -> Result<&'static str, ComposeError> {
        let exported = HANDLERS
            .into_iter()
            .filter(|handler| self.find_export(service, handler).is_some());
        let suits_all = |handler: &&str| {
            chain
                .iter()
                .all(|policy| self.find_export(policy, handler).is_some())
        };
        exported
            .clone()
            .find(suits_all)
            .or_else(|| exported.clone().next())
            .ok_or_else(|| ComposeError::ApplicationWithoutHandler {
                exports: self.exports(service),
            })
    }

    fn find_handler(&self, part: &Part, handler: &str) -> Result<String, ComposeError> {
        self.find_export(part, handler)
            .ok_or_else(|| ComposeError::PolicyWithoutExport {
                member: part.member,
                handler: handler.to_owned(),
                exports: self.exports(part),
            })
    }

    fn connect(
        &mut self,
        provider: &Part,
        export: &str,
        consumer: &Part,
        import: &str,
    ) -> Result<(), ComposeError> {
        let alias = self
            .graph
            .alias_instance_export(provider.instance, export)
            .map_err(|error| ComposeError::Encode(error.to_string()))?;
        self.graph
            .set_instantiation_argument(consumer.instance, import, alias)
            .map_err(|error| match error {
                InstantiationArgumentError::ArgumentTypeMismatch { name, source } => {
                    ComposeError::Mismatch {
                        provider: provider.member,
                        consumer: consumer.member,
                        interface: name,
                        cause: format!("{source:#}"),
                    }
                }
                other => ComposeError::Encode(other.to_string()),
            })
    }

    fn export(&mut self, part: &Part, export: &str) -> Result<(), ComposeError> {
        let encode = |error: String| ComposeError::Encode(error);
        let alias = self
            .graph
            .alias_instance_export(part.instance, export)
            .map_err(|error| encode(error.to_string()))?;
        self.graph
            .export(alias, export)
            .map_err(|error| encode(error.to_string()))
    }

    fn encode(&self) -> Result<Vec<u8>, ComposeError> {
        // Validated here and not by `wac`, whose parser may be an older one.
        let options = EncodeOptions {
            validate: false,
            ..EncodeOptions::default()
        };
        let bytes = self.graph.encode(options).map_err(|error| match error {
            EncodeError::ImportTypeMergeConflict { import, source, .. } => {
                ComposeError::ImportConflict {
                    interface: import,
                    cause: format!("{source:#}"),
                }
            }
            other => ComposeError::Encode(other.to_string()),
        })?;
        Validator::new_with_features(WasmFeatures::all())
            .validate_all(&bytes)
            .map_err(|error| ComposeError::Encode(error.to_string()))?;
        Ok(bytes)
    }
}

/// Tells apart what is no WebAssembly, a core module, and an invalid component,
/// since each has its own cure.
fn check(member: Member, bytes: &[u8]) -> Result<(), ComposeError> {
    let not_a_component = |cause: String| ComposeError::NotAComponent { member, cause };
    match Parser::new(0).parse_all(bytes).next() {
        Some(Ok(Payload::Version {
            encoding: Encoding::Component,
            ..
        })) => {}
        Some(Ok(Payload::Version {
            encoding: Encoding::Module,
            ..
        })) => return Err(ComposeError::CoreModule { member }),
        Some(Err(error)) => return Err(not_a_component(error.to_string())),
        _ => return Err(not_a_component("it is empty".to_owned())),
    }
    Validator::new_with_features(WasmFeatures::all())
        .validate_all(bytes)
        .map(drop)
        .map_err(|error| not_a_component(error.to_string()))
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(", ")
    }
}
