//! A component and those nested in it as tables of definitions: what each index means, and
//! where an instance gets its imports. `resolve` interprets them.

use std::collections::BTreeMap;

use wasmparser::{
    CanonicalFunction, ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentName,
    ComponentOuterAliasKind, Encoding, Instance, KnownCustom, NameMap, Parser, Payload,
};

/// The kinds of items that lead from one component to another. Types and values
/// carry no request, and core modules stay within their component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Sort {
    Function,
    Instance,
    Component,
}

impl Sort {
    fn of(kind: ComponentExternalKind) -> Option<Self> {
        match kind {
            ComponentExternalKind::Func => Some(Self::Function),
            ComponentExternalKind::Instance => Some(Self::Instance),
            ComponentExternalKind::Component => Some(Self::Component),
            ComponentExternalKind::Module
            | ComponentExternalKind::Type
            | ComponentExternalKind::Value => None,
        }
    }
}

/// An item of a component, by its index in the index space of its sort.
pub(super) type Index = (Sort, u32);

/// Items under names: an instance's exports, or the arguments of an instantiation.
pub(super) type Named<'a> = Vec<(&'a str, Index)>;

/// The definition of an index.
#[derive(Debug)]
pub(super) enum Definition<'a> {
    /// The import of this name.
    Import(&'a str),
    /// The same as another of its sort: what an export adds to the index space.
    Same(u32),
    /// An export of an instance.
    Alias { instance: u32, name: &'a str },
    /// A component of a component around this one, `count` levels out.
    Outer { count: u32, index: u32 },
    /// A component defined here, by its index in the tree.
    Nested(usize),
    /// A function of core code of this component.
    Lifted,
    /// An instance of a component.
    Instantiated { component: u32, with: Named<'a> },
    /// An instance made of items of this component.
    Bundle(Named<'a>),
}

/// An import or export.
#[derive(Debug)]
pub(super) struct Extern<'a> {
    /// What instantiations and aliases call it.
    pub(super) name: &'a str,
    /// Its whole name, as a person reads it.
    pub(super) full_name: String,
    pub(super) kind: ComponentExternalKind,
    /// For an export, what is exported; for an import, what it adds.
    pub(super) index: Option<Index>,
}

/// One component of a tree.
#[derive(Debug, Default)]
pub(super) struct Component<'a> {
    pub(super) bytes: &'a [u8],
    /// Whether it runs core code of its own.
    pub(super) has_code: bool,
    pub(super) imports: Vec<Extern<'a>>,
    pub(super) exports: Vec<Extern<'a>>,
    functions: Vec<Definition<'a>>,
    instances: Vec<Definition<'a>>,
    components: Vec<Definition<'a>>,
    /// Its name for itself.
    pub(super) name: Option<&'a str>,
    /// Its names for its instances.
    pub(super) instance_names: BTreeMap<u32, &'a str>,
    /// Its names for the components in it.
    pub(super) component_names: BTreeMap<u32, &'a str>,
}

impl<'a> Component<'a> {
    pub(super) fn definition(&self, (sort, index): Index) -> Option<&Definition<'a>> {
        let space = match sort {
            Sort::Function => &self.functions,
            Sort::Instance => &self.instances,
            Sort::Component => &self.components,
        };
        space.get(usize::try_from(index).ok()?)
    }

    /// Its instances of components, by index.
    pub(super) fn instantiated(&self) -> impl Iterator<Item = (u32, u32)> {
        (0..)
            .zip(&self.instances)
            .filter_map(|(index, definition)| match definition {
                Definition::Instantiated { component, .. } => Some((index, *component)),
                _ => None,
            })
    }

    fn define(&mut self, sort: Sort, definition: Definition<'a>) -> Index {
        let space = match sort {
            Sort::Function => &mut self.functions,
            Sort::Instance => &mut self.instances,
            Sort::Component => &mut self.components,
        };
        // A valid component has far fewer than 2^32 of anything.
        let index = u32::try_from(space.len()).unwrap_or(u32::MAX);
        space.push(definition);
        (sort, index)
    }
}

/// Reads a component and all that are nested in it, outermost first.
///
/// # Errors
///
/// Where the bytes can't be read. They should have been validated: of an invalid component
/// the tables may be wrong.
pub(super) fn read(bytes: &[u8]) -> wasmparser::Result<Vec<Component<'_>>> {
    let mut tree: Vec<Component<'_>> = Vec::new();
    // What is being read, outermost first: a component by its index in the tree, or a core
    // module.
    let mut open: Vec<Option<usize>> = Vec::new();
    let mut next_bytes = bytes;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload?;
        match &payload {
            Payload::Version { encoding, .. } => {
                let place = matches!(encoding, Encoding::Component).then_some(tree.len());
                if place.is_some() {
                    tree.push(Component {
                        bytes: next_bytes,
                        ..Component::default()
                    });
                }
                open.push(place);
                continue;
            }
            Payload::End(_) => {
                open.pop();
                continue;
            }
            _ => {}
        }
        let nested = tree.len();
        let Some(component) = open
            .last()
            .copied()
            .flatten()
            .and_then(|it| tree.get_mut(it))
        else {
            continue;
        };
        if let Payload::ComponentSection {
            unchecked_range, ..
        } = &payload
        {
            component.define(Sort::Component, Definition::Nested(nested));
            let start = usize::try_from(unchecked_range.start).unwrap_or(usize::MAX);
            let end = usize::try_from(unchecked_range.end).unwrap_or(usize::MAX);
            next_bytes = bytes.get(start..end).unwrap_or_default();
        } else {
            read_section(component, payload)?;
        }
    }
    Ok(tree)
}

fn read_section<'a>(component: &mut Component<'a>, payload: Payload<'a>) -> wasmparser::Result<()> {
    match payload {
        Payload::ComponentImportSection(section) => {
            for import in section {
                let import = import?;
                let kind = import.ty.kind();
                let index = Sort::of(kind)
                    .map(|sort| component.define(sort, Definition::Import(import.name.name)));
                component.imports.push(Extern {
                    name: import.name.name,
                    full_name: import.name.full_name().into_owned(),
                    kind,
                    index,
                });
            }
        }
        Payload::ComponentExportSection(section) => {
            for export in section {
                let export = export?;
                let index = Sort::of(export.kind).map(|sort| {
                    component.define(sort, Definition::Same(export.index));
                    (sort, export.index)
                });
                component.exports.push(Extern {
                    name: export.name.name,
                    full_name: export.name.full_name().into_owned(),
                    kind: export.kind,
                    index,
                });
            }
        }
        Payload::ComponentAliasSection(section) => {
            for alias in section {
                match alias? {
                    ComponentAlias::InstanceExport {
                        kind,
                        instance_index: instance,
                        name,
                    } => {
                        if let Some(sort) = Sort::of(kind) {
                            component.define(sort, Definition::Alias { instance, name });
                        }
                    }
                    ComponentAlias::Outer {
                        kind: ComponentOuterAliasKind::Component,
                        count,
                        index,
                    } => {
                        component.define(Sort::Component, Definition::Outer { count, index });
                    }
                    ComponentAlias::Outer { .. } | ComponentAlias::CoreInstanceExport { .. } => {}
                }
            }
        }
        Payload::ComponentInstanceSection(section) => {
            for instance in section {
                let definition = match instance? {
                    ComponentInstance::Instantiate {
                        component_index,
                        args,
                    } => Definition::Instantiated {
                        component: component_index,
                        with: named(args.iter().map(|arg| (arg.name, arg.kind, arg.index))),
                    },
                    ComponentInstance::FromExports(exports) => Definition::Bundle(named(
                        exports
                            .iter()
                            .map(|export| (export.name.name, export.kind, export.index)),
                    )),
                };
                component.define(Sort::Instance, definition);
            }
        }
        Payload::ComponentCanonicalSection(section) => {
            for function in section {
                if let CanonicalFunction::Lift { .. } = function? {
                    component.define(Sort::Function, Definition::Lifted);
                }
            }
        }
        Payload::InstanceSection(section) => {
            for instance in section {
                if let Instance::Instantiate { .. } = instance? {
                    component.has_code = true;
                }
            }
        }
        Payload::CustomSection(section) => {
            if let KnownCustom::ComponentName(names) = section.as_known() {
                for name in names {
                    // Custom sections are not validated: names end where one is invalid.
                    let Ok(name) = name else { break };
                    match name {
                        ComponentName::Component { name, .. } => component.name = Some(name),
                        ComponentName::Instances(map) => {
                            read_names(&mut component.instance_names, map);
                        }
                        ComponentName::Components(map) => {
                            read_names(&mut component.component_names, map);
                        }
                        _ => {}
                    }
                }
            }
        }
        _ => {}
    }
    Ok(())
}

fn named<'a>(items: impl Iterator<Item = (&'a str, ComponentExternalKind, u32)>) -> Named<'a> {
    items
        .filter_map(|(name, kind, index)| Some((name, (Sort::of(kind)?, index))))
        .collect()
}

fn read_names<'a>(names: &mut BTreeMap<u32, &'a str>, map: NameMap<'a>) {
    for naming in map {
        let Ok(naming) = naming else { break };
        names.insert(naming.index, naming.name);
    }
}
