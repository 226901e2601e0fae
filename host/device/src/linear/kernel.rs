//! The kernel that is launched for a product of matrices where a device has no library for it: PTX,
//! written for each type of elements from one text.
//!
//! A block of 16 by 16 threads computes a tile of 64 by 64 elements, each thread 4 by 4 of them in
//! registers, from parts of the factors in shared memory that are 16 deep (the classical scheme,
//! e.g. of CUTLASS). Its arguments are addresses and strides in bytes, so that it is one kernel for
//! matrices that lie either way. Sums go along k without a break, and each step is fused.

use super::{Activation, Element, Gemm, GemmShape};
use crate::{Argument, Buffer, Extent, LaunchConfig};

/// The kernel's name.
pub(crate) const KERNEL: &str = "gemm";

/// The side of a block's tile, in elements; of a thread's; and how deep the parts in shared memory are.
const TILE: u32 = 64;
const OWN: u32 = 4;
const DEPTH: u32 = 16;

/// Threads along each side of a block.
const SIDE: u32 = TILE / OWN;

/// How many blocks a grid may have along y and along z.
const MOST_BLOCKS: u64 = 65_535;

/// Bits of the kernel's last argument.
const READS_C: u32 = 1;
const HAS_BIAS: u32 = 2;
const RELU: u32 = 4;
const GELU: u32 = 8;

/// How elements are computed with.
struct Arithmetic {
    /// The type of sums, in PTX, and its size.
    ty: &'static str,
    bytes: u32,
    zero: &'static str,
    multiply_add: &'static str,
    multiply: &'static str,
    add: &'static str,
}

impl Arithmetic {
    fn of(element: Element) -> Arithmetic {
        match element {
            Element::F32 | Element::F16 | Element::BF16 => Arithmetic {
                ty: "f32",
                bytes: 4,
                zero: "0f00000000",
                multiply_add: "fma.rn.f32",
                multiply: "mul.rn.f32",
                add: "add.rn.f32",
            },
            Element::F64 => Arithmetic {
                ty: "f64",
                bytes: 8,
                zero: "0d0000000000000000",
                multiply_add: "fma.rn.f64",
                multiply: "mul.rn.f64",
                add: "add.rn.f64",
            },
            Element::S8 => Arithmetic {
                ty: "s32",
                bytes: 4,
                zero: "0",
                multiply_add: "mad.lo.s32",
                multiply: "mul.lo.s32",
                add: "add.s32",
            },
        }
    }
}

/// Loads the element of a factor at an address into a register.
pub(super) fn load_factor(element: Element, register: &str, address: &str) -> String {
    match element {
        Element::F32 => format!("ld.global.f32 {register}, [{address}];"),
        Element::F64 => format!("ld.global.f64 {register}, [{address}];"),
        Element::F16 => {
            format!("ld.global.b16 %h, [{address}]; cvt.f32.f16 {register}, %h;")
        }
        Element::BF16 => format!(
            "ld.global.u16 %h, [{address}]; cvt.u32.u16 %u, %h; shl.b32 %u, %u, 16; mov.b32 {register}, %u;"
        ),
        Element::S8 => format!("ld.global.s8 {register}, [{address}];"),
    }
}

/// Loads the element of a result, or of a bias.
fn load_result(element: Element, register: &str, address: &str) -> String {
    match element {
        Element::S8 => format!("ld.global.s32 {register}, [{address}];"),
        other => load_factor(other, register, address),
    }
}

/// Rounds a register once, and stores it.
pub(super) fn store(element: Element, register: &str, address: &str) -> String {
    match element {
        Element::F32 => format!("st.global.f32 [{address}], {register};"),
        Element::F64 => format!("st.global.f64 [{address}], {register};"),
        Element::S8 => format!("st.global.s32 [{address}], {register};"),
        Element::F16 => {
            format!("cvt.rn.f16.f32 %h, {register}; st.global.b16 [{address}], %h;")
        }
        // To nearest, ties to even, by integers: older devices have no instruction for it.
        Element::BF16 => format!(
            "mov.b32 %u, {register}; shr.u32 %w, %u, 16; and.b32 %w, %w, 1; add.u32 %w, %w, 32767; \
             add.u32 %u, %u, %w; shr.u32 %u, %u, 16; setp.nan.f32 %p, {register}, {register}; \
             selp.u32 %u, 32704, %u, %p; cvt.u16.u32 %h, %u; st.global.u16 [{address}], %h;"
        ),
    }
}

/// The polynomials of the processor's GELU, with the same operations in the same order.
fn gelu() -> String {
    use super::gelu::{DENOMINATOR, LEAST, NUMERATOR};
    let float = |value: f32| format!("0f{:08X}", value.to_bits());
    let (one, half, four) = (float(1.0), float(0.5), float(4.0));
    let mut text = format!(
        "    setp.lt.f32 %p, %v, {least};
    selp.f32 %v, {least}, %v, %p;
    mul.rn.f32 %fx, %v, {root};
    mul.rn.f32 %fy, %fx, %fx;
",
        least = float(LEAST),
        root = float(std::f32::consts::FRAC_1_SQRT_2),
    );
    for (sum, coefficients) in [("%fn", &NUMERATOR[..]), ("%fd", &DENOMINATOR[..])] {
        for (index, coefficient) in coefficients.iter().enumerate() {
            let coefficient = float(*coefficient);
            text += &match index {
                0 => format!("    mov.f32 {sum}, {coefficient};\n"),
                _ => format!(
                    "    mul.rn.f32 {sum}, {sum}, %fy;
    add.rn.f32 {sum}, {sum}, {coefficient};
"
                ),
            };
        }
    }
    text + &format!(
        "    mul.rn.f32 %fn, %fx, %fn;
    div.rn.f32 %fn, %fn, %fd;
    abs.f32 %fd, %fx;
    setp.ge.f32 %p, %fd, {four};
    copysign.f32 %fd, %fx, {one};
    selp.f32 %fn, %fd, %fn, %p;
    add.rn.f32 %fn, %fn, {one};
    mul.rn.f32 %fx, %v, {half};
    mul.rn.f32 %v, %fx, %fn;
"
    )
}

/// A part of a factor, which the threads of a block load together into shared memory.
struct FactorPart {
    label: &'static str,
    /// How many elements next to each other threads load that follow each other.
    along: u32,
    /// The registers of an element's row and column in shared memory, of `%l` and `%r`.
    shared: [&'static str; 2],
    /// Where it lies in shared memory.
    base: &'static str,
    /// Its first row and column of the factor, and how many that has.
    first: [&'static str; 2],
    extents: [&'static str; 2],
    /// What the registers of the factor begin with.
    factor: char,
}

/// Threads lie along `k`; rows of shared memory are columns of the factor.
const LEFT: FactorPart = FactorPart {
    label: "LEFT",
    along: DEPTH,
    shared: ["%r", "%l"],
    base: "%left",
    first: ["%row0", "%depth"],
    extents: ["%m", "%k"],
    factor: 'a',
};

/// Threads lie along `n`.
const RIGHT: FactorPart = FactorPart {
    label: "RIGHT",
    along: TILE,
    shared: ["%l", "%r"],
    base: "%right",
    first: ["%depth", "%col0"],
    extents: ["%k", "%n"],
    factor: 'b',
};

impl FactorPart {
    /// Loads an element for each thread, those from `first` on. Elements outside of the factor are zero.
    fn load(&self, element: Element, round: u32, first: u32) -> String {
        let FactorPart {
            label,
            along,
            shared: [shared_row, shared_column],
            base,
            first: [first_row, first_column],
            extents: [rows, columns],
            factor,
        } = *self;
        let Arithmetic {
            ty, bytes, zero, ..
        } = Arithmetic::of(element);
        format!(
            "    add.u32 %l, %t, {first};
    and.b32 %r, %l, {mask};
    shr.u32 %l, %l, {bits};
    mad.lo.u32 %u, {shared_row}, {TILE}, {shared_column};
    mad.lo.u32 %u, %u, {bytes}, {base};
    cvt.u64.u32 %row, %l;
    add.u64 %row, %row, {first_row};
    cvt.u64.u32 %col, %r;
    add.u64 %col, %col, {first_column};
    mov.{ty} %v, {zero};
    setp.ge.u64 %p, %row, {rows};
    @%p bra {label}{round};
    setp.ge.u64 %p, %col, {columns};
    @%p bra {label}{round};
    mad.lo.u64 %at, %row, %{factor}_row, %{factor};
    mad.lo.u64 %at, %col, %{factor}_column, %at;
    {load}
{label}{round}:
    st.shared.{ty} [%u], %v;
",
            mask = along - 1,
            bits = along.trailing_zeros(),
            load = load_factor(element, "%v", "%at").replace("%u", "%w"),
        )
    }
}

/// The module for elements of a type.
pub(crate) fn module(element: Element) -> String {
    let Arithmetic {
        ty,
        bytes,
        zero,
        multiply_add,
        ..
    } = Arithmetic::of(element);
    let mut text = head(ty, bytes);
    let sums = OWN * OWN;
    for sum in 0..sums {
        text += &format!("    mov.{ty} %s{sum}, {zero};\n");
    }
    text += "    mov.u64 %depth, 0;
NEXT:
    setp.ge.u64 %p, %depth, %k;
    @%p bra SUMMED;
";
    let threads = SIDE * SIDE;
    for round in 0..TILE * DEPTH / threads {
        let first = round * threads;
        for part in [LEFT, RIGHT] {
            text += &part.load(element, round, first);
        }
    }
    text += "    bar.sync 0;\n";
    for step in 0..DEPTH {
        let line = step * TILE * bytes;
        for own in 0..OWN {
            let at = line + own * bytes;
            text += &format!(
                "    ld.shared.{ty} %a{own}, [%left_own+{at}];
    ld.shared.{ty} %b{own}, [%right_own+{at}];
"
            );
        }
        for sum in 0..sums {
            let (row, column) = (sum / OWN, sum % OWN);
            text += &format!("    {multiply_add} %s{sum}, %a{row}, %b{column}, %s{sum};\n");
        }
    }
    text += &format!(
        "    bar.sync 0;
    add.u64 %depth, %depth, {DEPTH};
    bra NEXT;
SUMMED:
"
    );
    for sum in 0..sums {
        text += &result(element, sum);
    }
    text + "    ret;\n}\n"
}

/// The declarations, and what each thread computes first: its arguments, where its block's tile
/// begins, and where its own part lies in shared memory.
fn head(ty: &str, bytes: u32) -> String {
    let shared = TILE * DEPTH * bytes;
    let own_bytes = OWN * bytes;
    let mut text = format!(
        "// A tile of the product of two matrices for each block.
.version 7.0
.target sm_70
.address_size 64

.visible .entry {KERNEL}(
    .param .u64 a, .param .u64 b, .param .u64 c, .param .u64 bias,
    .param .u64 m, .param .u64 n, .param .u64 k,
    .param .u64 a_row, .param .u64 a_column, .param .u64 a_batch,
    .param .u64 b_row, .param .u64 b_column, .param .u64 b_batch,
    .param .u64 c_row, .param .u64 c_column, .param .u64 c_batch,
    .param .u64 bias_column,
    .param .{ty} alpha, .param .{ty} beta, .param .u32 flags)
{{
    .shared .align 16 .b8 left_part[{shared}];
    .shared .align 16 .b8 right_part[{shared}];
    .reg .pred %p, %reads_c, %has_bias, %has_relu, %has_gelu;
    .reg .b16 %h;
    .reg .b32 %u, %w, %tx, %ty, %t, %l, %r, %left, %right, %left_own, %right_own, %flags;
    .reg .b64 %a, %b, %c, %bias, %m, %n, %k, %row0, %col0, %row, %col, %depth, %at, %z;
    .reg .b64 %a_row, %a_column, %a_batch, %b_row, %b_column, %b_batch;
    .reg .b64 %c_row, %c_column, %c_batch, %bias_column;
    .reg .f32 %fx, %fy, %fn, %fd;
    .reg .{ty} %v, %e, %alpha, %beta, %a<{OWN}>, %b<{OWN}>, %s<{sums}>;
",
        sums = OWN * OWN,
    );
    for name in [
        "a",
        "b",
        "c",
        "bias",
        "m",
        "n",
        "k",
        "a_row",
        "a_column",
        "a_batch",
        "b_row",
        "b_column",
        "b_batch",
        "c_row",
        "c_column",
        "c_batch",
        "bias_column",
    ] {
        text += &format!("    ld.param.u64 %{name}, [{name}];\n");
    }
    for name in ["alpha", "beta"] {
        text += &format!("    ld.param.{ty} %{name}, [{name}];\n");
    }
    text += "    ld.param.u32 %flags, [flags];\n";
    for (register, bit) in [
        ("%reads_c", READS_C),
        ("%has_bias", HAS_BIAS),
        ("%has_relu", RELU),
        ("%has_gelu", GELU),
    ] {
        text += &format!(
            "    and.b32 %u, %flags, {bit};
    setp.ne.u32 {register}, %u, 0;
"
        );
    }
    text += "    mov.u32 %u, %ctaid.z;
    cvt.u64.u32 %z, %u;
";
    for name in ["a", "b", "c"] {
        text += &format!("    mad.lo.u64 %{name}, %z, %{name}_batch, %{name};\n");
    }
    text + &format!(
        "    mov.u32 %tx, %tid.x;
    mov.u32 %ty, %tid.y;
    mad.lo.u32 %t, %ty, {SIDE}, %tx;
    mov.u32 %left, left_part;
    mov.u32 %right, right_part;
    mad.lo.u32 %left_own, %ty, {own_bytes}, %left;
    mad.lo.u32 %right_own, %tx, {own_bytes}, %right;
    mov.u32 %u, %ctaid.y;
    mul.wide.u32 %row0, %u, {TILE};
    mov.u32 %u, %ctaid.x;
    mul.wide.u32 %col0, %u, {TILE};
"
    )
}

/// Writes one of a thread's elements, with what the epilogue makes of it.
fn result(element: Element, sum: u32) -> String {
    let Arithmetic {
        ty,
        zero,
        multiply,
        add,
        ..
    } = Arithmetic::of(element);
    let (row, column) = (sum / OWN, sum % OWN);
    let mut text = format!(
        "    mad.lo.u32 %l, %ty, {OWN}, {row};
    mad.lo.u32 %r, %tx, {OWN}, {column};
    cvt.u64.u32 %row, %l;
    add.u64 %row, %row, %row0;
    cvt.u64.u32 %col, %r;
    add.u64 %col, %col, %col0;
    setp.ge.u64 %p, %row, %m;
    @%p bra SKIP{sum};
    setp.ge.u64 %p, %col, %n;
    @%p bra SKIP{sum};
    mad.lo.u64 %at, %row, %c_row, %c;
    mad.lo.u64 %at, %col, %c_column, %at;
    {multiply} %v, %s{sum}, %alpha;
    @!%reads_c bra READ{sum};
    {load}
    {multiply} %e, %e, %beta;
    {add} %v, %v, %e;
READ{sum}:
",
        load = load_result(element, "%e", "%at"),
    );
    if element != Element::S8 {
        text += &format!(
            "    @!%has_bias bra BIASED{sum};
    mad.lo.u64 %z, %col, %bias_column, %bias;
    {load}
    {add} %v, %v, %e;
BIASED{sum}:
    @!%has_relu bra LINEAR{sum};
    setp.lt.{ty} %p, %v, {zero};
    selp.{ty} %v, {zero}, %v, %p;
LINEAR{sum}:
",
            load = load_result(element, "%e", "%z"),
        );
    }
    if !matches!(element, Element::S8 | Element::F64) {
        text += &format!("    @!%has_gelu bra ACTIVE{sum};\n{}ACTIVE{sum}:\n", gelu());
    }
    text + &format!("    {}\nSKIP{sum}:\n", store(element, "%v", "%at"))
}

/// The launches that compute a product: several, where its rows or its batch are more than a grid has. Each is
/// made when it is asked for, since what waits to be queued is in no limit.
pub(crate) fn launches(
    gemm: &Gemm,
    shape: &GemmShape,
) -> impl Iterator<Item = (LaunchConfig, Vec<Argument>)> {
    let (m, batch) = (shape.m.get(), shape.batch.get());
    let most_rows = MOST_BLOCKS * u64::from(TILE);
    (0..m).step_by(most_rows as usize).flat_map(move |row| {
        let rows = most_rows.min(m - row);
        let firsts = (0..batch).step_by(MOST_BLOCKS as usize);
        firsts.map(move |first| {
            let part = [row, rows, first, MOST_BLOCKS.min(batch - first)];
            launch(gemm, shape, part)
        })
    })
}

fn launch(
    gemm: &Gemm,
    shape: &GemmShape,
    [row, rows, first, count]: [u64; 4],
) -> (LaunchConfig, Vec<Argument>) {
    let (factor, result) = (shape.element.factor_bytes(), shape.element.result_bytes());
    // All of this lies within buffers, as was checked.
    let pointer = |buffer: &Buffer, bytes: u64| Argument::Pointer {
        buffer: buffer.clone(),
        offset: bytes,
    };
    let (a, b, c) = (&shape.a, &shape.b, &shape.c);
    // An operand that nothing is read of may have any strides.
    let bytes = |elements: u64, size: u64| Argument::U64(elements.wrapping_mul(size));
    let reads = shape.k > 0;
    let place = |offset: u64, elements: u64, size: u64| match reads {
        true => offset + elements * size,
        false => offset,
    };
    let bias = gemm.bias.as_ref().zip(shape.bias.as_ref());
    let mut arguments = vec![
        pointer(
            &gemm.a.buffer,
            place(a.offset, first * a.batch + row * a.row, factor),
        ),
        pointer(&gemm.b.buffer, place(b.offset, first * b.batch, factor)),
        pointer(
            &gemm.c.buffer,
            c.offset + (first * c.batch + row * c.row) * result,
        ),
        match bias {
            Some((bias, operand)) => pointer(&bias.buffer, operand.offset),
            None => Argument::U64(0),
        },
        Argument::U64(rows),
        Argument::U64(shape.n.get()),
        Argument::U64(shape.k),
    ];
    for (operand, size) in [(a, factor), (b, factor), (c, result)] {
        for stride in [operand.row, operand.column, operand.batch] {
            arguments.push(bytes(stride, size));
        }
    }
    arguments.push(bytes(bias.map_or(0, |(_, operand)| operand.column), result));
    for scalar in [shape.alpha(), shape.beta()] {
        arguments.push(match shape.element {
            Element::F32 | Element::F16 | Element::BF16 => Argument::F32(scalar as f32),
            Element::F64 => Argument::F64(scalar),
            Element::S8 => Argument::S32(scalar as i32),
        });
    }
    let mut flags = 0;
    for (is_set, bit) in [
        (shape.beta() != 0.0, READS_C),
        (bias.is_some(), HAS_BIAS),
        (shape.activation == Activation::Relu, RELU),
        (shape.activation == Activation::Gelu, GELU),
    ] {
        flags |= if is_set { bit } else { 0 };
    }
    arguments.push(Argument::U32(flags));
    let tiles = |count: u64| u32::try_from(count.div_ceil(TILE.into())).unwrap_or(u32::MAX);
    let config = LaunchConfig {
        grid: Extent {
            x: tiles(shape.n.get()),
            y: tiles(rows),
            z: count as u32,
        },
        block: Extent {
            x: SIDE,
            y: SIDE,
            z: 1,
        },
        shared_bytes: 0,
    };
    (config, arguments)
}

#[cfg(test)]
#[path = "kernel_tests.rs"]
mod tests;
