//! Which registers the threads of a group have in common, so that one value does for all of them.
//!
//! A group runs together only as long as all its threads take the same way. Where they part, each
//! goes on alone up to where they meet again; so what is written on the ways between is each
//! thread's own from then on.

use rustc_hash::FxHashSet as HashSet;

use crate::compile::abi::VECTOR_LANES;
use crate::compile::analysis::lane_offsets::LaneOffsets;
use crate::compile::analysis::liveness::Liveness;
use crate::compile::ir::opcodes::Opcode;
use crate::compile::ir::{Arg, Body, End, Op, Reg, Space, SpecialValue, Ty};

/// What the threads of a group have in a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Uniformity {
    /// The same.
    Uniform,
    /// Each known much apart from the first.
    Affine(LaneOffsets),
    /// Whatever it is.
    Divergent,
}

use Uniformity::{Divergent, Uniform};

/// The classes of all registers.
#[derive(Debug)]
pub(crate) struct UniformityInfo {
    classes: Vec<Option<Uniformity>>,
    /// How many low bits are zeros in what the first thread of a group has.
    zeros: Vec<Option<u32>>,
    /// Registers that are 0 or 1, and have a mask for each thread instead where they vary.
    booleans: Vec<bool>,
}

impl UniformityInfo {
    /// That of a kernel whose threads run one at a time: there is nothing to tell apart.
    pub(crate) fn of_single_threads(body: &Body) -> UniformityInfo {
        UniformityInfo {
            classes: vec![Some(Uniform); body.regs.len()],
            zeros: vec![Some(0); body.regs.len()],
            booleans: vec![false; body.regs.len()],
        }
    }

    pub(crate) fn of(&self, reg: Reg) -> Uniformity {
        let class = self.classes.get(reg.0 as usize).copied().flatten();
        class.unwrap_or(Uniform)
    }

    pub(crate) fn of_arg(&self, arg: Arg) -> Uniformity {
        arg.reg().map_or(Uniform, |reg| self.of(reg))
    }

    fn zeros_of(&self, arg: Arg) -> u32 {
        match arg {
            // What is not known yet may still have any number.
            Arg::Reg(reg) => {
                let zeros = self.zeros.get(reg.0 as usize).copied().flatten();
                zeros.unwrap_or(MOST_ZEROS)
            }
            arg => match arg.bits() {
                Some(0) | None => MOST_ZEROS,
                Some(bits) => bits.trailing_zeros(),
            },
        }
    }

    /// Whether that is news.
    fn set_zeros(&mut self, reg: Reg, zeros: u32) -> bool {
        let Some(place) = self.zeros.get_mut(reg.0 as usize) else {
            return false;
        };
        let least = place.map_or(zeros, |known| known.min(zeros));
        let changed = *place != Some(least);
        *place = Some(least);
        changed
    }

    /// Whether the threads of a lane group can go different ways at the end of a block.
    pub(crate) fn diverges(&self, end: &End) -> bool {
        match end {
            End::Branch(condition, ..) => self.of_arg(*condition) != Uniform,
            End::Table(index, ..) => self.of_arg(*index) != Uniform,
            _ => false,
        }
    }

    /// Adds a register that was made last, with a truth for each thread.
    pub(crate) fn add_truth(&mut self, reg: Reg) {
        let place = reg.0 as usize;
        self.classes.resize(place, None);
        self.classes.push(Some(Divergent));
        self.booleans.resize(place, false);
        self.booleans.push(true);
    }

    pub(crate) fn is_truth(&self, reg: Reg) -> bool {
        self.booleans.get(reg.0 as usize).copied().unwrap_or(false)
    }
}

fn join(a: Option<Uniformity>, b: Uniformity) -> Uniformity {
    match a {
        None => b,
        Some(a) if a == b => a,
        Some(_) => Divergent,
    }
}

/// Whether an operation's result is 0 or 1.
fn compares(code: Opcode) -> bool {
    use Opcode::*;
    code.result() == Ty::I32
        && (matches!(
            code,
            I32Eq
                | I32Ne
                | I32LtS
                | I32LtU
                | I32LeS
                | I32LeU
                | I32GtS
                | I32GtU
                | I32GeS
                | I32GeU
                | I64Eq
                | I64Ne
                | I64LtS
                | I64LtU
                | I64LeS
                | I64LeU
                | I64GtS
                | I64GtU
                | I64GeS
                | I64GeU
        ) || code.operand().is_float()
            && !matches!(
                code,
                I32TruncSatF32S
                    | I32TruncSatF32U
                    | I32TruncSatF64S
                    | I32TruncSatF64U
                    | I32ReinterpretF32
            ))
}

/// Finds registers that only ever hold 0 or 1.
fn booleans(body: &Body) -> Vec<bool> {
    let mut booleans: Vec<bool> = body.regs.iter().map(|ty| *ty == Ty::I32).collect();
    let mut written = vec![false; booleans.len()];
    // What a stop or a load brings may be any number.
    for reg in body
        .suspend_points
        .iter()
        .flat_map(|stop| stop.results.iter().flatten())
    {
        if let Some(truth) = booleans.get_mut(reg.0 as usize) {
            *truth = false;
        }
    }
    loop {
        let mut changed = false;
        for op in body.blocks.iter().flat_map(|block| &block.ops) {
            let holds = |arg: Arg, booleans: &[bool]| match arg {
                Arg::Reg(reg) => booleans.get(reg.0 as usize).copied().unwrap_or(false),
                Arg::I32(bits) => bits <= 1,
                _ => false,
            };
            let is_truth = match op {
                Op::Copy(_, a) => holds(*a, &booleans),
                Op::Select(_, _, a, b) => holds(*a, &booleans) && holds(*b, &booleans),
                Op::Binary(Opcode::I32And | Opcode::I32Or | Opcode::I32Xor, _, a, b) => {
                    holds(*a, &booleans) && holds(*b, &booleans)
                }
                Op::Binary(code, ..) => compares(*code),
                _ => false,
            };
            for target in op.targets() {
                let place = target.0 as usize;
                if let Some(written) = written.get_mut(place) {
                    *written = true;
                }
                if let Some(truth) = booleans.get_mut(place).filter(|truth| **truth && !is_truth) {
                    *truth = false;
                    changed = true;
                }
            }
        }
        if !changed {
            break;
        }
    }
    booleans
        .iter()
        .zip(written)
        .map(|(truth, written)| *truth && written)
        .collect()
}

/// The class of what a step writes.
fn class_of(classes: &UniformityInfo, op: &Op) -> Option<Uniformity> {
    let known = |arg: Arg| match arg {
        Arg::Reg(reg) => classes.classes.get(reg.0 as usize).copied().flatten(),
        _ => Some(Uniform),
    };
    let all_uniform = |args: &[Arg]| {
        let mut class = Some(Uniform);
        for arg in args {
            class = match (class, known(*arg)) {
                (Some(Uniform), Some(Uniform)) => Some(Uniform),
                (_, Some(Uniformity::Affine(_) | Divergent)) => return Some(Divergent),
                (Some(Divergent), _) => Some(Divergent),
                // Not known yet.
                _ => None,
            };
        }
        class
    };
    let apart = |class: Uniformity| match class {
        Uniform => Some(LaneOffsets::NONE),
        Uniformity::Affine(apart) => Some(apart),
        Divergent => None,
    };
    let of_apart = |apart: LaneOffsets| {
        if apart.is_none() {
            Uniform
        } else {
            Uniformity::Affine(apart)
        }
    };
    match op {
        Op::Copy(_, a) => known(*a),
        Op::Special(_, SpecialValue::Launch(..) | SpecialValue::LaunchPart(..)) => Some(Uniform),
        Op::Special(_, SpecialValue::Thread | SpecialValue::Tid(0)) => {
            Some(Uniformity::Affine(LaneOffsets::stride(1)))
        }
        Op::Special(_, SpecialValue::Tid(_)) => Some(Uniform),
        Op::Special(_, SpecialValue::Clock) => Some(Divergent),
        Op::Unary(Opcode::I64ExtendI32S | Opcode::I64ExtendI32U, _, a) => match known(*a)? {
            Uniformity::Affine(apart) if !apart.is_within(1 << 30) => Some(Divergent),
            class => Some(class),
        },
        Op::Unary(Opcode::I32WrapI64, _, a) => known(*a),
        Op::Unary(_, _, a) | Op::CanonicalizeNan(_, a) | Op::FlushSubnormal(_, a) => {
            all_uniform(&[*a])
        }
        Op::Binary(code, _, a, b) => {
            let (x, y) = (known(*a)?, known(*b)?);
            if x == Uniform && y == Uniform {
                return Some(Uniform);
            }
            let (Some(s), Some(t)) = (apart(x), apart(y)) else {
                return Some(Divergent);
            };
            let constant = b.bits().map(|bits| {
                if code.operand() == Ty::I32 {
                    i64::from((bits as u32).cast_signed())
                } else {
                    bits.cast_signed()
                }
            });
            // Whether what threads have more than the first lies in bits that are zeros there.
            let zeros = classes.zeros_of(*a);
            let low = (1i64 << zeros.min(30)) - 1;
            let disjoint = s.all(|away| (0..=low).contains(&away));
            Some(match (code, constant) {
                (Opcode::I32Add | Opcode::I64Add, _) => of_apart(s.with(t, i64::wrapping_add)),
                (Opcode::I32Sub | Opcode::I64Sub, _) => of_apart(s.with(t, i64::wrapping_sub)),
                (Opcode::I32Mul | Opcode::I64Mul, Some(by)) => {
                    of_apart(s.map(|away| away.wrapping_mul(by)))
                }
                (Opcode::I32Shl | Opcode::I64Shl, Some(by @ 0..=31)) => {
                    of_apart(s.map(|away| away.wrapping_shl(by as u32)))
                }
                (Opcode::I32And | Opcode::I64And, Some(mask)) if disjoint => {
                    of_apart(s.map(|away| away & mask))
                }
                (Opcode::I32Or | Opcode::I64Or, Some(mask)) if disjoint => {
                    of_apart(s.map(|away| away & !mask))
                }
                (Opcode::I32Xor | Opcode::I64Xor, Some(mask)) if disjoint => {
                    let mask = mask & low;
                    of_apart(s.map(|away| (away ^ mask) - mask))
                }
                (
                    Opcode::I32ShrU | Opcode::I64ShrU | Opcode::I32ShrS | Opcode::I64ShrS,
                    Some(by @ 0..=31),
                ) if disjoint => of_apart(s.map(|away| away >> by)),
                _ => Divergent,
            })
        }
        Op::Select(_, condition, a, b) => match (known(*condition)?, known(*a)?, known(*b)?) {
            (Uniform, a, b) if a == b => Some(a),
            _ => Some(Divergent),
        },
        Op::Fma(_, a, b, c) => all_uniform(&[*a, *b, *c]),
        Op::Libcall { args, .. } => all_uniform(args),
        Op::Load { place, atomic, .. } => match place.space {
            Space::Local => Some(Divergent),
            // A generic address may be one of local memory, unless that is looked at before.
            Space::Generic if *atomic || !place.is_near() => Some(Divergent),
            _ => all_uniform(&[place.base]),
        },
        Op::Atomic { .. } => Some(Divergent),
        Op::Store { .. } | Op::Line(_) => None,
    }
}

/// How many low bits are zeros in what the first thread of a group gets from a step.
fn zeros_of(classes: &UniformityInfo, op: &Op) -> u32 {
    match op {
        Op::Copy(_, a)
        | Op::Unary(Opcode::I32WrapI64 | Opcode::I64ExtendI32S | Opcode::I64ExtendI32U, _, a) => {
            classes.zeros_of(*a)
        }
        // Groups begin at multiples of their size, in each row.
        Op::Special(_, SpecialValue::Thread | SpecialValue::Tid(0)) => {
            VECTOR_LANES.trailing_zeros()
        }
        Op::Select(_, _, a, b) => classes.zeros_of(*a).min(classes.zeros_of(*b)),
        Op::Binary(code, _, a, b) => {
            let (x, y) = (classes.zeros_of(*a), classes.zeros_of(*b));
            let by = b.bits().and_then(|bits| u32::try_from(bits).ok());
            match (code, by) {
                (Opcode::I32Add | Opcode::I64Add | Opcode::I32Sub | Opcode::I64Sub, _) => x.min(y),
                (Opcode::I32Or | Opcode::I64Or | Opcode::I32Xor | Opcode::I64Xor, _) => x.min(y),
                (Opcode::I32And | Opcode::I64And, _) => x.max(y),
                (Opcode::I32Mul | Opcode::I64Mul, _) => x.saturating_add(y).min(MOST_ZEROS),
                (Opcode::I32Shl | Opcode::I64Shl, Some(by @ 0..=31)) => (x + by).min(MOST_ZEROS),
                (
                    Opcode::I32ShrU | Opcode::I64ShrU | Opcode::I32ShrS | Opcode::I64ShrS,
                    Some(by @ 0..=31),
                ) => x.saturating_sub(by),
                _ => 0,
            }
        }
        _ => 0,
    }
}

/// What is zero has as many zeros as anybody asks for.
const MOST_ZEROS: u32 = 64;

/// Finds the classes.
pub(crate) fn analyze(body: &Body, live: &Liveness) -> UniformityInfo {
    let mut classes = UniformityInfo {
        classes: vec![None; body.regs.len()],
        zeros: vec![None; body.regs.len()],
        booleans: booleans(body),
    };
    let set = |classes: &mut UniformityInfo, reg: Reg, class: Uniformity| {
        let place = classes.classes.get_mut(reg.0 as usize);
        place.is_some_and(|place| {
            let joined = join(*place, class);
            let changed = *place != Some(joined);
            *place = Some(joined);
            changed
        })
    };
    for reg in live.at(crate::compile::ir::BlockId(0)) {
        set(&mut classes, reg, Uniform);
        classes.set_zeros(reg, MOST_ZEROS);
    }
    for stop in &body.suspend_points {
        for reg in stop.results.iter().flatten() {
            set(&mut classes, *reg, Divergent);
            classes.set_zeros(*reg, 0);
        }
    }
    let after = postdominators(body);
    let mut parted: HashSet<usize> = HashSet::default();
    loop {
        let mut changed = false;
        for block in &body.blocks {
            for op in &block.ops {
                let zeros = zeros_of(&classes, op);
                for target in op.targets() {
                    changed |= classes.set_zeros(*target, zeros);
                }
                let Some(class) = class_of(&classes, op) else {
                    continue;
                };
                for target in op.targets() {
                    changed |= set(&mut classes, *target, class);
                }
            }
        }
        if changed {
            continue;
        }
        // Where threads part, what they write before they meet is their own.
        for (number, block) in body.blocks.iter().enumerate() {
            if !classes.diverges(&block.end) || !parted.insert(number) {
                continue;
            }
            for reg in written_apart(body, live, number, after.get(number).copied().flatten()) {
                changed |= set(&mut classes, reg, Divergent);
            }
        }
        if !changed {
            return classes;
        }
    }
}

/// The registers that are written between a branch and where its ways meet, and wanted there or
/// behind a stop on the way.
fn written_apart(body: &Body, live: &Liveness, branch: usize, meets: Option<usize>) -> Vec<Reg> {
    let mut seen = HashSet::default();
    let mut waiting: Vec<usize> = body.blocks.get(branch).map_or_else(Vec::new, |block| {
        block
            .end
            .successors()
            .iter()
            .map(|next| next.0 as usize)
            .collect()
    });
    let mut written = HashSet::default();
    let mut wanted = HashSet::default();
    if let Some(meets) = meets {
        wanted.extend(live.at(crate::compile::ir::BlockId(
            u32::try_from(meets).unwrap_or(0),
        )));
    }
    while let Some(number) = waiting.pop() {
        if Some(number) == meets || !seen.insert(number) {
            continue;
        }
        let Some(block) = body.blocks.get(number) else {
            continue;
        };
        for op in &block.ops {
            written.extend(op.targets().iter().copied());
        }
        if let End::Suspend(_, next) = &block.end {
            wanted.extend(live.at(*next));
        }
        waiting.extend(block.end.successors().iter().map(|next| next.0 as usize));
    }
    written.intersection(&wanted).copied().collect()
}

/// The block behind each in which all its ways meet again, if there is one.
pub(crate) fn postdominators(body: &Body) -> Vec<Option<usize>> {
    let count = body.blocks.len();
    let exit = count;
    let next: Vec<Vec<usize>> = body
        .blocks
        .iter()
        .map(|block| {
            let next: Vec<usize> = block
                .end
                .successors()
                .iter()
                .map(|id| id.0 as usize)
                .collect();
            if next.is_empty() { vec![exit] } else { next }
        })
        .collect();
    let mut before = vec![Vec::new(); count + 1];
    for (number, next) in next.iter().enumerate() {
        for next in next {
            before[*next].push(number);
        }
    }
    // Postorder of the reversed graph, from the exit.
    let mut seen = vec![false; count + 1];
    let mut order = Vec::new();
    let mut work = vec![(exit, 0)];
    seen[exit] = true;
    while let Some((node, place)) = work.last_mut() {
        match before[*node].get(*place).copied() {
            Some(from) => {
                *place += 1;
                if !seen[from] {
                    seen[from] = true;
                    work.push((from, 0));
                }
            }
            None => {
                order.push(*node);
                work.pop();
            }
        }
    }
    let mut number = vec![usize::MAX; count + 1];
    for (place, node) in order.iter().enumerate() {
        number[*node] = place;
    }
    let mut found = vec![usize::MAX; count + 1];
    found[exit] = exit;
    let mut changed = true;
    while changed {
        changed = false;
        for node in order.iter().rev().skip(1) {
            let mut common = usize::MAX;
            for next in &next[*node] {
                if found[*next] == usize::MAX {
                    continue;
                }
                let (mut a, mut b) = (*next, if common == usize::MAX { *next } else { common });
                while a != b {
                    while number[a] < number[b] {
                        a = found[a];
                    }
                    while number[b] < number[a] {
                        b = found[b];
                    }
                }
                common = a;
            }
            if found[*node] != common {
                found[*node] = common;
                changed = true;
            }
        }
    }
    // Blocks from which the exit is not reached meet nowhere.
    found
        .into_iter()
        .take(count)
        .map(|found| (found < count).then_some(found))
        .collect()
}
