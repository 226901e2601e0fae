//! The largest elements of each row, in order, and the order of numbers in which they are.

use std::iter;

use super::place::{Rows, check_columns};
use super::ptx::{Combine, head};
use super::row::{REGISTERS, RowThreads, load};
use super::{Operation, OperationKernel, OperationLaunches, check_element};
use crate::linear::kernel::store;
use crate::{Argument, Buffer, Element, Error};

/// The most elements that may be asked for.
const MOST_FOUND: u64 = 1024;

/// The `k` largest elements of each row, the largest first, and their columns. A NaN is larger than all
/// numbers; of equal elements that of the lower column comes first.
#[derive(Clone, Debug)]
pub struct TopK {
    /// The type of the elements.
    pub element: Element,
    /// How many rows.
    pub rows: u64,
    /// The elements of each.
    pub columns: u64,
    /// How many of them are asked for: 1024 at most.
    pub k: u64,
    /// What is read.
    pub input: Rows,
    /// The elements: rows of `k`.
    pub values: Rows,
    /// Their columns as `u32`: rows of `k`.
    pub indices: Rows,
}

/// What the kernel's text depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Variant {
    element: Element,
    threads: RowThreads,
}

impl Operation for TopK {
    fn buffers(&self) -> Vec<&Buffer> {
        vec![
            &self.input.buffer,
            &self.values.buffer,
            &self.indices.buffer,
        ]
    }

    fn launches(&self) -> Result<(OperationKernel, OperationLaunches<'_>), Error> {
        let TopK {
            rows, columns, k, ..
        } = *self;
        let said = format!("top-k of {rows} rows of {columns} elements, with a k of {k}");
        check_element(&said, self.element)?;
        let width = check_columns(&said, columns)?;
        if k > columns.min(MOST_FOUND) {
            return Err(Error::InvalidLaunch(format!(
                "{said}: k may be as large as a row, and {MOST_FOUND} at most"
            )));
        }
        let size = self.element.factor_bytes();
        let input = self.input.span(&said, "input", [rows, columns], size)?;
        let values = self.values.span(&said, "values", [rows, k], size)?;
        let indices = self.indices.span(&said, "indices", [rows, k], 4)?;
        values.check_apart(&said, &input)?;
        indices.check_apart(&said, &input)?;
        indices.check_apart(&said, &values)?;
        let threads = RowThreads::of(columns);
        let kernel = OperationKernel::TopK(Variant {
            element: self.element,
            threads,
        });
        if k == 0 {
            return Ok((kernel, Box::new(iter::empty())));
        }
        let launches = threads.launches(rows, move |first, count| {
            vec![
                self.input.pointer(first, size),
                self.values.pointer(first, size),
                self.indices.pointer(first, 4),
                Argument::U64(self.input.row_bytes(size)),
                Argument::U64(self.values.row_bytes(size)),
                Argument::U64(self.indices.row_bytes(4)),
                Argument::U64(count),
                Argument::U32(width),
                Argument::U32(k as u32),
            ]
        });
        Ok((kernel, launches))
    }
}

/// What a column is subtracted from, so that lower columns come out larger, and no key has all bits set.
const LAST: u32 = u32::MAX - 1;

/// Makes of `%e`, the element of column `%c`, the number `%key`: larger for larger elements, or for lesser ones
/// where those are wanted, largest for NaN, and larger for lower columns of equal elements. It is never 0.
pub(super) fn key(is_least: bool) -> String {
    // Zeros of either sign are equal. Bits of positive numbers are in order, those of negative ones in
    // reverse.
    format!(
        "    add.rn.f32 %e, %e, 0f00000000;
    mov.b32 %u, %e;
    shr.s32 %w, %u, 31;
    or.b32 %w, %w, 0x80000000;
    xor.b32 %u, %u, %w;
{}    setp.nan.f32 %p, %e, %e;
    selp.b32 %u, 0xffffffff, %u, %p;
    sub.u32 %w, {LAST}, %c;
    mov.b64 %key, {{%w, %u}};
",
        reversed(is_least)
    )
}

/// Makes of `%best` the element `%v` that [`key`] made it of.
pub(super) fn value(is_least: bool) -> String {
    format!(
        "    mov.b64 {{%w, %u}}, %best;
    setp.eq.u32 %p, %u, 0xffffffff;
{}    not.b32 %w, %u;
    shr.s32 %w, %w, 31;
    or.b32 %w, %w, 0x80000000;
    xor.b32 %u, %u, %w;
    selp.b32 %u, 0x7fffffff, %u, %p;
    mov.b32 %v, %u;
",
        reversed(is_least)
    )
}

/// Makes of `%best` the column `%u` that [`key`] made it of.
pub(super) fn column() -> String {
    format!(
        "    cvt.u32.u64 %u, %best;
    sub.u32 %u, {LAST}, %u;
"
    )
}

fn reversed(is_least: bool) -> &'static str {
    match is_least {
        true => "    not.b32 %u, %u;\n",
        false => "",
    }
}

/// The kernel: each round finds the largest element that comes behind the one before.
pub(super) fn module(variant: Variant) -> String {
    let Variant { element, threads } = variant;
    let mut registers = REGISTERS.to_vec();
    registers.extend([
        ("pred", "%q"),
        ("b32", "%i"),
        ("b64", "%in, %out, %index, %best, %key, %before"),
    ]);
    let mut text = head(
        "The largest elements of each row.",
        "top_k",
        &[
            ("u64", "input"),
            ("u64", "values"),
            ("u64", "indices"),
            ("u64", "input_row"),
            ("u64", "values_row"),
            ("u64", "indices_row"),
            ("u64", "rows"),
            ("u32", "columns"),
            ("u32", "k"),
        ],
        &threads.shared(),
        &registers,
    );
    text += &threads.begin();
    text += "    mad.lo.u64 %in, %row, %input_row, %input;
    mad.lo.u64 %out, %row, %values_row, %values;
    mad.lo.u64 %index, %row, %indices_row, %indices;
    mov.u64 %before, 0xffffffffffffffff;
    mov.u32 %i, 0;
NEXT:
    mov.u64 %best, 0;
";
    let body = format!(
        "{}{}    setp.lt.u64 %q, %key, %before;
    selp.u64 %key, %key, 0, %q;
    max.u64 %best, %best, %key;
",
        load(element, "%e", "%in"),
        key(false)
    );
    text += &threads.each_column("COLUMN", "%columns", &body);
    text += &threads.combine(Combine::Best);
    text += "    mov.u64 %before, %best;
    setp.ne.u32 %q, %t, 0;
    @%q bra WRITTEN;
";
    text += &value(false);
    text += &format!(
        "    mad.wide.u32 %at, %i, {}, %out;
    {}
{column}    mad.wide.u32 %at, %i, 4, %index;
    st.global.u32 [%at], %u;
WRITTEN:
    add.u32 %i, %i, 1;
    setp.lt.u32 %q, %i, %k;
    @%q bra NEXT;
DONE:
    ret;
}}
",
        element.factor_bytes(),
        store(element, "%v", "%at"),
        column = column()
    );
    text
}
