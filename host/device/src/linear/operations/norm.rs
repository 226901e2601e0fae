//! Normalisation of rows: layer norm (Ba, Kiros and Hinton 2016) and RMS norm (Zhang and Sennrich 2019).

use std::iter;

use super::place::{Rows, Span, check_columns, vector_pointer};
use super::ptx::{Combine, head};
use super::row::{REGISTERS, RowThreads, load};
use super::{Operation, OperationKernel, OperationLaunches, check_element, finite};
use crate::linear::kernel::{load_factor, store};
use crate::{Argument, Buffer, Element, Error, Vector};

/// Which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NormKind {
    /// `(x - mean) / sqrt(variance + epsilon)`, with the mean of the squares of `x - mean` as variance.
    Layer,
    /// `x / sqrt(mean of squares + epsilon)`.
    Rms,
}

impl NormKind {
    /// The kernel's name.
    pub(super) fn name(self) -> &'static str {
        match self {
            NormKind::Layer => "layer_norm",
            NormKind::Rms => "rms_norm",
        }
    }
}

/// Normalises each row, multiplies it by `weight` and adds `bias`, element by element.
#[derive(Clone, Debug)]
pub struct Norm {
    /// Which normalisation.
    pub kind: NormKind,
    /// The type of all elements.
    pub element: Element,
    /// How many rows.
    pub rows: u64,
    /// The elements of each.
    pub columns: u64,
    /// What is added below the root: at least 0.
    pub epsilon: f64,
    /// As many elements as a row has.
    pub weight: Option<Vector>,
    /// As many elements as a row has.
    pub bias: Option<Vector>,
    /// What is read.
    pub input: Rows,
    /// What is written: the input itself, or another place.
    pub output: Rows,
}

/// What the kernel's text depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Variant {
    pub(super) kind: NormKind,
    element: Element,
    threads: RowThreads,
    has_weight: bool,
    has_bias: bool,
}

impl Norm {
    fn said(&self) -> String {
        let Norm { rows, columns, .. } = self;
        let name = self.kind.name().replace('_', "-");
        format!("{name} of {rows} rows of {columns} elements")
    }

    fn check(&self) -> Result<(), Error> {
        let said = self.said();
        check_element(&said, self.element)?;
        check_columns(&said, self.columns)?;
        let size = self.element.factor_bytes();
        let shape = [self.rows, self.columns];
        let input = self.input.span(&said, "input", shape, size)?;
        let output = self.output.span(&said, "output", shape, size)?;
        if !self.output.is(&self.input) {
            output.check_apart(&said, &input)?;
        }
        for (name, vector) in [("weight", &self.weight), ("bias", &self.bias)] {
            if let Some(vector) = vector {
                let vector = Span::of_vector(&said, name, vector, self.columns, size)?;
                output.check_apart(&said, &vector)?;
            }
        }
        Ok(())
    }
}

impl Operation for Norm {
    fn buffers(&self) -> Vec<&Buffer> {
        let mut buffers = vec![&self.input.buffer, &self.output.buffer];
        let vectors = self.weight.iter().chain(&self.bias);
        buffers.extend(vectors.map(|vector| &vector.buffer));
        buffers
    }

    fn launches(&self) -> Result<(OperationKernel, OperationLaunches<'_>), Error> {
        self.check()?;
        let said = self.said();
        let epsilon = finite(&said, "epsilon", self.epsilon)?;
        if epsilon < 0.0 {
            return Err(Error::InvalidLaunch(format!(
                "{said}: epsilon is {epsilon}, but must be 0 or more"
            )));
        }
        let threads = RowThreads::of(self.columns);
        let kernel = OperationKernel::Norm(Variant {
            kind: self.kind,
            element: self.element,
            threads,
            has_weight: self.weight.is_some(),
            has_bias: self.bias.is_some(),
        });
        if self.columns == 0 {
            return Ok((kernel, Box::new(iter::empty())));
        }
        let size = self.element.factor_bytes();
        let step = move |vector: &Option<Vector>| {
            let step = vector.as_ref().map_or(0, |vector| vector.increment);
            Argument::U64(step.wrapping_mul(size))
        };
        let launches = threads.launches(self.rows, move |first, count| {
            vec![
                self.input.pointer(first, size),
                self.output.pointer(first, size),
                vector_pointer(self.weight.as_ref()),
                vector_pointer(self.bias.as_ref()),
                Argument::U64(self.input.row_bytes(size)),
                Argument::U64(self.output.row_bytes(size)),
                step(&self.weight),
                step(&self.bias),
                Argument::U64(count),
                Argument::U32(self.columns as u32),
                Argument::F32(epsilon),
            ]
        });
        Ok((kernel, launches))
    }
}

/// The kernel: the mean, then the mean of the squares of what differs from it, then the results.
pub(super) fn module(variant: Variant) -> String {
    let Variant {
        kind,
        element,
        threads,
        ..
    } = variant;
    let mut registers = REGISTERS.to_vec();
    registers.extend([("b64", "%in, %out, %z"), ("f32", "%mean, %count")]);
    let mut text = head(
        "The normalisation of each row.",
        kind.name(),
        &[
            ("u64", "input"),
            ("u64", "output"),
            ("u64", "weight"),
            ("u64", "bias"),
            ("u64", "input_row"),
            ("u64", "output_row"),
            ("u64", "weight_step"),
            ("u64", "bias_step"),
            ("u64", "rows"),
            ("u32", "columns"),
            ("f32", "epsilon"),
        ],
        &threads.shared(),
        &registers,
    );
    text += &threads.begin();
    text += "    mad.lo.u64 %in, %row, %input_row, %input;
    mad.lo.u64 %out, %row, %output_row, %output;
    cvt.rn.f32.u32 %count, %columns;
    mov.f32 %v, 0f00000000;
";
    let element_at = load(element, "%e", "%in");
    let difference = match kind {
        NormKind::Layer => {
            let sum = format!("{element_at}    add.rn.f32 %v, %v, %e;\n");
            text += &threads.each_column("MEAN", "%columns", &sum);
            text += &threads.combine(Combine::Sum);
            text += "    div.rn.f32 %mean, %v, %count;
    mov.f32 %v, 0f00000000;
";
            format!("{element_at}    sub.rn.f32 %e, %e, %mean;\n")
        }
        NormKind::Rms => element_at,
    };
    let square = format!("{difference}    fma.rn.f32 %v, %e, %e, %v;\n");
    text += &threads.each_column("SQUARES", "%columns", &square);
    text += &threads.combine(Combine::Sum);
    text += "    div.rn.f32 %v, %v, %count;
    add.rn.f32 %v, %v, %epsilon;
    sqrt.rn.f32 %v, %v;
    rcp.rn.f32 %v, %v;
";
    let mut result = format!("{difference}    mul.rn.f32 %e, %e, %v;\n");
    for (is_there, name, instruction) in [
        (variant.has_weight, "weight", "mul.rn.f32"),
        (variant.has_bias, "bias", "add.rn.f32"),
    ] {
        if is_there {
            result += &format!(
                "    cvt.u64.u32 %z, %c;
    mad.lo.u64 %z, %z, %{name}_step, %{name};
    {}
    {instruction} %e, %e, %y;
",
                load_factor(element, "%y", "%z")
            );
        }
    }
    result += &format!(
        "    mad.wide.u32 %at, %c, {}, %out;\n    {}\n",
        element.factor_bytes(),
        store(element, "%e", "%at")
    );
    text += &threads.each_column("RESULT", "%columns", &result);
    text + "DONE:\n    ret;\n}\n"
}
