//! The functions that the library exports: checks and conversions, and nothing else.

mod context;
mod copy;
mod device;
mod event;
mod function;
mod host_memory;
mod launch;
mod memory;
mod module;
mod refused;
mod stream;
mod symbol;

/// The exported function of this exact name.
fn find(name: &str) -> Option<*const ()> {
    let modules = [
        context::find,
        copy::find,
        device::find,
        event::find,
        function::find,
        host_memory::find,
        launch::find,
        memory::find,
        module::find,
        refused::find,
        stream::find,
        symbol::find,
    ];
    modules.iter().find_map(|find| find(name))
}
