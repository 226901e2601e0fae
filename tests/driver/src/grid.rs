//! Runs a launch: its blocks, in slices, on the stream's own thread and, where that takes long, on
//! others that help. It ends when the blocks have ended, or the context is broken; an endless
//! kernel never does.

use std::collections::VecDeque;
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use tensor_wasm_ptx::interpret::{Block, Fault, Launch, Progress};

use crate::code::Code;
use crate::context::Context;
use crate::device;
use crate::memory::View;
use crate::switches::{self, Act};
use crate::sync::lock;

/// Instructions of a block before another one's turn.
const STEPS: u64 = 1 << 16;

/// After so long, the stream's thread looks for help.
const PATIENCE: Duration = Duration::from_micros(500);

/// So many blocks take turns, as on a device, where those that run at once may wait for one
/// another; and so many bytes of their state.
const MOST_BLOCKS: u64 = 256;
const MOST_BYTES: u64 = 256 << 20;

struct Grid<'a> {
    context: &'a Context,
    launch: &'a Launch,
    most_begun: u64,
    state: Mutex<State>,
    error: OnceLock<Code>,
}

#[derive(Default)]
struct State {
    /// The first block that has not begun.
    next: u64,
    /// How many have begun and not ended, and those of them that wait for their turn.
    begun: u64,
    waiting: VecDeque<Box<Block>>,
}

/// Runs a launch, and breaks the context where the kernel does something wrong.
pub(crate) fn run(context: &Context, kernel: &str, launch: &Launch) {
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
    };
    std::thread::scope(|scope| {
        let begun = Instant::now();
        let mut helped = false;
        grid.work(|| {
            if helped || begun.elapsed() < PATIENCE {
                return;
            }
            helped = true;
            for _ in 1..device::processors().min(usize::try_from(launch.blocks()).unwrap_or(1)) {
                // Without help it takes longer.
                let _ = std::thread::Builder::new()
                    .name("cuda blocks".to_owned())
                    .spawn_scoped(scope, || grid.work(|| {}));
            }
        });
    });
    if let Some(code) = grid.error.get() {
        context.fail(*code);
    }
}

impl Grid<'_> {
    /// Runs blocks as long as there are any; `between` is called after each slice.
    fn work(&self, mut between: impl FnMut()) {
        let memory = self.context.memory.view();
        let mut ended = None;
        while let Some(mut block) = self.take(ended.take()) {
            let progress = block.run(self.launch, &memory, STEPS);
            between();
            match progress {
                Ok(Progress::Done) => {
                    lock(&self.state).begun -= 1;
                    ended = Some(block);
                }
                Ok(Progress::Yielded) => lock(&self.state).waiting.push_back(block),
                Err(fault) => {
                    if let Some(code) = error(&fault, &memory) {
                        let _ = self.error.set(code);
                        return;
                    }
                    // Threads that wait for one another do so for ever on a device.
                    while !self.is_over() {
                        std::thread::sleep(Duration::from_millis(1));
                    }
                    return;
                }
            }
        }
    }

    /// The next block to run; `ended` is one whose memory may be used again.
    fn take(&self, ended: Option<Box<Block>>) -> Option<Box<Block>> {
        if self.is_over() {
            return None;
        }
        let mut state = lock(&self.state);
        if state.next >= self.launch.blocks() || state.begun >= self.most_begun {
            return state.waiting.pop_front();
        }
        let index = self.launch.block_index(state.next);
        state.next += 1;
        state.begun += 1;
        drop(state);
        let Some(mut block) = ended else {
            return Some(Box::new(Block::new(self.launch, index)));
        };
        block.restart(self.launch, index);
        Some(block)
    }

    fn is_over(&self) -> bool {
        self.error.get().is_some() || self.context.check().is_err()
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
