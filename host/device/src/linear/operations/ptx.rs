//! Parts of the text of kernels: declarations, and what threads that share a row compute together.

use std::fmt::Write;

/// The head of a module with one kernel: its parameters by type and name, each loaded into a register of
/// the same name, and its other registers.
pub(super) fn head(
    what: &str,
    name: &str,
    parameters: &[(&str, &str)],
    shared: &[(&str, u32)],
    registers: &[(&str, &str)],
) -> String {
    let mut text = format!(
        "// {what}\n.version 7.0\n.target sm_70\n.address_size 64\n\n.visible .entry {name}("
    );
    let mut parts = Vec::new();
    for (ty, name) in parameters {
        parts.push(format!("\n    .param .{ty} {name}"));
    }
    text += &parts.join(",");
    text += ")\n{\n";
    // Writing to a string does not fail.
    for (name, bytes) in shared {
        let _ = writeln!(text, "    .shared .align 16 .b8 {name}[{bytes}];");
    }
    for (ty, names) in registers {
        let _ = writeln!(text, "    .reg .{ty} {names};");
    }
    for (ty, name) in parameters {
        let _ = writeln!(text, "    .reg .{ty} %{name};");
    }
    for (ty, name) in parameters {
        let _ = writeln!(text, "    ld.param.{ty} %{name}, [{name}];");
    }
    text
}

/// What all threads of a row make of a value of each, which then each of them has.
#[derive(Clone, Copy)]
pub(super) enum Combine {
    /// `add.rn.f32` of `%v`.
    Sum,
    /// `max.f32` of `%v`.
    Most,
    /// `max.u64` of `%best`.
    Best,
}

impl Combine {
    fn register(self) -> &'static str {
        match self {
            Combine::Sum | Combine::Most => "%v",
            Combine::Best => "%best",
        }
    }

    /// The register, and that of another thread's value.
    fn apply(self, other: &str) -> String {
        let register = self.register();
        let instruction = match self {
            Combine::Sum => "add.rn.f32",
            Combine::Most => "max.f32",
            Combine::Best => "max.u64",
        };
        format!("    {instruction} {register}, {register}, {other};\n")
    }

    /// Within a warp. All threads have the same value then, to the bit: a butterfly adds the same two
    /// numbers in both threads.
    pub(super) fn in_warp(self) -> String {
        let mut text = String::new();
        for distance in [16, 8, 4, 2, 1] {
            text += &match self {
                Combine::Sum | Combine::Most => format!(
                    "    mov.b32 %u, %v;
    shfl.sync.bfly.b32 %u, %u, {distance}, 31, 0xffffffff;
    mov.b32 %y, %u;
{}",
                    self.apply("%y")
                ),
                Combine::Best => format!(
                    "    mov.b64 {{%u, %w}}, %best;
    shfl.sync.bfly.b32 %u, %u, {distance}, 31, 0xffffffff;
    shfl.sync.bfly.b32 %w, %w, {distance}, 31, 0xffffffff;
    mov.b64 %key, {{%u, %w}};
{}",
                    self.apply("%key")
                ),
            };
        }
        text
    }

    /// Within a block of so many warps, by way of shared memory `parts` of 8 bytes a warp.
    pub(super) fn in_block(self, warps: u32) -> String {
        let mut text = self.in_warp();
        if warps == 1 {
            return text;
        }
        let (register, ty, other) = match self {
            Combine::Sum | Combine::Most => ("%v", "f32", "%y"),
            Combine::Best => ("%best", "u64", "%key"),
        };
        let _ = write!(
            text,
            "    shr.u32 %u, %t, 5;
    mov.u32 %w, parts;
    mad.lo.u32 %u, %u, 8, %w;
    st.shared.{ty} [%u], {register};
    bar.sync 0;
    ld.shared.{ty} {register}, [%w];
"
        );
        for warp in 1..warps {
            let _ = write!(
                text,
                "    ld.shared.{ty} {other}, [%w+{}];\n{}",
                warp * 8,
                self.apply(other)
            );
        }
        // The next value may be written once all have read this one.
        text + "    bar.sync 0;\n"
    }
}

/// A number as PTX writes it.
pub(super) fn float(value: f32) -> String {
    format!("0f{:08X}", value.to_bits())
}
