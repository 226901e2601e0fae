//! f16, bf16 and fp8, alone and in pairs: one line for each case.
//!
//! Expected values follow the PTX ISA.

use crate::common::eval::{Bits, check, lines};

const NAN32: u64 = 0x7fff_ffff;
/// The one NaN of both formats.
const NAN16: u64 = 0x7fff;
const INF: f32 = f32::INFINITY;

#[test]
fn minima_can_compare_magnitudes_and_multiply_signs() {
    check(&[
        (
            "min.xorsign.abs.f32",
            "fff",
            &[(-3f32).b(), 2f32.b()],
            (-2f32).b(),
        ),
        (
            "max.xorsign.abs.f32",
            "fff",
            &[(-3f32).b(), (-2f32).b()],
            3f32.b(),
        ),
        (
            "max.xorsign.abs.f32",
            "fff",
            &[(-3f32).b(), NAN32],
            (-3f32).b(),
        ),
        (
            "max.NaN.xorsign.abs.f32",
            "fff",
            &[(-3f32).b(), NAN32],
            NAN32,
        ),
        ("min.ftz.xorsign.abs.f32", "fff", &[1, 2f32.b()], 0),
        ("min.xorsign.abs.f16", "hhh", &[0xc200, 0x4000], 0xc000),
        (
            "max.xorsign.abs.f16x2",
            "rrr",
            &[0xc200_4200, 0x4000_4000],
            0xc200_4200,
        ),
        ("min.xorsign.abs.bf16", "hhh", &[0xc040, 0x4000], 0xc000),
        ("min.NaN.f16", "hhh", &[NAN16, 0x3c00], NAN16),
        ("min.f16", "hhh", &[0xfe00, 0x3c00], 0x3c00),
        (
            "max.NaN.bf16x2",
            "rrr",
            &[0x7fc0_3f80, 0x3f80_4000],
            0x7fff_4000,
        ),
        ("min.f16", "hhh", &[0x0000, 0x8000], 0x8000),
        ("max.ftz.f16", "hhh", &[0x0001, 0x8000], 0),
    ]);
}

#[test]
fn rectified_results_are_never_negative() {
    check(&[
        ("fma.rn.relu.f16", "hhhh", &[0x3c00, 0xbc00, 0x0000], 0),
        ("fma.rn.relu.f16", "hhhh", &[0x3c00, 0x3c00, 0x3c00], 0x4000),
        ("fma.rn.relu.f16", "hhhh", &[NAN16, 0x3c00, 0x3c00], NAN16),
        (
            "fma.rn.relu.bf16x2",
            "rrrr",
            &[0xbf80_3f80, 0x3f80_3f80, 0],
            0x0000_3f80,
        ),
        ("min.relu.s32", "rrr", &[(-5).b(), 3], 0),
        ("max.relu.s32", "rrr", &[(-5).b(), 3], 3),
        (
            "min.relu.s16x2",
            "rrr",
            &[0xfffb_0005, 0x0003_0003],
            0x0000_0003,
        ),
        ("min.s16x2", "rrr", &[0xfffb_0005, 0x0003_0003], 0xfffb_0003),
        ("max.u16x2", "rrr", &[0xfffb_0005, 0x0003_0003], 0xfffb_0005),
        ("min.u16x2", "rrr", &[0xfffb_0005, 0x0003_0003], 0x0003_0003),
        ("max.s16x2", "rrr", &[0xfffb_0005, 0x0003_0003], 0x0003_0005),
        ("add.u16x2", "rrr", &[0xffff_0001, 0x0001_0002], 0x0000_0003),
        ("add.s16x2", "rrr", &[0xffff_7fff, 0x0001_0001], 0x0000_8000),
        ("cvt.rn.relu.f16.f32", "hf", &[(-1f32).b()], 0),
        ("cvt.rn.relu.f16.f32", "hf", &[NAN32], NAN16),
        (
            "cvt.rz.relu.bf16x2.f32",
            "rff",
            &[(-1f32).b(), 2f32.b()],
            0x0000_4000,
        ),
    ]);
}

#[test]
fn halves_saturate_flush_and_keep_one_nan() {
    check(&[
        ("add.sat.f16", "hhh", &[0x3c00, 0x3c00], 0x3c00),
        ("add.sat.f16", "hhh", &[NAN16, 0x3c00], 0),
        (
            "sub.sat.f16x2",
            "rrr",
            &[0x3c00_4000, 0x4000_3c00],
            0x0000_3c00,
        ),
        ("mul.f16", "hhh", &[0x7c00, 0x0000], NAN16),
        ("mul.f16", "hhh", &[0x7bff, 0x4000], 0x7c00),
        ("mul.bf16", "hhh", &[0x7f7f, 0x4000], 0x7f80),
        ("add.bf16", "hhh", &[0x7f80, 0xff80], NAN16),
        ("fma.rn.ftz.f16", "hhhh", &[0x0001, 0x3c00, 0], 0),
        ("fma.rn.sat.f16", "hhhh", &[0x4000, 0x3c00, 0], 0x3c00),
        // A sum that rounds twice when it goes through a single.
        ("fma.rn.f16", "hhhh", &[0x3c01, 0x1001, 0x3c00], 0x3c01),
        (
            "add.ftz.f16x2",
            "rrr",
            &[0x0001_3c00, 0x0001_3c00],
            0x0000_4000,
        ),
        ("abs.f16x2", "rr", &[0x8001_bc00], 0x0001_3c00),
        ("abs.ftz.f16", "hh", &[0x8001], 0),
        ("neg.bf16x2", "rr", &[0x3f80_bf80], 0xbf80_3f80),
        ("ex2.approx.f16x2", "rr", &[0x3c00_bc00], 0x4000_3800),
        ("ex2.approx.ftz.bf16", "hh", &[0x4000], 0x4080),
        ("ex2.approx.ftz.bf16x2", "rr", &[0x4000_0000], 0x4080_3f80),
        ("tanh.approx.bf16", "hh", &[0x7f80], 0x3f80),
        ("tanh.approx.f16x2", "rr", &[0xfc00_7e00], 0xbc00_7fff),
    ]);
}

#[test]
fn pairs_are_compared_half_by_half() {
    let both = |instruction: &str, a: u64, b: u64| {
        lines(
            &format!(
                "cvt.u32.u64 %r1, %d1; cvt.u32.u64 %r2, %d2; setp.eq.u64 %p3, %d1, %d1; {instruction}\n\
                 selp.u64 %d3, 1, 0, %p1; selp.u64 %d4, 2, 0, %p2; add.u64 %d0, %d3, %d4;"
            ),
            &[a, b],
        )
    };
    assert_eq!(
        both("setp.lt.f16x2 %p1|%p2, %r1, %r2;", 0x4000_3c00, 0x3c00_4000),
        1
    );
    assert_eq!(
        both("setp.gt.f16x2 %p1|%p2, %r1, %r2;", 0x4000_3c00, 0x3c00_4000),
        2
    );
    assert_eq!(
        both(
            "setp.gtu.f16x2 %p1|%p2, %r1, %r2;",
            0x4000_7e00,
            0x3c00_4000
        ),
        3
    );
    assert_eq!(
        both(
            "setp.eq.ftz.f16x2 %p1|%p2, %r1, %r2;",
            0x0001_0000,
            0x8000_0001
        ),
        3
    );
    assert_eq!(
        both(
            "setp.lt.and.f16x2 %p1|%p2, %r1, %r2, !%p3;",
            0x3c00_3c00,
            0x4000_4000
        ),
        0
    );
    assert_eq!(
        both(
            "setp.ne.xor.bf16x2 %p1|%p2, %r1, %r2, %p3;",
            0x3f80_3f80,
            0x3f80_4000
        ),
        2
    );
    check(&[
        (
            "set.eq.f16x2.f16x2",
            "rrr",
            &[0x3c00_4000, 0x3c00_4200],
            0x3c00_0000,
        ),
        (
            "set.le.u32.f16x2",
            "rrr",
            &[0x3c00_4000, 0x4000_4000],
            0xffff_ffff,
        ),
        (
            "set.lt.s32.f16x2",
            "rrr",
            &[0x3c00_4000, 0x4000_4000],
            0xffff_0000,
        ),
        (
            "set.gt.bf16x2.bf16x2",
            "rrr",
            &[0x4000_3f80, 0x3f80_4000],
            0x3f80_0000,
        ),
        (
            "set.neu.u32.bf16x2",
            "rrr",
            &[0x7fc0_3f80, 0x3f80_3f80],
            0xffff_0000,
        ),
        ("set.lt.f16.f16", "hhh", &[0x3c00, 0x4000], 0x3c00),
        ("set.lt.bf16.bf16", "hhh", &[0x3f80, 0x4000], 0x3f80),
        ("set.lt.u16.f16", "hhh", &[0x3c00, 0x4000], 0xffff),
        ("set.lt.and.u32.f16", "rhhp", &[0x3c00, 0x4000, 0], 0),
        ("set.lt.f16.s32", "hrr", &[(-1).b(), 0], 0x3c00),
        ("set.hi.bf16.u32", "hrr", &[2, 1], 0x3f80),
        ("set.gt.bf16.f16", "hhh", &[0x4000, 0x3c00], 0x3f80),
    ]);
}

#[test]
fn conversions_to_narrow_numbers_saturate_where_asked() {
    check(&[
        ("cvt.rn.satfinite.f16.f32", "hf", &[1e9f32.b()], 0x7bff),
        ("cvt.rn.satfinite.f16.f32", "hf", &[(-INF).b()], 0xfbff),
        ("cvt.rn.satfinite.bf16.f32", "hf", &[INF.b()], 0x7f7f),
        (
            "cvt.rn.satfinite.f16x2.f32",
            "rff",
            &[INF.b(), NAN32],
            0x7bff_7fff,
        ),
        (
            "cvt.rn.relu.satfinite.f16x2.f32",
            "rff",
            &[(-INF).b(), INF.b()],
            0x0000_7bff,
        ),
        (
            "cvt.rz.f16x2.f32",
            "rff",
            &[65520f32.b(), 1f32.b()],
            0x7bff_3c00,
        ),
        ("cvt.rn.bf16.f32", "hf", &[NAN32], NAN16),
        // Halfway between two: away from zero, to the even one, towards zero.
        ("cvt.rna.tf32.f32", "rf", &[0x3f80_1000], 0x3f80_2000),
        ("cvt.rn.tf32.f32", "rf", &[0x3f80_1000], 0x3f80_0000),
        ("cvt.rn.tf32.f32", "rf", &[0x3f80_3000], 0x3f80_4000),
        ("cvt.rz.relu.tf32.f32", "rf", &[(-1f32).b()], 0),
        ("cvt.rz.tf32.f32", "rf", &[0x3f80_1fff], 0x3f80_0000),
        ("cvt.rna.tf32.f32", "rf", &[f32::MAX.b()], INF.b()),
        (
            "cvt.rna.satfinite.tf32.f32",
            "rf",
            &[f32::MAX.b()],
            0x7f7f_e000,
        ),
        ("cvt.rna.tf32.f32", "rf", &[0xffc0_0000], NAN32),
        (
            "cvt.rn.satfinite.e4m3x2.f32",
            "hff",
            &[448f32.b(), (-1e9f32).b()],
            0x7efe,
        ),
        (
            "cvt.rn.satfinite.e4m3x2.f32",
            "hff",
            &[1f32.b(), NAN32],
            0x387f,
        ),
        (
            "cvt.rn.satfinite.e4m3x2.f32",
            "hff",
            &[2f32.powi(-9).b(), 2f32.powi(-10).b()],
            0x0100,
        ),
        (
            "cvt.rn.satfinite.e4m3x2.f32",
            "hff",
            &[1.0625f32.b(), 1.1875f32.b()],
            0x383a,
        ),
        (
            "cvt.rn.satfinite.e4m3x2.f32",
            "hff",
            &[464f32.b(), 1e-30f32.b()],
            0x7e00,
        ),
        (
            "cvt.rn.satfinite.e5m2x2.f32",
            "hff",
            &[1e9f32.b(), INF.b()],
            0x7b7b,
        ),
        (
            "cvt.rn.satfinite.e5m2x2.f32",
            "hff",
            &[(-1f32).b(), 2f32.powi(-16).b()],
            0xbc01,
        ),
        (
            "cvt.rn.satfinite.relu.e5m2x2.f32",
            "hff",
            &[(-1f32).b(), 3f32.b()],
            0x0042,
        ),
        (
            "cvt.rn.satfinite.e4m3x2.f16x2",
            "hr",
            &[0x3c00_c000],
            0x38c0,
        ),
        ("cvt.rn.f16x2.e4m3x2", "rh", &[0x7f38], 0x7fff_3c00),
        ("cvt.rn.f16x2.e4m3x2", "rh", &[0x01fe], 0x1800_df00),
        ("cvt.rn.relu.f16x2.e4m3x2", "rh", &[0xb838], 0x0000_3c00),
        ("cvt.rn.f16x2.e5m2x2", "rh", &[0x7cbc], 0x7c00_bc00),
        (
            "cvt.pack.sat.u16.s32",
            "rrr",
            &[(-5).b(), 70000],
            0x0000_ffff,
        ),
        (
            "cvt.pack.sat.s16.s32",
            "rrr",
            &[(-40000).b(), 70000],
            0x8000_7fff,
        ),
        (
            "cvt.pack.sat.u8.s32.b32",
            "rrrr",
            &[300, (-5).b(), 0x1234_5678],
            0x5678_ff00,
        ),
        (
            "cvt.pack.sat.s8.s32.b32",
            "rrrr",
            &[(-300).b(), 5, 0],
            0x8005,
        ),
    ]);
}

#[test]
fn bits_are_extended_found_and_combined_with_predicates() {
    check(&[
        ("szext.clamp.s32", "rrr", &[0xff, 8], 0xffff_ffff),
        ("szext.clamp.u32", "rrr", &[0x1ff, 8], 0xff),
        ("szext.clamp.s32", "rrr", &[0x8000_0000, 40], 0x8000_0000),
        ("szext.wrap.s32", "rrr", &[0xff, 40], 0xffff_ffff),
        ("szext.wrap.u32", "rrr", &[0xff, 32], 0),
        ("szext.clamp.s32", "rrr", &[0xff, 0], 0),
        ("fns.b32", "rrrr", &[0b1010_1000, 0, 1], 3),
        ("fns.b32", "rrrr", &[0b1010_1000, 0, 3], 7),
        ("fns.b32", "rrrr", &[0b1010_1000, 0, 4], 0xffff_ffff),
        ("fns.b32", "rrrr", &[0b1010_1000, 7, (-2).b()], 5),
        ("fns.b32", "rrrr", &[0b1010_1000, 5, 0], 5),
        ("fns.b32", "rrrr", &[0b1010_1000, 4, 0], 0xffff_ffff),
        ("fns.b32", "rrrr", &[0xffff_ffff, 40, 1], 0xffff_ffff),
        (
            "fns.b32",
            "rrrr",
            &[0xffff_ffff, 0, 0x8000_0000],
            0xffff_ffff,
        ),
    ]);
    let logic = "cvt.u32.u64 %r1, %d1; cvt.u32.u64 %r2, %d2; setp.eq.u64 %p3, %d1, %d2;\n\
                 lop3.or.b32 %r3|%p1, %r1, %r2, 0, 0xc0, %p3; lop3.and.b32 _|%p2, %r1, %r2, 0, 0xc0, !%p3;\n\
                 cvt.u64.u32 %d0, %r3; @%p1 add.u64 %d0, %d0, 1000; @%p2 add.u64 %d0, %d0, 2000;";
    assert_eq!(
        lines(logic, &[5, 6]),
        3004,
        "the words have a bit in common"
    );
    assert_eq!(lines(logic, &[5, 2]), 0);
    assert_eq!(lines(logic, &[5, 5]), 1005, "the predicate is true");
}

#[test]
fn modifiers_may_stand_in_any_order_as_in_cudas_own_headers() {
    let body = "atom.add.release.gpu.u64 %d2, [%base], 5; ld.u64.global %d3, [%base]; add.u64 %d0, %d2, %d3;\n\
                red.or.release.cta.b32 [%base], %r1; mov.b32 %r1, 0f3F800000; prmt.f4e.b32 %r1, %r1, %r1, %r1;";
    assert_eq!(lines(body, &[7]), 19);
}
