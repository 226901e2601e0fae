//! The text of steps, of the ends of blocks, and of what they name.

use std::fmt;

use crate::compile::ir::opcodes::Opcode;
use crate::compile::ir::{
    AccessAddress, Arg, AsyncCopy, AtomicOp, Body, End, Op, Reg, SiteKind, Space, SpecialValue,
    SuspendKind, Ty,
};

pub(super) struct Regs<'k>(pub(super) &'k [Reg]);

impl fmt::Display for Regs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("nothing");
        }
        let names: Vec<String> = self.0.iter().map(Reg::to_string).collect();
        f.write_str(&names.join(" "))
    }
}

impl fmt::Display for Ty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ty::I32 => "i32",
            Ty::I64 => "i64",
            Ty::F32 => "f32",
            Ty::F64 => "f64",
        })
    }
}

impl fmt::Display for Arg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Arg::Reg(reg) => reg.fmt(f),
            Arg::I32(bits) => write!(f, "{}", bits.cast_signed()),
            Arg::I64(bits) => write!(f, "{}:i64", bits.cast_signed()),
            Arg::F32(bits) => match f32::from_bits(*bits) {
                nan if nan.is_nan() => write!(f, "nan({bits:#x}):f32"),
                value => write!(f, "{value:?}:f32"),
            },
            Arg::F64(bits) => match f64::from_bits(*bits) {
                nan if nan.is_nan() => write!(f, "nan({bits:#x}):f64"),
                value => write!(f, "{value:?}:f64"),
            },
        }
    }
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Space::Global => "global",
            Space::Shared => "shared",
            Space::Local => "local",
            Space::Argument => "param",
            Space::Generic => "generic",
        })
    }
}

impl fmt::Display for AccessAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.offset {
            0 => write!(f, "[{}]", self.base),
            more if more > 0 => write!(f, "[{} + {more}]", self.base),
            less => write!(f, "[{} - {}]", self.base, less.unsigned_abs()),
        }
    }
}

impl fmt::Display for SpecialValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SpecialValue::Tid(dimension) => match dimension {
                0 => f.write_str("tid.x"),
                1 => f.write_str("tid.y"),
                _ => f.write_str("tid.z"),
            },
            SpecialValue::Thread => f.write_str("thread"),
            SpecialValue::Launch(address, ty) => write!(f, "launch.{ty} {address}"),
            SpecialValue::LaunchPart(address, bytes) => {
                write!(f, "launch.b{} {address}", 8 * u32::from(*bytes))
            }
            SpecialValue::Clock => f.write_str("clock"),
        }
    }
}

impl fmt::Display for AtomicOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            AtomicOp::Add => "add",
            AtomicOp::And => "and",
            AtomicOp::Or => "or",
            AtomicOp::Xor => "xor",
            AtomicOp::Exchange => "exch",
            AtomicOp::Swap => "cas",
            AtomicOp::Least { signed, most } => match (signed, most) {
                (true, false) => "min_s",
                (true, true) => "max_s",
                (false, false) => "min_u",
                (false, true) => "max_u",
            },
            AtomicOp::Increment => "inc",
            AtomicOp::Decrement => "dec",
            AtomicOp::FloatAdd { flush: false } => "fadd",
            AtomicOp::FloatAdd { flush: true } => "fadd.ftz",
            AtomicOp::Libcall(libcall) => return libcall.fmt(f),
        };
        f.write_str(name)
    }
}

impl fmt::Display for Opcode {
    /// The instruction's name in WebAssembly's text format: `I32ShrU` is `i32.shr_u`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = format!("{self:?}");
        let mut text = String::with_capacity(name.len() + 4);
        for (place, letter) in name.chars().enumerate() {
            if letter.is_ascii_uppercase() && place > 0 {
                text.push(if place == 3 { '.' } else { '_' });
            }
            // `I32Extend8S`: a digit after a letter stays with it.
            text.push(letter.to_ascii_lowercase());
        }
        f.write_str(&text)
    }
}

fn args(f: &mut fmt::Formatter<'_>, args: &[Arg]) -> fmt::Result {
    for (place, arg) in args.iter().enumerate() {
        let comma = if place > 0 { "," } else { "" };
        write!(f, "{comma} {arg}")?;
    }
    Ok(())
}

/// A step of a kernel.
pub(super) struct Step<'k> {
    pub(super) body: &'k Body,
    pub(super) op: &'k Op,
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, target) in self.op.targets().iter().enumerate() {
            let comma = if place > 0 { ", " } else { "" };
            write!(f, "{comma}{}", Typed(self.body, *target))?;
        }
        if !self.op.targets().is_empty() {
            f.write_str(" = ")?;
        }
        let access = |name: &str, place: &AccessAddress, bytes: u8, atomic: bool| {
            let atomic = if atomic { "atomic_" } else { "" };
            format!("{atomic}{name}.{}.b{bytes} {place}", place.space)
        };
        match self.op {
            Op::Line(line) => write!(f, "; line {line}"),
            Op::Copy(_, a) => write!(f, "copy {a}"),
            Op::Unary(opcode, _, a) => write!(f, "{opcode} {a}"),
            Op::Binary(opcode, _, a, b) => write!(f, "{opcode} {a}, {b}"),
            Op::Select(_, condition, a, b) => write!(f, "select {condition}, {a}, {b}"),
            Op::Fma(_, a, b, c) => write!(f, "fma {a}, {b}, {c}"),
            Op::CanonicalizeNan(_, a) => write!(f, "canonicalize_nan {a}"),
            Op::FlushSubnormal(_, a) => write!(f, "flush_subnormal {a}"),
            Op::Special(_, value) => write!(f, "special {value}"),
            Op::Libcall {
                libcall, args: all, ..
            } => {
                write!(f, "{libcall}")?;
                args(f, all)
            }
            Op::Builtin {
                site, args: all, ..
            } => {
                let kind = self.body.sites.get(*site).map(|site| &site.what);
                let name = match kind {
                    Some(SiteKind::Builtin(function)) => function.name(),
                    _ => "nothing",
                };
                write!(f, "call {name}")?;
                args(f, all)?;
                write!(f, " ; {site}")
            }
            Op::Collective { op, inputs, .. } => {
                write!(f, "warp {op}")?;
                args(f, inputs)
            }
            Op::CopyAsync(AsyncCopy {
                from,
                to,
                bytes,
                copied,
                ..
            }) => {
                let (source, target) = (from.space, to.space);
                write!(f, "copy_async.{target}.{source}.b{bytes} {to}, {from}")?;
                copied.map_or(Ok(()), |copied| write!(f, ", {copied}"))
            }
            Op::LoadMatrix(load) => {
                let transposed = if load.transposed { ".columns" } else { "" };
                write!(f, "load_matrix{transposed} {}", load.rows)
            }
            Op::Load {
                place,
                bytes,
                atomic,
                ..
            } => f.write_str(&access("load", place, *bytes, *atomic)),
            Op::Store {
                place,
                bytes,
                values,
                atomic,
            } => {
                write!(f, "{},", access("store", place, *bytes, *atomic))?;
                args(f, values)
            }
            Op::Atomic {
                place,
                bytes,
                change,
                b,
                c,
                ..
            } => {
                let space = place.space;
                write!(f, "atomic.{space}.{change}.b{bytes} {place}, {b}")?;
                match change {
                    AtomicOp::Swap => write!(f, ", {c}"),
                    _ => Ok(()),
                }
            }
        }
    }
}

/// A register with its type.
struct Typed<'k>(&'k Body, Reg);

impl fmt::Display for Typed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.regs.get(self.1) {
            Some(ty) => write!(f, "{}: {ty}", self.1),
            None => write!(f, "{}: ?", self.1),
        }
    }
}

/// How a block ends.
pub(super) struct Terminator<'k> {
    pub(super) body: &'k Body,
    pub(super) end: &'k End,
}

impl fmt::Display for Terminator<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.end {
            End::Jump(next) => write!(f, "jump {next}"),
            End::Branch(condition, yes, no) => write!(f, "branch {condition}, {yes}, {no}"),
            End::Table(index, targets, site) => {
                write!(f, "br_table {index}")?;
                for target in targets {
                    write!(f, ", {target}")?;
                }
                write!(f, ", else fault {site}")
            }
            End::WholeWarp(group, single) => write!(f, "whole_warp {group}, else {single}"),
            End::Exit => f.write_str("exit"),
            End::Fault(site, value) => write!(f, "fault {site}, {value}"),
            End::Reconverge(next) => write!(f, "reconverge {next}"),
            End::Nowhere => f.write_str("unreachable"),
            End::Suspend(id, next) => {
                let Some(point) = self.body.suspend_points.get(*id) else {
                    return write!(f, "suspend {id}?, {next}");
                };
                for (place, reg) in point.results.iter().flatten().enumerate() {
                    let comma = if place > 0 { ", " } else { "" };
                    write!(f, "{comma}{}", Typed(self.body, *reg))?;
                }
                if point.results.iter().flatten().next().is_some() {
                    f.write_str(" = ")?;
                }
                write!(f, "suspend {id} {}", SuspendKindText(&point.kind))?;
                args(f, &point.inputs)?;
                write!(f, " -> {next}")
            }
        }
    }
}

/// What threads wait for.
struct SuspendKindText<'k>(&'k SuspendKind);

impl fmt::Display for SuspendKindText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            SuspendKind::Plain(number) => write!(f, "barrier {number} for all"),
            SuspendKind::Barrier {
                counted,
                waits,
                reduction,
            } => {
                f.write_str(if *waits { "barrier" } else { "barrier.arrive" })?;
                if let Some(reduction) = reduction {
                    write!(f, ".{reduction}")?;
                }
                f.write_str(if *counted { " counted" } else { "" })
            }
            SuspendKind::Collective(op) => write!(f, "warp {op}"),
            SuspendKind::ActiveMask => f.write_str("activemask"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opcodes_have_the_names_of_webassembly() {
        for (opcode, name) in [
            (Opcode::I32Add, "i32.add"),
            (Opcode::I64ShrU, "i64.shr_u"),
            (Opcode::I32Extend8S, "i32.extend8_s"),
            (Opcode::I64ExtendI32U, "i64.extend_i32_u"),
            (Opcode::I32TruncSatF64S, "i32.trunc_sat_f64_s"),
            (Opcode::F32ReinterpretI32, "f32.reinterpret_i32"),
        ] {
            assert_eq!(opcode.to_string(), name);
        }
    }

    #[test]
    fn constants_say_their_type_unless_they_are_words() {
        for (arg, text) in [
            (Arg::Reg(Reg(3)), "v3"),
            (Arg::I32(u32::MAX), "-1"),
            (Arg::I64(7), "7:i64"),
            (Arg::F32(1.5f32.to_bits()), "1.5:f32"),
            (Arg::F64((-0.0f64).to_bits()), "-0.0:f64"),
            (Arg::F32(0x7fff_ffff), "nan(0x7fffffff):f32"),
        ] {
            assert_eq!(arg.to_string(), text);
        }
    }
}
