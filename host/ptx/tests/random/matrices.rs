//! Kernels that mix `cp.async`, `ldmatrix`, `stmatrix`, `movmatrix` and `mma`, as tiled products do, with
//! arithmetic on what lies in fragments, shuffles, loops and branches.
//!
//! What lies in shared memory does not depend on which thread comes first: whatever writes there writes
//! rows of its own thread or warp, and between writing and reading all threads wait. Products and
//! transfers stand where all lanes of a warp come by together, and copies also where only some do.

use super::{Choices, REGISTERS, Step, Writer};

/// Registers that fragments lie in.
const FRAGMENTS: usize = 16;

/// Rows of the tile, of 16 bytes: one for each thread of the largest block, and a warp's more.
const ROWS: usize = 128;

/// Steps at the outermost level, and in a loop or behind a branch.
const MOST_STEPS: usize = 40;
const MOST_INNER: usize = 8;

/// A form of `mma`, and its registers of the result and the sums, and of the two factors.
struct Form(&'static str, [usize; 3]);

const FORMS: &[Form] = &[
    Form("m16n8k16.row.col.f32.f16.f16.f32", [4, 4, 2]),
    Form("m16n8k8.row.col.f32.f16.f16.f32", [4, 2, 1]),
    Form("m16n8k16.row.col.f32.bf16.bf16.f32", [4, 4, 2]),
    Form("m16n8k8.row.col.f32.tf32.tf32.f32", [4, 4, 2]),
    Form("m16n8k4.row.col.f32.tf32.tf32.f32", [4, 2, 1]),
    Form("m16n8k16.row.col.f16.f16.f16.f16", [2, 4, 2]),
    Form("m16n8k32.row.col.f32.e4m3.e5m2.f32", [4, 4, 2]),
    Form("m16n8k32.row.col.s32.s8.u8.s32", [4, 4, 2]),
    Form("m16n8k16.row.col.satfinite.s32.s8.s8.s32", [4, 2, 1]),
];

/// Arithmetic on the words of fragments.
const ARITHMETIC: &[&str] = &[
    // No infinities and NaNs among halves.
    "and.b32 %mA, %mB, 0xbfffbfff;",
    "add.f32 %mA, %mB, %mC;",
    "fma.rn.f32 %mA, %mB, %mC, %mA;",
    "max.f32 %mA, %mB, %mC;",
    "ex2.approx.ftz.f32 %mA, %mB;",
    "xor.b32 %mA, %mB, %mC;",
    "add.u32 %mA, %mB, %rC;",
    "fma.rn.f16x2 %mA, %mB, %mC, %mA;",
    "cvt.rn.f16x2.f32 %mA, %mB, %mC;",
    "mov.b32 %mA, %mB;",
    "mov.b32 %mA, 0x3c003c00;",
    "mov.b32 %mA, 0;",
];

#[derive(Clone, Debug)]
enum MatrixStep {
    /// So many bytes of the thread's row, of which as many are copied as a register says, or all;
    /// under a predicate where there is one.
    Copy(usize, Option<usize>, Option<usize>, usize),
    /// Loads so many matrices, transposed or not, from rows in an order of its own, to registers from
    /// this one on.
    Load(usize, bool, usize, usize),
    /// The same, stores.
    Store(usize, bool, usize, usize),
    Transpose(usize, usize),
    /// A product, with the first registers of sums and factors; whether it adds to its own result.
    Multiply(usize, [usize; 4], bool),
    Compute(usize, [usize; 3]),
    Shuffle(usize, usize, usize),
    /// So many times for all threads, or as often as a word says that all load.
    Loop(usize, bool, Vec<MatrixStep>),
    /// Only where a word says so that all threads load.
    Skip(usize, Vec<MatrixStep>),
    /// What any thread can do by itself, where its own predicate holds.
    If(usize, Vec<MatrixStep>),
}

impl Choices<'_> {
    fn fragment(&mut self) -> usize {
        self.below(FRAGMENTS)
    }

    fn copy(&mut self) -> MatrixStep {
        let bytes = [4, 8, 16, 16][self.below(4)];
        let some = (self.below(4) == 1).then(|| self.register());
        let guard = (self.below(4) == 1).then(|| self.register());
        MatrixStep::Copy(bytes, some, guard, self.byte())
    }

    fn arithmetic(&mut self) -> MatrixStep {
        let operands = std::array::from_fn(|_| self.fragment());
        MatrixStep::Compute(self.below(ARITHMETIC.len()), operands)
    }

    fn matrix_step(&mut self, depth: usize) -> MatrixStep {
        match self.below(if depth == 0 { 20 } else { 26 }) {
            0..3 => self.copy(),
            3..7 => {
                let (count, transposed) = ([1, 2, 4, 4][self.below(4)], self.below(2) == 1);
                MatrixStep::Load(count, transposed, self.fragment(), self.byte())
            }
            7 => {
                let (count, transposed) = ([1, 2, 4, 4][self.below(4)], self.below(2) == 1);
                MatrixStep::Store(count, transposed, self.fragment(), self.byte())
            }
            8 => MatrixStep::Transpose(self.fragment(), self.fragment()),
            9..14 => {
                let form = self.below(FORMS.len());
                let places = std::array::from_fn(|_| self.fragment());
                MatrixStep::Multiply(form, places, self.below(2) == 1)
            }
            14..18 => self.arithmetic(),
            18 => MatrixStep::Shuffle(self.fragment(), self.fragment(), self.below(4)),
            19 => {
                let condition = self.register();
                let count = 1 + self.below(4);
                let steps = (0..count).map(|_| match self.below(3) {
                    // No loads: nobody waits here.
                    0 => self.copy(),
                    _ => self.arithmetic(),
                });
                MatrixStep::If(condition, steps.collect())
            }
            20..24 => {
                let times = 1 + self.below(3);
                let is_loaded = self.below(2) == 1;
                MatrixStep::Loop(times, is_loaded, self.matrix_steps(depth - 1))
            }
            _ => MatrixStep::Skip(self.below(8), self.matrix_steps(depth - 1)),
        }
    }

    fn matrix_steps(&mut self, depth: usize) -> Vec<MatrixStep> {
        let count = 1 + self.below(MOST_INNER);
        (0..count).map(|_| self.matrix_step(depth)).collect()
    }

    /// A kernel of such steps.
    pub(super) fn kernel_of_matrices(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        while !self.0.is_empty() && steps.len() < MOST_STEPS {
            steps.push(self.matrix_step(2));
        }
        let mut writer = MatrixWriter {
            writer: Writer {
                text: String::new(),
                labels: 0,
            },
            last: LastUse::None,
        };
        writer.begin();
        writer.steps(&steps);
        writer.end();
        vec![Step::Text(writer.writer.text)]
    }
}

/// What shared memory was used for last.
#[derive(Clone, Copy, PartialEq)]
enum LastUse {
    None,
    Read,
    Written,
    /// One of these, by where the threads came from.
    Any,
}

struct MatrixWriter {
    writer: Writer,
    last: LastUse,
}

impl MatrixWriter {
    fn put(&mut self, line: &str) {
        self.writer.put(line);
    }

    /// Registers of fragments from this one on, in braces.
    fn list(first: usize, count: usize) -> String {
        let names = (0..count).map(|i| format!("%m{}", (first + i) % FRAGMENTS));
        format!("{{{}}}", names.collect::<Vec<String>>().join(", "))
    }

    /// All threads wait where the next use of shared memory could otherwise come before another
    /// thread's last one.
    fn wait_before(&mut self, next: LastUse) {
        match (self.last, next) {
            (LastUse::None, _) | (LastUse::Read, LastUse::Read) => {}
            _ => self.put("cp.async.commit_group;\ncp.async.wait_group 0;\nbar.sync 0;"),
        }
        self.last = next;
    }

    fn begin(&mut self) {
        self.put(&format!(
            ".reg .b32 %m<{FRAGMENTS}>, %row, %base, %lane, %thread, %word, %size;\n\
             .shared .align 128 .b8 tile[{}];\nmov.u32 %base, tile;\n\
             ld.global.u32 %word, [%in+60];\n\
             mov.u32 %thread, held;\nsub.u32 %thread, %slot, %thread;\n\
             shr.u32 %thread, %thread, 2;\nand.b32 %lane, %thread, 31;",
            16 * ROWS
        ));
        self.put("mul.wide.u32 %u, %thread, 16;\nadd.s64 %u, %u, %in;");
        for register in 0..FRAGMENTS {
            let at = 128 * register;
            self.put(&format!("ld.global.u32 %m{register}, [%u+{at}];"));
            if register % 4 != 3 {
                self.put(&format!("and.b32 %m{register}, %m{register}, 0xbfffbfff;"));
            }
        }
        self.put("shl.b32 %row, %thread, 4;\nadd.u32 %row, %row, %base;");
        for word in 0..4 {
            let at = 4 * word;
            self.put(&format!("st.shared.u32 [%row+{at}], %m{word};"));
        }
        self.last = LastUse::Written;
    }

    /// What lies in fragments and in the tile goes into what the kernel stores.
    fn end(&mut self) {
        self.wait_before(LastUse::Read);
        self.put("mov.u32 %r5, 2166136261;");
        for register in 0..FRAGMENTS {
            self.put(&format!("mad.lo.u32 %r5, %r5, 16777619, %m{register};"));
        }
        self.put("shl.b32 %row, %thread, 4;\nadd.u32 %row, %row, %base;");
        for word in 0..4 {
            let at = 4 * word;
            self.put(&format!(
                "ld.shared.u32 %t, [%row+{at}];\nmad.lo.u32 %r5, %r5, 16777619, %t;"
            ));
        }
        self.put("st.global.u32 [%mine], %r5;");
        self.put("mov.b32 %f0, %m0;\nmov.b32 %f1, %m5;\nmov.b32 %f2, %m10;\nmov.b32 %f3, %m15;");
    }

    /// The rows that lanes give: those of the whole tile in some order, or each its own of the warp's.
    fn rows(&mut self, how: usize, of_warp: bool) {
        let (times, begin) = (2 * (how % 16) + 1, how / 16);
        self.put(&format!("mad.lo.u32 %row, %lane, {times}, {begin};"));
        if of_warp {
            self.put("and.b32 %row, %row, 31;\nand.b32 %t, %thread, 0xffffffe0;\nadd.u32 %row, %row, %t;");
        } else {
            self.put(&format!("and.b32 %row, %row, {};", ROWS - 1));
        }
        self.put("shl.b32 %row, %row, 4;\nadd.u32 %row, %row, %base;");
    }

    fn steps(&mut self, steps: &[MatrixStep]) {
        for step in steps {
            self.step(step);
        }
    }

    fn step(&mut self, step: &MatrixStep) {
        match step {
            MatrixStep::Copy(bytes, some, guard, from) => {
                self.wait_before(LastUse::Written);
                self.one_copy(*bytes, *some, *guard, *from);
            }
            MatrixStep::Load(count, transposed, first, how) => {
                self.wait_before(LastUse::Read);
                self.rows(*how, false);
                let trans = if *transposed { ".trans" } else { "" };
                let targets = Self::list(*first, *count);
                self.put(&format!(
                    "ldmatrix.sync.aligned.m8n8.x{count}{trans}.shared.b16 {targets}, [%row];"
                ));
            }
            MatrixStep::Store(count, transposed, first, how) => {
                self.wait_before(LastUse::Written);
                self.rows(*how, true);
                let trans = if *transposed { ".trans" } else { "" };
                let values = Self::list(*first, *count);
                self.put(&format!(
                    "stmatrix.sync.aligned.m8n8.x{count}{trans}.shared.b16 [%row], {values};"
                ));
            }
            MatrixStep::Transpose(to, from) => self.put(&format!(
                "movmatrix.sync.aligned.m8n8.trans.b16 %m{to}, %m{from};"
            )),
            MatrixStep::Multiply(form, [a, b, c, d], adds) => {
                let Form(name, [sums, rows, columns]) = &FORMS[*form];
                let result = if *adds { c } else { d };
                self.put(&format!(
                    "mma.sync.aligned.{name} {}, {}, {}, {};",
                    Self::list(*result, *sums),
                    Self::list(*a, *rows),
                    Self::list(*b, *columns),
                    Self::list(*c, *sums),
                ));
            }
            MatrixStep::Compute(what, [a, b, c]) => {
                let line = ARITHMETIC[*what]
                    .replace("%rC", &format!("%r{}", c % REGISTERS))
                    .replace('A', &a.to_string())
                    .replace('B', &b.to_string())
                    .replace('C', &c.to_string());
                self.put(&line);
            }
            MatrixStep::Shuffle(to, from, lanes) => {
                let lanes = 1 << lanes;
                self.put(&format!(
                    "shfl.sync.bfly.b32 %m{to}, %m{from}, {lanes}, 31, -1;"
                ));
            }
            MatrixStep::Loop(times, is_loaded, steps) => {
                let (again, number) = (self.writer.label(), self.writer.labels);
                self.put(&format!(".reg .b32 %n{number};"));
                if *is_loaded {
                    self.put(&format!("and.b32 %n{number}, %word, {times};"));
                } else {
                    self.put(&format!("mov.u32 %n{number}, {times};"));
                }
                self.put(&format!("{again}:"));
                self.last = LastUse::Any;
                self.steps(steps);
                self.put(&format!("add.s32 %n{number}, %n{number}, -1;"));
                self.put(&format!("setp.gt.s32 %q, %n{number}, 0;\n@%q bra {again};"));
            }
            MatrixStep::Skip(bit, steps) => {
                let end = self.writer.label();
                self.put(&format!(
                    "shr.u32 %t, %word, {bit};\nand.b32 %t, %t, 1;\nsetp.eq.u32 %q, %t, 0;\n@%q bra {end};"
                ));
                self.steps(steps);
                self.put(&format!("{end}:"));
                self.last = LastUse::Any;
            }
            MatrixStep::If(condition, steps) => {
                // Those that do not come by have waited too.
                self.wait_before(LastUse::Written);
                let end = self.writer.label();
                self.put(&format!("@!%p{condition} bra {end};"));
                for step in steps {
                    match step {
                        MatrixStep::Copy(bytes, some, guard, from) => {
                            self.one_copy(*bytes, *some, *guard, *from);
                        }
                        step => self.step(step),
                    }
                }
                self.put(&format!("{end}:"));
            }
        }
    }

    /// A copy to the thread's own row.
    fn one_copy(&mut self, bytes: usize, some: Option<usize>, guard: Option<usize>, from: usize) {
        let (times, begin) = (from % 8, from / 8);
        self.put(&format!(
            "mad.lo.u32 %t, %thread, {times}, {begin};\nand.b32 %t, %t, 127;\nmul.wide.u32 %u, %t, 16;\n\
             add.s64 %u, %u, %in;\nshl.b32 %row, %thread, 4;\nadd.u32 %row, %row, %base;"
        ));
        let size = some.map_or(String::new(), |register| {
            self.put(&format!(
                "and.b32 %size, %r{register}, 31;\nmin.u32 %size, %size, {bytes};"
            ));
            ", %size".to_owned()
        });
        let guard = guard.map_or(String::new(), |predicate| format!("@%p{predicate} "));
        let cache = if bytes == 16 { "cg" } else { "ca" };
        self.put(&format!(
            "{guard}cp.async.{cache}.shared.global [%row], [%u], {bytes}{size};"
        ));
    }
}
