//! Bindings of the WIT worlds that a middleware is in (`wit/worlds.wit`).

/// Generates the bindings of a world, and exports the handler of this type from the component.
///
/// The parts of WASI come from the crate `wasip2`, so that their types are the same as in the
/// functions of this crate. The caller is a crate beside this one, and depends on `wit-bindgen`,
/// which expands the code, and on `wasip2`.
#[macro_export]
macro_rules! bindings {
    ($world:literal, $handler:ident) => {
        $crate::bindings!($world, $handler, with {});
    };
    // With interfaces whose bindings are in another crate.
    ($world:literal, $handler:ident, with { $($with:tt)* }) => {
        ::wit_bindgen::generate!({
            path: "../../guest-sdk/wit/tensor.wit",
            world: $world,
            with: {
                "wasi:cli/stderr@0.2.12": ::wasip2::cli::stderr,
                "wasi:cli/stdin@0.2.12": ::wasip2::cli::stdin,
                "wasi:cli/stdout@0.2.12": ::wasip2::cli::stdout,
                "wasi:clocks/monotonic-clock@0.2.12": ::wasip2::clocks::monotonic_clock,
                "wasi:clocks/wall-clock@0.2.12": ::wasip2::clocks::wall_clock,
                "wasi:http/outgoing-handler@0.2.12": ::wasip2::http::outgoing_handler,
                "wasi:http/types@0.2.12": ::wasip2::http::types,
                "wasi:io/error@0.2.12": ::wasip2::io::error,
                "wasi:io/poll@0.2.12": ::wasip2::io::poll,
                "wasi:io/streams@0.2.12": ::wasip2::io::streams,
                "wasi:random/random@0.2.12": ::wasip2::random::random,
                $($with)*
            },
            generate_all,
        });

        // On other targets than WebAssembly, linkers refuse the names of these exports.
        #[cfg(target_arch = "wasm32")]
        export!($handler);
        #[cfg(target_arch = "wasm32")]
        use super::$handler;
    };
}
