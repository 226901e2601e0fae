//! Compiles an image. The engine's cache of compiled components is passed over: it is a folder on the
//! disk, and an image has what `init` read, such as secrets.

use wasmtime::Engine;
use wasmtime::component::Component;

/// Compiles a component, and leaves nothing of it on the disk.
pub(crate) fn compile_unkept(engine: &Engine, image: &[u8]) -> wasmtime::Result<Component> {
    let compiled = engine.precompile_component(image)?;
    // SAFETY: these are the bytes that this engine has just compiled, and nobody has changed them.
    #[expect(
        unsafe_code,
        reason = "the engine's other functions put what they compile on the disk"
    )]
    unsafe {
        Component::deserialize(engine, compiled)
    }
}
