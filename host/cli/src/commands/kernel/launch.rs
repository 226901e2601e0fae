//! A launch on the command line: the kernel, its arguments, and how many threads run it.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use tensor_wasm_device::{Argument, Extent};
use tensor_wasm_ptx::{Limits, Module, Param, ParamType};

use super::numbers::{Element, Numbers};
use super::type_name;

/// Threads of a block where nothing is said: several warps, and few enough for most kernels.
const BLOCK: u32 = 256;

// No documentation: it would become that of the commands.
#[derive(Args)]
pub struct LaunchOptions {
    /// The PTX file
    file: PathBuf,
    /// The kernel; needed where the file has more than one
    #[arg(long, value_name = "NAME")]
    kernel: Option<String>,
    /// The next argument. For a buffer `@FILE` (.npy, or bytes whose ending is their type: .f32,
    /// .u8 …) or `zeros:COUNT:TYPE`; for a number the number; for a structure or the bits of
    /// f16 and bf16 `0x` with its bytes or bits
    #[arg(long = "arg", value_name = "ARGUMENT", allow_hyphen_values = true)]
    arguments: Vec<String>,
    /// The threads of a block: X, X,Y or X,Y,Z
    #[arg(long, value_name = "EXTENT")]
    block: Option<Shape>,
    /// The blocks of the grid: X, X,Y or X,Y,Z; by default a thread for each element of the
    /// longest buffer
    #[arg(long, value_name = "EXTENT")]
    grid: Option<Shape>,
    /// Dynamic shared memory of a block, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    shared: u32,
}

/// Three dimensions, of which those that are not named are 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape(Extent);

impl FromStr for Shape {
    type Err = String;

    fn from_str(text: &str) -> Result<Shape, String> {
        let numbers: Vec<_> = text.split(',').map(|n| n.trim().parse::<u32>()).collect();
        let numbers: Vec<u32> = numbers
            .into_iter()
            .collect::<Result<_, _>>()
            .map_err(|_| "write one, two or three numbers, such as 16,16".to_owned())?;
        let (x, y, z) = match numbers.as_slice() {
            [x] => (*x, 1, 1),
            [x, y] => (*x, *y, 1),
            [x, y, z] => (*x, *y, *z),
            _ => return Err("an extent has at most three numbers".to_owned()),
        };
        Ok(Shape(Extent { x, y, z }))
    }
}

/// An argument as it was given.
#[derive(Debug)]
pub enum Given {
    Buffer(Numbers),
    Value(Argument),
}

/// A launch that is ready to be made.
#[derive(Debug)]
pub struct Prepared {
    pub text: Vec<u8>,
    pub module: Arc<Module>,
    pub kernel: String,
    pub grid: Extent,
    pub block: Extent,
    pub shared: u32,
    /// With the names of their parameters.
    pub arguments: Vec<(String, Given)>,
}

impl LaunchOptions {
    /// Reads the files, and checks the arguments against the kernel's parameters.
    ///
    /// # Errors
    ///
    /// Where a file can't be read, the module has errors, or an argument does not fit.
    pub fn prepare(&self) -> anyhow::Result<Prepared> {
        let text = crate::commands::read(&self.file)?;
        let name = self.file.display();
        let module = tensor_wasm_ptx::parse(&text, &Limits::default()).map_err(|found| {
            let lines = found
                .iter()
                .map(|diagnostic| format!("{name}:{diagnostic}"));
            anyhow::anyhow!(
                "{name} can't be run:\n{}",
                lines.collect::<Vec<_>>().join("\n")
            )
        })?;
        let names: Vec<_> = module.entries().iter().map(|entry| entry.name()).collect();
        let kernel = match (&self.kernel, names.as_slice()) {
            (_, []) => anyhow::bail!("{name} has no kernel (`.entry`)"),
            (None, [only]) => (*only).to_owned(),
            (Some(wanted), names) if names.contains(&wanted.as_str()) => wanted.clone(),
            (Some(wanted), names) => {
                anyhow::bail!(
                    "{name} has no kernel `{wanted}`: it has {}",
                    names.join(", ")
                )
            }
            (None, names) => anyhow::bail!(
                "{name} has several kernels: name one with --kernel: {}",
                names.join(", ")
            ),
        };
        let entry = module.entry(&kernel).context("the kernel is not there")?;
        let params = entry.params();
        if params.len() != self.arguments.len() {
            let list = params
                .iter()
                .map(|p| format!("{} {}", type_name(p), p.name));
            anyhow::bail!(
                "kernel {kernel} takes {} arguments, and {} are given with --arg: {}",
                params.len(),
                self.arguments.len(),
                list.collect::<Vec<_>>().join(", ")
            );
        }
        let given = params.iter().zip(&self.arguments);
        let arguments = given
            .map(|(param, text)| {
                let given = argument(param, text)
                    .with_context(|| format!("--arg {text}, for parameter {}", param.name))?;
                Ok((param.name.clone(), given))
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        let block = match self.block {
            Some(Shape(block)) => block,
            None => line(BLOCK.min(entry.max_threads().unwrap_or(BLOCK))),
        };
        let grid = match self.grid {
            Some(Shape(grid)) => grid,
            None => {
                let lengths = arguments.iter().filter_map(|(_, given)| match given {
                    Given::Buffer(numbers) => Some(numbers.len()),
                    Given::Value(_) => None,
                });
                let threads = lengths.max().unwrap_or(1).max(1);
                let blocks = threads.div_ceil(block.x.max(1) as usize);
                line(u32::try_from(blocks).context("there are too many elements for one grid")?)
            }
        };
        Ok(Prepared {
            text,
            module: Arc::new(module),
            kernel,
            grid,
            block,
            shared: self.shared,
            arguments,
        })
    }
}

fn line(x: u32) -> Extent {
    Extent { x, y: 1, z: 1 }
}

/// An argument for a parameter.
fn argument(param: &Param, text: &str) -> anyhow::Result<Given> {
    let ty = param.ty;
    let is_pointer = matches!(ty, ParamType::U64 | ParamType::S64);
    let buffer = match (text.strip_prefix('@'), text.strip_prefix("zeros:")) {
        (Some(path), _) => Some(Numbers::read(&PathBuf::from(path))?),
        (None, Some(zeros)) => {
            let (count, name) = zeros.split_once(':').unwrap_or((zeros, "u8"));
            let element = Element::named(name)
                .with_context(|| format!("`{name}` is no type: write u8, i32, f32 …"))?;
            let count = count.parse().context("write zeros:COUNT:TYPE")?;
            Some(Numbers::zeros(element, count)?)
        }
        (None, None) => None,
    };
    if let Some(numbers) = buffer {
        if !is_pointer {
            anyhow::bail!("the parameter is a {} and no address", type_name(param));
        }
        return Ok(Given::Buffer(numbers));
    }
    let wanted = || format!("write a number: the parameter is a {}", type_name(param));
    Ok(Given::Value(match ty {
        ParamType::U8 => Argument::U8(integer(text).with_context(wanted)?),
        ParamType::U16 => Argument::U16(integer(text).with_context(wanted)?),
        ParamType::U32 => Argument::U32(unsigned_32(text).with_context(wanted)?),
        ParamType::U64 => Argument::U64(integer(text).with_context(|| {
            format!(
                "the parameter is a {}: write @FILE or zeros:COUNT:TYPE for a buffer, or a number",
                type_name(param)
            )
        })?),
        ParamType::S8 => Argument::S8(integer(text).with_context(wanted)?),
        ParamType::S16 => Argument::S16(integer(text).with_context(wanted)?),
        ParamType::S32 => Argument::S32(integer(text).with_context(wanted)?),
        ParamType::S64 => Argument::S64(integer(text).with_context(wanted)?),
        ParamType::F16 => Argument::F16(bits(text).with_context(wanted)?),
        ParamType::BF16 => Argument::BF16(bits(text).with_context(wanted)?),
        ParamType::F32 => Argument::F32(text.parse().ok().with_context(wanted)?),
        ParamType::F64 => Argument::F64(text.parse().ok().with_context(wanted)?),
        ParamType::Bytes { bytes, .. } => {
            let given = hexadecimal(text);
            let given = given.filter(|given| given.len() == bytes as usize);
            Argument::Bytes(given.with_context(|| {
                format!("write the {bytes} bytes of the structure as 0x and two digits each")
            })?)
        }
    }))
}

/// A whole number, decimal or with `0x`.
fn integer<T: TryFrom<i128>>(text: &str) -> Option<T> {
    let number = match text.strip_prefix("0x") {
        Some(digits) => i128::from_str_radix(digits, 16).ok()?,
        None => text.parse::<i128>().ok()?,
    };
    T::try_from(number).ok()
}

/// Compilers declare an `int` as `.u32` too.
fn unsigned_32(text: &str) -> Option<u32> {
    integer(text).or_else(|| integer::<i32>(text).map(i32::cast_unsigned))
}

fn bits(text: &str) -> Option<u16> {
    text.starts_with("0x").then(|| integer(text)).flatten()
}

/// Bytes in the order of memory, as `0x` and two digits each.
fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x")?;
    if !digits.is_ascii() || !digits.len().is_multiple_of(2) {
        return None;
    }
    let pairs = (0..digits.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extent_has_one_to_three_numbers() {
        let extent = |text: &str| text.parse::<Shape>().map(|shape| shape.0);
        assert_eq!(extent("7"), Ok(line(7)));
        assert_eq!(extent("2,3,4"), Ok(Extent { x: 2, y: 3, z: 4 }));
        for bad in ["", "a", "1,2,3,4", "-1", "1;2"] {
            assert!(extent(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn numbers_are_checked_against_the_range_of_their_type() {
        assert_eq!(integer::<u8>("255"), Some(255));
        assert_eq!(integer::<u8>("256"), None);
        assert_eq!(integer::<i8>("-128"), Some(-128));
        assert_eq!(integer::<u64>("0xffffffffffffffff"), Some(u64::MAX));
        assert_eq!(unsigned_32("-1"), Some(u32::MAX));
        assert_eq!(bits("0x3c00"), Some(0x3c00));
        assert_eq!(bits("1"), None);
        assert_eq!(hexadecimal("0x00ff"), Some(vec![0, 255]));
        for bad in ["00ff", "0x0", "0xgg", "0xüü"] {
            assert_eq!(hexadecimal(bad), None, "{bad}");
        }
    }
}
