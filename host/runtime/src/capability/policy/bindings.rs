//! What `bindgen!` makes of the world `tensor:policy/capability`: the traits that
//! [`super::host`] implements.

#![allow(missing_docs)]

wasmtime::component::bindgen!({
    path: "wit/tensor.wit",
    world: "tensor:policy/capability",
    imports: { default: trappable },
    require_store_data_send: true,
});
