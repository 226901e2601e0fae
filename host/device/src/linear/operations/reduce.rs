//! What each row comes down to: its sum, its largest or least element, or where that is.

use super::place::{Rows, Span, check_columns};
use super::ptx::{Combine, head};
use super::row::{REGISTERS, RowThreads, load};
use super::top_k::{column, key, value};
use super::{Operation, OperationKernel, OperationLaunches, check_element};
use crate::linear::kernel::store;
use crate::{Argument, Buffer, Element, Error, Vector};

/// What a row comes down to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reduction {
    /// The sum of its elements; 0 of none.
    Sum,
    /// The largest element, or a NaN where there is one.
    Max,
    /// The least element, or a NaN where there is one.
    Min,
    /// The column of the first of the largest elements, or of the first NaN, as a `u32`.
    ArgMax,
    /// The column of the first of the least elements, or of the first NaN, as a `u32`.
    ArgMin,
}

impl Reduction {
    fn name(self) -> &'static str {
        match self {
            Reduction::Sum => "sum",
            Reduction::Max => "max",
            Reduction::Min => "min",
            Reduction::ArgMax => "argmax",
            Reduction::ArgMin => "argmin",
        }
    }

    fn is_index(self) -> bool {
        matches!(self, Reduction::ArgMax | Reduction::ArgMin)
    }
}

/// A reduction of each row.
#[derive(Clone, Debug)]
pub struct Reduce {
    /// Which.
    pub reduction: Reduction,
    /// The type of the elements.
    pub element: Element,
    /// How many rows.
    pub rows: u64,
    /// The elements of each.
    pub columns: u64,
    /// What is read.
    pub input: Rows,
    /// What is written: an element for each row, or a `u32`.
    pub output: Vector,
}

/// What the kernel's text depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Variant {
    reduction: Reduction,
    element: Element,
    threads: RowThreads,
}

impl Reduce {
    fn result_bytes(&self) -> u64 {
        match self.reduction.is_index() {
            true => 4,
            false => self.element.factor_bytes(),
        }
    }
}

impl Operation for Reduce {
    fn buffers(&self) -> Vec<&Buffer> {
        vec![&self.input.buffer, &self.output.buffer]
    }

    fn launches(&self) -> Result<(OperationKernel, OperationLaunches<'_>), Error> {
        let Reduce { rows, columns, .. } = *self;
        let name = self.reduction.name();
        let said = format!("{name} of {rows} rows of {columns} elements");
        check_element(&said, self.element)?;
        let width = check_columns(&said, columns)?;
        if columns == 0 && self.reduction != Reduction::Sum {
            return Err(Error::InvalidLaunch(format!(
                "{said}: a row without elements has none; only its sum is defined"
            )));
        }
        let (size, result_size) = (self.element.factor_bytes(), self.result_bytes());
        let input = self.input.span(&said, "input", [rows, columns], size)?;
        let output = Span::of_vector(&said, "output", &self.output, rows, result_size)?;
        output.check_apart(&said, &input)?;
        let threads = RowThreads::of(columns);
        let kernel = OperationKernel::Reduce(Variant {
            reduction: self.reduction,
            element: self.element,
            threads,
        });
        let step = self.output.increment.wrapping_mul(result_size);
        let launches = threads.launches(rows, move |first, count| {
            vec![
                match columns {
                    0 => Argument::U64(0),
                    _ => self.input.pointer(first, size),
                },
                Argument::Pointer {
                    buffer: self.output.buffer.clone(),
                    offset: self.output.offset + first * step,
                },
                Argument::U64(self.input.row_bytes(size)),
                Argument::U64(step),
                Argument::U64(count),
                Argument::U32(width),
            ]
        });
        Ok((kernel, launches))
    }
}

/// The kernel.
pub(super) fn module(variant: Variant) -> String {
    let Variant {
        reduction,
        element,
        threads,
    } = variant;
    let mut registers = REGISTERS.to_vec();
    registers.extend([("b64", "%in, %out, %best, %key")]);
    let mut text = head(
        "What each row comes down to.",
        "reduce",
        &[
            ("u64", "input"),
            ("u64", "output"),
            ("u64", "input_row"),
            ("u64", "output_step"),
            ("u64", "rows"),
            ("u32", "columns"),
        ],
        &threads.shared(),
        &registers,
    );
    text += &threads.begin();
    text += "    mad.lo.u64 %in, %row, %input_row, %input;
    mad.lo.u64 %out, %row, %output_step, %output;
    mov.f32 %v, 0f00000000;
    mov.u64 %best, 0;
";
    let is_least = matches!(reduction, Reduction::Min | Reduction::ArgMin);
    let element_at = load(element, "%e", "%in");
    let (body, combine) = match reduction {
        Reduction::Sum => (
            format!("{element_at}    add.rn.f32 %v, %v, %e;\n"),
            Combine::Sum,
        ),
        _ => (
            format!(
                "{element_at}{}    max.u64 %best, %best, %key;\n",
                key(is_least)
            ),
            Combine::Best,
        ),
    };
    text += &threads.each_column("COLUMN", "%columns", &body);
    text += &threads.combine(combine);
    // One thread of the row writes the result.
    text += "    setp.ne.u32 %p, %t, 0;\n    @%p bra DONE;\n";
    text += &match reduction {
        Reduction::Sum => format!("    {}\n", store(element, "%v", "%out")),
        Reduction::Max | Reduction::Min => {
            format!("{}    {}\n", value(is_least), store(element, "%v", "%out"))
        }
        Reduction::ArgMax | Reduction::ArgMin => {
            format!("{}    st.global.u32 [%out], %u;\n", column())
        }
    };
    text + "DONE:\n    ret;\n}\n"
}
