//! The IR as text, for readers and for tests; with what analyses know of it, where they have run.
//!
//! ```text
//! block2:                                     ; resume 1; live v4 v9
//!     ; guard b4 [v9 +0 .. v9 +64] in cache0
//!     v11: f32 = load.global.b4 [v9 + 4]      ; site2; divergent
//!     v12: f32 = f32.add v11, 1.0:f32         ; divergent
//!     branch v4, block3, block4
//! ```

use std::fmt::{self, Write as _};

use crate::compile::abi::VECTOR_LANES;
use crate::compile::analysis::bounds_guards::{BoundsGuard, GuardPlan, Limit};
use crate::compile::analysis::lane_offsets::LaneOffsets;
use crate::compile::analysis::liveness::Liveness;
use crate::compile::analysis::uniformity::{Uniformity, UniformityInfo};
use crate::compile::cfg::graph::Graph;
use crate::compile::ir::opcodes::Opcode;
use crate::compile::ir::{
    AccessAddress, Arg, AtomicOp, Block, BlockId, Body, End, Op, Reg, SiteKind, Space,
    SpecialValue, SuspendKind, Ty,
};
use crate::compile::passes::reconvergence::ReconvergencePoints;
use crate::compile::passes::spill::SpillPlan;
use crate::simt::warp::WARP_LANES;

/// A line of the IR's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IrLine {
    /// The line of the PTX that this one, and those after it, come from; where a new one begins.
    pub ptx_line: Option<u32>,
    /// The text, indented.
    pub text: String,
}

/// What is known of a kernel so far.
#[derive(Clone, Copy, Default)]
pub(crate) struct Annotations<'k> {
    pub uniformity: Option<&'k UniformityInfo>,
    pub reconvergence: Option<&'k ReconvergencePoints>,
    pub liveness: Option<&'k Liveness>,
    pub graph: Option<&'k Graph>,
    pub spills: Option<&'k SpillPlan>,
    pub guards: Option<&'k GuardPlan>,
}

impl<'k> Annotations<'k> {
    /// Those of a kernel of which uniformity alone is known.
    pub(crate) fn of(uniformity: &'k UniformityInfo) -> Annotations<'k> {
        Annotations {
            uniformity: Some(uniformity),
            ..Annotations::default()
        }
    }
}

/// Where comments begin, unless a line is longer.
const COMMENT_COLUMN: usize = 48;

/// Prints a kernel.
pub(crate) fn print(body: &Body, annotations: Annotations<'_>) -> Vec<IrLine> {
    let mut printer = Printer {
        body,
        annotations,
        lines: Vec::new(),
        ptx_line: None,
    };
    for (id, block) in body.blocks.iter() {
        printer.block(id, block);
    }
    printer.lines
}

struct Printer<'k> {
    body: &'k Body,
    annotations: Annotations<'k>,
    lines: Vec<IrLine>,
    /// The line of the PTX that the next line of text begins.
    ptx_line: Option<u32>,
}

impl Printer<'_> {
    fn line(&mut self, text: &str, comments: &[String]) {
        let mut text = text.to_owned();
        if !comments.is_empty() {
            let missing = COMMENT_COLUMN.saturating_sub(text.len());
            let _ = write!(text, "{:missing$} ; {}", "", comments.join("; "));
        }
        let ptx_line = self.ptx_line.take();
        self.lines.push(IrLine { ptx_line, text });
    }

    fn block(&mut self, id: BlockId, block: &Block) {
        if block.line > 0 {
            self.ptx_line = Some(block.line);
        }
        let comments = self.block_comments(id);
        self.line(&format!("{id}:"), &comments);
        let guards = self.annotations.guards.and_then(|plan| plan.of(id));
        for (number, op) in block.ops.iter().enumerate() {
            for guard in guards.into_iter().flat_map(|guards| guards.before(number)) {
                let text = format!("    ; guard {}", Guard(self.annotations.guards, guard));
                self.line(&text, &[]);
            }
            if let Op::Line(line) = op {
                self.ptx_line = Some(*line);
                continue;
            }
            let mut comments = Vec::new();
            if let Op::Load { place, .. } | Op::Store { place, .. } | Op::Atomic { place, .. } = op
            {
                comments.push(place.site.to_string());
            }
            comments.extend(
                op.targets()
                    .iter()
                    .filter_map(|reg| self.uniformity_of(*reg)),
            );
            if guards.is_some_and(|guards| guards.needed.contains(&number)) {
                comments.push("also before the guards".to_owned());
            }
            let text = format!(
                "    {}",
                Step {
                    body: self.body,
                    op
                }
            );
            self.line(&text, &comments);
        }
        if let Some(spills) = self.annotations.spills
            && let Some(live) = self.annotations.liveness
        {
            let ahead = spills.saved_ahead(live, self.body, id);
            if !ahead.is_empty() {
                self.line(&format!("    ; save {}", Regs(&ahead)), &[]);
            }
        }
        let comments = self.end_comments(id, &block.end);
        let text = format!(
            "    {}",
            Terminator {
                body: self.body,
                end: &block.end
            }
        );
        self.line(&text, &comments);
    }

    fn block_comments(&self, id: BlockId) -> Vec<String> {
        let mut comments = Vec::new();
        let mut is_resumed = false;
        if self.body.scalar_only.contains(&id) {
            comments.push("no vector code".to_owned());
        }
        if let Some(graph) = self.annotations.graph {
            for (number, block) in graph.resumes.iter().enumerate() {
                if *block == id {
                    comments.push(format!("resume {number}"));
                    is_resumed |= number > 0;
                }
            }
        }
        if let Some(liveness) = self.annotations.liveness {
            let live = liveness.at(id);
            if !live.is_empty() {
                comments.push(format!("live {}", Regs(&live)));
            }
            if let (Some(spills), true) = (self.annotations.spills, is_resumed) {
                let saved = spills.saved(liveness, id);
                let restored = spills.restored(liveness, id);
                comments.push(format!("saves {}", Regs(&saved)));
                comments.push(format!("restores {}", Regs(&restored)));
            }
        }
        comments
    }

    fn end_comments(&self, id: BlockId, end: &End) -> Vec<String> {
        let mut comments = Vec::new();
        if let Some(uniformity) = self.annotations.uniformity
            && uniformity.diverges(end)
        {
            comments.push("diverges".to_owned());
        }
        let point = self.annotations.reconvergence.and_then(|all| all.get(&id));
        if let Some(point) = point {
            comments.push(format!("reconverges at {point}"));
        }
        if let (End::Suspend(_, next) | End::Reconverge(next), Some(spills), Some(live)) =
            (end, self.annotations.spills, self.annotations.liveness)
        {
            let mut saved = spills.saved_behind(live, id, *next);
            // Results come from the other threads.
            if let End::Suspend(point, _) = end
                && let Some(point) = self.body.suspend_points.get(*point)
            {
                saved.retain(|reg| !point.results.contains(&Some(*reg)));
            }
            comments.push(format!("saves {}", Regs(&saved)));
        }
        comments
    }

    fn uniformity_of(&self, reg: Reg) -> Option<String> {
        let uniformity = self.annotations.uniformity?;
        let name = match uniformity.of(reg) {
            Uniformity::Uniform => "uniform".to_owned(),
            Uniformity::Affine(offsets) => format!("affine {}", Offsets(&offsets)),
            Uniformity::Divergent => "divergent".to_owned(),
        };
        let is_boolean = uniformity.is_boolean(reg);
        Some(if is_boolean {
            format!("{name} boolean")
        } else {
            name
        })
    }
}

/// Offsets of lanes: by their stride, or one by one.
struct Offsets<'k>(&'k LaneOffsets);

impl fmt::Display for Offsets<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stride = self.0.of(1);
        let strides = [VECTOR_LANES, WARP_LANES].map(|lanes| LaneOffsets::stride(stride, lanes));
        if strides.contains(self.0) {
            return write!(f, "{stride:+}");
        }
        let lanes = (0..WARP_LANES).map(|lane| self.0.of(lane).to_string());
        f.write_str(&lanes.collect::<Vec<_>>().join(","))
    }
}

struct Regs<'k>(&'k [Reg]);

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
struct Step<'k> {
    body: &'k Body,
    op: &'k Op,
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
struct Terminator<'k> {
    body: &'k Body,
    end: &'k End,
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

/// A guard, and the plan that it belongs to.
struct Guard<'k>(Option<&'k GuardPlan>, &'k BoundsGuard);

impl fmt::Display for Guard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            BoundsGuard::Access(access) => {
                let limits = self.0.map(GuardPlan::limits);
                let (memory, reach) = match access.limit {
                    Limit::Shared(limit) => {
                        let limit = limits.and_then(|limits| limits.shared.get(limit));
                        ("shared".to_owned(), limit.map(|(_, reach)| *reach))
                    }
                    Limit::Device(cache, limit) => {
                        let limit = limits.and_then(|limits| limits.device.get(limit));
                        (cache.to_string(), limit.map(|(_, reach)| *reach))
                    }
                };
                let (base, first, bytes) = (access.base, access.first, 1u32 << access.shift);
                write!(f, "b{bytes} [{base} {first:+}")?;
                match reach {
                    Some(0) => {}
                    Some(reach) => {
                        let last = i128::from(first) + (i128::from(reach) << access.shift);
                        write!(f, " .. {base} {last:+}")?;
                    }
                    None => f.write_str(" .. ?")?,
                }
                write!(f, "] in {memory}")
            }
            BoundsGuard::Extend { signed, a, offsets } => {
                let sign = if *signed { "signed" } else { "unsigned" };
                write!(f, "{a} in 64 bits, {sign}, {}", Offsets(offsets))
            }
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
