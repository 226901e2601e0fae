//! The arithmetic builder, in the manner of LLVM's `IRBuilder`: functions that the interpreter and the
//! compiler have in common are written over it once, in operations that every engine of WebAssembly has
//! for one number and for a vector of them. `int_builder.rs` has its counterpart for integers.
//!
//! The interpreter's builder computes each operation at once. The compiler's adds to a kernel what
//! computes it. Both round each operation alike, so both give the same bits.
//!
//! [`approximations`](crate::numeric::approximations) are what both use. What is exact
//! ([`half_precision`](crate::numeric::half_precision),
//! [`directed_rounding`](crate::numeric::directed_rounding)) is for the compiler alone: the interpreter has
//! another way to the same bits, and tests compare them.

/// Operations on f32 and f64 numbers, integers of 32 bits and booleans.
///
/// Which NaN a result is, is left open; so a function may take a NaN's bits for no more than that it
/// is one.
pub(crate) trait ArithBuilder {
    type F32: Copy;
    type F64: Copy;
    type I32: Copy;
    type Bool: Copy;

    fn f32_const(&mut self, value: f32) -> Self::F32;
    fn i32_const(&mut self, value: u32) -> Self::I32;

    fn f32_add(&mut self, a: Self::F32, b: Self::F32) -> Self::F32;
    fn f32_sub(&mut self, a: Self::F32, b: Self::F32) -> Self::F32;
    fn f32_mul(&mut self, a: Self::F32, b: Self::F32) -> Self::F32;
    fn f32_div(&mut self, a: Self::F32, b: Self::F32) -> Self::F32;
    fn f32_sqrt(&mut self, a: Self::F32) -> Self::F32;
    /// `a * b + c`, rounded once.
    fn f32_fma(&mut self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32;
    fn f32_abs(&mut self, a: Self::F32) -> Self::F32;
    fn f32_lt(&mut self, a: Self::F32, b: Self::F32) -> Self::Bool;
    fn f32_eq(&mut self, a: Self::F32, b: Self::F32) -> Self::Bool;
    fn f32_select(&mut self, which: Self::Bool, yes: Self::F32, no: Self::F32) -> Self::F32;
    fn f32_to_bits(&mut self, a: Self::F32) -> Self::I32;
    fn f32_from_bits(&mut self, a: Self::I32) -> Self::F32;
    /// The nearest f32 to a signed integer.
    fn f32_from_i32(&mut self, a: Self::I32) -> Self::F32;

    fn f64_from_f32(&mut self, a: Self::F32) -> Self::F64;
    fn f32_from_f64(&mut self, a: Self::F64) -> Self::F32;
    fn f64_sub(&mut self, a: Self::F64, b: Self::F64) -> Self::F64;
    fn f64_mul(&mut self, a: Self::F64, b: Self::F64) -> Self::F64;
    fn f64_lt(&mut self, a: Self::F64, b: Self::F64) -> Self::Bool;
    fn f64_eq(&mut self, a: Self::F64, b: Self::F64) -> Self::Bool;

    fn i32_add(&mut self, a: Self::I32, b: Self::I32) -> Self::I32;
    fn i32_sub(&mut self, a: Self::I32, b: Self::I32) -> Self::I32;
    fn i32_and(&mut self, a: Self::I32, b: Self::I32) -> Self::I32;
    fn i32_or(&mut self, a: Self::I32, b: Self::I32) -> Self::I32;
    fn i32_xor(&mut self, a: Self::I32, b: Self::I32) -> Self::I32;
    fn i32_shl(&mut self, a: Self::I32, by: u32) -> Self::I32;
    /// Shifts right, with zeros above.
    fn i32_shr_u(&mut self, a: Self::I32, by: u32) -> Self::I32;
    /// Shifts right, with the sign above.
    fn i32_shr_s(&mut self, a: Self::I32, by: u32) -> Self::I32;
    /// As signed integers.
    fn i32_lt_s(&mut self, a: Self::I32, b: Self::I32) -> Self::Bool;
    fn i32_eq(&mut self, a: Self::I32, b: Self::I32) -> Self::Bool;
    fn i32_select(&mut self, which: Self::Bool, yes: Self::I32, no: Self::I32) -> Self::I32;

    fn bool_and(&mut self, a: Self::Bool, b: Self::Bool) -> Self::Bool;
    fn bool_or(&mut self, a: Self::Bool, b: Self::Bool) -> Self::Bool;
    fn bool_not(&mut self, a: Self::Bool) -> Self::Bool;

    /// The number with the opposite sign.
    fn f32_neg(&mut self, a: Self::F32) -> Self::F32 {
        let minus_one = self.f32_const(-1.0);
        self.f32_mul(a, minus_one)
    }

    /// `coefficients[0] + coefficients[1] * x + …`, from the last one on.
    fn f32_polynomial(&mut self, x: Self::F32, coefficients: &[f32]) -> Self::F32 {
        let mut rest = coefficients.iter().rev();
        let mut value = self.f32_const(rest.next().copied().unwrap_or(0.0));
        for coefficient in rest {
            let coefficient = self.f32_const(*coefficient);
            value = self.f32_fma(value, x, coefficient);
        }
        value
    }

    fn i32_and_const(&mut self, a: Self::I32, mask: u32) -> Self::I32 {
        let mask = self.i32_const(mask);
        self.i32_and(a, mask)
    }

    fn i32_add_const(&mut self, a: Self::I32, by: u32) -> Self::I32 {
        let by = self.i32_const(by);
        self.i32_add(a, by)
    }
}
