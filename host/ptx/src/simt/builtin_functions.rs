//! What the functions of CUDA's device runtime do: printing, and assertions that fail. They read the
//! memory of the thread that calls them, as interpreter and compiled code have it.

use crate::simt::printf::{self, Arguments};
use crate::syntax::builtin_functions::BuiltinFunction;

/// The most bytes that one call prints; the rest is dropped.
const MOST_PRINTED: usize = 64 << 10;

/// The longest format.
const LONGEST_FORMAT: usize = 8 << 10;

/// The longest part of an assertion's message.
const LONGEST_PART: usize = 512;

/// The most arguments of a function.
pub(crate) const MOST_ARGUMENTS: usize = 5;

/// Why a call failed: the message of the fault.
pub(crate) type Refused = Box<String>;

/// The memory of the thread that calls.
pub(crate) trait CallerMemory {
    /// Reads so many bytes at a generic address.
    fn load(&self, address: u64, bytes: u32) -> Result<u64, Refused>;

    /// Takes what is printed.
    fn print(&self, text: &[u8]);
}

/// What a call comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Returned {
    /// The function's result; 0 where it has none.
    pub value: u64,
    /// How many bytes it read and printed, about.
    pub bytes: u64,
}

/// Calls a function. Arguments that it does not have are not looked at.
///
/// # Errors
/// What is wrong with an access, and the message of an assertion: that always fails.
pub(crate) fn call(
    function: BuiltinFunction,
    arguments: [u64; MOST_ARGUMENTS],
    memory: &impl CallerMemory,
) -> Result<Returned, Refused> {
    match function {
        BuiltinFunction::Print => {
            let [format, list, ..] = arguments;
            if format == 0 {
                // C's printf says so of a null format.
                return Ok(Returned {
                    value: u64::from(u32::MAX),
                    bytes: 0,
                });
            }
            print(format, list, memory)
        }
        BuiltinFunction::AssertFail => {
            let part = |address: u64| -> Result<String, Refused> {
                match address {
                    0 => Ok("?".to_owned()),
                    address => Ok(shown(&text(memory, address, LONGEST_PART)?)),
                }
            };
            let [message, file, line, function, _] = arguments;
            let (message, file, function) = (part(message)?, part(file)?, part(function)?);
            let line = line & 0xffff_ffff;
            Err(Box::new(format!(
                "{file}:{line}: {function}: assertion `{message}` failed"
            )))
        }
    }
}

/// A format's arguments, which lie in memory each at a multiple of its size.
struct InMemory<'m, M> {
    memory: &'m M,
    address: u64,
}

impl<M: CallerMemory> Arguments for InMemory<'_, M> {
    type Error = Refused;

    fn value(&mut self, bytes: u32) -> Result<u64, Refused> {
        let size = u64::from(bytes);
        let address = self.address.wrapping_add(size - 1) & !(size - 1);
        self.address = address.wrapping_add(size);
        self.memory.load(address, bytes)
    }

    fn text(&mut self, address: u64, most: usize) -> Result<Vec<u8>, Refused> {
        if address == 0 {
            return Ok(b"(null)".iter().copied().take(most).collect());
        }
        text(self.memory, address, most)
    }
}

fn print(format: u64, list: u64, memory: &impl CallerMemory) -> Result<Returned, Refused> {
    let text = text(memory, format, LONGEST_FORMAT)?;
    let mut arguments = InMemory {
        memory,
        address: list,
    };
    let mut out = Vec::new();
    let used = printf::format(&text, &mut arguments, MOST_PRINTED, &mut out)?;
    memory.print(&out);
    Ok(Returned {
        value: u64::from(used),
        bytes: (text.len() + out.len()) as u64,
    })
}

/// The bytes at an address, up to a NUL.
fn text(memory: &impl CallerMemory, address: u64, most: usize) -> Result<Vec<u8>, Refused> {
    let mut text = Vec::new();
    for offset in 0..most as u64 {
        match memory.load(address.wrapping_add(offset), 1)? {
            0 => break,
            byte => text.push(byte as u8),
        }
    }
    Ok(text)
}

/// A text of the kernel's as part of a message.
fn shown(text: &[u8]) -> String {
    String::from_utf8_lossy(text)
        .chars()
        .map(|letter| if letter.is_control() { '?' } else { letter })
        .collect()
}
