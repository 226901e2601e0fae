//! Whether a kernel is worth vectorising: a cost model that compares what lane groups do in vectors
//! with what they do one lane at a time.

use std::borrow::Cow;

use crate::compile::Unsupported;
use crate::compile::analysis::coalescing::{coalesced, is_gather};
use crate::compile::analysis::uniformity::{Uniformity, UniformityInfo};
use crate::compile::ir::opcodes::VectorForm;
use crate::compile::ir::{Body, Op};

/// The most vector instructions that are worth compiling: what an engine has to do for them is
/// [bounded](crate::compile::limits::MOST_EFFORT) besides.
const MOST_VECTORS: usize = 40_000;

/// Why a kernel is not vectorised that an engine would take too long for: by what it has too much of.
pub(crate) fn too_large(what: &str) -> String {
    format!("it is too large for vectors: {what}")
}

/// About how many vector instructions it takes to move the elements of an access one by one: for the
/// access, and for each vector of its lanes.
const BY_LANE: usize = 24;
const BY_LANE_EACH: usize = 4;

/// Why the threads of a kernel are to run one at a time; `None` where vectors pay off.
///
/// # Errors
/// Where there would be too many vector instructions.
pub(crate) fn scalar_reason(
    body: &Body,
    uniformity: &UniformityInfo,
) -> Result<Option<Cow<'static, str>>, Unsupported> {
    let (mut vector_ops, mut lane_ops, mut vectors) = (0usize, 0usize, 0usize);
    let blocks = body
        .blocks
        .iter()
        .filter(|(id, _)| body.has_vector_code(*id));
    let ops = blocks.flat_map(|(_, block)| &block.ops);
    for op in ops {
        let diverges = op
            .targets()
            .iter()
            .any(|target| uniformity.of(*target) == Uniformity::Divergent);
        let chunks = op
            .targets()
            .iter()
            .map(|target| body.ty(*target).bytes() * body.lanes() / 16);
        let chunks = chunks.sum::<u32>().max(body.lanes() / 4) as usize;
        let gathers = is_gather(uniformity, op);
        let separate = !gathers && coalesced(body, uniformity, op).is_none();
        let lane_by_lane = match op {
            Op::Store { .. } => separate,
            Op::Load { .. } if diverges => separate,
            Op::Atomic { .. } => true,
            Op::Libcall { .. } => diverges,
            Op::Binary(opcode, _, _, b) if diverges => match opcode.vector() {
                VectorForm::Scalarised => true,
                VectorForm::Shift(_) => uniformity.of_arg(*b) != Uniformity::Uniform,
                _ => false,
            },
            _ => false,
        };
        if lane_by_lane || gathers {
            vectors += BY_LANE + BY_LANE_EACH * chunks;
        }
        if lane_by_lane {
            lane_ops += 1;
        } else if gathers {
            vector_ops += 1;
        } else if diverges {
            vector_ops += 1;
            vectors += chunks;
        }
    }
    if vectors > MOST_VECTORS {
        let what = format!("{vectors} vector instructions, of at most {MOST_VECTORS}");
        return Err(Unsupported::limit(what));
    }
    Ok((lane_ops * 4 > vector_ops).then(|| "too much of it is not done in vectors".into()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::compile::analysis::{liveness, uniformity};
    use crate::compile::ir::opcodes::Opcode;
    use crate::compile::ir::samples::{last_block, load, store};
    use crate::compile::ir::{Arg, Block, End, Reg, Site, SiteKind, Space, SpecialValue, Ty};

    const SLOW: &str = "too much of it is not done in vectors";

    /// A kernel each of whose threads loads a number and has its own address.
    struct Kernel {
        body: Body,
        ops: Vec<Op>,
        address: Arg,
        number: Reg,
    }

    impl Kernel {
        fn new(ty: Ty) -> Kernel {
            let mut body = Body::default();
            let (narrow, thread) = (body.reg(Ty::I32), body.reg(Ty::I64));
            let (bytes, pointer) = (body.reg(Ty::I64), body.reg(Ty::I64));
            let (address, number) = (body.reg(Ty::I64), body.reg(ty));
            let from = (Space::Global, Arg::Reg(address), 0);
            let ops = vec![
                Op::Special(narrow, SpecialValue::Thread),
                Op::Special(pointer, SpecialValue::Launch(256, Ty::I64)),
                Op::Unary(Opcode::I64ExtendI32U, thread, Arg::Reg(narrow)),
                Op::Binary(Opcode::I64Shl, bytes, Arg::Reg(thread), Arg::I64(3)),
                Op::Binary(Opcode::I64Add, address, Arg::Reg(pointer), Arg::Reg(bytes)),
                load(&mut body, &[number], from),
            ];
            Kernel {
                body,
                ops,
                address: Arg::Reg(address),
                number,
            }
        }

        /// Takes steps on the number and a constant.
        fn steps(&mut self, opcode: Opcode, b: u64, count: usize) {
            let b = Arg::constant(self.body.ty(self.number), b);
            for _ in 0..count {
                let target = self.body.reg(opcode.result());
                let step = Op::Binary(opcode, target, Arg::Reg(self.number), b);
                self.ops.push(step);
            }
        }

        fn reason(&self) -> Option<String> {
            let mut body = self.body.clone();
            last_block(&mut body, self.ops.clone());
            reason(&body)
        }
    }

    fn reason(body: &Body) -> Option<String> {
        let live = liveness::analyze(body).unwrap();
        let uniformity = uniformity::analyze(body, &live).unwrap();
        match scalar_reason(body, &uniformity) {
            Ok(reason) => reason.map(Cow::into_owned),
            Err(reason) => Some(too_large(&reason.what)),
        }
    }

    #[test]
    fn a_sum_of_two_arrays_is_worth_vectors() {
        let mut kernel = Kernel::new(Ty::F32);
        let (b, sum) = (kernel.body.reg(Ty::F32), kernel.body.reg(Ty::F32));
        let at = |offset| (Space::Global, kernel.address, offset);
        let second = load(&mut kernel.body, &[b], at(1 << 16));
        let result = store(&mut kernel.body, &[Arg::Reg(sum)], at(1 << 17));
        let number = Arg::Reg(kernel.number);
        kernel.ops.extend([
            second,
            Op::Binary(Opcode::F32Add, sum, number, Arg::Reg(b)),
            result,
        ]);
        assert_eq!(kernel.reason(), None);
    }

    #[test]
    fn steps_without_a_vector_form_may_be_one_to_four_that_have_one() {
        let mut kernel = Kernel::new(Ty::I32);
        // The load is done in vectors, too.
        kernel.steps(Opcode::I32DivU, 7, 2);
        kernel.steps(Opcode::I32Add, 1, 6);
        assert_eq!(kernel.reason().as_deref(), Some(SLOW));
        kernel.steps(Opcode::I32Add, 1, 1);
        assert_eq!(kernel.reason(), None);
    }

    #[test]
    fn steps_that_all_lanes_do_alike_count_for_nothing() {
        let mut kernel = Kernel::new(Ty::I32);
        let targets: Vec<Reg> = (0..20).map(|_| kernel.body.reg(Ty::I32)).collect();
        let divisions = targets
            .into_iter()
            .map(|target| Op::Binary(Opcode::I32DivU, target, Arg::I32(9), Arg::I32(3)));
        kernel.ops.extend(divisions);
        assert_eq!(kernel.reason(), None);
    }

    #[test]
    fn a_shift_is_done_in_vectors_if_its_amount_is_the_same_in_all_lanes() {
        for (amount, expected) in [(false, None), (true, Some(SLOW))] {
            let mut kernel = Kernel::new(Ty::I32);
            let (number, target) = (Arg::Reg(kernel.number), kernel.body.reg(Ty::I32));
            let amount = if amount { number } else { Arg::I32(3) };
            let shift = Op::Binary(Opcode::I32Shl, target, number, amount);
            kernel.ops.push(shift);
            assert_eq!(kernel.reason().as_deref(), expected);
        }
    }

    #[test]
    fn gathers_are_done_in_vectors_and_unaligned_accesses_are_not() {
        let mut kernel = Kernel::new(Ty::I64);
        let target = kernel.body.reg(Ty::F32);
        let gather = (Space::Global, Arg::Reg(kernel.number), 0);
        let gather = load(&mut kernel.body, &[target], gather);
        kernel.ops.push(gather);
        assert_eq!(kernel.reason(), None);
        // Sixteen bytes at addresses that are eight apart.
        let pair = [kernel.body.reg(Ty::I64), kernel.body.reg(Ty::I64)];
        let place = (Space::Global, kernel.address, 0);
        let unaligned = load(&mut kernel.body, &pair, place);
        kernel.ops.push(unaligned);
        assert_eq!(kernel.reason().as_deref(), Some(SLOW));
    }

    #[test]
    fn forty_thousand_vector_instructions_are_the_most() {
        let mut kernel = Kernel::new(Ty::F32);
        // Four vectors for sixteen lanes, of the load and of each sum.
        kernel.steps(Opcode::F32Add, 1, 9999);
        assert_eq!(kernel.reason(), None);
        kernel.steps(Opcode::F32Add, 1, 1);
        let expected = "it is too large for vectors: 40004 vector instructions, of at most 40000";
        assert_eq!(kernel.reason().as_deref(), Some(expected));
        // A whole warp has twice as many.
        let mut kernel = Kernel::new(Ty::F64);
        kernel.body.whole_warps = true;
        kernel.steps(Opcode::F64Add, 1, 2499);
        assert_eq!(kernel.reason(), None);
        kernel.steps(Opcode::F64Add, 1, 1);
        let expected = "it is too large for vectors: 40016 vector instructions, of at most 40000";
        assert_eq!(kernel.reason().as_deref(), Some(expected));
    }

    #[test]
    fn what_threads_do_before_they_fault_does_not_count() {
        let mut kernel = Kernel::new(Ty::I32);
        kernel.steps(Opcode::I32DivU, 7, 20);
        let mut body = kernel.body.clone();
        let trap = body.sites.push(Site {
            line: 0,
            what: SiteKind::Trap,
        });
        let fault = |ops| Block {
            line: 0,
            ops,
            end: End::Fault(trap, Arg::I32(0)),
        };
        body.blocks.push(fault(kernel.ops.clone()));
        assert_eq!(reason(&body), None);
        assert_eq!(kernel.reason().as_deref(), Some(SLOW));
    }
}
