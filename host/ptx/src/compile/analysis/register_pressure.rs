//! Register pressure: how many values are live at each step, which is what an engine's register
//! allocator has to deal with.

use crate::compile::analysis::liveness::{Liveness, for_each_end_use};
use crate::compile::ir::{Arg, Body, Reg};

/// The live values, summed over all steps. `values` is how many values each register is.
pub(crate) fn total(body: &Body, liveness: &Liveness, values: impl Fn(Reg) -> u64) -> u64 {
    let mut is_live = vec![false; body.regs.len()];
    let mut total = 0u64;
    for block in &body.blocks {
        let mut live: Vec<Reg> = Vec::new();
        let mut now = 0u64;
        let mut begin = |reg: Reg, is_live: &mut [bool], now: &mut u64| {
            if let Some(place) = is_live.get_mut(reg.0 as usize).filter(|place| !**place) {
                *place = true;
                *now += values(reg);
                live.push(reg);
            }
        };
        for next in block.end.successors() {
            for reg in liveness.at(next) {
                begin(reg, &mut is_live, &mut now);
            }
        }
        for_each_end_use(body, &block.end, |reg| begin(reg, &mut is_live, &mut now));
        for op in block.ops.iter().rev() {
            for target in op.targets() {
                if let Some(place) = is_live.get_mut(target.0 as usize).filter(|place| **place) {
                    *place = false;
                    now = now.saturating_sub(values(*target));
                }
            }
            op.each_arg(|arg| {
                if let Arg::Reg(reg) = arg {
                    begin(reg, &mut is_live, &mut now);
                }
            });
            total = total.saturating_add(now);
        }
        for reg in live {
            if let Some(place) = is_live.get_mut(reg.0 as usize) {
                *place = false;
            }
        }
    }
    total
}
