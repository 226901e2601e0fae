//! What the real driver has and this one does not do. cudarc panics where a function is missing, so
//! they are here, and say that they are not supported.
//!
//! They take no notice of their arguments, which a C function may.

use crate::call::driver_calls;
use crate::code::Code;

macro_rules! refused {
    ($($name:ident)*) => {
        driver_calls! {
            $(fn $name() { Err(Code::NOT_SUPPORTED) })*
        }
    };
}

refused! {
    cuDestroyExternalMemory
    cuExternalMemoryGetMappedBuffer
    cuGraphDestroy
    cuGraphExecDestroy
    cuGraphInstantiateWithFlags
    cuGraphLaunch
    cuGraphUpload
    cuImportExternalMemory
    cuIpcCloseMemHandle
    cuIpcGetEventHandle
    cuIpcGetMemHandle
    cuIpcOpenEventHandle
    cuIpcOpenMemHandle_v2
    cuLinkAddFile_v2
    cuMemAdvise_v2
    cuMemAllocManaged
    cuMemPoolCreate
    cuMemPoolDestroy
    cuMemPrefetchAsync_v2
    cuMemcpy
    cuMemcpyAsync
    cuModuleLoadFatBinary
    cuOccupancyMaxActiveClusters
    cuOccupancyMaxPotentialClusterSize
    cuPointerGetAttribute
    cuProfilerStart
    cuProfilerStop
    cuStreamAddCallback
    cuStreamAttachMemAsync
    cuStreamBeginCapture_v2
    cuStreamEndCapture
    cuStreamWaitValue32_v2
    cuStreamWriteValue32_v2
}
