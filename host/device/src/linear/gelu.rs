//! The activation GELU, x · Φ(x) with Φ(x) = (1 + erf(x / √2)) / 2, in single precision: the processor
//! and the kernel compute it with the same operations in the same order.

/// From where on down the result is 0.
pub(crate) const LEAST: f32 = -10.0;

/// The error function is a quotient of polynomials of x², times x, with the coefficients that XLA
/// and Eigen use, from the highest power down: to within 5e-7 for |x| < 4. From there on it is ±1 in
/// single precision.
pub(crate) const NUMERATOR: [f32; 7] = [
    -2.726_142_3e-10,
    2.770_681_4e-8,
    -2.101_024e-6,
    -5.692_506_4e-5,
    -7.349_906_5e-4,
    -2.954_6e-3,
    -1.609_603_3e-2,
];

/// See [`NUMERATOR`].
pub(crate) const DENOMINATOR: [f32; 5] = [
    -1.456_607_2e-5,
    -2.133_740_6e-4,
    -1.682_826_9e-3,
    -7.373_329e-3,
    -1.426_473_9e-2,
];

/// `x * Φ(x)`. A NaN stays one. Nothing branches, so that a row is done in vectors.
#[inline(always)]
pub(crate) fn gelu(x: f32) -> f32 {
    // So that it is 0 at minus infinity.
    let x = if x < LEAST { LEAST } else { x };
    0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

#[inline(always)]
fn erf(x: f32) -> f32 {
    let square = x * x;
    let quotient = x * horner(&NUMERATOR, square) / horner(&DENOMINATOR, square);
    match x.abs() >= 4.0 {
        true => 1f32.copysign(x),
        false => quotient,
    }
}

#[inline(always)]
fn horner<const N: usize>(coefficients: &[f32; N], x: f32) -> f32 {
    let mut coefficients = coefficients.iter();
    let first = coefficients.next().copied().unwrap_or_default();
    coefficients.fold(first, |sum, coefficient| sum * x + coefficient)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The series of erf, in double precision: exact enough up to 4.
    fn exact_erf(x: f64) -> f64 {
        let (mut term, mut sum) = (x, x);
        for n in 1..200 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        sum * std::f64::consts::FRAC_2_SQRT_PI
    }

    #[test]
    fn gelu_is_within_its_bound_of_what_it_is_in_double_precision() {
        for step in -20_000..=20_000 {
            let x = f64::from(step) / 4096.0;
            let exact = 0.5 * x * (1.0 + exact_erf(x / std::f64::consts::SQRT_2));
            let error = (f64::from(gelu(x as f32)) - exact).abs();
            assert!(error <= 1e-6 * x.abs().max(1.0), "{x}: {error}");
        }
    }

    #[test]
    fn what_is_no_number_stays_so_and_infinities_have_their_limits() {
        assert!(gelu(f32::NAN).is_nan());
        assert_eq!(gelu(f32::INFINITY), f32::INFINITY);
        assert_eq!(gelu(1e30), 1e30);
        assert_eq!((gelu(f32::NEG_INFINITY), gelu(-1e30)), (0.0, 0.0));
    }
}
