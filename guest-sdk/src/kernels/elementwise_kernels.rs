//! Functions of each element, and activations among them. A thread an element:
//! [`LaunchConfig::for_len`](crate::LaunchConfig::for_len).

use crate::kernel::device;

/// Functions of each element; a thread an element.
#[device]
pub mod elementwise {
    /// The thread's place in the grid, of which there may be more than a `u32` counts.
    fn place() -> usize {
        block::index_x() as usize * block::size_x() as usize + thread::index_x() as usize
    }

    /// `y[i] += x[i]`.
    #[kernel]
    pub fn add(x: &[f32], y: GlobalMut<f32>) {
        let i = place();
        if i < y.len() {
            y.set(i, y.get(i) + x[i]);
        }
    }

    /// `y[i] *= x[i]`.
    #[kernel]
    pub fn multiply(x: &[f32], y: GlobalMut<f32>) {
        let i = place();
        if i < y.len() {
            y.set(i, y.get(i) * x[i]);
        }
    }

    /// `y[i] = a * x[i] + b * y[i]`, fused in part: the second product is rounded first.
    #[kernel]
    pub fn combine(a: f32, x: &[f32], b: f32, y: GlobalMut<f32>) {
        let i = place();
        if i < y.len() {
            y.set(i, a.mul_add(x[i], b * y.get(i)));
        }
    }

    /// Adds a vector to each row: `y[i] += bias[i % bias.len()]`.
    #[kernel]
    pub fn add_bias(bias: &[f32], y: GlobalMut<f32>) {
        let i = place();
        if i < y.len() {
            y.set(i, y.get(i) + bias[i % bias.len()]);
        }
    }

    /// `max(y[i], 0)`. A NaN becomes 0.
    #[kernel]
    pub fn relu(y: GlobalMut<f32>) {
        let i = place();
        if i < y.len() {
            y.set(i, y.get(i).max(0.0));
        }
    }

    /// `1 / (1 + exp(-y[i]))`.
    #[kernel]
    pub fn sigmoid(y: GlobalMut<f32>) {
        let i = place();
        if i < y.len() {
            y.set(i, 1.0 / (1.0 + fast::exp(-y.get(i))));
        }
    }

    /// The hyperbolic tangent of each element, `1 - 2 / (exp(2 * y[i]) + 1)`, to within 1e-6.
    #[kernel]
    pub fn tanh(y: GlobalMut<f32>) {
        let i = place();
        if i < y.len() {
            y.set(i, 1.0 - 2.0 / (fast::exp(2.0 * y.get(i)) + 1.0));
        }
    }

    /// The sigmoid linear unit, `x / (1 + exp(-x))`, also called Swish.
    #[kernel]
    pub fn silu(y: GlobalMut<f32>) {
        let i = place();
        if i < y.len() {
            let x = y.get(i);
            y.set(i, x / (1.0 + fast::exp(-x)));
        }
    }

    /// The Gaussian error linear unit, `x * Φ(x)` with the distribution function of the normal
    /// distribution, to within 1e-6 of the larger of 1 and the magnitude of x. The error function is that
    /// of Abramowitz and Stegun, 7.1.26.
    #[kernel]
    pub fn gelu(y: GlobalMut<f32>) {
        let i = place();
        if i < y.len() {
            let x = y.get(i);
            let z = x.abs() * 0.70710677;
            let t = 1.0 / (1.0 + 0.3275911 * z);
            let mut sum = 1.0614054;
            sum = sum * t - 1.4531521;
            sum = sum * t + 1.4214138;
            sum = sum * t - 0.28449672;
            sum = sum * t + 0.2548296;
            // Half of 1 - erf(|x| / √2).
            let tail = 0.5 * sum * t * fast::exp(-z * z);
            let share = if x < 0.0 { tail } else { 1.0 - tail };
            y.set(i, x * share);
        }
    }
}
