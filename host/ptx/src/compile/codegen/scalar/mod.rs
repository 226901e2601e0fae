//! The scalar emitter: code for one thread, whose registers are locals of WebAssembly.

mod async_copy;
mod atomic;
mod block;
mod launch_values;
mod memory;
mod operation;
mod thread_loop;

use rustc_hash::FxHashMap as HashMap;
use wasm_encoder::{Instruction as W, ValType};

use crate::compile::Unsupported;
use crate::compile::analysis::allocation_roots::CacheId;
use crate::compile::cfg::structured::Item;
use crate::compile::codegen::function_writer::{Emit, Function, FunctionWriter};
use crate::compile::codegen::input::CodegenInput;
use crate::compile::codegen::module::Imports;
use crate::compile::codegen::structured_control::emit_items;
use crate::compile::codegen::val_type;
use crate::compile::ir::entity::EntityMap;
use crate::compile::ir::{Arg, Reg, SiteId, SpecialValue};
pub(crate) use memory::{load, store};

/// Emits code for one thread at a time.
pub(crate) struct ScalarEmitter<'k> {
    pub(crate) input: &'k CodegenInput<'k>,
    pub(crate) writer: FunctionWriter,
    /// The local of each register that has one.
    pub(crate) regs: EntityMap<Reg, Option<u32>>,
    /// The index of the thread in its block, and its coordinates.
    pub(crate) thread: u32,
    pub(crate) tid: [u32; 3],
    /// By what dispatching nodes branch.
    pub(crate) selector: u32,
    /// The resume index that all threads of the block have in common, or -1; `None` where the function
    /// does not know of it.
    pub(crate) common_resume: Option<u32>,
    /// The address of an access of 64 bits, or of 32.
    pub(crate) address: u32,
    pub(crate) offset: u32,
    /// What is the same for all threads of a launch.
    launch_values: HashMap<SpecialValue, u32>,
    /// How many accesses fit into shared memory, by the logarithm of their size.
    shared_limits: HashMap<u8, u32>,
    bounds_caches: HashMap<CacheId, CacheLocals>,
    /// How far behind their addresses accesses are made, where a copy goes on byte after byte.
    moved_by: Option<u32>,
}

/// The locals of a bounds cache: the first address, and how many accesses fit behind it.
#[derive(Clone, Copy, Default)]
pub(crate) struct CacheLocals {
    pub base: u32,
    pub count: u32,
}

impl Emit for ScalarEmitter<'_> {
    fn function(&self) -> &FunctionWriter {
        &self.writer
    }

    fn function_mut(&mut self) -> &mut FunctionWriter {
        &mut self.writer
    }
}

/// Writes the function that runs threads one after another: the module's `run`, or what `dispatch`
/// calls for threads of lane groups that diverged. It returns -1 when all have been run to where they
/// wait or end, else the index of the thread that an interrupt made return.
///
/// # Errors
/// Where there are too many registers.
pub(crate) fn scalar(
    input: &CodegenInput<'_>,
    items: &[Item],
    is_fallback: bool,
) -> Result<Function, Unsupported> {
    let mut emitter = ScalarEmitter::new(input);
    if !is_fallback {
        emitter.common_resume = Some(emitter.local(ValType::I32));
    }
    emitter.regs = EntityMap::from_fn(&input.body.regs, |_, ty| Some(emitter.local(val_type(*ty))));
    emitter.writer.check_locals()?;
    emitter.prologue();
    emit_items(&mut emitter, &input.analyses.graph, items);
    emitter.writer.finish()
}

impl<'k> ScalarEmitter<'k> {
    /// An emitter of a function whose registers have no locals yet.
    pub(crate) fn new(input: &'k CodegenInput<'k>) -> ScalarEmitter<'k> {
        let mut writer = FunctionWriter::new(input.body.len());
        let mut local = |ty| writer.local(ty);
        let thread = local(ValType::I32);
        let tid = [(); 3].map(|()| local(ValType::I32));
        let selector = local(ValType::I32);
        let address = local(ValType::I64);
        let offset = local(ValType::I32);
        ScalarEmitter {
            input,
            writer,
            regs: EntityMap::for_each(&input.body.regs, None),
            thread,
            tid,
            selector,
            common_resume: None,
            address,
            offset,
            launch_values: HashMap::default(),
            shared_limits: HashMap::default(),
            bounds_caches: HashMap::default(),
            moved_by: None,
        }
    }

    /// The local of a register.
    pub(crate) fn reg(&self, reg: Reg) -> u32 {
        let local = self.regs.get(reg).copied().flatten();
        self.require(local, "a register without a local")
    }

    pub(crate) fn set_reg(&mut self, reg: Reg) {
        self.set(self.reg(reg));
    }

    /// Has a register in another local, and returns the one that it was in.
    pub(crate) fn replace_reg(&mut self, reg: Reg, local: Option<u32>) -> Option<u32> {
        match self.regs.get_mut(reg) {
            Some(place) => std::mem::replace(place, local),
            None => {
                self.inconsistent("a register that does not exist");
                None
            }
        }
    }

    /// Leaves the value of an operand.
    pub(crate) fn arg(&mut self, arg: Arg) {
        match arg {
            Arg::Reg(reg) => self.get(self.reg(reg)),
            Arg::I32(bits) => self.i32(bits),
            Arg::I64(bits) => self.i64(bits),
            Arg::F32(bits) => self.op(W::F32Const(f32::from_bits(bits).into())),
            Arg::F64(bits) => self.op(W::F64Const(f64::from_bits(bits).into())),
        }
    }

    /// Leaves the address of the thread's element in an array of words of so many bytes, less that of
    /// the array.
    pub(crate) fn element(&mut self, bytes: u32) {
        self.get(self.thread);
        self.i32(bytes.trailing_zeros());
        self.op(W::I32Shl);
    }

    /// Ends the launch with a fault; the value in the address local goes with the message.
    pub(crate) fn fault(&mut self, site: SiteId) {
        self.get(self.thread);
        self.i32(site.0);
        self.get(self.address);
        self.op(W::Call(Imports::FAULT));
        self.op(W::Unreachable);
    }
}
