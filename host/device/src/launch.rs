//! What a launch says, and whether it fits its kernel and the device. The
//! arguments come from a guest: everything is checked here, before a backend
//! sees any of it.

use std::fmt::Write;
use std::sync::Arc;

use tensor_wasm_ptx::{Extent, Param, ParamType};

use crate::launch_config::LaunchConfig;
use crate::meter::LaunchCharge;
use crate::tenant::Tenant;
use crate::{Buffer, Description, Error, Kernel};

/// One argument of a launch. Its type must be the parameter's, except that a
/// pointer fits any parameter of 64 bits.
#[derive(Clone, Debug)]
pub enum Argument {
    /// The address of a byte in a buffer.
    Pointer {
        /// The buffer.
        buffer: Buffer,
        /// Which byte; the buffer's size, to point behind its last one.
        offset: u64,
    },
    /// For `.u8` and `.b8`.
    U8(u8),
    /// For `.u16` and `.b16`.
    U16(u16),
    /// For `.u32` and `.b32`.
    U32(u32),
    /// For `.u64` and `.b64`.
    U64(u64),
    /// For `.s8`.
    S8(i8),
    /// For `.s16`.
    S16(i16),
    /// For `.s32`.
    S32(i32),
    /// For `.s64`.
    S64(i64),
    /// For `.f16`: the bits of an IEEE 754 half.
    F16(u16),
    /// For `.bf16`: the bits of a bfloat16.
    BF16(u16),
    /// For `.f32`.
    F32(f32),
    /// For `.f64`.
    F64(f64),
    /// For an array of bytes: a structure passed by value.
    Bytes(Vec<u8>),
}

/// What CUDA allows of a grid: 2³¹ - 1 blocks along x, 65535 along y and z.
const MAX_GRID: Extent = Extent {
    x: i32::MAX as u32,
    y: 65_535,
    z: 65_535,
};

/// What CUDA allows of a block, besides the product.
const MAX_BLOCK: Extent = Extent {
    x: 1024,
    y: 1024,
    z: 64,
};

/// Arguments, packed as the kernel's parameters lie.
#[derive(Debug)]
pub(crate) struct PackedArguments {
    pub(crate) bytes: Vec<u8>,
    /// The buffers that they point to, so that these outlive the launch.
    pub(crate) buffers: Vec<Buffer>,
    /// Whom the launch is charged to, if anybody.
    pub(crate) charge: Option<LaunchCharge>,
}

impl PackedArguments {
    /// What the host holds of them, in bytes.
    pub(crate) fn held_bytes(&self) -> u64 {
        (self.bytes.len() + size_of_val(&*self.buffers)) as u64
    }
}

/// [`LaunchConfig`] in messages to a worker.
pub(crate) mod as_arrays {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{LaunchConfig, to_array, to_extent};

    pub(crate) fn serialize<S: Serializer>(
        config: &LaunchConfig,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let (grid, block) = (to_array(config.grid), to_array(config.block));
        (grid, block, config.shared_bytes).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<LaunchConfig, D::Error> {
        let (grid, block, shared_bytes) = Deserialize::deserialize(deserializer)?;
        Ok(LaunchConfig {
            grid: to_extent(grid),
            block: to_extent(block),
            shared_bytes,
        })
    }
}

pub(crate) fn to_array(extent: Extent) -> [u32; 3] {
    [extent.x, extent.y, extent.z]
}

pub(crate) fn to_extent([x, y, z]: [u32; 3]) -> Extent {
    Extent { x, y, z }
}

/// Checks a launch's extents and shared memory.
///
/// # Errors
/// [`Error::InvalidLaunch`].
pub(crate) fn check(
    kernel: &Kernel,
    config: &LaunchConfig,
    device: &Description,
) -> Result<(), Error> {
    let name = kernel.name();
    let invalid =
        |message: String| Err(Error::InvalidLaunch(format!("kernel `{name}`: {message}")));
    for (what, extent, most) in [
        ("grid", config.grid, MAX_GRID),
        ("block", config.block, MAX_BLOCK),
    ] {
        for (axis, given, most) in [
            ("x", extent.x, most.x),
            ("y", extent.y, most.y),
            ("z", extent.z, most.z),
        ] {
            if given == 0 || given > most {
                return invalid(format!("{what}.{axis} is {given}, but must be 1 to {most}"));
            }
        }
    }
    let threads = config.block.count().unwrap_or(u64::MAX);
    let most = kernel.max_threads_per_block();
    if threads > u64::from(most) {
        return invalid(format!(
            "a block of {} has {threads} threads, but this kernel's blocks may have {most}",
            config.block
        ));
    }
    let fixed = kernel.static_shared_bytes();
    let shared = u64::from(fixed) + u64::from(config.shared_bytes);
    if shared > u64::from(device.max_shared_bytes) {
        return invalid(format!(
            "a block would have {shared} bytes of shared memory ({fixed} of its own and {} asked for), but the device has {} for a block",
            config.shared_bytes, device.max_shared_bytes
        ));
    }
    Ok(())
}

/// Checks a launch's arguments, and packs them.
///
/// # Errors
/// [`Error::InvalidLaunch`] where count or types do not fit the kernel,
/// [`Error::OutOfRange`] where a pointer lies outside of its buffer, and
/// [`Error::Denied`] where the buffer is another session's.
pub(crate) fn pack(
    kernel: &Kernel,
    arguments: Vec<Argument>,
    tenant: &Arc<Tenant>,
) -> Result<PackedArguments, Error> {
    let parameters = kernel.parameters();
    if parameters.len() != arguments.len() {
        return Err(Error::InvalidLaunch(format!(
            "kernel `{}` takes {} arguments ({}), but {} are given",
            kernel.name(),
            parameters.len(),
            signature(parameters),
            arguments.len()
        )));
    }
    let mut packed = vec![0; kernel.param_bytes() as usize];
    let mut buffers = Vec::new();
    for (number, (parameter, argument)) in parameters.iter().zip(arguments).enumerate() {
        if !fits(parameter, &argument) {
            return Err(Error::InvalidLaunch(format!(
                "argument {} of kernel `{}` is {}, but parameter `{}` is {}",
                number + 1,
                kernel.name(),
                describe(&argument),
                parameter.name,
                type_name(parameter.ty)
            )));
        }
        let start = parameter.offset as usize;
        let Some(place) = packed.get_mut(start..start + parameter.bytes as usize) else {
            return Err(Error::InvalidLaunch(format!(
                "parameter `{}` of kernel `{}` lies outside of its parameters",
                parameter.name,
                kernel.name()
            )));
        };
        match argument {
            Argument::Pointer { buffer, offset } => {
                buffer.belongs_to(tenant)?;
                buffer.check_range("a pointer", offset, 0)?;
                put(place, &buffer.address().wrapping_add(offset).to_le_bytes());
                buffers.push(buffer);
            }
            Argument::U8(value) => put(place, &value.to_le_bytes()),
            Argument::U16(value) | Argument::F16(value) | Argument::BF16(value) => {
                put(place, &value.to_le_bytes());
            }
            Argument::U32(value) => put(place, &value.to_le_bytes()),
            Argument::U64(value) => put(place, &value.to_le_bytes()),
            Argument::S8(value) => put(place, &value.to_le_bytes()),
            Argument::S16(value) => put(place, &value.to_le_bytes()),
            Argument::S32(value) => put(place, &value.to_le_bytes()),
            Argument::S64(value) => put(place, &value.to_le_bytes()),
            Argument::F32(value) => put(place, &value.to_le_bytes()),
            Argument::F64(value) => put(place, &value.to_le_bytes()),
            Argument::Bytes(value) => put(place, &value),
        }
    }
    Ok(PackedArguments {
        bytes: packed,
        buffers,
        charge: None,
    })
}

fn put(place: &mut [u8], bytes: &[u8]) {
    for (to, from) in place.iter_mut().zip(bytes) {
        *to = *from;
    }
}

/// Whether an argument is what the parameter declares.
///
/// The sign of an integer is not looked at: compilers do not keep it, and
/// declare an `int` as `.u32`. Nor do all of them keep a half from 16 bits.
fn fits(parameter: &Param, argument: &Argument) -> bool {
    use ParamType as P;
    match argument {
        Argument::Pointer { .. } => parameter.bytes == 8,
        Argument::Bytes(given) => {
            matches!(parameter.ty, P::Bytes { bytes, .. } if bytes as usize == given.len())
        }
        Argument::U8(_) | Argument::S8(_) => matches!(parameter.ty, P::U8 | P::S8),
        Argument::U16(_) | Argument::S16(_) => matches!(parameter.ty, P::U16 | P::S16),
        Argument::U32(_) | Argument::S32(_) => matches!(parameter.ty, P::U32 | P::S32),
        Argument::U64(_) | Argument::S64(_) => matches!(parameter.ty, P::U64 | P::S64),
        Argument::F16(_) => matches!(parameter.ty, P::F16 | P::U16),
        Argument::BF16(_) => matches!(parameter.ty, P::BF16 | P::U16),
        Argument::F32(_) => parameter.ty == P::F32,
        Argument::F64(_) => parameter.ty == P::F64,
    }
}

fn describe(argument: &Argument) -> String {
    match argument {
        Argument::Pointer { .. } => "a pointer".to_owned(),
        Argument::U8(_) => "a u8".to_owned(),
        Argument::U16(_) => "a u16".to_owned(),
        Argument::U32(_) => "a u32".to_owned(),
        Argument::U64(_) => "a u64".to_owned(),
        Argument::S8(_) => "an s8".to_owned(),
        Argument::S16(_) => "an s16".to_owned(),
        Argument::S32(_) => "an s32".to_owned(),
        Argument::S64(_) => "an s64".to_owned(),
        Argument::F16(_) => "an f16".to_owned(),
        Argument::BF16(_) => "a bf16".to_owned(),
        Argument::F32(_) => "an f32".to_owned(),
        Argument::F64(_) => "an f64".to_owned(),
        Argument::Bytes(bytes) => format!("{} bytes", bytes.len()),
    }
}

fn type_name(ty: ParamType) -> String {
    match ty {
        ParamType::U8 => "u8".to_owned(),
        ParamType::U16 => "u16".to_owned(),
        ParamType::U32 => "u32".to_owned(),
        ParamType::U64 => "u64 (or a pointer)".to_owned(),
        ParamType::S8 => "s8".to_owned(),
        ParamType::S16 => "s16".to_owned(),
        ParamType::S32 => "s32".to_owned(),
        ParamType::S64 => "s64 (or a pointer)".to_owned(),
        ParamType::F16 => "f16".to_owned(),
        ParamType::BF16 => "bf16".to_owned(),
        ParamType::F32 => "f32".to_owned(),
        ParamType::F64 => "f64".to_owned(),
        ParamType::Bytes { bytes, .. } => format!("{bytes} bytes"),
    }
}

fn signature(parameters: &[Param]) -> String {
    let mut text = String::new();
    for parameter in parameters {
        let separator = if text.is_empty() { "" } else { ", " };
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "{separator}{}: {}",
            parameter.name,
            type_name(parameter.ty)
        );
    }
    text
}
