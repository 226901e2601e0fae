//! What networks compute beside products of matrices: softmax, normalisation, reductions, the largest
//! elements, attention. Each is one kernel, written here as PTX, that is launched on every device: so it
//! is stopped, shared, metered, charged and checked as any launch is, and gives the same numbers
//! everywhere but for what `docs/numerics.md` says of approximations.
//!
//! An [`Operation`] checks what a guest says, and makes launches of it. Each file has one of them: what
//! may be said, what is checked, and the kernel.

mod attention;

mod norm;
mod place;
mod ptx;
mod reduce;
mod row;
mod softmax;
mod top_k;

pub use attention::{Attention, HeadRows};
pub use norm::{Norm, NormKind};
pub use place::Rows;
pub use reduce::{Reduce, Reduction};
pub use softmax::{AddedMask, Softmax};
pub use top_k::TopK;

use crate::{Argument, Buffer, Element, Error, LaunchConfig};

/// A kernel of one of the operations: what of its text is decided when it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum OperationKernel {
    Softmax(softmax::Variant),
    Norm(norm::Variant),
    Reduce(reduce::Variant),
    TopK(top_k::Variant),
    Attention(attention::Variant),
}

impl OperationKernel {
    /// The module, which has this kernel alone.
    pub(crate) fn module(self) -> String {
        match self {
            OperationKernel::Softmax(variant) => softmax::module(variant),
            OperationKernel::Norm(variant) => norm::module(variant),
            OperationKernel::Reduce(variant) => reduce::module(variant),
            OperationKernel::TopK(variant) => top_k::module(variant),
            OperationKernel::Attention(variant) => attention::module(variant),
        }
    }

    /// Its name in the module, in messages, and for who meters.
    pub(crate) fn name(self) -> &'static str {
        match self {
            OperationKernel::Softmax(_) => "softmax",
            OperationKernel::Norm(variant) => variant.kind.name(),
            OperationKernel::Reduce(_) => "reduce",
            OperationKernel::TopK(_) => "top_k",
            OperationKernel::Attention(_) => "attention",
        }
    }
}

/// One launch of an operation.
pub(crate) type OperationLaunch = (LaunchConfig, Vec<Argument>);

/// Those of an operation, each of which is made when it is asked for: there are as many as a guest's batch is
/// large, and what waits to be queued is in no limit.
pub(crate) type OperationLaunches<'a> = Box<dyn Iterator<Item = OperationLaunch> + Send + 'a>;

/// What was said of an operation.
pub(crate) trait Operation {
    /// The buffers that it names.
    fn buffers(&self) -> Vec<&Buffer>;

    /// Checks it: the kernel, and its launches, of which there are several only where a grid has too few
    /// blocks, and none where there is nothing to be done.
    ///
    /// # Errors
    /// [`Error::InvalidLaunch`] where shapes do not fit each other or the result overlaps what is read, and
    /// [`Error::OutOfRange`] where an operand does not lie within its buffer.
    fn launches(&self) -> Result<(OperationKernel, OperationLaunches<'_>), Error>;
}

/// The elements that the operations have kernels for: they are computed with in `f32`.
///
/// # Errors
/// [`Error::InvalidLaunch`] for the others.
fn check_element(said: &str, element: Element) -> Result<(), Error> {
    match element {
        Element::F32 | Element::F16 | Element::BF16 => Ok(()),
        Element::F64 | Element::S8 => Err(Error::InvalidLaunch(format!(
            "{said}: the elements are {}, but may be f32, f16 or bf16; use one of these, or a kernel",
            match element {
                Element::F64 => "f64",
                _ => "s8",
            }
        ))),
    }
}

/// A parameter of a kernel that is rounded to `f32`.
///
/// # Errors
/// [`Error::InvalidLaunch`] where it is no finite number there.
fn finite(said: &str, name: &str, value: f64) -> Result<f32, Error> {
    let rounded = value as f32;
    match rounded.is_finite() {
        true => Ok(rounded),
        false => Err(Error::InvalidLaunch(format!(
            "{said}: {name} is {value}, but must be a number that f32 holds"
        ))),
    }
}
