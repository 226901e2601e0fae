//! Strip mining: runs of loads and sums are done for one chunk of lanes, then for the next.
//!
//! With each step done for all lanes before the next one, what is loaded for later steps takes more
//! vectors than the processor has.

use crate::compile::analysis::coalescing::coalesced;
use crate::compile::analysis::lane_offsets::LaneOffsets;
use crate::compile::analysis::uniformity::Uniformity;
use crate::compile::codegen::vector::VectorEmitter;
use crate::compile::ir::{AccessAddress, Arg, Op, Reg, Ty};

/// The most loads of a run: what they load is live at once, beside the sums.
const MOST_LOADS: usize = 8;

/// The most steps of a run: looking for one takes time that grows with their square.
const MOST_STEPS: usize = 128;

/// A step of a run.
#[expect(
    clippy::large_enum_variant,
    reason = "they are copied, and most have lane offsets"
)]
enum Step<'b> {
    /// One for all lanes: done before the others.
    Scalar,
    /// A load of one element for each lane.
    Load {
        place: &'b AccessAddress,
        target: Reg,
        bytes: u8,
        offsets: LaneOffsets,
    },
    Copy(Reg, Arg),
    Fma(Reg, [Arg; 3]),
    Line,
}

impl VectorEmitter<'_> {
    /// What a step is in a run of numbers of this type; `None` where it ends the run.
    fn step_of_run<'b>(&self, op: &'b Op, ty: Ty) -> Option<Step<'b>> {
        let input = self.input;
        let is_vector = |reg: Reg| input.body.ty(reg) == ty && input.is_divergent(reg);
        let is_scalar = |reg: &Reg| !input.is_divergent(*reg);
        match op {
            Op::Line(_) => Some(Step::Line),
            Op::Unary(..) | Op::Binary(..) | Op::Select(..) | Op::Copy(..) | Op::Fma(..)
                if op.targets().iter().all(is_scalar) =>
            {
                let mut reads_vectors = false;
                op.each_arg(|arg| reads_vectors |= arg.reg().is_some_and(|reg| !is_scalar(&reg)));
                (!reads_vectors).then_some(Step::Scalar)
            }
            Op::Copy(target, a) => is_vector(*target).then_some(Step::Copy(*target, *a)),
            Op::Fma(target, a, b, c) => {
                is_vector(*target).then_some(Step::Fma(*target, [*a, *b, *c]))
            }
            Op::Load {
                place,
                targets,
                bytes,
                ..
            } => {
                let [target] = *targets.as_slice() else {
                    return None;
                };
                let offsets = coalesced(input.body, &input.analyses.uniformity, op)?;
                if offsets.is_none() {
                    return is_scalar(&target).then_some(Step::Scalar);
                }
                let is_whole = is_vector(target) && u32::from(*bytes) == ty.bytes();
                is_whole.then_some(Step::Load {
                    place,
                    target,
                    bytes: *bytes,
                    offsets,
                })
            }
            _ => None,
        }
    }

    /// The run with which a block goes on, and the type of its numbers; `None` where strip mining does
    /// not pay off.
    fn run<'o, 'b>(&self, ops: &'o [&'b Op]) -> Option<(&'o [&'b Op], Ty)> {
        let Op::Load { targets, .. } = ops.first()? else {
            return None;
        };
        let ty = self.input.body.ty(*targets.first()?);
        if !ty.is_float() {
            return None;
        }
        let (mut loads, mut sums) = (0, 0);
        // Scalar steps are done first: what they write, no step before them may read or write.
        let mut seen: Vec<Reg> = Vec::new();
        // What was loaded for one chunk of lanes may be reused for another: it has to stay.
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
                Step::Scalar if writes_one_of(&seen) => break,
                Step::Scalar => continue,
                Step::Load { target, .. } => loaded.push(target),
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

    /// Writes the run with which a block goes on, if there is one, and returns the steps behind it.
    pub(super) fn strip_mined<'o, 'b>(&mut self, ops: &'o [&'b Op]) -> Option<&'o [&'b Op]> {
        let (run, ty) = self.run(ops)?;
        for op in run {
            if matches!(self.step_of_run(op, ty), Some(Step::Scalar | Step::Line)) {
                self.operation(op);
            }
        }
        for target in run.iter().flat_map(|op| op.targets()) {
            self.fragments.write(*target);
        }
        let results = results(run);
        for chunk in 0..self.chunk_count(ty) {
            for op in run {
                match self.step_of_run(op, ty) {
                    Some(Step::Load {
                        place,
                        target,
                        bytes,
                        offsets,
                    }) => {
                        let (elements, base) = self.begin_access(place, offsets, bytes);
                        self.load_chunk(elements, target, base, chunk);
                    }
                    Some(Step::Copy(target, a)) => {
                        self.chunk(a, chunk);
                        self.set_chunk(target, chunk);
                    }
                    Some(Step::Fma(target, [a, b, c])) => {
                        // The engine overwrites the first factor: not one that all chunks share.
                        let (a, b) = match self.input.uniformity(a) {
                            Uniformity::Divergent => (a, b),
                            _ => (b, a),
                        };
                        self.fma_chunk(target, [a, b, c], chunk);
                    }
                    Some(Step::Line) => self.operation(op),
                    Some(Step::Scalar) | None => {}
                }
            }
            for reg in &results {
                self.fence(*reg, ty, chunk);
            }
        }
        ops.get(run.len()..)
    }
}

/// What a run computes and does not use itself.
fn results(run: &[&Op]) -> Vec<Reg> {
    let mut results: Vec<Reg> = Vec::new();
    for op in run {
        op.each_arg(|arg| results.retain(|reg| arg != Arg::Reg(*reg)));
        if let Op::Fma(target, ..) | Op::Copy(target, _) = op {
            results.retain(|reg| reg != target);
            results.push(*target);
        }
    }
    results
}
