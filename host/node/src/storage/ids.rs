//! Names that are never used twice: random numbers of 128 bits.

use super::StorageError;

/// A kind's prefix, the time, and random digits: 32 hexadecimal digits in all. Later ones are
/// greater as texts.
pub(crate) fn ordered_id(prefix: &str, now_ms: i64) -> Result<String, StorageError> {
    let random = random_id("")?;
    let time = now_ms.max(0) & 0xffff_ffff_ffff;
    Ok(format!(
        "{prefix}{time:012x}{}",
        random.get(12..).unwrap_or_default()
    ))
}

/// A kind's prefix and 32 hexadecimal digits.
pub(crate) fn random_id(prefix: &str) -> Result<String, StorageError> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(StorageError::NoRandomNumbers)?;
    Ok(format!("{prefix}{:032x}", u128::from_be_bytes(random)))
}
