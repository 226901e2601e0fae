//! No files of a crate import each other in a circle, so that each can be read after those that it
//! names. A module and those below it are one subject and may name each other.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The crates, by their folders.
const CRATES: [&str; 8] = [
    "host/ptx",
    "host/device",
    "host/runtime",
    "host/snapshot",
    "host/node",
    "host/cli",
    "guest-sdk",
    "xtask",
];

/// The circles that may stay: the objects of the guest's interface name each other, as its functions
/// take and return them.
const ALLOWED: [(&str, &[&str]); 1] = [(
    "guest-sdk",
    &[
        "buffer",
        "device",
        "error",
        "event",
        "kernel::launch",
        "launch",
        "module",
        "queue",
    ],
)];

/// The path of a module from its crate's root, or of an item.
type Name = Vec<String>;

/// A crate's modules, each with its code.
type Modules = BTreeMap<Name, String>;

fn modules(source: &Path) -> Modules {
    let (mut modules, mut folders) = (Modules::new(), vec![source.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = module_name(path.strip_prefix(source).unwrap());
                // Tests may use everything.
                if !name.iter().any(|part| part.ends_with("tests")) {
                    modules.insert(name, code(&fs::read_to_string(&path).unwrap()));
                }
            }
        }
    }
    modules
}

fn module_name(file: &Path) -> Name {
    let parts = file.with_extension("");
    let mut name: Name = parts
        .iter()
        .map(|part| part.to_str().unwrap().to_owned())
        .collect();
    let is_root = name.len() == 1 && (name[0] == "lib" || name[0] == "main");
    if is_root || name.last().is_some_and(|last| last == "mod") {
        name.pop();
    }
    name
}

/// What is left of a file without comments and unit tests.
fn code(text: &str) -> String {
    let text = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    let lines = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// The paths of a tree of imports, `a::{b, c::d}`, with the names that they are given.
fn expand(tree: &str, before: &[String], paths: &mut Vec<(Name, String)>) {
    let (head, rest) = match tree.split_once('{') {
        Some((head, rest)) => (head, Some(rest)),
        None => (tree, None),
    };
    let (head, alias) = match head.split_once(" as ") {
        Some((head, alias)) => (head, Some(alias.trim())),
        None => (head, None),
    };
    let own = head
        .split("::")
        .map(str::trim)
        .filter(|part| !part.is_empty());
    let mut path = before.to_vec();
    path.extend(own.map(str::to_owned));
    let Some(rest) = rest else {
        if path.len() > 1
            && path
                .last()
                .is_some_and(|last| last == "self" || last == "*")
        {
            path.pop();
        }
        let name = alias.map(str::to_owned).or_else(|| path.last().cloned());
        paths.push((path, name.unwrap_or_default()));
        return;
    };
    let (mut depth, mut begin) = (0, 0);
    for (at, letter) in rest.char_indices() {
        match letter {
            '{' => depth += 1,
            ',' | '}' if depth == 0 => {
                let part = rest[begin..at].trim();
                if !part.is_empty() {
                    expand(part, &path, paths);
                }
                begin = at + 1;
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
}

/// The path from the crate's root that a path within a module means; `None` for one of another crate.
fn from_root(modules: &Modules, module: &[String], path: &[String]) -> Option<Name> {
    let mut base = module.to_vec();
    let mut rest = path;
    match rest.first()?.as_str() {
        "crate" => base.clear(),
        "self" => {}
        "super" => {
            while let Some(shorter) = rest.strip_prefix(&["super".to_owned()]) {
                base.pop();
                rest = shorter;
            }
            base.extend_from_slice(rest);
            return Some(base);
        }
        child => {
            base.push(child.to_owned());
            if !modules.contains_key(&base) {
                return None;
            }
        }
    }
    base.extend_from_slice(&rest[1..]);
    Some(base)
}

/// What each module makes available of others, by the name that it gives it.
type Exports = BTreeMap<Name, BTreeMap<String, Name>>;

/// The module that an item is in, where modules on its path may only pass it on.
fn home(modules: &Modules, exports: &Exports, item: &[String], depth: u32) -> Option<Name> {
    let end = (0..=item.len())
        .rev()
        .find(|end| modules.contains_key(&item[..*end]))?;
    let (module, rest) = item.split_at(end);
    if let Some((first, rest)) = rest.split_first()
        && depth < 8
        && let Some(passed_on) = exports.get(module).and_then(|names| names.get(first))
    {
        let item = [passed_on.as_slice(), rest].concat();
        return home(modules, exports, &item, depth + 1);
    }
    Some(module.to_vec())
}

/// The other modules that each module names, but for those above and below it.
fn edges(modules: &Modules) -> BTreeMap<&Name, BTreeSet<Name>> {
    let mut exports = Exports::new();
    let mut named: Vec<(&Name, Name)> = Vec::new();
    for (module, code) in modules {
        let mut rest = code.as_str();
        while let Some(at) = rest.find("use ") {
            let line = rest[..at].rsplit('\n').next().unwrap_or_default().trim();
            let is_import = line.is_empty() || line.starts_with("pub");
            let end = rest[at..].find(';').map_or(rest.len(), |end| at + end);
            if is_import {
                let mut paths = Vec::new();
                let tree = rest[at + 4..end].replace('\n', " ");
                expand(&tree, &[], &mut paths);
                for (path, name) in paths {
                    let Some(item) = from_root(modules, module, &path) else {
                        continue;
                    };
                    if line.starts_with("pub") {
                        let own = exports.entry(module.clone()).or_default();
                        own.insert(name, item.clone());
                    }
                    named.push((module, item));
                }
            }
            rest = &rest[(at + 4)
                .max(if is_import { end } else { 0 })
                .min(rest.len())..];
        }
        for root in ["crate::", "super::"] {
            for (at, _) in code.match_indices(root) {
                let is_within = code[..at].ends_with("::");
                let end = code[at..]
                    .find(|letter: char| !(letter.is_alphanumeric() || "_:".contains(letter)))
                    .map_or(code.len(), |end| at + end);
                let path = code[at..end].split("::").filter(|part| !part.is_empty());
                let path: Name = path.map(str::to_owned).collect();
                if !is_within && let Some(item) = from_root(modules, module, &path) {
                    named.push((module, item));
                }
            }
        }
    }
    let mut edges: BTreeMap<&Name, BTreeSet<Name>> = BTreeMap::new();
    for (module, item) in named {
        if let Some(other) = home(modules, &exports, &item, 0)
            && !other.starts_with(module)
            && !module.starts_with(&other)
        {
            edges.entry(module).or_default().insert(other);
        }
    }
    edges
}

/// The circles: sets of modules each of which is reached from each other one.
fn circles(modules: &Modules) -> BTreeSet<Vec<Name>> {
    let edges = edges(modules);
    let reached = |from: &Name| {
        let (mut found, mut open) = (BTreeSet::new(), vec![from.clone()]);
        while let Some(module) = open.pop() {
            for next in edges.get(&module).into_iter().flatten() {
                if found.insert(next.clone()) {
                    open.push(next.clone());
                }
            }
        }
        found
    };
    let reached: BTreeMap<&Name, BTreeSet<Name>> =
        modules.keys().map(|name| (name, reached(name))).collect();
    let mut circles = BTreeSet::new();
    for (module, others) in &reached {
        if others.contains(*module) {
            let back = others.iter().filter(|other| {
                reached
                    .get(other)
                    .is_some_and(|back| back.contains(*module))
            });
            circles.insert(back.cloned().collect());
        }
    }
    circles
}

fn is_allowed(crate_folder: &str, circle: &[Name]) -> bool {
    ALLOWED.iter().any(|(folder, modules)| {
        *folder == crate_folder
            && circle
                .iter()
                .all(|name| modules.contains(&name.join("::").as_str()))
    })
}

#[test]
fn no_files_of_a_crate_import_each_other_in_a_circle() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = Vec::new();
    for folder in CRATES {
        let modules = modules(&root.join(folder).join("src"));
        assert!(modules.len() > 5, "{folder}");
        let imports = edges(&modules).values().map(BTreeSet::len).sum::<usize>();
        assert!(imports > 5, "{folder}: no imports were found");
        for circle in circles(&modules) {
            if !is_allowed(folder, &circle) {
                let names: Vec<String> = circle.iter().map(|name| name.join("::")).collect();
                found.push(format!("{folder}: {}", names.join(", ")));
            }
        }
    }
    assert!(
        found.is_empty(),
        "these files import each other in a circle: move what two of them need into a file of its \
         own\n{}",
        found.join("\n")
    );
}

#[test]
fn a_circle_is_found_also_by_way_of_a_module_that_passes_names_on() {
    let modules = |files: &[(&str, &str)]| -> Modules {
        files
            .iter()
            .map(|(file, text)| (module_name(Path::new(file)), code(text)))
            .collect()
    };
    let open = [
        ("lib.rs", "mod a; mod b; mod c;"),
        ("a.rs", "use crate::b::{self, Two};"),
        ("b/mod.rs", "mod inner;\npub(crate) use inner::Two;"),
        ("b/inner.rs", "use super::Three; // crate::a"),
        ("c.rs", "fn f() { crate::a::g() }"),
    ];
    assert_eq!(circles(&modules(&open)), BTreeSet::new());
    let mut closed = open;
    closed[3].1 = "pub struct Two(\n    crate::c::One,\n);";
    let circle: Vec<Name> = [&["a"][..], &["b", "inner"], &["c"]]
        .iter()
        .map(|name| name.iter().map(|part| (*part).to_owned()).collect())
        .collect();
    assert_eq!(circles(&modules(&closed)), BTreeSet::from([circle]));
}
