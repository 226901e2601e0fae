//! The IR of a kernel after one of the compiler's passes, for `kernel check --ir`.

use std::sync::Arc;

use crate::Module;
use crate::compile::Unsupported;
use crate::compile::pass::{IrText, Observer, Pass};
use crate::compile::pipeline::{self, Vectorize};

/// The IR of an entry after a pass, as it is compiled for lane groups or not; where the entry has no
/// use for that pass, after the last one before it.
///
/// # Errors
/// What of it cannot be compiled, where that comes before the pass.
pub fn print_ir(
    module: &Arc<Module>,
    entry: &str,
    vectorize: Vectorize,
    pass: Pass,
) -> Result<IrText, Unsupported> {
    let mut observer = Observer::printing(pass);
    let compiled = pipeline::compile(module, entry, vectorize, true, &mut observer);
    observer.into_text().map_or_else(
        || {
            Err(compiled
                .err()
                .unwrap_or_else(|| Unsupported::kernel("no IR")))
        },
        Ok,
    )
}
