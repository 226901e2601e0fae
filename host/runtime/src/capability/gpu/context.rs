//! What one instance holds of the GPU: nothing until it opens the device, then a lease of
//! its tenant's session. Its outstanding work ends with the lease.

use super::bindings::DeviceHandle;
use super::settings::{GpuAccess, GpuGrants};
use crate::capability::output::GuestOutput;
use crate::grant::Grant;
use crate::request::RequestTask;
use std::sync::Arc;
use tensor_wasm_device::{Error, Lease};
use wasmtime::component::{HasData, Resource, ResourceTable};

/// What one instance holds of the GPU.
pub(crate) struct GpuContext {
    grants: Arc<dyn GpuGrants>,
    /// Whether the component imports `tensor:gpu` at all.
    imported: bool,
    /// Created by the first `device.open`, so that an instance that uses no GPU costs
    /// nothing.
    opened: Option<Opened>,
}

/// An open device.
struct Opened {
    /// The tenant that it is open for. The next request of a reused instance may be
    /// another tenant's, and must not use what this one opened.
    tenant: u64,
    access: GpuAccess,
    lease: Lease,
}

impl GpuContext {
    pub(super) fn new(grants: Arc<dyn GpuGrants>, imported: bool) -> GpuContext {
        GpuContext {
            grants,
            imported,
            opened: None,
        }
    }

    /// Whether the component imports the GPU and the tenant is refused it.
    pub(crate) fn refuses(&self, tenant: u64) -> bool {
        self.imported && self.grants.is_refused(tenant)
    }

    /// Begins a request's task. What is launched from now on is charged to the request.
    pub(crate) fn begin(&mut self, task: &Arc<RequestTask>) {
        self.serve(task.context().tenant());
        if let Some(opened) = &mut self.opened {
            hold_for(&mut opened.lease, task);
        }
    }

    /// Begins to serve a tenant, or nobody, as long as it is not known whom. What the
    /// instance has opened for another one is dropped: its queues stop, and calls on their
    /// handles answer that the device is lost.
    pub(crate) fn serve(&mut self, tenant: Option<u64>) {
        self.opened.take_if(|opened| Some(opened.tenant) != tenant);
    }
}

/// What the lease does from now on is the request's: its launches, and what it holds.
fn hold_for(lease: &mut Lease, task: &Arc<RequestTask>) {
    task.run.mark_opened_device();
    lease.charge_to(task.clone());
    lease.keep_until_done(Arc::new(task.device_holder()));
}

/// A store whose instance has the GPU.
pub(crate) trait GpuView: Send {
    fn gpu(&mut self) -> GpuCtxView<'_>;
}

/// The borrowed view that implements the generated traits.
pub(crate) struct GpuCtxView<'a> {
    pub(crate) context: &'a mut GpuContext,
    pub(crate) table: &'a mut ResourceTable,
    pub(crate) output: &'a GuestOutput,
    /// The task that calls.
    pub(crate) task: Option<&'a Arc<RequestTask>>,
}

/// The type-level name of the view.
pub(super) struct HasGpu;

impl HasData for HasGpu {
    type Data<'a> = GpuCtxView<'a>;
}

impl GpuCtxView<'_> {
    /// The lease of the open device.
    ///
    /// # Errors
    ///
    /// [`Error::DeviceLost`] where none is open, or not any more.
    pub(super) fn lease(&self) -> Result<&Lease, Error> {
        Ok(&self.opened()?.lease)
    }

    /// The tenant's part of the open device.
    ///
    /// # Errors
    ///
    /// As [`GpuCtxView::lease`].
    pub(super) fn opened_access(&self) -> Result<&GpuAccess, Error> {
        Ok(&self.opened()?.access)
    }

    fn opened(&self) -> Result<&Opened, Error> {
        self.context
            .opened
            .as_ref()
            .ok_or_else(|| Error::DeviceLost("no device is open: open it first".into()))
    }

    /// The tenant's part of the device, open or not: a name can be released without a
    /// handle to anything.
    ///
    /// # Errors
    ///
    /// [`Error::Denied`] where the tenant has no grant, or is not known.
    pub(super) fn access(&self) -> Result<GpuAccess, Error> {
        self.access_of(self.known_tenant()?)
    }

    /// The tenant of the request.
    ///
    /// # Errors
    ///
    /// [`Error::Denied`] while the component is instantiated, which is no request's work,
    /// and in a request before a policy has admitted it.
    fn known_tenant(&self) -> Result<u64, Error> {
        let tenant = self.task.and_then(|task| task.context().tenant());
        tenant.ok_or_else(|| {
            Error::Denied(
                "no tenant is known yet: use the GPU while a request is handled, and behind a policy once it has admitted the request".into(),
            )
        })
    }

    fn access_of(&self, tenant: u64) -> Result<GpuAccess, Error> {
        if let Some(opened) = &self.context.opened {
            return Ok(opened.access.clone());
        }
        match self.context.grants.of(tenant) {
            Grant::Granted(access) => Ok(access),
            Grant::Denied | Grant::Refused => Err(Error::Denied(
                "the operator has not granted the GPU to this component".into(),
            )),
        }
    }

    /// Opens the device, unless it is open. A device that was lost is opened anew, on
    /// another worker.
    ///
    /// # Errors
    ///
    /// [`Error::Denied`] where the tenant has no grant, or is not known, and what the device
    /// answers.
    pub(super) async fn open_device(&mut self) -> Result<DeviceHandle, Error> {
        let tenant = self.known_tenant()?;
        self.context.opened.take_if(|opened| opened.lease.is_lost());
        if self.context.opened.is_none() {
            let access = self.access_of(tenant)?;
            let output = Arc::new(self.output.clone());
            let mut lease = access.session().lease_printing(output);
            if let Some(meter) = access.memory() {
                lease = lease.with_memory_meter(meter.clone());
            }
            if let Some(task) = self.task {
                hold_for(&mut lease, task);
            }
            lease.open().await?;
            self.context.opened = Some(Opened {
                tenant,
                lease,
                access,
            });
        }
        Ok(DeviceHandle::new())
    }

    /// Gives the guest a handle to what the device made, or the device's error.
    pub(super) fn push<T: Send + 'static>(
        &mut self,
        made: Result<T, Error>,
    ) -> wasmtime::Result<Result<Resource<T>, Error>> {
        Ok(match made {
            Ok(made) => Ok(self.table.push(made)?),
            Err(error) => Err(error),
        })
    }
}
