//! The account of one instance: the bytes of its linear memories and tables, and those that
//! the host holds for it, against one limit.
//!
//! What the host holds is counted as a garbage collector counts: each call that makes the
//! host hold more adds to a sum that only grows, and once the sum reaches the limit, what is
//! still held is measured. So nothing has to be told when something is dropped.

use std::fmt;

/// What an instance holds, and may hold, in bytes.
#[derive(Debug)]
pub(crate) struct InstanceAccount {
    limit: usize,
    /// Linear memories and tables, which never shrink.
    guest: usize,
    /// What the host held when that was last measured, and what was reserved since.
    host: usize,
    /// Whether a growth was refused, which is logged once.
    refused: bool,
}

/// The instance would hold more than it may.
#[derive(Debug, thiserror::Error)]
pub(crate) struct AccountExhausted {
    requested: usize,
    guest: usize,
    host: usize,
    limit: usize,
}

impl fmt::Display for AccountExhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "another {} bytes would take the instance past its limit of memory, {} bytes \
             (`--max-memory-bytes`): its linear memories and tables have {} bytes, and the host \
             holds {} bytes of header fields, bodies and other resources for it",
            self.requested, self.limit, self.guest, self.host
        )
    }
}

impl InstanceAccount {
    pub(crate) fn new(limit: usize) -> InstanceAccount {
        InstanceAccount {
            limit,
            guest: 0,
            host: 0,
            refused: false,
        }
    }

    /// Reserves bytes that the host is to hold. `measure` tells what it holds now, about.
    ///
    /// # Errors
    ///
    /// [`AccountExhausted`], and nothing is reserved.
    pub(crate) fn reserve(
        &mut self,
        bytes: usize,
        measure: impl FnOnce() -> usize,
    ) -> Result<(), AccountExhausted> {
        self.make_room(bytes, measure)?;
        self.host += bytes;
        Ok(())
    }

    /// Whether a linear memory or a table may grow by so many bytes, which are counted then.
    pub(crate) fn grow(&mut self, bytes: usize, measure: impl FnOnce() -> usize) -> bool {
        match self.make_room(bytes, measure) {
            Ok(()) => {
                self.guest += bytes;
                true
            }
            Err(error) => {
                if !self.refused {
                    self.refused = true;
                    tracing::info!("an instance's memory does not grow: {error}");
                }
                false
            }
        }
    }

    fn make_room(
        &mut self,
        bytes: usize,
        measure: impl FnOnce() -> usize,
    ) -> Result<(), AccountExhausted> {
        if self.fits(bytes) {
            return Ok(());
        }
        self.host = measure();
        if self.fits(bytes) {
            return Ok(());
        }
        Err(AccountExhausted {
            requested: bytes,
            guest: self.guest,
            host: self.host,
            limit: self.limit,
        })
    }

    fn fits(&self, bytes: usize) -> bool {
        let sum = self.guest.checked_add(self.host);
        sum.and_then(|sum| sum.checked_add(bytes))
            .is_some_and(|sum| sum <= self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_and_what_the_host_holds_share_one_limit() {
        let mut account = InstanceAccount::new(100);
        assert!(account.grow(60, || 0));
        assert!(account.reserve(40, || 0).is_ok());
        assert!(!account.grow(1, || 40));
        assert!(account.reserve(1, || 40).is_err());
    }

    #[test]
    fn what_was_dropped_since_makes_room() {
        let mut account = InstanceAccount::new(100);
        for _ in 0..1000 {
            assert!(account.reserve(30, || 0).is_ok());
        }
        assert!(account.reserve(71, || 30).is_err());
        assert!(account.reserve(70, || 30).is_ok());
    }

    #[test]
    fn no_number_overflows() {
        let mut account = InstanceAccount::new(usize::MAX);
        assert!(account.grow(usize::MAX, || 0));
        assert!(!account.grow(1, || usize::MAX));
        assert!(account.reserve(usize::MAX, || usize::MAX).is_err());
    }

    #[test]
    fn the_error_names_the_limit() {
        let error = InstanceAccount::new(7).reserve(8, || 0);
        let text = error.map_err(|error| error.to_string());
        assert!(text.is_err_and(|text| text.contains("7 bytes (`--max-memory-bytes`)")));
    }
}
