//! `tensor:gpu/residency`. Only `release` can be called, since the other calls need handles.

use crate::bindings::kernels::{Buffer, DeviceBorrow, Error};
use crate::bindings::residency::Guest;
use crate::{Denied, denied};

impl Guest for Denied {
    fn lookup(_device: DeviceBorrow<'_>, _name: String) -> Result<Option<Buffer>, Error> {
        Err(denied())
    }

    fn keep(_name: String, _buffer: Buffer) -> Result<Buffer, Error> {
        Err(denied())
    }

    fn release(_name: String) -> Result<(), Error> {
        Err(denied())
    }
}
