//! Little-endian values in memory that the interpreter keeps itself.

use crate::numeric::integer::mask;

/// Reads a value of at most eight bytes; `None` where not all of it lies there.
#[inline(always)]
pub(crate) fn read(bytes: &[u8], offset: u64, count: u32) -> Option<u64> {
    let start = usize::try_from(offset).ok()?;
    if let Some(word) = bytes.get(start..start.checked_add(8)?) {
        return Some(u64::from_le_bytes(word.try_into().ok()?) & mask(count * 8));
    }
    let bytes = bytes.get(start..start.checked_add(count as usize)?)?;
    let mut word = [0; 8];
    word.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(u64::from_le_bytes(word))
}

/// Writes the low bytes of a value; `None`, and nothing written, where they do not fit.
#[inline(always)]
pub(crate) fn write(bytes: &mut [u8], offset: u64, count: u32, value: u64) -> Option<()> {
    let start = usize::try_from(offset).ok()?;
    let place = bytes.get_mut(start..start.checked_add(count as usize)?)?;
    place.copy_from_slice(value.to_le_bytes().get(..count as usize)?);
    Some(())
}
