//! The WIT contract as text that tools for components take: one file in which the packages
//! that the worlds need are nested, WASI's included, or one folder a package.
//!
//! Every tool (wasm-tools, wit-bindgen, cargo component, componentize-py, jco) reads one file
//! with nested packages, while they disagree about folders. So the one file is the form that
//! is shipped; it is made from `wit/` by a test of this crate, which also compares it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use thiserror::Error;
use wit_component::WitPrinter;
use wit_parser::{Docs, InterfaceId, PackageId, Resolve, WorldId, WorldItem};

/// The whole contract, as it is shipped, for WASI 0.2.
const SHIPPED: &str = include_str!("../wit/tensor.wit");

/// The worlds for WASI 0.3, in a file of their own: generators name a package's module by its version
/// where a file has two, and older tools can't read the types of 0.3.
const SHIPPED_P3: &str = include_str!("../wit/tensor-p3.wit");

/// What the first lines of the one file say.
const HEADING: &str = "\
// The contract of TensorWasm, with the packages of WASI that it needs, in one file for tools
// that make bindings. Generated from the files in `wit/` of the repository: change those.

";

/// Why there is no WIT to give.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ContractError {
    /// The contract has no world of this name.
    #[error("there is no world `{name}`: the worlds are {}", worlds.join(", "))]
    UnknownWorld {
        /// The name that was asked for.
        name: String,
        /// Those that there are.
        worlds: Vec<String>,
    },
    /// The text of the contract is not valid, which is an error of this crate.
    #[error("the contract can't be read: {0}")]
    Invalid(String),
}

/// The worlds of the contract, or some of them, with all that they need.
pub struct Contract {
    resolve: Resolve,
    /// The package of the worlds.
    main: PackageId,
}

impl Contract {
    /// The contract of this version, with the worlds for WASI 0.2.
    ///
    /// # Errors
    ///
    /// If it can't be read, which a test rules out.
    pub fn shipped() -> Result<Contract, ContractError> {
        Contract::parse("tensor.wit", SHIPPED)
    }

    /// The contract of this version, with the worlds for WASI 0.3.
    ///
    /// # Errors
    ///
    /// If it can't be read, which a test rules out.
    pub fn shipped_p3() -> Result<Contract, ContractError> {
        Contract::parse("tensor-p3.wit", SHIPPED_P3)
    }

    /// One world of the contract of this version, for whichever version of WASI it is.
    ///
    /// # Errors
    ///
    /// If there is no world of this name.
    pub fn of_world(name: &str) -> Result<Contract, ContractError> {
        let (contract, p3) = (Contract::shipped()?, Contract::shipped_p3()?);
        let mut worlds = contract.worlds();
        if worlds.iter().any(|world| world == name) {
            return contract.world(name);
        }
        if p3.worlds().iter().any(|world| world == name) {
            return p3.world(name);
        }
        worlds.extend(p3.worlds());
        Err(ContractError::UnknownWorld {
            name: name.to_owned(),
            worlds,
        })
    }

    fn parse(path: &str, text: &str) -> Result<Contract, ContractError> {
        let mut resolve = Resolve::default();
        let main = resolve
            .push_str(path, text)
            .map_err(|error| ContractError::Invalid(format!("{error:#}")))?;
        // The parser takes the heading for documentation of the package, and would print it again.
        if let Some(package) = resolve.packages.get_mut(main) {
            package.docs = Docs::default();
        }
        Ok(Contract { resolve, main })
    }

    /// The contract of a package of worlds that was read from elsewhere.
    pub fn of(resolve: Resolve, main: PackageId) -> Contract {
        let mut contract = Contract { resolve, main };
        contract.leave_out_what_no_world_needs();
        contract
    }

    /// The names of its worlds.
    pub fn worlds(&self) -> Vec<String> {
        let worlds = self.resolve.packages[self.main].worlds.keys();
        worlds.cloned().collect()
    }

    /// One world alone, and what it needs.
    ///
    /// # Errors
    ///
    /// If there is no world of this name.
    pub fn world(mut self, name: &str) -> Result<Contract, ContractError> {
        let worlds = self.worlds();
        if !worlds.iter().any(|world| world == name) {
            return Err(ContractError::UnknownWorld {
                name: name.to_owned(),
                worlds,
            });
        }
        let package = &mut self.resolve.packages[self.main];
        package.worlds.retain(|world, _| world == name);
        self.leave_out_what_no_world_needs();
        Ok(self)
    }

    /// All of it in one file, with nested packages.
    ///
    /// # Errors
    ///
    /// If it can't be printed, which a test rules out.
    pub fn one_file(&self) -> Result<String, ContractError> {
        let mut printer = WitPrinter::default();
        printer
            .print(&self.resolve, self.main, &self.dependencies())
            .map_err(|error| ContractError::Invalid(format!("{error:#}")))?;
        let text = String::from(printer.output);
        Ok(format!("{HEADING}{}\n", text.trim_end()))
    }

    /// One folder a package, as `wit-bindgen`, `wkg` and others read folders: the package of
    /// the worlds at the top, each other one in a folder below `deps`. Paths are relative.
    ///
    /// # Errors
    ///
    /// If it can't be printed, which a test rules out.
    pub fn folder(&self) -> Result<Vec<(PathBuf, String)>, ContractError> {
        let dependencies = self.dependencies();
        let mut files = Vec::with_capacity(dependencies.len() + 1);
        for package in std::iter::once(self.main).chain(dependencies) {
            let mut printer = WitPrinter::default();
            printer
                .print(&self.resolve, package, &[])
                .map_err(|error| ContractError::Invalid(format!("{error:#}")))?;
            let text = String::from(printer.output);
            let name = &self.resolve.packages[package].name;
            let path = match package == self.main {
                true => PathBuf::from(format!("{}.wit", name.name)),
                false => PathBuf::from("deps")
                    .join(format!("{}-{}", name.namespace, name.name))
                    .join("package.wit"),
            };
            files.push((path, format!("{}\n", text.trim_end())));
        }
        Ok(files)
    }

    /// The packages that the worlds need beside their own, each behind those that it needs.
    fn dependencies(&self) -> Vec<PackageId> {
        let packages = self.resolve.topological_packages();
        let needed = |package: &PackageId| {
            *package != self.main && !self.resolve.packages[*package].interfaces.is_empty()
        };
        packages.into_iter().filter(needed).collect()
    }

    /// Leaves out the interfaces that no world uses, and the worlds of other packages that
    /// consist of such.
    fn leave_out_what_no_world_needs(&mut self) {
        let mut used = BTreeSet::new();
        let worlds = self.resolve.packages[self.main].worlds.values();
        let mut found: Vec<_> = worlds.flat_map(|world| self.interfaces(*world)).collect();
        while let Some(interface) = found.pop() {
            if used.insert(interface) {
                found.extend(self.resolve.interface_direct_deps(interface));
            }
        }
        let packages: Vec<_> = self.resolve.packages.iter().map(|(id, _)| id).collect();
        for id in packages {
            let worlds = self.resolve.packages[id].worlds.iter();
            let whole: BTreeSet<_> = worlds
                .filter(|(_, world)| self.interfaces(**world).iter().all(|i| used.contains(i)))
                .map(|(name, _)| name.clone())
                .collect();
            let package = &mut self.resolve.packages[id];
            package
                .interfaces
                .retain(|_, interface| used.contains(interface));
            package.worlds.retain(|name, _| whole.contains(name));
        }
    }

    /// The interfaces that a world imports or exports.
    fn interfaces(&self, world: WorldId) -> Vec<InterfaceId> {
        let world = &self.resolve.worlds[world];
        let items = world.imports.values().chain(world.exports.values());
        items
            .filter_map(|item| match item {
                WorldItem::Interface { id, .. } => Some(*id),
                WorldItem::Function(_) | WorldItem::Type { .. } => None,
            })
            .collect()
    }
}
