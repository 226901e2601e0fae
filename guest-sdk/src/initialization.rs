//! Set-up that is done once, before the first request: [`init!`](crate::init).

use std::fmt::Display;

pub use crate::bindings::initialized::{export_initialization, exports};

/// Exports a function of this component as the `init` of `tensor:lifecycle/initialization`, which its host
/// calls once, in an instance of its own. Every later instance starts with what that has left in memory: the
/// set-up costs a request nothing.
///
/// ```
/// use std::sync::OnceLock;
///
/// use tensor_wasm_guest::http::{self, Request, Response};
/// use tensor_wasm_guest::Device;
///
/// static SQUARES: OnceLock<Vec<u64>> = OnceLock::new();
///
/// tensor_wasm_guest::init!(set_up);
/// http::service!(handle);
///
/// fn set_up() -> tensor_wasm_guest::Result<()> {
///     let squares = SQUARES.get_or_init(squares);
///     // What is kept under a name stays on the device; everything else is dropped before `set_up` ends.
///     let device = Device::open()?;
///     let queue = device.queue()?;
///     let table = queue.upload(squares)?;
///     queue.synchronize()?;
///     device.keep("squares", table)?;
///     Ok(())
/// }
///
/// fn squares() -> Vec<u64> {
///     (0..1_000_000).map(|number| number * number).collect()
/// }
///
/// fn handle(_request: Request) -> Response {
///     let squares = SQUARES.get_or_init(squares);
///     Response::text(200, format!("{}\n", squares.len()))
/// }
/// # fn main() {}
/// ```
///
/// The function takes nothing, and returns a `Result<(), E>` whose error can be displayed: where it fails,
/// the component is not deployed, and its author is told the error. A host that knows no `init` does not call
/// it, so let requests set up what they do not find, as above.
///
/// When it ends, the component may have no handle of the host: no open [`Device`](crate::Device),
/// [`Module`](crate::Module), [`Queue`](crate::Queue), [`Buffer`](crate::Buffer) or file may lie in
/// a static. The macro gives back what the standard library keeps: it flushes standard output, and has the
/// library open its standard streams and preopened directories anew when they are used next.
#[doc(hidden)]
#[macro_export]
macro_rules! __init {
    ($init:path) => {
        const _: () = {
            struct Initialization;

            impl $crate::initialization::exports::tensor::lifecycle::initialization::Guest
                for Initialization
            {
                fn init() -> ::std::result::Result<(), ::std::string::String> {
                    $crate::initialization::run($init)
                }
            }

            // Other targets than WebAssembly have no such export, for linkers refuse its name. There nothing else
            // uses the function.
            const _: fn() -> ::std::result::Result<(), ::std::string::String> =
                <Initialization as $crate::initialization::exports::tensor::lifecycle::initialization::Guest>::init;
            #[cfg(target_arch = "wasm32")]
            $crate::initialization::export_initialization!(
                Initialization with_types_in $crate::initialization
            );
        };
    };
}

/// Runs a component's set-up, and gives back what the standard library has of the host.
///
/// # Errors
/// The text of the set-up's error.
#[doc(hidden)]
pub fn run<E: Display>(set_up: impl FnOnce() -> Result<(), E>) -> Result<(), String> {
    let outcome = set_up().map_err(|error| format!("{error:#}"));
    standard_library::give_back();
    outcome
}

/// What the standard library keeps of the host: it uses wasi-libc, whose tables of files and streams have
/// handles. Another instance has others.
#[cfg(all(target_os = "wasi", target_env = "p2"))]
#[allow(unsafe_code)]
mod standard_library {
    use std::io::Write;

    unsafe extern "C" {
        fn close(descriptor: i32) -> i32;
        fn __wasilibc_reset_preopens();
        fn __wasilibc_init_stdio() -> i32;
    }

    /// Standard input, output and error.
    const STREAMS: [i32; 3] = [0, 1, 2];

    pub(super) fn give_back() {
        // What is not written yet would be, by each instance.
        let _ = std::io::stdout().flush();
        // SAFETY: these are functions of wasi-libc for programs of one thread, which is here. The
        // descriptors of the streams are freed, the last one first, and made again, which takes those that
        // were freed last. The directories come after that, since `close` opens them.
        unsafe {
            for stream in STREAMS.iter().rev() {
                close(*stream);
            }
            __wasilibc_init_stdio();
            __wasilibc_reset_preopens();
        }
    }
}

/// On other targets nothing is left for other instances.
#[cfg(not(all(target_os = "wasi", target_env = "p2")))]
mod standard_library {
    pub(super) fn give_back() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_a_set_up_is_told_by_its_words() {
        assert_eq!(run(|| Err("no weights")), Err("no weights".to_owned()));
        assert_eq!(run(|| Ok::<(), String>(())), Ok(()));
    }
}
