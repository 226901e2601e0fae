//! What a BERT computes (Devlin et al. 2018), one number after another in `f64`: nothing is as the
//! service has it.

use super::TinyModel;

/// Vectors of all tokens.
type Rows = Vec<Vec<f64>>;

impl TinyModel {
    /// The embedding of a text's tokens: the mean of what the last layer has for them, with length 1.
    pub fn embedding(&self, tokens: &[u32]) -> Vec<f64> {
        let row = |name: &str, index: usize| -> Vec<f64> {
            let numbers = &self.tensor(name).numbers;
            let own = &numbers[index * self.hidden..(index + 1) * self.hidden];
            own.iter().map(|number| f64::from(*number)).collect()
        };
        let mut x: Rows = tokens
            .iter()
            .enumerate()
            .map(|(position, token)| {
                let word = row("embeddings.word_embeddings.weight", *token as usize);
                let position = row("embeddings.position_embeddings.weight", position);
                let kind = row("embeddings.token_type_embeddings.weight", 0);
                sum(&sum(&word, &position), &kind)
            })
            .collect();
        x = self.norm("embeddings.LayerNorm", x);
        for layer in 0..self.layers {
            x = self.layer(&format!("encoder.layer.{layer}"), x);
        }
        let mean: Vec<f64> = (0..self.hidden)
            .map(|i| x.iter().map(|row| row[i]).sum::<f64>() / x.len() as f64)
            .collect();
        let length = dot(&mean, &mean).sqrt();
        mean.iter().map(|number| number / length).collect()
    }

    fn layer(&self, name: &str, x: Rows) -> Rows {
        let linear = |part: &str, rows: &Rows| self.linear(&format!("{name}.{part}"), rows);
        let attended = self.attend([
            linear("attention.self.query", &x),
            linear("attention.self.key", &x),
            linear("attention.self.value", &x),
        ]);
        let output = linear("attention.output.dense", &attended);
        let x = self.norm(
            &format!("{name}.attention.output.LayerNorm"),
            sums(&x, &output),
        );
        let mut inner = linear("intermediate.dense", &x);
        for number in inner.iter_mut().flatten() {
            *number *= 0.5 * (1.0 + erf(*number / 2f64.sqrt()));
        }
        let output = linear("output.dense", &inner);
        self.norm(&format!("{name}.output.LayerNorm"), sums(&x, &output))
    }

    fn attend(&self, [queries, keys, values]: [Rows; 3]) -> Rows {
        let size = self.hidden / self.heads;
        let mut attended = vec![vec![0.0; self.hidden]; queries.len()];
        for first in (0..self.hidden).step_by(size) {
            let own = first..first + size;
            for (query, result) in queries.iter().zip(&mut attended) {
                let scores: Vec<f64> = keys
                    .iter()
                    .map(|key| dot(&query[own.clone()], &key[own.clone()]) / (size as f64).sqrt())
                    .collect();
                let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let shares: Vec<f64> = scores.iter().map(|score| (score - most).exp()).collect();
                let all: f64 = shares.iter().sum();
                for (share, value) in shares.iter().zip(&values) {
                    for i in own.clone() {
                        result[i] += share / all * value[i];
                    }
                }
            }
        }
        attended
    }

    fn linear(&self, name: &str, x: &Rows) -> Rows {
        let weight = self.tensor(&format!("{name}.weight"));
        let bias = self.tensor(&format!("{name}.bias"));
        let columns = weight.shape[1];
        let result = |row: &Vec<f64>| {
            let products = weight.numbers.chunks_exact(columns).zip(&bias.numbers);
            products
                .map(|(weights, bias)| {
                    let product = weights.iter().zip(row).map(|(w, x)| f64::from(*w) * x);
                    product.sum::<f64>() + f64::from(*bias)
                })
                .collect()
        };
        x.iter().map(result).collect()
    }

    fn norm(&self, name: &str, x: Rows) -> Rows {
        let gamma = &self.tensor(&format!("{name}.weight")).numbers;
        let beta = &self.tensor(&format!("{name}.bias")).numbers;
        let result = |row: Vec<f64>| {
            let count = row.len() as f64;
            let mean = row.iter().sum::<f64>() / count;
            let squares = row.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
            let deviation = (squares / count + 1e-12).sqrt();
            row.iter()
                .zip(gamma.iter().zip(beta))
                .map(|(x, (gamma, beta))| {
                    (x - mean) / deviation * f64::from(*gamma) + f64::from(*beta)
                })
                .collect()
        };
        x.into_iter().map(result).collect()
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn sum(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

fn sums(a: &Rows, b: &Rows) -> Rows {
    a.iter().zip(b).map(|(a, b)| sum(a, b)).collect()
}

/// The error function by its power series, which is exact to 1e-9 where it is not 1 or -1.
fn erf(x: f64) -> f64 {
    if x.abs() > 4.5 {
        return x.signum();
    }
    let (mut term, mut result) = (x, x);
    for n in 1..200 {
        let n = f64::from(n);
        term *= -x * x / n;
        result += term / (2.0 * n + 1.0);
    }
    result * 2.0 / std::f64::consts::PI.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_function_has_its_values() {
        // Abramowitz and Stegun, table 7.1.
        for (x, expected) in [
            (0.5, 0.520_499_877_8),
            (1.0, 0.842_700_792_9),
            (2.0, 0.995_322_265_0),
            (-3.0, -0.999_977_909_5),
            (9.0, 1.0),
        ] {
            assert!((erf(x) - expected).abs() < 1e-9, "{x}");
        }
    }

    #[test]
    fn other_texts_and_other_seeds_have_other_embeddings() {
        let model = TinyModel::seeded(1, 2);
        let embedding = |model: &TinyModel, words| model.embedding(&model.tokens(words));
        let cat = embedding(&model, "the cat sat on the mat");
        assert!((dot(&cat, &cat) - 1.0).abs() < 1e-12);
        assert!(dot(&cat, &embedding(&model, "the dog sat on the mat")) < 0.9999);
        assert!(dot(&cat, &embedding(&model, "the mat sat on the cat")) < 0.99999);
        let other = TinyModel::seeded(2, 2);
        assert!(dot(&cat, &embedding(&other, "the cat sat on the mat")) < 0.9);
    }
}
