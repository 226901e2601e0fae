//! What is the same for all threads of a launch, in locals: special values, the limits of shared
//! memory, bounds caches.

use wasm_encoder::{Instruction as W, ValType};

use crate::compile::abi;
use crate::compile::codegen::function_writer::{Emit, FIRST_THREAD};
use crate::compile::codegen::input::CodegenInput;
use crate::compile::codegen::scalar::{CacheLocals, ScalarEmitter};
use crate::compile::codegen::{scratch, val_type};
use crate::compile::ir::{Op, SiteKind, SpecialValue, Ty};

impl ScalarEmitter<'_> {
    /// Loads all that is the same for the threads of the launch, and places the thread before the
    /// function's first one: each begins by moving on.
    pub(crate) fn prologue(&mut self) {
        self.load_launch_values();
        if let Some(common) = self.common_resume {
            self.i32(0);
            self.op(W::I32Load(scratch(abi::COMMON_RESUME, 2)));
            self.set(common);
        }
        self.load_shared_limits();
        self.load_bounds_caches();
        self.place_before_first();
    }

    /// Loads the special values that the kernel reads.
    fn load_launch_values(&mut self) {
        let mut values: Vec<SpecialValue> = Vec::new();
        let input = self.input;
        for op in input.body.blocks.values().flat_map(|block| &block.ops) {
            let Op::Special(_, value) = op else {
                continue;
            };
            let ty = match value {
                SpecialValue::Launch(_, ty) => val_type(*ty),
                SpecialValue::LaunchPart(..) => ValType::I32,
                SpecialValue::Tid(_) | SpecialValue::Thread | SpecialValue::Clock => continue,
            };
            if !self.launch_values.contains_key(value) {
                let local = self.local(ty);
                self.launch_values.insert(*value, local);
                values.push(*value);
            }
        }
        for value in values {
            self.load_launch_value(value);
        }
    }

    /// The local of a special value that is the same for all threads.
    pub(super) fn launch_value(&self, value: SpecialValue) -> u32 {
        let local = self.launch_values.get(&value).copied();
        self.require(local, "a special value without a local")
    }

    fn load_launch_value(&mut self, value: SpecialValue) {
        let local = self.launch_value(value);
        self.i32(0);
        self.op(match value {
            SpecialValue::Launch(at, Ty::I32) => W::I32Load(scratch(at, 2)),
            SpecialValue::Launch(at, Ty::I64) => W::I64Load(scratch(at, 3)),
            SpecialValue::Launch(at, Ty::F32) => W::F32Load(scratch(at, 2)),
            SpecialValue::Launch(at, Ty::F64) => W::F64Load(scratch(at, 3)),
            SpecialValue::LaunchPart(at, 1) => W::I32Load8U(scratch(at, 0)),
            SpecialValue::LaunchPart(at, _) => W::I32Load16U(scratch(at, 1)),
            SpecialValue::Tid(_) | SpecialValue::Thread | SpecialValue::Clock => {
                return self.inconsistent("a special value that differs between threads");
            }
        });
        self.set(local);
    }

    /// Loads the special values again that differ between the blocks of a grid.
    pub(super) fn load_block_values(&mut self) {
        let of_block = abi::CTAID..abi::CTAID + 12;
        let mut values: Vec<(u32, SpecialValue)> = Vec::new();
        for value in self.launch_values.keys() {
            if let SpecialValue::Launch(at, _) = value
                && of_block.contains(at)
            {
                values.push((*at, *value));
            }
        }
        values.sort_unstable_by_key(|(at, _)| *at);
        for (_, value) in values {
            self.load_launch_value(value);
        }
    }

    /// For each size of access, how many fit into shared memory.
    fn load_shared_limits(&mut self) {
        let mut shifts = Vec::new();
        for site in self.input.body.sites.values() {
            if let SiteKind::Access { bytes, lanes, .. } = site.what {
                shifts.push((bytes * lanes).trailing_zeros() as u8);
            }
        }
        shifts.sort_unstable();
        shifts.dedup();
        for shift in shifts {
            let local = self.local(ValType::I32);
            self.shared_limits.insert(shift, local);
            self.i32(0);
            self.op(W::I32Load(scratch(abi::TOTAL_SHARED, 2)));
            self.i32(u32::from(shift));
            self.op(W::I32ShrU);
            self.set(local);
        }
    }

    /// The local with how many accesses of a size fit into shared memory.
    pub(crate) fn shared_limit(&self, shift: u8) -> u32 {
        let local = self.shared_limits.get(&shift).copied();
        self.require(local, "a limit of shared memory without a local")
    }

    fn load_bounds_caches(&mut self) {
        for cache in self.input.analyses.bounds_caches.all().keys() {
            let base = self.local(ValType::I64);
            let count = self.local(ValType::I64);
            self.bounds_caches
                .insert(cache, CacheLocals { base, count });
            let global = CodegenInput::bounds_cache_global(cache);
            self.op(W::GlobalGet(global));
            self.set(base);
            self.op(W::GlobalGet(global + 1));
            self.set(count);
        }
    }

    fn place_before_first(&mut self) {
        let extent = |emitter: &mut Self, dimension: u32| {
            emitter.i32(0);
            emitter.op(W::I32Load(scratch(abi::NTID + 4 * dimension, 2)));
        };
        let [x, y, z] = self.tid;
        self.get(FIRST_THREAD);
        self.i32(1);
        self.op(W::I32Sub);
        self.set(self.thread);
        self.get(FIRST_THREAD);
        extent(self, 0);
        self.op(W::I32RemU);
        self.i32(1);
        self.op(W::I32Sub);
        self.set(x);
        self.get(FIRST_THREAD);
        extent(self, 0);
        self.op(W::I32DivU);
        extent(self, 1);
        self.op(W::I32RemU);
        self.set(y);
        self.get(FIRST_THREAD);
        extent(self, 0);
        self.op(W::I32DivU);
        extent(self, 1);
        self.op(W::I32DivU);
        self.set(z);
    }
}
