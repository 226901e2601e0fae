//! One launch while it runs: which blocks have begun, which wait for a thread,
//! how long it has run, and whether it is to stop.

mod blocks;

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use tensor_wasm_ptx::exec::{CompiledBlock, CompiledLaunch};
use tensor_wasm_ptx::interpret::{InterpretedBlock, InterpretedLaunch};
use tensor_wasm_ptx::simt::{Launch, Progress};

use blocks::{
    BATCH_TIME, Begun, DealtBlocks, FreshBlocks, MOST_BLOCKS, Piece, SHORTEST_BATCH_TIME,
    blocks_in, in_time,
};

use super::compiled::{self, Instance, Known, LinkedKernel, Outcome};
use super::slice::SLICE;
use super::stopwatch::Stopwatch;
use crate::launch::PackedArguments;
use crate::memory::{AddressMap, View};
use crate::meter::LaunchCharge;
use crate::sync::lock;
use crate::{Buffer, Error, LaunchConfig, Output};

/// Instructions between two checks of the time and of the stop flag: some hundred
/// microseconds.
const STEPS: u64 = 8192;

/// A launch of which a block's state takes more than this, in bytes, is exclusive in its
/// session: so a tenant's begun blocks take bounded memory, however many
/// queues it has.
const LARGE_BLOCK: u64 = 4 << 20;

/// A launch, shared by the threads that work on it.
pub(crate) struct Grid {
    launch: Arc<Launch>,
    execution: Arc<Execution>,
    /// Made when a block is interpreted for the first time.
    interpreted: OnceLock<InterpretedLaunch>,
    kernel: crate::Kernel,
    context: GridContext,
    /// Those that the arguments point to, so that they outlive the launch.
    _buffers: Vec<Buffer>,
    charge: Option<LaunchCharge>,
    blocks: u64,
    stop: AtomicBool,
    state: Mutex<GridState>,
}

/// How a launch runs: by its kernel's code, or in the interpreter. It is known once the kernel was
/// compiled, or found not to be.
pub(crate) struct Execution {
    launch: Arc<Launch>,
    known: OnceLock<Option<(Arc<LinkedKernel>, Arc<CompiledLaunch>)>>,
}

impl Execution {
    /// Whether it is known.
    pub(crate) fn is_known(&self) -> bool {
        self.known.get().is_some()
    }

    /// It is known now.
    pub(crate) fn set(&self, known: Known) {
        self.known.get_or_init(|| {
            let kernel = known?;
            let compiled = Arc::clone(kernel.compiled());
            let launch = CompiledLaunch::new(compiled, Arc::clone(&self.launch))?;
            Some((kernel, Arc::new(launch)))
        });
    }

    fn compiled(&self) -> Option<&(Arc<LinkedKernel>, Arc<CompiledLaunch>)> {
        self.known.get()?.as_ref()
    }
}

/// What all launches of a queue have in common.
#[derive(Clone)]
pub(crate) struct GridContext {
    /// The tenant's device memory.
    pub(crate) map: Arc<AddressMap>,
    /// Where kernels print.
    pub(crate) output: Option<Arc<dyn Output>>,
    /// How long a launch may run.
    pub(crate) time_limit: Duration,
    /// How many threads the device has.
    pub(crate) threads: usize,
}

#[derive(Default)]
struct GridState {
    dealt: DealtBlocks,
    watch: Stopwatch,
    failure: Option<Error>,
}

/// Work for one thread.
pub(crate) struct Claim {
    piece: Piece,
    deadline: Option<Instant>,
}

impl Grid {
    /// # Errors
    /// [`Error::InvalidLaunch`] where the interpreter refuses the launch.
    pub(crate) fn new(
        kernel: crate::Kernel,
        config: LaunchConfig,
        arguments: PackedArguments,
        context: GridContext,
    ) -> Result<Grid, Error> {
        let module = kernel.module();
        let launch = Launch::new(
            Arc::clone(module.parsed()),
            kernel.name(),
            config.grid,
            config.block,
            config.shared_bytes,
            arguments.bytes,
            module.symbols(),
        )
        .map_err(|error| Error::InvalidLaunch(format!("kernel `{}`: {error}", kernel.name())))?;
        let launch = Arc::new(launch);
        let execution = Execution {
            launch: Arc::clone(&launch),
            known: OnceLock::new(),
        };
        if context.map.is_checked() {
            // A checked kernel is interpreted.
            execution.set(None);
        }
        Ok(Grid {
            execution: Arc::new(execution),
            blocks: launch.blocks(),
            launch,
            interpreted: OnceLock::new(),
            kernel,
            context,
            _buffers: arguments.buffers,
            charge: arguments.charge,
            stop: AtomicBool::new(false),
            state: Mutex::default(),
        })
    }

    /// How it runs.
    pub(crate) fn execution(&self) -> &Arc<Execution> {
        &self.execution
    }

    /// A thread has worked on it for so long.
    pub(crate) fn charge(&self, time: Duration) {
        if let Some(charge) = &self.charge {
            charge.add(time);
        }
    }

    /// No thread will work on it any more.
    pub(crate) fn settle_charge(&self) {
        if let Some(charge) = &self.charge {
            charge.settle();
        }
    }

    /// What is launched.
    pub(crate) fn kernel(&self) -> &crate::Kernel {
        &self.kernel
    }

    /// The launch as the interpreter runs it. It has a table of constants, so launches that wait in
    /// queues do without.
    fn interpreted(&self) -> &InterpretedLaunch {
        self.interpreted.get_or_init(|| {
            let launch = Arc::clone(&self.launch);
            match self.context.map.is_checked() {
                true => InterpretedLaunch::checked(launch),
                false => InterpretedLaunch::new(launch),
            }
        })
    }

    /// Whether it is exclusive in its session.
    pub(crate) fn is_exclusive(&self) -> bool {
        self.block_bytes() > LARGE_BLOCK
    }

    /// How many bytes the state of a block takes that has begun.
    pub(crate) fn block_bytes(&self) -> u64 {
        match self.context.map.is_checked() {
            true => InterpretedLaunch::checked_block_bytes(&self.launch),
            false => self.launch.block_bytes(),
        }
    }

    /// How many blocks have begun and wait for a thread.
    pub(crate) fn parked(&self) -> usize {
        lock(&self.state).dealt.parked.len()
    }

    /// Whether another thread would find work here.
    pub(crate) fn is_open(&self) -> bool {
        !self.is_stopped() && self.execution.is_known() && {
            lock(&self.state).dealt.is_open(self.blocks)
        }
    }

    /// Takes work for one thread, which owes a [`slice`](Grid::slice) for it.
    pub(crate) fn claim(&self) -> Option<Claim> {
        if self.is_stopped() || !self.execution.is_known() {
            return None;
        }
        let mut state = lock(&self.state);
        let piece = state.dealt.take(self.blocks, 1, 1)?;
        let deadline = state.watch.begin(Instant::now(), self.context.time_limit);
        Some(Claim { piece, deadline })
    }

    /// Works for about a slice.
    pub(crate) fn slice(&self, claim: Claim) {
        let _at_work = AtWork(self);
        let started = Instant::now();
        let slice = Slice {
            started,
            deadline: claim.deadline,
        };
        let view = self.view();
        let mut piece = Some(claim.piece);
        if let Some((kernel, launch)) = self.execution.compiled() {
            if !view.is_whole() {
                kernel.tell_unused(self.kernel.name());
            }
            let begun = match &piece {
                Some(Piece::Parked(Begun::Compiled(_))) => true,
                Some(Piece::Fresh(_)) => view.is_whole(),
                _ => false,
            };
            if begun {
                let work = |instance: &mut Instance| {
                    if let Some(piece) = piece.take() {
                        self.compiled_slice(instance, launch, piece, &slice);
                    }
                };
                let goes_on = || self.is_open();
                if compiled::with_instance(kernel, launch, view, work, goes_on).is_some() {
                    return;
                }
            }
        }
        match piece {
            Some(Piece::Fresh(blocks)) => {
                self.give_back(blocks.rest);
                let index = self.launch.block_index(blocks.first);
                let block = InterpretedBlock::new(self.interpreted(), index);
                self.interpreted_slice(Box::new(block), &slice);
            }
            Some(Piece::Parked(Begun::Interpreted(block))) => self.interpreted_slice(block, &slice),
            // Its instance is gone and no other can be had.
            Some(Piece::Parked(Begun::Compiled(_))) => self.fail(Error::DeviceLost(
                "the host has no memory to go on with this kernel".to_owned(),
            )),
            None => {}
        }
    }

    /// Device memory as the kernel sees it, and where it prints.
    fn view(&self) -> View {
        let view = self.context.map.view();
        view.printing(self.context.output.clone())
    }

    fn interpreted_slice(&self, mut block: Box<InterpretedBlock>, slice: &Slice) {
        let memory = self.view();
        let launch = self.interpreted();
        while !self.is_stopped() {
            let progress = match block.run(launch, &memory, STEPS) {
                Ok(progress) => progress,
                Err(fault) => {
                    if block.finding().is_some() {
                        tracing::warn!(%fault, "a check of kernels found a mistake");
                    }
                    return self.fail(Error::Fault(fault));
                }
            };
            let done = matches!(progress, Progress::Done);
            if done && !self.is_open() {
                return;
            }
            let now = Instant::now();
            if slice.is_too_late(now) {
                return self.fail(self.deadline_exceeded());
            }
            let over = slice.is_over(now);
            if over && !done {
                return self.park(Begun::Interpreted(block));
            }
            if over {
                return;
            }
            if done {
                let piece = lock(&self.state).dealt.take(self.blocks, 1, 1);
                match piece {
                    Some(Piece::Parked(Begun::Interpreted(next))) => block = next,
                    Some(Piece::Parked(other)) => return self.park(other),
                    Some(Piece::Fresh(blocks)) => {
                        // What compiled code has given back may be several.
                        self.give_back(blocks.rest);
                        block.restart(launch, self.launch.block_index(blocks.first));
                    }
                    None => return,
                }
            }
        }
    }

    fn compiled_slice(
        &self,
        instance: &mut Instance,
        launch: &Arc<CompiledLaunch>,
        piece: Piece,
        slice: &Slice,
    ) {
        let (mut block, mut rest) = match piece {
            Piece::Parked(Begun::Compiled(block)) => (block, 0..0),
            Piece::Parked(other) => return self.park(other),
            Piece::Fresh(FreshBlocks { first, rest }) => {
                let index = self.launch.block_index(first);
                let mut block = Box::new(CompiledBlock::new(Arc::clone(launch), index));
                block.restart(index, blocks_in(&rest));
                (block, rest)
            }
        };
        // How many blocks were taken last, and when.
        let (mut batch, mut began) = (1, slice.started);
        while !self.is_stopped() {
            let done = match instance.run(&mut block) {
                Outcome::Done => true,
                Outcome::Yielded => false,
                Outcome::Failed(error) => return self.fail(error),
            };
            // A kernel may have run through several.
            rest.start = rest.end - u64::from(block.more());
            // The time is checked when the ticker says so, or a batch is done.
            if done
                && !instance.is_over()
                && let Some(next) = rest.next()
            {
                block.restart(self.launch.block_index(next), blocks_in(&rest));
                continue;
            }
            if done && rest.is_empty() && !self.is_open() {
                return;
            }
            let now = Instant::now();
            if slice.is_too_late(now) {
                return self.fail(self.deadline_exceeded());
            }
            if slice.is_over(now) {
                self.give_back(rest);
                if !done {
                    instance.park(&mut block);
                    self.park(Begun::Compiled(block));
                }
                return;
            }
            if done && let Some(next) = rest.next() {
                block.restart(self.launch.block_index(next), blocks_in(&rest));
            } else if done {
                // More blocks, as long as they are short and enough is left for others.
                let took = now.duration_since(began);
                let least = in_time(SHORTEST_BATCH_TIME, batch, took);
                let most = if took < BATCH_TIME / 4 {
                    (batch * 4).min(MOST_BLOCKS)
                } else {
                    in_time(BATCH_TIME, batch, took)
                };
                began = now;
                match lock(&self.state).dealt.take(self.blocks, least, most) {
                    Some(Piece::Parked(Begun::Compiled(next))) => (block, batch) = (next, 1),
                    Some(Piece::Parked(other)) => return self.park(other),
                    Some(Piece::Fresh(blocks)) => {
                        rest = blocks.rest;
                        batch = 1 + rest.end - rest.start;
                        let first = self.launch.block_index(blocks.first);
                        block.restart(first, blocks_in(&rest));
                    }
                    None => return,
                }
            }
        }
    }

    fn park(&self, block: Begun) {
        lock(&self.state).dealt.parked.push_back(block);
    }

    /// Leaves blocks to another thread.
    fn give_back(&self, blocks: Range<u64>) {
        if !blocks.is_empty() {
            lock(&self.state).dealt.returned.push_back(blocks);
        }
    }

    /// Ends the launch; its threads notice within some hundred microseconds.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    /// Ends the launch with an error; the first one counts.
    pub(crate) fn fail(&self, mut error: Error) {
        if let Error::Fault(fault) = &mut error
            && let Some(line) = fault.line
            && let Some(place) = self.launch.module().source_line(line)
        {
            // Where the text says what it was compiled from.
            let _ = write!(fault.message, " ({}:{})", place.file, place.line);
        }
        lock(&self.state).failure.get_or_insert(error);
        self.stop();
    }

    pub(crate) fn take_failure(&self) -> Option<Error> {
        lock(&self.state).failure.take()
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    fn deadline_exceeded(&self) -> Error {
        Error::DeadlineExceeded(format!(
            "kernel `{}` ran longer than the {:?} that this tenant's kernels may take; split its work over several launches, or ask the operator for a longer limit",
            self.kernel.name(),
            self.context.time_limit
        ))
    }
}

/// What a thread's slice must keep to.
struct Slice {
    started: Instant,
    deadline: Option<Instant>,
}

impl Slice {
    fn is_over(&self, now: Instant) -> bool {
        now.duration_since(self.started) >= SLICE
    }

    fn is_too_late(&self, now: Instant) -> bool {
        self.deadline.is_some_and(|deadline| now >= deadline)
    }
}

/// A thread's time at work, which ends even where the interpreter panics.
struct AtWork<'a>(&'a Grid);

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        lock(&self.0.state).watch.end(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::testing::{at_once, loaded_kernel, manual_device, one_thread};
    use crate::{Extent, Limits};

    /// Each block of it prints once.
    const PRINTS: &str = "
        .version 7.0
        .target sm_70
        .address_size 64
        .extern .func (.param .b32 r) vprintf (.param .b64 format, .param .b64 values);
        .visible .entry prints()
        {
            .local .align 4 .b32 text;
            .reg .b32 %r<2>;
            .reg .b64 %rd<3>;
            mov.b32 %r1, 0x2e;
            st.local.b32 [text], %r1;
            mov.b64 %rd1, text;
            cvta.local.u64 %rd1, %rd1;
            mov.b64 %rd2, 0;
            {
                .param .b64 format;
                .param .b64 values;
                .param .b32 r;
                st.param.b64 [format], %rd1;
                st.param.b64 [values], %rd2;
                call.uni (r), vprintf, (format, values);
            }
            ret;
        }";

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Output for Count {
        fn print(&self, _: &[u8]) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn an_interpreting_thread_leaves_no_block_out_that_compiled_code_has_given_back() {
        let device = manual_device(1 << 20);
        let lease = device.device.session(Limits::default()).lease();
        at_once(lease.open()).unwrap();
        let kernel = loaded_kernel(&device, &lease, PRINTS, "prints");
        let printed = Arc::new(Count::default());
        let context = GridContext {
            map: Arc::new(AddressMap::new(false)),
            output: Some(printed.clone()),
            time_limit: Duration::from_secs(60),
            threads: 1,
        };
        let arguments = PackedArguments {
            bytes: Vec::new(),
            buffers: Vec::new(),
            charge: None,
        };
        let config = LaunchConfig {
            grid: Extent { x: 9, y: 1, z: 1 },
            ..one_thread()
        };
        let grid = Grid::new(kernel, config, arguments, context).unwrap();
        grid.execution().set(None);
        let claim = grid.claim().unwrap();
        lock(&grid.state).dealt.next = 9;
        grid.give_back(1..9);
        grid.slice(claim);
        // A slice may end before all are run.
        while let Some(claim) = grid.claim() {
            grid.slice(claim);
        }
        assert!(grid.take_failure().is_none());
        assert_eq!(printed.0.load(Ordering::Relaxed), 9);
    }
}
