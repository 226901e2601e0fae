//! PTX modules, and the kernels in them.

use std::fmt;

use crate::bindings::kernels as raw;
use crate::error::Result;

/// A compiled module; see [`Device::load`](crate::Device::load).
#[derive(Debug)]
pub struct Module {
    pub(crate) raw: raw::Module,
}

impl Module {
    /// The names of the kernels, in the order of the text.
    pub fn kernel_names(&self) -> Vec<String> {
        self.raw.kernel_names()
    }

    /// The kernel with this name. In CUDA C it is the name of the function, which must be
    /// declared `extern "C"`.
    ///
    /// # Errors
    /// [`Error::UnknownKernel`](crate::Error::UnknownKernel).
    pub fn kernel(&self, name: &str) -> Result<Kernel> {
        Ok(Kernel {
            raw: self.raw.kernel(name)?,
        })
    }
}

/// A kernel of a module. It stays valid when the [`Module`] is dropped.
#[derive(Debug)]
pub struct Kernel {
    pub(crate) raw: raw::Kernel,
}

impl Kernel {
    /// The types of the parameters, as the module declares them.
    pub fn parameters(&self) -> Vec<Parameter> {
        self.raw
            .parameters()
            .into_iter()
            .map(Parameter::from)
            .collect()
    }

    /// The largest number of threads of a block. It depends on the kernel's registers
    /// and shared memory, and on the device.
    pub fn max_threads_per_block(&self) -> u32 {
        self.raw.max_threads_per_block()
    }
}

/// The type of a kernel parameter. A pointer is a `U64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the types")]
#[non_exhaustive]
pub enum Parameter {
    U8,
    U16,
    U32,
    U64,
    S8,
    S16,
    S32,
    S64,
    F16,
    BF16,
    F32,
    F64,
    /// A structure or an array, passed by value.
    Bytes {
        /// Its size in bytes.
        size: u32,
        /// Its alignment in bytes.
        align: u32,
    },
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Parameter::U8 => "u8",
            Parameter::U16 => "u16",
            Parameter::U32 => "u32",
            Parameter::U64 => "u64",
            Parameter::S8 => "s8",
            Parameter::S16 => "s16",
            Parameter::S32 => "s32",
            Parameter::S64 => "s64",
            Parameter::F16 => "f16",
            Parameter::BF16 => "bf16",
            Parameter::F32 => "f32",
            Parameter::F64 => "f64",
            Parameter::Bytes { size, align } => {
                return write!(f, "{size} bytes aligned to {align}");
            }
        })
    }
}

impl From<raw::Parameter> for Parameter {
    fn from(parameter: raw::Parameter) -> Parameter {
        match parameter {
            raw::Parameter::U8 => Parameter::U8,
            raw::Parameter::U16 => Parameter::U16,
            raw::Parameter::U32 => Parameter::U32,
            raw::Parameter::U64 => Parameter::U64,
            raw::Parameter::S8 => Parameter::S8,
            raw::Parameter::S16 => Parameter::S16,
            raw::Parameter::S32 => Parameter::S32,
            raw::Parameter::S64 => Parameter::S64,
            raw::Parameter::F16 => Parameter::F16,
            raw::Parameter::Bf16 => Parameter::BF16,
            raw::Parameter::F32 => Parameter::F32,
            raw::Parameter::F64 => Parameter::F64,
            raw::Parameter::Bytes((size, align)) => Parameter::Bytes { size, align },
        }
    }
}
