//! Weights: from a file in the format safetensors to a buffer of the device, in pieces, so that an
//! instance needs no memory for the whole. The first request does this; others find the buffer by name.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use tensor_wasm_guest::kernel::{bf16, f16};
use tensor_wasm_guest::{Buffer, Device, LaunchConfig, Queue};

use super::folder::{Folder, Loaded, cannot, file};
use super::layout::Tensor;
use super::{COPY_AGAIN, ModelError};
use crate::kernels::{WARP, bert};

/// The longest header, which has about a hundred bytes for each tensor.
const MOST_HEADER: u64 = 4 << 20;

/// How many numbers are uploaded at a time.
const PIECE: usize = 1 << 18;

/// The weights on the device, uploaded if they are not there.
///
/// # Errors
/// Where the file is not that of the model, or the device is full.
pub fn weights(
    device: &Device,
    queue: &Queue,
    folder: &Folder,
    model: &Loaded,
) -> Result<Buffer<f32>, ModelError> {
    if let Some(weights) = device.lookup::<f32>(&model.name)? {
        return Ok(weights);
    }
    let path = folder.weights();
    let mut source = Source::open(&path, &model.layout.tensors)?;
    let mut target = Target {
        queue,
        buffer: device.allocate(model.layout.len)?,
        rows: device.allocate(PIECE as u64)?,
    };
    for tensor in &model.layout.tensors {
        source.upload(tensor, &mut target)?;
    }
    let Target { buffer, .. } = target;
    // The queues of other requests do not wait for this one.
    queue.synchronize()?;
    Ok(device.keep(&model.name, buffer)?)
}

/// A file of which the header was read, and found to have what the model needs.
struct Source<'a> {
    path: &'a Path,
    file: File,
    metadata: Metadata,
    /// Where the data begin.
    start: u64,
}

impl<'a> Source<'a> {
    fn open(path: &'a Path, tensors: &[Tensor]) -> Result<Source<'a>, ModelError> {
        let failed = |error| cannot(path, "read", &error);
        let wrong = |reason: String| file(path, reason, COPY_AGAIN);
        let mut source = File::open(path).map_err(failed)?;
        let length = source.metadata().map_err(failed)?.len();
        let mut header_length = [0; 8];
        if length < header_length.len() as u64 {
            return Err(wrong(format!("it has {length} bytes, and no header")));
        }
        source.read_exact(&mut header_length).map_err(failed)?;
        let header_length = u64::from_le_bytes(header_length);
        let start = header_length.saturating_add(8);
        if start > length || header_length > MOST_HEADER {
            return Err(wrong(format!(
                "it is no safetensors file: it has {length} bytes, and says that its header has {header_length}"
            )));
        }
        let mut header = vec![0; header_length as usize];
        source.read_exact(&mut header).map_err(failed)?;
        // This checks that types, shapes and places of all tensors fit each other.
        let metadata: Metadata = serde_json::from_slice(&header)
            .map_err(|error| wrong(format!("its header is damaged: {error}")))?;
        let expected = start + metadata.data_len() as u64;
        if length != expected {
            return Err(wrong(format!(
                "it has {length} bytes, but by its header it should have {expected}: it was cut off or changed"
            )));
        }
        let source = Source {
            path,
            file: source,
            metadata,
            start,
        };
        for tensor in tensors {
            let found = source.info(tensor)?;
            if found.shape != tensor.shape {
                return Err(wrong(format!(
                    "the tensor {} is {}, but by config.json it should be {}",
                    tensor.name,
                    sides(&found.shape),
                    sides(&tensor.shape)
                )));
            }
            if !matches!(found.dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16) {
                return Err(wrong(format!(
                    "the tensor {} has numbers of the type {:?}, and not F32, F16 or BF16",
                    tensor.name, found.dtype
                )));
            }
        }
        Ok(source)
    }

    fn info(&self, tensor: &Tensor) -> Result<&TensorInfo, ModelError> {
        let name = &tensor.name;
        let found = self.metadata.info(name);
        found
            .or_else(|| self.metadata.info(&format!("bert.{name}")))
            .ok_or_else(|| {
                let reason = format!("it has no tensor {name}, which config.json calls for");
                file(self.path, reason, COPY_AGAIN)
            })
    }

    fn upload(&mut self, tensor: &Tensor, target: &mut Target<'_>) -> Result<(), ModelError> {
        let info = self.info(tensor)?;
        let (dtype, begin) = (info.dtype, info.data_offsets.0 as u64);
        let count = tensor.shape.iter().product::<usize>();
        let columns = tensor.shape.last().copied().unwrap_or(1);
        let failed = |error| cannot(self.path, "read", &error);
        self.file
            .seek(SeekFrom::Start(self.start + begin))
            .map_err(failed)?;
        // Whole rows, of which a model's weights have fewer numbers each than a piece has.
        let piece = count.min(PIECE / columns * columns);
        let mut numbers = vec![0f32; piece];
        let mut halves = Vec::new();
        let mut done = 0;
        while done < count {
            let numbers = &mut numbers[..(count - done).min(piece)];
            if dtype == Dtype::F32 {
                let bytes = bytemuck::cast_slice_mut(numbers);
                self.file.read_exact(bytes).map_err(failed)?;
            } else {
                halves.resize(numbers.len(), 0u16);
                let bytes = bytemuck::cast_slice_mut(&mut halves);
                self.file.read_exact(bytes).map_err(failed)?;
                for (number, bits) in numbers.iter_mut().zip(&halves) {
                    *number = match dtype {
                        Dtype::F16 => f16::from_bits(*bits).to_f32(),
                        _ => bf16::from_bits(*bits).to_f32(),
                    };
                }
            }
            target.write(tensor, done, columns, numbers)?;
            done += numbers.len();
        }
        Ok(())
    }
}

/// Where weights are uploaded to.
struct Target<'a> {
    queue: &'a Queue,
    buffer: Buffer<f32>,
    /// Rows on their way to where they are columns.
    rows: Buffer<f32>,
}

impl Target<'_> {
    /// Writes whole rows of a tensor, behind so many of its numbers.
    fn write(
        &mut self,
        tensor: &Tensor,
        done: usize,
        columns: usize,
        numbers: &[f32],
    ) -> Result<(), ModelError> {
        let Some(stride) = tensor.transposed else {
            let at = tensor.at + done as u64;
            return Ok(self.queue.write(&self.buffer, at, numbers)?);
        };
        self.queue.write(&self.rows, 0, numbers)?;
        let rows = (numbers.len() / columns) as u32;
        // Weights have fewer than 2^32 numbers: a file that was loaded is smaller than what a component
        // of 32 bits can count.
        let at = tensor.at as u32 + (done / columns) as u32;
        bert::transpose(
            self.queue,
            LaunchConfig::new(rows.div_ceil(WARP), WARP),
            &self.rows,
            &mut self.buffer,
            rows,
            columns as u32,
            at,
            stride as u32,
        )?;
        Ok(())
    }
}

fn sides(shape: &[usize]) -> String {
    let sides: Vec<_> = shape.iter().map(usize::to_string).collect();
    sides.join(" by ")
}
