//! Stands in for the GPU capability where an operator does not grant it but
//! wants the component to run: composed with it, it exports what the component
//! imports, and answers `error.denied` to every call. The component's author can
//! fall back on it.
//!
//! Without a device there is no other handle, so the resources behind it are
//! types without values, and their methods cannot be reached.

mod bindings;
mod kernels;
mod residency;

/// What both interfaces are exported by.
struct Denied;

/// The answer to every call.
fn denied() -> bindings::kernels::Error {
    bindings::kernels::Error::Denied("the operator of this host does not grant the GPU".into())
}
