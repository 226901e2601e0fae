//! What is compared: a kernel of the corpus, its problem, and when two results are the same.

use tensor_wasm_device::{Argument, Extent};

/// A kernel of the corpus that was written again in Rust.
pub struct Case {
    /// The kernel in Rust.
    pub name: &'static str,
    /// The folder in the corpus.
    pub corpus: &'static str,
    /// The kernel in CUDA C.
    pub entry: &'static str,
    pub grid: Extent,
    pub block: Extent,
    /// Bytes of shared memory that the launch states; in Rust it is static.
    pub dynamic_shared: u32,
    pub args: Vec<Arg>,
}

/// An argument of both kernels.
pub enum Arg {
    Buffer(Contents),
    Value(Argument),
}

/// What a buffer contains first, and how results in it are compared.
pub struct Contents {
    pub bytes: Vec<u8>,
    /// Bytes of an element of the slice in Rust.
    pub element: u64,
    pub values: Values,
}

/// When two buffers are the same.
#[derive(Clone, Copy)]
pub enum Values {
    Bits,
    /// The same numbers of 32 bits, in any order: threads take their places in no fixed one.
    AnyOrder,
    /// Numbers near each other: operations are fused in one of them, or approximated.
    F16(f64),
    Bf16(f64),
    F32(f64),
    F64(f64),
}

impl Case {
    /// A kernel of the same name as its folder.
    pub fn new(name: &'static str, grid: (u32, u32), block: (u32, u32), args: Vec<Arg>) -> Case {
        let plane = |(x, y)| Extent { x, y, z: 1 };
        Case {
            name,
            corpus: name,
            entry: name,
            grid: plane(grid),
            block: plane(block),
            dynamic_shared: 0,
            args,
        }
    }

    /// A kernel with another name than its folder.
    pub fn of(self, corpus: &'static str, entry: &'static str) -> Case {
        Case {
            corpus,
            entry,
            ..self
        }
    }
}

impl Arg {
    pub fn buffer(&self) -> Option<&Contents> {
        match self {
            Arg::Buffer(contents) => Some(contents),
            _ => None,
        }
    }

    /// How results in it are compared, instead of bit by bit.
    pub fn compared(self, values: Values) -> Arg {
        match self {
            Arg::Buffer(contents) => Arg::Buffer(Contents { values, ..contents }),
            other => other,
        }
    }

    /// Elements of the slice in Rust are so large.
    pub fn elements_of(self, element: u64) -> Arg {
        match self {
            Arg::Buffer(contents) => Arg::Buffer(Contents {
                element,
                ..contents
            }),
            other => other,
        }
    }
}

impl Values {
    /// Whether two buffers agree.
    ///
    /// # Errors
    /// The first difference, in words.
    pub fn agree(self, found: &[u8], expected: &[u8]) -> Result<(), String> {
        let differs =
            |place: usize, found: &dyn std::fmt::Debug, expected: &dyn std::fmt::Debug| {
                Err(format!(
                    "at {place}: {found:?} from Rust is not {expected:?} from NVRTC"
                ))
            };
        match self {
            Values::Bits => {
                let place = found.iter().zip(expected).position(|(a, b)| a != b);
                match place {
                    Some(place) => differs(place, &found.get(place), &expected.get(place)),
                    None => Ok(()),
                }
            }
            Values::AnyOrder => {
                let sorted = |bytes: &[u8]| {
                    let mut words: Vec<[u8; 4]> = bytes.as_chunks().0.to_vec();
                    words.sort_unstable();
                    words
                };
                let same = sorted(found) == sorted(expected);
                if same {
                    Ok(())
                } else {
                    Err("other values".to_owned())
                }
            }
            Values::F16(tolerance) => {
                let number = |word: [u8; 2]| half::f16::from_le_bytes(word).into();
                near(
                    &numbers(found, number),
                    &numbers(expected, number),
                    tolerance,
                )
            }
            Values::Bf16(tolerance) => {
                let number = |word: [u8; 2]| half::bf16::from_le_bytes(word).into();
                near(
                    &numbers(found, number),
                    &numbers(expected, number),
                    tolerance,
                )
            }
            Values::F32(tolerance) => {
                let number = |word: [u8; 4]| f32::from_le_bytes(word).into();
                near(
                    &numbers(found, number),
                    &numbers(expected, number),
                    tolerance,
                )
            }
            Values::F64(tolerance) => near(
                &numbers(found, f64::from_le_bytes),
                &numbers(expected, f64::from_le_bytes),
                tolerance,
            ),
        }
    }
}

fn numbers<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    let (words, _) = bytes.as_chunks();
    words.iter().map(|word| number(*word)).collect()
}

/// Whether numbers are near each other, in relation to their size.
fn near(found: &[f64], expected: &[f64], tolerance: f64) -> Result<(), String> {
    for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
        let is_near = (found - expected).abs() <= tolerance * (1.0 + expected.abs());
        let are_no_numbers = found.is_nan() && expected.is_nan();
        if !is_near && !are_no_numbers {
            return Err(format!(
                "at {place}: {found} from Rust is not {expected} from NVRTC"
            ));
        }
    }
    Ok(())
}
