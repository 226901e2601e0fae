//! Basic blocks of a lane group: their guards, their steps, and how they end.

use wasm_encoder::Instruction as W;

use crate::compile::abi::{ENDED, SUSPENDED};
use crate::compile::analysis::uniformity::Uniformity;
use crate::compile::codegen::function_writer::Emit;
use crate::compile::codegen::scratch;
use crate::compile::codegen::structured_control::EmitNodes;
use crate::compile::codegen::vector::VectorEmitter;
use crate::compile::codegen::vector::schedule_fence::Schedule;
use crate::compile::ir::{BlockId, End, Op, Ty};

impl EmitNodes for VectorEmitter<'_> {
    fn selector(&self) -> u32 {
        self.scalar.selector
    }

    fn next_threads(&mut self) {
        self.next_group();
    }

    fn resume(&mut self, resume: u32, block: BlockId) {
        self.resume_group(resume, block);
    }

    fn interrupt_check(&mut self, resume: u32, block: BlockId) {
        self.leave_if_interrupted(resume, block);
    }

    fn fall_back_to_scalar(&mut self) {
        self.copy_common_resume();
        self.group_falls_back(None);
        self.op(W::Unreachable);
    }

    fn block(&mut self, id: BlockId) {
        let input = self.input;
        let Some(block) = input.body.block(id) else {
            return self.inconsistent("a block that does not exist");
        };
        self.at_line(block.line);
        self.fragments.begin(input.body, id);
        if input.body.is_cold(id) {
            self.diverge(id);
            return self.op(W::Unreachable);
        }
        self.bounds_guards(id, &block.ops);
        let makes_condition = |op: &&Op| {
            let conditions = &input.analyses.endpoint_conditions;
            op.targets().iter().any(|reg| conditions.contains(reg))
        };
        let ops: Vec<&Op> = block.ops.iter().filter(|op| !makes_condition(op)).collect();
        let condition: Vec<&Op> = block.ops.iter().filter(makes_condition).collect();
        self.operations(&ops);
        let ahead = input.saved_ahead(id);
        if !ahead.is_empty() {
            self.save(&ahead);
        }
        self.end_of_block(id, &block.end, &condition);
    }
}

impl VectorEmitter<'_> {
    fn operations(&mut self, mut ops: &[&Op]) {
        let mut schedule = Schedule::default();
        while let Some((op, behind)) = ops.split_first() {
            if let Some(behind) = self.strip_mined(ops) {
                schedule = Schedule::default();
                ops = behind;
                continue;
            }
            self.operation(op);
            self.fence_after(&mut schedule, op);
            ops = behind;
        }
    }

    /// Ends a block. `condition` are the steps that make the condition of its branch, where the first
    /// and the last lane can answer it.
    fn end_of_block(&mut self, id: BlockId, end: &End, condition: &[&Op]) {
        let input = self.input;
        match end {
            // The group has not diverged.
            End::Jump(_) | End::WholeWarp(..) | End::Reconverge(_) => {}
            End::Branch(by, ..) => {
                if input.uniformity(*by) == Uniformity::Uniform {
                    self.scalar.arg(*by);
                } else if let Some(faults) = input.analyses.fault_bound.faults_where(end) {
                    self.fault_branch(id, *by, faults, condition);
                } else if condition.is_empty() {
                    self.divergent_branch(id, *by);
                } else {
                    self.endpoint_branch(id, *by, condition);
                }
            }
            End::Table(index, targets, site) => {
                if input.uniformity(*index) == Uniformity::Uniform {
                    self.scalar.table_index(*index, targets.len(), *site);
                } else {
                    self.diverge(id);
                    self.op(W::Unreachable);
                }
            }
            End::Exit => {
                let guarded = self.scalar.begin_record_of_end();
                self.set_resume_indices(ENDED);
                if guarded {
                    self.op(W::End);
                }
                self.note_suspension(ENDED);
            }
            // The first lane's: all lanes came here.
            End::Fault(site, value) if input.uniformity(*value) == Uniformity::Divergent => {
                self.chunk(*value, 0);
                self.op(W::I64x2ExtractLane(0));
                self.scalar.end_with_fault_of_operand(*site);
            }
            End::Fault(site, value) => self.scalar.end_with_fault(*site, *value),
            End::Nowhere => self.op(W::Unreachable),
            End::Suspend(number, next) => {
                let Some(point) = input.body.suspend_points.get(*number) else {
                    return self.inconsistent("a suspend point that does not exist");
                };
                if point.in_whole_warps {
                    return self
                        .inconsistent("a lane group that waits for what it computes itself");
                }
                for (array, value) in (0..).zip(&point.inputs) {
                    let at = input.layout.exchanged(array);
                    for chunk in 0..self.chunk_count(Ty::I64) {
                        self.scalar.element(8);
                        self.chunk(*value, chunk);
                        self.op(W::V128Store(scratch(at + 16 * chunk, 2)));
                    }
                }
                let mut saved = input.saved_behind(id, *next);
                saved.retain(|reg| !point.results.contains(&Some(*reg)));
                self.save(&saved);
                let resume = SUSPENDED - number.0.cast_signed();
                self.set_resume_indices(resume);
                self.note_suspension(resume);
            }
        }
    }
}
