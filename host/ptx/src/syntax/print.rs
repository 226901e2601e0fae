//! A module as text again. Blocks are flattened and only what is used is declared, so the text
//! differs from the one that was read; what it means does not.

mod function;

use std::fmt::{self, Display, Formatter};

use crate::syntax::module::{Module, Relocation, RelocationTarget, Variable, VariableSpace};
use crate::syntax::parse::heap::HEAP;
use crate::syntax::tree::Function;
use function::{Printed, local_variable};

/// For loops that are not to be unrolled.
const NO_UNROLLING: &str = ".pragma \"nounroll\";";

/// With `{:#}`, sums and products of floating point say that they round: where nothing
/// is said, NVIDIA's compiler may make one `fma` of two instructions, whose result is
/// another.
impl Display for Module {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (major, minor) = self.version;
        writeln!(f, ".version {major}.{minor}")?;
        writeln!(f, ".target sm_{}", self.target)?;
        writeln!(f, ".address_size 64")?;
        if self.is_unrolling_off {
            writeln!(f, "{NO_UNROLLING}")?;
        }
        // Declarations come first, since functions call one another in any order, and variables begin
        // with their addresses.
        for function in self
            .functions
            .iter()
            .filter(|function| function.entry.is_none())
        {
            let printed = Printed {
                module: self,
                function,
            };
            printed.device_head(f)?;
            writeln!(f, ";")?;
        }
        let provided = |function: &Function| function.provided;
        let has_heap = self.functions.iter().any(provided);
        for variable in &self.globals {
            if has_heap && variable.name == HEAP {
                continue;
            }
            self.global(f, variable)?;
        }
        for variable in &self.shared {
            local_variable(f, variable)?;
            writeln!(f, ";")?;
        }
        let (device, entries): (Vec<_>, Vec<_>) = self
            .functions
            .iter()
            .filter(|function| function.defined && !function.provided)
            .partition(|function| function.entry.is_none());
        for function in device.into_iter().chain(entries) {
            Printed {
                module: self,
                function,
            }
            .definition(f)?;
        }
        Ok(())
    }
}

impl Module {
    fn global(&self, f: &mut Formatter<'_>, variable: &Variable) -> fmt::Result {
        let space = match variable.space {
            VariableSpace::Global => "global",
            VariableSpace::Const => "const",
        };
        let (align, name, bytes) = (variable.align, &variable.name, variable.bytes);
        // Addresses need elements of eight bytes; everything else is bytes.
        if variable.relocations.is_empty() {
            write!(f, ".{space} .align {align} .b8 {name}[{bytes}]")?;
            if !variable.initial.is_empty() {
                write!(f, " = {{")?;
                for (index, byte) in variable.initial.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{byte}")?;
                }
                write!(f, "}}")?;
            }
            return writeln!(f, ";");
        }
        let whole = |relocation: &Relocation| relocation.offset.is_multiple_of(8);
        if !bytes.is_multiple_of(8) || !variable.relocations.iter().all(whole) {
            // NVIDIA's compiler takes the bytes of an address for numbers only, not for `.b8`.
            write!(f, ".{space} .align {align} .u8 {name}[{bytes}] = {{")?;
            self.bytes_with_addresses(f, variable)?;
            return writeln!(f, "}};");
        }
        write!(f, ".{space} .align {align} .u64 {name}[{}] = {{", bytes / 8)?;
        let mut relocations = variable.relocations.iter().peekable();
        for index in 0..bytes / 8 {
            let comma = if index == 0 { "" } else { ", " };
            let offset = index * 8;
            // They stand in the order of the text, which is that of their places.
            let relocation = relocations.next_if(|relocation| relocation.offset == offset);
            match relocation {
                Some(relocation) => {
                    write!(f, "{comma}{}", self.address(relocation))?;
                }
                None => {
                    let value = read_bytes(&variable.initial, offset);
                    write!(f, "{comma}{value}")?;
                }
            }
        }
        writeln!(f, "}};")
    }
}

impl Module {
    /// What stands for an address in an initial value.
    fn address(&self, relocation: &Relocation) -> String {
        match relocation.target {
            RelocationTarget::Variable(variable) => {
                let target = self.globals.get(variable as usize);
                let name = target.map_or("", |target| target.name.as_str());
                let addend = Plus(relocation.addend);
                match relocation.is_plain {
                    true => format!("{name}{addend}"),
                    false => format!("generic({name}){addend}"),
                }
            }
            RelocationTarget::Function(number) => {
                let target = self.device_function(number);
                target.map_or(String::new(), |target| target.name.clone())
            }
        }
    }

    /// The bytes of a variable in which addresses do not lie at multiples of their size.
    fn bytes_with_addresses(&self, f: &mut Formatter<'_>, variable: &Variable) -> fmt::Result {
        let mut relocations = variable.relocations.iter().peekable();
        let mut offset = 0;
        while offset < variable.bytes {
            let comma = if offset == 0 { "" } else { ", " };
            let next = relocations.next_if(|relocation| relocation.offset == offset);
            let Some(relocation) = next else {
                let byte = read_bytes(&variable.initial, offset) & 0xff;
                write!(f, "{comma}{byte}")?;
                offset += 1;
                continue;
            };
            let address = self.address(relocation);
            for byte in 0..8 {
                let comma = if byte == 0 { comma } else { ", " };
                let mask = 0xffu64 << (8 * byte);
                write!(f, "{comma}{mask:#x}({address})")?;
            }
            offset += 8;
        }
        Ok(())
    }
}

/// An offset behind an address: nothing where it is zero.
struct Plus(i64);

impl Display for Plus {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            offset => write!(f, "+{offset}"),
        }
    }
}

/// Eight little-endian bytes at an offset; what lies past the end is zero.
fn read_bytes(bytes: &[u8], offset: u64) -> u64 {
    let rest = usize::try_from(offset)
        .ok()
        .and_then(|start| bytes.get(start..));
    let mut word = [0; 8];
    for (place, byte) in word.iter_mut().zip(rest.unwrap_or_default()) {
        *place = *byte;
    }
    u64::from_le_bytes(word)
}
