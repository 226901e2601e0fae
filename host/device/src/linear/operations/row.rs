//! How kernels are cut that compute each row by itself: by a warp, several of which are a block, or by a
//! block of several warps where rows are long.

use super::OperationLaunches;
use super::ptx::Combine;
use crate::linear::kernel::load_factor;
use crate::{Argument, Element, Extent, LaunchConfig};

/// Threads of a warp.
const WARP: u32 = 32;

/// The warps of a block.
const WARPS: u32 = 8;

/// From how many columns on a row is computed by a block.
const LONG_ROW: u64 = 2048;

/// The blocks that a grid may have along x.
const MOST_BLOCKS: u64 = i32::MAX as u64;

/// The threads that share a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum RowThreads {
    Warp,
    Block,
}

impl RowThreads {
    pub(super) fn of(columns: u64) -> RowThreads {
        match columns < LONG_ROW {
            true => RowThreads::Warp,
            false => RowThreads::Block,
        }
    }

    /// How many they are.
    pub(super) fn count(self) -> u32 {
        match self {
            RowThreads::Warp => WARP,
            RowThreads::Block => WARP * WARPS,
        }
    }

    /// The rows of a block.
    fn rows(self) -> u32 {
        match self {
            RowThreads::Warp => WARPS,
            RowThreads::Block => 1,
        }
    }

    /// What all threads of a row make of a value of each.
    pub(super) fn combine(self, combine: Combine) -> String {
        match self {
            RowThreads::Warp => combine.in_block(1),
            RowThreads::Block => combine.in_block(WARPS),
        }
    }

    /// The shared memory that [`combine`](RowThreads::combine) needs.
    pub(super) fn shared(self) -> Vec<(&'static str, u32)> {
        match self {
            RowThreads::Warp => Vec::new(),
            RowThreads::Block => vec![("parts", 8 * WARPS)],
        }
    }

    /// Finds a thread's row, `%row`, of the `%rows`, or ends the thread; its place in the row is `%t`.
    pub(super) fn begin(self) -> String {
        // What is the same in all threads of a warp has registers of its own: the processor's compiler looks
        // at registers and not at what is in them at a time.
        format!(
            "    mov.u32 %t, %tid.x;
    mov.u32 %within, %tid.y;
    mov.u32 %block, %ctaid.x;
    mad.wide.u32 %row, %block, {rows}, 0;
    cvt.u64.u32 %x, %within;
    add.u64 %row, %row, %x;
    setp.ge.u64 %p, %row, %rows;
    @%p bra DONE;
",
            rows = self.rows()
        )
    }

    /// A loop of each thread over its columns, `%c`, below `end`.
    pub(super) fn each_column(self, label: &str, end: &str, body: &str) -> String {
        self.columns("    mov.u32 %c, %t;\n", label, end, body)
    }

    /// The same, with the first column computed by `first`.
    pub(super) fn columns(self, first: &str, label: &str, end: &str, body: &str) -> String {
        format!(
            "{first}{label}:
    setp.ge.u32 %p, %c, {end};
    @%p bra {label}_DONE;
{body}    add.u32 %c, %c, {count};
    bra {label};
{label}_DONE:
",
            count = self.count()
        )
    }

    /// The launches over all rows: `arguments` are told from which row on, and how many.
    pub(super) fn launches<'a>(
        self,
        rows: u64,
        arguments: impl Fn(u64, u64) -> Vec<Argument> + Send + 'a,
    ) -> OperationLaunches<'a> {
        let in_block = u64::from(self.rows());
        let most = MOST_BLOCKS * in_block;
        let firsts = (0..rows.div_ceil(most)).map(move |part| part * most);
        let launch = move |first: u64| {
            let count = most.min(rows - first);
            let config = LaunchConfig {
                grid: Extent {
                    x: count.div_ceil(in_block) as u32,
                    y: 1,
                    z: 1,
                },
                block: Extent {
                    x: self.count(),
                    y: self.rows(),
                    z: 1,
                },
                shared_bytes: 0,
            };
            (config, arguments(first, count))
        };
        Box::new(firsts.map(launch))
    }
}

/// Loads the element of column `%c` of the row at `base` into a register, by way of `%at`.
pub(super) fn load(element: Element, register: &str, base: &str) -> String {
    format!(
        "    mad.wide.u32 %at, %c, {}, {base};\n    {}\n",
        element.factor_bytes(),
        load_factor(element, register, "%at")
    )
}

/// The registers that all of these kernels use.
pub(super) const REGISTERS: [(&str, &str); 6] = [
    ("pred", "%p"),
    ("b16", "%h"),
    ("b32", "%u, %w, %t, %c"),
    ("b32", "%within, %block"),
    ("b64", "%row, %x, %at"),
    ("f32", "%v, %y, %e"),
];
