//! What is made of a component's bytes: the component with exports that tell its state, and the image.

use super::state::State;
use crate::init_error::InitError;
use futures::FutureExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use wasmtime_wizer::Wizer;

/// The image keeps the export, so that no index of a function changes; nobody calls it.
fn wizer() -> Wizer {
    let mut wizer = Wizer::new();
    wizer.keep_init_func(true);
    wizer
}

/// The component with exports that tell its state.
pub(crate) fn instrumented(component: &[u8]) -> Result<Vec<u8>, InitError> {
    // The library takes for granted what compilers write.
    let made = catch_unwind(|| {
        wizer()
            .instrument_component(component)
            .map(|(_, made)| made)
    });
    match made {
        Ok(made) => made.map_err(|cause| InitError::NotForkable {
            cause: format!("{cause:#}"),
        }),
        Err(_) => Err(of_no_compiler()),
    }
}

/// The image: the component as it is when an instance has this state. Takes as long as it takes to read
/// that.
pub(crate) fn image(component: &[u8], state: State) -> Result<Vec<u8>, InitError> {
    let made = catch_unwind(AssertUnwindSafe(|| {
        let wizer = wizer();
        let (context, _) = wizer.instrument_component(component)?;
        let mut state = state;
        let made = wizer.snapshot_component(&context, &mut state);
        // What is copied already is not waited for.
        made.now_or_never()
            .unwrap_or_else(|| Err(wasmtime::format_err!("its state was not there")))
    }));
    match made {
        Ok(made) => made.map_err(|cause| InitError::NotForkable {
            cause: format!("{cause:#}"),
        }),
        Err(_) => Err(of_no_compiler()),
    }
}

fn of_no_compiler() -> InitError {
    InitError::NotForkable {
        cause: "one of its modules has a memory or a global that is read as no compiler writes it"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn component(text: &str) -> Vec<u8> {
        wat::parse_str(text).unwrap()
    }

    #[test]
    fn what_an_image_can_not_have_is_told() {
        let told = |text: &str| instrumented(&component(text)).unwrap_err().to_string();
        let composed = "(component (component (core module)))";
        assert!(told(composed).contains("nested"), "{}", told(composed));
        let changes = "(component (core module (table 1 funcref) (func (table.set (i32.const 0) (ref.null func)))))";
        assert!(told(changes).contains("table.set"), "{}", told(changes));
    }

    #[test]
    fn a_module_that_no_compiler_writes_is_an_error_and_no_panic() {
        // A memory that no export tells, of a module without exports.
        let hidden = "(component (core module $m (memory 1) (global (mut i32) (i32.const 1))) (core instance (instantiate $m)))";
        let error = image(&component(hidden), State::default()).unwrap_err();
        assert!(matches!(error, InitError::NotForkable { .. }), "{error}");
    }
}
