//! Kernels made at random: whatever they compute, the compiler and the interpreter agree on each bit
//! of it. The fuzz target `differential` is this module too.

mod flow;
mod matrices;

use std::fmt::Write;

use crate::common::{Arguments, Flat, launch_as, module, plane};
use tensor_wasm_ptx::compile::{UnsupportedKind, Vectorize, compile_as};
use tensor_wasm_ptx::simt::RunError;

/// Registers of each kind that kernels compute with.
const REGISTERS: usize = 6;

/// Steps at a kernel's outermost level, so that one with much to choose from stays quick.
const MOST_STEPS: usize = 64;

/// A kernel's body as it grows. Text is written as it is; a name is a kind and a number.
#[derive(Clone, Debug)]
enum Step {
    /// An instruction on registers, with the kinds of its operands.
    Compute(usize, [usize; 5], bool),
    /// A constant for a register.
    Constant(usize, u64),
    /// Reads a word of the input: its own, its neighbour's, one that the block has in common, or one
    /// that a register says.
    Load(usize, usize, u8),
    /// Writes and reads shared memory, with barriers between.
    Exchange(usize, usize, u8),
    Shuffle(usize, usize, u8),
    Vote(usize, usize),
    Atomic(usize, usize, u8),
    /// Only for threads of which a predicate holds, or also for the others.
    If(usize, Vec<Step>, Vec<Step>),
    /// So many times, for all threads alike or as many as a register says.
    Loop(u8, Option<usize>, Vec<Step>),
    /// Blocks with any edges between them.
    Flow(flow::Flow),
    Text(String),
}

/// Instructions: the kinds of their operands, the result first. `r` 32 bits, `d` 64, `f` f32, `g`
/// f64, `p` predicate, `h` 16 bits.
const INSTRUCTIONS: &[(&str, &str)] = &[
    ("add.s32", "rrr"),
    ("sub.u32", "rrr"),
    ("mul.lo.s32", "rrr"),
    ("mul.hi.u32", "rrr"),
    ("mul.hi.s32", "rrr"),
    ("mul.wide.s32", "drr"),
    ("mul.wide.u32", "drr"),
    ("mad.lo.s32", "rrrr"),
    ("mad.wide.u32", "drrd"),
    ("div.s32", "rrr"),
    ("rem.u32", "rrr"),
    ("min.s32", "rrr"),
    ("max.u32", "rrr"),
    ("abs.s32", "rr"),
    ("neg.s32", "rr"),
    ("and.b32", "rrr"),
    ("or.b32", "rrr"),
    ("xor.b32", "rrr"),
    ("not.b32", "rr"),
    ("shl.b32", "rrr"),
    ("shr.s32", "rrr"),
    ("shr.u32", "rrr"),
    ("popc.b32", "rr"),
    ("clz.b32", "rr"),
    ("brev.b32", "rr"),
    ("shf.l.wrap.b32", "rrrr"),
    ("prmt.b32", "rrrr"),
    ("bfe.s32", "rrrr"),
    ("bfi.b32", "rrrrr"),
    ("add.cc.u32", "rrr"),
    ("addc.u32", "rrr"),
    ("add.s64", "ddd"),
    ("sub.s64", "ddd"),
    ("mul.lo.s64", "ddd"),
    ("mul.hi.s64", "ddd"),
    ("shl.b64", "ddr"),
    ("shr.u64", "ddr"),
    ("xor.b64", "ddd"),
    ("min.u64", "ddd"),
    ("div.u64", "ddd"),
    ("add.u16", "hhh"),
    ("mul.lo.s16", "hhh"),
    ("shr.s16", "hhr"),
    ("min.s16", "hhh"),
    ("cvt.u32.u16", "rh"),
    ("cvt.s32.s16", "rh"),
    ("cvt.u16.u32", "hr"),
    ("cvt.s64.s32", "dr"),
    ("cvt.u64.u32", "dr"),
    ("cvt.u32.u64", "rd"),
    ("cvt.rn.f32.s32", "fr"),
    ("cvt.rn.f32.u64", "fd"),
    ("cvt.rzi.s32.f32", "rf"),
    ("cvt.rni.u32.f32", "rf"),
    ("cvt.rzi.s64.f64", "dg"),
    ("cvt.rn.f64.s32", "gr"),
    ("cvt.f64.f32", "gf"),
    ("cvt.rn.f32.f64", "fg"),
    ("cvt.rmi.f32.f32", "ff"),
    ("add.f32", "fff"),
    ("sub.ftz.f32", "fff"),
    ("mul.f32", "fff"),
    ("mul.sat.f32", "fff"),
    ("add.rz.f32", "fff"),
    ("fma.rn.f32", "ffff"),
    ("fma.rn.ftz.f32", "ffff"),
    ("div.rn.f32", "fff"),
    ("div.approx.f32", "fff"),
    ("rcp.rn.f32", "ff"),
    ("sqrt.rn.f32", "ff"),
    ("rsqrt.approx.f32", "ff"),
    ("rsqrt.approx.ftz.f32", "ff"),
    ("ex2.approx.f32", "ff"),
    ("ex2.approx.ftz.f32", "ff"),
    ("lg2.approx.f32", "ff"),
    ("lg2.approx.ftz.f32", "ff"),
    ("sin.approx.f32", "ff"),
    ("cos.approx.ftz.f32", "ff"),
    ("tanh.approx.f32", "ff"),
    ("min.f32", "fff"),
    ("max.NaN.f32", "fff"),
    ("abs.f32", "ff"),
    ("neg.f32", "ff"),
    ("copysign.f32", "fff"),
    ("add.rm.f32", "fff"),
    ("sub.rp.ftz.f32", "fff"),
    ("sub.rm.f32", "fff"),
    ("mul.rz.f32", "fff"),
    ("mul.rp.ftz.f32", "fff"),
    ("fma.rm.f32", "ffff"),
    ("fma.rz.ftz.f32", "ffff"),
    ("fma.rp.sat.f32", "ffff"),
    ("cvt.rz.f32.f64", "fg"),
    ("cvt.rm.ftz.f32.f64", "fg"),
    ("cvt.rp.f32.s32", "fr"),
    ("cvt.rz.f32.u16", "fh"),
    ("cvt.rz.f32.s64", "fd"),
    ("rcp.approx.ftz.f64", "gg"),
    ("div.rm.f32", "fff"),
    ("sqrt.rp.f32", "ff"),
    ("testp.normal.f32", "pf"),
    ("cvt.rna.tf32.f32", "rf"),
    ("cvt.pack.sat.u8.s32.b32", "rrrr"),
    ("add.sat.s32", "rrr"),
    ("max.s16x2", "rrr"),
    ("add.f16", "hhh"),
    ("sub.ftz.f16", "hhh"),
    ("mul.sat.f16", "hhh"),
    ("fma.rn.f16", "hhhh"),
    ("fma.rn.relu.f16", "hhhh"),
    ("min.f16", "hhh"),
    ("max.NaN.f16", "hhh"),
    ("abs.f16", "hh"),
    ("neg.ftz.f16", "hh"),
    ("add.bf16", "hhh"),
    ("mul.bf16", "hhh"),
    ("fma.rn.bf16", "hhhh"),
    ("min.NaN.bf16", "hhh"),
    ("neg.bf16", "hh"),
    ("add.f16x2", "rrr"),
    ("sub.sat.f16x2", "rrr"),
    ("mul.ftz.f16x2", "rrr"),
    ("fma.rn.f16x2", "rrrr"),
    ("max.ftz.f16x2", "rrr"),
    ("fma.rn.relu.bf16x2", "rrrr"),
    ("abs.bf16x2", "rr"),
    ("ex2.approx.f16", "hh"),
    ("ex2.approx.ftz.bf16x2", "rr"),
    ("tanh.approx.f16x2", "rr"),
    ("tanh.approx.bf16", "hh"),
    ("cvt.f32.f16", "fh"),
    ("cvt.ftz.f32.bf16", "fh"),
    ("cvt.f64.f16", "gh"),
    ("cvt.rn.f16.f32", "hf"),
    ("cvt.rz.f16.f32", "hf"),
    ("cvt.rm.ftz.f16.f32", "hf"),
    ("cvt.rn.sat.f16.f32", "hf"),
    ("cvt.rn.f16.f64", "hg"),
    ("cvt.rp.bf16.f64", "hg"),
    ("cvt.rn.bf16.f32", "hf"),
    ("cvt.rn.relu.bf16.f32", "hf"),
    ("cvt.rn.f16.s32", "hr"),
    ("cvt.rz.f16.u64", "hd"),
    ("cvt.rn.bf16.u32", "hr"),
    ("cvt.rm.bf16.s32", "hr"),
    ("cvt.rn.bf16.s64", "hd"),
    ("cvt.rzi.s32.f16", "rh"),
    ("cvt.rmi.u16.f16", "hh"),
    ("cvt.rni.s64.bf16", "dh"),
    ("cvt.rni.f16.f16", "hh"),
    ("cvt.rn.f16x2.f32", "rff"),
    ("cvt.rz.bf16x2.f32", "rff"),
    ("setp.lt.f16", "phh"),
    ("setp.geu.ftz.f16", "phh"),
    ("setp.neu.bf16", "phh"),
    ("set.gt.f16.f16", "hhh"),
    ("set.le.ftz.f16x2.f16x2", "rrr"),
    ("set.ltu.and.u32.bf16x2", "rrrp"),
    ("brev.b64", "dd"),
    ("mad.hi.cc.u64", "dddd"),
    ("bfind.u32", "rr"),
    ("bfind.shiftamt.s32", "rr"),
    ("bfind.s64", "rd"),
    ("mul.hi.u64", "ddd"),
    ("mad.hi.s64", "dddd"),
    ("dp4a.s32.u32", "rrrr"),
    ("dp4a.u32.u32", "rrrr"),
    ("dp2a.lo.s32.s32", "rrrr"),
    ("dp2a.hi.u32.s32", "rrrr"),
    ("add.f64", "ggg"),
    ("mul.f64", "ggg"),
    ("fma.rn.f64", "gggg"),
    ("max.f64", "ggg"),
    ("neg.f64", "gg"),
    ("mov.b32", "rf"),
    ("mov.b32", "fr"),
    ("mov.b64", "dg"),
    ("mov.b64", "gd"),
    ("mov.f32", "ff"),
    ("selp.b32", "rrrp"),
    ("selp.f32", "fffp"),
    ("selp.b64", "dddp"),
    ("slct.s32.s32", "rrrr"),
    ("setp.lt.s32", "prr"),
    ("setp.ge.u32", "prr"),
    ("setp.eq.s64", "pdd"),
    ("setp.lt.u64", "pdd"),
    ("setp.gt.f32", "pff"),
    ("setp.neu.f32", "pff"),
    ("setp.le.f64", "pgg"),
    ("setp.lt.and.s32", "prrp"),
    ("set.gt.u32.f32", "rff"),
    ("and.pred", "ppp"),
    ("xor.pred", "ppp"),
    ("not.pred", "pp"),
];

/// Where a kernel's shape comes from: bytes that a test made at random, or a fuzzer by design. When
/// none are left, every choice is the first.
struct Choices<'d>(&'d [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> usize {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        usize::from(*first)
    }

    fn below(&mut self, most: usize) -> usize {
        self.byte() % most
    }

    fn small(&mut self, most: u8) -> u8 {
        self.byte() as u8 % most
    }

    fn register(&mut self) -> usize {
        self.below(REGISTERS)
    }

    fn constant(&mut self) -> u64 {
        match self.below(9) {
            0 => 0,
            1 => 1,
            2 => u64::MAX,
            3 => 0x7f80_0000,
            4 => 0xffc1_2345,
            5 => 0x8000_0000,
            6 => 3,
            7 => self.byte() as u64 % 70,
            _ => (0..8).fold(0, |word, _| word << 8 | self.byte() as u64),
        }
    }

    /// A step that any thread can take by itself; deeper ones hold others.
    fn step(&mut self, depth: usize) -> Step {
        match self.below(if depth == 0 { 17 } else { 23 }) {
            0..12 => {
                let what = self.below(INSTRUCTIONS.len());
                let operands = std::array::from_fn(|_| self.register());
                Step::Compute(what, operands, self.below(5) == 1)
            }
            12 | 13 => Step::Constant(self.register(), self.constant()),
            14 | 15 => Step::Load(self.register(), self.register(), self.small(22)),
            16 => Step::Atomic(self.register(), self.register(), self.small(3)),
            17..20 => {
                let condition = self.register();
                let yes = self.steps(depth - 1, 6);
                let no = match self.below(2) {
                    0 => Vec::new(),
                    _ => self.steps(depth - 1, 6),
                };
                Step::If(condition, yes, no)
            }
            _ => {
                let times = 1 + self.small(4);
                let more = (self.below(2) == 1).then(|| self.register());
                Step::Loop(times, more, self.steps(depth - 1, 6))
            }
        }
    }

    fn steps(&mut self, depth: usize, most: usize) -> Vec<Step> {
        let count = 1 + self.below(most);
        (0..count).map(|_| self.step(depth)).collect()
    }

    fn together(&mut self) -> Step {
        let (to, from) = (self.register(), self.register());
        match self.below(3) {
            0 => Step::Exchange(to, from, self.small(3)),
            1 => Step::Shuffle(to, from, self.small(4)),
            _ => Step::Vote(to, from),
        }
    }

    fn kernel_of(&mut self, shape: Shape) -> Vec<Step> {
        match shape {
            Shape::Nested => self.kernel(),
            Shape::Graph => self.kernel_of_flow(),
            Shape::Matrices => self.kernel_of_matrices(),
        }
    }

    /// At the outermost level all threads come by, so they may wait for each other.
    fn kernel(&mut self) -> Vec<Step> {
        let mut kernel = Vec::new();
        while !self.0.is_empty() && kernel.len() < MOST_STEPS {
            match self.below(20) {
                0..12 => kernel.extend(self.steps(2, 8)),
                12..16 => kernel.push(self.together()),
                _ => {
                    let times = 1 + self.small(3);
                    let mut body = self.steps(1, 6);
                    body.push(self.together());
                    body.extend(self.steps(1, 6));
                    kernel.push(Step::Loop(times, None, body));
                }
            }
        }
        kernel
    }
}

struct Writer {
    text: String,
    labels: usize,
}

impl Writer {
    fn put(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn label(&mut self) -> String {
        self.labels += 1;
        format!("L{}", self.labels)
    }

    fn steps(&mut self, steps: &[Step]) {
        for step in steps {
            self.step(step);
        }
    }

    /// Accesses by what is made of the thread's number.
    fn apart(&mut self, to: usize, from: usize, how: usize) {
        let other = (to + 1) % REGISTERS;
        let (third, fourth) = ((to + 2) % REGISTERS, (to + 3) % REGISTERS);
        let words = format!("{{%f{to}, %f{other}, %f{third}, %f{fourth}}}");
        let (index, shift, access) = match how {
            0 => (
                "and.b32 %t, %t, 7;",
                2,
                format!("ld.global.u32 %r{to}, [%u];"),
            ),
            1 => (
                "shr.u32 %t, %t, 3;",
                4,
                format!("ld.global.v4.f32 {words}, [%u];"),
            ),
            2 => (
                "and.b32 %t, %t, 7;",
                4,
                format!("ld.global.v4.f32 {words}, [%u];"),
            ),
            3 => (
                "xor.b32 %t, %t, 5;",
                2,
                format!("ld.global.f32 %f{to}, [%u];"),
            ),
            4 => (
                "or.b32 %t, %t, 3;",
                3,
                format!("ld.global.u64 %d{to}, [%u];"),
            ),
            5 => (
                "mul.lo.u32 %t, %t, 3;",
                0,
                format!("ld.global.u8 %r{to}, [%u];"),
            ),
            6 => ("", 0, format!("ld.global.s8 %r{to}, [%u+3];")),
            7 => ("", 1, format!("ld.global.u16 %r{to}, [%u];")),
            8 => (
                "sub.u32 %t, 127, %t;",
                2,
                format!("ld.global.u32 %r{to}, [%u];"),
            ),
            9 => (
                "shr.s32 %t, %t, 2;",
                3,
                format!("ld.global.f64 %g{to}, [%u];"),
            ),
            10 => (
                "mad.lo.u32 %t, %r2, 96, %t;\nand.b32 %t, %t, 30;",
                2,
                format!("ld.global.v2.u32 {{%r{to}, %r{other}}}, [%u];"),
            ),
            11 => (
                "and.b32 %t, %t, 12;",
                2,
                format!("setp.lt.u32 %p{to}, %t, 8;"),
            ),
            12 => (
                "shr.u32 %t, %t, 1;",
                0,
                format!("setp.ne.s32 %p{to}, %t, 5;"),
            ),
            13 => (
                "",
                6,
                format!(
                    "add.s64 %u, %u, 8192;\nst.global.v4.f32 [%mine+16], {words};\nld.global.v2.f32 {{%f{from}, %f{to}}}, [%mine+24];"
                ),
            ),
            14 => (
                "",
                0,
                format!("st.global.u8 [%mine+41], %r{from};\nld.global.u32 %r{to}, [%mine+40];"),
            ),
            _ => (
                "",
                0,
                format!("st.global.u16 [%mine+42], %h{from};\nld.global.u16 %r{to}, [%mine+42];"),
            ),
        };
        self.put("mov.u32 %t, %tid.x;");
        self.put(index);
        self.put(&format!("mul.wide.u32 %u, %t, {};", 1 << shift));
        self.put("add.s64 %u, %u, %in;");
        self.put(&access);
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Compute(what, operands, guarded) => {
                let (name, kinds) = INSTRUCTIONS[*what];
                let guard = if *guarded {
                    format!("@!%p{} ", operands[4])
                } else {
                    String::new()
                };
                let operands: Vec<String> = kinds
                    .chars()
                    .zip(operands)
                    .map(|(kind, number)| format!("%{kind}{number}"))
                    .collect();
                self.put(&format!("{guard}{name} {};", operands.join(", ")));
            }
            Step::Constant(register, value) => {
                let word = *value as u32;
                match value % 4 {
                    0 => self.put(&format!("mov.b32 %r{register}, {word};")),
                    1 => self.put(&format!("mov.f32 %f{register}, 0f{word:08x};")),
                    2 => self.put(&format!("mov.b64 %d{register}, {value};")),
                    _ => self.put(&format!("mov.f64 %g{register}, 0d{value:016x};")),
                }
            }
            Step::Load(to, from, how) => match how {
                0 => self.put(&format!("ld.global.f32 %f{to}, [%own];")),
                1 => self.put(&format!("ld.global.u32 %r{to}, [%own+4];")),
                2 => self.put(&format!("ld.global.u32 %r{to}, [%in+{}];", from * 4)),
                3 => self.put(&format!("ld.global.u16 %h{to}, [%own];")),
                4 => self.put(&format!(
                    "ld.global.v2.f32 {{%f{to}, %f{from}}}, [%in+{}];",
                    from * 8
                )),
                5 => {
                    self.put(&format!("and.b32 %t, %r{from}, 1020;"));
                    self.put("cvt.u64.u32 %u, %t;");
                    self.put("add.s64 %u, %u, %in;");
                    self.put(&format!("ld.global.u32 %r{to}, [%u];"));
                }
                how => self.apart(*to, *from, usize::from(*how) - 6),
            },
            Step::Exchange(to, from, how) => {
                self.put("bar.sync 0;");
                self.put(&format!("st.shared.u32 [%slot], %r{from};"));
                self.put("bar.sync 0;");
                match how {
                    0 => self.put(&format!("ld.shared.f32 %f{to}, [%slot];")),
                    1 => {
                        self.put("xor.b32 %t, %slot, 12;");
                        self.put(&format!("ld.shared.u32 %r{to}, [%t];"));
                    }
                    _ => self.put(&format!("ld.shared.u32 %r{to}, [held+{}];", from * 4)),
                }
            }
            Step::Shuffle(to, from, how) => {
                let (mode, b, c) = [
                    ("bfly", 5, 31),
                    ("down", 2, 31),
                    ("up", 3, 0),
                    ("idx", 7, 31),
                ][usize::from(*how)];
                self.put(&format!(
                    "shfl.sync.{mode}.b32 %r{to}|%p{from}, %r{from}, {b}, {c}, -1;"
                ));
            }
            Step::Vote(to, from) => {
                self.put(&format!("vote.sync.ballot.b32 %r{to}, %p{from}, -1;"));
            }
            Step::Atomic(to, from, how) => match how {
                // Sums do not depend on the order; what an addition returns does.
                0 => self.put(&format!("red.global.add.u32 [%sum], %r{from};")),
                1 => self.put(&format!("atom.shared.max.u32 %t, [held+512], %r{from};")),
                _ => self.put(&format!("atom.global.exch.b32 %r{to}, [%mine], %r{from};")),
            },
            Step::If(condition, yes, no) => {
                let (other, end) = (self.label(), self.label());
                self.put(&format!("@%p{condition} bra {other};"));
                self.steps(no);
                self.put(&format!("bra {end};\n{other}:"));
                self.steps(yes);
                self.put(&format!("{end}:"));
            }
            Step::Flow(flow) => self.flow(flow),
            Step::Text(text) => self.put(text),
            Step::Loop(times, more, body) => {
                let (again, number) = (self.label(), self.labels);
                self.put(&format!(".reg .b32 %n{number};"));
                match more {
                    Some(register) => self.put(&format!("and.b32 %n{number}, %r{register}, 3;")),
                    None => self.put(&format!("mov.u32 %n{number}, {times};")),
                }
                self.put(&format!("{again}:"));
                self.steps(body);
                self.put(&format!("add.s32 %n{number}, %n{number}, -1;"));
                self.put(&format!("setp.gt.s32 %q, %n{number}, 0;\n@%q bra {again};"));
            }
        }
    }
}

const HEAD: &str = "\
.version 8.6
.target sm_90
.address_size 64
.visible .entry k(.param .u64 in, .param .u64 out, .param .u32 factor)
{
.reg .pred %p<6>, %q; .reg .b16 %h<6>; .reg .b32 %r<6>, %t, %slot, %i; .reg .b64 %d<6>, %u, %in, %out, %own, %sum, %mine;
.reg .f32 %f<6>; .reg .f64 %g<6>;
.shared .align 16 .b8 held[1024];
ld.param.u64 %in, [in];
ld.param.u64 %out, [out];
mov.u32 %t, %tid.y;
mov.u32 %i, %ntid.x;
mov.u32 %slot, %tid.x;
mad.lo.s32 %slot, %t, %i, %slot;
mov.u32 %i, %ctaid.x;
mad.lo.s32 %i, %i, 96, %slot;
mul.wide.s32 %u, %i, 4;
add.s64 %own, %in, %u;
mul.wide.s32 %u, %i, 64;
add.s64 %sum, %out, 32768;
add.s64 %mine, %out, %u;
shl.b32 %slot, %slot, 2;
mov.u32 %t, held;
add.s32 %slot, %slot, %t;
ld.param.u32 %r0, [factor];
mov.u32 %r1, %tid.x;
mov.u32 %r2, %ctaid.x;
mov.u32 %r3, %tid.y;
ld.global.u32 %r4, [%own];
ld.global.f32 %f0, [%own];
ld.global.f32 %f1, [%in+16];
cvt.rn.f32.u32 %f2, %r1;
setp.lt.u32 %p0, %r1, 7;
setp.eq.u32 %p1, %r2, 1;
mul.wide.u32 %d0, %r4, %r4;
cvt.f64.f32 %g0, %f1;
";

const TAIL: &str = "\
st.global.u32 [%mine+4], %r0; st.global.u32 [%mine+8], %r1; st.global.f32 [%mine+12], %f0;
st.global.v2.f32 [%mine+16], {%f1, %f2}; st.global.u64 [%mine+24], %d0;
st.global.f64 [%mine+32], %g0; st.global.u16 [%mine+40], %h0;
selp.u32 %t, 1, 0, %p2; st.global.u32 [%mine+44], %t;
st.global.v2.u32 [%mine+48], {%r2, %r3}; st.global.u32 [%mine+56], %r4; st.global.f32 [%mine+60], %f3;
ret;
}
";

fn text(steps: &[Step]) -> String {
    let mut writer = Writer {
        text: String::new(),
        labels: 0,
    };
    writer.steps(steps);
    let (head, tail) = (flow::HEAD, flow::TAIL);
    let mut text = String::new();
    write!(text, "{HEAD}{head}{}{tail}{TAIL}", writer.text).unwrap();
    text
}

/// What is printed where a test fails.
struct Shown(String);

impl Drop for Shown {
    fn drop(&mut self) {
        if std::thread::panicking() && std::env::var_os("SHOW_KERNEL").is_some() {
            eprintln!("{}", self.0);
        }
    }
}

/// Runs the kernel that the bytes describe, compiled and interpreted, and panics where they differ; it
/// prints the kernel then, where `SHOW_KERNEL` is set.
pub fn agree(data: &[u8]) {
    let mut choices = Choices(data);
    let shape = Shape::of(choices.byte());
    run(&mut choices, shape);
}

/// The text of the kernel that the bytes describe.
#[allow(
    dead_code,
    reason = "for the tests, and not for the fuzz target that shares this file"
)]
pub fn kernel_text(data: &[u8]) -> String {
    let mut choices = Choices(data);
    let shape = Shape::of(choices.byte());
    text(&choices.kernel_of(shape))
}

/// What a kernel's control flow is made of.
#[derive(Clone, Copy)]
enum Shape {
    /// Conditions and loops inside each other.
    Nested,
    /// Blocks with any edges between them.
    Graph,
    /// Products of matrices, and what brings their factors.
    Matrices,
}

impl Shape {
    /// What the first byte says. One value is for matrices, so that what was found before stays what it
    /// was.
    fn of(first: usize) -> Shape {
        match first {
            255 => Shape::Matrices,
            first if first % 2 == 0 => Shape::Nested,
            _ => Shape::Graph,
        }
    }
}

fn run(choices: &mut Choices<'_>, shape: Shape) {
    let seed = (0..4).fold(0, |word, _| word << 8 | choices.byte() as u32);
    let blocks = [(96, 1), (32, 3), (48, 2), (24, 4), (40, 1), (8, 1)];
    let (x, y) = blocks[choices.below(blocks.len())];
    let block = plane(x, y);
    let shown = Shown(text(&choices.kernel_of(shape)));
    let module = module(&shown.0);
    let memory = Flat::new(1 << 17);
    let mut state = seed | 1;
    let values: Vec<u32> = (0..1024)
        .map(|place| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            match state % 7 {
                0 => 0x7fc0_0001 + (state >> 20),
                1 => (f32::from(state as u16) / 77.0).to_bits(),
                2 => place,
                3 => state >> 25,
                _ => state,
            }
        })
        .collect();
    memory.put(0, &values);
    let arguments = Arguments::new().pointer(0).pointer(8192).with(seed);
    let shape = (plane(2, 1), block, 0);
    // What is too large for vectors is refused where vectors are asked for.
    let mut ways = vec![Vectorize::Never, Vectorize::Always];
    ways.retain(|way| match compile_as(&module, "k", *way) {
        Ok(_) => true,
        Err(reason) => {
            assert_eq!(reason.kind, UnsupportedKind::Limit, "{way:?}: {reason}");
            false
        }
    });
    // A fault is the same however the kernel runs; nothing else goes wrong.
    let result = launch_as(&module, "k", shape, arguments, &memory, &ways);
    assert!(
        matches!(result, Ok(_) | Err(RunError::Fault(_))),
        "{result:?}"
    );
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Choices, Shape};

    /// More in a long run: `PROPTEST_CASES=5000`.
    fn config(cases: u32) -> ProptestConfig {
        let given = std::env::var("PROPTEST_CASES").ok();
        let cases = given.and_then(|given| given.parse().ok()).unwrap_or(cases);
        ProptestConfig {
            cases,
            ..ProptestConfig::default()
        }
    }

    proptest! {
        #![proptest_config(config(48))]

        #[test]
        fn compiled_and_interpreted_kernels_agree(
            data in prop::collection::vec(any::<u8>(), 5..600)
        ) {
            super::run(&mut Choices(&data), Shape::Nested);
        }
    }

    proptest! {
        #![proptest_config(config(96))]

        #[test]
        fn compiled_and_interpreted_kernels_of_arbitrary_control_flow_agree(
            data in prop::collection::vec(any::<u8>(), 20..500)
        ) {
            super::run(&mut Choices(&data), Shape::Graph);
        }
    }

    proptest! {
        #![proptest_config(config(10))]

        #[test]
        fn compiled_and_interpreted_kernels_of_matrices_agree(
            data in prop::collection::vec(any::<u8>(), 30..400)
        ) {
            super::run(&mut Choices(&data), Shape::Matrices);
        }
    }

    #[test]
    fn kernels_on_which_they_differed_once_agree() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/regressions/differential");
        for input in std::fs::read_dir(folder).unwrap() {
            super::agree(&std::fs::read(input.unwrap().path()).unwrap());
        }
    }
}
