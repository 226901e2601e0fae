//! What fits a parameter of a kernel whose PTX comes from another compiler, where the text says the
//! size but not whether an integer has a sign, or is an address.

use crate::buffer::{Buffer, FromIndex};
use crate::launch::{Argument, BFloat16, Half};

/// What fits a parameter of 8 bits.
pub trait Integer8<'a>: Argument<'a> {}

impl Integer8<'_> for u8 {}
impl Integer8<'_> for i8 {}

/// What fits an integer parameter of 16 bits.
pub trait Integer16<'a>: Argument<'a> {}

impl Integer16<'_> for u16 {}
impl Integer16<'_> for i16 {}

/// What fits a parameter of 16 bits of any kind.
pub trait Bits16<'a>: Argument<'a> {}

impl Bits16<'_> for u16 {}
impl Bits16<'_> for i16 {}
impl Bits16<'_> for Half {}
impl Bits16<'_> for BFloat16 {}

/// What fits an integer parameter of 32 bits.
pub trait Integer32<'a>: Argument<'a> {}

impl Integer32<'_> for u32 {}
impl Integer32<'_> for i32 {}

/// What fits an integer parameter of 64 bits: an integer, or a buffer.
pub trait Integer64<'a>: Argument<'a> {}

impl Integer64<'_> for u64 {}
impl Integer64<'_> for i64 {}
impl<'a, T> Integer64<'a> for &'a Buffer<T> {}
impl<'a, T> Integer64<'a> for FromIndex<'a, T> {}
