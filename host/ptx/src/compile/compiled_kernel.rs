//! A compiled kernel: its module of WebAssembly, and what its runtime needs to know of it.

use std::borrow::Cow;

// Keys are numbers that this compiler gave: nobody outside can choose them to collide.
use rustc_hash::FxHashMap as HashMap;

use crate::compile::abi::{Layout, PAGE};
use crate::compile::ir::{Body, LibcallId};

/// A compiled kernel.
#[derive(Debug)]
pub struct CompiledKernel {
    pub(crate) wasm: Vec<u8>,
    pub(crate) kernel: String,
    pub(crate) body: Body,
    pub(crate) layout: Layout,
    /// The limits of bounds guards of shared memory; see
    /// [`Limits`](crate::compile::analysis::bounds_guards::Limits).
    pub(crate) limits: Vec<(u8, u64)>,
    pub(crate) param_bytes: u32,
    pub(crate) dynamic_shared: u32,
    pub(crate) effort: usize,
    pub(crate) bounds_guards: usize,
    /// The resume index of each suspend point.
    pub(crate) resume_after: HashMap<u32, u32>,
    /// Why threads run one at a time.
    pub(crate) scalar_reason: Option<Cow<'static, str>>,
}

impl CompiledKernel {
    /// The module. It imports functions of a module `host`; see
    /// [`CompiledLaunch`](crate::exec::CompiledLaunch).
    #[must_use]
    pub fn wasm(&self) -> &[u8] {
        &self.wasm
    }

    /// The module, for an embedder that keeps what it makes of it: it is here no more.
    #[must_use]
    pub fn take_wasm(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.wasm)
    }

    /// Where in scratch memory the interrupt flag lies, a word that is not zero where a running kernel
    /// is to return at its next back edge. It begins the last page: nothing else is there.
    #[must_use]
    pub fn interrupt_flag(&self) -> usize {
        self.layout.interrupt as usize
    }

    /// How large scratch memory is.
    #[must_use]
    pub fn scratch_bytes(&self) -> usize {
        self.layout.interrupt as usize + PAGE as usize
    }

    /// How many threads run together in vectors, as long as they do not diverge.
    #[must_use]
    pub fn lanes(&self) -> u32 {
        if self.scalar_reason.is_some() {
            1
        } else {
            self.body.lanes()
        }
    }

    /// Why threads run one at a time, where they do.
    #[must_use]
    pub fn scalar_reason(&self) -> Option<&str> {
        self.scalar_reason.as_deref()
    }

    /// How many steps it has, of which each becomes a few instructions.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.body.len()
    }

    /// How many bounds guards its vector code has.
    #[must_use]
    pub fn bounds_guards(&self) -> usize {
        self.bounds_guards
    }

    /// How much work an engine has with it, in units of one step of a plain kernel; some hundred take
    /// a millisecond. Edges of its control flow and values that are live across many calls take long,
    /// whatever the steps are; and each kernel takes some. Of more than
    /// [`MOST_EFFORT`](crate::compile::MOST_EFFORT), nothing is compiled.
    #[must_use]
    pub fn effort(&self) -> usize {
        self.effort
    }

    /// The import `libcall`: what the interpreter's function of this number makes of operands that the
    /// module does not compute with itself; `None` where there is no such function.
    #[must_use]
    pub fn libcall(&self, number: u32, operands: [u64; 4]) -> Option<u64> {
        let libcall = self.body.libcalls.get(LibcallId(number))?;
        Some(libcall.call(operands))
    }
}
