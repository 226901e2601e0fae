//! Softmax of rows, of which some columns may be masked out.

use std::iter;

use super::place::{Rows, Span, check_columns, vector_pointer};
use super::ptx::{Combine, float, head};
use super::row::{REGISTERS, RowThreads, load};
use super::{Operation, OperationKernel, OperationLaunches, check_element, finite};
use crate::linear::kernel::store;
use crate::{Argument, Buffer, Element, Error, Vector};

/// `output[i, j] = exp(s[i, j]) / Σ exp(s[i, k])`, with `s = scale * input + mask`, over the columns that
/// each row may see; the others become 0.
#[derive(Clone, Debug)]
pub struct Softmax {
    /// The type of the elements of input, output and mask.
    pub element: Element,
    /// How many rows.
    pub rows: u64,
    /// The elements of each.
    pub columns: u64,
    /// What elements are multiplied by first.
    pub scale: f64,
    /// Where there are as many queries, row i is that of query i modulo their number, and a query sees as
    /// many columns as the one before it and one more, the last one all.
    pub causal_queries: Option<u64>,
    /// How many columns each row sees at most: a `u32` each for so many rows.
    pub lengths: Option<(Vector, u64)>,
    /// What is added.
    pub mask: Option<AddedMask>,
    /// What is read.
    pub input: Rows,
    /// What is written: the input itself, or another place.
    pub output: Rows,
}

/// What is added to the scores before the exponential function.
#[derive(Clone, Debug)]
pub struct AddedMask {
    /// Rows of as many columns.
    pub rows: Rows,
    /// How many: row i of the input has that of i modulo their number.
    pub count: u64,
}

/// What the kernel's text depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Variant {
    element: Element,
    threads: RowThreads,
    is_masked: bool,
}

impl Softmax {
    fn said(&self) -> String {
        let Softmax { rows, columns, .. } = self;
        format!("softmax of {rows} rows of {columns} elements")
    }

    fn check(&self) -> Result<(), Error> {
        let said = self.said();
        check_element(&said, self.element)?;
        let size = self.element.factor_bytes();
        let shape = [self.rows, self.columns];
        check_columns(&said, self.columns)?;
        let input = self.input.span(&said, "input", shape, size)?;
        let output = self.output.span(&said, "output", shape, size)?;
        if !self.output.is(&self.input) {
            output.check_apart(&said, &input)?;
        }
        if self.causal_queries == Some(0) && self.rows > 0 {
            return Err(invalid(&said, "the causal mask is of 0 queries"));
        }
        if let Some((lengths, per_length)) = &self.lengths {
            if *per_length == 0 {
                return Err(invalid(&said, "each length is for 0 rows"));
            }
            let count = self.rows.div_ceil(*per_length);
            let lengths = Span::of_vector(&said, "lengths", lengths, count, 4)?;
            output.check_apart(&said, &lengths)?;
        }
        if let Some(AddedMask { rows, count }) = &self.mask {
            if *count == 0 && self.rows > 0 {
                return Err(invalid(&said, "the mask has 0 rows"));
            }
            let mask = rows.span(&said, "mask", [*count, self.columns], size)?;
            output.check_apart(&said, &mask)?;
        }
        Ok(())
    }
}

fn invalid(said: &str, message: &str) -> Error {
    Error::InvalidLaunch(format!("{said}: {message}"))
}

impl Operation for Softmax {
    fn buffers(&self) -> Vec<&Buffer> {
        let mut buffers = vec![&self.input.buffer, &self.output.buffer];
        buffers.extend(self.lengths.iter().map(|(vector, _)| &vector.buffer));
        buffers.extend(self.mask.iter().map(|mask| &mask.rows.buffer));
        buffers
    }

    fn launches(&self) -> Result<(OperationKernel, OperationLaunches<'_>), Error> {
        self.check()?;
        let scale = finite(&self.said(), "scale", self.scale)?;
        let threads = RowThreads::of(self.columns);
        let kernel = OperationKernel::Softmax(Variant {
            element: self.element,
            threads,
            is_masked: self.mask.is_some(),
        });
        if self.columns == 0 {
            return Ok((kernel, Box::new(iter::empty())));
        }
        let size = self.element.factor_bytes();
        let mask = self.mask.as_ref();
        let lengths = self.lengths.as_ref();
        let launches = threads.launches(self.rows, move |first, count| {
            vec![
                self.input.pointer(first, size),
                self.output.pointer(first, size),
                match mask {
                    Some(mask) => mask.rows.pointer(0, size),
                    None => Argument::U64(0),
                },
                vector_pointer(lengths.map(|(vector, _)| vector)),
                Argument::U64(self.input.row_bytes(size)),
                Argument::U64(self.output.row_bytes(size)),
                Argument::U64(mask.map_or(0, |mask| mask.rows.row_bytes(size))),
                Argument::U64(lengths.map_or(0, |(vector, _)| vector.increment.wrapping_mul(4))),
                Argument::U64(first),
                Argument::U64(count),
                // 0 where there is no such mask.
                Argument::U64(self.causal_queries.unwrap_or(0)),
                Argument::U64(lengths.map_or(0, |(_, rows)| *rows)),
                Argument::U64(mask.map_or(0, |mask| mask.count)),
                Argument::U32(self.columns as u32),
                Argument::F32(scale),
            ]
        });
        Ok((kernel, launches))
    }
}

/// The kernel: the largest score, then the exponential functions and their sum, then the quotients.
pub(super) fn module(variant: Variant) -> String {
    let Variant {
        element,
        threads,
        is_masked,
    } = variant;
    let mut registers = REGISTERS.to_vec();
    registers.extend([
        ("b32", "%visible, %length"),
        ("b64", "%in, %out, %added, %z, %y64"),
        ("f32", "%most"),
    ]);
    let mut text = head(
        "The softmax of each row.",
        "softmax",
        &[
            ("u64", "input"),
            ("u64", "output"),
            ("u64", "mask"),
            ("u64", "lengths"),
            ("u64", "input_row"),
            ("u64", "output_row"),
            ("u64", "mask_row"),
            ("u64", "lengths_step"),
            ("u64", "first"),
            ("u64", "rows"),
            ("u64", "queries"),
            ("u64", "per_length"),
            ("u64", "mask_rows"),
            ("u32", "columns"),
            ("f32", "scale"),
        ],
        &threads.shared(),
        &registers,
    );
    text += &threads.begin();
    text += "    mad.lo.u64 %in, %row, %input_row, %input;
    mad.lo.u64 %out, %row, %output_row, %output;
    add.u64 %row, %row, %first;
    mov.u32 %visible, %columns;
    setp.eq.u64 %p, %queries, 0;
    @%p bra NOT_CAUSAL;
    rem.u64 %x, %row, %queries;
    cvt.u64.u32 %z, %columns;
    add.u64 %x, %x, %z;
    add.u64 %x, %x, 1;
    sub.u64 %y64, %x, %queries;
    setp.lt.u64 %p, %x, %queries;
    selp.u64 %x, 0, %y64, %p;
    min.u64 %x, %x, %z;
    cvt.u32.u64 %visible, %x;
NOT_CAUSAL:
    setp.eq.u64 %p, %per_length, 0;
    @%p bra NO_LENGTHS;
    div.u64 %x, %row, %per_length;
    mad.lo.u64 %x, %x, %lengths_step, %lengths;
    ld.global.u32 %length, [%x];
    min.u32 %visible, %visible, %length;
NO_LENGTHS:
";
    if is_masked {
        text += "    rem.u64 %x, %row, %mask_rows;
    mad.lo.u64 %added, %x, %mask_row, %mask;
";
    }
    // A score in `%e`.
    let mut score = load(element, "%e", "%in");
    score += "    mul.rn.f32 %e, %e, %scale;\n";
    if is_masked {
        score += &load(element, "%y", "%added");
        score += "    add.rn.f32 %e, %e, %y;\n";
    }
    let exponential = format!(
        "    sub.rn.f32 %e, %e, %most;
    mul.rn.f32 %e, %e, {};
    ex2.approx.f32 %e, %e;
",
        float(std::f32::consts::LOG2_E)
    );
    let write = |register: &str| {
        format!(
            "    mad.wide.u32 %at, %c, {}, %out;\n    {}\n",
            element.factor_bytes(),
            store(element, register, "%at")
        )
    };
    text += &format!("    mov.f32 %v, {};\n", float(f32::NEG_INFINITY));
    let most = format!("{score}    max.f32 %v, %v, %e;\n");
    text += &threads.each_column("MOST", "%visible", &most);
    text += &threads.combine(Combine::Most);
    text += "    mov.f32 %most, %v;\n    mov.f32 %v, 0f00000000;\n";
    // In single precision, what was computed is kept where the result will be; else it would be rounded.
    let kept = match element {
        Element::F32 => write("%e"),
        _ => String::new(),
    };
    let sum = format!("{score}{exponential}{kept}    add.rn.f32 %v, %v, %e;\n");
    text += &threads.each_column("SUM", "%visible", &sum);
    text += &threads.combine(Combine::Sum);
    text += "    rcp.rn.f32 %v, %v;\n";
    let again = match element {
        Element::F32 => load(element, "%e", "%out"),
        _ => format!("{score}{exponential}"),
    };
    let quotient = format!("{again}    mul.rn.f32 %e, %e, %v;\n{}", write("%e"));
    text += &threads.each_column("QUOTIENT", "%visible", &quotient);
    // What it may not see.
    let zero = format!("    mov.f32 %e, 0f00000000;\n{}", write("%e"));
    text += &threads.columns("    add.u32 %c, %t, %visible;\n", "REST", "%columns", &zero);
    text + "DONE:\n    ret;\n}\n"
}
