//! Resolves an item of a component to its origin, through aliases, exports and the
//! arguments of instantiations: to core code, or to an import of the whole.
//!
//! The same component may be instantiated several times, each with other arguments, so
//! items are resolved for instances. Definitions only refer to earlier ones, so there are
//! no cycles; there may be exponentially many paths, so the steps are limited.

use std::collections::BTreeMap;

use thiserror::Error;

use super::tree::{Component, Definition, Index, Sort};

/// The most definitions and names that are visited in one component file.
const STEPS: usize = 5_000_000;
/// The most instances that are visited in one component file.
const INSTANCES: usize = 1_000;
/// How many instances deep the component of an instance may come from others.
const DEPTH: u32 = 32;

/// An instance of a component. [`OUTERMOST`] is the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct InstanceId(usize);

/// The outermost component, instantiated by whoever runs it.
pub(super) const OUTERMOST: InstanceId = InstanceId(0);

/// Where an item comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The outermost component's import.
    Outside,
    /// Core code of this instance.
    Code(InstanceId),
    /// This instance.
    Instance(InstanceId),
    /// An instance that this one makes of items that it has.
    Bundle(InstanceId),
    /// A component, by its index in the tree, and the instance that defines it.
    Component {
        component: usize,
        defined_in: InstanceId,
    },
}

/// Why an item could not be resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum TraceError {
    #[error("its components are wired in more ways than are looked at")]
    TooLarge,
    #[error("an instance is made of a component that comes from outside")]
    ComponentFromOutside,
    #[error("the handler is no function of a component")]
    NoFunction,
    #[error("a component passes requests on to more than one other")]
    Fork,
    #[error("the handlers that it exports lead to different components")]
    TwoChains,
    #[error("the handler that it exports is the one that it imports")]
    NothingBetween,
}

/// One instance of a component.
struct InstanceDefinition {
    component: usize,
    /// The instance that instantiates it, and its index there; `None` for the outermost.
    instantiated_by: Option<(InstanceId, u32)>,
    /// The instance that defines its component; `None` for the outermost.
    defined_in: Option<InstanceId>,
}

/// The instances of a tree of components, found as they are asked for.
pub(super) struct Instances<'t, 'a> {
    tree: &'t [Component<'a>],
    instances: Vec<InstanceDefinition>,
    found: BTreeMap<(InstanceId, u32), InstanceId>,
    steps: usize,
}

impl<'t, 'a> Instances<'t, 'a> {
    pub(super) fn new(tree: &'t [Component<'a>]) -> Self {
        let outermost = InstanceDefinition {
            component: 0,
            instantiated_by: None,
            defined_in: None,
        };
        Self {
            tree,
            instances: vec![outermost],
            found: BTreeMap::new(),
            steps: STEPS,
        }
    }

    /// The component of an instance.
    pub(super) fn component(&self, id: InstanceId) -> Option<&'t Component<'a>> {
        self.tree.get(self.instances.get(id.0)?.component)
    }

    /// The index in the tree of an instance's component.
    pub(super) fn component_index(&self, id: InstanceId) -> Option<usize> {
        Some(self.instances.get(id.0)?.component)
    }

    /// The instance that instantiates this one, and its index there.
    pub(super) fn instantiated_by(&self, id: InstanceId) -> Option<(InstanceId, u32)> {
        self.instances.get(id.0)?.instantiated_by
    }

    /// Counts steps against the limit, before they are taken.
    pub(super) fn charge(&mut self, steps: usize) -> Result<(), TraceError> {
        self.steps = self.steps.checked_sub(steps).ok_or(TraceError::TooLarge)?;
        Ok(())
    }

    /// All instances that could be found, and whether that is all there are.
    pub(super) fn all(&mut self) -> (Vec<InstanceId>, Result<(), TraceError>) {
        let mut complete = Ok(());
        let mut next = 0;
        while let Some(component) = self.component(InstanceId(next)) {
            for (instance, _) in component.instantiated() {
                if let Err(error) = self.enter(InstanceId(next), instance) {
                    complete = Err(error);
                    if error == TraceError::TooLarge {
                        return (self.known(), complete);
                    }
                }
            }
            next += 1;
        }
        (self.known(), complete)
    }

    fn known(&self) -> Vec<InstanceId> {
        (0..self.instances.len()).map(InstanceId).collect()
    }

    /// The instance with this index in another one.
    pub(super) fn enter(
        &mut self,
        id: InstanceId,
        instance: u32,
    ) -> Result<InstanceId, TraceError> {
        self.enter_at(id, instance, 0)
    }

    fn enter_at(
        &mut self,
        id: InstanceId,
        instance: u32,
        depth: u32,
    ) -> Result<InstanceId, TraceError> {
        if let Some(found) = self.found.get(&(id, instance)) {
            return Ok(*found);
        }
        if depth > DEPTH || self.instances.len() >= INSTANCES {
            return Err(TraceError::TooLarge);
        }
        let definition = self
            .component(id)
            .and_then(|it| it.definition((Sort::Instance, instance)));
        let Some(Definition::Instantiated { component, .. }) = definition else {
            return Err(TraceError::NoFunction);
        };
        let origin = self.resolve_at(id, (Sort::Component, *component), Vec::new(), depth + 1)?;
        let Origin::Component {
            component,
            defined_in,
        } = origin
        else {
            return Err(TraceError::ComponentFromOutside);
        };
        let new = InstanceId(self.instances.len());
        self.instances.push(InstanceDefinition {
            component,
            instantiated_by: Some((id, instance)),
            defined_in: Some(defined_in),
        });
        self.found.insert((id, instance), new);
        Ok(new)
    }

    /// Resolves an item of an instance, or what it exports under `path`: names of exports,
    /// the last one looked up first.
    pub(super) fn resolve(
        &mut self,
        id: InstanceId,
        item: Index,
        path: &[&'a str],
    ) -> Result<Origin, TraceError> {
        self.resolve_at(id, item, path.to_vec(), 0)
    }

    fn resolve_at(
        &mut self,
        mut id: InstanceId,
        mut item: Index,
        mut path: Vec<&'a str>,
        depth: u32,
    ) -> Result<Origin, TraceError> {
        loop {
            self.charge(1)?;
            let component = self.component(id).ok_or(TraceError::NoFunction)?;
            match component.definition(item).ok_or(TraceError::NoFunction)? {
                Definition::Import(name) => {
                    let Some((outer, instance)) = self.instantiated_by(id) else {
                        return Ok(Origin::Outside);
                    };
                    let made = self
                        .component(outer)
                        .and_then(|it| it.definition((Sort::Instance, instance)));
                    let Some(Definition::Instantiated { with, .. }) = made else {
                        return Err(TraceError::NoFunction);
                    };
                    self.charge(with.len())?;
                    item = find(with, name)?;
                    id = outer;
                }
                Definition::Same(index) => item.1 = *index,
                Definition::Alias { instance, name } => {
                    path.push(name);
                    item = (Sort::Instance, *instance);
                }
                Definition::Outer { count, index } => {
                    for _ in 0..*count {
                        let instance = self.instances.get(id.0);
                        id = instance
                            .and_then(|it| it.defined_in)
                            .ok_or(TraceError::NoFunction)?;
                    }
                    item = (Sort::Component, *index);
                }
                Definition::Nested(component) => {
                    return Ok(Origin::Component {
                        component: *component,
                        defined_in: id,
                    });
                }
                Definition::Lifted => return Ok(Origin::Code(id)),
                Definition::Instantiated { .. } => {
                    let inner = self.enter_at(id, item.1, depth)?;
                    let Some(name) = path.pop() else {
                        return Ok(Origin::Instance(inner));
                    };
                    let exports = self.component(inner).map_or(&[][..], |it| &it.exports);
                    self.charge(exports.len())?;
                    let export = exports.iter().find(|export| export.name == name);
                    item = export
                        .and_then(|it| it.index)
                        .ok_or(TraceError::NoFunction)?;
                    id = inner;
                }
                Definition::Bundle(items) => {
                    let Some(name) = path.pop() else {
                        return Ok(Origin::Bundle(id));
                    };
                    self.charge(items.len())?;
                    item = find(items, name)?;
                }
            }
        }
    }
}

fn find(items: &[(&str, Index)], name: &str) -> Result<Index, TraceError> {
    let found = items.iter().find(|(candidate, _)| *candidate == name);
    found.map(|(_, index)| *index).ok_or(TraceError::NoFunction)
}
