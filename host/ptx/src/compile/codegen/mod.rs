//! WebAssembly for the graph of a kernel: what the functions for single threads and for groups share.

mod atomic;
mod memory;
mod scalar;
mod shared;
mod step;
mod vector;
mod wasm;

use std::cell::Cell;

use rustc_hash::FxHashMap as HashMap;
use wasm_encoder::{BlockType, Instruction as W, MemArg, MemArgTarget, ValType};

pub(crate) use shared::Shared;
use vector::LaneGroup;
pub(crate) use vector::{VECTOR_LANES, both, is_gather, vector, write_out};
pub(crate) use wasm::{Imports, module};

use crate::compile::Unsupported;
use crate::compile::abi;
use crate::compile::analysis::allocation_roots::CacheId;
use crate::compile::cfg::graph::Kind;
use crate::compile::cfg::structure::Item;
use crate::compile::ir::{Arg, Reg, SiteId, SpecialValue, Ty};
use crate::compile::source_lines::CodeLine;

/// The most locals of a function that the engine takes, less a few.
const MOST_LOCALS: usize = 45_000;

/// A function as it is written.
pub(crate) struct Emitter<'k> {
    shared: &'k Shared<'k>,
    code: Vec<u8>,
    /// Types of the locals, parameters included.
    locals: Vec<ValType>,
    regs: Vec<u32>,
    known: HashMap<SpecialValue, u32>,
    /// Limits of shared memory in units of the access's size, by its logarithm.
    limits: HashMap<u8, u32>,
    bounds_caches: HashMap<CacheId, (u32, u32)>,
    /// Offsets of branches that are hardly ever taken.
    unlikely: Vec<u32>,
    lines: Vec<CodeLine>,
    /// The first thing that was missing: the function is not used then.
    contradiction: Cell<Option<&'static str>>,
    thread: u32,
    tid: [u32; 3],
    selector: u32,
    /// The place that all threads have, or -1; `None` where each has its own in any case.
    common: Option<u32>,
    address: u32,
    offset: u32,
    /// Where the code is for groups of threads.
    group: LaneGroup,
}

/// A finished function.
pub(crate) struct Function {
    pub locals: Vec<ValType>,
    pub code: Vec<u8>,
    pub unlikely: Vec<u32>,
    pub lines: Vec<CodeLine>,
}

/// How many bytes of code a step becomes, about, so that the code needs not to grow often.
const CODE_PER_STEP: usize = 64;

/// The parameters of a function: the first thread, and the one behind the last.
const FIRST: u32 = 0;
const BEHIND: u32 = 1;

fn val(ty: Ty) -> ValType {
    match ty {
        Ty::I32 => ValType::I32,
        Ty::I64 => ValType::I64,
        Ty::F32 => ValType::F32,
        Ty::F64 => ValType::F64,
    }
}

/// An access of scratch memory.
fn scratch(offset: u32, align: u32) -> MemArg {
    MemArg {
        offset: u64::from(offset),
        align,
        target: MemArgTarget::Memory(0),
        ordering: None,
    }
}

/// Writes the function that runs threads one by one: the module's `run`, or what libcalls the function
/// for groups out. It returns -1 when all have been run to where they wait or end, else the number of
/// the thread that was told to return.
///
/// # Errors
/// Where there are too many registers.
pub(crate) fn scalar(
    shared: &Shared<'_>,
    items: &[Item],
    libcalls: bool,
) -> Result<Function, Unsupported> {
    let mut emitter = Emitter::new(shared);
    if !libcalls {
        emitter.common = Some(emitter.local(ValType::I32));
    }
    emitter.regs = shared
        .body
        .regs
        .values()
        .map(|ty| emitter.local(val(*ty)))
        .collect();
    if emitter.locals.len() > MOST_LOCALS {
        return Err(Unsupported::limit("too many registers"));
    }
    emitter.prologue();
    for item in items {
        emitter.item(item);
    }
    emitter.op(W::Unreachable);
    emitter.op(W::End);
    emitter.finish()
}

impl<'k> Emitter<'k> {
    fn new(shared: &'k Shared<'k>) -> Emitter<'k> {
        let mut emitter = Emitter {
            shared,
            code: Vec::with_capacity(shared.body.len() * CODE_PER_STEP),
            locals: vec![ValType::I32, ValType::I32],
            regs: Vec::new(),
            known: HashMap::default(),
            limits: HashMap::default(),
            bounds_caches: HashMap::default(),
            contradiction: Cell::new(None),
            unlikely: Vec::new(),
            lines: Vec::new(),
            thread: 0,
            tid: [0; 3],
            selector: 0,
            common: None,
            address: 0,
            offset: 0,
            group: LaneGroup::default(),
        };
        emitter.thread = emitter.local(ValType::I32);
        emitter.tid = [(); 3].map(|()| emitter.local(ValType::I32));
        emitter.selector = emitter.local(ValType::I32);
        emitter.address = emitter.local(ValType::I64);
        emitter.offset = emitter.local(ValType::I32);
        emitter
    }

    /// The function.
    ///
    /// # Errors
    /// Where something was missing that code was written about.
    fn finish(self) -> Result<Function, Unsupported> {
        if let Some(what) = self.contradiction.get() {
            return Err(Unsupported::internal(what));
        }
        Ok(Function {
            locals: self.locals,
            code: self.code,
            unlikely: self.unlikely,
            lines: self.lines,
        })
    }

    /// What must be there. Where it is not, the function is refused when it is finished, so that what
    /// is returned instead does not matter.
    fn must<T: Default>(&self, found: Option<T>, what: &'static str) -> T {
        found.unwrap_or_else(|| {
            let first = self.contradiction.get().unwrap_or(what);
            self.contradiction.set(Some(first));
            T::default()
        })
    }

    fn local(&mut self, ty: ValType) -> u32 {
        self.locals.push(ty);
        u32::try_from(self.locals.len() - 1).unwrap_or(u32::MAX)
    }

    fn op(&mut self, instruction: W<'_>) {
        use wasm_encoder::Encode;
        instruction.encode(&mut self.code);
    }

    fn get(&mut self, local: u32) {
        self.op(W::LocalGet(local));
    }

    fn set(&mut self, local: u32) {
        self.op(W::LocalSet(local));
    }

    fn i32(&mut self, value: u32) {
        self.op(W::I32Const(value.cast_signed()));
    }

    fn i64(&mut self, value: u64) {
        self.op(W::I64Const(value.cast_signed()));
    }

    /// `if` for what hardly ever happens.
    fn if_unlikely(&mut self) {
        let at = u32::try_from(self.code.len()).unwrap_or(u32::MAX);
        self.unlikely.push(at);
        self.op(W::If(BlockType::Empty));
    }

    /// What is written from here on comes from this line of the text; from none of them if it is 0.
    fn at_line(&mut self, line: u32) {
        let offset = u32::try_from(self.code.len()).unwrap_or(u32::MAX);
        match self.lines.last_mut() {
            Some(last) if last.line == line => {}
            Some(last) if last.offset == offset => last.line = line,
            _ => self.lines.push(CodeLine { offset, line }),
        }
    }

    /// `br_if` for what hardly ever happens.
    fn br_if_unlikely(&mut self, level: u32) {
        let at = u32::try_from(self.code.len()).unwrap_or(u32::MAX);
        self.unlikely.push(at);
        self.op(W::BrIf(level));
    }

    fn reg(&self, reg: Reg) -> u32 {
        self.regs.get(reg.0 as usize).copied().unwrap_or(0)
    }

    fn arg(&mut self, arg: Arg) {
        match arg {
            Arg::Reg(reg) => self.get(self.reg(reg)),
            Arg::I32(bits) => self.i32(bits),
            Arg::I64(bits) => self.i64(bits),
            Arg::F32(bits) => self.op(W::F32Const(f32::from_bits(bits).into())),
            Arg::F64(bits) => self.op(W::F64Const(f64::from_bits(bits).into())),
        }
    }

    /// What all threads of a launch have in common goes into locals, once.
    fn prologue(&mut self) {
        let mut known: Vec<SpecialValue> = Vec::new();
        let mut shifts = Vec::new();
        for block in self.shared.body.blocks.values() {
            for op in &block.ops {
                if let crate::compile::ir::Op::Special(
                    _,
                    what @ (SpecialValue::Launch(..) | SpecialValue::LaunchPart(..)),
                ) = op
                    && !self.known.contains_key(what)
                {
                    let ty = match what {
                        SpecialValue::Launch(_, ty) => val(*ty),
                        _ => ValType::I32,
                    };
                    let local = self.local(ty);
                    self.known.insert(*what, local);
                    known.push(*what);
                }
            }
        }
        for what in known {
            self.learn(what);
        }
        if let Some(common) = self.common {
            self.i32(0);
            self.op(W::I32Load(scratch(abi::COMMON_RESUME, 2)));
            self.set(common);
        }
        for site in self.shared.body.sites.values() {
            if let crate::compile::ir::SiteKind::Access { bytes, lanes, .. } = site.what {
                shifts.push((bytes * lanes).trailing_zeros() as u8);
            }
        }
        shifts.sort_unstable();
        shifts.dedup();
        for shift in shifts {
            let local = self.local(ValType::I32);
            self.limits.insert(shift, local);
            self.i32(0);
            self.op(W::I32Load(scratch(abi::TOTAL_SHARED, 2)));
            self.i32(u32::from(shift));
            self.op(W::I32ShrU);
            self.set(local);
        }
        for cache in self.shared.bounds_caches.all().keys() {
            let pair = (self.local(ValType::I64), self.local(ValType::I64));
            self.bounds_caches.insert(cache, pair);
            let global = Shared::window_global(cache);
            self.op(W::GlobalGet(global));
            self.set(pair.0);
            self.op(W::GlobalGet(global + 1));
            self.set(pair.1);
        }
        // The place of the thread before the first one: each begins by moving on.
        let extent = |dimension: u32| abi::NTID + 4 * dimension;
        let load = |emitter: &mut Self, at: u32| {
            emitter.i32(0);
            emitter.op(W::I32Load(scratch(at, 2)));
        };
        self.get(FIRST);
        self.i32(1);
        self.op(W::I32Sub);
        self.set(self.thread);
        self.get(FIRST);
        load(self, extent(0));
        self.op(W::I32RemU);
        self.i32(1);
        self.op(W::I32Sub);
        self.set(self.tid[0]);
        self.get(FIRST);
        load(self, extent(0));
        self.op(W::I32DivU);
        load(self, extent(1));
        self.op(W::I32RemU);
        self.set(self.tid[1]);
        self.get(FIRST);
        load(self, extent(0));
        self.op(W::I32DivU);
        load(self, extent(1));
        self.op(W::I32DivU);
        self.set(self.tid[2]);
    }

    /// Loads what all threads have in common into its local.
    fn learn(&mut self, what: SpecialValue) {
        let local = self.known.get(&what).copied().unwrap_or(0);
        self.i32(0);
        self.op(match what {
            SpecialValue::Launch(at, Ty::I32) => W::I32Load(scratch(at, 2)),
            SpecialValue::Launch(at, Ty::I64) => W::I64Load(scratch(at, 3)),
            SpecialValue::Launch(at, Ty::F32) => W::F32Load(scratch(at, 2)),
            SpecialValue::Launch(at, Ty::F64) => W::F64Load(scratch(at, 3)),
            SpecialValue::LaunchPart(at, 1) => W::I32Load8U(scratch(at, 0)),
            SpecialValue::LaunchPart(at, _) => W::I32Load16U(scratch(at, 1)),
            _ => W::I32Const(0),
        });
        self.set(local);
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::Loop => self.op(W::Loop(BlockType::Empty)),
            Item::Block => self.op(W::Block(BlockType::Empty)),
            Item::End => self.op(W::End),
            Item::If => self.op(W::If(BlockType::Empty)),
            Item::Else => self.op(W::Else),
            Item::Branch(level) => self.op(W::Br(*level)),
            Item::Table(node, levels) => {
                let is_dispatch = self
                    .shared
                    .graph
                    .nodes
                    .get(*node)
                    .is_some_and(|node| matches!(node.kind, Kind::Dispatch(_)));
                if is_dispatch {
                    self.get(self.selector);
                }
                let is_root = *node == 0;
                if is_root && let Some(first) = levels.first() {
                    // Most threads begin at the beginning.
                    self.op(W::I32Eqz);
                    self.op(W::BrIf(*first));
                    self.get(self.selector);
                }
                match levels.split_last() {
                    Some((last, rest)) => self.op(W::BrTable(rest.into(), *last)),
                    None => self.op(W::Unreachable),
                }
            }
            Item::Node(node) => {
                let Some(node) = self.shared.graph.nodes.get(*node) else {
                    return;
                };
                self.at_line(0);
                match node.kind.clone() {
                    ref kind @ (Kind::Root | Kind::Resume(_) | Kind::Check(_) | Kind::Block(_))
                        if self.is_group() =>
                    {
                        self.group_node(kind);
                    }
                    Kind::Root => self.root(),
                    Kind::Resume(resume) => self.resume(resume),
                    Kind::Dispatch(_) => {
                        self.get(self.selector);
                        self.op(W::I32Eqz);
                    }
                    Kind::Select(selector) => {
                        self.i32(selector);
                        self.set(self.selector);
                    }
                    Kind::Check(resume) => self.check(resume),
                    Kind::Block(block) => self.block(block),
                }
            }
        }
    }

    /// The address of a thread's element in an array of words of so many bytes, less its beginning.
    fn element(&mut self, bytes: u32) {
        self.get(self.thread);
        self.i32(bytes.trailing_zeros());
        self.op(W::I32Shl);
    }

    /// Ends the launch; the value in the address local goes with the message.
    fn fault(&mut self, site: SiteId) {
        self.get(self.thread);
        self.i32(site.0);
        self.get(self.address);
        self.op(W::Call(Imports::FAULT));
        self.op(W::Unreachable);
    }
}
