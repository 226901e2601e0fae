//! Matrix instructions and asynchronous copies: results against sums of products in double precision,
//! with elements placed as the PTX ISA's tables of fragments say.

mod copies;
mod fragments;
mod products;
mod quad_pairs;

use tensor_wasm_ptx::compile::Vectorize;

use crate::common::{Arguments, Flat, launch_as, line, module};

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

/// Where the result registers `%d0` to `%d3` of each lane go.
pub fn stored(count: usize) -> String {
    let mut body = "mul.wide.u32 %row, %lane, 16;\nadd.u64 %row, %row, %base;\n".to_owned();
    for i in 0..count {
        body.push_str(&format!("st.global.u32 [%row+{}], %d{i};\n", 4 * i));
    }
    body
}
