//! A parsed and checked module, as embedders see it: what it declares, not how it computes.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;

use crate::syntax::layout::{Layout, function_address};
use crate::syntax::source_lines::{SourceLine, SourceLines};
use crate::syntax::tree::{Callee, Function, LocalVariable, Operand};

/// The type that an entry declares for a parameter. `.b8` to `.b64` read as unsigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParamType {
    /// `.u8` or `.b8`.
    U8,
    /// `.u16` or `.b16`.
    U16,
    /// `.u32` or `.b32`.
    U32,
    /// `.u64` or `.b64`; pointers are declared so.
    U64,
    /// `.s8`.
    S8,
    /// `.s16`.
    S16,
    /// `.s32`.
    S32,
    /// `.s64`.
    S64,
    /// `.f16`.
    F16,
    /// `.bf16`.
    BF16,
    /// `.f32`.
    F32,
    /// `.f64`.
    F64,
    /// An array: a structure passed by value.
    Bytes {
        /// Its size.
        bytes: u32,
        /// Its alignment in bytes, a power of two.
        align: u32,
    },
}

/// A parameter of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    /// Its name in the module's text.
    pub name: String,
    /// What the entry declares it to be.
    pub ty: ParamType,
    /// Where it lies in the packed arguments, in bytes.
    pub offset: u32,
    /// Its size.
    pub bytes: u32,
    /// Its alignment in bytes, a power of two.
    pub align: u32,
}

/// The memory in which a module-scope variable lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VariableSpace {
    /// `.global`: kernels read and write it.
    Global,
    /// `.const`: kernels only read it.
    Const,
}

/// A module-scope `.global` or `.const` variable: device memory that the embedder allocates before
/// the first launch, and fills with [`initial`](Variable::initial).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    pub(crate) name: String,
    pub(crate) space: VariableSpace,
    pub(crate) bytes: u64,
    pub(crate) align: u32,
    /// Shorter than the variable where the rest is zero.
    pub(crate) initial: Vec<u8>,
    pub(crate) relocations: Vec<Relocation>,
}

/// A place in a variable's initial bytes that holds the address of another variable, or of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Relocation {
    /// Where, in bytes. Eight bytes are filled.
    pub offset: u64,
    pub target: RelocationTarget,
    /// What is added to it.
    pub addend: i64,
    /// Whether it is the address in the variable's own state space, where that is not the generic one.
    pub is_plain: bool,
}

/// Whose address is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RelocationTarget {
    /// An index into the module's variables.
    Variable(u32),
    /// The number of a device function.
    Function(u32),
}

impl Variable {
    /// Its name in the module's text.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The memory in which it lies.
    #[must_use]
    pub fn space(&self) -> VariableSpace {
        self.space
    }

    /// Its size.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Its alignment in bytes, a power of two.
    #[must_use]
    pub fn align(&self) -> u32 {
        self.align
    }

    /// What it holds before the first launch, up to the last byte that is not zero: the rest of the
    /// variable is zeros. `symbols` are the device addresses of all of the module's
    /// [`globals`](Module::globals), in their order.
    #[must_use]
    pub fn initial(&self, symbols: &[u64]) -> Vec<u8> {
        let mut bytes = self.initial.clone();
        for relocation in &self.relocations {
            let base = match relocation.target {
                RelocationTarget::Variable(variable) => {
                    symbols.get(variable as usize).copied().unwrap_or(0)
                }
                RelocationTarget::Function(number) => function_address(number),
            };
            let address = base.wrapping_add_signed(relocation.addend);
            let end = relocation.offset.saturating_add(8);
            let (Ok(start), Ok(end)) = (usize::try_from(relocation.offset), usize::try_from(end))
            else {
                continue;
            };
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            if let Some(place) = bytes.get_mut(start..end) {
                place.copy_from_slice(&address.to_le_bytes());
            }
        }
        bytes
    }
}

/// What an entry says of how it is to be compiled, by its directives (PTX ISA, "Performance-Tuning
/// Directives").
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) struct Tuning {
    /// `.maxntid`: the most threads of a block, in each dimension.
    pub max_threads: Option<[u64; 3]>,
    /// `.reqntid`: the threads of each block.
    pub required_threads: Option<[u64; 3]>,
    /// `.minnctapersm`: how many blocks a multiprocessor is to hold at least.
    pub min_blocks: Option<u32>,
    /// `.maxnreg`: the most registers of a thread.
    pub max_registers: Option<u32>,
}

/// A kernel: what a launch can name.
#[derive(Debug)]
pub struct Entry {
    pub(crate) name: String,
    pub(crate) params: Vec<Param>,
    pub(crate) param_bytes: u32,
    pub(crate) tuning: Tuning,
    pub(crate) shared_bytes: u32,
    pub(crate) local_bytes: u32,
    /// Its body: an index into the module's functions.
    pub(crate) function: u32,
    /// Where its variables lie.
    pub(crate) layout: Layout,
    /// What whoever runs it makes of it at the first launch: the interpreter's program.
    pub(crate) decoded: Extension,
}

impl Entry {
    /// Its name in the module's text.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its parameters, in order.
    #[must_use]
    pub fn params(&self) -> &[Param] {
        &self.params
    }

    /// How many bytes its packed arguments take.
    #[must_use]
    pub fn param_bytes(&self) -> u32 {
        self.param_bytes
    }

    /// The most threads of a block that it is compiled for (`.maxntid`, `.reqntid`), where it says.
    #[must_use]
    pub fn max_threads(&self) -> Option<u32> {
        let declared = [self.tuning.max_threads, self.tuning.required_threads];
        let products = declared.into_iter().flatten().map(|[x, y, z]| {
            let product = x.saturating_mul(y).saturating_mul(z);
            u32::try_from(product).unwrap_or(u32::MAX)
        });
        products.min()
    }

    /// The static shared memory of a block, in bytes: its own and that of all functions it calls.
    #[must_use]
    pub fn shared_bytes(&self) -> u32 {
        self.shared_bytes
    }

    /// The local memory of a thread, in bytes: its own and that of the functions it calls.
    #[must_use]
    pub fn local_bytes(&self) -> u32 {
        self.local_bytes
    }
}

/// A parsed and checked module.
#[derive(Debug, Default)]
pub struct Module {
    pub(crate) version: (u32, u32),
    pub(crate) target: u32,
    pub(crate) globals: Vec<Variable>,
    /// Whether no loop of it is to be unrolled: a `.pragma` outside of its functions says so.
    pub(crate) is_unrolling_off: bool,
    /// The `.shared` variables of the module, which every function sees.
    pub(crate) shared: Vec<LocalVariable>,
    pub(crate) entries: Vec<Entry>,
    /// The bodies of the entries, and the device functions.
    pub(crate) functions: Vec<Function>,
    /// The device functions by their number: indices into the functions.
    pub(crate) device_functions: Vec<u32>,
    /// Debug information, which changes nothing of what the module means.
    pub(crate) source_lines: SourceLines,
    /// What the state of one running block may take.
    pub(crate) block_bytes: u64,
    pub(crate) extension: Extension,
    /// What the programs of the interpreter take that are kept with the entries, in bytes.
    pub(crate) decoded_bytes: AtomicU64,
    /// The indices of the entries by their names: made when the first one is looked up.
    pub(crate) entry_indices: OnceLock<HashMap<String, usize>>,
}

/// What others make of a module or of an entry, and keep with it.
#[derive(Default)]
pub(crate) struct Extension(OnceLock<Box<dyn Any + Send + Sync>>);

impl fmt::Debug for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extension").finish_non_exhaustive()
    }
}

impl Extension {
    /// What is kept, if anything of this type is.
    pub(crate) fn get<T: Any>(&self) -> Option<&T> {
        self.0.get()?.downcast_ref()
    }

    /// What is kept: made at the first call, and gone with its owner. `None` where it is of another
    /// type.
    pub(crate) fn get_or_make<T: Any + Send + Sync>(&self, make: impl FnOnce() -> T) -> Option<&T> {
        let made = self.0.get_or_init(|| Box::new(make()));
        made.downcast_ref()
    }
}

impl Module {
    /// The line of the author's source that a line of the text comes from, where the text has debug
    /// information (`.loc`).
    pub fn source_line(&self, line: u32) -> Option<SourceLine<'_>> {
        self.source_lines.find(line)
    }

    /// The device function of a number.
    pub(crate) fn device_function(&self, number: u32) -> Option<&Function> {
        let index = self.device_functions.get(number as usize)?;
        self.functions.get(*index as usize)
    }

    /// What an embedder makes of the module and keeps with it, such as its compiled kernels: made at
    /// the first call, and gone with the module. `None` where it is of another type.
    pub fn extension<T: Any + Send + Sync>(&self, make: impl FnOnce() -> T) -> Option<&T> {
        self.extension.get_or_make(make)
    }

    /// The PTX version that it is written in, major and minor.
    #[must_use]
    pub fn version(&self) -> (u32, u32) {
        self.version
    }

    /// The architecture that it is written for: 75 stands for `sm_75`.
    #[must_use]
    pub fn target(&self) -> u32 {
        self.target
    }

    /// Its kernels, in the order of the text.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The kernel of this name.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.get(self.entry_index(name)?)
    }

    /// Where among the [`entries`](Module::entries) the kernel of this name is.
    #[must_use]
    pub fn entry_index(&self, name: &str) -> Option<usize> {
        let indices = self.entry_indices.get_or_init(|| {
            let entries = self.entries.iter().enumerate();
            let names = entries.map(|(index, entry)| (entry.name.clone(), index));
            names.collect()
        });
        indices.get(name).copied()
    }

    /// Its module-scope `.global` and `.const` variables, in the order of the text.
    #[must_use]
    pub fn globals(&self) -> &[Variable] {
        &self.globals
    }
}

/// Entries are equal when they mean the same, wherever they stand in their text.
impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        (&self.name, &self.params, &self.tuning) == (&other.name, &other.params, &other.tuning)
            && (self.param_bytes, self.shared_bytes, self.local_bytes)
                == (other.param_bytes, other.shared_bytes, other.local_bytes)
    }
}

/// Modules are equal when they mean the same, however their texts are laid out.
impl PartialEq for Module {
    fn eq(&self, other: &Module) -> bool {
        (self.version, self.target, self.is_unrolling_off)
            == (other.version, other.target, other.is_unrolling_off)
            && self.globals == other.globals
            && self.shared == other.shared
            && self.entries == other.entries
            && same_functions(&self.functions, &other.functions)
    }
}

/// Functions may stand in another order, so they are compared by name, and so are those they call.
fn same_functions(ours: &[Function], theirs: &[Function]) -> bool {
    let renumbered = |function: &Function| {
        let mut function = function.clone();
        let instructions = function.body.iter_mut();
        for operand in instructions.flat_map(|instruction| &mut instruction.operands) {
            let Operand::Call(site) = operand else {
                continue;
            };
            let called = match &mut site.callee {
                Callee::Function(called) => std::slice::from_mut(called),
                Callee::Pointer(call) => call.functions.as_mut_slice(),
            };
            for called in called {
                let name = theirs.get(*called as usize).map(|callee| &callee.name);
                let place = ours.iter().position(|callee| Some(&callee.name) == name);
                let place = place.and_then(|place| u32::try_from(place).ok());
                *called = place.unwrap_or(u32::MAX);
            }
        }
        function
    };
    ours.len() == theirs.len()
        && ours.iter().all(|function| {
            let other = theirs.iter().find(|other| other.name == function.name);
            other.is_some_and(|other| *function == renumbered(other))
        })
}
