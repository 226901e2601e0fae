//! What kinds of resources an instance holds, in words.

use super::super::state::InstanceState;
use crate::capability::gpu::bindings::DeviceHandle;
use std::any::Any;
use std::collections::BTreeMap;
use tensor_wasm_device::{Buffer, Event, Kernel, Module, Queue};
use wasmtime::Store;
use wasmtime_wasi::p2::bindings::filesystem::types::Descriptor;
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, DynPollable, Network, ReaddirIterator, TcpSocket, UdpSocket,
};
use wasmtime_wasi_http::FieldMap;
use wasmtime_wasi_http::p2::types::{
    HostFutureIncomingResponse, HostIncomingResponse, HostOutgoingRequest, HostOutgoingResponse,
};

/// The resources of the host that an instance holds, each kind with how many there are.
pub(crate) fn left_behind(store: &mut Store<InstanceState>) -> Vec<String> {
    let mut kinds: BTreeMap<&'static str, usize> = BTreeMap::new();
    for resource in store.data_mut().resources() {
        *kinds.entry(kind_of(resource)).or_default() += 1;
    }
    let concurrent = store.concurrent_resource_table();
    if concurrent.is_some_and(|table| !table.is_empty()) {
        kinds.insert("task, stream or future of the component model", 1);
    }
    let kinds = kinds.into_iter();
    kinds
        .map(|(kind, count)| match count {
            1 => format!("1 {kind}"),
            count => format!("{count} of {kind}"),
        })
        .collect()
}

fn kind_of(resource: &(dyn Any + Send)) -> &'static str {
    let kinds: [(bool, &'static str); 18] = [
        (resource.is::<DeviceHandle>(), "device"),
        (resource.is::<Buffer>(), "device buffer"),
        (resource.is::<Module>(), "module of kernels"),
        (resource.is::<Kernel>(), "kernel"),
        (resource.is::<Queue>(), "queue"),
        (resource.is::<Event>(), "event"),
        (resource.is::<Descriptor>(), "file or directory"),
        (resource.is::<ReaddirIterator>(), "listing of a directory"),
        (resource.is::<DynInputStream>(), "input stream"),
        (resource.is::<DynOutputStream>(), "output stream"),
        (resource.is::<DynPollable>(), "pollable"),
        (resource.is::<Network>(), "network"),
        (resource.is::<TcpSocket>(), "TCP socket"),
        (resource.is::<UdpSocket>(), "UDP socket"),
        (resource.is::<FieldMap>(), "list of HTTP fields"),
        (
            resource.is::<HostOutgoingRequest>() || resource.is::<HostFutureIncomingResponse>(),
            "outgoing HTTP request",
        ),
        (
            resource.is::<HostIncomingResponse>(),
            "response to an HTTP request",
        ),
        (
            resource.is::<HostOutgoingResponse>(),
            "outgoing HTTP response",
        ),
    ];
    let kind = kinds.into_iter().find(|(is, _)| *is);
    kind.map_or("other resource of the host", |(_, kind)| kind)
}
