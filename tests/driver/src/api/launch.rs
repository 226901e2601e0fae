//! Launches.

use std::sync::Arc;

use tensor_wasm_ptx::Extent;
use tensor_wasm_ptx::interpret::InterpretedLaunch;
use tensor_wasm_ptx::simt::{Launch, LaunchError};

use crate::call::driver_calls;
use crate::code::{Code, Result};
use crate::ffi::{Host, In};
use crate::grid;
use crate::handle::Handle;
use crate::module::{FUNCTIONS, Function};
use crate::stream;

/// `CUlaunchConfig`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Config {
    grid: [u32; 3],
    block: [u32; 3],
    shared: u32,
    stream: Handle,
    attributes: Host,
    attribute_count: u32,
}

/// What may stand in a launch's list of extras.
const BUFFER_POINTER: usize = 1;
const BUFFER_SIZE: usize = 2;

/// Packs the arguments: as many as the kernel has parameters, however many the caller meant.
fn arguments(function: &Function, params: In<Host>, extra: In<usize>) -> Result<Vec<u8>> {
    let entry = function.entry()?;
    let mut packed = vec![0; entry.param_bytes() as usize];
    if !extra.is_null() {
        if !params.is_null() {
            return Err(Code::INVALID_VALUE);
        }
        return buffered(extra, packed.len());
    }
    for (index, param) in entry.params().iter().enumerate() {
        let argument = params.at(index)?;
        if argument.is_null() {
            return Err(Code::INVALID_VALUE);
        }
        let bytes = argument.read(param.bytes as usize);
        let start = param.offset as usize;
        if let Some(place) = packed.get_mut(start..start + bytes.len()) {
            place.copy_from_slice(&bytes);
        }
    }
    Ok(packed)
}

/// Arguments that the caller has packed itself.
fn buffered(extra: In<usize>, expected: usize) -> Result<Vec<u8>> {
    let (mut buffer, mut size) = (None, None);
    for pair in (0..).step_by(2) {
        match extra.at(pair)? {
            0 => break,
            BUFFER_POINTER => buffer = Some(Host::from_address(extra.at(pair + 1)?)),
            BUFFER_SIZE => {
                size = Some(
                    Host::from_address(extra.at(pair + 1)?)
                        .as_in::<usize>()
                        .at(0)?,
                )
            }
            _ => return Err(Code::INVALID_VALUE),
        }
    }
    let mut bytes = match (buffer, size) {
        (Some(buffer), Some(size)) => buffer.read(size),
        _ => return Err(Code::INVALID_VALUE),
    };
    bytes.resize(expected, 0);
    Ok(bytes)
}

fn launch(function: Handle, config: &Config, params: In<Host>, extra: In<usize>) -> Result {
    let stream = stream::get(config.stream)?;
    let function = FUNCTIONS.get(function)?;
    if !Arc::ptr_eq(&function.module.context, &stream.context) {
        return Err(Code::INVALID_HANDLE);
    }
    let [x, y, z] = config.block;
    let threads = u64::from(x) * u64::from(y) * u64::from(z);
    let fits = (1..=1024).contains(&x) && (1..=1024).contains(&y) && (1..=64).contains(&z);
    if !fits || threads > u64::from(function.max_threads()?) {
        return Err(Code::INVALID_VALUE);
    }
    let [x, y, z] = config.grid;
    let most = 1..=65535;
    if !(1..=0x7fff_ffff).contains(&x) || !most.contains(&y) || !most.contains(&z) {
        return Err(Code::INVALID_VALUE);
    }
    function.check_shared(config.shared)?;
    let launch = Launch::new(
        Arc::clone(&function.module.parsed),
        function.entry()?.name(),
        extent(config.grid),
        extent(config.block),
        config.shared,
        arguments(&function, params, extra)?,
        function.module.symbols.clone(),
    );
    let launch = launch.map_err(|error| match error {
        LaunchError::BlockTooLarge { .. } => Code::LAUNCH_OUT_OF_RESOURCES,
        _ => Code::INVALID_VALUE,
    })?;
    let launch = InterpretedLaunch::new(launch);
    stream.submit(Box::new(move |context| {
        let name = function.name.to_string_lossy();
        grid::run(context, &name, &launch);
    }));
    Ok(())
}

fn extent([x, y, z]: [u32; 3]) -> Extent {
    Extent { x, y, z }
}

/// What the calls that take everything one by one have in common.
fn plain(grid: [u32; 3], block: [u32; 3], shared: u32, stream: Handle) -> Config {
    Config {
        grid,
        block,
        shared,
        stream,
        attributes: Host::from_address(0),
        attribute_count: 0,
    }
}

driver_calls! {
    fn cuLaunchKernel(
        function: Handle,
        grid_x: u32,
        grid_y: u32,
        grid_z: u32,
        block_x: u32,
        block_y: u32,
        block_z: u32,
        shared: u32,
        stream: Handle,
        params: In<Host>,
        extra: In<usize>,
    ) {
        let (grid, block) = ([grid_x, grid_y, grid_z], [block_x, block_y, block_z]);
        launch(function, &plain(grid, block, shared, stream), params, extra)
    }

    fn cuLaunchCooperativeKernel(
        function: Handle,
        grid_x: u32,
        grid_y: u32,
        grid_z: u32,
        block_x: u32,
        block_y: u32,
        block_z: u32,
        shared: u32,
        stream: Handle,
        params: In<Host>,
    ) {
        let (grid, block) = ([grid_x, grid_y, grid_z], [block_x, block_y, block_z]);
        let none = Host::from_address(0).as_in();
        launch(function, &plain(grid, block, shared, stream), params, none)
    }

    fn cuLaunchKernelEx(config: In<Config>, function: Handle, params: In<Host>, extra: In<usize>) {
        let config = config.at(0)?;
        if config.attribute_count > 0 && config.attributes.is_null() {
            return Err(Code::INVALID_VALUE);
        }
        launch(function, &config, params, extra)
    }
}
