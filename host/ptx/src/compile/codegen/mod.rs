//! Code generation: from the graph of a kernel to a module of WebAssembly.
//!
//! There are two emitters. [`ScalarEmitter`](scalar::ScalarEmitter) writes code for one thread after
//! another, and [`VectorEmitter`](vector::VectorEmitter) for lane groups, whose threads run in the
//! lanes of vectors. The vector emitter owns a scalar one: that writes what is the same in all lanes,
//! and, lane by lane, what has no vector form. Both write through a
//! [`FunctionWriter`](function_writer::FunctionWriter), and the graph becomes
//! [structured control flow](structured_control) in one way for both.
//!
//! A kernel that is not vectorised has one function, the scalar one. A vectorised one has both, and a
//! [dispatch] function that calls them in turn.
//!
//! Code generation takes what the analyses say on trust, and invents nothing where they say nothing:
//! a missing entry is noted by [`inconsistent`](function_writer::Emit::inconsistent), and the kernel is
//! refused.

mod dispatch;
mod function_writer;
mod input;
mod module;
mod scalar;
mod structured_control;
mod vector;

use wasm_encoder::{MemArg, MemArgTarget, ValType};

use crate::compile::cfg::graph::Graph;
use crate::compile::cfg::structured::Item;
use crate::compile::ir::{Arg, Ty};
use crate::compile::pass::Observer;
use crate::compile::{Unsupported, limits};
use function_writer::Function;

pub(crate) use input::CodegenInput;
pub(crate) use module::module;
pub(crate) use vector::product;

/// Writes the functions of a kernel, by the names under which its module exports them: `run` is the
/// one that the runtime calls. `lane_groups` is the graph of vector code, structured, where there is
/// any.
///
/// # Errors
/// Where one has too many registers, or too much code; where the compilation was cancelled.
pub(crate) fn functions(
    input: &CodegenInput<'_>,
    items: &[Item],
    lane_groups: Option<(&Graph, &[Item])>,
    observer: &Observer<'_>,
) -> Result<Vec<(&'static str, Function)>, Unsupported> {
    let scalar = scalar::scalar(input, items, lane_groups.is_some())?;
    observer.check_cancelled()?;
    limits::check_code(scalar.code.len())?;
    let Some((graph, items)) = lane_groups else {
        return Ok(vec![("run", scalar)]);
    };
    let vector = vector::vector(input, graph, items)?;
    observer.check_cancelled()?;
    limits::check_code(vector.code.len())?;
    // In the order of the indices by which `dispatch` and products are called.
    let mut functions = vec![
        ("scalar", scalar),
        ("lane_groups", vector),
        ("spill_uniform_frame", vector::spill_uniform_frame(input)?),
        ("run", dispatch::dispatch()),
    ];
    functions.extend(product::functions(input)?);
    Ok(functions)
}

/// The NaNs that operations of NVIDIA's hardware give.
const CANONICAL_NAN_32: u32 = 0x7fff_ffff;
const CANONICAL_NAN_64: u64 = 0xfff8_0000_0000_0000;

/// The canonical NaN of a type of floating-point numbers.
fn canonical_nan(ty: Ty) -> Arg {
    match ty {
        Ty::F64 => Arg::F64(CANONICAL_NAN_64),
        _ => Arg::F32(CANONICAL_NAN_32),
    }
}

fn val_type(ty: Ty) -> ValType {
    match ty {
        Ty::I32 => ValType::I32,
        Ty::I64 => ValType::I64,
        Ty::F32 => ValType::F32,
        Ty::F64 => ValType::F64,
    }
}

/// The immediate of an access of scratch memory at a fixed address, or from it on.
fn scratch(address: u32, align: u32) -> MemArg {
    MemArg {
        offset: u64::from(address),
        align,
        target: MemArgTarget::Memory(0),
        ordering: None,
    }
}
