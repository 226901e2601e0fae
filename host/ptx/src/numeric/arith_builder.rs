//! Functions that the interpreter and the compiler have in common: each is written once, in steps
//! that every engine of WebAssembly has for one number and for a vector of them.
//!
//! [`ArithBuilder`] is what they are written in. On plain numbers the steps are computed: that is what the
//! interpreter calls. The compiler's own steps add to a kernel what would compute them. Both round
//! each step alike, so both give the same bits.
//!
//! [`functions`] has the approximations. What is exact ([`half`], [`directed`]) is for the compiler
//! alone: the interpreter has another way to the same bits, and tests compare them.

/// ArithBuilder on singles, words of 32 bits, doubles and truths.
///
/// Which NaN a result is, is left open; so a function may take a NaN's bits for no more than that it
/// is one.
pub(crate) trait ArithBuilder {
    type Single: Copy;
    type Double: Copy;
    type Word: Copy;
    type Truth: Copy;

    fn single(&mut self, value: f32) -> Self::Single;
    fn word(&mut self, value: u32) -> Self::Word;

    fn add(&mut self, a: Self::Single, b: Self::Single) -> Self::Single;
    fn sub(&mut self, a: Self::Single, b: Self::Single) -> Self::Single;
    fn mul(&mut self, a: Self::Single, b: Self::Single) -> Self::Single;
    fn div(&mut self, a: Self::Single, b: Self::Single) -> Self::Single;
    fn sqrt(&mut self, a: Self::Single) -> Self::Single;
    /// `a * b + c`, rounded once.
    fn fma(&mut self, a: Self::Single, b: Self::Single, c: Self::Single) -> Self::Single;
    fn abs(&mut self, a: Self::Single) -> Self::Single;
    fn lt(&mut self, a: Self::Single, b: Self::Single) -> Self::Truth;
    fn eq(&mut self, a: Self::Single, b: Self::Single) -> Self::Truth;
    fn pick(&mut self, which: Self::Truth, yes: Self::Single, no: Self::Single) -> Self::Single;
    fn bits(&mut self, a: Self::Single) -> Self::Word;
    fn of_bits(&mut self, a: Self::Word) -> Self::Single;
    /// The nearest single to a signed integer.
    fn of_integer(&mut self, a: Self::Word) -> Self::Single;

    fn promote(&mut self, a: Self::Single) -> Self::Double;
    fn demote(&mut self, a: Self::Double) -> Self::Single;
    fn wide_sub(&mut self, a: Self::Double, b: Self::Double) -> Self::Double;
    fn wide_mul(&mut self, a: Self::Double, b: Self::Double) -> Self::Double;
    fn wide_lt(&mut self, a: Self::Double, b: Self::Double) -> Self::Truth;
    fn wide_eq(&mut self, a: Self::Double, b: Self::Double) -> Self::Truth;

    fn plus(&mut self, a: Self::Word, b: Self::Word) -> Self::Word;
    fn minus(&mut self, a: Self::Word, b: Self::Word) -> Self::Word;
    fn and(&mut self, a: Self::Word, b: Self::Word) -> Self::Word;
    fn or(&mut self, a: Self::Word, b: Self::Word) -> Self::Word;
    fn xor(&mut self, a: Self::Word, b: Self::Word) -> Self::Word;
    fn left(&mut self, a: Self::Word, by: u32) -> Self::Word;
    /// Shifts right, with zeros above.
    fn right(&mut self, a: Self::Word, by: u32) -> Self::Word;
    /// Shifts right, with the sign above.
    fn right_signed(&mut self, a: Self::Word, by: u32) -> Self::Word;
    /// As signed integers.
    fn less(&mut self, a: Self::Word, b: Self::Word) -> Self::Truth;
    fn same(&mut self, a: Self::Word, b: Self::Word) -> Self::Truth;
    fn choose(&mut self, which: Self::Truth, yes: Self::Word, no: Self::Word) -> Self::Word;

    fn both(&mut self, a: Self::Truth, b: Self::Truth) -> Self::Truth;
    fn either(&mut self, a: Self::Truth, b: Self::Truth) -> Self::Truth;
    fn not(&mut self, a: Self::Truth) -> Self::Truth;

    /// The number with the opposite sign.
    fn minus_single(&mut self, a: Self::Single) -> Self::Single {
        let minus_one = self.single(-1.0);
        self.mul(a, minus_one)
    }

    /// `coefficients[0] + coefficients[1] * x + …`, from the last one on.
    fn polynomial(&mut self, x: Self::Single, coefficients: &[f32]) -> Self::Single {
        let mut rest = coefficients.iter().rev();
        let mut value = self.single(rest.next().copied().unwrap_or(0.0));
        for coefficient in rest {
            let coefficient = self.single(*coefficient);
            value = self.fma(value, x, coefficient);
        }
        value
    }

    fn and_mask(&mut self, a: Self::Word, mask: u32) -> Self::Word {
        let mask = self.word(mask);
        self.and(a, mask)
    }

    fn plus_constant(&mut self, a: Self::Word, by: u32) -> Self::Word {
        let by = self.word(by);
        self.plus(a, by)
    }
}
