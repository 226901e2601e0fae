//! A component that exports `tensor:gpu` and returns `error.denied` from every call. An operator
//! plugs it into a component that should run without the GPU; the component can then fall back
//! to code that needs no device.
//!
//! A component can get the other handles only from a device. As there is none, the resources
//! are types without values, whose methods cannot be called.

mod bindings;
mod kernels;
mod linear_algebra;
mod residency;

/// Implements the interfaces.
struct Denied;

/// The result of every call.
fn denied() -> bindings::kernels::Error {
    bindings::kernels::Error::Denied("the operator of this host does not grant the GPU".into())
}
