//! The compiler: a kernel becomes a module of core WebAssembly.
//!
//! [`lower`] makes it, and an embedder compiles and runs it with whatever engine it has. The module
//! defines two memories. The first is *scratch*: a page with the flag that stops a kernel and the
//! launch's description, then the places, registers and local memory of a block's threads, then the
//! block's shared memory. The second is the tenant's *device memory*: the address that a kernel
//! computes with, less [`GLOBAL_BASE`](crate::address::GLOBAL_BASE), is an offset into it. No other
//! memory is reached by a mistake of this compiler.
//!
//! A thread runs until it ends, waits for others, or is told to return; then the next one does.
//! [`Block`](crate::exec::Block) lets them meet, as the interpreter does. What a kernel does wrong is found by checks in
//! its code that ask the host, so faults say the same as the interpreter's.

pub(crate) mod abi;
mod analysis;
mod cfg;
pub(crate) mod codegen;
pub(crate) mod ir;
mod passes;
mod source_lines;
mod translate;

use std::fmt;
use std::sync::Arc;

// Keys are numbers that this compiler gave: nobody outside can choose them to collide.
use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

use crate::Module;
use abi::Layout;
use analysis::{bounds_guards, liveness, uniformity};
use cfg::graph::Graph;
use cfg::structure::structure;
use ir::opcodes;
use ir::{Body, Reg, SiteKind, Space, Ty};
use passes::{divergence, endpoint_branches, nan_canonicalization, spill};

pub use source_lines::{CodeLine, FunctionLines, lower_with_lines};

/// Why a kernel is not compiled; the interpreter runs it then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Unsupported {
    /// The line of the text, counting from 1, where one is to blame.
    pub line: Option<u32>,
    /// What cannot be compiled.
    pub what: String,
}

impl Unsupported {
    fn limit(what: &str) -> Unsupported {
        Unsupported {
            line: None,
            what: what.to_owned(),
        }
    }
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {} is not compiled", self.what),
            None => write!(f, "not compiled: {}", self.what),
        }
    }
}

/// The most steps that are worth compiling: beyond, an engine takes seconds.
const MOST_STEPS: usize = 24 << 10;
/// The most accesses of memory: each may call the host, and what an engine makes of values that are
/// held across that many calls takes time that grows with their square.
const MOST_SITES: usize = 2500;
/// The most points at which a thread can leave and come back.
const MOST_RESUMES: usize = 1 << 10;
/// The most branches times blocks of a kernel whose threads run together.
const MOST_WAYS: usize = 1 << 21;
/// The most registers that are saved and restored, at all those points together.
const MOST_SAVED: usize = 32 << 10;
/// The most bytes of a function's code: of twice as many an engine makes five seconds of work, and
/// takes a gigabyte for it.
const MOST_CODE: usize = 512 << 10;
/// The most values that are held at each step, all steps together: an engine takes about a second to
/// find registers for as many.
const MOST_HELD: u64 = 2 << 20;
/// The most steps that are looked at for the pointer behind an address.
const MOST_LOOKS: u32 = 256;
/// The most bounds_caches that a kernel keeps.
const MOST_WINDOWS: usize = 24;

/// A compiled kernel.
#[derive(Debug)]
pub struct Lowered {
    pub(crate) wasm: Vec<u8>,
    pub(crate) kernel: String,
    pub(crate) body: Body,
    pub(crate) layout: Layout,
    /// What looks at shared memory compare with; see [`bounds_guards::Limits`].
    pub(crate) limits: Vec<(u8, u64)>,
    pub(crate) param_bytes: u32,
    pub(crate) dynamic_shared: u32,
    pub(crate) effort: usize,
    /// The resume point behind each stop.
    pub(crate) after_stop: HashMap<u32, u32>,
    /// Why threads do not run together.
    pub(crate) alone: Option<&'static str>,
}

impl Lowered {
    /// The module. It imports functions of a module `host`; see [`Setup`](crate::exec::Setup).
    #[must_use]
    pub fn wasm(&self) -> &[u8] {
        &self.wasm
    }

    /// The module, for an embedder that keeps what it makes of it: it is here no more.
    #[must_use]
    pub fn take_wasm(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.wasm)
    }

    /// Where in scratch memory the flag lies, a word that is not zero where a running kernel is to
    /// return at its next back edge. It begins the last page: nothing else is there.
    #[must_use]
    pub fn stop_flag(&self) -> usize {
        self.layout.stop as usize
    }

    /// How large scratch memory is.
    #[must_use]
    pub fn scratch_bytes(&self) -> usize {
        self.layout.stop as usize + abi::PAGE as usize
    }

    /// How many threads run together in vectors, as long as they take the same way.
    #[must_use]
    pub fn width(&self) -> u32 {
        if self.alone.is_some() {
            1
        } else {
            codegen::VECTOR_LANES
        }
    }

    /// Why each thread runs alone, where it does.
    #[must_use]
    pub fn alone(&self) -> Option<&'static str> {
        self.alone
    }

    /// How many steps it has, of which each becomes a few instructions.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.body.len()
    }

    /// How much work an engine has with it, in units of one step of a plain kernel; some hundred take
    /// a millisecond. What is held across many calls takes it long, whatever the steps are.
    #[must_use]
    pub fn effort(&self) -> usize {
        self.effort
    }

    /// The import `help`: what the interpreter makes of operands that the module does not compute
    /// with itself.
    #[must_use]
    pub fn help(&self, help: u32, operands: [u64; 4]) -> u64 {
        self.body
            .libcalls
            .get(help as usize)
            .map_or(0, |help| help.call(operands))
    }
}

/// How many threads are to run together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// As many as pays off, by what the kernel looks like.
    Chosen,
    /// Each alone.
    One,
    /// Groups, whether that pays off or not.
    Groups,
}

/// Compiles an entry of a module.
///
/// # Errors
/// What of it cannot be compiled.
pub fn lower(module: &Arc<Module>, entry: &str) -> Result<Lowered, Unsupported> {
    lower_as(module, entry, Width::Chosen)
}

/// Compiles an entry of a module for so many threads at a time.
///
/// # Errors
/// What of it cannot be compiled.
pub fn lower_as(module: &Arc<Module>, entry: &str, width: Width) -> Result<Lowered, Unsupported> {
    generate(module, entry, width, false).map(|(lowered, _)| lowered)
}

const TOO_LARGE: &str = "it is too large for vectors";

/// Compiles an entry, with lines only where they are asked for.
fn generate(
    module: &Arc<Module>,
    entry: &str,
    width: Width,
    lines: bool,
) -> Result<(Lowered, Vec<FunctionLines>), Unsupported> {
    let made = attempt(module, entry, width, lines);
    // What is too large for groups may do for single threads.
    if made.is_err() && width == Width::Chosen {
        let (mut lowered, lines) = attempt(module, entry, Width::One, lines)?;
        lowered.alone = Some(TOO_LARGE);
        return Ok((lowered, lines));
    }
    made
}

fn attempt(
    module: &Arc<Module>,
    entry: &str,
    width: Width,
    lines: bool,
) -> Result<(Lowered, Vec<FunctionLines>), Unsupported> {
    let Some(found) = module.entry(entry) else {
        return Err(Unsupported::limit("no such entry"));
    };
    let threads = found.max_threads.unwrap_or(abi::MOST_THREADS);
    let threads = threads.clamp(1, abi::MOST_THREADS);
    let globals = u32::try_from(module.globals.len()).unwrap_or(u32::MAX);
    let too_large = || Unsupported::limit("too much memory for each thread");
    let mut layout = Layout::new(
        threads,
        found.param_bytes,
        globals,
        found.layout.local_bytes,
    )
    .ok_or_else(too_large)?;
    let mut body = translate::body(module, found, &layout, lines)?;
    nan_canonicalization::see_late(&mut body);
    if body.len() > MOST_STEPS {
        return Err(Unsupported::limit("too many steps"));
    }
    if body.sites.len() > MOST_SITES {
        return Err(Unsupported::limit("too many accesses of memory"));
    }
    // Where threads may part, all that may follow is looked at: branches times blocks.
    let branches = body
        .blocks
        .iter()
        .filter(|block| block.end.successors().len() > 1)
        .count();
    if width != Width::One && branches * body.blocks.len() > MOST_WAYS {
        return Err(Unsupported::limit("too many branches"));
    }
    let mut classes = match width {
        Width::One => uniformity::UniformityInfo::default(),
        _ => uniformity::classes(&body, &liveness::live(&body)?)?,
    };
    let alone = match width {
        Width::Chosen => divergence::alone(&body, &classes),
        Width::One => Some("it was asked for"),
        Width::Groups => None,
    };
    let stops = || Unsupported::limit("too many loops and barriers");
    let (mut parting, mut by_ends) = (Vec::new(), HashSet::default());
    let mut meetings = HashMap::default();
    if alone.is_none() {
        by_ends = endpoint_branches::repeat(&mut body, &mut classes);
        parting =
            divergence::split(&mut body, &classes, &by_ends, MOST_RESUMES).ok_or_else(stops)?;
        meetings = divergence::meet(&mut body, &classes, &mut parting)?;
    }
    let live = liveness::live(&body)?;
    let values = |reg| {
        if alone.is_none() && classes.of(reg) == uniformity::Uniformity::Divergent {
            u64::from(codegen::VECTOR_LANES * body.ty(reg).bytes() / 16)
        } else {
            1
        }
    };
    let held = liveness::held(&body, &live, values);
    if held > MOST_HELD {
        return Err(Unsupported::limit("too many registers at once"));
    }
    let sites = body.sites.len();
    let held_in_steps = usize::try_from(held / 100).unwrap_or(usize::MAX);
    let effort = body.len() + held_in_steps + sites * sites / 200;
    let graph = Graph::new(&body, &parting)?;
    if graph.resumes.len() > MOST_RESUMES {
        return Err(stops());
    }
    // Each point at which threads leave or come back saves and restores all that is live there.
    let saved: usize = graph
        .resumes
        .iter()
        .map(|block| live.at(*block).len())
        .sum();
    let most = if alone.is_some() {
        MOST_SAVED
    } else {
        MOST_SAVED / 8
    };
    if saved > most {
        return Err(Unsupported::limit(
            "too many registers across loops and barriers",
        ));
    }
    let (mut slots, mut brief) = (HashMap::default(), HashMap::default());
    for block in graph.resumes.iter().skip(1) {
        for reg in live.at(*block) {
            if slots.contains_key(&reg) {
                continue;
            }
            let slot = layout
                .frame_slot(body.ty(reg).bytes())
                .ok_or_else(too_large)?;
            slots.insert(reg, slot);
            if alone.is_none() && classes.of(reg) != uniformity::Uniformity::Divergent {
                brief.insert(reg, layout.brief_slot(body.ty(reg).bytes()));
            }
        }
    }
    layout
        .brief_room(codegen::VECTOR_LANES)
        .ok_or_else(too_large)?;
    let frames = spill::frames(&body, &live, &graph)?;
    let (bounds_cache_of, bounds_caches) = bounds_caches(&body);
    let plan = if alone.is_none() {
        bounds_guards::plan(&body, &classes, &bounds_cache_of)
    } else {
        bounds_guards::Plan::default()
    };
    let limits = plan.limits();
    layout.limits(limits.shared.len()).ok_or_else(too_large)?;
    let dynamic_shared = found.layout.dynamic_shared;
    layout.finish(dynamic_shared).ok_or_else(too_large)?;
    let shared = codegen::Shared {
        body: &body,
        graph: &graph,
        live: &live,
        frames,
        layout: &layout,
        slots,
        brief,
        bounds_cache_of,
        bounds_caches,
        classes: &classes,
        by_ends: &by_ends,
        plan: &plan,
        limits,
        meetings,
        static_shared: found.layout.shared_bytes,
    };
    let items = structure(&body, &graph)?;
    let one = codegen::scalar(&shared, &items, alone.is_none())?;
    if one.code.len() > MOST_CODE {
        return Err(Unsupported::limit("too much code"));
    }
    let scratch = u64::from(layout.stop) + abi::PAGE;
    let mut functions = match alone {
        Some(_) => vec![("run", one)],
        None => {
            let groups = codegen::vector(&shared, &items)?;
            if groups.code.len() > MOST_CODE {
                return Err(Unsupported::limit("too much code"));
            }
            let write_out = codegen::write_out(&shared)?;
            vec![
                ("alone", one),
                ("groups", groups),
                ("write out", write_out),
                ("run", codegen::both()),
            ]
        }
    };
    let lines = functions
        .iter_mut()
        .map(|(name, function)| FunctionLines {
            name,
            lines: std::mem::take(&mut function.lines),
        })
        .collect();
    let wasm = codegen::module(&functions, shared.globals(), scratch);
    let limits = shared.limits.shared.clone();
    let lowered = Lowered {
        wasm,
        limits,
        kernel: entry.to_owned(),
        param_bytes: found.param_bytes,
        dynamic_shared,
        after_stop: graph.after_stop.clone(),
        body,
        layout,
        alone,
        effort,
    };
    Ok((lowered, lines))
}

/// Shares bounds_caches among accesses whose addresses have a common origin.
fn bounds_caches(body: &Body) -> (HashMap<u32, usize>, Vec<codegen::BoundsCache>) {
    let mut made: HashMap<Reg, Vec<&ir::Op>> = HashMap::default();
    for op in body.blocks.iter().flat_map(|block| &block.ops) {
        for target in op.targets() {
            made.entry(*target).or_default().push(op);
        }
    }
    let mut numbers = HashMap::default();
    let mut bounds_cache_of = HashMap::default();
    let mut bounds_caches = Vec::new();
    for op in body.blocks.iter().flat_map(|block| &block.ops) {
        let (ir::Op::Load { place, .. }
        | ir::Op::Store { place, .. }
        | ir::Op::Atomic { place, .. }) = op
        else {
            continue;
        };
        if !matches!(place.space, Space::Global | Space::Generic) {
            continue;
        }
        let site = body.sites.get(place.site as usize);
        let Some(SiteKind::Access {
            bytes,
            lanes,
            write,
            ..
        }) = site.map(|site| &site.what)
        else {
            continue;
        };
        let root = place.base.reg().map_or(0, |reg| {
            let found = root(&made, reg, &mut Vec::new(), &mut { MOST_LOOKS });
            found.unwrap_or(reg.0)
        });
        let shift = (bytes * lanes).trailing_zeros() as u8;
        let window = codegen::BoundsCache {
            root,
            shift,
            write: *write,
        };
        let number = *numbers.entry(window).or_insert_with(|| {
            bounds_caches.push(window);
            bounds_caches.len() - 1
        });
        bounds_cache_of.insert(place.site, number);
    }
    // Too many to keep in registers: accesses of one size share them.
    if bounds_caches.len() > MOST_WINDOWS {
        let mut kept: Vec<codegen::BoundsCache> = Vec::new();
        let renumbered: Vec<usize> = bounds_caches
            .iter()
            .map(|window| {
                let root = window.root % (MOST_WINDOWS as u32 / 8);
                let window = codegen::BoundsCache { root, ..*window };
                kept.iter()
                    .position(|other| *other == window)
                    .unwrap_or_else(|| {
                        kept.push(window);
                        kept.len() - 1
                    })
            })
            .collect();
        for number in bounds_cache_of.values_mut() {
            *number = renumbered.get(*number).copied().unwrap_or(0);
        }
        bounds_caches = kept;
    }
    (bounds_cache_of, bounds_caches)
}

/// The pointer that an address is computed from: one that is an argument, if there is one. Each
/// register on the way is asked once; a kernel's text says how many there are, so only some are
/// looked at.
fn root(
    made: &HashMap<Reg, Vec<&ir::Op>>,
    reg: Reg,
    seen: &mut Vec<Reg>,
    looks: &mut u32,
) -> Option<u32> {
    if seen.contains(&reg) {
        return None;
    }
    seen.push(reg);
    for op in made.get(&reg)? {
        *looks = looks.checked_sub(1)?;
        let mut follow = |arg: ir::Arg| root(made, arg.reg()?, seen, looks);
        let found = match op {
            ir::Op::Special(_, ir::SpecialValue::Launch(address, Ty::I64)) => Some(*address),
            ir::Op::Copy(_, a) | ir::Op::Unary(_, _, a) => follow(*a),
            ir::Op::Binary(opcodes::Opcode::I64Add | opcodes::Opcode::I64Sub, _, a, b) => {
                follow(*a).or_else(|| follow(*b))
            }
            ir::Op::Select(_, _, a, b) => follow(*a).or_else(|| follow(*b)),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}
