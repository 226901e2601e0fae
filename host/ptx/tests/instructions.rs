//! What each instruction computes, at the values where instructions differ: one line each.
//!
//! Expected values follow the PTX ISA and, where it leaves the result open, NVIDIA's hardware.

use crate::common::eval::{Bits, check, eval, lines};

const M32: u64 = 0xffff_ffff;
const M64: u64 = u64::MAX;
const MIN32: u64 = 0x8000_0000;
const MIN64: u64 = 1 << 63;
const NAN32: u64 = 0x7fff_ffff;
const INF: f32 = f32::INFINITY;
/// The smallest subnormal single.
const TINY: u64 = 1;

#[test]
fn integers_wrap_unless_they_saturate() {
    check(&[
        ("add.s32", "rrr", &[0x7fff_ffff, 1], MIN32),
        ("add.sat.s32", "rrr", &[0x7fff_ffff, 1], 0x7fff_ffff),
        ("add.sat.s32", "rrr", &[MIN32, M32], MIN32),
        ("add.u32", "rrr", &[M32, 2], 1),
        ("add.u16", "hhh", &[0xffff, 2], 1),
        ("add.s64", "ddd", &[M64, 2], 1),
        ("sub.u32", "rrr", &[0, 1], M32),
        ("sub.sat.s32", "rrr", &[MIN32, 1], MIN32),
        ("sub.u64", "ddd", &[0, 1], M64),
        ("mul.lo.s32", "rrr", &[0x1_0001, 0x1_0001], 0x2_0001),
        ("mul.hi.s32", "rrr", &[M32, 2], M32),
        ("mul.hi.u32", "rrr", &[M32, 2], 1),
        ("mul.hi.u32", "rrr", &[M32, M32], 0xffff_fffe),
        ("mul.hi.s64", "ddd", &[M64, 2], M64),
        ("mul.hi.u64", "ddd", &[M64, M64], M64 - 1),
        ("mul.hi.s16", "hhh", &[0xffff, 2], 0xffff),
        ("mul.wide.s32", "drr", &[M32, 3], (-3i64).cast_unsigned()),
        ("mul.wide.u32", "drr", &[M32, 3], 3 * M32),
        ("mul.wide.s16", "rhh", &[0x8000, 0x8000], 0x4000_0000),
        ("mul.wide.u16", "rhh", &[0xffff, 0xffff], 0xfffe_0001),
        ("mad.lo.u32", "rrrr", &[7, M32, 10], 3),
        ("mad.hi.u32", "rrrr", &[M32, M32, 5], 3),
        (
            "mad.hi.sat.s32",
            "rrrr",
            &[0x7fff_ffff, 0x7fff_ffff, 0x7fff_ffff],
            0x7fff_ffff,
        ),
        (
            "mad.wide.s32",
            "drrd",
            &[M32, 5, 3],
            (-2i64).cast_unsigned(),
        ),
        ("mad.wide.u16", "rhhr", &[0xffff, 0xffff, M32], 0xfffe_0000),
        ("mul24.lo.u32", "rrr", &[0xff00_0003, 5], 15),
        ("mul24.lo.s32", "rrr", &[0x00ff_ffff, 5], (-5).b()),
        ("mul24.hi.u32", "rrr", &[0xff_ffff, 0xff_ffff], 0xffff_fe00),
        ("mad24.lo.s32", "rrrr", &[0x00ff_ffff, 5, 7], 2),
        ("sad.u32", "rrrr", &[3, 10, 100], 107),
        ("sad.s32", "rrrr", &[(-5).b(), 5, 1], 11),
        ("abs.s32", "rr", &[(-7).b()], 7),
        ("abs.s32", "rr", &[MIN32], MIN32),
        ("neg.s32", "rr", &[MIN32], MIN32),
        ("neg.s64", "dd", &[5], (-5i64).cast_unsigned()),
        ("neg.s16", "hh", &[1], 0xffff),
        ("min.s32", "rrr", &[M32, 1], M32),
        ("min.u32", "rrr", &[M32, 1], 1),
        ("max.s32", "rrr", &[M32, 1], 1),
        ("max.u64", "ddd", &[M64, 1], M64),
        ("max.s16", "hhh", &[0xffff, 1], 1),
        ("dp4a.u32.u32", "rrrr", &[0x0102_0304, 0x0506_0708, 1], 71),
        ("dp4a.s32.s32", "rrrr", &[0xff02_0304, 0x0506_0708, 1], 61),
        (
            "dp4a.u32.s32",
            "rrrr",
            &[0xff00_0000, 0xff00_0000, 0],
            (-255).b(),
        ),
        (
            "dp2a.lo.u32.u32",
            "rrrr",
            &[0x0002_0003, 0x0403_0201, 10],
            17,
        ),
        (
            "dp2a.hi.u32.u32",
            "rrrr",
            &[0x0002_0003, 0x0403_0201, 10],
            27,
        ),
    ]);
}

#[test]
fn division_by_zero_has_a_result() {
    check(&[
        ("div.u32", "rrr", &[7, 0], M32),
        ("div.s32", "rrr", &[7, 0], M32),
        ("div.u64", "ddd", &[7, 0], M64),
        ("div.s16", "hhh", &[7, 0], 0xffff),
        ("rem.u32", "rrr", &[7, 0], 7),
        ("rem.s32", "rrr", &[(-7).b(), 0], (-7).b()),
        ("div.s32", "rrr", &[MIN32, M32], MIN32),
        ("rem.s32", "rrr", &[MIN32, M32], 0),
        ("div.s64", "ddd", &[MIN64, M64], MIN64),
        ("div.s32", "rrr", &[(-7).b(), 2], (-3).b()),
        ("rem.s32", "rrr", &[(-7).b(), 2], (-1).b()),
        ("div.u32", "rrr", &[(-7).b(), 2], 0x7fff_fffc),
    ]);
}

#[test]
fn shifts_past_the_width_shift_everything_out() {
    check(&[
        ("shl.b32", "rrr", &[1, 31], MIN32),
        ("shl.b32", "rrr", &[1, 32], 0),
        ("shl.b32", "rrr", &[1, M32], 0),
        ("shl.b16", "hhr", &[3, 15], 0x8000),
        ("shl.b64", "ddr", &[1, 63], MIN64),
        ("shl.b64", "ddr", &[1, 64], 0),
        ("shr.u32", "rrr", &[MIN32, 31], 1),
        ("shr.u32", "rrr", &[MIN32, 32], 0),
        ("shr.s32", "rrr", &[MIN32, 32], M32),
        ("shr.s32", "rrr", &[MIN32, 4], 0xf800_0000),
        ("shr.s64", "ddr", &[MIN64, 1000], M64),
        ("shr.s16", "hhr", &[0x8000, 3], 0xf000),
        ("shr.b64", "ddr", &[MIN64, 63], 1),
        (
            "shf.l.wrap.b32",
            "rrrr",
            &[0x8000_0001, 0x1234_5678, 33],
            0x2468_acf1,
        ),
        (
            "shf.l.clamp.b32",
            "rrrr",
            &[0x8000_0001, 0x1234_5678, 33],
            0x8000_0001,
        ),
        (
            "shf.r.wrap.b32",
            "rrrr",
            &[0x8000_0001, 0x1234_5679, 33],
            0xc000_0000,
        ),
        (
            "shf.r.clamp.b32",
            "rrrr",
            &[0x8000_0001, 0x1234_5679, 40],
            0x1234_5679,
        ),
    ]);
}

#[test]
fn bits_are_counted_found_and_moved() {
    check(&[
        ("popc.b32", "rr", &[M32], 32),
        ("popc.b64", "rd", &[M64], 64),
        ("clz.b32", "rr", &[0], 32),
        ("clz.b32", "rr", &[1], 31),
        ("clz.b64", "rd", &[1], 63),
        ("bfind.u32", "rr", &[0], M32),
        ("bfind.u32", "rr", &[0x10], 4),
        ("bfind.s32", "rr", &[M32], M32),
        ("bfind.s32", "rr", &[0xffff_fff0], 3),
        ("bfind.shiftamt.u32", "rr", &[0x10], 27),
        ("bfind.u64", "rd", &[1 << 40], 40),
        ("bfind.shiftamt.s64", "rd", &[!(1 << 40)], 23),
        ("brev.b32", "rr", &[1], MIN32),
        ("brev.b64", "dd", &[1], MIN64),
        ("bfe.u32", "rrrr", &[0xabcd_1234, 8, 8], 0x12),
        ("bfe.s32", "rrrr", &[0xabcd_1234, 28, 4], 0xffff_fffa),
        ("bfe.s32", "rrrr", &[0xabcd_1234, 24, 40], 0xffff_ffab),
        ("bfe.u32", "rrrr", &[0xabcd_1234, 24, 40], 0xab),
        ("bfe.s32", "rrrr", &[0x8000_0000, 40, 4], M32),
        ("bfe.u32", "rrrr", &[0x8000_0000, 40, 4], 0),
        ("bfe.s32", "rrrr", &[M32, 3, 0], 0),
        ("bfe.u64", "ddrr", &[0xabcd << 40, 40, 16], 0xabcd),
        ("bfe.s64", "ddrr", &[MIN64, 60, 8], (-8i64).cast_unsigned()),
        ("bfi.b32", "rrrrr", &[0xf, 0, 8, 2], 0x300),
        ("bfi.b32", "rrrrr", &[M32, 0x1234_5678, 28, 20], 0xf234_5678),
        ("bfi.b32", "rrrrr", &[M32, 0x1234_5678, 32, 4], 0x1234_5678),
        ("bfi.b64", "dddrr", &[M64, 0, 60, 4], 0xf << 60),
        ("bmsk.clamp.b32", "rrr", &[4, 40], 0xffff_fff0),
        ("bmsk.wrap.b32", "rrr", &[36, 4], 0xf0),
        ("and.b32", "rrr", &[0xff00, 0x0ff0], 0x0f00),
        ("or.b64", "ddd", &[MIN64, 1], MIN64 | 1),
        ("xor.b16", "hhh", &[0xffff, 0x00ff], 0xff00),
        ("not.b32", "rr", &[0], M32),
        ("not.b16", "hh", &[0], 0xffff),
        ("cnot.b32", "rr", &[0], 1),
        ("cnot.b64", "dd", &[7], 0),
        ("and.pred", "ppp", &[1, 1], 1),
        ("xor.pred", "ppp", &[1, 1], 0),
        ("not.pred", "pp", &[1], 0),
        (
            "prmt.b32",
            "rrrr",
            &[0x4433_2211, 0x8877_6655, 0x7610],
            0x8877_2211,
        ),
        (
            "prmt.b32",
            "rrrr",
            &[0x4433_2211, 0x8877_6655, 0xf0f0],
            0xff11_ff11,
        ),
        (
            "prmt.b32.f4e",
            "rrrr",
            &[0x4433_2211, 0x8877_6655, 1],
            0x5544_3322,
        ),
        (
            "prmt.b32.b4e",
            "rrrr",
            &[0x4433_2211, 0x8877_6655, 1],
            0x7788_1122,
        ),
        ("prmt.b32.rc8", "rrrr", &[0x4433_2211, 0, 2], 0x3333_3333),
        ("prmt.b32.ecl", "rrrr", &[0x4433_2211, 0, 1], 0x4433_2222),
        ("prmt.b32.ecr", "rrrr", &[0x4433_2211, 0, 1], 0x2222_2211),
        ("prmt.b32.rc16", "rrrr", &[0x4433_2211, 0, 1], 0x4433_4433),
    ]);
    // The table's bytes are the classical ones of three inputs.
    let (a, b, c) = (0xf0f0_f0f0u64, 0xcccc_cccc, 0xaaaa_aaaa);
    for (table, expected) in [
        (0x80, a & b & c),
        (0xfe, a | b | c),
        (0x96, a ^ b ^ c),
        (0x1a, (a & b | c) ^ a),
    ] {
        assert_eq!(eval("lop3.b32", "rrrrr", &[a, b, c, table]), expected & M32);
    }
}

#[test]
fn singles_round_once_and_flush_only_when_asked() {
    let third = 1.0f32 / 3.0;
    let up = f32::from_bits(third.to_bits());
    let down = f32::from_bits(third.to_bits() - 1);
    check(&[
        ("add.f32", "fff", &[1.5f32.b(), 2.25f32.b()], 3.75f32.b()),
        ("add.f32", "fff", &[INF.b(), (-INF).b()], NAN32),
        ("add.rm.f32", "fff", &[1f32.b(), (-1f32).b()], (-0f32).b()),
        ("add.rn.f32", "fff", &[1f32.b(), (-1f32).b()], 0),
        ("add.rp.f32", "fff", &[1f32.b(), TINY], 1f32.b() + 1),
        ("add.rz.f32", "fff", &[1f32.b(), TINY], 1f32.b()),
        ("add.rm.f32", "fff", &[1f32.b(), TINY | MIN32], 1f32.b() - 1),
        ("add.f32", "fff", &[TINY, TINY], 2),
        ("add.ftz.f32", "fff", &[TINY, TINY], 0),
        ("add.ftz.f32", "fff", &[TINY | MIN32, MIN32], MIN32),
        ("add.sat.f32", "fff", &[1f32.b(), 1f32.b()], 1f32.b()),
        ("add.sat.f32", "fff", &[NAN32, 1f32.b()], 0),
        ("sub.sat.f32", "fff", &[1f32.b(), 2f32.b()], 0),
        ("sub.f32", "fff", &[1f32.b(), 2f32.b()], (-1f32).b()),
        ("mul.f32", "fff", &[INF.b(), 0], NAN32),
        (
            "mul.ftz.f32",
            "fff",
            &[f32::MIN_POSITIVE.b(), 0.5f32.b()],
            0,
        ),
        (
            "mul.f32",
            "fff",
            &[f32::MIN_POSITIVE.b(), 0.5f32.b()],
            0x0040_0000,
        ),
        ("mul.rp.f32", "fff", &[f32::MAX.b(), 2f32.b()], INF.b()),
        ("mul.rz.f32", "fff", &[f32::MAX.b(), 2f32.b()], f32::MAX.b()),
        ("div.rn.f32", "fff", &[1f32.b(), 3f32.b()], up.b()),
        ("div.rz.f32", "fff", &[1f32.b(), 3f32.b()], down.b()),
        ("div.rp.f32", "fff", &[(-1f32).b(), 3f32.b()], (-down).b()),
        ("div.full.f32", "fff", &[1f32.b(), 0], INF.b()),
        ("div.approx.f32", "fff", &[1f32.b(), 2f32.powi(127).b()], 0),
        (
            "div.approx.f32",
            "fff",
            &[INF.b(), 2f32.powi(127).b()],
            NAN32,
        ),
        ("div.approx.ftz.f32", "fff", &[6f32.b(), 3f32.b()], 2f32.b()),
        ("rcp.rn.f32", "ff", &[4f32.b()], 0.25f32.b()),
        ("rcp.approx.ftz.f32", "ff", &[TINY], INF.b()),
        ("sqrt.rn.f32", "ff", &[2f32.b()], 2f32.sqrt().b()),
        ("sqrt.rz.f32", "ff", &[2f32.b()], 2f32.sqrt().b()),
        ("sqrt.rp.f32", "ff", &[2f32.b()], 2f32.sqrt().b() + 1),
        ("sqrt.approx.f32", "ff", &[(-1f32).b()], NAN32),
        ("rsqrt.approx.f32", "ff", &[16f32.b()], 0.25f32.b()),
        ("rsqrt.approx.f32", "ff", &[(-0f32).b()], (-INF).b()),
        ("sin.approx.f32", "ff", &[0], 0),
        ("cos.approx.f32", "ff", &[0], 1f32.b()),
        ("cos.approx.f32", "ff", &[INF.b()], NAN32),
        ("lg2.approx.f32", "ff", &[8f32.b()], 3f32.b()),
        ("lg2.approx.f32", "ff", &[0], (-INF).b()),
        ("ex2.approx.ftz.f32", "ff", &[(-3f32).b()], 0.125f32.b()),
        ("ex2.approx.ftz.f32", "ff", &[(-140f32).b()], 0),
        ("tanh.approx.f32", "ff", &[INF.b()], 1f32.b()),
        ("abs.f32", "ff", &[(-2f32).b()], 2f32.b()),
        ("abs.ftz.f32", "ff", &[TINY | MIN32], 0),
        ("neg.f32", "ff", &[0], MIN32),
        ("copysign.f32", "fff", &[(-1f32).b(), 5f32.b()], (-5f32).b()),
        ("slct.f32.s32", "fffr", &[1f32.b(), 2f32.b(), M32], 2f32.b()),
        ("slct.u32.f32", "rrrf", &[1, 2, (-0f32).b()], 1),
        ("slct.u32.f32", "rrrf", &[1, 2, NAN32], 2),
        ("selp.f32", "fffp", &[1f32.b(), 2f32.b(), 0], 2f32.b()),
    ]);
}

#[test]
fn multiply_and_add_is_fused() {
    let (x, y) = (1.0f32 + f32::EPSILON, 1.0f32 - f32::EPSILON);
    let exact = -(f32::EPSILON * f32::EPSILON);
    check(&[
        (
            "fma.rn.f32",
            "ffff",
            &[x.b(), y.b(), (-1f32).b()],
            exact.b(),
        ),
        (
            "fma.rn.f64",
            "gggg",
            &[3f64.b(), 5f64.b(), 1e-300.b()],
            15f64.b(),
        ),
        (
            "fma.rp.f64",
            "gggg",
            &[3f64.b(), 5f64.b(), 1e-300.b()],
            15f64.b() + 1,
        ),
        (
            "fma.rm.f64",
            "gggg",
            &[3f64.b(), 5f64.b(), (-1e-300).b()],
            15f64.b() - 1,
        ),
        (
            "fma.rn.sat.f32",
            "ffff",
            &[3f32.b(), 5f32.b(), 1f32.b()],
            1f32.b(),
        ),
        (
            "mad.rn.f32",
            "ffff",
            &[x.b(), y.b(), (-1f32).b()],
            exact.b(),
        ),
    ]);
}

#[test]
fn doubles_round_in_every_direction() {
    let third = 1.0f64 / 3.0;
    check(&[
        ("add.f64", "ggg", &[0.1.b(), 0.2.b()], (0.1 + 0.2).b()),
        ("add.rp.f64", "ggg", &[1f64.b(), 1e-300.b()], 1f64.b() + 1),
        (
            "sub.f64",
            "ggg",
            &[f64::INFINITY.b(), f64::INFINITY.b()],
            0xfff8_0000_0000_0000,
        ),
        ("mul.rz.f64", "ggg", &[f64::MAX.b(), 2f64.b()], f64::MAX.b()),
        ("div.rn.f64", "ggg", &[1f64.b(), 3f64.b()], third.b()),
        ("div.rp.f64", "ggg", &[1f64.b(), 3f64.b()], third.b() + 1),
        ("sqrt.rn.f64", "gg", &[2f64.b()], 2f64.sqrt().b()),
        ("rcp.rn.f64", "gg", &[3f64.b()], third.b()),
        ("rcp.approx.ftz.f64", "gg", &[4f64.b()], 0.25f64.b()),
        ("rsqrt.approx.f64", "gg", &[4f64.b()], 0.5f64.b()),
        ("abs.f64", "gg", &[(-2f64).b()], 2f64.b()),
        ("neg.f64", "gg", &[2f64.b()], (-2f64).b()),
        ("min.f64", "ggg", &[f64::NAN.b(), 2f64.b()], 2f64.b()),
    ]);
}

#[test]
fn minima_prefer_numbers_to_nan_and_tell_zeros_apart() {
    check(&[
        ("min.f32", "fff", &[NAN32, 2f32.b()], 2f32.b()),
        ("max.f32", "fff", &[2f32.b(), NAN32], 2f32.b()),
        ("min.f32", "fff", &[NAN32, NAN32], NAN32),
        ("min.NaN.f32", "fff", &[NAN32, 2f32.b()], NAN32),
        ("min.f32", "fff", &[0, MIN32], MIN32),
        ("max.f32", "fff", &[MIN32, 0], 0),
        ("max.ftz.f32", "fff", &[TINY, 0], 0),
        ("max.f32", "fff", &[(-INF).b(), (-5f32).b()], (-5f32).b()),
    ]);
}

#[test]
fn halves_round_once() {
    let one = 0x3c00;
    check(&[
        ("add.f16", "hhh", &[one, one], 0x4000),
        ("add.rn.f16", "hhh", &[0x7bff, 0x7bff], 0x7c00),
        ("mul.f16", "hhh", &[0x0001, 0x3800], 0),
        ("mul.ftz.f16", "hhh", &[0x0001, one], 0),
        ("fma.rn.f16", "hhhh", &[one, one, 0x1000], 0x3c00),
        (
            "fma.rn.f16x2",
            "rrrr",
            &[0x4000_3c00, 0x4000_3c00, 0x3c00_3c00],
            0x4500_4000,
        ),
        ("add.f16x2", "rrr", &[0x3c00_4000, 0x3c00_4000], 0x4000_4400),
        ("sub.f16", "hhh", &[one, one], 0),
        ("neg.f16x2", "rr", &[0x3c00_bc00], 0xbc00_3c00),
        ("max.f16x2", "rrr", &[0x3c00_bc00, 0x0000_0000], 0x3c00_0000),
        ("abs.bf16", "hh", &[0xbf80], 0x3f80),
        ("fma.rn.bf16", "hhhh", &[0x4000, 0x4000, 0x3f80], 0x40a0),
        (
            "add.bf16x2",
            "rrr",
            &[0x3f80_4000, 0x3f80_4000],
            0x4000_4080,
        ),
        ("ex2.approx.f16", "hh", &[one], 0x4000),
        ("tanh.approx.f16", "hh", &[0x7c00], one),
        ("setp.lt.f16", "phh", &[0xbc00, one], 1),
    ]);
}

#[test]
fn comparisons_know_about_nan() {
    let nan = NAN32;
    let (one, two) = (1f32.b(), 2f32.b());
    check(&[
        ("setp.eq.f32", "pff", &[0, MIN32], 1),
        ("setp.ne.f32", "pff", &[nan, one], 0),
        ("setp.neu.f32", "pff", &[nan, one], 1),
        ("setp.equ.f32", "pff", &[nan, one], 1),
        ("setp.lt.f32", "pff", &[one, two], 1),
        ("setp.lt.f32", "pff", &[nan, two], 0),
        ("setp.ltu.f32", "pff", &[nan, two], 1),
        ("setp.geu.f32", "pff", &[one, two], 0),
        ("setp.num.f32", "pff", &[one, two], 1),
        ("setp.num.f32", "pff", &[nan, two], 0),
        ("setp.nan.f32", "pff", &[nan, two], 1),
        ("setp.gt.ftz.f32", "pff", &[TINY, 0], 0),
        ("setp.lt.s32", "prr", &[M32, 1], 1),
        ("setp.lt.u32", "prr", &[M32, 1], 0),
        ("setp.lo.u32", "prr", &[1, M32], 1),
        ("setp.hs.u32", "prr", &[M32, M32], 1),
        ("setp.ge.s64", "pdd", &[MIN64, 0], 0),
        ("setp.gt.f64", "pgg", &[2f64.b(), 1f64.b()], 1),
        ("setp.ne.b16", "phh", &[1, 2], 1),
        ("setp.eq.and.s32", "prrp", &[1, 1, 0], 0),
        ("setp.eq.or.s32", "prrp", &[1, 2, 1], 1),
        ("setp.eq.xor.s32", "prrp", &[1, 1, 1], 0),
        ("set.lt.u32.s32", "rrr", &[M32, 0], M32),
        ("set.lt.f32.f32", "fff", &[one, two], one),
        ("set.gt.and.s32.f32", "rffp", &[two, one, 1], M32),
        ("testp.finite.f32", "pf", &[INF.b()], 0),
        ("testp.infinite.f32", "pf", &[(-INF).b()], 1),
        ("testp.notanumber.f64", "pg", &[f64::NAN.b()], 1),
        ("testp.normal.f32", "pf", &[TINY], 0),
        ("testp.normal.f32", "pf", &[MIN32], 1),
        ("testp.normal.f64", "pg", &[0], 1),
        ("testp.normal.f32", "pf", &[NAN32], 0),
        ("testp.normal.f32", "pf", &[INF.b()], 0),
        ("testp.subnormal.f32", "pf", &[TINY], 1),
        ("testp.number.f32", "pf", &[0], 1),
    ]);
}

#[test]
fn conversions_extend_truncate_round_and_clamp() {
    check(&[
        ("cvt.u64.u32", "dr", &[M32], M32),
        ("cvt.s64.s32", "dr", &[M32], M64),
        ("cvt.u32.u64", "rd", &[0x1_2345_6789], 0x2345_6789),
        ("cvt.s32.s8", "rr", &[0x1ff], M32),
        ("cvt.u32.u8", "rr", &[0x1ff], 0xff),
        ("cvt.s16.s8", "hr", &[0x80], 0xff80),
        ("cvt.u8.u32", "rr", &[0x1ff], 0xff),
        ("cvt.s8.s32", "rr", &[0xff], M32),
        ("cvt.sat.u8.s32", "rr", &[(-5).b()], 0),
        ("cvt.sat.u8.u32", "rr", &[1000], 0xff),
        ("cvt.sat.s8.s32", "rr", &[1000], 0x7f),
        ("cvt.sat.s16.s64", "hd", &[MIN64], 0x8000),
        ("cvt.sat.u32.s32", "rr", &[M32], 0),
        ("cvt.rzi.s32.f32", "rf", &[(-2.7f32).b()], (-2).b()),
        ("cvt.rni.s32.f32", "rf", &[2.5f32.b()], 2),
        ("cvt.rni.s32.f32", "rf", &[3.5f32.b()], 4),
        ("cvt.rmi.s32.f32", "rf", &[(-2.1f32).b()], (-3).b()),
        ("cvt.rpi.s32.f32", "rf", &[2.1f32.b()], 3),
        ("cvt.rzi.s32.f32", "rf", &[1e30f32.b()], 0x7fff_ffff),
        ("cvt.rzi.s32.f32", "rf", &[(-1e30f32).b()], MIN32),
        ("cvt.rzi.u32.f32", "rf", &[(-1f32).b()], 0),
        ("cvt.rzi.u32.f32", "rf", &[INF.b()], M32),
        ("cvt.rzi.s32.f32", "rf", &[NAN32], 0),
        ("cvt.rzi.s64.f32", "df", &[NAN32], MIN64),
        ("cvt.rzi.s32.f64", "rg", &[f64::NAN.b()], MIN32),
        ("cvt.rzi.u64.f64", "dg", &[f64::NAN.b()], MIN64),
        ("cvt.rzi.u64.f64", "dg", &[1e30.b()], M64),
        ("cvt.rzi.u8.f32", "rf", &[300f32.b()], 255),
        ("cvt.rn.f32.s32", "fr", &[(-3).b()], (-3f32).b()),
        ("cvt.rn.f32.u32", "fr", &[0x0100_0001], 16_777_216f32.b()),
        ("cvt.rp.f32.u32", "fr", &[0x0100_0001], 16_777_218f32.b()),
        ("cvt.rn.f32.u64", "fd", &[M64], (u64::MAX as f32).b()),
        ("cvt.rz.f32.u64", "fd", &[M64], (u64::MAX as f32).b() - 1),
        (
            "cvt.rn.f64.s64",
            "gd",
            &[MIN64],
            (-9_223_372_036_854_775_808f64).b(),
        ),
        ("cvt.f64.f32", "gf", &[1.5f32.b()], 1.5f64.b()),
        ("cvt.rn.f32.f64", "fg", &[0.1f64.b()], 0.1f32.b()),
        ("cvt.rz.f32.f64", "fg", &[0.1f64.b()], 0.1f32.b() - 1),
        ("cvt.rn.ftz.f32.f64", "fg", &[1e-40f64.b()], 0),
        ("cvt.rn.f32.f64", "fg", &[1e300f64.b()], INF.b()),
        ("cvt.rm.f32.f64", "fg", &[1e300f64.b()], f32::MAX.b()),
        ("cvt.f32.f16", "fh", &[0x0001], 2f32.powi(-24).b()),
        ("cvt.f32.f16", "fh", &[0xfc00], (-INF).b()),
        ("cvt.rn.f16.f32", "hf", &[65520f32.b()], 0x7c00),
        ("cvt.rz.f16.f32", "hf", &[65520f32.b()], 0x7bff),
        ("cvt.rn.f16.f32", "hf", &[2f32.powi(-24).b()], 1),
        ("cvt.rn.f16.f32", "hf", &[2f32.powi(-25).b()], 0),
        (
            "cvt.rn.f16.f64",
            "hg",
            &[(1.0 + 2f64.powi(-11) + 2f64.powi(-40)).b()],
            0x3c01,
        ),
        ("cvt.rn.f16.s32", "hr", &[2049], 0x6800),
        ("cvt.rn.bf16.f32", "hf", &[1.0039063f32.b()], 0x3f80),
        ("cvt.f32.bf16", "fh", &[0x3fc0], 1.5f32.b()),
        ("cvt.rzi.s32.f16", "rh", &[0xc200], (-3).b()),
        (
            "cvt.rn.f16x2.f32",
            "rff",
            &[1f32.b(), 2f32.b()],
            0x3c00_4000,
        ),
        (
            "cvt.rn.bf16x2.f32",
            "rff",
            &[1f32.b(), 2f32.b()],
            0x3f80_4000,
        ),
        ("cvt.rni.f32.f32", "ff", &[2.5f32.b()], 2f32.b()),
        ("cvt.rmi.f64.f64", "gg", &[(-2.5f64).b()], (-3f64).b()),
        ("cvt.rzi.f32.f32", "ff", &[(-0.5f32).b()], (-0f32).b()),
        ("cvt.sat.f32.f32", "ff", &[1.5f32.b()], 1f32.b()),
        ("cvt.ftz.f32.f32", "ff", &[TINY], 0),
    ]);
}

#[test]
fn values_are_packed_and_unpacked_from_the_low_end() {
    assert_eq!(
        lines(
            "cvt.u32.u64 %r1, %d1; cvt.u32.u64 %r2, %d2; mov.b64 %d0, {%r1, %r2};",
            &[1, 2]
        ),
        2 << 32 | 1
    );
    assert_eq!(
        lines(
            "mov.b64 {%r1, %r2}, %d1; cvt.u64.u32 %d0, %r2;",
            &[5 << 32 | 1]
        ),
        5
    );
    assert_eq!(
        lines(
            "mov.b64 {_, %r2}, %d1; cvt.u64.u32 %d0, %r2;",
            &[5 << 32 | 1]
        ),
        5
    );
    assert_eq!(
        lines(
            "mov.b64 {%h1, %h2, %h3, %h4}, %d1; mov.b64 %d0, {%h4, %h3, %h2, %h1};",
            &[0x0001_0002_0003_0004]
        ),
        0x0004_0003_0002_0001
    );
}

#[test]
fn carries_run_through_chains_in_both_directions() {
    let add = "mov.b64 {%r1, %r2}, %d1; mov.b64 {%r3, %r4}, %d2;\n\
               add.cc.u32 %r5, %r1, %r3; addc.u32 %r6, %r2, %r4; mov.b64 %d0, {%r5, %r6};";
    let sub = "mov.b64 {%r1, %r2}, %d1; mov.b64 {%r3, %r4}, %d2;\n\
               sub.cc.u32 %r5, %r1, %r3; subc.u32 %r6, %r2, %r4; mov.b64 %d0, {%r5, %r6};";
    for (a, b) in [
        (M32, 1),
        (M64, M64),
        (0, 1),
        (1 << 32, 1),
        (0x1234_5678_9abc_def0, 0xfedc_ba98_7654_3210),
    ] {
        assert_eq!(lines(add, &[a, b]), a.wrapping_add(b));
        assert_eq!(lines(sub, &[a, b]), a.wrapping_sub(b));
    }
    let kept = "sub.cc.u64 %d5, %d1, %d2; addc.u64 %d0, 0, 0;";
    assert_eq!(lines(kept, &[0, 1]), 1, "a borrow is a carry");
}
