//! Kernel launches in tests. Arguments are checked against the kernel's parameters, as a server
//! does it.

use std::sync::Arc;

use bytemuck::Pod;
use tensor_wasm_ptx::interpret::{InterpretedBlock, InterpretedLaunch};
use tensor_wasm_ptx::simt::{self, Fault, LaunchError, Progress};
use tensor_wasm_ptx::{Module, Param, ParamType};

use super::{Buffer, Device, Failure};
use crate::kernel::{LaunchArgument, Launcher, Source};
use crate::launch::{BFloat16, Extent, Half, LaunchConfig, Struct};

/// The largest number of instructions that all threads of a launch may execute together. The
/// interpreter takes some minutes for them.
const MAX_INSTRUCTIONS: u64 = 1 << 32;

/// A builder for a launch.
#[derive(Debug)]
#[must_use = "a kernel is run by `run`"]
pub struct Launch<'d> {
    device: &'d mut Device,
    kernel: &'d str,
    config: LaunchConfig,
    arguments: Vec<PackedArgument>,
}

/// An argument in the form in which it is passed to the kernel.
#[derive(Debug)]
struct PackedArgument {
    /// Describes the argument in messages.
    description: &'static str,
    bytes: Vec<u8>,
    /// Whether a parameter of this type matches an argument of this size in bytes.
    fits: fn(ParamType, usize) -> bool,
}

impl<'d> Launch<'d> {
    pub(super) fn new(device: &'d mut Device, kernel: &'d str, config: LaunchConfig) -> Launch<'d> {
        Launch {
            device,
            kernel,
            config,
            arguments: Vec::new(),
        }
    }

    /// Adds the next argument: a number of the parameter's type (the sign of an integer does not
    /// matter), a [`Buffer`], or a [`Struct`].
    pub fn arg(mut self, argument: impl Argument) -> Launch<'d> {
        self.arguments.push(argument.pack());
        self
    }

    /// Runs the kernel, one block after another, and checks each instruction.
    ///
    /// # Errors
    /// [`Failure::Mistake`] with the finding of the checks, or any other [`Failure`] except
    /// [`Failure::Module`].
    pub fn run(self) -> Result<(), Failure> {
        let Launch {
            device,
            kernel,
            config,
            arguments,
        } = self;
        let Device {
            module,
            symbols,
            memory,
        } = device;
        let refused = |error: LaunchError| Failure::Launch(error.to_string());
        let Some(entry) = module.entry(kernel) else {
            let names = module.entries().iter().map(|entry| entry.name());
            let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
            return Err(Failure::Launch(format!(
                "the module has no kernel `{kernel}`; it has {}",
                match names.as_slice() {
                    [] => "none".to_owned(),
                    names => names.join(", "),
                }
            )));
        };
        let packed = pack_arguments(kernel, entry.params(), entry.param_bytes(), arguments)?;
        let launch = simt::Launch::new(
            Arc::clone(module),
            kernel,
            extent(config.grid),
            extent(config.block),
            config.shared_memory,
            packed,
            symbols.clone(),
        );
        let checked = InterpretedLaunch::checked(launch.map_err(refused)?);
        let launch = checked.launch();
        let mut remaining = MAX_INSTRUCTIONS;
        for linear in 0..launch.blocks() {
            let mut block = InterpretedBlock::new(&checked, launch.block_index(linear));
            match block.run(&checked, &*memory, remaining) {
                Ok(Progress::Done) => remaining = remaining.saturating_sub(block.steps()),
                Ok(Progress::Yielded) => {
                    return Err(Failure::Endless {
                        kernel: kernel.to_owned(),
                        steps: MAX_INSTRUCTIONS,
                    });
                }
                Err(fault) => {
                    return Err(match block.finding() {
                        Some(finding) => Failure::Mistake(Box::new(finding.clone())),
                        None => Failure::Fault(at_source(module, fault)),
                    });
                }
            }
        }
        Ok(())
    }
}

/// Adds the line of the source to a fault's message, where the text says what it was compiled from.
fn at_source(module: &Module, mut fault: Fault) -> Fault {
    let line = fault.line.and_then(|line| module.source_line(line));
    if let Some(place) = line {
        fault.message = format!("{} ({}:{})", fault.message, place.file, place.line);
    }
    fault
}

/// Kernels in Rust run on a simulated device that was [loaded](Device::load) with their text.
impl Launcher for &mut Device {
    type Buffer<T> = Buffer<T>;
    type Handle<'b> = u64;
    type Error = Failure;

    fn handle<T>(buffer: &Buffer<T>) -> u64 {
        buffer.address
    }

    fn len<T>(buffer: &Buffer<T>) -> u64 {
        buffer.len as u64
    }

    fn launch(
        self,
        source: &Source,
        config: LaunchConfig,
        arguments: &[LaunchArgument<u64>],
    ) -> Result<(), Failure> {
        let mut launch = Launch::new(self, source.name, config);
        for argument in arguments {
            launch = match argument {
                LaunchArgument::U8(value) => launch.arg(*value),
                LaunchArgument::U16(value) => launch.arg(*value),
                LaunchArgument::U32(value) => launch.arg(*value),
                LaunchArgument::U64(value) => launch.arg(*value),
                LaunchArgument::S8(value) => launch.arg(*value),
                LaunchArgument::S16(value) => launch.arg(*value),
                LaunchArgument::S32(value) => launch.arg(*value),
                LaunchArgument::S64(value) => launch.arg(*value),
                LaunchArgument::F16(bits) => launch.arg(Half(*bits)),
                LaunchArgument::Bf16(bits) => launch.arg(BFloat16(*bits)),
                LaunchArgument::F32(value) => launch.arg(*value),
                LaunchArgument::F64(value) => launch.arg(*value),
                LaunchArgument::Bytes(bytes) => {
                    launch.arguments.push(structure(bytes.clone()));
                    launch
                }
                LaunchArgument::Buffer(address) => launch.arg(*address),
            };
        }
        launch.run()
    }
}

fn structure(bytes: Vec<u8>) -> PackedArgument {
    PackedArgument {
        description: "a structure",
        bytes,
        fits: |ty, given| matches!(ty, ParamType::Bytes { bytes, .. } if bytes as usize == given),
    }
}

fn extent(Extent { x, y, z }: Extent) -> tensor_wasm_ptx::Extent {
    tensor_wasm_ptx::Extent { x, y, z }
}

fn pack_arguments(
    kernel: &str,
    params: &[Param],
    bytes: u32,
    arguments: Vec<PackedArgument>,
) -> Result<Vec<u8>, Failure> {
    if params.len() != arguments.len() {
        return Err(Failure::Launch(format!(
            "kernel `{kernel}` takes {} arguments, but {} are given",
            params.len(),
            arguments.len()
        )));
    }
    let mut packed = vec![0; bytes as usize];
    for (number, (param, argument)) in params.iter().zip(arguments).enumerate() {
        let start = param.offset as usize;
        let target = packed.get_mut(start..start.saturating_add(argument.bytes.len()));
        match target.filter(|_| (argument.fits)(param.ty, argument.bytes.len())) {
            Some(target) => target.copy_from_slice(&argument.bytes),
            None => {
                return Err(Failure::Launch(format!(
                    "argument {} of kernel `{kernel}` is {}, but parameter `{}` is {:?}",
                    number + 1,
                    argument.description,
                    param.name,
                    param.ty
                )));
            }
        }
    }
    Ok(packed)
}

/// Types that can be arguments of a launch: numbers, buffers, [`Half`], [`BFloat16`] and
/// [`Struct`].
pub trait Argument: private::Pack {}

impl<A: private::Pack> Argument for A {}

mod private {
    /// Keeps the packed form out of the public interface.
    #[expect(private_interfaces, reason = "only this module packs arguments")]
    pub trait Pack {
        fn pack(self) -> super::PackedArgument;
    }
}

macro_rules! numbers {
    ($($number:ident: $($ty:ident)|+,)*) => {$(
        #[expect(private_interfaces, reason = "only this module packs arguments")]
        impl private::Pack for $number {
            fn pack(self) -> PackedArgument {
                PackedArgument {
                    description: concat!("a ", stringify!($number)),
                    bytes: self.to_le_bytes().to_vec(),
                    fits: |ty, _| matches!(ty, $(ParamType::$ty)|+),
                }
            }
        }
    )*};
}

// As on a server, the signedness of an integer does not matter.
numbers! {
    u8: U8 | S8,
    i8: U8 | S8,
    u16: U16 | S16,
    i16: U16 | S16,
    u32: U32 | S32,
    i32: U32 | S32,
    u64: U64 | S64,
    i64: U64 | S64,
    f32: F32,
    f64: F64,
}

#[expect(private_interfaces, reason = "only this module packs arguments")]
impl private::Pack for Half {
    fn pack(self) -> PackedArgument {
        PackedArgument {
            description: "a half",
            bytes: self.0.to_le_bytes().to_vec(),
            fits: |ty, _| matches!(ty, ParamType::F16 | ParamType::U16),
        }
    }
}

#[expect(private_interfaces, reason = "only this module packs arguments")]
impl private::Pack for BFloat16 {
    fn pack(self) -> PackedArgument {
        PackedArgument {
            description: "a bfloat16",
            bytes: self.0.to_le_bytes().to_vec(),
            fits: |ty, _| matches!(ty, ParamType::BF16 | ParamType::U16),
        }
    }
}

#[expect(private_interfaces, reason = "only this module packs arguments")]
impl<T> private::Pack for &Buffer<T> {
    fn pack(self) -> PackedArgument {
        PackedArgument {
            description: "a buffer",
            bytes: self.address.to_le_bytes().to_vec(),
            fits: |ty, _| matches!(ty, ParamType::U64 | ParamType::S64),
        }
    }
}

#[expect(private_interfaces, reason = "only this module packs arguments")]
impl<T: Pod> private::Pack for Struct<'_, T> {
    fn pack(self) -> PackedArgument {
        structure(bytemuck::bytes_of(self.0).to_vec())
    }
}
