//! Runs a launch: its blocks, in slices, on the stream's own thread and, where that takes long, on
//! others. It ends when the blocks have ended, or the context is broken; an endless kernel never
//! does, but leaves the machine to others.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use tensor_wasm_ptx::interpret::{InterpretedBlock, InterpretedLaunch};
use tensor_wasm_ptx::simt::{Fault, Progress};

use crate::code::Code;
use crate::context::Context;
use crate::device;
use crate::memory::View;
use crate::switches::{self, Act};
use crate::sync::lock;
use crate::turns;

/// Instructions of a block before another one's turn.
const STEPS: u64 = 1 << 16;

/// For so long, the thread that waits for the kernel runs it.
const PATIENCE: Duration = Duration::from_micros(500);

/// After so long, a kernel's threads step back behind others of this machine.
const LONG: Duration = Duration::from_millis(100);

/// So many blocks take turns, as on a device, where those that run at once may wait for one
/// another; and so many bytes of their state.
const MOST_BLOCKS: u64 = 256;
const MOST_BYTES: u64 = 256 << 20;

struct Grid<'a> {
    context: &'a Context,
    launch: &'a InterpretedLaunch,
    most_begun: u64,
    state: Mutex<GridState>,
    error: OnceLock<Code>,
    /// Whether a block waits for ever.
    hangs: AtomicBool,
}

#[derive(Default)]
struct GridState {
    /// The first block that has not begun.
    next: u64,
    /// How many have begun and not ended, and those of them that wait for their turn.
    begun: u64,
    waiting: VecDeque<Box<InterpretedBlock>>,
}

/// Runs a launch, and breaks the context where the kernel does something wrong.
pub(crate) fn run(context: &Context, kernel: &str, launch: &InterpretedLaunch) {
    let latency = switches::get().launch_latency;
    if !latency.is_zero() {
        std::thread::sleep(latency);
    }
    for rule in &switches::get().faults {
        if rule.applies(kernel)
            && let Act::Fail { code, .. } = rule.act
        {
            return context.fail(code);
        }
    }
    let grid = Grid {
        context,
        launch,
        most_begun: (MOST_BYTES / launch.block_bytes().max(1)).clamp(1, MOST_BLOCKS),
        state: Mutex::default(),
        error: OnceLock::new(),
        hangs: AtomicBool::new(false),
    };
    grid.work_for(PATIENCE);
    if !grid.is_done() {
        std::thread::scope(|scope| {
            let most = usize::try_from(launch.launch().blocks()).unwrap_or(usize::MAX);
            for _ in 0..device::processors().min(most) {
                let started = std::thread::Builder::new()
                    .name("cuda blocks".to_owned())
                    .spawn_scoped(scope, || grid.work());
                if started.is_err() {
                    context.fail(Code::OPERATING_SYSTEM);
                }
            }
        });
    }
    while grid.hangs.load(Ordering::Relaxed) && !grid.is_over() {
        std::thread::sleep(Duration::from_millis(1));
    }
    if let Some(code) = grid.error.get() {
        context.fail(*code);
    }
}

impl Grid<'_> {
    /// Runs blocks for so long, on the thread that waits for them.
    fn work_for(&self, time: Duration) {
        let end = Instant::now() + time;
        let mut worker = Worker::new(self);
        while Instant::now() < end && worker.slice() {}
    }

    /// Runs blocks as long as there are any, and makes way for what takes less time.
    fn work(&self) {
        let begun = Instant::now();
        let mut worker = Worker::new(self);
        let mut polite = false;
        loop {
            let turn = turns::take();
            let goes_on = worker.slice();
            drop(turn);
            if !goes_on {
                return;
            }
            if !polite && begun.elapsed() > LONG {
                polite = true;
                turns::be_polite();
            }
        }
    }

    /// Whether all blocks have ended, or will not.
    fn is_done(&self) -> bool {
        let state = lock(&self.state);
        let ended = state.next >= self.launch.launch().blocks() && state.begun == 0;
        ended || self.is_over()
    }

    /// The next block to run; `ended` is one whose memory may be used again.
    fn take(&self, ended: Option<Box<InterpretedBlock>>) -> Option<Box<InterpretedBlock>> {
        if self.is_over() {
            return None;
        }
        let mut state = lock(&self.state);
        if state.next >= self.launch.launch().blocks() || state.begun >= self.most_begun {
            return state.waiting.pop_front();
        }
        let index = self.launch.launch().block_index(state.next);
        state.next += 1;
        state.begun += 1;
        drop(state);
        let Some(mut block) = ended else {
            return Some(Box::new(InterpretedBlock::new(self.launch, index)));
        };
        block.restart(self.launch, index);
        Some(block)
    }

    fn is_over(&self) -> bool {
        self.error.get().is_some() || self.context.check().is_err()
    }
}

/// One thread at work on a grid.
struct Worker<'a> {
    grid: &'a Grid<'a>,
    memory: View,
    ended: Option<Box<InterpretedBlock>>,
}

impl<'a> Worker<'a> {
    fn new(grid: &'a Grid<'a>) -> Worker<'a> {
        Worker {
            grid,
            memory: grid.context.memory.view(),
            ended: None,
        }
    }

    /// Gives one block a turn; false where there is none left for this thread.
    fn slice(&mut self) -> bool {
        let Some(mut block) = self.grid.take(self.ended.take()) else {
            return false;
        };
        match block.run(self.grid.launch, &self.memory, STEPS) {
            Ok(Progress::Done) => {
                lock(&self.grid.state).begun -= 1;
                self.ended = Some(block);
            }
            Ok(Progress::Yielded) => lock(&self.grid.state).waiting.push_back(block),
            Err(fault) => match error(&fault, &self.memory) {
                Some(code) => {
                    let _ = self.grid.error.set(code);
                }
                // Threads that wait for one another do so for ever on a device: the block has
                // begun, and will not end.
                None => self.grid.hangs.store(true, Ordering::Relaxed),
            },
        }
        true
    }
}

/// The driver's error for what a kernel did; `None` where a device would hang.
fn error(fault: &Fault, memory: &View) -> Option<Code> {
    if let Some(code) = memory.error() {
        return Some(code);
    }
    let says = |text: &str| fault.message.contains(text);
    if says("waits for ever") {
        return None;
    }
    Some(if says("is not aligned") {
        Code::MISALIGNED_ADDRESS
    } else if says("an access of") || says("read-only") {
        Code::ILLEGAL_ADDRESS
    } else {
        Code::LAUNCH_FAILED
    })
}
