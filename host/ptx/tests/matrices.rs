//! Matrix instructions and asynchronous copies: results against sums of products in double precision,
//! with elements placed as the PTX ISA's tables of fragments say.

use tensor_wasm_ptx::compile::Vectorize;

use crate::common::{Arguments, Flat, launch_as, line, module, plane, refusal};

const WIDTHS: [Vectorize; 3] = [Vectorize::Auto, Vectorize::Never, Vectorize::Always];

/// Runs the entry `k` of a text in so many threads, for the memory's beginning.
#[track_caller]
pub fn run(text: &str, threads: u32, memory: &Flat) -> Result<(), String> {
    let arguments = Arguments::new().pointer(0);
    let shape = (line(1), line(threads), 0);
    let ran = launch_as(&module(text), "k", shape, arguments, memory, &WIDTHS);
    ran.map(|_| ()).map_err(|error| error.to_string())
}

/// A kernel of one pointer.
pub fn kernel(declarations: &str, body: &str) -> String {
    format!(
        ".version 8.7\n.target sm_90a\n.address_size 64\n.visible .entry k(.param .u64 p)\n{{\n\
         .reg .pred %p<9>;\n.reg .b16 %h<9>;\n.reg .b32 %r<40>;\n.reg .b32 %a<9>;\n.reg .b32 %b<9>;\n\
         .reg .b32 %c<9>;\n.reg .b32 %d<9>;\n.reg .f64 %ga<9>;\n.reg .f64 %gb<9>;\n.reg .f64 %gc<9>;\n\
         .reg .f64 %gd<9>;\n.reg .b64 %rd<20>;\n.reg .b64 %base, %row;\n.reg .b32 %lane;\n{declarations}\n\
         ld.param.u64 %base, [p];\nmov.u32 %lane, %tid.x;\n{body}\nret;\n}}\n"
    )
}

/// The value of an element, by the name of its type.
pub fn value(ty: &str, bits: u64) -> f64 {
    let small = |exponent_bits: u32, fraction_bits: u32, finite: bool| {
        let bias = (1 << (exponent_bits - 1)) - 1;
        let fraction =
            (bits & ((1 << fraction_bits) - 1)) as f64 / f64::from(1u32 << fraction_bits);
        let field = ((bits >> fraction_bits) & ((1 << exponent_bits) - 1)) as i32;
        let negative = (bits >> (exponent_bits + fraction_bits)) & 1 == 1;
        let last = (1 << exponent_bits) - 1;
        let magnitude = match field {
            0 => fraction * 2f64.powi(1 - bias),
            _ if field == last && !finite && fraction == 0.0 => f64::INFINITY,
            _ if field == last && !finite => f64::NAN,
            _ if field == last && bits & 7 == 7 => f64::NAN,
            _ => (1.0 + fraction) * 2f64.powi(field - bias),
        };
        if negative { -magnitude } else { magnitude }
    };
    match ty {
        "f16" => small(5, 10, false),
        "bf16" => small(8, 7, false),
        "e4m3" => small(4, 3, true),
        "e5m2" => small(5, 2, false),
        "tf32" => f64::from(f32::from_bits(bits as u32 & 0xffff_e000)),
        "f32" => f64::from(f32::from_bits(bits as u32)),
        "f64" => f64::from_bits(bits),
        "s8" => f64::from(bits as u8 as i8),
        "u8" => f64::from(bits as u8),
        "s4" => f64::from((bits as u8) << 4 >> 4) - if bits & 8 != 0 { 16.0 } else { 0.0 },
        "u4" => (bits & 15) as f64,
        "b1" => (bits & 1) as f64,
        "s32" => f64::from(bits as u32 as i32),
        other => panic!("{other}"),
    }
}

pub fn width(ty: &str) -> usize {
    match ty {
        "f64" => 64,
        "f32" | "tf32" | "s32" => 32,
        "f16" | "bf16" => 16,
        "s4" | "u4" => 4,
        "b1" => 1,
        _ => 8,
    }
}

/// Random bits of an element, of numbers whose products can be added.
pub fn element(ty: &str, numbers: &mut fastrand::Rng) -> u64 {
    let any = numbers.f64() * 4.0 - 2.0;
    match ty {
        "f64" => any.to_bits(),
        "f32" | "tf32" => u64::from((any as f32).to_bits()),
        "bf16" => u64::from((any as f32).to_bits() >> 16),
        // Exponents up to that of two.
        "f16" => numbers.u64(0..0x4000) | numbers.u64(0..2) << 15,
        "e4m3" => numbers.u64(0..0x40) | numbers.u64(0..2) << 7,
        "e5m2" => numbers.u64(0..0x40) | numbers.u64(0..2) << 7,
        "s32" => u64::from(numbers.i32(-1000..1000).cast_unsigned()),
        ty => numbers.u64(..) & ((1 << width(ty)) - 1),
    }
}

/// A form of `mma`.
struct Form {
    shape: (usize, usize),
    sum: &'static str,
    a: &'static str,
    b: &'static str,
    words: &'static str,
}

/// Where an element of a fragment lies: register, lowest bit.
type Place = (usize, usize);

impl Form {
    fn name(&self) -> String {
        let Form {
            shape: (m, k),
            sum,
            a,
            b,
            words,
        } = self;
        match *a {
            // What bits are combined by stands behind the types.
            "b1" => format!("mma.sync.aligned.m{m}n8k{k}.row.col.{sum}.{a}.{b}.{sum}{words}"),
            _ => format!("mma.sync.aligned.m{m}n8k{k}.row.col{words}.{sum}.{a}.{b}.{sum}"),
        }
    }

    /// Elements of a factor in a register.
    fn packed(&self) -> usize {
        (32 / width(self.a)).max(1)
    }

    fn registers(&self) -> (usize, usize, usize) {
        let (m, k) = self.shape;
        let b = k / (4 * self.packed());
        let sums = if self.sum == "f16" { m / 8 } else { m / 4 };
        (b * m / 8, b, sums)
    }

    /// The row and column of the `i`th element that a lane has of the first matrix.
    fn of_a(&self, lane: usize, i: usize) -> (usize, usize) {
        let (packed, m) = (self.packed(), self.shape.0);
        let (group, place) = (lane / 4, lane % 4);
        let register = i / packed;
        let lower = if m == 16 { register % 2 } else { 0 };
        let slab = register / (m / 8);
        (
            group + 8 * lower,
            place * packed + i % packed + slab * 4 * packed,
        )
    }

    /// The same of the second matrix.
    fn of_b(&self, lane: usize, i: usize) -> (usize, usize) {
        let packed = self.packed();
        let row = (lane % 4) * packed + i % packed + (i / packed) * 4 * packed;
        (row, lane / 4)
    }

    /// The same of the result.
    fn of_sum(&self, lane: usize, i: usize) -> (usize, usize) {
        let lower = if i >= 2 { 8 } else { 0 };
        (lane / 4 + lower, (lane % 4) * 2 + (i & 1))
    }

    fn place(&self, ty: &str, i: usize) -> Place {
        let packed = (32 / width(ty)).max(1);
        (i / packed, (i % packed) * width(ty))
    }

    /// A kernel whose lanes load their fragments, of 8 bytes a register, and store the result.
    fn text(&self) -> String {
        let (a, b, sums) = self.registers();
        let double = self.sum == "f64";
        let (prefix, ty) = if double { ("g", "f64") } else { ("", "b32") };
        let mut body = "mul.wide.u32 %row, %lane, 256;\nadd.u64 %row, %row, %base;\n".to_owned();
        let mut at = 0;
        let mut list = |name: &str, count: usize, body: &mut String| {
            let names: Vec<String> = (0..count).map(|i| format!("%{prefix}{name}{i}")).collect();
            if name != "d" {
                for register in &names {
                    body.push_str(&format!("ld.global.{ty} {register}, [%row+{at}];\n"));
                    at += 8;
                }
            }
            format!("{{{}}}", names.join(", "))
        };
        let [a, b, c] = [("a", a), ("b", b), ("c", sums)].map(|(name, n)| list(name, n, &mut body));
        let d = list("d", sums, &mut body);
        body.push_str(&format!("{} {d}, {a}, {b}, {c};\n", self.name()));
        for i in 0..sums {
            let at = 192 + 8 * i;
            body.push_str(&format!("st.global.{ty} [%row+{at}], %{prefix}d{i};\n"));
        }
        kernel("", &body)
    }

    /// Multiplies matrices of such elements; returns the bits of the result, and those of the matrices.
    fn multiply(&self, mut element: impl FnMut(&str) -> u64) -> Product {
        let (m, k) = self.shape;
        let mut matrix = |ty: &str, rows: usize, columns: usize| -> Vec<Vec<u64>> {
            let mut row = || (0..columns).map(|_| element(ty)).collect();
            (0..rows).map(|_| row()).collect()
        };
        let (a, b) = (matrix(self.a, m, k), matrix(self.b, k, 8));
        let c = matrix(self.sum, m, 8);
        let (a_registers, b_registers, sums) = self.registers();
        let memory = Flat::new(32 * 256);
        for lane in 0..32 {
            let mut words = vec![0u64; a_registers + b_registers + sums];
            for i in 0..a_registers * self.packed() {
                let ((row, column), (register, shift)) =
                    (self.of_a(lane, i), self.place(self.a, i));
                words[register] |= a[row][column] << shift;
            }
            for i in 0..b_registers * self.packed() {
                let ((row, column), (register, shift)) =
                    (self.of_b(lane, i), self.place(self.b, i));
                words[a_registers + register] |= b[row][column] << shift;
            }
            for i in 0..m / 4 {
                let ((row, column), (register, shift)) =
                    (self.of_sum(lane, i), self.place(self.sum, i));
                words[a_registers + b_registers + register] |= c[row][column] << shift;
            }
            memory.put(lane * 256, &words);
        }
        run(&self.text(), 32, &memory).unwrap();
        let mut d = vec![vec![0; 8]; m];
        for lane in 0..32 {
            let words = memory.get::<u64>(lane * 256 + 192, sums);
            for i in 0..m / 4 {
                let ((row, column), (register, shift)) =
                    (self.of_sum(lane, i), self.place(self.sum, i));
                let keep = u64::MAX >> (64 - width(self.sum));
                d[row][column] = (words[register] >> shift) & keep;
            }
        }
        Product { a, b, c, d }
    }
}

struct Product {
    a: Vec<Vec<u64>>,
    b: Vec<Vec<u64>>,
    c: Vec<Vec<u64>>,
    d: Vec<Vec<u64>>,
}

fn forms() -> Vec<Form> {
    let mut forms = Vec::new();
    let mut add = |shapes: &[(usize, usize)], sums: &[&'static str], ab: &[[&'static str; 2]]| {
        for shape in shapes {
            for sum in sums {
                for [a, b] in ab {
                    forms.push(Form {
                        shape: *shape,
                        sum,
                        a,
                        b,
                        words: "",
                    });
                }
            }
        }
    };
    let halves = [(16, 8), (16, 16)];
    add(&halves, &["f32", "f16"], &[["f16", "f16"]]);
    add(&halves, &["f32"], &[["bf16", "bf16"]]);
    add(&[(16, 4), (16, 8)], &["f32"], &[["tf32", "tf32"]]);
    let eighths = [["e4m3", "e4m3"], ["e4m3", "e5m2"], ["e5m2", "e4m3"]];
    add(&[(16, 16), (16, 32)], &["f32", "f16"], &eighths);
    let doubles = [(8, 4), (16, 4), (16, 8), (16, 16)];
    add(&doubles, &["f64"], &[["f64", "f64"]]);
    let bytes = [["s8", "s8"], ["s8", "u8"], ["u8", "s8"], ["u8", "u8"]];
    add(&[(8, 16), (16, 16), (16, 32)], &["s32"], &bytes);
    let nibbles = [["s4", "s4"], ["s4", "u4"], ["u4", "s4"], ["u4", "u4"]];
    add(&[(8, 32), (16, 32), (16, 64)], &["s32"], &nibbles);
    add(&BIT_SHAPES, &["s32"], &[["b1", "b1"]]);
    for form in forms.iter_mut().filter(|form| form.a == "b1") {
        // The product of two bits is whether both are set.
        form.words = ".and.popc";
    }
    forms
}

#[test]
fn products_of_matrices_are_those_of_double_precision() {
    let mut numbers = fastrand::Rng::with_seed(0x5851_f42d_4c95_7f2d);
    for form in forms() {
        let product = form.multiply(|ty| element(ty, &mut numbers));
        for (row, sums) in product.d.iter().enumerate() {
            for (column, found) in sums.iter().enumerate() {
                let added = value(form.sum, product.c[row][column]);
                let (mut expected, mut size) = (added, added.abs());
                for (a, b) in product.a[row].iter().zip(&product.b) {
                    let term = value(form.a, *a) * value(form.b, b[column]);
                    expected += term;
                    size += term.abs();
                }
                // Each sum rounds once.
                let steps = form.shape.1 as f64 + 1.0;
                let error = match form.sum {
                    "f64" => steps * size * 2f64.powi(-52),
                    "f32" => steps * size * 2f64.powi(-24),
                    // Sums in single precision, and the result is rounded.
                    "f16" => {
                        steps * size * 2f64.powi(-24)
                            + expected.abs() * 2f64.powi(-11)
                            + 2f64.powi(-25)
                    }
                    _ => 0.0,
                };
                let found = value(form.sum, *found);
                assert!(
                    (found - expected).abs() <= error,
                    "{}: row {row}, column {column} is {found}, expected {expected}",
                    form.name()
                );
            }
        }
    }
}

/// Any bits at all: interpreter and compiled kernels agree on them, and a NaN is the one that there is.
#[test]
fn products_of_any_bits_are_the_same_compiled() {
    let mut numbers = fastrand::Rng::with_seed(0x1405_7b7e_f767_814f);
    for form in forms() {
        let product = form.multiply(|ty| numbers.u64(..) & (u64::MAX >> (64 - width(ty))));
        for bits in product.d.iter().flatten() {
            if form.sum == "f32" && value("f32", *bits).is_nan() {
                assert_eq!(*bits, 0x7fff_ffff);
            }
        }
    }
}

/// The shapes of products of single bits.
const BIT_SHAPES: [(usize, usize); 3] = [(8, 128), (16, 128), (16, 256)];

#[test]
fn bits_that_differ_are_counted() {
    let mut numbers = fastrand::Rng::with_seed(0x9fb2_1c65_1e98_df25);
    for shape in BIT_SHAPES {
        let form = Form {
            shape,
            sum: "s32",
            a: "b1",
            b: "b1",
            words: ".xor.popc",
        };
        let product = form.multiply(|ty| element(ty, &mut numbers));
        for (row, sums) in product.d.iter().enumerate() {
            for (column, found) in sums.iter().enumerate() {
                let bits = product.a[row].iter().zip(&product.b);
                let differing = bits.filter(|(a, b)| **a != b[column]).count();
                let expected = value("s32", product.c[row][column]) + differing as f64;
                assert_eq!(value("s32", *found), expected, "{shape:?}: {row}, {column}");
            }
        }
    }
}

#[test]
fn sums_of_integers_wrap_or_become_the_nearest_number() {
    let wrapped = i32::MAX.wrapping_add(16 * 127 * 127);
    for (words, expected) in [("", wrapped), (".satfinite", i32::MAX)] {
        let form = Form {
            shape: (16, 16),
            sum: "s32",
            a: "s8",
            b: "s8",
            words,
        };
        let product = form.multiply(|ty| if ty == "s32" { 0x7fff_ffff } else { 127 });
        let all = product.d.iter().flatten();
        assert!(
            all.copied()
                .all(|bits| bits == u64::from(expected.cast_unsigned()))
        );
    }
}

#[test]
fn sums_in_double_precision_are_fused_and_round_as_the_instruction_says() {
    for (words, expected) in [
        (".rn", 1.0),
        (".rz", 1.0),
        (".rm", 1.0),
        (".rp", 1.0 + f64::EPSILON),
    ] {
        let form = Form {
            shape: (8, 4),
            sum: "f64",
            a: "f64",
            b: "f64",
            words,
        };
        // Of the four products only the first is not zero; it is far below a unit in the last place.
        let mut count = 0;
        let product = form.multiply(|_| {
            count += 1;
            let is_sum = count > 8 * 4 * 2;
            let is_first = (count - 1) % 4 == 0;
            match (is_sum, is_first || count > 32) {
                (true, _) => 1f64.to_bits(),
                (false, true) => 1e-40f64.to_bits(),
                (false, false) => 0,
            }
        });
        let all = product.d.iter().flatten();
        assert!(
            all.copied().all(|bits| f64::from_bits(bits) == expected),
            "{words}"
        );
    }
}

/// Where lanes have the elements of `mma.m8n8k4` with factors of halves, as the manual's tables say: row and
/// column, of the product that the pair of quads computes.
fn of_quad_pair(matrix: &str, lane: usize, i: usize) -> (usize, usize) {
    let low = lane < 16;
    let group = lane % 4;
    match matrix {
        "a.row" => (if low { group } else { group + 4 }, i),
        "a.col" => (if low { i } else { i + 4 }, group),
        "b.row" => (group, if low { i } else { i + 4 }),
        "b.col" => (i, if low { group } else { group + 4 }),
        "f16" => (if low { group } else { group + 4 }, i),
        _ => {
            let row = (lane & 0b1) + (i & 0b10);
            (
                if low { row } else { row + 4 },
                (i & 0b100) + (lane & 0b10) + (i & 0b1),
            )
        }
    }
}

#[test]
fn pairs_of_quads_multiply_matrices_of_their_own() {
    let mut numbers = fastrand::Rng::with_seed(0x9e6c_63d0_876a_3f00);
    for layouts in [
        ["row", "col"],
        ["col", "row"],
        ["row", "row"],
        ["col", "col"],
    ] {
        for [sum, added] in [["f32", "f32"], ["f32", "f16"], ["f16", "f16"]] {
            let count = |ty: &str| if ty == "f16" { 4 } else { 8 };
            let list = |name: &str, count: usize| {
                let names: Vec<String> = (0..count).map(|i| format!("%{name}{i}")).collect();
                names.join(", ")
            };
            let mut body =
                "shl.b32 %r1, %lane, 7;\ncvt.u64.u32 %row, %r1;\nadd.s64 %row, %row, %base;\n"
                    .to_owned();
            let read = [("a", 2), ("b", 2), ("c", count(added))];
            let mut at = 0;
            for (name, registers) in read {
                for register in 0..registers {
                    body.push_str(&format!("ld.global.b32 %{name}{register}, [%row+{at}];\n"));
                    at += 4;
                }
            }
            let [a, b] = layouts;
            body.push_str(&format!(
                "mma.sync.aligned.m8n8k4.{a}.{b}.{sum}.f16.f16.{added} {{{}}}, {{{}}}, {{{}}}, {{{}}};\n",
                list("d", count(sum)),
                list("a", 2),
                list("b", 2),
                list("c", count(added))
            ));
            for register in 0..count(sum) {
                body.push_str(&format!(
                    "st.global.b32 [%row+{}], %d{register};\n",
                    64 + 4 * register
                ));
            }
            let memory = Flat::new(32 * 128);
            let mut matrices = vec![[[[0.0; 8]; 8]; 3]; 4];
            for lane in 0..32 {
                let mut words = vec![0u32; 4 + count(added)];
                let product = &mut matrices[lane % 16 / 4];
                for i in 0..4 {
                    for (which, first, name) in [(0, 0, format!("a.{a}")), (1, 2, format!("b.{b}"))]
                    {
                        let bits = element("f16", &mut numbers);
                        let (row, column) = of_quad_pair(&name, lane, i);
                        product[which][row][column] = value("f16", bits);
                        words[first + i / 2] |= (bits as u32) << (16 * (i % 2));
                    }
                }
                for i in 0..8 {
                    let bits = element(added, &mut numbers);
                    let (row, column) = of_quad_pair(added, lane, i);
                    product[2][row][column] = value(added, bits);
                    match added {
                        "f16" => words[4 + i / 2] |= (bits as u32) << (16 * (i % 2)),
                        _ => words[4 + i] = bits as u32,
                    }
                }
                memory.put(lane * 128, &words);
            }
            run(&kernel("", &body), 32, &memory).unwrap();
            for lane in 0..32 {
                let [a, b, c] = matrices[lane % 16 / 4];
                let words = memory.get::<u32>(lane * 128 + 64, count(sum));
                for i in 0..8 {
                    let (row, column) = of_quad_pair(sum, lane, i);
                    let bits = match sum {
                        "f16" => (words[i / 2] >> (16 * (i % 2))) & 0xffff,
                        _ => words[i],
                    };
                    let (mut expected, mut size) = (c[row][column], c[row][column].abs());
                    for (a, b) in a[row].iter().zip(&b).take(4) {
                        expected += a * b[column];
                        size += (a * b[column]).abs();
                    }
                    let rounded = if sum == "f16" {
                        expected.abs() * 2f64.powi(-11) + 2f64.powi(-25)
                    } else {
                        0.0
                    };
                    let error = 5.0 * size * 2f64.powi(-24) + rounded;
                    let found = value(sum, bits.into());
                    assert!(
                        (found - expected).abs() <= error,
                        "{layouts:?} {sum} {added}: lane {lane}, {i} is {found}, expected {expected}"
                    );
                }
            }
        }
    }
}

/// Bytes of shared memory, a stride of rows, and where the results go.
fn with_tile(body: &str) -> String {
    // 32 threads fill 1 KiB with 0, 1, 2, … as halves.
    let mut fill = String::new();
    for i in 0..16 {
        fill.push_str(&format!(
            "add.u32 %r1, %lane, {};\ncvt.u16.u32 %h1, %r1;\nshl.b32 %r2, %r1, 1;\nadd.u32 %r2, %r2, %r0;\nst.shared.u16 [%r2], %h1;\n",
            32 * i
        ));
    }
    kernel(
        ".shared .align 128 .b8 tile[1024];",
        &format!("mov.u32 %r0, tile;\n{fill}bar.sync 0;\n{body}"),
    )
}

/// Where the result registers `%d0` to `%d3` of each lane go.
fn stored(count: usize) -> String {
    let mut body = "mul.wide.u32 %row, %lane, 16;\nadd.u64 %row, %row, %base;\n".to_owned();
    for i in 0..count {
        body.push_str(&format!("st.global.u32 [%row+{}], %d{i};\n", 4 * i));
    }
    body
}

#[test]
fn rows_of_matrices_are_loaded_as_the_lanes_of_mma_hold_them() {
    for (count, transposed) in [
        (1, false),
        (2, false),
        (4, false),
        (1, true),
        (2, true),
        (4, true),
    ] {
        let trans = if transposed { ".trans" } else { "" };
        let names: Vec<String> = (0..count).map(|i| format!("%d{i}")).collect();
        // Lane l gives the row at 16 * ((5 * l) % 64): an order of its own. Shared and generic
        // addresses.
        for (space, address) in [(".shared", "%r3"), ("", "%rd1")] {
            let body = format!(
                "mul.lo.u32 %r3, %lane, 5;\nand.b32 %r3, %r3, 63;\nshl.b32 %r3, %r3, 4;\nadd.u32 %r3, %r3, %r0;\n\
                 cvt.u64.u32 %rd1, %r3;\ncvta.shared.u64 %rd1, %rd1;\n\
                 ldmatrix.sync.aligned.m8n8.x{count}{trans}{space}.b16 {{{}}}, [{address}];\n{}",
                names.join(", "),
                stored(count)
            );
            let memory = Flat::new(512);
            run(&with_tile(&body), 32, &memory).unwrap();
            let found = memory.get::<u32>(0, 128);
            for lane in 0..32 {
                for matrix in 0..count {
                    let half = |second: usize| {
                        let (row, column) = if transposed {
                            ((lane % 4) * 2 + second, lane / 4)
                        } else {
                            (lane / 4, (lane % 4) * 2 + second)
                        };
                        let giver = 8 * matrix + row;
                        ((5 * giver % 64) * 8 + column) as u32
                    };
                    let expected = half(0) | half(1) << 16;
                    assert_eq!(
                        found[lane * 4 + matrix],
                        expected,
                        "x{count}{trans}{space}: lane {lane}, matrix {matrix}"
                    );
                }
            }
        }
    }
}

#[test]
fn rows_of_matrices_are_stored_as_they_are_loaded() {
    for (count, trans) in [
        (1, ""),
        (2, ""),
        (4, ""),
        (1, ".trans"),
        (2, ".trans"),
        (4, ".trans"),
    ] {
        let list = |name: &str| {
            let names: Vec<String> = (0..count).map(|i| format!("%{name}{i}")).collect();
            names.join(", ")
        };
        // What is loaded from the first half of the tile is stored to the second.
        let body = format!(
            "shl.b32 %r3, %lane, 4;\nadd.u32 %r3, %r3, %r0;\n\
             ldmatrix.sync.aligned.m8n8.x{count}{trans}.shared.b16 {{{}}}, [%r3];\n\
             stmatrix.sync.aligned.m8n8.x{count}{trans}.shared.b16 [%r3+512], {{{}}};\n\
             bar.sync 0;\nld.shared.v4.u32 {{%d0, %d1, %d2, %d3}}, [%r3+512];\n{}",
            list("c"),
            list("c"),
            stored(4)
        );
        let memory = Flat::new(512);
        run(&with_tile(&body), 32, &memory).unwrap();
        let found = memory.get::<u32>(0, 128);
        for (index, found) in (0u32..).zip(found) {
            let untouched = index as usize >= 32 * count;
            let first = 2 * index + if untouched { 256 } else { 0 };
            assert_eq!(found, first | (first + 1) << 16, "x{count}{trans}: {index}");
        }
    }
}

#[test]
fn a_matrix_is_transposed_in_its_registers() {
    let body = format!(
        "shl.b32 %r3, %lane, 1;\nadd.u32 %r4, %r3, 1;\nshl.b32 %r4, %r4, 16;\nor.b32 %r3, %r3, %r4;\n\
         movmatrix.sync.aligned.m8n8.trans.b16 %d0, %r3;\n{}",
        stored(1)
    );
    let memory = Flat::new(512);
    run(&kernel("", &body), 32, &memory).unwrap();
    for lane in 0..32u32 {
        let half = |second| ((lane % 4) * 2 + second) * 8 + lane / 4;
        let found = memory.get::<u32>(lane as usize * 16, 1)[0];
        assert_eq!(found, half(0) | half(1) << 16, "lane {lane}");
    }
}

#[test]
fn a_row_of_a_matrix_that_is_misaligned_or_outside_is_a_fault_that_says_so() {
    for (address, expected) in [
        (
            "[%r0+8]",
            "a row of a matrix at address 0x8, which is not a multiple of 16",
        ),
        (
            "[%r0+1024]",
            "an access of 4 bytes at address 0x400 of shared memory, which has 1024 bytes",
        ),
    ] {
        let body = format!(
            "ldmatrix.sync.aligned.m8n8.x1.shared.b16 {{%d0}}, {address};\n{}",
            stored(1)
        );
        let said = run(&with_tile(&body), 32, &Flat::new(512)).unwrap_err();
        assert!(said.contains(expected), "{said}");
    }
    let body = format!(
        "ldmatrix.sync.aligned.m8n8.x1.b16 {{%d0}}, [%base];\n{}",
        stored(1)
    );
    let said = run(&with_tile(&body), 32, &Flat::new(512)).unwrap_err();
    assert!(said.contains("which is not in shared memory"), "{said}");
    // Lanes that give no row may give anything.
    let body = format!(
        "mov.u32 %r3, %r0;\nsetp.ge.u32 %p1, %lane, 8;\n@%p1 mov.u32 %r3, 12345;\n\
         ldmatrix.sync.aligned.m8n8.x1.shared.b16 {{%d0}}, [%r3];\n{}",
        stored(1)
    );
    run(&with_tile(&body), 32, &Flat::new(512)).unwrap();
}

/// A kernel of one thread that fills 64 bytes of shared memory with ones, copies into them from the
/// memory's beginning, and stores them behind it.
fn copying(copy: &str) -> String {
    let mut body = "mov.u32 %r0, tile;\nmov.u32 %r1, -1;\n".to_owned();
    for i in 0..16 {
        body.push_str(&format!("st.shared.u32 [tile+{}], %r1;\n", 4 * i));
    }
    body.push_str(copy);
    body.push_str("\ncp.async.commit_group;\ncp.async.wait_group 0;\n");
    for i in 0..16 {
        body.push_str(&format!(
            "ld.shared.u32 %r2, [tile+{}];\nst.global.u32 [%base+{}], %r2;\n",
            4 * i,
            64 + 4 * i
        ));
    }
    kernel(".shared .align 16 .b8 tile[64];", &body)
}

#[test]
fn copies_move_as_many_bytes_as_they_say_and_clear_the_rest() {
    let sources: Vec<u8> = (1..=64).collect();
    let copied = |copy: &str| {
        let memory = Flat::new(128);
        memory.put(0, &sources);
        run(&copying(copy), 1, &memory).unwrap();
        memory.get::<u8>(64, 64)
    };
    let expected = |to: usize, from: usize, size: usize, bytes: usize| {
        let mut all = vec![0xff; 64];
        all[to..to + size].fill(0);
        all[to..to + bytes].copy_from_slice(&sources[from..from + bytes]);
        all
    };
    for size in [4, 8, 16] {
        let copy = format!("cp.async.ca.shared.global [%r0+16], [%base+32], {size};");
        assert_eq!(copied(&copy), expected(16, 32, size, size));
        for bytes in 0..=size {
            let copy = format!(
                "mov.u32 %r5, {bytes};\ncp.async.ca.shared::cta.global.L2::128B [tile+32], [%base+16], {size}, %r5;"
            );
            assert_eq!(
                copied(&copy),
                expected(32, 16, size, bytes),
                "{bytes} of {size}"
            );
        }
    }
    let guarded = |words: &str| {
        format!(
            "setp.eq.u32 %p1, %lane, 0;\nsetp.ne.u32 %p2, %lane, 0;\nmov.u64 %rd3, 0;\nmov.u32 %r5, 16;\n{words}"
        )
    };
    for (copy, bytes) in [
        ("cp.async.cg.shared.global [%r0], [%base], 16, %p1;", 0),
        ("cp.async.cg.shared.global [%r0], [%base], 16, !%p1;", 16),
        ("cp.async.cg.shared.global [%r0], [%base], 16, %p2;", 16),
        (
            "cp.async.cg.shared.global.L2::cache_hint [%r0], [%base], 16, %rd3;",
            16,
        ),
        (
            "cp.async.cg.shared.global.L2::cache_hint [%r0], [%base], 16, 3, %rd3;",
            3,
        ),
        ("@%p1 cp.async.cg.shared.global [%r0], [%base], 16, 3;", 3),
        (
            "@!%p1 cp.async.cg.shared.global [%r0], [%base], 16, 3;\ncp.async.cg.shared.global [%r0], [%base], 16, %r5;",
            16,
        ),
    ] {
        assert_eq!(copied(&guarded(copy)), expected(0, 0, 16, bytes), "{copy}");
    }
    // A skipped one does nothing.
    assert_eq!(
        copied(&guarded(
            "@%p2 cp.async.cg.shared.global [%r0], [%base], 16, 3;"
        )),
        vec![0xff; 64]
    );
}

#[test]
fn copies_outside_of_their_buffer_or_misaligned_are_faults() {
    for (copy, expected) in [
        (
            "cp.async.cg.shared.global [%r0], [%base+128], 16;",
            "0x10000000080",
        ),
        (
            "cp.async.cg.shared.global [%r0+64], [%base], 16;",
            "of shared memory, which has 64 bytes",
        ),
        (
            "cp.async.cg.shared.global [%r0+8], [%base], 16;",
            "address 0x8 is not aligned to 16 bytes",
        ),
        (
            "cp.async.ca.shared.global [%r0], [%base+2], 4;",
            "is not aligned to 4 bytes",
        ),
        (
            "mov.u32 %r5, 4;\ncp.async.ca.shared.global [%r0], [%base+126], 8, %r5;",
            "0x10000000080",
        ),
        (
            "mov.u64 %rd3, 0;\ncp.async.ca.shared.global [%r0], [%rd3], 4;",
            "where there is no memory",
        ),
    ] {
        let said = run(&copying(copy), 1, &Flat::new(128)).unwrap_err();
        assert!(said.contains(expected), "{copy}: {said}");
    }
}

#[test]
fn waiting_for_groups_that_nobody_committed_returns() {
    let body = "cp.async.wait_group 0;\ncp.async.wait_group 7;\ncp.async.wait_all;\ncp.async.commit_group;\n\
                cp.async.wait_group 0;\nsetmaxnreg.inc.sync.aligned.u32 64;\nmov.u32 %d0, 5;\n";
    let memory = Flat::new(512);
    run(&kernel("", &format!("{body}{}", stored(1))), 32, &memory).unwrap();
    assert_eq!(memory.get::<u32>(16, 1), [5]);
}

#[test]
fn fragments_of_other_shapes_are_refused_with_what_there_should_be() {
    for (line, expected) in [
        (
            "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%d0, %d1, %d2, %d3}, {%a0, %a1}, {%b0, %b1}, {%c0, %c1, %c2, %c3};",
            "operand 2 of mma: 2 elements where there are 4 in each lane",
        ),
        (
            "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%d0, %d1, %d2, %d3}, {%a0, %a1, %a2, %a3}, {%b0, %b1}, %c0;",
            "operand 4 of mma: expected registers in braces, 4 of them",
        ),
        (
            "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%gd0, %d1, %d2, %d3}, {%a0, %a1, %a2, %a3}, {%b0, %b1}, {%c0, %c1, %c2, %c3};",
            "operand 1 of mma: a register of type `.f64` where the type is `.f32`",
        ),
        (
            "mma.sync.aligned.m16n8k16.row.row.f32.f16.f16.f32 {%d0, %d1, %d2, %d3}, {%a0, %a1, %a2, %a3}, {%b0, %b1}, {%c0, %c1, %c2, %c3};",
            "matrix instructions are not",
        ),
        (
            "mma.sync.aligned.m16n8k16.row.col.f32.f16.bf16.f32 {%d0, %d1, %d2, %d3}, {%a0, %a1, %a2, %a3}, {%b0, %b1}, {%c0, %c1, %c2, %c3};",
            "matrix instructions are not",
        ),
        (
            "mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%gd0, %gd1}, %ga0, {%gb0}, {%gc0, %gc1};",
            "operand 2 of mma: expected registers in braces, 1 of them",
        ),
        (
            "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%d0, %d1}, [%r0];",
            "operand 1 of ldmatrix: 2 elements where there are 4 in each lane",
        ),
        (
            "ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%h0}, [%r0];",
            "operand 1 of ldmatrix: a register of type `.b16` where the type is `.b32`",
        ),
        (
            "cp.async.cg.shared.global [%r0], [%rd0], 8;",
            "operand 3 of cp.async.cg is the number 16",
        ),
        (
            "cp.async.ca.shared.global [%r0], [%rd0], 12;",
            "operand 3 of cp.async.ca is 4, 8 or 16",
        ),
        (
            "cp.async.ca.shared.global [%r0], [%r1], 4;",
            "operand 2 of cp: an address is a 64-bit integer, not `.b32`",
        ),
    ] {
        let said = refusal(&kernel("", line));
        assert!(said.contains(expected), "expected `{expected}` in:\n{said}");
    }
}

/// Random halves between -1 and 1.
fn halves(count: usize, numbers: &mut fastrand::Rng) -> Vec<u16> {
    (0..count)
        .map(|_| (numbers.u16(0..0x3c00)) | numbers.u16(0..2) << 15)
        .collect()
}

#[test]
fn a_tiled_product_of_halves_is_that_of_double_precision() {
    let (m, n, k) = (64, 96, 96);
    let mut numbers = fastrand::Rng::with_seed(0x9e37_79b9_7f4a_7c15);
    let (a, b) = (halves(m * k, &mut numbers), halves(k * n, &mut numbers));
    let (a_at, b_at) = (0, 2 * m * k);
    let c_at = b_at + 2 * k * n;
    let memory = Flat::new(c_at + 4 * m * n);
    memory.put(a_at, &a);
    memory.put(b_at, &b);
    let text = include_str!("data/matmul_mma.ptx");
    let arguments = Arguments::new()
        .pointer(a_at as u64)
        .pointer(b_at as u64)
        .pointer(c_at as u64)
        .with(n as u32)
        .with(k as u32);
    let shape = (plane(n as u32 / 32, m as u32 / 32), line(64), 0);
    launch_as(&module(text), "matmul", shape, arguments, &memory, &WIDTHS).unwrap();
    let found = memory.get::<f32>(c_at, m * n);
    for row in 0..m {
        for column in 0..n {
            let terms = (0..k).map(|i| {
                value("f16", u64::from(a[row * k + i])) * value("f16", u64::from(b[i * n + column]))
            });
            let (mut expected, mut size) = (0.0, 0.0);
            for term in terms {
                expected += term;
                size += term.abs();
            }
            let found = f64::from(found[row * n + column]);
            let error = k as f64 * size * 2f64.powi(-24);
            assert!(
                (found - expected).abs() <= error,
                "row {row}, column {column} is {found}, expected {expected}"
            );
        }
    }
}
