//! The composition graph: that of `wac`, with errors that name components instead of
//! nodes.

use wac_graph::types::{Package, are_semver_compatible};
use wac_graph::{
    CompositionGraph, EncodeError, EncodeOptions, InstantiationArgumentError, NodeId, PackageId,
};
use wasmparser::{Validator, WasmFeatures};

use super::error::{ComposeError, Member};
use super::{HANDLERS, Source};
use crate::file_kind::FileKind;
use crate::init_export::is_init;

/// The composition graph, with errors that name components instead of nodes.
#[derive(Default)]
pub(super) struct Composition {
    graph: CompositionGraph,
}

/// One component in the graph.
pub(super) struct Part {
    pub(super) member: Member,
    package: PackageId,
    instance: NodeId,
}

impl Composition {
    /// Adds a component that [`check`] has accepted. Components that others depend on have
    /// to be added first: names are written in this order, and have to be sorted.
    pub(super) fn add(&mut self, member: Member, source: Source<'_>) -> Result<Part, ComposeError> {
        let not_a_component = |cause: String| ComposeError::NotAComponent { member, cause };
        // The name of a package only has to be unique: `wac` never shows it.
        let types = self.graph.types_mut();
        let package = Package::from_bytes(&member.to_string(), None, source.bytes, types)
            .map_err(|error| not_a_component(format!("{error:#}")))?;
        let package = self
            .graph
            .register_package(package)
            .map_err(|error| not_a_component(error.to_string()))?;
        let instance = self.graph.instantiate(package);
        if let Some(name) = source.name {
            self.graph.set_node_name(instance, name);
        }
        Ok(Part {
            member,
            package,
            instance,
        })
    }

    pub(super) fn exports(&self, part: &Part) -> Vec<String> {
        let world = &self.graph.types()[self.graph[part.package].ty()];
        world.exports.keys().cloned().collect()
    }

    /// A component that has an `init` is not composed.
    pub(super) fn check_initialized(&self, part: &Part) -> Result<(), ComposeError> {
        let mut exports = self.exports(part).into_iter();
        match exports.find(|export| is_init(export)) {
            Some(export) => Err(ComposeError::Initialized {
                member: part.member,
                export,
            }),
            None => Ok(()),
        }
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

    pub(super) fn find_imports(&self, part: &Part, name: &str) -> Vec<String> {
        let world = &self.graph.types()[self.graph[part.package].ty()];
        let imports = world.imports.keys();
        imports
            .filter(|import| are_semver_compatible(import, name))
            .cloned()
            .collect()
    }

    /// The imports of a component whose names begin with a prefix.
    pub(super) fn imports_of(&self, part: &Part, prefix: &str) -> Vec<String> {
        let world = &self.graph.types()[self.graph[part.package].ty()];
        let imports = world.imports.keys();
        imports
            .filter(|import| import.starts_with(prefix))
            .cloned()
            .collect()
    }

    /// The handler that the application and all policies export. Where there is none, that
    /// of the application: connecting the chain then fails at the first policy that lacks
    /// it, with that policy's name.
    pub(super) fn common_handler(
        &self,
        service: &Part,
        chain: &[Part],
    ) -> Result<&'static str, ComposeError> {
        let exported = HANDLERS
            .into_iter()
            .filter(|handler| self.find_export(service, handler).is_some());
        let all_export = |handler: &&str| {
            chain
                .iter()
                .all(|policy| self.find_export(policy, handler).is_some())
        };
        exported
            .clone()
            .find(all_export)
            .or_else(|| exported.clone().next())
            .ok_or_else(|| ComposeError::ApplicationWithoutHandler {
                exports: self.exports(service),
            })
    }

    pub(super) fn find_handler(&self, part: &Part, handler: &str) -> Result<String, ComposeError> {
        self.find_export(part, handler)
            .ok_or_else(|| ComposeError::PolicyWithoutExport {
                member: part.member,
                handler: handler.to_owned(),
                exports: self.exports(part),
            })
    }

    pub(super) fn connect(
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

    pub(super) fn export(&mut self, part: &Part, export: &str) -> Result<(), ComposeError> {
        let encode = |error: String| ComposeError::Encode(error);
        let alias = self
            .graph
            .alias_instance_export(part.instance, export)
            .map_err(|error| encode(error.to_string()))?;
        self.graph
            .export(alias, export)
            .map_err(|error| encode(error.to_string()))
    }

    pub(super) fn encode(&self) -> Result<Vec<u8>, ComposeError> {
        // Validated here and not by `wac`, whose parser may be older.
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

/// Distinguishes bytes that are not WebAssembly, a core module, and an invalid component,
/// since each needs another correction.
pub(super) fn check(member: Member, bytes: &[u8]) -> Result<(), ComposeError> {
    let not_a_component = |cause: String| ComposeError::NotAComponent { member, cause };
    match FileKind::of(bytes) {
        FileKind::Component => {}
        FileKind::CoreModule => return Err(ComposeError::CoreModule { member }),
        FileKind::Other(what) => return Err(not_a_component(what)),
    }
    Validator::new_with_features(WasmFeatures::all())
        .validate_all(bytes)
        .map(drop)
        .map_err(|error| not_a_component(error.to_string()))
}
