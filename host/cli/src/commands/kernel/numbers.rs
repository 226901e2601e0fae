//! Files of numbers: NumPy's format `.npy`, and bytes without a head, whose type is their file's
//! ending. The format is that of NumPy's own documentation, `numpy.lib.format`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context;

/// What a file of `.npy` begins with, before two bytes of a version.
const MAGIC: &[u8] = b"\x93NUMPY";

/// The longest head that is read.
const LONGEST_HEAD: usize = 64 << 10;

/// The type of the elements of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F16,
    F32,
    F64,
}

/// Each type: its name, which is also the ending of a file without a head, NumPy's name for it, and
/// its bytes.
const ELEMENTS: [(Element, &str, &str, usize); 11] = [
    (Element::U8, "u8", "|u1", 1),
    (Element::I8, "i8", "|i1", 1),
    (Element::U16, "u16", "<u2", 2),
    (Element::I16, "i16", "<i2", 2),
    (Element::U32, "u32", "<u4", 4),
    (Element::I32, "i32", "<i4", 4),
    (Element::U64, "u64", "<u8", 8),
    (Element::I64, "i64", "<i8", 8),
    (Element::F16, "f16", "<f2", 2),
    (Element::F32, "f32", "<f4", 4),
    (Element::F64, "f64", "<f8", 8),
];

impl Element {
    fn row(self) -> (Element, &'static str, &'static str, usize) {
        let found = ELEMENTS.iter().find(|(element, ..)| *element == self);
        found.copied().unwrap_or(ELEMENTS[0])
    }

    pub fn name(self) -> &'static str {
        self.row().1
    }

    pub fn bytes(self) -> usize {
        self.row().3
    }

    pub fn named(name: &str) -> Option<Element> {
        let found = ELEMENTS.iter().find(|(_, known, ..)| *known == name);
        found.map(|(element, ..)| *element)
    }

    /// An element as text.
    fn shown(self, bytes: &[u8]) -> String {
        let mut word = [0; 8];
        for (to, from) in word.iter_mut().zip(bytes) {
            *to = *from;
        }
        let bits = u64::from_le_bytes(word);
        // Signed numbers of fewer bits: the sign is copied upwards.
        let signed = |bits_of: u32| (bits << (64 - bits_of)).cast_signed() >> (64 - bits_of);
        match self {
            Element::U8 | Element::U16 | Element::U32 | Element::U64 => bits.to_string(),
            Element::I8 => signed(8).to_string(),
            Element::I16 => signed(16).to_string(),
            Element::I32 => signed(32).to_string(),
            Element::I64 => bits.cast_signed().to_string(),
            Element::F16 => format!("{bits:#06x}"),
            Element::F32 => format!("{:?}", f32::from_bits((bits & 0xffff_ffff) as u32)),
            Element::F64 => format!("{:?}", f64::from_bits(bits)),
        }
    }
}

/// Numbers of one type, in the order of memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbers {
    pub element: Element,
    pub bytes: Vec<u8>,
    /// As NumPy has it: the length of each dimension, and whether the first one is innermost.
    shape: Vec<u64>,
    fortran_order: bool,
}

impl Numbers {
    /// So many zeros.
    pub fn zeros(element: Element, count: usize) -> anyhow::Result<Numbers> {
        let bytes = count.checked_mul(element.bytes());
        let mut zeros = Vec::new();
        bytes
            .and_then(|bytes| zeros.try_reserve_exact(bytes).ok().map(|()| bytes))
            .map(|bytes| zeros.resize(bytes, 0))
            .with_context(|| format!("there is no memory for {count} numbers"))?;
        Ok(Numbers {
            element,
            bytes: zeros,
            shape: vec![count as u64],
            fortran_order: false,
        })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.element.bytes()
    }

    /// The same with other bytes, as many.
    pub fn with(&self, bytes: Vec<u8>) -> Numbers {
        Numbers {
            bytes,
            ..self.clone()
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// Where it can't be read, or is no file of numbers.
    pub fn read(path: &Path) -> anyhow::Result<Numbers> {
        let bytes = fs::read(path).with_context(|| format!("can't read {}", path.display()))?;
        let numbers = match bytes.starts_with(MAGIC) {
            true => parse_npy(&bytes),
            false => raw(path, bytes),
        };
        numbers.with_context(|| format!("{} is no file of numbers", path.display()))
    }

    /// Writes a file: with NumPy's head if it ends with `.npy`, else the bytes alone.
    ///
    /// # Errors
    ///
    /// Where it can't be written.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let mut bytes = Vec::new();
        if path.extension().is_some_and(|ending| ending == "npy") {
            bytes = self.npy_head();
        }
        bytes.extend_from_slice(&self.bytes);
        fs::write(path, bytes).with_context(|| format!("can't write {}", path.display()))
    }

    /// The first elements as text, at most so many.
    pub fn first(&self, count: usize) -> Vec<String> {
        let elements = self.bytes.chunks_exact(self.element.bytes());
        elements
            .take(count)
            .map(|bytes| self.element.shown(bytes))
            .collect()
    }

    /// The head of format version 1.0.
    fn npy_head(&self) -> Vec<u8> {
        let mut shape = String::new();
        for length in &self.shape {
            // Writing to a string can't fail.
            let _ = write!(shape, "{length}, ");
        }
        let order = if self.fortran_order { "True" } else { "False" };
        let descr = self.element.row().2;
        let mut head = format!(
            "{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({}), }}",
            shape.trim_end()
        );
        // So that the data begins at a multiple of 64 bytes.
        let before = MAGIC.len() + 4;
        let padded = (before + head.len() + 1).next_multiple_of(64) - before;
        while head.len() + 1 < padded {
            head.push(' ');
        }
        head.push('\n');
        let length = u16::try_from(head.len()).unwrap_or(u16::MAX);
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&[1, 0]);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(head.as_bytes());
        bytes
    }
}

/// A file of bytes without a head.
fn raw(path: &Path, bytes: Vec<u8>) -> anyhow::Result<Numbers> {
    let ending = path.extension().and_then(|ending| ending.to_str());
    let element = ending.and_then(Element::named).unwrap_or(Element::U8);
    if !bytes.len().is_multiple_of(element.bytes()) {
        anyhow::bail!(
            "its {} bytes are no multiple of the {} bytes of {}",
            bytes.len(),
            element.bytes(),
            element.name()
        );
    }
    Ok(Numbers {
        element,
        shape: vec![(bytes.len() / element.bytes()) as u64],
        bytes,
        fortran_order: false,
    })
}

fn parse_npy(bytes: &[u8]) -> anyhow::Result<Numbers> {
    let short = "it ends within its head";
    let (version, rest) = bytes.split_at_checked(MAGIC.len() + 2).context(short)?;
    let (length, rest) = match version.get(MAGIC.len()) {
        Some(1) => {
            let (length, rest) = rest.split_first_chunk::<2>().context(short)?;
            (usize::from(u16::from_le_bytes(*length)), rest)
        }
        Some(2 | 3) => {
            let (length, rest) = rest.split_first_chunk::<4>().context(short)?;
            (u32::from_le_bytes(*length) as usize, rest)
        }
        version => anyhow::bail!("it has the unknown version {version:?} of NumPy's format"),
    };
    if length > LONGEST_HEAD {
        anyhow::bail!("its head has {length} bytes, more than {LONGEST_HEAD}");
    }
    let (head, data) = rest.split_at_checked(length).context(short)?;
    let head = std::str::from_utf8(head).context("its head is no text")?;
    let descr = entry(head, "descr")?;
    let name = descr.trim_matches(['\'', '"']);
    let found = ELEMENTS.iter().find(|(_, _, known, _)| {
        // A byte has no order, and NumPy writes truth values as bytes.
        *known == name || (name == "|b1" && *known == "|u1")
    });
    let Some((element, ..)) = found else {
        anyhow::bail!(
            "its elements are {descr}, and not little-endian numbers of 8 to 64 bits: convert them \
             with `astype`"
        );
    };
    let fortran_order = match entry(head, "fortran_order")? {
        "True" => true,
        "False" => false,
        other => anyhow::bail!("its order is {other}"),
    };
    let shape = entry(head, "shape")?;
    let inner = shape.strip_prefix('(').and_then(|s| s.strip_suffix(')'));
    let lengths = inner.context("its head has no shape")?.split(',');
    let shape = lengths
        .map(str::trim)
        .filter(|length| !length.is_empty())
        .map(str::parse)
        .collect::<Result<Vec<u64>, _>>()
        .context("its shape has no numbers")?;
    let size = element.bytes() as u64;
    let expected = shape
        .iter()
        .try_fold(size, |all, length| all.checked_mul(*length));
    if expected != Some(data.len() as u64) {
        anyhow::bail!(
            "it has {} bytes of data, and its shape says otherwise",
            data.len()
        );
    }
    Ok(Numbers {
        element: *element,
        bytes: data.to_vec(),
        shape,
        fortran_order,
    })
}

/// A value of the head, which is a dictionary of Python with three known keys.
fn entry<'h>(head: &'h str, key: &str) -> anyhow::Result<&'h str> {
    let missing = || format!("its head has no `{key}`");
    let (_, rest) = head
        .split_once(&format!("'{key}':"))
        .with_context(missing)?;
    let rest = rest.trim_start();
    let end = match rest.starts_with('(') {
        true => rest.find(')').map(|end| end + 1),
        false => rest.find([',', '}']),
    };
    let value = end.and_then(|end| rest.get(..end));
    value.map(str::trim).with_context(missing)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// `numpy.save` of `numpy.array([[1, 2, 3], [4, 5, 6]], dtype="<f4")`, byte by byte.
    fn saved_by_numpy() -> Vec<u8> {
        let mut head = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }".to_owned();
        while head.len() < 117 {
            head.push(' ');
        }
        head.push('\n');
        let mut bytes = b"\x93NUMPY\x01\x00v\x00".to_vec();
        bytes.extend_from_slice(head.as_bytes());
        for number in [1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    #[test]
    fn what_numpy_saves_is_read_and_written_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("a.npy"), folder.path().join("b.npy"));
        fs::write(&from, saved_by_numpy()).unwrap();
        let numbers = Numbers::read(&from).unwrap();
        assert_eq!((numbers.element, numbers.len()), (Element::F32, 6));
        assert_eq!(numbers.first(2), ["1.0", "2.0"]);
        numbers.write(&to).unwrap();
        assert_eq!(Numbers::read(&to).unwrap(), numbers);
        assert!(fs::read(&to).unwrap().len().is_multiple_of(8));
    }

    #[test]
    fn bytes_without_a_head_have_the_type_of_their_files_ending() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.i16");
        fs::write(&path, [0xff, 0xff, 2, 0]).unwrap();
        let numbers = Numbers::read(&path).unwrap();
        assert_eq!(numbers.first(9), ["-1", "2"]);
        fs::write(&path, [1, 2, 3]).unwrap();
        let error = format!("{:#}", Numbers::read(&path).unwrap_err());
        assert!(
            error.contains("no multiple of the 2 bytes of i16"),
            "{error}"
        );
    }

    #[test]
    fn a_broken_file_is_refused_with_what_is_wrong() {
        let good = saved_by_numpy();
        let changed = |from: &str, to: &str| {
            let text: Vec<u8> = good.clone();
            let at = text
                .windows(from.len())
                .position(|part| part == from.as_bytes());
            let at = at.unwrap();
            [&text[..at], to.as_bytes(), &text[at + from.len()..]].concat()
        };
        for (bytes, word) in [
            (good[..7].to_vec(), "ends within its head"),
            (good[..40].to_vec(), "ends within its head"),
            (good[..good.len() - 1].to_vec(), "shape says otherwise"),
            (changed("<f4", ">f4"), "little-endian"),
            (changed("(2, 3)", "(2, x)"), "no numbers"),
            (changed("descr", "other"), "no `descr`"),
            (changed("\x01", "\x09"), "unknown version"),
        ] {
            let error = format!("{:#}", parse_npy(&bytes).unwrap_err());
            assert!(error.contains(word), "{error}");
        }
    }
}
