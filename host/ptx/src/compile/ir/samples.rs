//! Small random kernels for tests of analyses and passes, and what their steps compute.

use std::collections::HashMap;

use crate::compile::ir::opcodes::Opcode;
use crate::compile::ir::{
    AccessAddress, Arg, Block, BlockId, Body, End, Op, Reg, Site, SiteKind, Space, SpecialValue,
    SuspendKind, SuspendPoint, Ty,
};

/// What random kernels consist of.
pub(crate) struct Shape {
    pub blocks: u32,
    pub ops_per_block: usize,
    /// Whether some blocks end at suspend points.
    pub suspends: bool,
}

const NARROW: [Reg; 5] = [Reg(0), Reg(1), Reg(2), Reg(3), Reg(4)];
const WIDE: [Reg; 3] = [Reg(5), Reg(6), Reg(7)];

const UNARY: [Opcode; 3] = [
    Opcode::I32WrapI64,
    Opcode::I64ExtendI32S,
    Opcode::I64ExtendI32U,
];

const BINARY: [Opcode; 16] = [
    Opcode::I32Add,
    Opcode::I32Sub,
    Opcode::I32Mul,
    Opcode::I32And,
    Opcode::I32Or,
    Opcode::I32Xor,
    Opcode::I32Shl,
    Opcode::I32ShrU,
    Opcode::I32ShrS,
    Opcode::I32Eq,
    Opcode::I32LtU,
    Opcode::I32LtS,
    Opcode::I64Add,
    Opcode::I64Mul,
    Opcode::I64And,
    Opcode::I64Shl,
];

fn pick<T: Copy>(rng: &mut fastrand::Rng, all: &[T]) -> T {
    all[rng.usize(..all.len())]
}

fn reg(rng: &mut fastrand::Rng, ty: Ty) -> Reg {
    match ty {
        Ty::I32 => pick(rng, &NARROW),
        _ => pick(rng, &WIDE),
    }
}

fn arg(rng: &mut fastrand::Rng, ty: Ty) -> Arg {
    if rng.u8(..3) > 0 {
        return Arg::Reg(reg(rng, ty));
    }
    let constant = pick(
        rng,
        &[0, 1, 2, 3, 4, 7, 8, 15, 16, 24, 31, 255, u64::MAX, 1 << 31],
    );
    Arg::constant(ty, constant)
}

fn op(rng: &mut fastrand::Rng) -> Op {
    match rng.u8(..10) {
        0 => Op::Special(reg(rng, Ty::I32), SpecialValue::Thread),
        1 => Op::Special(reg(rng, Ty::I32), SpecialValue::Tid(rng.u8(..3))),
        2 => Op::Special(reg(rng, Ty::I32), SpecialValue::Launch(256, Ty::I32)),
        3 => {
            let ty = pick(rng, &[Ty::I32, Ty::I64]);
            Op::Copy(reg(rng, ty), arg(rng, ty))
        }
        4 => {
            let ty = pick(rng, &[Ty::I32, Ty::I64]);
            let condition = arg(rng, Ty::I32);
            Op::Select(reg(rng, ty), condition, arg(rng, ty), arg(rng, ty))
        }
        5 | 6 => {
            let opcode = pick(rng, &UNARY);
            Op::Unary(
                opcode,
                reg(rng, opcode.result()),
                arg(rng, opcode.operand()),
            )
        }
        _ => {
            let opcode = pick(rng, &BINARY);
            let (a, b) = (arg(rng, opcode.operand()), arg(rng, opcode.operand()));
            Op::Binary(opcode, reg(rng, opcode.result()), a, b)
        }
    }
}

/// A random kernel. All of its registers are declared.
pub(crate) fn random(rng: &mut fastrand::Rng, shape: &Shape) -> Body {
    let mut body = Body::default();
    for reg in NARROW {
        assert_eq!(body.reg(Ty::I32), reg);
    }
    for reg in WIDE {
        assert_eq!(body.reg(Ty::I64), reg);
    }
    body.declared = body.regs.keys().collect();
    for id in 0..shape.blocks {
        let ops = (0..rng.usize(..=shape.ops_per_block))
            .map(|_| op(rng))
            .collect();
        let next = |rng: &mut fastrand::Rng| BlockId(rng.u32(1..shape.blocks));
        let end = match rng.u8(..8) {
            _ if id + 1 == shape.blocks => End::Exit,
            0 => End::Exit,
            1 | 2 => End::Jump(next(rng)),
            3 if shape.suspends => {
                let point = body.suspend_points.push(SuspendPoint {
                    line: 0,
                    kind: SuspendKind::ActiveMask,
                    in_whole_warps: false,
                    inputs: Vec::new(),
                    results: vec![rng.bool().then(|| reg(rng, Ty::I32))],
                });
                End::Suspend(point, next(rng))
            }
            _ => End::Branch(Arg::Reg(reg(rng, Ty::I32)), next(rng), next(rng)),
        };
        let line = 0;
        body.blocks.push(Block { line, ops, end });
    }
    body
}

/// Adds a block that does nothing else than these steps, and is the kernel's last.
pub(crate) fn last_block(body: &mut Body, ops: Vec<Op>) -> BlockId {
    let (line, end) = (0, End::Exit);
    body.blocks.push(Block { line, ops, end })
}

/// Adds the site of an access of elements of a type.
fn place(
    body: &mut Body,
    (space, base, offset): (Space, Arg, i64),
    (ty, lanes): (Ty, usize),
    write: bool,
) -> AccessAddress {
    let what = SiteKind::Access {
        space,
        bytes: ty.bytes(),
        lanes: lanes as u32,
        write,
    };
    let site = body.sites.push(Site { line: 0, what });
    AccessAddress {
        space,
        base,
        offset,
        site,
    }
}

/// A load of registers of one type, and its site.
pub(crate) fn load(body: &mut Body, targets: &[Reg], at: (Space, Arg, i64)) -> Op {
    let ty = body.ty(targets[0]);
    Op::Load {
        targets: targets.to_vec(),
        place: place(body, at, (ty, targets.len()), false),
        bytes: ty.bytes() as u8,
        atomic: false,
    }
}

/// A store of operands of one type, and its site.
pub(crate) fn store(body: &mut Body, values: &[Arg], at: (Space, Arg, i64)) -> Op {
    let ty = body.arg_ty(values[0]);
    Op::Store {
        values: values.to_vec(),
        place: place(body, at, (ty, values.len()), true),
        bytes: ty.bytes() as u8,
        atomic: false,
    }
}

/// A thread's registers, and its number. Registers that are not there are zero.
#[derive(Clone, Default)]
pub(crate) struct Thread {
    pub number: u32,
    pub registers: HashMap<Reg, u64>,
}

fn narrow(ty: Ty, value: u64) -> u64 {
    if ty.bytes() == 4 {
        value & 0xffff_ffff
    } else {
        value
    }
}

impl Thread {
    /// The thread of this number.
    pub(crate) fn of(number: u32) -> Thread {
        Thread {
            number,
            ..Thread::default()
        }
    }

    /// The blocks through which it goes, from the first on, [`MOST_BLOCKS`] at most.
    pub(crate) fn way(mut self, body: &Body) -> Vec<BlockId> {
        let mut way = vec![BlockId::ENTRY];
        while let Some(block) = body
            .block(way[way.len() - 1])
            .filter(|_| way.len() < MOST_BLOCKS)
        {
            block.ops.iter().for_each(|op| self.step(op));
            match self.next(&block.end) {
                Some(next) => way.push(next),
                None => break,
            }
        }
        way
    }

    pub(crate) fn arg(&self, arg: Arg) -> u64 {
        match arg {
            Arg::Reg(reg) => self.registers.get(&reg).copied().unwrap_or(0),
            arg => arg.bits().unwrap(),
        }
    }

    /// Takes a step of a random kernel.
    pub(crate) fn step(&mut self, op: &Op) {
        let (target, value) = match op {
            Op::Special(target, SpecialValue::Thread | SpecialValue::Tid(0)) => {
                (*target, u64::from(self.number))
            }
            Op::Special(target, SpecialValue::Tid(dimension)) => (*target, u64::from(*dimension)),
            Op::Special(target, SpecialValue::Launch(..)) => (*target, 0x1234_5678),
            Op::Copy(target, a) => (*target, self.arg(*a)),
            Op::Select(target, condition, a, b) => {
                let which = if self.arg(*condition) != 0 { a } else { b };
                (*target, self.arg(*which))
            }
            Op::Unary(opcode, target, a) => {
                let a = self.arg(*a);
                let value = match opcode {
                    Opcode::I64ExtendI32S => i64::from((a as u32).cast_signed()).cast_unsigned(),
                    _ => a,
                };
                (*target, narrow(opcode.result(), value))
            }
            Op::Binary(opcode, target, a, b) => {
                let value = binary(*opcode, self.arg(*a), self.arg(*b));
                (*target, narrow(opcode.result(), value))
            }
            other => panic!("no step of a random kernel: {other:?}"),
        };
        self.registers.insert(target, value);
    }

    /// Where the thread goes on at the end of a block, if it does.
    pub(crate) fn next(&self, end: &End) -> Option<BlockId> {
        match end {
            End::Jump(next) | End::Suspend(_, next) | End::Reconverge(next) => Some(*next),
            // Threads of random kernels run one by one.
            End::WholeWarp(_, next) => Some(*next),
            End::Branch(condition, yes, no) => {
                Some(if self.arg(*condition) != 0 { *yes } else { *no })
            }
            _ => None,
        }
    }
}

fn binary(opcode: Opcode, a: u64, b: u64) -> u64 {
    let signed = |value: u64| (value as u32).cast_signed();
    match opcode {
        Opcode::I32Add | Opcode::I64Add => a.wrapping_add(b),
        Opcode::I32Sub => a.wrapping_sub(b),
        Opcode::I32Mul | Opcode::I64Mul => a.wrapping_mul(b),
        Opcode::I32And | Opcode::I64And => a & b,
        Opcode::I32Or => a | b,
        Opcode::I32Xor => a ^ b,
        Opcode::I32Shl => a << (b % 32),
        Opcode::I64Shl => a << (b % 64),
        Opcode::I32ShrU => a >> (b % 32),
        Opcode::I32ShrS => u64::from((signed(a) >> (b % 32)).cast_unsigned()),
        Opcode::I32Eq => u64::from(a == b),
        Opcode::I32LtU => u64::from(a < b),
        Opcode::I32LtS => u64::from(signed(a) < signed(b)),
        other => panic!("no operation of a random kernel: {other:?}"),
    }
}

/// The most blocks that a random kernel visits here; some would never end.
const MOST_BLOCKS: usize = 50;

/// Runs a pass on 500 random kernels, and asserts that each leaves the same in its registers as
/// before. Returns how many the pass has changed.
pub(crate) fn changed_and_the_same(
    seed: u64,
    shape: impl Fn(&mut fastrand::Rng) -> Shape,
    pass: impl Fn(&mut Body),
) -> usize {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut changed = 0;
    for number in 0..500 {
        let shape = shape(&mut rng);
        let before = random(&mut rng, &shape);
        let mut after = before.clone();
        pass(&mut after);
        changed += usize::from(format!("{before:?}") != format!("{after:?}"));
        let values = |body: &Body| {
            let mut thread = Thread {
                number,
                ..Thread::default()
            };
            let mut at = Some(BlockId::ENTRY);
            for _ in 0..MOST_BLOCKS {
                let Some(block) = at.and_then(|id| body.block(id)) else {
                    break;
                };
                block.ops.iter().for_each(|op| thread.step(op));
                at = thread.next(&block.end);
            }
            let regs = before.regs.keys();
            let values = regs.map(|reg| thread.arg(Arg::Reg(reg)));
            values.collect::<Vec<_>>()
        };
        assert_eq!(values(&before), values(&after), "{before:#?}");
    }
    changed
}
