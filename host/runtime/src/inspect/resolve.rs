//! Follows an item of a component to where it comes from, through aliases, exports
//! and the arguments of instantiations: to core code, or to the outside.
//!
//! The same component may be instantiated at several places, each with other
//! arguments, so what is followed are places. Definitions only refer to earlier
//! ones, so there are no cycles; there may be many paths, so each question has a
//! limit, and beyond it the answer is that it is not known.

use std::collections::BTreeMap;

use thiserror::Error;

use super::tree::{Component, Definition, Index, Sort};

/// Definitions and names that may be looked at for one component file.
const STEPS: usize = 5_000_000;
/// Instances that may be looked at in one component file.
const PLACES: usize = 1_000;
/// How deep an instance may depend on others for the component that it is of.
const DEPTH: u32 = 32;

/// An instance of a component. [`OUTERMOST`] is the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place(usize);

/// The outermost component, instantiated by whoever runs it.
pub(super) const OUTERMOST: Place = Place(0);

/// Where an item comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The outermost component's import.
    Outside,
    /// Core code at this place.
    Code(Place),
    /// The instance at this place.
    Instance(Place),
    /// An instance made of items at hand, at this place.
    Bundle(Place),
    /// A component, by its place in the tree, and where it is defined.
    Component { component: usize, around: Place },
}

/// Why an item could not be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum Lost {
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
struct Instance {
    component: usize,
    /// Where it is instantiated, and as which instance; `None` for the outermost.
    made_at: Option<(Place, u32)>,
    /// Where its component is defined; `None` for the outermost.
    around: Option<Place>,
}

/// The instances of a tree of components, found as they are asked for.
pub(super) struct Places<'t, 'a> {
    tree: &'t [Component<'a>],
    places: Vec<Instance>,
    found: BTreeMap<(Place, u32), Place>,
    steps: usize,
}

impl<'t, 'a> Places<'t, 'a> {
    pub(super) fn new(tree: &'t [Component<'a>]) -> Self {
        let outermost = Instance {
            component: 0,
            made_at: None,
            around: None,
        };
        Self {
            tree,
            places: vec![outermost],
            found: BTreeMap::new(),
            steps: STEPS,
        }
    }

    /// The component that is instantiated at a place.
    pub(super) fn component(&self, place: Place) -> Option<&'t Component<'a>> {
        self.tree.get(self.places.get(place.0)?.component)
    }

    /// Which component of the tree is instantiated at a place.
    pub(super) fn which(&self, place: Place) -> Option<usize> {
        Some(self.places.get(place.0)?.component)
    }

    /// Where the instance at a place is made, and as which instance.
    pub(super) fn made_at(&self, place: Place) -> Option<(Place, u32)> {
        self.places.get(place.0)?.made_at
    }

    /// Takes from the steps that are left, before as many things are looked at.
    pub(super) fn charge(&mut self, steps: usize) -> Result<(), Lost> {
        self.steps = self.steps.checked_sub(steps).ok_or(Lost::TooLarge)?;
        Ok(())
    }

    /// Every place, and whether that is all of them.
    pub(super) fn all(&mut self) -> (Vec<Place>, Result<(), Lost>) {
        let mut complete = Ok(());
        let mut next = 0;
        while let Some(component) = self.component(Place(next)) {
            for (instance, _) in component.instantiated() {
                if let Err(lost) = self.enter(Place(next), instance) {
                    complete = Err(lost);
                    if lost == Lost::TooLarge {
                        return (self.known(), complete);
                    }
                }
            }
            next += 1;
        }
        (self.known(), complete)
    }

    fn known(&self) -> Vec<Place> {
        (0..self.places.len()).map(Place).collect()
    }

    /// The place of an instance of a component.
    pub(super) fn enter(&mut self, place: Place, instance: u32) -> Result<Place, Lost> {
        self.enter_at(place, instance, 0)
    }

    fn enter_at(&mut self, place: Place, instance: u32, depth: u32) -> Result<Place, Lost> {
        if let Some(found) = self.found.get(&(place, instance)) {
            return Ok(*found);
        }
        if depth > DEPTH || self.places.len() >= PLACES {
            return Err(Lost::TooLarge);
        }
        let definition = self
            .component(place)
            .and_then(|it| it.definition((Sort::Instance, instance)));
        let Some(Definition::Instantiated { component, .. }) = definition else {
            return Err(Lost::NoFunction);
        };
        let origin = self.follow_at(place, (Sort::Component, *component), Vec::new(), depth + 1)?;
        let Origin::Component { component, around } = origin else {
            return Err(Lost::ComponentFromOutside);
        };
        let new = Place(self.places.len());
        self.places.push(Instance {
            component,
            made_at: Some((place, instance)),
            around: Some(around),
        });
        self.found.insert((place, instance), new);
        Ok(new)
    }

    /// Follows an item of the component at a place, or what stands in it under
    /// `path`: names of exports, the last one looked up first.
    pub(super) fn follow(
        &mut self,
        place: Place,
        item: Index,
        path: &[&'a str],
    ) -> Result<Origin, Lost> {
        self.follow_at(place, item, path.to_vec(), 0)
    }

    fn follow_at(
        &mut self,
        mut place: Place,
        mut item: Index,
        mut path: Vec<&'a str>,
        depth: u32,
    ) -> Result<Origin, Lost> {
        loop {
            self.charge(1)?;
            let component = self.component(place).ok_or(Lost::NoFunction)?;
            match component.definition(item).ok_or(Lost::NoFunction)? {
                Definition::Import(name) => {
                    let Some((outer, instance)) = self.made_at(place) else {
                        return Ok(Origin::Outside);
                    };
                    let made = self
                        .component(outer)
                        .and_then(|it| it.definition((Sort::Instance, instance)));
                    let Some(Definition::Instantiated { with, .. }) = made else {
                        return Err(Lost::NoFunction);
                    };
                    self.charge(with.len())?;
                    item = find(with, name)?;
                    place = outer;
                }
                Definition::Same(index) => item.1 = *index,
                Definition::Alias { instance, name } => {
                    path.push(name);
                    item = (Sort::Instance, *instance);
                }
                Definition::Outer { count, index } => {
                    for _ in 0..*count {
                        let instance = self.places.get(place.0);
                        place = instance.and_then(|it| it.around).ok_or(Lost::NoFunction)?;
                    }
                    item = (Sort::Component, *index);
                }
                Definition::Nested(component) => {
                    return Ok(Origin::Component {
                        component: *component,
                        around: place,
                    });
                }
                Definition::Lifted => return Ok(Origin::Code(place)),
                Definition::Instantiated { .. } => {
                    let inner = self.enter_at(place, item.1, depth)?;
                    let Some(name) = path.pop() else {
                        return Ok(Origin::Instance(inner));
                    };
                    let exports = self.component(inner).map_or(&[][..], |it| &it.exports);
                    self.charge(exports.len())?;
                    let export = exports.iter().find(|export| export.name == name);
                    item = export.and_then(|it| it.index).ok_or(Lost::NoFunction)?;
                    place = inner;
                }
                Definition::Bundle(items) => {
                    let Some(name) = path.pop() else {
                        return Ok(Origin::Bundle(place));
                    };
                    self.charge(items.len())?;
                    item = find(items, name)?;
                }
            }
        }
    }
}

fn find(items: &[(&str, Index)], name: &str) -> Result<Index, Lost> {
    let found = items.iter().find(|(candidate, _)| *candidate == name);
    found.map(|(_, index)| *index).ok_or(Lost::NoFunction)
}
