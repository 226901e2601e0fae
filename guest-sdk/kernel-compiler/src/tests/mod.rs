//! Tests of the compiler on source text, whose PTX runs in the host's interpreter.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod meaning;
mod random;
mod refused;
mod signatures;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tensor_wasm_ptx::address::GLOBAL_BASE;
use tensor_wasm_ptx::interpret::run_grid;
use tensor_wasm_ptx::simt::{Launch, Memory, MemoryError};
use tensor_wasm_ptx::{Extent, Limits, Module, parse};

use crate::compile::compile;
use crate::items::Items;

/// The PTX of a kernel's source, or of a module's.
fn ptx_of(source: &str) -> Result<String, syn::Error> {
    let file: syn::File = syn::parse_str(source).expect("the source parses");
    let is_kernel = |function: &syn::ItemFn| function.sig.ident.to_string().starts_with("kernel");
    let mut items = Items::default();
    let (kernels, others): (Vec<_>, Vec<_>) = file
        .items
        .iter()
        .partition(|item| matches!(item, syn::Item::Fn(function) if is_kernel(function)));
    items.collect(others.into_iter())?;
    let kernels: Vec<&syn::ItemFn> = kernels
        .into_iter()
        .filter_map(|item| match item {
            syn::Item::Fn(function) => Some(function),
            _ => None,
        })
        .collect();
    for kernel in &kernels {
        items.collect(
            kernel
                .block
                .stmts
                .iter()
                .filter_map(|statement| match statement {
                    syn::Stmt::Item(item) => Some(item),
                    _ => None,
                }),
        )?;
    }
    compile(&items, &kernels).map(|compiled| compiled.ptx)
}

/// The module of a source that must be right.
#[track_caller]
fn module(source: &str) -> Arc<Module> {
    let ptx = match ptx_of(source) {
        Ok(ptx) => ptx,
        Err(errors) => {
            let shown: Vec<String> = errors.into_iter().map(|error| error.to_string()).collect();
            panic!("{}\n{source}", shown.join("\n"));
        }
    };
    assemble(&ptx);
    match parse(ptx.as_bytes(), &Limits::default()) {
        Ok(module) => Arc::new(module),
        Err(found) => {
            let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
            panic!("{}\n{ptx}", shown.join("\n"));
        }
    }
}

/// NVIDIA's assembler takes the text too, where `TENSOR_WASM_PTXAS` says where it is.
#[track_caller]
fn assemble(ptx: &str) {
    let Some(assembler) = std::env::var_os("TENSOR_WASM_PTXAS") else {
        return;
    };
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, ptx.as_bytes()).unwrap();
    let mut command = std::process::Command::new(assembler);
    command
        .args(["--gpu-name=sm_90", "--output-file=/dev/null"])
        .arg(file.path());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{ptx}");
}

/// Memory of a device: bytes from `GLOBAL_BASE` on.
struct Bytes(Mutex<Vec<u8>>);

impl Bytes {
    fn range(&self, address: u64, bytes: u32) -> Result<std::ops::Range<usize>, MemoryError> {
        let start = usize::try_from(address.wrapping_sub(GLOBAL_BASE)).unwrap_or(usize::MAX);
        let end = start.saturating_add(bytes as usize);
        match end <= self.0.lock().unwrap().len() {
            true => Ok(start..end),
            false => Err(MemoryError::Unmapped { address }),
        }
    }
}

impl Memory for Bytes {
    fn load(&self, address: u64, bytes: u32) -> Result<u64, MemoryError> {
        let range = self.range(address, bytes)?;
        let mut word = [0; 8];
        word[..range.len()].copy_from_slice(&self.0.lock().unwrap()[range]);
        Ok(u64::from_le_bytes(word))
    }

    fn store(&self, address: u64, bytes: u32, value: u64) -> Result<(), MemoryError> {
        self.update(address, bytes, &mut |_| value).map(drop)
    }

    fn update(
        &self,
        address: u64,
        bytes: u32,
        f: &mut dyn FnMut(u64) -> u64,
    ) -> Result<u64, MemoryError> {
        let range = self.range(address, bytes)?;
        let old = self.load(address, bytes)?;
        let new = f(old).to_le_bytes();
        self.0.lock().unwrap()[range.clone()].copy_from_slice(&new[..range.len()]);
        Ok(old)
    }
}

/// What a test passes to a kernel.
enum Argument {
    U32(u32),
    F32(f32),
    /// A buffer of words: its address and its length.
    Words(Vec<u32>),
    Longs(Vec<u64>),
}

/// Runs the kernel of a source, and returns the buffers as bytes, or the message of the fault.
#[track_caller]
fn run(
    module: &Arc<Module>,
    kernel: &str,
    blocks: u32,
    threads: u32,
    arguments: &[Argument],
) -> Result<Vec<Vec<u8>>, String> {
    let mut memory = Vec::new();
    let mut packed: Vec<u8> = Vec::new();
    let mut buffers = BTreeMap::new();
    for (number, argument) in arguments.iter().enumerate() {
        let (bytes, len) = match argument {
            Argument::U32(value) => {
                packed.extend(value.to_le_bytes());
                continue;
            }
            Argument::F32(value) => {
                packed.extend(value.to_le_bytes());
                continue;
            }
            Argument::Words(words) => (
                words
                    .iter()
                    .flat_map(|word| word.to_le_bytes())
                    .collect::<Vec<u8>>(),
                words.len(),
            ),
            Argument::Longs(longs) => (
                longs.iter().flat_map(|long| long.to_le_bytes()).collect(),
                longs.len(),
            ),
        };
        packed.resize(packed.len().next_multiple_of(8), 0);
        let start = memory.len();
        packed.extend((GLOBAL_BASE + start as u64).to_le_bytes());
        packed.extend((len as u64).to_le_bytes());
        buffers.insert(number, start..start + bytes.len());
        memory.extend(bytes);
        memory.resize(memory.len().next_multiple_of(256) + 256, 0);
    }
    let mut symbols = Vec::new();
    for variable in module.globals() {
        symbols.push(GLOBAL_BASE + memory.len() as u64);
        let initial = variable.initial(&[]);
        memory.extend(&initial);
        let size = memory.len() - initial.len() + variable.bytes() as usize;
        memory.resize(size.next_multiple_of(256), 0);
    }
    let memory = Bytes(Mutex::new(memory));
    let line = |x| Extent { x, y: 1, z: 1 };
    let launch = Launch::new(
        Arc::clone(module),
        kernel,
        line(blocks),
        line(threads),
        0,
        packed,
        symbols,
    );
    let launch = launch.expect("the launch fits the kernel");
    run_grid(&launch, &memory, 10_000_000).map_err(|error| error.to_string())?;
    let bytes = memory.0.into_inner().unwrap();
    Ok(buffers
        .into_values()
        .map(|range| bytes[range].to_vec())
        .collect())
}

fn words(bytes: &[u8]) -> Vec<u32> {
    bytes
        .chunks_exact(4)
        .map(|word| u32::from_le_bytes(word.try_into().unwrap()))
        .collect()
}

/// The words that a kernel `kernel(out: GlobalMut<u32>)` writes, in 32 threads.
#[track_caller]
fn output(source: &str, len: usize) -> Vec<u32> {
    let module = module(source);
    let found = run(&module, "kernel", 1, 32, &[Argument::Words(vec![0; len])]);
    words(&found.unwrap_or_else(|error| panic!("{error}\n{source}"))[0])
}
