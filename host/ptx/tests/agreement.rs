//! Instruction by instruction, on numbers at the edges and many others: the compiler, for one thread
//! and for groups of them, gives the interpreter's bits.

use crate::common::eval::many_as;
use tensor_wasm_ptx::compile::Vectorize;

/// Numbers that are the same in every run.
struct Numbers(fastrand::Rng);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0.u64(..)
    }

    /// An operand of a kind of register, often one at an edge.
    fn operand(&mut self, kind: char) -> u64 {
        let (how, any) = (self.next(), self.next());
        let pick = |from: &[u64]| from[(how >> 8) as usize % from.len()];
        let edge = how % 3 == 0;
        match kind {
            'h' if edge => pick(&[
                0, 0x8000, 1, 0x8001, 0x3c00, 0x3f80, 0xbc00, 0x7bff, 0x7c00, 0xfc00, 0x7c01,
                0x7f80, 0xff80, 0x7f7f, 0x7fff, 0xffff, 0x0400, 0x03ff, 0x007f, 0x0080, 0x8080,
            ]),
            'h' => any & 0xffff,
            'f' if edge => u64::from(
                [
                    0.0f32,
                    -0.0,
                    1.0,
                    -1.0,
                    0.5,
                    65519.0,
                    65520.0,
                    65535.9,
                    1e-45,
                    -1e-45,
                    5.96e-8,
                    2.98e-8,
                    3e38,
                    -3e38,
                    f32::MAX,
                    f32::MIN_POSITIVE,
                    f32::INFINITY,
                    f32::NEG_INFINITY,
                    f32::NAN,
                ][(how >> 8) as usize % 19]
                    .to_bits(),
            ),
            // Of a moderate size.
            'f' if how % 3 == 1 => any & 0x87ff_ffff | 0x3c00_0000,
            'f' => any & 0xffff_ffff,
            'g' if how % 11 == 0 => pick(&[
                0,
                1 << 63,
                1,
                0x7ff << 52,
                0xfff << 52,
                0x7ff8 << 48,
                1 << 52,
            ]),
            'g' if edge => f64::from(f32::from_bits((any >> 32) as u32))
                .to_bits()
                .wrapping_add_signed((how >> 8) as i64 % 3 - 1),
            'r' if edge => pick(&[0, 1, 0xffff_ffff, 0x8000_0000, 0x7fff_ffff, 0x7c00_3c00]),
            'r' => any & 0xffff_ffff,
            'p' => any & 1,
            // With few bits below the highest ones.
            'd' if how % 3 == 1 => any & 0xffff_ff80_0000_0001 | ((how >> 16) % 3),
            'd' if edge => pick(&[0, 1, u64::MAX, 1 << 63, u64::MAX >> 1, 0xffff_ffff]),
            _ => any,
        }
    }
}

#[track_caller]
fn agree(instructions: &[(&str, &str)]) {
    let mut numbers = Numbers(fastrand::Rng::with_seed(0x9e37_79b9_7f4a_7c15));
    for (instruction, shape) in instructions {
        let rows: Vec<Vec<u64>> = (0..1024)
            .map(|_| {
                shape
                    .chars()
                    .skip(1)
                    .map(|kind| numbers.operand(kind))
                    .collect()
            })
            .collect();
        let widths = [Vectorize::Never, Vectorize::Always];
        many_as(instruction, shape, &rows, &widths);
    }
}

#[test]
fn functions_agree() {
    agree(&[
        ("ex2.approx.f32", "ff"),
        ("ex2.approx.ftz.f32", "ff"),
        ("lg2.approx.f32", "ff"),
        ("lg2.approx.ftz.f32", "ff"),
        ("sin.approx.f32", "ff"),
        ("sin.approx.ftz.f32", "ff"),
        ("cos.approx.f32", "ff"),
        ("tanh.approx.f32", "ff"),
        ("rsqrt.approx.f32", "ff"),
        ("rsqrt.approx.ftz.f32", "ff"),
        ("rsqrt.approx.f64", "gg"),
        ("rcp.approx.ftz.f64", "gg"),
        ("ex2.approx.f16", "hh"),
        ("ex2.approx.f16x2", "rr"),
        ("ex2.approx.ftz.bf16", "hh"),
        ("ex2.approx.ftz.bf16x2", "rr"),
        ("tanh.approx.f16", "hh"),
        ("tanh.approx.bf16x2", "rr"),
    ]);
}

#[test]
fn directed_roundings_agree() {
    for mode in ["rz", "rm", "rp"] {
        let names: Vec<(String, &str)> = [
            ("add.MODE.f32", "fff"),
            ("add.MODE.ftz.sat.f32", "fff"),
            ("sub.MODE.f32", "fff"),
            ("mul.MODE.f32", "fff"),
            ("mul.MODE.ftz.f32", "fff"),
            ("fma.MODE.f32", "ffff"),
            ("fma.MODE.ftz.f32", "ffff"),
            ("div.MODE.f32", "fff"),
            ("div.MODE.ftz.f32", "fff"),
            ("rcp.MODE.f32", "ff"),
            ("sqrt.MODE.f32", "ff"),
            ("sqrt.MODE.ftz.f32", "ff"),
            ("cvt.MODE.f32.f64", "fg"),
            ("cvt.MODE.ftz.f32.f64", "fg"),
            ("cvt.MODE.f32.s32", "fr"),
            ("cvt.MODE.f32.u32", "fr"),
            ("cvt.MODE.f32.s64", "fd"),
            ("cvt.MODE.ftz.sat.f32.u64", "fd"),
            ("cvt.MODE.f16.f32", "hf"),
            ("cvt.MODE.bf16.f32", "hf"),
            ("cvt.MODE.f16.f64", "hg"),
            ("cvt.MODE.bf16.f64", "hg"),
            ("cvt.MODE.f16.s32", "hr"),
            ("cvt.MODE.bf16.u32", "hr"),
        ]
        .iter()
        .map(|(name, shape)| (name.replace("MODE", mode), *shape))
        .collect();
        let names: Vec<(&str, &str)> = names
            .iter()
            .map(|(name, shape)| (name.as_str(), *shape))
            .collect();
        agree(&names);
    }
}

#[test]
fn halves_agree() {
    agree(&[
        ("add.f16", "hhh"),
        ("add.ftz.sat.f16", "hhh"),
        ("sub.f16", "hhh"),
        ("mul.f16", "hhh"),
        ("mul.ftz.f16", "hhh"),
        ("fma.rn.f16", "hhhh"),
        ("fma.rn.ftz.sat.f16", "hhhh"),
        ("fma.rn.ftz.relu.f16", "hhhh"),
        ("min.ftz.f16", "hhh"),
        ("max.NaN.f16", "hhh"),
        ("abs.ftz.f16", "hh"),
        ("neg.f16", "hh"),
        ("add.bf16", "hhh"),
        ("sub.bf16", "hhh"),
        ("mul.bf16", "hhh"),
        ("fma.rn.bf16", "hhhh"),
        ("fma.rn.relu.bf16", "hhhh"),
        ("min.bf16", "hhh"),
        ("max.NaN.bf16", "hhh"),
        ("abs.bf16", "hh"),
        ("neg.bf16", "hh"),
        ("add.f16x2", "rrr"),
        ("sub.ftz.f16x2", "rrr"),
        ("mul.sat.f16x2", "rrr"),
        ("fma.rn.f16x2", "rrrr"),
        ("min.f16x2", "rrr"),
        ("abs.f16x2", "rr"),
        ("neg.ftz.f16x2", "rr"),
        ("add.bf16x2", "rrr"),
        ("mul.bf16x2", "rrr"),
        ("fma.rn.bf16x2", "rrrr"),
        ("max.bf16x2", "rrr"),
        ("neg.bf16x2", "rr"),
        ("setp.lt.f16", "phh"),
        ("setp.geu.ftz.f16", "phh"),
        ("setp.nan.bf16", "phh"),
        ("set.ne.u32.f16", "rhh"),
        ("set.gt.f16x2.f16x2", "rrr"),
        ("set.leu.ftz.u32.f16x2", "rrr"),
    ]);
}

#[test]
fn conversions_agree() {
    agree(&[
        ("cvt.f32.f16", "fh"),
        ("cvt.f32.bf16", "fh"),
        ("cvt.f64.f16", "gh"),
        ("cvt.f64.bf16", "gh"),
        ("cvt.rn.f16.f32", "hf"),
        ("cvt.rn.ftz.f16.f32", "hf"),
        ("cvt.rn.sat.f16.f32", "hf"),
        ("cvt.rn.relu.f16.f32", "hf"),
        ("cvt.rn.satfinite.f16.f32", "hf"),
        ("cvt.rn.bf16.f32", "hf"),
        ("cvt.rn.relu.bf16.f32", "hf"),
        ("cvt.rn.f16.f64", "hg"),
        ("cvt.rn.bf16.f64", "hg"),
        ("cvt.rn.f16.s16", "hh"),
        ("cvt.rn.f16.u32", "hr"),
        ("cvt.rn.f16.s64", "hd"),
        ("cvt.rn.bf16.s32", "hr"),
        ("cvt.rn.bf16.u64", "hd"),
        ("cvt.rni.f16.f16", "hh"),
        ("cvt.rmi.bf16.bf16", "hh"),
        ("cvt.rzi.s32.f16", "rh"),
        ("cvt.rpi.u16.f16", "hh"),
        ("cvt.rni.s64.bf16", "dh"),
        ("cvt.rzi.u64.f16", "dh"),
        ("cvt.rn.f16.bf16", "hh"),
        ("cvt.rn.f16x2.f32", "rff"),
        ("cvt.rz.relu.f16x2.f32", "rff"),
        ("cvt.rn.bf16x2.f32", "rff"),
        ("cvt.rn.satfinite.f16x2.f32", "rff"),
        ("cvt.rz.satfinite.bf16x2.f32", "rff"),
        ("cvt.rn.satfinite.bf16.f32", "hf"),
        ("cvt.rn.relu.satfinite.f16.f32", "hf"),
        ("cvt.rn.tf32.f32", "rf"),
        ("cvt.rz.relu.tf32.f32", "rf"),
        ("cvt.rna.tf32.f32", "rf"),
        ("cvt.rna.satfinite.tf32.f32", "rf"),
        ("cvt.pack.sat.s16.s32", "rrr"),
        ("cvt.pack.sat.u16.s32", "rrr"),
        ("cvt.pack.sat.u8.s32.b32", "rrrr"),
        ("cvt.pack.sat.s8.s32.b32", "rrrr"),
        ("cvt.rz.bf16x2.f32", "rff"),
    ]);
}

#[test]
fn clamped_and_packed_integers_agree() {
    agree(&[
        ("add.sat.s32", "rrr"),
        ("sub.sat.s32", "rrr"),
        ("min.relu.s32", "rrr"),
        ("max.relu.s32", "rrr"),
        ("add.u16x2", "rrr"),
        ("add.s16x2", "rrr"),
        ("min.u16x2", "rrr"),
        ("max.s16x2", "rrr"),
        ("min.relu.s16x2", "rrr"),
        ("max.relu.s16x2", "rrr"),
    ]);
}

#[test]
fn kinds_of_numbers_agree() {
    for kind in [
        "finite",
        "infinite",
        "number",
        "notanumber",
        "normal",
        "subnormal",
    ] {
        let [single, double] = ["f32", "f64"].map(|ty| format!("testp.{kind}.{ty}"));
        agree(&[(&single, "pf"), (&double, "pg")]);
    }
}

#[test]
fn bits_and_bytes_agree() {
    agree(&[
        ("brev.b32", "rr"),
        ("brev.b64", "dd"),
        ("bfind.u32", "rr"),
        ("bfind.s32", "rr"),
        ("bfind.shiftamt.u32", "rr"),
        ("bfind.s64", "rd"),
        ("bfind.shiftamt.u64", "rd"),
        ("mul.hi.u64", "ddd"),
        ("mul.hi.s64", "ddd"),
        ("mad.hi.u64", "dddd"),
        ("prmt.b32", "rrrr"),
        ("dp4a.s32.s32", "rrrr"),
        ("dp4a.u32.s32", "rrrr"),
        ("dp2a.lo.u32.u32", "rrrr"),
        ("dp2a.hi.s32.u32", "rrrr"),
    ]);
}

#[test]
fn instructions_that_are_one_function_agree() {
    agree(&[
        ("bfe.u32", "rrrr"),
        ("bfe.s32", "rrrr"),
        ("bfe.u64", "ddrr"),
        ("bfe.s64", "ddrr"),
        ("bfi.b32", "rrrrr"),
        ("bfi.b64", "dddrr"),
        ("lop3.b32", "rrrrr"),
        ("prmt.b32.f4e", "rrrr"),
        ("prmt.b32.b4e", "rrrr"),
        ("prmt.b32.rc8", "rrrr"),
        ("prmt.b32.ecl", "rrrr"),
        ("prmt.b32.ecr", "rrrr"),
        ("prmt.b32.rc16", "rrrr"),
        ("szext.clamp.s32", "rrr"),
        ("szext.wrap.s32", "rrr"),
        ("szext.clamp.u32", "rrr"),
        ("szext.wrap.u32", "rrr"),
        ("bmsk.clamp.b32", "rrr"),
        ("bmsk.wrap.b32", "rrr"),
        ("mul24.lo.s32", "rrr"),
        ("mul24.hi.s32", "rrr"),
        ("mul24.lo.u32", "rrr"),
        ("mul24.hi.u32", "rrr"),
        ("mad24.lo.s32", "rrrr"),
        ("mad24.hi.u32", "rrrr"),
        ("mad24.hi.sat.s32", "rrrr"),
        ("sad.s16", "hhhh"),
        ("sad.u64", "dddd"),
        ("shf.l.wrap.b32", "rrrr"),
        ("shf.r.clamp.b32", "rrrr"),
        ("popc.b64", "rd"),
        ("clz.b64", "rd"),
        ("cnot.b16", "hh"),
        ("cnot.b64", "dd"),
        ("not.b16", "hh"),
    ]);
}

/// Those of every other line of the file of all forms. Behind the two slashes stand the operands that
/// the forms have already.
#[test]
fn scalar_video_instructions_agree() {
    let names = [
        "vabsdiff.",
        "vadd.",
        "vmad.",
        "vmax.",
        "vmin.",
        "vset.",
        "vshl.",
        "vshr.",
        "vsub.",
    ];
    let forms = include_str!("data/forms.ptx").lines();
    let forms = forms.filter(|line| names.iter().any(|name| line.starts_with(name)));
    let forms: Vec<String> = forms.step_by(2).map(|form| format!("{form} //")).collect();
    assert!(forms.len() > 50);
    let forms: Vec<(&str, &str)> = forms.iter().map(|form| (form.as_str(), "rrrr")).collect();
    agree(&forms);
}

#[test]
fn a_kernel_of_very_many_halves_is_compiled_too() {
    let body = "fma.rn.f16x2 %r1, %r1, %r2, %r3;\nex2.approx.f32 %f1, %f1;\n".repeat(600);
    let body = format!(
        "cvt.u32.u64 %r1, %d1; cvt.u32.u64 %r2, %d2; mov.u32 %r3, 0x34003500; mov.b32 %f1, %r1;\n\
         {body}mov.b64 %d0, {{%r1, %f1}};"
    );
    crate::common::eval::lines(&body, &[0x3c01_2345, 0x3801_b802]);
}

#[test]
fn bytes_picked_by_a_known_selector_agree() {
    // The selector stands in the name: operands are registers.
    for selector in ["0x5410", "0x0123", "0xfedc", "0x98ba", "0x3276", "0x7777"] {
        let body = format!(
            "cvt.u32.u64 %r1, %d1; cvt.u32.u64 %r2, %d2; prmt.b32 %r3, %r1, %r2, {selector}; cvt.u64.u32 %d0, %r3;"
        );
        for (a, b) in [(0x8182_0304, 0xf1f2_7374), (0, 0xffff_ffff)] {
            crate::common::eval::lines(&body, &[a, b]);
        }
    }
}
