//! Register pressure: how many values are live at each step, which is what an engine's register
//! allocator has to deal with.

use crate::compile::analysis::liveness::{Liveness, for_each_end_use};
use crate::compile::ir::entity::EntityMap;
use crate::compile::ir::{Arg, Body, Reg};

/// The registers that are live at one step.
struct LiveNow<F> {
    is_live: EntityMap<Reg, bool>,
    /// How many values a register is.
    values: F,
    /// How many values are live.
    count: u64,
}

impl<F: Fn(Reg) -> u64> LiveNow<F> {
    fn begin(&mut self, reg: Reg) {
        if self.is_live.set(reg, true) {
            self.count += (self.values)(reg);
        }
    }

    fn end(&mut self, reg: Reg) {
        if self.is_live.set(reg, false) {
            self.count = self.count.saturating_sub((self.values)(reg));
        }
    }
}

/// The live values, summed over all steps. `values` is how many values each register is.
pub(crate) fn total(body: &Body, liveness: &Liveness, values: impl Fn(Reg) -> u64) -> u64 {
    let mut now = LiveNow {
        is_live: EntityMap::for_each(&body.regs, false),
        values,
        count: 0,
    };
    let mut total = 0u64;
    for block in body.blocks.values() {
        let mut begun = Vec::new();
        for next in block.end.successors() {
            begun.extend(liveness.at(next));
        }
        for_each_end_use(body, &block.end, |reg| begun.push(reg));
        begun.iter().for_each(|reg| now.begin(*reg));
        for op in block.ops.iter().rev() {
            op.targets().iter().for_each(|target| now.end(*target));
            op.each_arg(|arg| {
                if let Arg::Reg(reg) = arg {
                    now.begin(reg);
                    begun.push(reg);
                }
            });
            total = total.saturating_add(now.count);
        }
        begun.into_iter().for_each(|reg| now.end(reg));
    }
    total
}
