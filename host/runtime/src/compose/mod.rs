//! Composition of components: policies in front of an application, and a provider plugged
//! into the importer of what it exports.
//!
//! `wac plug` and `wasm-tools compose` compose too. This also holds the rules for policies:
//! each has to import *and* export the handler, since it would otherwise silently be left
//! out of the chain; the application is connected by its handler alone; and it must not
//! import what decides on requests.

mod error;
mod graph;

pub use error::{ComposeError, Member};
use graph::Composition;

/// The handlers that can connect a chain. A version means each that is compatible with it
/// by semantic versioning.
const HANDLERS: [&str; 2] = [
    "wasi:http/incoming-handler@0.2.0",
    "wasi:http/handler@0.3.0",
];

/// One of the components to be composed, and its name in the result.
///
/// The name is a label for people: `inspect` shows it, and nothing depends on it but
/// the result's digest.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Such as the file's name without its ending.
    pub name: Option<&'a str>,
    /// The component.
    pub bytes: &'a [u8],
}

impl<'a> From<&'a [u8]> for Source<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self { name: None, bytes }
    }
}

/// Puts policies in front of an application: the first policy is the outermost.
///
/// Each policy's import of the handler is connected to the export of the next policy, the
/// last one's to the application's. The result exports what the first policy exports, and
/// imports what they all import beside the handler, equal imports once. Versions match as
/// WASI promises: 0.2.0 with 0.2.12. Without policies, the result is the application
/// itself.
///
/// # Errors
///
/// See [`ComposeError`]. Where a policy imports `tensor:policy/*`, the application may not:
/// the host can't tell the two callers apart, so the application could admit its own
/// requests, or replace the policy's decision.
pub fn compose(policies: &[&[u8]], application: &[u8]) -> Result<Vec<u8>, ComposeError> {
    let policies: Vec<_> = policies.iter().map(|policy| (*policy).into()).collect();
    compose_named(&policies, application.into())
}

/// [`compose`], with names for the parts of the result.
///
/// # Errors
///
/// As [`compose`].
pub fn compose_named(
    policies: &[Source<'_>],
    application: Source<'_>,
) -> Result<Vec<u8>, ComposeError> {
    graph::check(Member::Application, application.bytes)?;
    for (index, policy) in policies.iter().enumerate() {
        graph::check(Member::Policy(index), policy.bytes)?;
    }
    // From the innermost to the outermost, the order of instantiation.
    let mut composition = Composition::default();
    let service = composition.add(Member::Application, application)?;
    let chain = policies
        .iter()
        .enumerate()
        .rev()
        .map(|(index, policy)| composition.add(Member::Policy(index), *policy))
        .collect::<Result<Vec<_>, _>>()?;
    let handler = composition.common_handler(&service, &chain)?;
    if chain.is_empty() {
        return Ok(application.bytes.to_vec());
    }
    for part in std::iter::once(&service).chain(&chain) {
        composition.check_initialized(part)?;
    }
    let decisions = |part| composition.imports_of(part, "tensor:policy/");
    let imports = decisions(&service);
    if !imports.is_empty() && chain.iter().any(|policy| !decisions(policy).is_empty()) {
        return Err(ComposeError::ApplicationDecides { imports });
    }

    let mut next = service;
    let mut next_export = composition.find_handler(&next, handler)?;
    for policy in chain {
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

/// Connects each import of `consumer` that `provider` exports. The result exports what the
/// consumer exports, and imports the rest.
///
/// This is how a component is denied the GPU and still runs: the provider then exports
/// `tensor:gpu` and answers each call with an error. Plug before composing, so that only
/// the application's imports are connected, and not a policy's.
///
/// The result imports what the provider imports. So a provider that imports
/// `tensor:policy/*` can't bypass [`ComposeError::ApplicationDecides`], and one that
/// exports it removes the import of the consumer.
///
/// # Errors
///
/// See [`ComposeError`].
pub fn plug(provider: &[u8], consumer: &[u8]) -> Result<Vec<u8>, ComposeError> {
    plug_named(provider.into(), consumer.into())
}

/// [`plug`], with names for the parts of the result.
///
/// # Errors
///
/// As [`plug`].
pub fn plug_named(provider: Source<'_>, consumer: Source<'_>) -> Result<Vec<u8>, ComposeError> {
    graph::check(Member::Provider, provider.bytes)?;
    graph::check(Member::Consumer, consumer.bytes)?;
    let mut composition = Composition::default();
    let provider = composition.add(Member::Provider, provider)?;
    let consumer = composition.add(Member::Consumer, consumer)?;
    composition.check_initialized(&provider)?;
    composition.check_initialized(&consumer)?;
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
