//! Ids of traces and spans (W3C Trace Context, section 3.2.2).

use std::fmt;
use std::num::{NonZeroU64, NonZeroU128};

/// The id of a trace: 16 bytes, not all of them zero. All spans that one request causes have it,
/// in whichever servers.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(NonZeroU128);

impl TraceId {
    /// A new one. It is no secret, so the generator only has to be fast.
    pub fn random() -> TraceId {
        TraceId(NonZeroU128::new(fastrand::u128(..)).unwrap_or(NonZeroU128::MIN))
    }

    /// The one of this number, which is read as 16 bytes in network order; `None` for zero.
    pub fn from_number(number: u128) -> Option<TraceId> {
        NonZeroU128::new(number).map(TraceId)
    }

    /// As a number.
    pub fn number(self) -> u128 {
        self.0.get()
    }
}

/// The id of a span: 8 bytes, not all of them zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId(NonZeroU64);

impl SpanId {
    /// A new one.
    pub fn random() -> SpanId {
        SpanId(NonZeroU64::new(fastrand::u64(..)).unwrap_or(NonZeroU64::MIN))
    }

    /// The one of this number, which is read as 8 bytes in network order; `None` for zero.
    pub fn from_number(number: u64) -> Option<SpanId> {
        NonZeroU64::new(number).map(SpanId)
    }

    /// As a number.
    pub fn number(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceId({self})")
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SpanId({self})")
    }
}

/// A digit of a number in hexadecimal, in lower case. By hand, since the formatter of the
/// standard library takes longer than all the rest of what a header needs.
pub(crate) fn hexadecimal(nibble: u8) -> u8 {
    match nibble & 15 {
        digit @ 0..10 => b'0' + digit,
        digit => b'a' + digit - 10,
    }
}
