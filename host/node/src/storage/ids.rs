//! Names that are never used twice: random numbers of 128 bits.

use super::StorageError;

/// A kind's prefix and 32 hexadecimal digits.
pub(crate) fn random_id(prefix: &str) -> Result<String, StorageError> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(StorageError::NoRandomNumbers)?;
    Ok(format!("{prefix}{:032x}", u128::from_be_bytes(random)))
}
