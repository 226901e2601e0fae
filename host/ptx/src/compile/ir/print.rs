//! The IR as text, for readers and for tests; with what analyses know of it, where they have run.
//!
//! ```text
//! block2:                                     ; resume 1; live v4 v9
//!     ; guard b4 [v9 +0 .. v9 +64] in cache0
//!     v11: f32 = load.global.b4 [v9 + 4]      ; site2; divergent
//!     v12: f32 = f32.add v11, 1.0:f32         ; divergent
//!     branch v4, block3, block4
//! ```

mod steps;

use std::fmt::{self, Write as _};

use crate::compile::abi::VECTOR_LANES;
use crate::compile::analysis::bounds_guards::{BoundsGuard, GuardPlan, Limit};
use crate::compile::analysis::lane_offsets::LaneOffsets;
use crate::compile::analysis::liveness::Liveness;
use crate::compile::analysis::uniformity::{Uniformity, UniformityInfo};
use crate::compile::cfg::graph::Graph;
use crate::compile::ir::{Block, BlockId, Body, End, Op, Reg};
use crate::compile::passes::reconvergence::ReconvergencePoints;
use crate::compile::passes::spill::SpillPlan;
use crate::simt::warp::WARP_LANES;
use steps::{Regs, Step, Terminator};

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
            comments.extend(op.places().iter().map(|place| place.site.to_string()));
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
