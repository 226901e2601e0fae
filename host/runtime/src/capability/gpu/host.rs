//! The guest-facing calls of `tensor:gpu`. A handle that the guest does not hold is a trap
//! of that guest, as everywhere in the component model; an error of the device is a value.

use super::bindings::DeviceHandle;
use super::bindings::tensor::gpu::{kernels as wit, residency};
use super::context::GpuCtxView;
use super::convert;
use tensor_wasm_device::{self as device, Buffer, Event, Kernel, Module, Queue};
use wasmtime::Result;
use wasmtime::component::Resource;

/// What a call gives the guest: a trap, or a value or error of the contract.
type Answer<T> = Result<Result<T, wit::Error>>;

impl GpuCtxView<'_> {
    /// Gives the guest a handle to what the device made, or the device's error.
    fn answer<T: Send + 'static>(&mut self, made: Result<T, device::Error>) -> Answer<Resource<T>> {
        Ok(self.push(made)?.map_err(convert::error))
    }
}

impl wit::Host for GpuCtxView<'_> {}

impl wit::HostDevice for GpuCtxView<'_> {
    async fn open(&mut self) -> Answer<Resource<DeviceHandle>> {
        let opened = self.open_device().await;
        self.answer(opened)
    }

    fn info(&mut self, device: Resource<DeviceHandle>) -> Result<wit::DeviceInfo> {
        self.table.get(&device)?;
        match self.lease() {
            Ok(lease) => Ok(convert::info(lease.info())),
            Err(_) => wasmtime::bail!("the device was opened for another request"),
        }
    }

    async fn allocate(
        &mut self,
        device: Resource<DeviceHandle>,
        bytes: u64,
    ) -> Answer<Resource<Buffer>> {
        self.table.get(&device)?;
        let made = match self.lease() {
            Ok(lease) => lease.allocate(bytes).await,
            Err(error) => Err(error),
        };
        self.answer(made)
    }

    async fn load(
        &mut self,
        device: Resource<DeviceHandle>,
        ptx: Vec<u8>,
    ) -> Answer<Resource<Module>> {
        self.table.get(&device)?;
        let made = match self.lease() {
            Ok(lease) => lease.load(ptx).await,
            Err(error) => Err(error),
        };
        self.answer(made)
    }

    async fn create_queue(&mut self, device: Resource<DeviceHandle>) -> Answer<Resource<Queue>> {
        self.table.get(&device)?;
        let made = match self.lease() {
            Ok(lease) => lease.create_queue().await,
            Err(error) => Err(error),
        };
        self.answer(made)
    }

    fn drop(&mut self, device: Resource<DeviceHandle>) -> Result<()> {
        self.table.delete(device)?;
        Ok(())
    }
}

impl wit::HostBuffer for GpuCtxView<'_> {
    fn size(&mut self, buffer: Resource<Buffer>) -> Result<u64> {
        Ok(self.table.get(&buffer)?.size())
    }

    fn drop(&mut self, buffer: Resource<Buffer>) -> Result<()> {
        self.table.delete(buffer)?;
        Ok(())
    }
}

impl wit::HostModule for GpuCtxView<'_> {
    fn kernel_names(&mut self, module: Resource<Module>) -> Result<Vec<String>> {
        Ok(self.table.get(&module)?.kernel_names())
    }

    fn kernel(&mut self, module: Resource<Module>, name: String) -> Answer<Resource<Kernel>> {
        let made = self.table.get(&module)?.kernel(&name);
        self.answer(made)
    }

    fn drop(&mut self, module: Resource<Module>) -> Result<()> {
        self.table.delete(module)?;
        Ok(())
    }
}

impl wit::HostKernel for GpuCtxView<'_> {
    fn parameters(&mut self, kernel: Resource<Kernel>) -> Result<Vec<wit::Parameter>> {
        let kernel = self.table.get(&kernel)?;
        Ok(kernel
            .parameters()
            .iter()
            .map(|parameter| convert::parameter(parameter.ty))
            .collect())
    }

    fn max_threads_per_block(&mut self, kernel: Resource<Kernel>) -> Result<u32> {
        Ok(self.table.get(&kernel)?.max_threads_per_block())
    }

    fn drop(&mut self, kernel: Resource<Kernel>) -> Result<()> {
        self.table.delete(kernel)?;
        Ok(())
    }
}

impl GpuCtxView<'_> {
    fn argument(&self, argument: wit::Argument) -> Result<device::Argument> {
        Ok(match argument {
            wit::Argument::Pointer((buffer, offset)) => device::Argument::Pointer {
                buffer: self.table.get(&buffer)?.clone(),
                offset,
            },
            wit::Argument::U8(value) => device::Argument::U8(value),
            wit::Argument::U16(value) => device::Argument::U16(value),
            wit::Argument::U32(value) => device::Argument::U32(value),
            wit::Argument::U64(value) => device::Argument::U64(value),
            wit::Argument::S8(value) => device::Argument::S8(value),
            wit::Argument::S16(value) => device::Argument::S16(value),
            wit::Argument::S32(value) => device::Argument::S32(value),
            wit::Argument::S64(value) => device::Argument::S64(value),
            wit::Argument::F16(bits) => device::Argument::F16(bits),
            wit::Argument::Bf16(bits) => device::Argument::BF16(bits),
            wit::Argument::F32(value) => device::Argument::F32(value),
            wit::Argument::F64(value) => device::Argument::F64(value),
            wit::Argument::Bytes(bytes) => device::Argument::Bytes(bytes),
        })
    }
}

impl wit::HostQueue for GpuCtxView<'_> {
    /// Never called: [`super::write`] replaces it.
    async fn write(
        &mut self,
        queue: Resource<Queue>,
        target: Resource<Buffer>,
        offset: u64,
        data: Vec<u8>,
    ) -> Answer<()> {
        let (queue, target) = (self.table.get(&queue)?, self.table.get(&target)?);
        Ok(queue
            .write(target, offset, data)
            .await
            .map_err(convert::error))
    }

    async fn read(
        &mut self,
        queue: Resource<Queue>,
        source: Resource<Buffer>,
        offset: u64,
        length: u64,
    ) -> Answer<Vec<u8>> {
        let (queue, source) = (self.table.get(&queue)?, self.table.get(&source)?);
        Ok(queue
            .read(source, offset, length)
            .await
            .map_err(convert::error))
    }

    async fn copy(
        &mut self,
        queue: Resource<Queue>,
        source: Resource<Buffer>,
        source_offset: u64,
        target: Resource<Buffer>,
        target_offset: u64,
        length: u64,
    ) -> Answer<()> {
        let (queue, source, target) = (
            self.table.get(&queue)?,
            self.table.get(&source)?,
            self.table.get(&target)?,
        );
        Ok(queue
            .copy(source, source_offset, target, target_offset, length)
            .await
            .map_err(convert::error))
    }

    async fn fill(
        &mut self,
        queue: Resource<Queue>,
        target: Resource<Buffer>,
        offset: u64,
        length: u64,
        value: u8,
    ) -> Answer<()> {
        let (queue, target) = (self.table.get(&queue)?, self.table.get(&target)?);
        Ok(queue
            .fill(target, offset, length, value)
            .await
            .map_err(convert::error))
    }

    async fn launch(
        &mut self,
        queue: Resource<Queue>,
        kernel: Resource<Kernel>,
        config: wit::LaunchConfig,
        arguments: Vec<wit::Argument>,
    ) -> Answer<()> {
        let arguments = arguments
            .into_iter()
            .map(|argument| self.argument(argument))
            .collect::<Result<Vec<_>>>()?;
        let (queue, kernel) = (self.table.get(&queue)?, self.table.get(&kernel)?);
        let config = device::LaunchConfig {
            grid: convert::extent(config.grid),
            block: convert::extent(config.block),
            shared_bytes: config.shared_memory,
        };
        Ok(queue
            .launch(kernel, config, arguments)
            .await
            .map_err(convert::error))
    }

    async fn record_event(&mut self, queue: Resource<Queue>) -> Answer<Resource<Event>> {
        let made = self.table.get(&queue)?.record_event().await;
        self.answer(made)
    }

    async fn synchronize(&mut self, queue: Resource<Queue>) -> Answer<()> {
        Ok(self
            .table
            .get(&queue)?
            .synchronize()
            .await
            .map_err(convert::error))
    }

    fn drop(&mut self, queue: Resource<Queue>) -> Result<()> {
        self.table.delete(queue)?;
        Ok(())
    }
}

impl wit::HostEvent for GpuCtxView<'_> {
    fn is_done(&mut self, event: Resource<Event>) -> Result<bool> {
        Ok(self.table.get(&event)?.is_done())
    }

    async fn wait(&mut self, event: Resource<Event>) -> Answer<()> {
        Ok(self.table.get(&event)?.wait().await.map_err(convert::error))
    }

    fn elapsed_since(&mut self, event: Resource<Event>, earlier: Resource<Event>) -> Answer<u64> {
        let (event, earlier) = (self.table.get(&event)?, self.table.get(&earlier)?);
        Ok(event.elapsed_since(earlier).map_err(convert::error))
    }

    fn drop(&mut self, event: Resource<Event>) -> Result<()> {
        self.table.delete(event)?;
        Ok(())
    }
}

impl residency::Host for GpuCtxView<'_> {
    fn lookup(
        &mut self,
        device: Resource<DeviceHandle>,
        name: String,
    ) -> Answer<Option<Resource<Buffer>>> {
        self.table.get(&device)?;
        let found = self
            .opened_access()
            .and_then(|access| access.residency().lookup(&name));
        Ok(match found {
            Ok(Some(buffer)) => Ok(Some(self.table.push(buffer)?)),
            Ok(None) => Ok(None),
            Err(error) => Err(convert::error(error)),
        })
    }

    fn keep(&mut self, name: String, buffer: Resource<Buffer>) -> Answer<Resource<Buffer>> {
        // The guest has given its handle away, whether or not the call succeeds.
        let buffer = self.table.delete(buffer)?;
        let kept = self
            .access()
            .and_then(|access| access.residency().keep(&name, buffer));
        self.answer(kept)
    }

    fn release(&mut self, name: String) -> Answer<()> {
        let released = self
            .access()
            .and_then(|access| access.residency().release(&name));
        Ok(released.map_err(convert::error))
    }
}
