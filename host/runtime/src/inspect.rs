//! What a component is, read from its bytes and without running it: imports,
//! exports, the capabilities that the imports amount to, and what made it.
//!
//! The result serializes to a JSON shape that scripts may rely on: fields are
//! added, never renamed or removed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use thiserror::Error;
use wasmparser::{
    ComponentExternalKind, Encoding, KnownCustom, Parser, Payload, Validator, WasmFeatures,
};

/// Why bytes could not be inspected.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InspectError {
    /// The bytes are a core module.
    #[error(
        "this is a core module, not a component: build it for wasm32-wasip2, or wrap it with `wasm-tools component new`"
    )]
    CoreModule,
    /// The bytes are no component, or an invalid one.
    #[error("this is not a valid WebAssembly component: {0}")]
    NotAComponent(String),
}

/// What a component is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// What it is for, by what it exports.
    pub kind: Kind,
    /// `blake3:` and 64 hexadecimal digits, of the bytes.
    pub digest: String,
    /// In bytes.
    pub size: usize,
    /// The capabilities that its imports ask for, each with the imports that do.
    pub capabilities: BTreeMap<Capability, Vec<String>>,
    /// In the component's order.
    pub imports: Vec<Item>,
    /// In the component's order.
    pub exports: Vec<Item>,
    /// Core modules, at every depth.
    pub core_modules: u32,
    /// Nested components, at every depth.
    pub components: u32,
    /// The languages that it was written in, where its producers say so.
    pub languages: Vec<String>,
    /// The compilers and tools that made it, where they say so, with versions.
    pub tools: Vec<String>,
}

/// One import or export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    /// The whole name, for example `wasi:http/types@0.2.12`.
    pub name: String,
    /// `instance`, `function`, `type`, `component`, `module` or `value`.
    pub kind: &'static str,
    /// For a name of this form, what stands before the slash: `wasi:http`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// For a name of this form, what stands behind it: `types`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// For a name of this form, what stands behind the `@`: `0.2.12`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// What a component is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Exports `wasi:http/incoming-handler@0.2`.
    #[serde(rename = "http-service-0.2")]
    HttpService02,
    /// Exports `wasi:http/handler@0.3`.
    #[serde(rename = "http-service-0.3")]
    HttpService03,
    /// Exports an HTTP handler and imports the next one: a policy.
    HttpMiddleware,
    /// Exports `wasi:cli/run`.
    Command,
    /// Exports something else, for other components.
    Library,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HttpService02 => "HTTP service (WASI 0.2)",
            Self::HttpService03 => "HTTP service (WASI 0.3)",
            Self::HttpMiddleware => "HTTP middleware, to stand in front of a service",
            Self::Command => "command",
            Self::Library => "library",
        })
    }
}

/// Something of the world outside that imports ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Launching kernels: `tensor:gpu`.
    Gpu,
    /// Deciding on requests: `tensor:policy`.
    Policy,
    /// The handler behind a middleware.
    HttpNext,
    /// Requests to other servers.
    HttpOutgoing,
    /// Files and directories.
    Filesystem,
    /// TCP, UDP and name lookup.
    Sockets,
    /// Environment variables, arguments and configuration.
    Environment,
    /// Clocks and timers.
    Clocks,
    /// Random numbers.
    Random,
    /// Standard input, output and error.
    Stdio,
    /// What this version can't place.
    Other,
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Gpu => "gpu",
            Self::Policy => "policy",
            Self::HttpNext => "http-next",
            Self::HttpOutgoing => "http-outgoing",
            Self::Filesystem => "filesystem",
            Self::Sockets => "sockets",
            Self::Environment => "environment",
            Self::Clocks => "clocks",
            Self::Random => "random",
            Self::Stdio => "stdio",
            Self::Other => "other",
        })
    }
}

impl Capability {
    /// What an import asks for; `None` for an interface that gives access to
    /// nothing outside of the component, such as one of plain types.
    fn of(item: &Item) -> Option<Self> {
        let (Some(package), Some(interface)) = (item.package.as_deref(), item.interface.as_deref())
        else {
            return Some(Self::Other);
        };
        Some(match (package, interface) {
            ("wasi:io", _) | ("wasi:http", "types") | ("wasi:cli", "exit" | "types") => {
                return None;
            }
            ("tensor:gpu", _) => Self::Gpu,
            ("tensor:policy", _) => Self::Policy,
            ("wasi:http", "incoming-handler" | "handler") => Self::HttpNext,
            ("wasi:http", _) => Self::HttpOutgoing,
            ("wasi:filesystem", _) => Self::Filesystem,
            ("wasi:sockets", _) => Self::Sockets,
            ("wasi:cli", "environment") | ("wasi:config", _) => Self::Environment,
            ("wasi:cli", _) => Self::Stdio,
            ("wasi:clocks", _) => Self::Clocks,
            ("wasi:random", _) => Self::Random,
            _ => Self::Other,
        })
    }
}

/// Reads what a component is. The bytes are validated whole first, so what comes
/// back can be relied on.
pub fn inspect(component: &[u8]) -> Result<Inspection, InspectError> {
    if Parser::is_core_wasm(component) {
        return Err(InspectError::CoreModule);
    }
    Validator::new_with_features(WasmFeatures::all())
        .validate_all(component)
        .map_err(|error| InspectError::NotAComponent(error.to_string()))?;
    Reader::default()
        .read(component)
        .map_err(|error| InspectError::NotAComponent(error.to_string()))
}

#[derive(Default)]
struct Reader {
    imports: Vec<Item>,
    exports: Vec<Item>,
    core_modules: u32,
    components: u32,
    languages: BTreeSet<String>,
    tools: BTreeSet<String>,
}

impl Reader {
    fn read(mut self, component: &[u8]) -> wasmparser::Result<Inspection> {
        // The parser walks into nested components and modules; only what the
        // outermost one imports and exports concerns a host.
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(component) {
            match payload? {
                Payload::Version { encoding, .. } => {
                    if depth > 0 {
                        match encoding {
                            Encoding::Module => self.core_modules += 1,
                            Encoding::Component => self.components += 1,
                        }
                    }
                    depth += 1;
                }
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(section) if depth == 1 => {
                    for import in section {
                        let import = import?;
                        self.imports
                            .push(item(&import.name.full_name(), import.ty.kind()));
                    }
                }
                Payload::ComponentExportSection(section) if depth == 1 => {
                    for export in section {
                        let export = export?;
                        self.exports
                            .push(item(&export.name.full_name(), export.kind));
                    }
                }
                Payload::CustomSection(section) => {
                    if let KnownCustom::Producers(producers) = section.as_known() {
                        // Nothing checks custom sections: a broken one says nothing.
                        let _ = self.read_producers(producers);
                    }
                }
                _ => {}
            }
        }

        let mut capabilities: BTreeMap<Capability, Vec<String>> = BTreeMap::new();
        for import in &self.imports {
            if let Some(capability) = Capability::of(import) {
                let names = capabilities.entry(capability).or_default();
                names.push(import.name.clone());
            }
        }
        Ok(Inspection {
            kind: kind(&self.imports, &self.exports),
            digest: format!("blake3:{}", blake3::hash(component).to_hex()),
            size: component.len(),
            capabilities,
            imports: self.imports,
            exports: self.exports,
            core_modules: self.core_modules,
            components: self.components,
            languages: self.languages.into_iter().collect(),
            tools: self.tools.into_iter().collect(),
        })
    }

    fn read_producers(
        &mut self,
        producers: wasmparser::ProducersSectionReader<'_>,
    ) -> wasmparser::Result<()> {
        for field in producers {
            let field = field?;
            let into = match field.name {
                "language" => &mut self.languages,
                "processed-by" | "sdk" => &mut self.tools,
                _ => continue,
            };
            for value in field.values {
                let value = value?;
                into.insert(
                    format!("{} {}", value.name, value.version)
                        .trim()
                        .to_owned(),
                );
            }
        }
        Ok(())
    }
}

fn kind(imports: &[Item], exports: &[Item]) -> Kind {
    let has = |items: &[Item], package: &str, interface: &str, line: &str| {
        items.iter().any(|item| {
            item.package.as_deref() == Some(package)
                && item.interface.as_deref() == Some(interface)
                && item.version.as_deref().is_some_and(|version| {
                    let rest = version.strip_prefix(line);
                    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                })
        })
    };
    let serves_02 = has(exports, "wasi:http", "incoming-handler", "0.2");
    let serves_03 = has(exports, "wasi:http", "handler", "0.3");
    if serves_02 && has(imports, "wasi:http", "incoming-handler", "0.2")
        || serves_03 && has(imports, "wasi:http", "handler", "0.3")
    {
        Kind::HttpMiddleware
    } else if serves_03 {
        Kind::HttpService03
    } else if serves_02 {
        Kind::HttpService02
    } else if has(exports, "wasi:cli", "run", "0") {
        Kind::Command
    } else {
        Kind::Library
    }
}

fn item(name: &str, kind: ComponentExternalKind) -> Item {
    let (package, interface, version) = match name.split_once('/') {
        Some((package, rest)) => {
            let (interface, version) = match rest.split_once('@') {
                Some((interface, version)) => (interface, Some(version.to_owned())),
                None => (rest, None),
            };
            (
                Some(package.to_owned()),
                Some(interface.to_owned()),
                version,
            )
        }
        None => (None, None, None),
    };
    Item {
        name: name.to_owned(),
        kind: match kind {
            ComponentExternalKind::Instance => "instance",
            ComponentExternalKind::Func => "function",
            ComponentExternalKind::Type => "type",
            ComponentExternalKind::Component => "component",
            ComponentExternalKind::Module => "module",
            ComponentExternalKind::Value => "value",
        },
        package,
        interface,
        version,
    }
}
