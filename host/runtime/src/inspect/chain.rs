//! What a request passes in a component that was made of several, outermost first,
//! whichever tool composed them.
//!
//! Names prove nothing: a handler is followed from the outermost component's
//! export, function by function, to the core code that it is. The component around
//! that code is a link of the chain. Where it imports a handler itself, that import
//! leads to the next link. What can't be followed is said to be unknown.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use wasmparser::ComponentExternalKind;

use super::capability::Capability;
use super::resolve::{Lost, OUTERMOST, Origin, Place, Places};
use super::tree::{Component, Extern, Sort};
use super::{clean, digest, item};

/// The function of a handler, in WASI 0.2 and 0.3.
const HANDLE: &str = "handle";

/// One of those that a request passes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "role", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Link {
    /// It answers itself, or passes the request on: a policy.
    Middleware(Part),
    /// It answers; nothing stands behind it.
    Application(Part),
    /// From here on the request can't be followed.
    Unknown {
        /// What stands in the way.
        reason: String,
    },
}

/// One of the components that a component was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// What whoever composed it called it: a label, not a proof. Letters that a
    /// terminal would act upon are replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `blake3:` and 64 hexadecimal digits, of its bytes: that of the file that was
    /// composed, where the tool copied it whole, as all known ones do.
    pub digest: String,
    /// What it asks of the host, each with its imports that do.
    pub capabilities: BTreeMap<Capability, Vec<String>>,
    /// Its imports that other components of the whole answer, but for the handler
    /// behind it.
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

/// An import that another component answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Provided {
    /// The import's whole name.
    pub import: String,
    /// The label of the component that answers.
    pub by: String,
}

/// What there is to tell of a component's wiring.
#[derive(Debug, Default)]
pub(super) struct Wiring {
    pub(super) chain: Vec<Link>,
    pub(super) beside: Vec<Part>,
    pub(super) warnings: Vec<String>,
}

/// Follows requests through the outermost component of a tree. Empty where it
/// exports no handler.
pub(super) fn follow(tree: &[Component<'_>]) -> Wiring {
    let Some(outermost) = tree.first() else {
        return Wiring::default();
    };
    // The host prefers the handler of WASI 0.3, so that one decides what is shown.
    let mut handlers: Vec<_> = handlers(&outermost.exports).collect();
    handlers.sort_by_key(|handler| !handler.full_name.starts_with("wasi:http/handler@"));
    let mut follower = Follower {
        places: Places::new(tree),
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
            lost: Some(Lost::TwoChains),
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

/// The way of a request: places, each with whether it passes requests on.
#[derive(Debug, Default, PartialEq, Eq)]
struct Trace {
    links: Vec<(Place, bool)>,
    lost: Option<Lost>,
}

struct Follower<'t, 'a> {
    places: Places<'t, 'a>,
    /// The names of places, as far as they have been worked out.
    names: BTreeMap<Place, String>,
    /// The digests of components, by their place in the tree: many instances may be
    /// of one large component.
    digests: BTreeMap<usize, String>,
}

impl<'t, 'a> Follower<'t, 'a> {
    fn trace(&mut self, handler: &Extern<'a>) -> Trace {
        let mut trace = Trace::default();
        trace.lost = self.trace_into(handler, &mut trace.links).err();
        trace
    }

    fn trace_into(
        &mut self,
        handler: &Extern<'a>,
        links: &mut Vec<(Place, bool)>,
    ) -> Result<(), Lost> {
        let start = handler.index.ok_or(Lost::NoFunction)?;
        let mut next = Some(self.places.follow(OUTERMOST, start, &[HANDLE])?);
        let mut seen = BTreeSet::new();
        while let Some(origin) = next {
            let place = match origin {
                Origin::Code(place) => place,
                Origin::Outside if links.is_empty() => return Err(Lost::NothingBetween),
                // It is a middleware that waits for what to stand in front of.
                Origin::Outside => return Ok(()),
                _ => return Err(Lost::NoFunction),
            };
            if !seen.insert(place) {
                return Err(Lost::Fork);
            }
            next = self
                .next(place)
                .inspect_err(|_| links.push((place, true)))?;
            links.push((place, next.is_some()));
        }
        Ok(())
    }

    /// Where the component at a place can pass a request on to: the handlers that
    /// it imports, and those of components that it holds.
    fn next(&mut self, place: Place) -> Result<Option<Origin>, Lost> {
        let component = self.places.component(place).ok_or(Lost::NoFunction)?;
        let mut next = None;
        let mut add = |origin| match next {
            _ if origin == Origin::Code(place) => Ok(()),
            Some(other) if other != origin => Err(Lost::Fork),
            _ => {
                next = Some(origin);
                Ok(())
            }
        };
        self.places.charge(component.imports.len())?;
        for import in handlers(&component.imports) {
            let index = import.index.ok_or(Lost::NoFunction)?;
            add(self.places.follow(place, index, &[HANDLE])?)?;
        }
        for (instance, _) in component.instantiated() {
            let inner = self.places.enter(place, instance)?;
            let held = self.places.component(inner).ok_or(Lost::NoFunction)?;
            self.places.charge(held.exports.len())?;
            for export in handlers(&held.exports) {
                let path = [HANDLE, export.name];
                add(self
                    .places
                    .follow(place, (Sort::Instance, instance), &path)?)?;
            }
        }
        Ok(next)
    }

    fn describe(mut self, trace: &Trace) -> Wiring {
        let (all, complete) = self.places.all();
        let with_code: Vec<Place> = all
            .into_iter()
            .filter(|place| self.places.component(*place).is_some_and(|it| it.has_code))
            .collect();
        let chain: BTreeSet<Place> = trace.links.iter().map(|(place, _)| *place).collect();
        for place in chain.iter().chain(&with_code) {
            if let Some(name) = self.name(*place, &chain) {
                self.names.insert(*place, name);
            }
        }

        let mut wiring = Wiring::default();
        let mut lost = trace.lost;
        for (place, passes_on) in &trace.links {
            match self.part(*place) {
                Ok(part) if *passes_on => wiring.chain.push(Link::Middleware(part)),
                Ok(part) => wiring.chain.push(Link::Application(part)),
                Err(error) => {
                    lost = Some(error);
                    break;
                }
            }
        }
        if let Some(lost) = lost {
            let reason = lost.to_string();
            wiring.chain.push(Link::Unknown { reason });
        }
        let mut complete = complete.is_ok();
        for place in with_code.into_iter().filter(|place| !chain.contains(place)) {
            match self.part(place) {
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

    /// What the component at a place is called: by the one that instantiates it, by
    /// itself, or, where it is the only link in there, by those around that one.
    fn name(&self, place: Place, chain: &BTreeSet<Place>) -> Option<String> {
        let own = self.places.component(place).and_then(|it| it.name);
        let mut name = self.given_name(place).or(own);
        let mut around = place;
        while name.is_none() {
            (around, _) = self.places.made_at(around)?;
            let links = chain.iter().filter(|link| self.is_within(**link, around));
            if !chain.contains(&place) || links.count() > 1 {
                return None;
            }
            name = self.given_name(around);
        }
        name.map(clean)
    }

    fn given_name(&self, place: Place) -> Option<&'a str> {
        let (around, instance) = self.places.made_at(place)?;
        let component = self.places.component(around)?;
        if let Some(name) = component.instance_names.get(&instance) {
            return Some(name);
        }
        let (_, of) = component
            .instantiated()
            .find(|(index, _)| *index == instance)?;
        component.component_names.get(&of).copied()
    }

    fn is_within(&self, mut place: Place, around: Place) -> bool {
        while place != around {
            match self.places.made_at(place) {
                Some((outer, _)) => place = outer,
                None => return false,
            }
        }
        true
    }

    fn part(&mut self, place: Place) -> Result<Part, Lost> {
        let component = self.places.component(place).ok_or(Lost::NoFunction)?;
        let mut part = Part {
            name: self.names.get(&place).cloned(),
            digest: self.digest(place),
            capabilities: BTreeMap::new(),
            provided: Vec::new(),
        };
        for import in &component.imports {
            // More than one step each: they are copied.
            self.places.charge(16)?;
            let origin = match import.index {
                Some(index) => self.places.follow(place, index, &[])?,
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
                Origin::Code(place) | Origin::Instance(place) | Origin::Bundle(place) => place,
                Origin::Component { around, .. } => around,
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

    /// The label of the component whose code stands behind an instance: that at the
    /// place, or the nearest around it that has code.
    fn label(&mut self, mut place: Place) -> String {
        while !self.places.component(place).is_some_and(|it| it.has_code) {
            let Some((outer, _)) = self.places.made_at(place) else {
                break;
            };
            place = outer;
        }
        match self.names.get(&place) {
            Some(name) => name.clone(),
            None => short(&self.digest(place)).to_owned(),
        }
    }

    fn digest(&mut self, place: Place) -> String {
        let (Some(which), Some(component)) =
            (self.places.which(place), self.places.component(place))
        else {
            return String::new();
        };
        let known = self.digests.entry(which);
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
                            "`{import}` of {} is answered by {by} and not by the host, which learns of no decision",
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
