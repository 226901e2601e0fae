//! Launches the kernels of `kernels.ptx`. Written by `tensor-wasm kernel bindings`.

use tensor_wasm_guest::kernel::parameter;
use tensor_wasm_guest::{BFloat16, Device, Half, Kernel, LaunchConfig, Queue, Result, Struct};

/// The kernels of `kernels.ptx`, loaded on a device.
pub struct Kernels {
    combine: Kernel,
    load_: Kernel,
}

impl Kernels {
    /// Loads the text of `kernels.ptx`.
    pub fn load(device: &Device, ptx: &[u8]) -> Result<Kernels> {
        let module = device.load(ptx)?;
        Ok(Kernels {
            combine: module.kernel("combine")?,
            load_: module.kernel("load")?,
        })
    }

    /// Launches the kernel `combine`.
    #[allow(clippy::too_many_arguments)]
    pub fn combine<'a, T5: tensor_wasm_guest::bytemuck::Pod>(
        &'a self,
        queue: &'a Queue,
        config: LaunchConfig,
        param_0: impl parameter::Integer64<'a>,
        param_1: impl parameter::Integer64<'a>,
        a: f32,
        n: impl parameter::Integer32<'a>,
        param_4: impl parameter::Integer16<'a>,
        pair: &T5,
    ) -> Result<()> {
        const { assert!(size_of::<T5>() == 8) }
        queue
            .launch(&self.combine, config)
            .arg(param_0)
            .arg(param_1)
            .arg(a)
            .arg(n)
            .arg(param_4)
            .arg(Struct(pair))
            .submit()
    }

    /// Launches the kernel `load`.
    #[allow(clippy::too_many_arguments)]
    pub fn load_<'a>(
        &'a self,
        queue: &'a Queue,
        config: LaunchConfig,
        param_0: impl parameter::Integer64<'a>,
        byte: impl parameter::Integer8<'a>,
        half: Half,
        brain: BFloat16,
        double: f64,
        param_5: impl parameter::Integer64<'a>,
    ) -> Result<()> {
        queue
            .launch(&self.load_, config)
            .arg(param_0)
            .arg(byte)
            .arg(half)
            .arg(brain)
            .arg(double)
            .arg(param_5)
            .submit()
    }
}
