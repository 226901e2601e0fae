//! Every integer instruction, of every type, at the edges of its range: against the PTX manual's
//! definitions, written out in 128 bits.

use crate::common::eval::{lines, many, pairs};
use crate::common::refusal;

/// An integer type: its name, size and sign.
#[derive(Clone, Copy)]
struct Int {
    name: &'static str,
    bits: u32,
    signed: bool,
    /// The letter of its registers.
    register: char,
}

const fn int(name: &'static str, bits: u32, signed: bool, register: char) -> Int {
    Int {
        name,
        bits,
        signed,
        register,
    }
}

const TYPES: [Int; 6] = [
    int("u16", 16, false, 'h'),
    int("s16", 16, true, 'h'),
    int("u32", 32, false, 'r'),
    int("s32", 32, true, 'r'),
    int("u64", 64, false, 'd'),
    int("s64", 64, true, 'd'),
];

impl Int {
    fn mask(self) -> u64 {
        u64::MAX >> (64 - self.bits)
    }

    fn value(self, bits: u64) -> i128 {
        let bits = i128::from(bits & self.mask());
        if self.signed && bits >> (self.bits - 1) == 1 {
            bits - (1 << self.bits)
        } else {
            bits
        }
    }

    fn bits_of(self, value: i128) -> u64 {
        (value as u64) & self.mask()
    }

    fn least(self) -> i128 {
        if self.signed {
            -(1 << (self.bits - 1))
        } else {
            0
        }
    }

    fn most(self) -> i128 {
        (1 << (self.bits - u32::from(self.signed))) - 1
    }

    fn edges(self) -> Vec<u64> {
        let top = 1u64 << (self.bits - 1);
        let values = [
            0,
            1,
            2,
            3,
            7,
            31,
            100,
            top - 1,
            top,
            top + 1,
            self.mask() - 1,
            self.mask(),
        ];
        values.to_vec()
    }

    /// The letters of a result and so many operands.
    fn shape(self, operands: usize) -> String {
        self.register.to_string().repeat(operands + 1)
    }
}

type Binary<'f> = &'f dyn Fn(i128, i128) -> i128;

#[test]
fn operations_of_two_operands_wrap() {
    for ty in TYPES {
        let high = |a: i128, b: i128| a.wrapping_mul(b) >> ty.bits;
        let high = |a, b| {
            if ty.bits == 64 && !ty.signed {
                ((a as u128).wrapping_mul(b as u128) >> 64) as i128
            } else {
                high(a, b)
            }
        };
        let functions: [(&str, Binary<'_>); 8] = [
            ("add", &|a, b| a + b),
            ("sub", &|a, b| a - b),
            ("mul.lo", &|a, b| a.wrapping_mul(b)),
            ("mul.hi", &high),
            ("min", &i128::min),
            ("max", &i128::max),
            // What the manual leaves open is at least always the same.
            ("div", &|a, b| if b == 0 { -1 } else { a / b }),
            ("rem", &|a, b| if b == 0 { a } else { a % b }),
        ];
        let rows = pairs(&ty.edges());
        for (name, function) in functions {
            let instruction = format!("{name}.{}", ty.name);
            let found = many(&instruction, &ty.shape(2), &rows);
            for (row, found) in rows.iter().zip(found) {
                let expected = ty.bits_of(function(ty.value(row[0]), ty.value(row[1])));
                assert_eq!(found, expected, "{instruction} of {row:x?}");
            }
        }
    }
}

#[test]
fn operations_of_one_and_three_operands_wrap_too() {
    for ty in TYPES {
        let mut rows = Vec::new();
        for pair in pairs(&ty.edges()) {
            rows.extend(ty.edges().into_iter().map(|c| vec![pair[0], pair[1], c]));
        }
        let low = |a: i128, b: i128, c: i128| a.wrapping_mul(b).wrapping_add(c);
        for (name, function) in [
            ("mad.lo", &low as &dyn Fn(i128, i128, i128) -> i128),
            ("sad", &|a, b, c| (a - b).abs() + c),
        ] {
            let instruction = format!("{name}.{}", ty.name);
            let found = many(&instruction, &ty.shape(3), &rows);
            for (row, found) in rows.iter().zip(found) {
                let [a, b, c] = [0, 1, 2].map(|index| ty.value(row[index]));
                assert_eq!(
                    found,
                    ty.bits_of(function(a, b, c)),
                    "{instruction} of {row:x?}"
                );
            }
        }
        if ty.signed {
            let rows: Vec<Vec<u64>> = ty.edges().into_iter().map(|a| vec![a]).collect();
            for (name, function) in [
                ("abs", &i128::abs as &dyn Fn(i128) -> i128),
                ("neg", &|a| -a),
            ] {
                let found = many(&format!("{name}.{}", ty.name), &ty.shape(1), &rows);
                for (row, found) in rows.iter().zip(found) {
                    assert_eq!(
                        found,
                        ty.bits_of(function(ty.value(row[0]))),
                        "{name} {row:x?}"
                    );
                }
            }
        }
        if ty.bits < 64 {
            let wide = if ty.bits == 16 { "r" } else { "d" };
            let rows = pairs(&ty.edges());
            let shape = format!("{wide}{0}{0}", ty.register);
            let found = many(&format!("mul.wide.{}", ty.name), &shape, &rows);
            for (row, found) in rows.iter().zip(found) {
                let product = ty.value(row[0]) * ty.value(row[1]);
                let mask = u64::MAX >> (64 - 2 * ty.bits);
                assert_eq!(
                    found,
                    product as u64 & mask,
                    "mul.wide.{} {row:x?}",
                    ty.name
                );
            }
        }
    }
}

#[test]
fn shifts_clamp_their_amount() {
    for ty in TYPES {
        let amounts = [
            0u64,
            1,
            7,
            15,
            16,
            17,
            31,
            32,
            33,
            63,
            64,
            65,
            255,
            256,
            1 << 31,
            0xffff_ffff,
        ];
        let rows: Vec<Vec<u64>> = ty
            .edges()
            .into_iter()
            .flat_map(|a| amounts.map(|amount| vec![a, amount]))
            .collect();
        let shape = format!("{0}{0}r", ty.register);
        let left = many(&format!("shl.b{}", ty.bits), &shape, &rows);
        let right = many(&format!("shr.{}", ty.name), &shape, &rows);
        for ((row, left), right) in rows.iter().zip(left).zip(right) {
            let amount = u32::try_from(row[1].min(64)).unwrap();
            let shifted = ty.bits_of(i128::from(row[0]) << amount);
            assert_eq!(left, shifted, "shl.b{} of {row:x?}", ty.bits);
            let shifted = ty.bits_of(ty.value(row[0]) >> amount);
            assert_eq!(right, shifted, "shr.{} of {row:x?}", ty.name);
        }
    }
}

#[test]
fn comparisons_and_conversions_know_the_sign() {
    for ty in TYPES {
        let rows = pairs(&ty.edges());
        let shape = format!("p{0}{0}", ty.register);
        for (name, function) in [
            ("eq", &(|a, b| a == b) as &dyn Fn(i128, i128) -> bool),
            ("ne", &|a, b| a != b),
            ("lt", &|a, b| a < b),
            ("le", &|a, b| a <= b),
            ("gt", &|a, b| a > b),
            ("ge", &|a, b| a >= b),
        ] {
            let found = many(&format!("setp.{name}.{}", ty.name), &shape, &rows);
            for (row, found) in rows.iter().zip(found) {
                let expected = function(ty.value(row[0]), ty.value(row[1]));
                assert_eq!(
                    found,
                    u64::from(expected),
                    "setp.{name}.{} {row:x?}",
                    ty.name
                );
            }
        }
        for to in TYPES {
            let rows: Vec<Vec<u64>> = ty.edges().into_iter().map(|a| vec![a]).collect();
            let shape = format!("{}{}", to.register, ty.register);
            let plain = many(&format!("cvt.{}.{}", to.name, ty.name), &shape, &rows);
            for (row, found) in rows.iter().zip(plain) {
                assert_eq!(
                    found,
                    to.bits_of(ty.value(row[0])),
                    "cvt.{}.{}",
                    to.name,
                    ty.name
                );
            }
            let saturated = many(&format!("cvt.sat.{}.{}", to.name, ty.name), &shape, &rows);
            for (row, found) in rows.iter().zip(saturated) {
                let expected = to.bits_of(ty.value(row[0]).clamp(to.least(), to.most()));
                assert_eq!(found, expected, "cvt.sat.{}.{} {row:x?}", to.name, ty.name);
            }
        }
    }
}

#[test]
fn bit_fields_are_those_of_the_manual() {
    let places = [0u64, 1, 8, 16, 31, 32, 33, 63, 64, 100, 255, 256, 260];
    for ty in TYPES.into_iter().filter(|ty| ty.bits >= 32) {
        let mut rows = Vec::new();
        for a in [
            0x8765_4321_fedc_ba98 & ty.mask(),
            1 << (ty.bits - 1),
            ty.mask(),
            0x5555,
        ] {
            for pos in places {
                rows.extend(places.map(|len| vec![a, pos, len]));
            }
        }
        let shape = format!("{0}{0}rr", ty.register);
        let found = many(&format!("bfe.{}", ty.name), &shape, &rows);
        for (row, found) in rows.iter().zip(found) {
            let (a, pos, len) = (row[0], row[1] & 0xff, row[2] & 0xff);
            let most = u64::from(ty.bits) - 1;
            let sign = if !ty.signed || len == 0 {
                0
            } else {
                (a >> (pos + len - 1).min(most)) & 1
            };
            let mut expected = 0;
            for i in 0..u64::from(ty.bits) {
                let inside = i < len && pos + i <= most;
                let bit = if inside { (a >> (pos + i)) & 1 } else { sign };
                expected |= bit << i;
            }
            assert_eq!(found, expected, "bfe.{} of {row:x?}", ty.name);
        }
        if ty.signed {
            continue;
        }
        let inserted: Vec<Vec<u64>> = rows
            .iter()
            .map(|row| vec![row[0], 0x1234_5678_9abc_def0 & ty.mask(), row[1], row[2]])
            .collect();
        let shape = format!("{0}{0}{0}rr", ty.register);
        let found = many(&format!("bfi.b{}", ty.bits), &shape, &inserted);
        for (row, found) in inserted.iter().zip(found) {
            let (pos, len) = (row[2] & 0xff, row[3] & 0xff);
            let mut expected = row[1];
            for i in (0..len).take_while(|i| pos + i < u64::from(ty.bits)) {
                let place = pos + i;
                expected = (expected & !(1 << place)) | (((row[0] >> i) & 1) << place);
            }
            assert_eq!(found, expected, "bfi.b{} of {row:x?}", ty.bits);
        }
    }
}

#[test]
fn lanes_of_a_word_are_worked_on_apart() {
    crate::common::eval::check(&[
        (
            "vabsdiff4.u32.u32.u32",
            "rrrr",
            &[0x01ff_0005, 0x0301_0005, 9],
            0x02fe_0000,
        ),
        (
            "vabsdiff4.u32.u32.u32.add",
            "rrrr",
            &[0x01ff_0005, 0x0301_0007, 9],
            9 + 2 + 254 + 2,
        ),
        (
            "vabsdiff4.u32.s32.s32",
            "rrrr",
            &[0x80ff_0005, 0x7f01_0005, 0],
            0xff02_0000,
        ),
        (
            "vabsdiff4.s32.s32.s32.sat",
            "rrrr",
            &[0x80ff_0005, 0x7f01_0005, 0],
            0x7f02_0000,
        ),
        (
            "vadd4.u32.u32.u32",
            "rrrr",
            &[0xff01_0280, 0x0101_0280, 0],
            0x0002_0400,
        ),
        (
            "vadd4.u32.u32.u32.sat",
            "rrrr",
            &[0xff01_0280, 0x0101_0280, 0],
            0xff02_04ff,
        ),
        (
            "vadd4.s32.s32.s32.sat",
            "rrrr",
            &[0x8001_027f, 0xff01_0201, 0],
            0x8002_047f,
        ),
        (
            "vsub4.u32.u32.u32.sat",
            "rrrr",
            &[0x0105_0000, 0x0201_0001, 0],
            0x0004_0000,
        ),
        (
            "vsub2.s32.s32.s32.add",
            "rrrr",
            &[0x0001_0005, 0x0003_0001, 10],
            12,
        ),
        (
            "vadd2.u32.u32.s32",
            "rrrr",
            &[0x0001_0005, 0xffff_fffe, 0],
            0x0000_0003,
        ),
        (
            "vavrg2.u32.u32.u32",
            "rrrr",
            &[0xffff_0004, 0xfffe_0005, 0],
            0xffff_0005,
        ),
        (
            "vavrg2.s32.s32.s32",
            "rrrr",
            &[0xffff_0004, 0xfffe_0005, 0],
            0xfffe_0005,
        ),
        (
            "vavrg4.s32.s32.s32",
            "rrrr",
            &[0x80ff_01fe, 0x81ff_02ff, 0],
            0x80ff_02fe,
        ),
        (
            "vavrg4.u32.u32.u32.add",
            "rrrr",
            &[0x0102_03ff, 0x0102_04ff, 1000],
            1000 + 1 + 2 + 4 + 255,
        ),
        (
            "vset2.u32.u32.eq",
            "rrrr",
            &[0x0005_8000, 0x0005_7fff, 0],
            0x0001_0000,
        ),
        (
            "vset2.s32.s32.lt",
            "rrrr",
            &[0x0005_8000, 0x0005_7fff, 0],
            0x0000_0001,
        ),
        (
            "vset4.u32.u32.le",
            "rrrr",
            &[0x0180_ff05, 0x0180_fe06, 0],
            0x0101_0001,
        ),
        (
            "vset4.s32.u32.ge",
            "rrrr",
            &[0x0180_ff05, 0x0180_fe06, 0],
            0x0100_0000,
        ),
        (
            "vset4.u32.u32.ne.add",
            "rrrr",
            &[0x0180_ff05, 0x0180_fe06, 40],
            42,
        ),
        (
            "vset4.s32.s32.gt",
            "rrrr",
            &[0x7f80_ff05, 0x8180_fe06, 0],
            0x0100_0100,
        ),
        (
            "vmax4.s32.s32.s32",
            "rrrr",
            &[0x80ff_0005, 0x7f01_fe00, 0],
            0x7f01_0005,
        ),
        (
            "vmin2.u32.u32.u32",
            "rrrr",
            &[0x8000_0005, 0x7fff_fe00, 0],
            0x7fff_0005,
        ),
        (
            "vmax2.s32.s32.s32",
            "rrrr",
            &[0x8000_0005, 0x7fff_fe00, 0],
            0x7fff_0005,
        ),
        (
            "vabsdiff2.u32.u32.u32",
            "rrrr",
            &[0x8000_0005, 0x7fff_fe00, 0],
            0x0001_fdfb,
        ),
    ]);
}

#[test]
fn simd_video_instructions_select_lanes_and_write_some() {
    // Worked out by hand from the manual's definition.
    for (instruction, inputs, expected) in [
        (
            "vadd2.u32.u32.u32 %r0, %r1.h30, %r2.h10, %r3;",
            [0x0001_0002, 0x0030_0040, 0],
            0x0031_0004,
        ),
        (
            "vadd2.u32.u32.u32 %r0.h1, %r1, %r2, %r3;",
            [0x0001_0002, 0x0030_0040, 0xaaaa_bbbb],
            0x0031_bbbb,
        ),
        (
            "vadd2.u32.u32.u32 %r0.h0, %r1, %r2.h01, %r3;",
            [0x0001_0002, 0x0030_0040, 0xaaaa_bbbb],
            0xaaaa_0003,
        ),
        (
            "vadd4.u32.u32.u32 %r0.b20, %r1, %r2, %r3;",
            [0x0102_0304, 0x1020_3040, 0xaabb_ccdd],
            0xaa22_cc44,
        ),
        (
            "vsub4.u32.u32.u32 %r0.b3210, %r1.b4567, %r2.b3333, %r3;",
            [0x0102_0304, 0x1020_3040, 0],
            0x3f2f_1f0f,
        ),
        (
            "vadd4.u32.u32.u32.add %r0.b31, %r1, %r2, %r3;",
            [0xff02_0304, 0x1020_3040, 1000],
            1000 + 0x10f + 0x33,
        ),
        (
            "vset4.u32.u32.eq.add %r0.b2, %r1, %r2, %r3;",
            [7, 7, 40],
            41,
        ),
        (
            "vset2.u32.u32.eq %r0.h1, %r1, %r2, %r3;",
            [0x0001_0002, 0x0001_0002, 0x1234_5678],
            0x0001_5678,
        ),
        (
            "vmax4.s32.s32.s32 %r0.b0, %r1, %r2.b4444, %r3;",
            [0x80, 0xff, 0x1111_1111],
            0x1111_11ff,
        ),
        (
            "vabsdiff4.u32.u32.u32.sat %r0.b321, %r1.b0123, %r2, %r3;",
            [0x0102_03ff, 0, 0x55],
            0xff03_0255,
        ),
        (
            "vavrg4.s32.s32.s32.add %r0.b0, %r1, %r2, %r3;",
            [0xfe, 0xff, 10],
            8,
        ),
    ] {
        let narrowed = "cvt.u32.u64 %r1, %d1; cvt.u32.u64 %r2, %d2; cvt.u32.u64 %r3, %d3;";
        let body = format!("{narrowed}\n{instruction}\ncvt.u64.u32 %d0, %r0;");
        let found = lines(&body, &inputs);
        assert_eq!(found, expected, "{instruction} is {found:#x}");
    }
}

#[test]
fn masks_and_selectors_that_simd_video_instructions_do_not_have_are_refused() {
    for (instruction, expected) in [
        (
            "vadd4.u32.u32.u32 %r0.b02, %r1, %r2, %r3;",
            "a mask of bytes has falling numbers",
        ),
        (
            "vadd4.u32.u32.u32 %r0.b54, %r1, %r2, %r3;",
            "a mask of bytes has falling numbers",
        ),
        (
            "vadd4.u32.u32.u32 %r0.h1, %r1, %r2, %r3;",
            "a mask of bytes has falling numbers",
        ),
        (
            "vadd2.u32.u32.u32 %r0.h32, %r1, %r2, %r3;",
            "a mask of halves is",
        ),
        (
            "vadd2.u32.u32.u32 %r0, %r1.h1, %r2, %r3;",
            "a selector of halves has two numbers",
        ),
        (
            "vadd4.u32.u32.u32 %r0, %r1, %r2.b321, %r3;",
            "a selector of bytes has four numbers",
        ),
        (
            "vadd4.u32.u32.u32 %r0, -%r1, %r2, %r3;",
            "a selector of bytes has four numbers",
        ),
        (
            "vadd.u32.u32.u32 %r0, %r1.b3210, %r2;",
            "takes one byte or half",
        ),
        (
            "vadd4.u32.u32.u32 %r0, %r1.b9876, %r2, %r3;",
            "a part of the register",
        ),
    ] {
        let text = format!(
            ".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry k()\n{{\n.reg .b32 %r<4>;\n{instruction}\nret;\n}}\n"
        );
        let said = refusal(&text);
        assert!(said.contains(expected), "{instruction}: {said}");
    }
}
