//! `wasi:http/incoming-handler` of WASI 0.2, as a policy imports it. Both of its resources are the
//! host's own: the policy can forward the request that it was given, and nothing else.

use super::context::NextView;
use super::forward::forward;
use crate::request::HandleError;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::p2::types::{HostIncomingRequest, HostResponseOutparam};

/// Adds the interface to a linker.
pub(super) fn add_to_linker<T: NextView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    linker
        .instance("wasi:http/incoming-handler@0.2.12")?
        .func_wrap_async(
            "handle",
            |store: StoreContextMut<'_, T>,
             (request, out): (
                Resource<HostIncomingRequest>,
                Resource<HostResponseOutparam>,
            )| Box::new(handle(store, request, out)),
        )
}

async fn handle<T: NextView + 'static>(
    mut store: StoreContextMut<'_, T>,
    request: Resource<HostIncomingRequest>,
    out: Resource<HostResponseOutparam>,
) -> wasmtime::Result<()> {
    // The held request is taken before the policy's own is dropped, which drops that too.
    let forwarding = forward(&store.data_mut().next(), |task| task.held.take())?;
    let task = forwarding.task;
    // The policy has given both handles away, as where it calls a component.
    let http = store.data_mut().http();
    http.table.delete(request)?;
    let out = http.table.delete(out)?;
    // Whoever runs the policy polls what it has forwarded, beside it.
    let response = forwarding.response.await;
    let response = match response.unwrap_or(Err(HandleError::Internal)) {
        Ok(response) => {
            task.run.mark_responded();
            Ok(response)
        }
        Err(error) => {
            task.fail(error);
            Err(ErrorCode::InternalError(None))
        }
    };
    (out.send)(response);
    Ok(())
}
