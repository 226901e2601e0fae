//! Inspection of a component's bytes, without running it: imports, exports, the
//! capabilities that the imports ask for, the chain of components that a request passes,
//! and the tools that made it.
//!
//! The result serializes to a JSON shape that scripts may rely on: fields are
//! added, never renamed or removed.

mod capability;
mod chain;
mod resolve;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use thiserror::Error;
use wasmparser::{
    ComponentExternalKind, CustomSectionReader, Encoding, KnownCustom, Parser, Payload, Validator,
    WasmFeatures,
};

use crate::file_kind::FileKind;
use crate::init_export::is_init;
pub use capability::Capability;
pub use chain::{Link, Part, Provided};

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
    /// Its purpose, by what it exports.
    pub kind: ComponentKind,
    /// `blake3:` and 64 hexadecimal digits, of the bytes.
    pub digest: String,
    /// In bytes.
    pub size: usize,
    /// The capabilities that its imports ask for, each with the imports that do.
    pub capabilities: BTreeMap<Capability, Vec<String>>,
    /// The components that a request passes, outermost first, where it exports an HTTP
    /// handler: of a component that was not composed, the component alone. The last one is
    /// the application, or a policy that is not composed with one yet.
    pub chain: Vec<Link>,
    /// The components in it that run code and that no request passes, such as those that
    /// provide imports of the others.
    pub beside: Vec<Part>,
    /// What an operator should know of the chain before serving it, in sentences.
    pub warnings: Vec<String>,
    /// Whether a host initializes it, once, before its first request: it exports
    /// `tensor:lifecycle/initialization`.
    pub initialized: bool,
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
    /// For a name of this form, the part before the slash: `wasi:http`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// For a name of this form, the part after the slash: `types`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// For a name of this form, the part after the `@`: `0.2.12`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// The purpose of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ComponentKind {
    /// Exports `wasi:http/incoming-handler@0.2`.
    #[serde(rename = "http-service-0.2")]
    HttpService02,
    /// Exports `wasi:http/handler@0.3`.
    #[serde(rename = "http-service-0.3")]
    HttpService03,
    /// Exports `wasi:http/incoming-handler@0.2` and imports the next one: a policy.
    HttpMiddleware,
    /// Exports `wasi:http/handler@0.3` and imports the next one: a policy.
    #[serde(rename = "http-middleware-0.3")]
    HttpMiddleware03,
    /// Exports `wasi:cli/run`.
    Command,
    /// Exports something else, for other components.
    Library,
}

impl fmt::Display for ComponentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HttpService02 => "HTTP service (WASI 0.2)",
            Self::HttpService03 => "HTTP service (WASI 0.3)",
            Self::HttpMiddleware => "HTTP middleware (WASI 0.2), to stand in front of a service",
            Self::HttpMiddleware03 => "HTTP middleware (WASI 0.3), to stand in front of a service",
            Self::Command => "command",
            Self::Library => "library",
        })
    }
}

/// Inspects a component. All of its bytes are validated first, so the result can be
/// relied on.
pub fn inspect(component: &[u8]) -> Result<Inspection, InspectError> {
    match FileKind::of(component) {
        FileKind::Component => {}
        FileKind::CoreModule => return Err(InspectError::CoreModule),
        FileKind::Other(what) => return Err(InspectError::NotAComponent(what)),
    }
    Validator::new_with_features(WasmFeatures::all())
        .validate_all(component)
        .map_err(|error| InspectError::NotAComponent(error.to_string()))?;
    let not_a_component = |error: wasmparser::Error| InspectError::NotAComponent(error.to_string());
    let wiring = chain::follow(&tree::read(component).map_err(not_a_component)?);
    Reader::default()
        .read(component, wiring)
        .map_err(not_a_component)
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
    fn read(mut self, component: &[u8], wiring: chain::Wiring) -> wasmparser::Result<Inspection> {
        // The parser descends into nested components and modules. A host is asked only for
        // what the outermost one imports and exports.
        let mut open: Vec<Producers> = Vec::new();
        for payload in Parser::new(0).parse_all(component) {
            match payload? {
                Payload::Version { encoding, .. } => {
                    if !open.is_empty() {
                        match encoding {
                            Encoding::Module => self.core_modules += 1,
                            Encoding::Component => self.components += 1,
                        }
                    }
                    open.push(Producers {
                        is_module: encoding == Encoding::Module,
                        ..Producers::default()
                    });
                }
                Payload::End(_) => {
                    if let Some(mut producers) = open.pop() {
                        self.languages.extend(producers.languages_of_modules());
                        self.tools.append(&mut producers.tools);
                        match open.last_mut() {
                            Some(around) if producers.is_module => around.modules.push(producers),
                            _ => self.languages.append(&mut producers.languages),
                        }
                    }
                }
                Payload::ComponentImportSection(section) if open.len() == 1 => {
                    for import in section {
                        let import = import?;
                        self.imports
                            .push(item(&import.name.full_name(), import.ty.kind()));
                    }
                }
                Payload::ComponentExportSection(section) if open.len() == 1 => {
                    for export in section {
                        let export = export?;
                        self.exports
                            .push(item(&export.name.full_name(), export.kind));
                    }
                }
                Payload::CustomSection(section) => {
                    if let Some(of) = open.last_mut() {
                        // Custom sections are not validated: an invalid one is ignored.
                        let _ = of.read(&section);
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
            digest: digest(component),
            size: component.len(),
            capabilities,
            chain: wiring.chain,
            beside: wiring.beside,
            warnings: wiring.warnings,
            initialized: self.exports.iter().any(|export| is_init(&export.name)),
            imports: self.imports,
            exports: self.exports,
            core_modules: self.core_modules,
            components: self.components,
            languages: self.languages.into_iter().collect(),
            tools: self.tools.into_iter().collect(),
        })
    }
}

/// What a component or a core module says of how it was made.
#[derive(Default)]
struct Producers {
    is_module: bool,
    /// The name of a core module.
    name: Option<String>,
    /// The core modules of a component, in order, and the names that it gives them.
    modules: Vec<Producers>,
    names: BTreeMap<u32, String>,
    languages: BTreeSet<String>,
    tools: BTreeSet<String>,
}

impl Producers {
    fn read(&mut self, section: &CustomSectionReader<'_>) -> wasmparser::Result<()> {
        match section.as_known() {
            KnownCustom::Name(names) => {
                for name in names {
                    if let wasmparser::Name::Module { name, .. } = name? {
                        self.name = Some(name.to_owned());
                    }
                }
            }
            KnownCustom::ComponentName(names) => {
                for name in names {
                    if let wasmparser::ComponentName::CoreModules(names) = name? {
                        for name in names {
                            let name = name?;
                            self.names.insert(name.index, name.name.to_owned());
                        }
                    }
                }
            }
            KnownCustom::Producers(producers) => {
                for field in producers {
                    let field = field?;
                    let into = match field.name {
                        "language" => &mut self.languages,
                        "processed-by" | "sdk" => &mut self.tools,
                        _ => continue,
                    };
                    for value in field.values {
                        let value = value?;
                        let text = format!("{} {}", value.name, value.version);
                        into.insert(clean(text.trim()));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The languages of a component's core modules that the author wrote in: not those of modules
    /// that a tool adds to each component, such as the adapter of WASI 0.1, which is written in Rust.
    /// A module of Python's interpreter says nothing of Python but its name, `libpython3.14.so`.
    fn languages_of_modules(&self) -> Vec<String> {
        let mut languages = Vec::new();
        for (index, module) in (0..).zip(&self.modules) {
            // A component may import modules, which then come first; names are a hint only.
            let given = self.names.get(&index).map(String::as_str);
            let own = module.name.as_deref();
            let mut names = given.into_iter().chain(own);
            if names.clone().any(|name| name.starts_with("wit-component:")) {
                continue;
            }
            languages.extend(module.languages.iter().cloned());
            let version = names.find_map(|name| {
                name.strip_prefix("libpython")
                    .and_then(|rest| rest.strip_suffix(".so"))
            });
            languages.extend(version.map(|version| clean(&format!("Python {version}"))));
        }
        languages
    }
}

fn digest(bytes: &[u8]) -> String {
    format!("blake3:{}", blake3::hash(bytes).to_hex())
}

/// Text of a custom section, which is not validated: with control characters replaced, and
/// cut to a length that fits a line.
fn clean(text: &str) -> String {
    const LETTERS: usize = 80;
    let visible = |letter: char| match letter {
        '\'' | '"' | '\\' => letter,
        // A character that Rust writes as an escape is invisible, or moves the cursor.
        _ if letter.escape_debug().len() > 1 => char::REPLACEMENT_CHARACTER,
        _ => letter,
    };
    text.chars().take(LETTERS).map(visible).collect()
}

fn kind(imports: &[Item], exports: &[Item]) -> ComponentKind {
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
    if serves_03 && has(imports, "wasi:http", "handler", "0.3") {
        ComponentKind::HttpMiddleware03
    } else if serves_02 && has(imports, "wasi:http", "incoming-handler", "0.2") {
        ComponentKind::HttpMiddleware
    } else if serves_03 {
        ComponentKind::HttpService03
    } else if serves_02 {
        ComponentKind::HttpService02
    } else if has(exports, "wasi:cli", "run", "0") {
        ComponentKind::Command
    } else {
        ComponentKind::Library
    }
}

fn item(name: &str, kind: ComponentExternalKind) -> Item {
    let kind = match kind {
        ComponentExternalKind::Instance => "instance",
        ComponentExternalKind::Func => "function",
        ComponentExternalKind::Type => "type",
        ComponentExternalKind::Component => "component",
        ComponentExternalKind::Module => "module",
        ComponentExternalKind::Value => "value",
    };
    Item::named(name, kind)
}

impl Item {
    /// Takes a name of the form `package/interface@version` apart.
    fn named(name: &str, kind: &'static str) -> Item {
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
            kind,
            package,
            interface,
            version,
        }
    }
}
