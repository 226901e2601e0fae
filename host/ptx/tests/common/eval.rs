//! One instruction at a time: its operands from memory, its result into it.

use tensor_wasm_ptx::compile::Vectorize;

use super::{Arguments, Flat, launch_as, launch_one, line, module};

/// Runs one instruction. `shape` has a letter for each operand, the result first: `r` is a 32-bit
/// register, `h` 16, `d` 64, `f` a single, `g` a double, `p` a predicate.
pub fn eval(instruction: &str, shape: &str, inputs: &[u64]) -> u64 {
    let class = |letter: char| match letter {
        'r' => "%r",
        'h' => "%h",
        'd' => "%d",
        'f' => "%f",
        'g' => "%g",
        'p' => "%p",
        other => panic!("{other}"),
    };
    let mut letters = shape.chars();
    let result = letters.next().unwrap();
    let mut body = String::new();
    let mut operands = format!("{}0", class(result));
    for (index, letter) in letters.enumerate() {
        let number = index + 1;
        let load = match letter {
            'h' => format!("ld.global.u16 %h{number}, [%base+{}];\n", index * 8),
            'r' => format!("ld.global.u32 %r{number}, [%base+{}];\n", index * 8),
            'f' => format!("ld.global.f32 %f{number}, [%base+{}];\n", index * 8),
            'd' => format!("ld.global.u64 %d{number}, [%base+{}];\n", index * 8),
            'g' => format!("ld.global.f64 %g{number}, [%base+{}];\n", index * 8),
            _ => format!(
                "ld.global.u32 %r{number}, [%base+{}];\nsetp.ne.u32 %p{number}, %r{number}, 0;\n",
                index * 8
            ),
        };
        body.push_str(&load);
        operands.push_str(&format!(", {}{number}", class(letter)));
    }
    let store = match result {
        'p' => "selp.u32 %r9, 1, 0, %p0;\nst.global.u32 [%base+64], %r9;",
        'h' => "st.global.u16 [%base+64], %h0;",
        'r' => "st.global.u32 [%base+64], %r0;",
        'f' => "st.global.f32 [%base+64], %f0;",
        'd' => "st.global.u64 [%base+64], %d0;",
        _ => "st.global.f64 [%base+64], %g0;",
    };
    let text = format!(
        ".version 8.6\n.target sm_90\n.address_size 64\n.visible .entry k(.param .u64 p)\n{{\n\
         .reg .pred %p<10>;\n.reg .b16 %h<10>;\n.reg .b32 %r<10>;\n.reg .b64 %d<10>;\n\
         .reg .f32 %f<10>;\n.reg .f64 %g<10>;\n.reg .b64 %base;\nld.param.u64 %base, [p];\n\
         {body}{instruction} {operands};\n{store}\nret;\n}}\n"
    );
    let memory = Flat::new(128);
    memory.put(0, inputs);
    launch_one(&module(&text), &memory).unwrap();
    memory.get::<u64>(64, 1)[0]
}

#[track_caller]
pub fn check(rows: &[(&str, &str, &[u64], u64)]) {
    for (instruction, shape, inputs, expected) in rows {
        let found = eval(instruction, shape, inputs);
        assert!(
            found == *expected,
            "{instruction} of {inputs:#x?} is {found:#x}, expected {expected:#x}"
        );
    }
}

/// A number as the 64 bits that a slot holds.
pub trait Bits {
    fn b(self) -> u64;
}

impl Bits for f32 {
    fn b(self) -> u64 {
        u64::from(self.to_bits())
    }
}

impl Bits for f64 {
    fn b(self) -> u64 {
        self.to_bits()
    }
}

impl Bits for i32 {
    fn b(self) -> u64 {
        u64::from(self.cast_unsigned())
    }
}

/// Runs lines that work on `%d1` to `%d4`, which the inputs fill, and returns `%d0`.
pub fn lines(body: &str, inputs: &[u64]) -> u64 {
    let loads: String = (0..inputs.len())
        .map(|index| format!("ld.global.u64 %d{}, [%base+{}];\n", index + 1, index * 8))
        .collect();
    let text = format!(
        ".version 8.6\n.target sm_90\n.address_size 64\n.visible .entry k(.param .u64 p)\n{{\n\
         .reg .pred %p<10>;\n.reg .b16 %h<10>;\n.reg .b32 %r<10>;\n.reg .b64 %d<10>;\n.reg .f32 %f<10>;\n\
         .reg .b64 %base;\nld.param.u64 %base, [p];\n{loads}{body}\nst.global.u64 [%base+64], %d0;\nret;\n}}\n"
    );
    let memory = Flat::new(128);
    memory.put(0, inputs);
    launch_one(&module(&text), &memory).unwrap();
    memory.get::<u64>(64, 1)[0]
}

/// Runs one instruction on many rows of operands, a thread to each, and returns the results.
pub fn many(instruction: &str, shape: &str, rows: &[Vec<u64>]) -> Vec<u64> {
    many_as(instruction, shape, rows, &[Vectorize::Auto])
}

/// The same, compiled in each of these ways.
pub fn many_as(
    instruction: &str,
    shape: &str,
    rows: &[Vec<u64>],
    widths: &[Vectorize],
) -> Vec<u64> {
    let class = |letter: char| format!("%{letter}");
    let memory_type = |letter: char| match letter {
        'h' => "u16",
        'r' => "u32",
        'f' => "f32",
        'g' => "f64",
        _ => "u64",
    };
    let mut letters = shape.chars();
    let result = letters.next().unwrap();
    let inputs: Vec<char> = letters.collect();
    let mut body = String::new();
    let mut operands = format!("{}0", class(result));
    for (index, letter) in inputs.iter().enumerate() {
        let (number, ty) = (index + 1, memory_type(*letter));
        body.push_str(&format!(
            "ld.global.{ty} {}{number}, [%row+{}];\n",
            class(*letter),
            index * 8
        ));
        operands.push_str(&format!(", {}{number}", class(*letter)));
    }
    let store = match result {
        'p' => "selp.u32 %r9, 1, 0, %p0;\nst.global.u32 [%row+32], %r9;".to_owned(),
        letter => format!(
            "st.global.{} [%row+32], {}0;",
            memory_type(letter),
            class(letter)
        ),
    };
    let text = format!(
        ".version 8.6\n.target sm_90\n.address_size 64\n.visible .entry k(.param .u64 p)\n{{\n\
         .reg .pred %p<10>;\n.reg .b16 %h<10>;\n.reg .b32 %r<10>;\n.reg .b64 %d<10>;\n\
         .reg .f32 %f<10>;\n.reg .f64 %g<10>;\n.reg .b64 %row, %step;\n.reg .b32 %who, %block;\n\
         ld.param.u64 %row, [p];\nmov.u32 %who, %tid.x;\nmov.u32 %block, %ctaid.x;\n\
         mad.lo.u32 %who, %block, 256, %who;\nmul.wide.u32 %step, %who, 40;\nadd.u64 %row, %row, %step;\n\
         {body}{instruction} {operands};\n{store}\nret;\n}}\n"
    );
    let blocks = rows.len().div_ceil(256);
    let memory = Flat::new(blocks * 256 * 40);
    for (index, row) in rows.iter().enumerate() {
        memory.put(index * 40, row);
    }
    let grid = line(u32::try_from(blocks).unwrap());
    let arguments = Arguments::new().pointer(0);
    let shape = (grid, line(256), 0);
    launch_as(&module(&text), "k", shape, arguments, &memory, widths).unwrap();
    (0..rows.len())
        .map(|index| memory.get::<u64>(index * 40 + 32, 1)[0])
        .collect()
}

/// All pairs of these values.
pub fn pairs(values: &[u64]) -> Vec<Vec<u64>> {
    let row = |a: &u64| values.iter().map(|b| vec![*a, *b]).collect::<Vec<_>>();
    values.iter().flat_map(row).collect()
}
