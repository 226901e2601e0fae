//! PTX, NVIDIA's instruction set for kernels: parsed, checked, printed and interpreted.
//!
//! The crate does no input or output and knows no device. A module's text may come from anyone:
//! [`parse`] never panics, and takes time and memory in proportion to the text and within
//! [`Limits`]. What it accepts, [`interpret`] can run; whatever else PTX has is refused by name.
//!
//! One table lists the instructions. The parser accepts what it lists, the checker holds operands
//! against it, the printer ([`Module`] is [`Display`](std::fmt::Display)) follows it, and the
//! interpreter carries it out: slowly, one thread at a time, as the measure of what is right.
//!
//! # Example
//!
//! A kernel that doubles numbers, run over a memory that is a list of words:
//!
//! ```
//! use std::sync::Arc;
//! use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
//!
//! use tensor_wasm_ptx::address::GLOBAL_BASE;
//! use tensor_wasm_ptx::interpret::run_grid;
//! use tensor_wasm_ptx::simt::{Launch, Memory, MemoryError};
//! use tensor_wasm_ptx::{Extent, Limits, parse};
//!
//! struct Words(Vec<AtomicU32>);
//!
//! impl Words {
//!     fn word(&self, address: u64, bytes: u32) -> Result<&AtomicU32, MemoryError> {
//!         let index = usize::try_from(address.wrapping_sub(GLOBAL_BASE) / 4);
//!         let word = index.ok().and_then(|index| self.0.get(index));
//!         word.filter(|_| bytes == 4).ok_or(MemoryError::Unmapped { address })
//!     }
//! }
//!
//! impl Memory for Words {
//!     fn load(&self, address: u64, bytes: u32) -> Result<u64, MemoryError> {
//!         Ok(self.word(address, bytes)?.load(Relaxed).into())
//!     }
//!
//!     fn store(&self, address: u64, bytes: u32, value: u64) -> Result<(), MemoryError> {
//!         self.word(address, bytes)?.store(value as u32, Relaxed);
//!         Ok(())
//!     }
//!
//!     fn update(
//!         &self,
//!         address: u64,
//!         bytes: u32,
//!         f: &mut dyn FnMut(u64) -> u64,
//!     ) -> Result<u64, MemoryError> {
//!         let word = self.word(address, bytes)?;
//!         let old = word.fetch_update(Relaxed, Relaxed, |old| Some(f(old.into()) as u32));
//!         Ok(old.unwrap_or_default().into())
//!     }
//! }
//!
//! let text = b"
//!     .version 7.0
//!     .target sm_70
//!     .address_size 64
//!     .visible .entry double(.param .u64 numbers)
//!     {
//!         .reg .b32 %r<3>;
//!         .reg .b64 %rd<4>;
//!         ld.param.u64 %rd1, [numbers];
//!         mov.u32 %r1, %tid.x;
//!         mul.wide.u32 %rd2, %r1, 4;
//!         add.u64 %rd3, %rd1, %rd2;
//!         ld.global.u32 %r2, [%rd3];
//!         shl.b32 %r2, %r2, 1;
//!         st.global.u32 [%rd3], %r2;
//!         ret;
//!     }
//! ";
//! let module = Arc::new(parse(text, &Limits::default()).expect("the module is right"));
//! let memory = Words((0..8).map(AtomicU32::new).collect());
//! let one = Extent { x: 1, y: 1, z: 1 };
//! let threads = Extent { x: 8, y: 1, z: 1 };
//! let arguments = GLOBAL_BASE.to_le_bytes().to_vec();
//! let launch = Launch::new(module, "double", one, threads, 0, arguments, Vec::new())?;
//! run_grid(&launch, &memory, 1_000_000)?;
//! let numbers: Vec<u32> = memory.0.into_iter().map(AtomicU32::into_inner).collect();
//! assert_eq!(numbers, [0, 2, 4, 6, 8, 10, 12, 14]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod compile;
pub mod exec;
pub mod interpret;
mod numeric;
pub mod simt;
mod syntax;

pub use simt::{Extent, address};
pub use syntax::diagnostic::{Diagnostic, MOST_DIAGNOSTICS};
pub use syntax::limits::Limits;
pub use syntax::module::{Entry, Module, Param, ParamType, Variable, VariableSpace};
pub use syntax::source_lines::SourceLine;

/// Parses and checks a module's text.
///
/// # Errors
/// What is wrong with the text, in its order: at least one diagnostic, at most
/// [`MOST_DIAGNOSTICS`].
pub fn parse(text: &[u8], limits: &Limits) -> Result<Module, Vec<Diagnostic>> {
    if text.len() > limits.text_bytes {
        let (bytes, limit) = (text.len(), limits.text_bytes);
        let message = format!("the module's text has {bytes} bytes, the limit is {limit}");
        return Err(vec![Diagnostic::of_text(message)]);
    }
    syntax::parse::module(text, limits)
}
