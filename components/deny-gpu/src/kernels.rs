//! `tensor:gpu/kernels`. Only `device.open` can be called, since all other calls need a handle.

use crate::bindings::kernels::{
    Argument, Buffer, BufferBorrow, Device, DeviceInfo, Error, Event, EventBorrow, Guest,
    GuestBuffer, GuestDevice, GuestEvent, GuestKernel, GuestModule, GuestQueue, Kernel,
    KernelBorrow, LaunchConfig, Module, Parameter, Queue,
};
use crate::{Denied, denied};

/// A resource without values.
pub enum Never {}

impl Guest for Denied {
    type Device = Never;
    type Buffer = Never;
    type Module = Never;
    type Kernel = Never;
    type Queue = Never;
    type Event = Never;
}

impl GuestDevice for Never {
    fn open() -> Result<Device, Error> {
        Err(denied())
    }

    fn info(&self) -> DeviceInfo {
        match *self {}
    }

    fn allocate(&self, _bytes: u64) -> Result<Buffer, Error> {
        match *self {}
    }

    fn load(&self, _ptx: Vec<u8>) -> Result<Module, Error> {
        match *self {}
    }

    fn create_queue(&self) -> Result<Queue, Error> {
        match *self {}
    }
}

impl GuestBuffer for Never {
    fn size(&self) -> u64 {
        match *self {}
    }
}

impl GuestModule for Never {
    fn kernel_names(&self) -> Vec<String> {
        match *self {}
    }

    fn kernel(&self, _name: String) -> Result<Kernel, Error> {
        match *self {}
    }
}

impl GuestKernel for Never {
    fn parameters(&self) -> Vec<Parameter> {
        match *self {}
    }

    fn max_threads_per_block(&self) -> u32 {
        match *self {}
    }
}

impl GuestQueue for Never {
    fn write(&self, _target: BufferBorrow<'_>, _offset: u64, _data: Vec<u8>) -> Result<(), Error> {
        match *self {}
    }

    fn read(
        &self,
        _source: BufferBorrow<'_>,
        _offset: u64,
        _length: u64,
    ) -> Result<Vec<u8>, Error> {
        match *self {}
    }

    fn copy(
        &self,
        _source: BufferBorrow<'_>,
        _source_offset: u64,
        _target: BufferBorrow<'_>,
        _target_offset: u64,
        _length: u64,
    ) -> Result<(), Error> {
        match *self {}
    }

    fn fill(
        &self,
        _target: BufferBorrow<'_>,
        _offset: u64,
        _length: u64,
        _value: u8,
    ) -> Result<(), Error> {
        match *self {}
    }

    fn launch(
        &self,
        _kernel: KernelBorrow<'_>,
        _config: LaunchConfig,
        _arguments: Vec<Argument<'_>>,
    ) -> Result<(), Error> {
        match *self {}
    }

    fn record_event(&self) -> Result<Event, Error> {
        match *self {}
    }

    fn synchronize(&self) -> Result<(), Error> {
        match *self {}
    }
}

impl GuestEvent for Never {
    fn is_done(&self) -> bool {
        match *self {}
    }

    fn wait(&self) -> Result<(), Error> {
        match *self {}
    }

    fn elapsed_since(&self, _earlier: EventBorrow<'_>) -> Result<u64, Error> {
        match *self {}
    }
}
