//! The chain of components that a request passes in a composed component, outermost first,
//! whichever tool composed them.
//!
//! Names prove nothing: a handler is resolved from the outermost component's export,
//! function by function, to core code. The component with that code is a link of the
//! chain. Where it imports a handler itself, that import leads to the next link. Where an
//! item can't be resolved, the rest of the chain is reported as unknown.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use wasmparser::ComponentExternalKind;

use super::capability::Capability;
use super::resolve::{InstanceId, Instances, OUTERMOST, Origin, TraceError};
use super::tree::{Component, Extern, Sort};
use super::{clean, digest, item};

/// The function of a handler, in WASI 0.2 and 0.3.
const HANDLE: &str = "handle";

/// One component that a request passes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "role", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Link {
    /// It responds itself, or forwards the request: a policy.
    Middleware(Part),
    /// It responds. There is no component behind it.
    Application(Part),
    /// From here on the chain is unknown.
    Unknown {
        /// Why it can't be resolved.
        reason: String,
    },
}

/// One of the components that a component was composed of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// The name that the composing tool gave it: a label, not a proof. Control characters
    /// are replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `blake3:` and 64 hexadecimal digits, of its bytes: that of the file that was
    /// composed, where the tool copied it whole, as all known ones do.
    pub digest: String,
    /// The capabilities that it asks of the host, each with the imports that do.
    pub capabilities: BTreeMap<Capability, Vec<String>>,
    /// Its imports that other components of the whole provide, but for the next handler.
    pub provided: Vec<Provided>,
}

impl Part {
    /// Its name, or else the beginning of its digest.
    pub fn label(&self) -> String {
        match &self.name {
            Some(name) => name.clone(),
            None => self.short_digest().to_owned(),
        }
    }

    /// `blake3:` and 12 hexadecimal digits.
    pub fn short_digest(&self) -> &str {
        short(&self.digest)
    }
}

/// An import that another component provides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Provided {
    /// The import's whole name.
    pub import: String,
    /// The label of the component that provides it.
    pub by: String,
}

/// How the components of a composed component are connected.
#[derive(Debug, Default)]
pub(super) struct Wiring {
    pub(super) chain: Vec<Link>,
    pub(super) beside: Vec<Part>,
    pub(super) warnings: Vec<String>,
}

/// Finds the chain of the outermost component of a tree. Empty where it exports no
/// handler.
pub(super) fn follow(tree: &[Component<'_>]) -> Wiring {
    let Some(outermost) = tree.first() else {
        return Wiring::default();
    };
    // The host prefers the handler of WASI 0.3, so that one decides what is shown.
    let mut handlers: Vec<_> = handlers(&outermost.exports).collect();
    handlers.sort_by_key(|handler| !handler.full_name.starts_with("wasi:http/handler@"));
    let mut follower = Follower {
        instances: Instances::new(tree),
        names: BTreeMap::new(),
        digests: BTreeMap::new(),
    };
    let mut traces = handlers
        .into_iter()
        .map(|it| follower.trace(it))
        .collect::<Vec<_>>();
    if traces.is_empty() {
        return Wiring::default();
    }
    let first = traces.swap_remove(0);
    let trace = match traces.iter().all(|other| *other == first) {
        true => first,
        false => Trace {
            links: Vec::new(),
            error: Some(TraceError::TwoChains),
        },
    };
    follower.describe(&trace)
}

/// Whether this is the name of a handler of HTTP requests that hosts call.
pub(super) fn is_handler(name: &str) -> bool {
    ["wasi:http/incoming-handler@0.2.", "wasi:http/handler@0.3."]
        .iter()
        .any(|line| name.starts_with(line))
}

fn handlers<'t, 'a>(externs: &'t [Extern<'a>]) -> impl Iterator<Item = &'t Extern<'a>> {
    externs
        .iter()
        .filter(|it| it.kind == ComponentExternalKind::Instance && is_handler(&it.full_name))
}

/// The path of a request: instances, each with whether it forwards requests.
#[derive(Debug, Default, PartialEq, Eq)]
struct Trace {
    links: Vec<(InstanceId, bool)>,
    error: Option<TraceError>,
}

struct Follower<'t, 'a> {
    instances: Instances<'t, 'a>,
    /// The names of instances, as far as they are known.
    names: BTreeMap<InstanceId, String>,
    /// The digests of components, by index in the tree: many instances may be of one large
    /// component.
    digests: BTreeMap<usize, String>,
}

impl<'t, 'a> Follower<'t, 'a> {
    fn trace(&mut self, handler: &Extern<'a>) -> Trace {
        let mut trace = Trace::default();
        trace.error = self.trace_into(handler, &mut trace.links).err();
        trace
    }

    fn trace_into(
        &mut self,
        handler: &Extern<'a>,
        links: &mut Vec<(InstanceId, bool)>,
    ) -> Result<(), TraceError> {
        let start = handler.index.ok_or(TraceError::NoFunction)?;
        let mut next = Some(self.instances.resolve(OUTERMOST, start, &[HANDLE])?);
        let mut seen = BTreeSet::new();
        while let Some(origin) = next {
            let id = match origin {
                Origin::Code(id) => id,
                Origin::Outside if links.is_empty() => return Err(TraceError::NothingBetween),
                // It is a middleware that is not composed with an application yet.
                Origin::Outside => return Ok(()),
                _ => return Err(TraceError::NoFunction),
            };
            if !seen.insert(id) {
                return Err(TraceError::Fork);
            }
            next = self.next(id).inspect_err(|_| links.push((id, true)))?;
            links.push((id, next.is_some()));
        }
        Ok(())
    }

    /// Where an instance can forward a request to: the handlers that its component
    /// imports, and those of the components that it instantiates.
    fn next(&mut self, id: InstanceId) -> Result<Option<Origin>, TraceError> {
        let component = self.instances.component(id).ok_or(TraceError::NoFunction)?;
        let mut next = None;
        let mut add = |origin| match next {
            _ if origin == Origin::Code(id) => Ok(()),
            Some(other) if other != origin => Err(TraceError::Fork),
            _ => {
                next = Some(origin);
                Ok(())
            }
        };
        self.instances.charge(component.imports.len())?;
        for import in handlers(&component.imports) {
            let index = import.index.ok_or(TraceError::NoFunction)?;
            add(self.instances.resolve(id, index, &[HANDLE])?)?;
        }
        for (instance, _) in component.instantiated() {
            let inner = self.instances.enter(id, instance)?;
            let held = self
                .instances
                .component(inner)
                .ok_or(TraceError::NoFunction)?;
            self.instances.charge(held.exports.len())?;
            for export in handlers(&held.exports) {
                let path = [HANDLE, export.name];
                add(self
                    .instances
                    .resolve(id, (Sort::Instance, instance), &path)?)?;
            }
        }
        Ok(next)
    }

    fn describe(mut self, trace: &Trace) -> Wiring {
        let (all, complete) = self.instances.all();
        let with_code: Vec<InstanceId> = all
            .into_iter()
            .filter(|id| self.instances.component(*id).is_some_and(|it| it.has_code))
            .collect();
        let chain: BTreeSet<InstanceId> = trace.links.iter().map(|(id, _)| *id).collect();
        for id in chain.iter().chain(&with_code) {
            if let Some(name) = self.name(*id, &chain) {
                self.names.insert(*id, name);
            }
        }

        let mut wiring = Wiring::default();
        let mut failed = trace.error;
        for (id, forwards) in &trace.links {
            match self.part(*id) {
                Ok(part) if *forwards => wiring.chain.push(Link::Middleware(part)),
                Ok(part) => wiring.chain.push(Link::Application(part)),
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        if let Some(error) = failed {
            let reason = error.to_string();
            wiring.chain.push(Link::Unknown { reason });
        }
        let mut complete = complete.is_ok();
        for id in with_code.into_iter().filter(|id| !chain.contains(id)) {
            match self.part(id) {
                Ok(part) => wiring.beside.push(part),
                Err(_) => complete = false,
            }
        }
        wiring.warnings = warnings(&wiring);
        if !complete {
            let text =
                "not every component in it could be followed: there may be more than is listed";
            wiring.warnings.push(text.to_owned());
        }
        wiring
    }

    /// The name of an instance: the one that its instantiating component gives it, its own,
    /// or, where it is the only link of the chain within them, that of the instances around
    /// it.
    fn name(&self, id: InstanceId, chain: &BTreeSet<InstanceId>) -> Option<String> {
        let own = self.instances.component(id).and_then(|it| it.name);
        let mut name = self.given_name(id).or(own);
        let mut around = id;
        while name.is_none() {
            (around, _) = self.instances.instantiated_by(around)?;
            let links = chain.iter().filter(|link| self.is_within(**link, around));
            if !chain.contains(&id) || links.count() > 1 {
                return None;
            }
            name = self.given_name(around);
        }
        name.map(clean)
    }

    fn given_name(&self, id: InstanceId) -> Option<&'a str> {
        let (around, instance) = self.instances.instantiated_by(id)?;
        let component = self.instances.component(around)?;
        if let Some(name) = component.instance_names.get(&instance) {
            return Some(name);
        }
        let (_, of) = component
            .instantiated()
            .find(|(index, _)| *index == instance)?;
        component.component_names.get(&of).copied()
    }

    fn is_within(&self, mut id: InstanceId, around: InstanceId) -> bool {
        while id != around {
            match self.instances.instantiated_by(id) {
                Some((outer, _)) => id = outer,
                None => return false,
            }
        }
        true
    }

    fn part(&mut self, id: InstanceId) -> Result<Part, TraceError> {
        let component = self.instances.component(id).ok_or(TraceError::NoFunction)?;
        let mut part = Part {
            name: self.names.get(&id).cloned(),
            digest: self.digest(id),
            capabilities: BTreeMap::new(),
            provided: Vec::new(),
        };
        for import in &component.imports {
            // Several steps each, since the names are copied.
            self.instances.charge(16)?;
            let origin = match import.index {
                Some(index) => self.instances.resolve(id, index, &[])?,
                None => Origin::Outside,
            };
            let provider = match origin {
                Origin::Outside => {
                    if let Some(capability) = Capability::of(&item(&import.full_name, import.kind))
                    {
                        let names = part.capabilities.entry(capability).or_default();
                        names.push(import.full_name.clone());
                    }
                    continue;
                }
                Origin::Code(id) | Origin::Instance(id) | Origin::Bundle(id) => id,
                Origin::Component { defined_in, .. } => defined_in,
            };
            if !is_handler(&import.full_name) {
                part.provided.push(Provided {
                    import: import.full_name.clone(),
                    by: self.label(provider),
                });
            }
        }
        Ok(part)
    }

    /// The label of the component that an instance's code belongs to: its own, or the
    /// nearest one around it that has code.
    fn label(&mut self, mut id: InstanceId) -> String {
        while !self.instances.component(id).is_some_and(|it| it.has_code) {
            let Some((outer, _)) = self.instances.instantiated_by(id) else {
                break;
            };
            id = outer;
        }
        match self.names.get(&id) {
            Some(name) => name.clone(),
            None => short(&self.digest(id)).to_owned(),
        }
    }

    fn digest(&mut self, id: InstanceId) -> String {
        let (Some(index), Some(component)) = (
            self.instances.component_index(id),
            self.instances.component(id),
        ) else {
            return String::new();
        };
        let known = self.digests.entry(index);
        known.or_insert_with(|| digest(component.bytes)).clone()
    }
}

/// What an operator should know before serving it.
fn warnings(wiring: &Wiring) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut decided = false;
    let mut others: Vec<&Part> = Vec::new();
    for link in &wiring.chain {
        match link {
            Link::Middleware(part) => {
                decided |= part.capabilities.contains_key(&Capability::Policy);
                for Provided { import, by } in &part.provided {
                    if import.starts_with("tensor:policy/") {
                        warnings.push(format!(
                            "`{import}` of {} is answered by {by} and not by the host, index learns of no decision",
                            part.label()
                        ));
                    }
                }
            }
            Link::Application(part) => others.push(part),
            Link::Unknown { .. } => {}
        }
    }
    others.extend(&wiring.beside);
    for part in others {
        if let (true, Some(imports)) = (decided, part.capabilities.get(&Capability::Policy)) {
            warnings.push(format!(
                "{} asks for {} behind a policy that asks for it too; in one component equal imports are one, so it can admit its own requests",
                part.label(),
                imports.join(", ")
            ));
        }
    }
    warnings
}

fn short(digest: &str) -> &str {
    digest.get(.."blake3:".len() + 12).unwrap_or(digest)
}
