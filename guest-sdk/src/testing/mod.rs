//! A simulated device for unit tests of kernels, with checks like those of `compute-sanitizer`. It
//! needs neither a server nor a GPU.
//!
//! A component's tests run as native programs, in which there is no `tensor:gpu`. This module runs
//! the component's kernels in the reference interpreter, and checks each instruction for bugs
//! that often have no visible effect on a device: accesses outside of the buffer from which an
//! address was derived, reads of uninitialised memory, races on shared memory, misaligned
//! accesses and divergent barriers. `tensor-wasm serve --kernel-checks` does the same for a whole
//! service.
//!
//! The module needs the feature `testing`, and does not exist on WebAssembly:
//!
//! ```toml
//! [dev-dependencies]
//! tensor-wasm-guest = { path = "guest-sdk", features = ["testing"] }
//! ```
//!
//! # Example
//!
//! Each thread stores its number in shared memory and loads its neighbour's number. If it does
//! not wait for the neighbour, the checks find the race, even if the result is right:
//!
//! ```
//! use tensor_wasm_guest::LaunchConfig;
//! use tensor_wasm_guest::testing::{Device, Mistake};
//!
//! const KERNELS: &str = r#".version 7.0
//! .target sm_70
//! .address_size 64
//! .visible .entry neighbour(.param .u64 out)
//! {
//!     .shared .align 4 .b8 numbers[256];
//!     .reg .b32 %r<6>;
//!     .reg .b64 %rd<4>;
//!     mov.u32 %r1, %tid.x;
//!     mov.u32 %r2, numbers;
//!     shl.b32 %r3, %r1, 2;
//!     add.u32 %r4, %r2, %r3;
//!     st.shared.u32 [%r4], %r1;
//!     bar.sync 0;
//!     xor.b32 %r3, %r3, 4;
//!     add.u32 %r4, %r2, %r3;
//!     ld.shared.u32 %r5, [%r4];
//!     ld.param.u64 %rd1, [out];
//!     mul.wide.u32 %rd2, %r1, 4;
//!     add.s64 %rd3, %rd1, %rd2;
//!     st.global.u32 [%rd3], %r5;
//!     ret;
//! }
//! "#;
//!
//! let mut device = Device::load(KERNELS)?;
//! let out = device.allocate::<u32>(64)?;
//! let config = LaunchConfig::new(1, 64);
//! device.launch("neighbour", config).arg(&out).run()?;
//! assert_eq!(device.read(&out)[..4], [1, 0, 3, 2]);
//!
//! // The same kernel without the barrier.
//! let mut device = Device::load(&KERNELS.replace("bar.sync 0;", ""))?;
//! let out = device.allocate::<u32>(64)?;
//! let failure = device.launch("neighbour", config).arg(&out).run().unwrap_err();
//! let found = failure.finding().expect("a finding");
//! assert!(matches!(found.mistake, Mistake::Race { .. }));
//! assert_eq!(
//!     found.to_string(),
//!     "kernel neighbour, block (0, 0, 0), thread (1, 0, 0), line 13: race on shared memory: writes 4 \
//!      bytes at address 0x4 of shared memory, which thread (0, 0, 0), line 17, reads too, with no \
//!      barrier between the two"
//! );
//! # Ok::<(), tensor_wasm_guest::testing::Failure>(())
//! ```

mod launch;
mod memory;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use bytemuck::Pod;
use tensor_wasm_ptx::{Limits, Module, VariableSpace, parse};

pub use launch::{Argument, Launch};
pub use tensor_wasm_ptx::interpret::checks::{
    Access, Earlier, Finding, MemorySpace, Mistake, Name, Named, Straggler, Verb, Waiting,
};
pub use tensor_wasm_ptx::simt::{Allocation, Fault};

use crate::error::Diagnostic;
use crate::launch::LaunchConfig;
use memory::Memory;

/// A simulated device with one module, for tests.
#[derive(Debug)]
pub struct Device {
    module: Arc<Module>,
    /// The addresses of the module's variables.
    symbols: Vec<u64>,
    memory: Memory,
}

/// A buffer of a [`Device`] that holds values of type `T`.
#[derive(Debug)]
pub struct Buffer<T> {
    address: u64,
    len: usize,
    element: PhantomData<T>,
}

impl<T> Buffer<T> {
    /// The number of values.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no values.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl Device {
    /// Creates a device with the kernels of this PTX text.
    ///
    /// # Errors
    /// [`Failure::Module`] if the text has errors, or uses something that the interpreter does not
    /// support; [`Failure::OutOfMemory`] if there is no memory for its variables.
    pub fn load(ptx: &str) -> Result<Device, Failure> {
        let module = parse(ptx.as_bytes(), &Limits::default()).map_err(|found| {
            let diagnostics = found.into_iter().map(|found| Diagnostic {
                line: found.line,
                column: found.column,
                message: found.message,
            });
            Failure::Module(diagnostics.collect())
        })?;
        let mut memory = Memory::default();
        let mut symbols = Vec::new();
        for variable in module.globals() {
            let is_constant = variable.space() == VariableSpace::Const;
            symbols.push(memory.allocate(variable.bytes(), is_constant)?);
        }
        for (variable, symbol) in module.globals().iter().zip(&symbols) {
            // Bytes without an initial value in the text are zeros, and count as written.
            memory.mark_written(*symbol, variable.bytes());
            memory.write(*symbol, &variable.initial(&symbols));
        }
        Ok(Device {
            module: Arc::new(module),
            symbols,
            memory,
        })
    }

    /// Allocates an uninitialised buffer for `len` values. The checks report a kernel that reads a
    /// value before something has written it.
    ///
    /// # Errors
    /// [`Failure::OutOfMemory`].
    pub fn allocate<T: Pod>(&mut self, len: usize) -> Result<Buffer<T>, Failure> {
        let bytes = (len as u64).saturating_mul(size_of::<T>() as u64);
        Ok(Buffer {
            address: self.memory.allocate(bytes, false)?,
            len,
            element: PhantomData,
        })
    }

    /// Allocates a buffer with these values.
    ///
    /// # Errors
    /// [`Failure::OutOfMemory`].
    pub fn upload<T: Pod>(&mut self, values: &[T]) -> Result<Buffer<T>, Failure> {
        let buffer = self.allocate(values.len())?;
        self.write(&buffer, values);
        Ok(buffer)
    }

    /// Writes values to the beginning of a buffer. Values beyond the end of the buffer are ignored.
    pub fn write<T: Pod>(&mut self, buffer: &Buffer<T>, values: &[T]) {
        let values = values.get(..buffer.len).unwrap_or(values);
        self.memory
            .write(buffer.address, bytemuck::cast_slice(values));
    }

    /// All values of a buffer. Values that nothing has written are zeros.
    pub fn read<T: Pod>(&self, buffer: &Buffer<T>) -> Vec<T> {
        let mut values = vec![T::zeroed(); buffer.len];
        let bytes = bytemuck::cast_slice_mut(&mut values);
        self.memory.read(buffer.address, bytes);
        values
    }

    /// The file and the line of the author's source that a line of the text comes from, as
    /// `src/lib.rs:12`: for a [`Finding`] in a kernel in Rust, or in other text with `.loc`.
    pub fn source_line(&self, line: u32) -> Option<String> {
        let place = self.module.source_line(line)?;
        Some(format!("{}:{}", place.file, place.line))
    }

    /// Begins a launch of the kernel with this name: add its arguments, then [run](Launch::run)
    /// it.
    pub fn launch<'d>(&'d mut self, kernel: &'d str, config: LaunchConfig) -> Launch<'d> {
        Launch::new(self, kernel, config)
    }
}

/// Why a kernel could not be loaded, or did not run to its end.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The module's text has errors.
    #[error("the module is wrong: {}", joined(.0))]
    Module(Vec<Diagnostic>),
    /// The memory that was requested is not available.
    #[error("there is no memory for {bytes} bytes")]
    OutOfMemory {
        /// The number of bytes that were requested.
        bytes: u64,
    },
    /// The launch does not match the kernel.
    #[error("{0}")]
    Launch(String),
    /// The checks have found a bug.
    #[error("{0}")]
    Mistake(Box<Finding>),
    /// The kernel did something that is a fault on every device.
    #[error("{0}")]
    Fault(Fault),
    /// The kernel probably does not end.
    #[error("kernel {kernel} has not ended within {steps} instructions of all threads together")]
    Endless {
        /// The kernel's name.
        kernel: String,
        /// The number of instructions that its threads have executed.
        steps: u64,
    },
}

/// As it is displayed, since a test that unwraps a failure, or returns it, prints it so.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Failure {
    /// The finding of the checks, if this is a [`Failure::Mistake`].
    pub fn finding(&self) -> Option<&Finding> {
        match self {
            Failure::Mistake(finding) => Some(finding),
            _ => None,
        }
    }
}

fn joined(diagnostics: &[Diagnostic]) -> String {
    let lines: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
    lines.join("; ")
}
