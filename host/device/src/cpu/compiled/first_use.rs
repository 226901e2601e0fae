//! Kernels are compiled at their first use: when a launch of one is queued, not when its module is
//! loaded. The launch waits in its queue meanwhile, and other queues go on.
//!
//! However many launches of however many tenants wait for a kernel, one thread compiles it. Each of
//! them asks for a thread in its own tenant's turn, and the first one that gets it compiles: so no
//! tenant waits until another one's turn comes. Where no launch is left that waits, the compilation
//! ends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tensor_wasm_ptx::Module;
use tensor_wasm_ptx::compile::UnsupportedKind;

use super::kept::Evict;
use super::{KernelEngine, LinkedKernel, compile, fallback_log, is_interpreted_by_request};
use crate::identity::SessionId;
use crate::sync::lock;

/// How launches of a kernel run: by its code, or in the interpreter.
pub(crate) type Known = Option<Arc<LinkedKernel>>;

/// A launch that waits for its kernel.
pub(crate) trait WaitingLaunch: Send {
    /// Whether it waits still.
    fn is_waiting(&self) -> bool;
    /// It is known how the kernel runs.
    fn proceed(self: Box<Self>, known: Known);
}

/// What became of a module's kernels that were used. It lives as long as the module.
#[derive(Default)]
pub(super) struct ModuleKernels {
    slots: Mutex<HashMap<usize, Arc<KernelSlot>>>,
}

impl ModuleKernels {
    pub(super) fn slot(&self, entry: usize) -> Arc<KernelSlot> {
        Arc::clone(lock(&self.slots).entry(entry).or_default())
    }
}

/// What became of one kernel.
#[derive(Default)]
pub(crate) struct KernelSlot {
    state: Mutex<SlotState>,
}

impl std::fmt::Debug for KernelSlot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KernelSlot").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct SlotState {
    kernel: KernelState,
    waiting: Vec<Box<dyn WaitingLaunch>>,
}

#[derive(Default)]
enum KernelState {
    /// It was not used yet, or not for so long that its code is gone.
    #[default]
    Unused,
    /// A thread compiles it.
    Compiling,
    Compiled(Arc<LinkedKernel>),
    /// It can't be compiled.
    Interpreted,
}

/// What is to be compiled.
pub(crate) struct CompileJob {
    pub(crate) module: Arc<Module>,
    /// The kernel's name.
    pub(crate) kernel: String,
    pub(crate) engine: Arc<KernelEngine>,
    /// The session that pays for it.
    pub(crate) session: SessionId,
}

impl KernelSlot {
    /// How the kernel runs, where that is known; otherwise the launch is told once it is. Its caller
    /// then has a thread call [`compile`](KernelSlot::compile).
    pub(crate) fn known_or_wait(
        &self,
        launch: impl FnOnce() -> Box<dyn WaitingLaunch>,
    ) -> Option<Known> {
        let mut state = lock(&self.state);
        let kernel = match &state.kernel {
            KernelState::Compiled(kernel) => Arc::clone(kernel),
            KernelState::Interpreted => return Some(None),
            KernelState::Unused | KernelState::Compiling => {
                if state.waiting.len().is_power_of_two() {
                    // Those whose instance has ended.
                    state.waiting.retain(|launch| launch.is_waiting());
                }
                state.waiting.push(launch());
                return None;
            }
        };
        drop(state);
        kernel.place.touch();
        Some(Some(kernel))
    }

    /// Compiles the kernel, unless that was done, another thread does it, or no launch waits for it.
    /// Returns whether the thread worked on it.
    pub(crate) fn compile(self: &Arc<Self>, job: &CompileJob) -> bool {
        let mut state = lock(&self.state);
        if !matches!(state.kernel, KernelState::Unused) || !state.is_awaited() {
            return false;
        }
        state.kernel = KernelState::Compiling;
        drop(state);
        let claim = Claim { slot: self };
        let slot = Arc::downgrade(self);
        let Some(place) = job.engine.kept().reserve(job.session, slot) else {
            tracing::debug!(
                kernel = job.kernel,
                "a kernel is interpreted: there are too many compiled ones in use"
            );
            claim.settle(KernelState::Unused, None);
            return true;
        };
        let is_cancelled = || !lock(&self.state).is_awaited();
        loop {
            match compile(&job.module, &job.kernel, &job.engine, &is_cancelled) {
                Ok((compiled, linked)) => {
                    let kernel = Arc::new(LinkedKernel::new(compiled, linked, place));
                    kernel.place.fill(kernel.bytes());
                    let known = Some(Arc::clone(&kernel));
                    claim.settle(KernelState::Compiled(kernel), known);
                    return true;
                }
                Err(reason) if reason.kind == UnsupportedKind::Cancelled => {
                    let mut state = lock(&self.state);
                    // Another launch may have come meanwhile.
                    if !state.is_awaited() {
                        state.kernel = KernelState::Unused;
                        std::mem::forget(claim);
                        return true;
                    }
                }
                Err(reason) => {
                    if !is_interpreted_by_request() {
                        fallback_log::tell(&job.kernel, &reason);
                    }
                    claim.settle(KernelState::Interpreted, None);
                    return true;
                }
            }
        }
    }

    #[cfg(test)]
    pub(super) fn is_compiled(&self) -> bool {
        matches!(lock(&self.state).kernel, KernelState::Compiled(_))
    }

    fn settle(&self, kernel: KernelState, known: &Known) {
        let mut state = lock(&self.state);
        state.kernel = kernel;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        for launch in waiting {
            launch.proceed(known.clone());
        }
    }
}

impl Evict for KernelSlot {
    fn evict(&self) {
        let mut state = lock(&self.state);
        let code = match &state.kernel {
            KernelState::Compiled(kernel) if Arc::strong_count(kernel) == 1 => {
                std::mem::take(&mut state.kernel)
            }
            _ => return,
        };
        drop(state);
        // The kernel's place takes the lock of all places.
        drop(code);
    }
}

impl SlotState {
    fn is_awaited(&self) -> bool {
        self.waiting.iter().any(|launch| launch.is_waiting())
    }
}

/// A thread's duty to say what became of a kernel. Dropped, as by a panic, it says that the kernel is
/// interpreted.
struct Claim<'s> {
    slot: &'s KernelSlot,
}

impl Claim<'_> {
    fn settle(self, kernel: KernelState, known: Known) {
        self.slot.settle(kernel, &known);
        std::mem::forget(self);
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.slot.settle(KernelState::Interpreted, &None);
    }
}
