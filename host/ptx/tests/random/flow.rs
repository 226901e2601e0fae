//! Kernels of arbitrary control flow: blocks in any order with any edges between them, so loops that
//! nest, that share heads, that have several exits and that are entered at their middle, and jump
//! tables.
//!
//! There are two kinds of such graphs. In one, all threads of the block decide alike, so barriers and
//! operations of whole warps may stand in any of its blocks, and any branch may skip them; whether the
//! compiler can see that they decide alike is another choice. In the other, each thread decides for
//! itself, and nobody waits; such a graph stands in a block of the first kind. Each cycle passes a
//! counter of fuel, so that every thread ends. A jump table may be too short: the fault is the same then.

use super::{Choices, REGISTERS, Step, Writer};

/// Blocks of a graph in which all threads decide alike, and of one in which each decides for itself.
const UNIFORM_BLOCKS: usize = 9;
const DIVERGENT_BLOCKS: usize = 6;

/// How often a thread goes back in each kind of graph, at most.
const UNIFORM_FUEL: usize = 14;
const DIVERGENT_FUEL: usize = 9;

/// What decides where a block goes on.
#[derive(Clone, Copy, Debug)]
enum Decider {
    /// A register that all threads compute from what they have in common.
    Uniform,
    /// The same for all threads, but loaded by each of them, so that nobody can know.
    Loaded,
    /// A register of each thread's own.
    Divergent,
}

/// How a block ends. A target behind the last block is the graph's end.
#[derive(Clone, Debug)]
enum Exit {
    Jump(usize),
    /// By a bit.
    Branch(Decider, usize, [usize; 2]),
    /// By a bit, where the branch falls through to a jump.
    Skip(Decider, usize, [usize; 2]),
    /// By a number; and whether it may also be one past the list, which is a fault.
    Table(Decider, usize, Vec<usize>, bool),
}

impl Exit {
    fn targets(&self) -> &[usize] {
        match self {
            Exit::Jump(target) => std::slice::from_ref(target),
            Exit::Branch(_, _, targets) | Exit::Skip(_, _, targets) => targets,
            Exit::Table(_, _, targets, _) => targets,
        }
    }
}

#[derive(Clone, Debug)]
struct FlowBlock {
    steps: Vec<Step>,
    exit: Exit,
}

/// A graph of blocks, entered at the first one.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    blocks: Vec<FlowBlock>,
    /// Whether all threads decide alike.
    is_uniform: bool,
}

impl Choices<'_> {
    fn exit(&mut self, blocks: usize, is_uniform: bool) -> Exit {
        let how = self.below(8);
        let decider = match (is_uniform, self.below(3)) {
            (true, 0) => Decider::Loaded,
            (true, _) => Decider::Uniform,
            (false, _) => Decider::Divergent,
        };
        let bit = self.below(8);
        let mut target = || self.below(blocks + 1);
        match how {
            0 => Exit::Jump(target()),
            1 | 2 => {
                let targets = [target(), target(), target(), target()];
                let count = 2 + how;
                let targets = targets[..count].to_vec();
                Exit::Table(decider, bit, targets, self.below(24) == 1)
            }
            3 | 4 => Exit::Skip(decider, bit, [target(), target()]),
            _ => Exit::Branch(decider, bit, [target(), target()]),
        }
    }

    /// A step that all threads of the block, or of each warp, take together.
    fn uniform_step(&mut self) -> Step {
        let (to, from) = (self.register(), self.register());
        let other = (from + 1) % REGISTERS;
        let text = match self.below(16) {
            0..3 => return self.together(),
            3..5 => return Step::Flow(self.flow(false)),
            5 => return self.step(1),
            6 => return self.step(0),
            7 => format!("bar.sync {};", 1 + self.below(3)),
            8 => format!("bar.red.popc.u32 %r{to}, 0, %p{from};"),
            9 => format!("bar.red.and.pred %p{to}, 0, %p{from};"),
            10 => "bar.warp.sync -1;".to_owned(),
            11 => {
                let how = ["add.u32", "min.s32", "max.u32", "xor.b32"][self.below(4)];
                format!("redux.sync.{how} %r{to}, %r{from}, -1;")
            }
            12 => format!("match.any.sync.b32 %r{to}, %r{from}, -1;"),
            13 => format!("match.all.sync.b32 %r{to}|%p{other}, %r{from}, -1;"),
            14 => {
                let how = ["all", "any", "uni"][self.below(3)];
                format!("vote.sync.{how}.pred %p{to}, %p{from}, -1;")
            }
            _ => "bar.sync 0;".to_owned(),
        };
        Step::Text(text)
    }

    fn flow(&mut self, is_uniform: bool) -> Flow {
        let most = if is_uniform {
            UNIFORM_BLOCKS
        } else {
            DIVERGENT_BLOCKS
        };
        let count = 1 + self.below(most);
        let blocks = (0..count).map(|_| {
            let steps = match (is_uniform, self.below(4)) {
                (_, 0) => Vec::new(),
                (true, more) => (0..more).map(|_| self.uniform_step()).collect(),
                (false, more) => (1..more).map(|_| self.step(0)).collect(),
            };
            let exit = self.exit(count, is_uniform);
            FlowBlock { steps, exit }
        });
        Flow {
            blocks: blocks.collect(),
            is_uniform,
        }
    }

    /// A kernel whose outermost level is a graph.
    pub(super) fn kernel_of_flow(&mut self) -> Vec<Step> {
        vec![Step::Flow(self.flow(true))]
    }
}

impl Writer {
    pub(super) fn flow(&mut self, flow: &Flow) {
        let name = self.label();
        let label = |block: usize| format!("{name}_{block}");
        let (state, fuel, most) = if flow.is_uniform {
            ("%uniform", "%fuel", UNIFORM_FUEL)
        } else {
            ("%own_state", "%own_fuel", DIVERGENT_FUEL)
        };
        let count = flow.blocks.len();
        self.put(&format!("mov.u32 {fuel}, {most};"));
        for (number, block) in flow.blocks.iter().enumerate() {
            self.put(&format!("{}:", label(number)));
            // What a thread computes tells which blocks it came through.
            let step = 1_013_904_223 + number;
            self.put(&format!("mad.lo.u32 {state}, {state}, 1664525, {step};"));
            self.steps(&block.steps);
            if block.exit.targets().iter().any(|target| *target <= number) {
                self.put(&format!("sub.u32 {fuel}, {fuel}, 1;"));
                self.put(&format!("setp.eq.u32 %q, {fuel}, 0;"));
                self.put(&format!("@%q bra {};", label(count)));
            }
            match &block.exit {
                Exit::Jump(target) => self.put(&format!("bra {};", label(*target))),
                Exit::Branch(decider, bit, [yes, no]) => {
                    self.decide(*decider, *bit, 2);
                    self.put("setp.ne.u32 %q, %t, 0;");
                    self.put(&format!("@%q bra {};\nbra {};", label(*yes), label(*no)));
                }
                Exit::Skip(decider, bit, [yes, no]) => {
                    self.decide(*decider, *bit, 2);
                    self.put("setp.eq.u32 %q, %t, 0;");
                    self.put(&format!("@!%q bra {};", label(*yes)));
                    // Where it is the next one, without a jump.
                    if *no != number + 1 {
                        self.put(&format!("bra {};", label(*no)));
                    }
                }
                Exit::Table(decider, bit, targets, may_fault) => {
                    let labels: Vec<String> = targets.iter().map(|target| label(*target)).collect();
                    let table = format!("{}_table", label(number));
                    self.put(&format!("{table}: .branchtargets {};", labels.join(", ")));
                    self.decide(*decider, *bit, targets.len() + usize::from(*may_fault));
                    self.put(&format!("brx.idx %t, {table};"));
                }
            }
        }
        self.put(&format!("{}:", label(count)));
    }

    /// Leaves a number below `ways` in `%t`.
    fn decide(&mut self, decider: Decider, bit: usize, ways: usize) {
        let state = match decider {
            Decider::Uniform | Decider::Loaded => "%uniform",
            Decider::Divergent => "%own_state",
        };
        self.put(&format!("shr.u32 %t, {state}, {};", 12 + bit));
        if matches!(decider, Decider::Loaded) {
            self.put("xor.b32 %t, %t, %loaded;");
        }
        self.put(&format!("rem.u32 %t, %t, {ways};"));
    }
}

/// Registers of kernels with graphs.
pub(super) const HEAD: &str = "\
.reg .b32 %uniform, %loaded, %fuel, %own_state, %own_fuel;
mad.lo.u32 %uniform, %r0, 2654435761, %r2;
add.s64 %u, %in, 4096;
mul.wide.u32 %d1, %r1, 4;
add.s64 %u, %u, %d1;
ld.global.u32 %loaded, [%u];
mad.lo.u32 %own_state, %r1, 40503, %r4;
";

/// What threads came through goes into what they store.
pub(super) const TAIL: &str = "\
xor.b32 %r0, %r0, %own_state;
add.u32 %r1, %r1, %uniform;
";
