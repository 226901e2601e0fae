//! Runs of loads and sums, four or two threads at a time.
//!
//! A step after the other for all threads of a group, what is loaded for later steps takes more
//! vectors than there are. So a few steps are done for the first threads, then for the next.

use crate::compile::analysis::coalescing::coalesced;
use crate::compile::analysis::lane_offsets::LaneOffsets;
use crate::compile::analysis::uniformity::Uniformity;
use crate::compile::codegen::vector::{Emitter, VECTOR_LANES};
use crate::compile::ir::{Arg, Op, Place, Reg, Ty};

/// The most loads of a run: what they load is held at once, beside the sums.
const MOST_LOADS: usize = 8;

/// The most steps of a run: looking for one takes time that grows with their square.
const MOST_STEPS: usize = 128;

/// A step of a run.
enum Step<'b> {
    /// The same for all threads, or known to be apart, and done before the others.
    Common,
    /// A vector of each thread's own element.
    Load(&'b Place, Reg, u8),
    Copy(Reg, Arg),
    Fma(Reg, [Arg; 3]),
    Line,
}

impl<'k> Emitter<'k> {
    /// What a step is in a run of numbers of this type; `None` where it ends the run.
    fn step_of_run(&self, op: &'k Op, ty: Ty) -> Option<Step<'k>> {
        let fits = |reg: Reg| self.shared.body.ty(reg) == ty;
        let varies = |reg: Reg| fits(reg) && self.shared.classes.of(reg) == Uniformity::Divergent;
        let common = |reg: &Reg| self.shared.classes.of(*reg) != Uniformity::Divergent;
        match op {
            Op::Line(_) => Some(Step::Line),
            Op::Unary(..) | Op::Binary(..) | Op::Select(..) | Op::Copy(..) | Op::Fma(..)
                if op.targets().iter().all(common) =>
            {
                Some(Step::Common)
            }
            Op::Copy(target, a) => varies(*target).then_some(Step::Copy(*target, *a)),
            Op::Fma(target, a, b, c) => varies(*target).then_some(Step::Fma(*target, [*a, *b, *c])),
            Op::Load {
                place,
                targets,
                bytes,
                ..
            } => {
                let [target] = *targets.as_slice() else {
                    return None;
                };
                let apart = coalesced(self.shared.body, self.shared.classes, op)?;
                if apart.is_none() {
                    return common(&target).then_some(Step::Common);
                }
                let whole = varies(target) && u32::from(*bytes) == ty.bytes();
                whole.then_some(Step::Load(place, target, *bytes))
            }
            _ => None,
        }
    }

    /// The steps of a run with which a block goes on; none where it is not worth one.
    fn run<'o>(&self, ops: &'o [&'k Op]) -> Option<(&'o [&'k Op], Ty)> {
        let Op::Load { targets, .. } = ops.first()? else {
            return None;
        };
        let ty = self.shared.body.ty(*targets.first()?);
        if !ty.is_float() {
            return None;
        }
        let (mut loads, mut sums) = (0, 0);
        // What the threads have in common is computed first: the steps before must not see it.
        let mut seen: Vec<Reg> = Vec::new();
        // Later threads may take what was loaded for earlier ones: it has to be there still.
        let mut loaded: Vec<Reg> = Vec::new();
        let mut count = 0;
        // A run ends behind a sum, so that no load is made for the run behind it.
        for (number, op) in ops.iter().take(MOST_STEPS).enumerate() {
            let Some(step) = self.step_of_run(op, ty) else {
                break;
            };
            if matches!(op, Op::Load { .. }) {
                loads += 1;
                if loads > MOST_LOADS {
                    break;
                }
            }
            let writes_one_of = |regs: &[Reg]| op.targets().iter().any(|reg| regs.contains(reg));
            if writes_one_of(&loaded) {
                break;
            }
            match step {
                Step::Common if writes_one_of(&seen) => break,
                Step::Common => continue,
                Step::Load(_, target, _) => loaded.push(target),
                Step::Fma(..) => sums += 1,
                Step::Copy(..) | Step::Line => {}
            }
            op.each_arg(|arg| seen.extend(arg.reg()));
            seen.extend(op.targets());
            if matches!(step, Step::Fma(..) | Step::Copy(..)) {
                count = number + 1;
            }
        }
        (loaded.len() > 1 && sums > 1).then_some((ops.get(..count)?, ty))
    }

    /// Writes the run with which a block goes on, if there is one, and leaves the steps behind it.
    pub(crate) fn group_run<'o>(&mut self, ops: &'o [&'k Op]) -> Option<&'o [&'k Op]> {
        let (run, ty) = self.run(ops)?;
        for op in run {
            if matches!(self.step_of_run(op, ty), Some(Step::Common | Step::Line)) {
                self.group_step(op);
            }
        }
        let made = last_made(run);
        for chunk in 0..VECTOR_LANES * ty.bytes() / 16 {
            for op in run {
                match self.step_of_run(op, ty) {
                    Some(Step::Load(place, target, bytes)) => {
                        let apart = coalesced(self.shared.body, self.shared.classes, op);
                        let (elements, base) =
                            self.begin_access(place, apart.unwrap_or(LaneOffsets::NONE), bytes);
                        self.load_word(elements, target, base, chunk);
                    }
                    Some(Step::Copy(target, a)) => {
                        self.chunk(a, chunk);
                        self.set_chunk(target, chunk);
                    }
                    Some(Step::Fma(target, [a, b, c])) => {
                        // The engine overwrites the first factor: not what all chunks share.
                        let (a, b) = match self.class(a) {
                            Uniformity::Divergent => (a, b),
                            _ => (b, a),
                        };
                        self.fma_chunk(target, [a, b, c], chunk);
                    }
                    Some(Step::Line) => self.step(op),
                    Some(Step::Common) | None => {}
                }
            }
            for reg in &made {
                self.compute_chunk(*reg, ty, chunk);
            }
        }
        ops.get(run.len()..)
    }
}

/// What a run computes and does not use itself.
fn last_made(run: &[&Op]) -> Vec<Reg> {
    let mut made: Vec<Reg> = Vec::new();
    for op in run {
        op.each_arg(|arg| made.retain(|reg| arg != Arg::Reg(*reg)));
        if let Op::Fma(target, ..) | Op::Copy(target, _) = op {
            made.retain(|reg| reg != target);
            made.push(*target);
        }
    }
    made
}
