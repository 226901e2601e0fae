//! Uniformity analysis: which registers have the same value in all threads of a lane group, or values a
//! constant offset apart, so that one value stands for all of them. As LLVM's `UniformityAnalysis`, and
//! the affine analysis of Collange, Defour and Zhang ("Dynamic detection of uniform and affine vectors
//! in GPGPU computations", 2009).
//!
//! A lane group runs together as long as its threads take the same control-flow path. Where they
//! diverge, each runs by itself up to the branch's post-dominator; so registers that are written on
//! those paths are divergent from there on (temporal divergence included). The transfer functions of
//! operations are in [`transfer`].

use rustc_hash::FxHashSet as HashSet;

use crate::compile::Unsupported;
use crate::compile::analysis::lane_offsets::LaneOffsets;
use crate::compile::analysis::lane_symmetry::{self, Symmetry};
use crate::compile::analysis::liveness::Liveness;
use crate::compile::analysis::transfer::{self, ALL_ZEROS, Operand};
pub(crate) use crate::compile::analysis::uniformity_lattice::Uniformity;
use crate::compile::cfg::dominators::postdominators;
use crate::compile::ir::entity::EntityMap;
use crate::compile::ir::{
    Arg, BlockId, Body, End, Op, Reg, Space, SpecialValue, SuspendKind, SuspendPoint, Ty,
};
use crate::simt::warp::WarpOp;

use Uniformity::{Divergent, Uniform};

/// The uniformity of all registers.
#[derive(Debug)]
pub(crate) struct UniformityInfo {
    /// `None` where no step writes the register, as far as is known.
    registers: EntityMap<Reg, Option<Uniformity>>,
    /// How many low bits are zeros in the value of a lane group's first thread.
    zeros: EntityMap<Reg, Option<u32>>,
    /// Boolean registers, which only ever hold 0 or 1: where they are divergent, vector code has a mask
    /// of all ones or zeros for each lane.
    booleans: EntityMap<Reg, bool>,
    /// In which lanes of a warp a register is the same.
    symmetry: EntityMap<Reg, Symmetry>,
}

impl UniformityInfo {
    /// That of a kernel whose threads run one at a time: there is nothing to tell apart.
    pub(crate) fn of_single_threads(body: &Body) -> UniformityInfo {
        UniformityInfo {
            registers: EntityMap::for_each(&body.regs, Some(Uniform)),
            zeros: EntityMap::for_each(&body.regs, Some(0)),
            booleans: EntityMap::for_each(&body.regs, false),
            symmetry: EntityMap::for_each(&body.regs, lane_symmetry::NONE),
        }
    }

    pub(crate) fn of(&self, reg: Reg) -> Uniformity {
        match self.registers.get(reg) {
            Some(Some(uniformity)) => *uniformity,
            // No step that a thread can come to writes it: it is zero.
            Some(None) => Uniform,
            None => {
                debug_assert!(false, "{reg} is no register of the kernel");
                Divergent
            }
        }
    }

    pub(crate) fn of_arg(&self, arg: Arg) -> Uniformity {
        arg.reg().map_or(Uniform, |reg| self.of(reg))
    }

    /// An operand of such a uniformity, for the transfer functions.
    fn operand(&self, arg: Arg, uniformity: Uniformity) -> Operand {
        let constant = match arg {
            Arg::Reg(_) => None,
            Arg::I32(bits) | Arg::F32(bits) => Some(i64::from(bits.cast_signed())),
            Arg::I64(bits) | Arg::F64(bits) => Some(bits.cast_signed()),
        };
        Operand {
            uniformity,
            low_zeros: self.zeros_of(arg),
            constant,
        }
    }

    fn zeros_of(&self, arg: Arg) -> u32 {
        match arg {
            // What is not known yet may still have any number.
            Arg::Reg(reg) => {
                let zeros = self.zeros.get(reg).copied().flatten();
                zeros.unwrap_or(ALL_ZEROS)
            }
            arg => match arg.bits() {
                Some(0) | None => ALL_ZEROS,
                Some(bits) => bits.trailing_zeros(),
            },
        }
    }

    /// Says whether that changed what is known.
    fn set_zeros(&mut self, reg: Reg, zeros: u32) -> bool {
        let known = self.zeros.get(reg).copied().flatten();
        let least = known.map_or(zeros, |known| known.min(zeros));
        self.zeros.set(reg, Some(least))
    }

    /// Whether the threads of a lane group can go different ways at the end of a block.
    pub(crate) fn diverges(&self, end: &End) -> bool {
        match end {
            End::Branch(condition, ..) => self.of_arg(*condition) != Uniform,
            End::Table(index, ..) => self.of_arg(*index) != Uniform,
            _ => false,
        }
    }

    /// Adds the register that was made last: a divergent boolean.
    pub(crate) fn add_boolean(&mut self, reg: Reg) {
        self.registers.push(reg, Some(Divergent));
        self.zeros.push(reg, Some(0));
        self.booleans.push(reg, true);
        self.symmetry.push(reg, lane_symmetry::NONE);
    }

    /// In which lanes of a warp a register is the same.
    pub(crate) fn symmetry(&self, reg: Reg) -> Symmetry {
        let symmetry = self.symmetry.get(reg).copied();
        symmetry.unwrap_or(lane_symmetry::NONE)
    }

    fn symmetry_of_arg(&self, arg: Arg) -> Symmetry {
        match arg.reg() {
            Some(reg) if self.registers.get(reg) != Some(&Some(Uniform)) => self.symmetry(reg),
            _ => lane_symmetry::ALL,
        }
    }

    pub(crate) fn is_boolean(&self, reg: Reg) -> bool {
        self.booleans.get(reg) == Some(&true)
    }
}

fn join(a: Option<Uniformity>, b: Uniformity) -> Uniformity {
    match a {
        None => b,
        Some(a) if a == b => a,
        Some(_) => Divergent,
    }
}

/// Finds registers that only ever hold 0 or 1.
fn booleans(body: &Body) -> EntityMap<Reg, bool> {
    let mut booleans = EntityMap::from_fn(&body.regs, |_, ty| *ty == Ty::I32);
    let mut written = EntityMap::for_each(&body.regs, false);
    // The results of suspend points and loads may be any number.
    for reg in body
        .suspend_points
        .values()
        .flat_map(|point| point.results.iter().flatten())
    {
        booleans.set(*reg, false);
    }
    loop {
        let mut changed = false;
        for op in body.blocks.values().flat_map(|block| &block.ops) {
            let holds = |arg: Arg, booleans: &EntityMap<Reg, bool>| match arg {
                Arg::Reg(reg) => booleans.get(reg) == Some(&true),
                Arg::I32(bits) => bits <= 1,
                _ => false,
            };
            let is_boolean = match op {
                Op::Copy(_, a) => holds(*a, &booleans),
                Op::Select(_, _, a, b) => holds(*a, &booleans) && holds(*b, &booleans),
                Op::Binary(opcode, _, a, b) if opcode.is_bool_combine() => {
                    holds(*a, &booleans) && holds(*b, &booleans)
                }
                Op::Binary(opcode, ..) => opcode.is_comparison(),
                _ => false,
            };
            for target in op.targets() {
                written.set(*target, true);
                changed |= !is_boolean && booleans.set(*target, false);
            }
        }
        if !changed {
            break;
        }
    }
    EntityMap::from_fn(&body.regs, |reg, _| {
        booleans.get(reg) == Some(&true) && written.get(reg) == Some(&true)
    })
}

/// The uniformity of what a step writes; `None` while that is not known.
fn uniformity_of(info: &UniformityInfo, lanes: u32, op: &Op) -> Option<Uniformity> {
    let known = |arg: Arg| match arg {
        Arg::Reg(reg) => info.registers.get(reg).copied().flatten(),
        _ => Some(Uniform),
    };
    let all_uniform = |args: &[Arg]| {
        let mut uniformity = Some(Uniform);
        for arg in args {
            uniformity = match (uniformity, known(*arg)) {
                (Some(Uniform), Some(Uniform)) => Some(Uniform),
                (_, Some(Uniformity::Affine(_) | Divergent)) => return Some(Divergent),
                (Some(Divergent), _) => Some(Divergent),
                // Not known yet.
                _ => None,
            };
        }
        uniformity
    };
    match op {
        Op::Copy(_, a) => known(*a),
        Op::Special(_, SpecialValue::Launch(..) | SpecialValue::LaunchPart(..)) => Some(Uniform),
        Op::Special(_, SpecialValue::Thread | SpecialValue::Tid(0)) => {
            Some(Uniformity::Affine(LaneOffsets::stride(1, lanes)))
        }
        Op::Special(_, SpecialValue::Tid(_)) => Some(Uniform),
        Op::Special(_, SpecialValue::Clock) => Some(Divergent),
        Op::Unary(opcode, _, a) => Some(transfer::unary(*opcode, known(*a)?)),
        Op::CanonicalizeNan(_, a) | Op::FlushSubnormal(_, a) => all_uniform(&[*a]),
        Op::Binary(opcode, _, a, b) => {
            let (x, y) = (known(*a)?, known(*b)?);
            let (a, b) = (info.operand(*a, x), info.operand(*b, y));
            Some(transfer::binary(*opcode, a, b))
        }
        Op::Select(_, condition, a, b) => match (known(*condition)?, known(*a)?, known(*b)?) {
            (Uniform, a, b) if a == b => Some(a),
            _ => Some(Divergent),
        },
        Op::Fma(_, a, b, c) => all_uniform(&[*a, *b, *c]),
        Op::Libcall { args, .. } => all_uniform(args),
        Op::Load { place, atomic, .. } => match place.space {
            Space::Local => Some(Divergent),
            // A generic address may be one of local memory, unless a bounds guard rules that out.
            Space::Generic if *atomic || !place.is_near() => Some(Divergent),
            _ => all_uniform(&[place.base]),
        },
        Op::Atomic { .. } | Op::Builtin { .. } => Some(Divergent),
        Op::Collective { op, inputs, .. } => {
            let inputs: Option<Vec<Uniformity>> = inputs.iter().map(|arg| known(*arg)).collect();
            Some(of_collective(*op, &inputs?))
        }
        Op::LoadMatrix(_) => Some(Divergent),
        Op::Store { .. } | Op::CopyAsync(_) | Op::Line(_) => None,
    }
}

/// In which lanes of a warp a step gives the same.
fn symmetry_of(info: &UniformityInfo, op: &Op) -> Symmetry {
    let of = |args: &[Arg]| {
        let symmetries = args.iter().map(|arg| info.symmetry_of_arg(*arg));
        symmetries.fold(lane_symmetry::ALL, |all, one| all & one)
    };
    match op {
        Op::Copy(_, a)
        | Op::Unary(_, _, a)
        | Op::CanonicalizeNan(_, a)
        | Op::FlushSubnormal(_, a) => of(&[*a]),
        Op::Binary(_, _, a, b) => of(&[*a, *b]),
        Op::Select(_, a, b, c) | Op::Fma(_, a, b, c) => of(&[*a, *b, *c]),
        Op::Collective { inputs, .. } if lane_symmetry::butterfly(op).is_some() => {
            of(inputs.get(..1).unwrap_or_default())
        }
        _ => lane_symmetry::NONE,
    }
}

/// The uniformity of what a suspend point gives. A vote of all lanes of a warp says the same to each of
/// them, and the threads of a lane group that is the warp come back together or one by one.
fn uniformity_of_results(point: &SuspendPoint) -> Uniformity {
    match point.kind {
        SuspendKind::Collective(op @ WarpOp::Vote(_)) if point.in_whole_warps => {
            of_collective(op, &[])
        }
        _ => Divergent,
    }
}

/// The uniformity of what a collective of all lanes of a warp gives a lane group that is the warp.
fn of_collective(op: WarpOp, inputs: &[Uniformity]) -> Uniformity {
    match (op, inputs) {
        (WarpOp::Vote(_), _) => Uniform,
        // All read the same lane, or the same value wherever they read.
        (WarpOp::Shuffle(_), [Uniform, Uniform, Uniform]) | (WarpOp::Permute(_), [Uniform]) => {
            Uniform
        }
        _ => Divergent,
    }
}

/// How many low bits are zeros in what the first thread of a lane group gets from a step.
fn zeros_of(info: &UniformityInfo, lanes: u32, op: &Op) -> u32 {
    match op {
        Op::Copy(_, a) => info.zeros_of(*a),
        Op::Unary(opcode, _, a) => transfer::unary_low_zeros(*opcode, info.zeros_of(*a)),
        // Lane groups begin at multiples of their size, in each row of the block.
        Op::Special(_, SpecialValue::Thread | SpecialValue::Tid(0)) => lanes.trailing_zeros(),
        Op::Select(_, _, a, b) => info.zeros_of(*a).min(info.zeros_of(*b)),
        Op::Binary(opcode, _, a, b) => {
            let (a, b) = (info.operand(*a, Uniform), info.operand(*b, Uniform));
            transfer::binary_low_zeros(*opcode, a, b)
        }
        _ => 0,
    }
}

/// Finds the uniformity of all registers: from the bottom of the lattice up, until nothing changes.
///
/// # Errors
/// Where a block goes on at one that does not exist.
pub(crate) fn analyze(body: &Body, live: &Liveness) -> Result<UniformityInfo, Unsupported> {
    let mut info = UniformityInfo {
        registers: EntityMap::for_each(&body.regs, None),
        zeros: EntityMap::for_each(&body.regs, None),
        booleans: booleans(body),
        symmetry: EntityMap::for_each(
            &body.regs,
            match body.whole_warps {
                true => lane_symmetry::ALL,
                false => lane_symmetry::NONE,
            },
        ),
    };
    let reductions = lane_symmetry::reductions(body);
    let set = |info: &mut UniformityInfo, reg: Reg, uniformity: Uniformity| {
        let known = info.registers.get(reg).copied().flatten();
        info.registers.set(reg, Some(join(known, uniformity)))
    };
    for reg in live.at(BlockId::ENTRY) {
        set(&mut info, reg, Uniform);
        info.set_zeros(reg, ALL_ZEROS);
    }
    for point in body.suspend_points.values() {
        let uniformity = uniformity_of_results(point);
        for reg in point.results.iter().flatten() {
            set(&mut info, *reg, uniformity);
            info.set_zeros(*reg, 0);
            // A collective of the whole warp gives the same, and is a step, too.
            if !point.in_whole_warps {
                info.symmetry.set(*reg, lane_symmetry::NONE);
            }
        }
    }
    let postdominators = postdominators(body)?;
    let mut diverged: HashSet<BlockId> = HashSet::default();
    let lanes = body.lanes();
    loop {
        let mut changed = false;
        for (id, block) in body.blocks.iter() {
            for (number, op) in block.ops.iter().enumerate() {
                let zeros = zeros_of(&info, lanes, op);
                for target in op.targets() {
                    changed |= info.set_zeros(*target, zeros);
                }
                let Some(mut uniformity) = uniformity_of(&info, lanes, op) else {
                    continue;
                };
                // A shuffle of one value gives that to all lanes, and tells some that they read outside.
                let is_collective = matches!(op, Op::Collective { .. });
                if body.whole_warps && (uniformity != Uniform || is_collective) {
                    let gained = reductions.get(&(id, number));
                    let symmetry = gained.map_or_else(
                        || symmetry_of(&info, op),
                        |(bit, shuffled)| info.symmetry_of_arg(*shuffled) | bit,
                    );
                    for target in op.targets() {
                        let known = info.symmetry(*target);
                        changed |= info.symmetry.set(*target, known & symmetry);
                    }
                    if gained.is_some() && symmetry == lane_symmetry::ALL {
                        uniformity = Uniform;
                    }
                }
                for target in op.targets() {
                    changed |= set(&mut info, *target, uniformity);
                }
            }
        }
        if changed {
            continue;
        }
        // What threads write between where they diverge and where they reconverge is their own.
        for (id, block) in body.blocks.iter() {
            if !info.diverges(&block.end) || !diverged.insert(id) {
                continue;
            }
            let postdominator = postdominators.get(id).copied().flatten();
            for reg in written_while_diverged(body, live, id, postdominator) {
                changed |= set(&mut info, reg, Divergent);
                changed |= info.symmetry.set(reg, lane_symmetry::NONE);
            }
        }
        if !changed {
            return Ok(info);
        }
    }
}

/// The registers that are written between a branch and its post-dominator, and live there or behind a
/// suspend point on the way.
fn written_while_diverged(
    body: &Body,
    live: &Liveness,
    branch: BlockId,
    postdominator: Option<BlockId>,
) -> Vec<Reg> {
    let mut seen = HashSet::default();
    let mut waiting = body
        .block(branch)
        .map_or_else(Vec::new, |block| block.end.successors());
    let mut written = HashSet::default();
    let mut live_after = HashSet::default();
    if let Some(postdominator) = postdominator {
        live_after.extend(live.at(postdominator));
    }
    while let Some(id) = waiting.pop() {
        if Some(id) == postdominator || !seen.insert(id) {
            continue;
        }
        let Some(block) = body.block(id) else {
            continue;
        };
        for op in &block.ops {
            written.extend(op.targets().iter().copied());
        }
        if let End::Suspend(_, next) = &block.end {
            live_after.extend(live.at(*next));
        }
        waiting.extend(block.end.successors());
    }
    written.intersection(&live_after).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::analysis::liveness;
    use crate::compile::ir::opcodes::Meaning;
    use crate::compile::ir::samples::{Shape, Thread, random};

    /// The most blocks that a lane group or one of its threads runs.
    const MOST_BLOCKS: usize = 40;

    /// A lane group of a random kernel: its threads run in lockstep, and one by one where they diverge.
    struct LaneGroup<'k> {
        body: &'k Body,
        uniformity: &'k UniformityInfo,
        lanes: Vec<Thread>,
        /// What was checked: how often registers were uniform or affine, not all of them zero.
        checked: usize,
    }

    impl LaneGroup<'_> {
        /// Whether the lanes have in a register what the analysis says. Numbers that are extended may
        /// wrap around: there, a guard sends the group to scalar code when the kernel runs.
        fn check(&mut self, reg: Reg, op: Option<&Op>) -> bool {
            let values: Vec<u64> = self
                .lanes
                .iter()
                .map(|lane| lane.arg(Arg::Reg(reg)))
                .collect();
            if self.uniformity.is_boolean(reg) {
                assert!(values.iter().all(|value| *value <= 1), "{reg}: {values:?}");
            }
            let offsets = match self.uniformity.of(reg) {
                Divergent => return true,
                Uniform => LaneOffsets::NONE,
                Uniformity::Affine(offsets) => offsets,
            };
            let mask = if self.body.ty(reg).bytes() == 4 {
                0xffff_ffff
            } else {
                u64::MAX
            };
            let holds = (0u32..).zip(&values).all(|(lane, value)| {
                *value == values[0].wrapping_add_signed(offsets.of(lane)) & mask
            });
            let is_extension = matches!(op, Some(Op::Unary(opcode, ..))
                if matches!(opcode.meaning(), Meaning::ExtendS | Meaning::ExtendU));
            if !holds && is_extension && !offsets.is_none() {
                return false;
            }
            assert!(
                holds,
                "{reg} has {values:?} after {op:?} in {:#?}",
                self.body
            );
            self.checked += usize::from(values.iter().any(|value| *value != 0));
            true
        }

        fn run(&mut self) {
            let liveness = liveness::analyze(self.body).unwrap();
            let postdominators = postdominators(self.body).unwrap();
            let mut block = BlockId::ENTRY;
            for _ in 0..MOST_BLOCKS {
                let contents = self.body.block(block).unwrap();
                for op in &contents.ops {
                    self.lanes.iter_mut().for_each(|lane| lane.step(op));
                    if !op.targets().iter().all(|reg| self.check(*reg, Some(op))) {
                        return;
                    }
                }
                let next: Vec<_> = self
                    .lanes
                    .iter()
                    .map(|lane| lane.next(&contents.end))
                    .collect();
                if next.iter().all(|other| *other == next[0]) {
                    let Some(next) = next[0] else {
                        return;
                    };
                    block = next;
                    continue;
                }
                assert!(self.uniformity.diverges(&contents.end), "{block}");
                let Some(Some(reconvergence)) = postdominators.get(block).copied() else {
                    return;
                };
                for (lane, next) in self.lanes.iter_mut().zip(next) {
                    let mut at = next.unwrap();
                    let mut left = MOST_BLOCKS;
                    while at != reconvergence {
                        let contents = self.body.block(at).unwrap();
                        contents.ops.iter().for_each(|op| lane.step(op));
                        left -= 1;
                        match lane.next(&contents.end) {
                            Some(next) if left > 0 => at = next,
                            _ => return,
                        }
                    }
                }
                block = reconvergence;
                for reg in liveness.at(reconvergence) {
                    self.check(reg, None);
                }
            }
        }
    }

    #[test]
    fn the_lanes_of_a_group_have_what_the_analysis_says_wherever_they_run_together() {
        let mut rng = fastrand::Rng::with_seed(2);
        let mut checked = 0;
        for _ in 0..2000 {
            let shape = Shape {
                blocks: rng.u32(1..8),
                ops_per_block: 8,
                suspends: false,
            };
            let mut body = random(&mut rng, &shape);
            body.whole_warps = rng.bool();
            let uniformity = analyze(&body, &liveness::analyze(&body).unwrap()).unwrap();
            let first = body.lanes() * rng.u32(..32);
            let lanes = (first..first + body.lanes()).map(|number| Thread {
                number,
                ..Thread::default()
            });
            let mut group = LaneGroup {
                body: &body,
                uniformity: &uniformity,
                lanes: lanes.collect(),
                checked: 0,
            };
            group.run();
            checked += group.checked;
        }
        assert!(checked > 2000, "{checked}");
    }
}
