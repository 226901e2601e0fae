//! What a thread of a kernel knows of itself, as ordinary Rust: while a kernel runs on the
//! processor, its thread has a context. Outside of kernels these functions panic.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use bytemuck::Pod;

use crate::launch::Extent;

/// The number of threads of a warp.
pub(super) const WARP: usize = 32;

thread_local! {
    static CONTEXT: RefCell<Option<Thread>> = const { RefCell::new(None) };
}

/// A thread of a kernel.
#[derive(Clone, Debug)]
pub(super) struct Thread {
    pub index: Extent,
    pub block: Extent,
    pub block_size: Extent,
    pub grid_size: Extent,
    /// The place of the thread in its block, in the order of warps.
    pub linear: usize,
    pub buffers: Arc<Vec<Memory>>,
    pub team: Arc<Team>,
}

impl Thread {
    pub fn buffer(&self, number: usize) -> Memory {
        self.buffers.get(number).cloned().unwrap_or_default()
    }

    /// Memory of the block, which its first thread allocates.
    pub fn shared(&self, place: &'static str, bytes: usize) -> Memory {
        let mut shared = lock(&self.team.shared);
        let memory = shared
            .entry(place)
            .or_insert_with(|| Memory::new(vec![0; bytes]));
        memory.clone()
    }
}

/// Bytes that threads share.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory(Arc<Mutex<Vec<u8>>>);

impl Memory {
    pub fn new(bytes: Vec<u8>) -> Memory {
        Memory(Arc::new(Mutex::new(bytes)))
    }

    pub fn len(&self) -> usize {
        lock(&self.0).len()
    }

    pub fn read<T: Pod>(&self, index: usize) -> T {
        self.update(index, |value| value)
    }

    /// Replaces a value, and returns the old one.
    pub fn update<T: Pod>(&self, index: usize, f: impl FnOnce(T) -> T) -> T {
        let mut bytes = lock(&self.0);
        let size = size_of::<T>();
        let len = bytes.len() / size.max(1);
        let start = index.checked_mul(size);
        let range = start.and_then(|start| bytes.get_mut(start..start.checked_add(size)?));
        let Some(range) = range else {
            drop(bytes);
            panic!("index out of bounds: the len is {len} but the index is {index}");
        };
        let old: T = bytemuck::pod_read_unaligned(range);
        range.copy_from_slice(bytemuck::bytes_of(&f(old)));
        old
    }

    pub fn copy_to(&self, target: &mut [u8]) {
        target.copy_from_slice(&lock(&self.0));
    }
}

/// The threads of a block. One runs at a time, until it waits for others or ends; so a kernel does
/// the same each time.
#[derive(Debug, Default)]
pub(super) struct Team {
    shared: Mutex<HashMap<&'static str, Memory>>,
    state: Mutex<State>,
    /// One for each thread.
    turns: Vec<Condvar>,
}

#[derive(Debug, Default)]
struct State {
    running: usize,
    threads: Vec<Status>,
    /// What the lanes of each warp gave to the last exchange.
    exchanged: Vec<[Option<u64>; WARP]>,
    /// Why no thread can go on.
    failed: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Status {
    Ready,
    AtBarrier,
    /// In an exchange of its warp, with a value.
    InWarp(u64),
    Done,
}

impl Team {
    pub fn new(threads: usize) -> Team {
        Team {
            shared: Mutex::default(),
            state: Mutex::new(State {
                running: 0,
                threads: vec![Status::Ready; threads],
                exchanged: vec![[None; WARP]; threads.div_ceil(WARP)],
                failed: None,
            }),
            turns: (0..threads).map(|_| Condvar::new()).collect(),
        }
    }

    /// Waits until it is this thread's turn.
    pub fn begin(&self, thread: usize) {
        drop(self.wait(lock(&self.state), thread));
    }

    /// Lets the others go on. `has_panicked` ends them.
    pub fn end(&self, thread: usize, has_panicked: bool) {
        let mut state = lock(&self.state);
        if has_panicked {
            state
                .failed
                .get_or_insert("another thread of the block has stopped the kernel");
        }
        self.suspend(&mut state, thread, Status::Done);
    }

    fn barrier(&self, thread: usize) {
        let mut state = lock(&self.state);
        self.suspend(&mut state, thread, Status::AtBarrier);
        drop(self.wait(state, thread));
    }

    /// Gives a value to the warp, and gets those of all lanes.
    fn exchange(&self, thread: usize, value: u64) -> [Option<u64>; WARP] {
        let mut state = lock(&self.state);
        self.suspend(&mut state, thread, Status::InWarp(value));
        let state = self.wait(state, thread);
        state
            .exchanged
            .get(thread / WARP)
            .copied()
            .unwrap_or([None; WARP])
    }

    fn wait<'s>(&self, mut state: MutexGuard<'s, State>, thread: usize) -> MutexGuard<'s, State> {
        loop {
            if let Some(reason) = state.failed {
                drop(state);
                panic!("{reason}");
            }
            if state.running == thread {
                return state;
            }
            let Some(turn) = self.turns.get(thread) else {
                return state;
            };
            state = turn.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes a thread out, and chooses the next one.
    fn suspend(&self, state: &mut State, thread: usize, status: Status) {
        if let Some(slot) = state.threads.get_mut(thread) {
            *slot = status;
        }
        let count = state.threads.len();
        state.release();
        let next = (1..=count)
            .map(|distance| (thread + distance) % count)
            .find(|next| state.threads.get(*next) == Some(&Status::Ready));
        match next {
            Some(next) => state.running = next,
            None if state.threads.iter().all(|status| *status == Status::Done) => {}
            None => {
                state.failed.get_or_insert(
                    "the threads of the block wait for one another: not all of them reach the same barrier, or the same operation of their warp",
                );
            }
        }
        match (state.failed, self.turns.get(state.running)) {
            (None, Some(turn)) => turn.notify_one(),
            _ => self.turns.iter().for_each(Condvar::notify_one),
        }
    }
}

impl State {
    /// Lets threads go on that have all arrived.
    fn release(&mut self) {
        for (warp, lanes) in self.threads.chunks_mut(WARP).enumerate() {
            let is_complete = lanes
                .iter()
                .all(|lane| matches!(lane, Status::InWarp(_) | Status::Done));
            if !is_complete || lanes.iter().all(|lane| *lane == Status::Done) {
                continue;
            }
            let mut values = [None; WARP];
            for (value, lane) in values.iter_mut().zip(lanes) {
                if let Status::InWarp(given) = *lane {
                    *value = Some(given);
                    *lane = Status::Ready;
                }
            }
            if let Some(exchanged) = self.exchanged.get_mut(warp) {
                *exchanged = values;
            }
        }
        // As on a device, threads that have ended are not waited for.
        let waits = |status: &Status| matches!(status, Status::AtBarrier | Status::Done);
        if self.threads.iter().all(waits) {
            for status in &mut self.threads {
                if *status == Status::AtBarrier {
                    *status = Status::Ready;
                }
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic of a kernel leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes this the thread of a kernel.
pub(super) fn enter(thread: Option<Thread>) {
    CONTEXT.with(|context| *context.borrow_mut() = thread);
}

/// What the thread of a kernel knows.
pub(super) fn context<R>(f: impl FnOnce(&Thread) -> R) -> R {
    CONTEXT.with(|context| match &*context.borrow() {
        Some(thread) => f(thread),
        None => panic!("this is for kernels: run them by their `native` function"),
    })
}

fn team() -> (Arc<Team>, usize) {
    context(|thread| (Arc::clone(&thread.team), thread.linear))
}

/// Waits until all threads of the block are here. What they have written before, all can read then.
pub fn barrier() {
    let (team, thread) = team();
    team.barrier(thread);
}

/// Functions of x, y and z.
macro_rules! axes {
    ($($(#[doc = $doc:expr])* $name:ident $axis:ident = |$thread:ident| $value:expr;)*) => {$(
        $(#[doc = $doc])*
        pub fn $name() -> u32 {
            super::context(|$thread| $value)
        }
    )*};
}

/// The index of the thread.
pub mod thread {
    axes! {
        /// The index of the thread in its block, along x.
        index_x x = |thread| thread.index.x;
        /// The index of the thread in its block, along y.
        index_y y = |thread| thread.index.y;
        /// The index of the thread in its block, along z.
        index_z z = |thread| thread.index.z;
        /// The index of the thread in the grid, along x.
        global_x x = |thread| thread.block.x.wrapping_mul(thread.block_size.x).wrapping_add(thread.index.x);
        /// The index of the thread in the grid, along y.
        global_y y = |thread| thread.block.y.wrapping_mul(thread.block_size.y).wrapping_add(thread.index.y);
        /// The index of the thread in the grid, along z.
        global_z z = |thread| thread.block.z.wrapping_mul(thread.block_size.z).wrapping_add(thread.index.z);
    }
}

/// The index and the size of the block.
pub mod block {
    axes! {
        /// The index of the block in the grid, along x.
        index_x x = |thread| thread.block.x;
        /// The index of the block in the grid, along y.
        index_y y = |thread| thread.block.y;
        /// The index of the block in the grid, along z.
        index_z z = |thread| thread.block.z;
        /// The number of threads of a block, along x.
        size_x x = |thread| thread.block_size.x;
        /// The number of threads of a block, along y.
        size_y y = |thread| thread.block_size.y;
        /// The number of threads of a block, along z.
        size_z z = |thread| thread.block_size.z;
    }
}

/// The size of the grid.
pub mod grid {
    axes! {
        /// The number of blocks, along x.
        size_x x = |thread| thread.grid_size.x;
        /// The number of blocks, along y.
        size_y y = |thread| thread.grid_size.y;
        /// The number of blocks, along z.
        size_z z = |thread| thread.grid_size.z;
    }
}

/// The 32 threads of a block that follow one another, which exchange values without memory. All of
/// them must call the same function.
pub mod warp {
    use super::{WARP, team};
    use crate::kernel::number::Number;
    use bytemuck::Pod;

    fn exchange<T: Pod>(value: T, lane_of: impl FnOnce(usize) -> Option<usize>) -> T {
        let (team, thread) = team();
        let mut word = [0; 8];
        if let Some(bytes) = word.get_mut(..size_of::<T>()) {
            bytes.copy_from_slice(bytemuck::bytes_of(&value));
        }
        let all = team.exchange(thread, u64::from_le_bytes(word));
        let lane = lane_of(thread % WARP);
        let found = lane.and_then(|lane| all.get(lane).copied().flatten());
        match found {
            // A lane that is not there leaves the value as it was.
            None => value,
            Some(word) => bytemuck::pod_read_unaligned(
                word.to_le_bytes().get(..size_of::<T>()).unwrap_or_default(),
            ),
        }
    }

    /// The place of the thread in its warp, from 0 to 31.
    pub fn lane() -> u32 {
        (team().1 % WARP) as u32
    }

    /// Waits until all threads of the warp are here, and orders their accesses of memory.
    pub fn barrier() {
        exchange(0u32, |_| None);
    }

    /// The value of the lane with this number.
    pub fn shuffle<T: Pod>(value: T, lane: u32) -> T {
        exchange(value, |_| Some(lane as usize % WARP))
    }

    /// The value of the lane that is `distance` before; in the first lanes, the value itself.
    pub fn shuffle_up<T: Pod>(value: T, distance: u32) -> T {
        exchange(value, |lane| lane.checked_sub(distance as usize))
    }

    /// The value of the lane that is `distance` behind; in the last lanes, the value itself.
    pub fn shuffle_down<T: Pod>(value: T, distance: u32) -> T {
        exchange(value, |lane| {
            lane.checked_add(distance as usize)
                .filter(|lane| *lane < WARP)
        })
    }

    /// The value of the lane whose number differs in these bits.
    pub fn shuffle_xor<T: Pod>(value: T, bits: u32) -> T {
        exchange(value, |lane| {
            Some(lane ^ bits as usize).filter(|lane| *lane < WARP)
        })
    }

    /// The lanes whose condition is true, as bits.
    pub fn ballot(condition: bool) -> u32 {
        let (team, thread) = team();
        let all = team.exchange(thread, condition.into());
        let bits = all
            .iter()
            .enumerate()
            .filter(|(_, value)| **value == Some(1));
        bits.fold(0, |bits, (lane, _)| bits | 1 << lane)
    }

    /// Whether the condition is true in any lane.
    pub fn any(condition: bool) -> bool {
        ballot(condition) != 0
    }

    /// Whether the condition is true in all lanes.
    pub fn all(condition: bool) -> bool {
        ballot(!condition) == 0
    }

    /// Each lane gets the same: five exchanges, with the lane at a distance of 16, 8, 4, 2 and 1.
    fn reduce<T: Number>(value: T, combine: fn(T, T) -> T) -> T {
        let distances = [16, 8, 4, 2, 1];
        distances.into_iter().fold(value, |value, distance| {
            combine(value, shuffle_xor(value, distance))
        })
    }

    /// The sum of the values of all lanes.
    pub fn sum<T: Number>(value: T) -> T {
        reduce(value, T::plus)
    }

    /// The least value of all lanes.
    pub fn min<T: Number>(value: T) -> T {
        reduce(value, T::least)
    }

    /// The greatest value of all lanes.
    pub fn max<T: Number>(value: T) -> T {
        reduce(value, T::greatest)
    }
}

/// Functions that the hardware approximates (`docs/numerics.md` has the errors). As ordinary Rust
/// they are exact, so their last bits differ from those on a device.
pub mod fast {
    /// e to this power.
    pub fn exp(x: f32) -> f32 {
        x.exp()
    }

    /// 2 to this power.
    pub fn exp2(x: f32) -> f32 {
        x.exp2()
    }

    /// The natural logarithm.
    pub fn ln(x: f32) -> f32 {
        x.ln()
    }

    /// The logarithm to base 2.
    pub fn log2(x: f32) -> f32 {
        x.log2()
    }

    /// The sine of an angle in radians.
    pub fn sin(x: f32) -> f32 {
        x.sin()
    }

    /// The cosine of an angle in radians.
    pub fn cos(x: f32) -> f32 {
        x.cos()
    }

    /// The hyperbolic tangent.
    pub fn tanh(x: f32) -> f32 {
        x.tanh()
    }

    /// One through the square root.
    pub fn rsqrt(x: f32) -> f32 {
        1.0 / x.sqrt()
    }

    /// One through this number.
    pub fn recip(x: f32) -> f32 {
        1.0 / x
    }

    /// The square root.
    pub fn sqrt(x: f32) -> f32 {
        x.sqrt()
    }

    /// The quotient.
    pub fn div(x: f32, y: f32) -> f32 {
        x / y
    }

    /// `x`, which is not negative, to the power of `y`.
    pub fn powf(x: f32, y: f32) -> f32 {
        x.powf(y)
    }
}
