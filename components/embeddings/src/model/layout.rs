//! Where each tensor of a model lies in the one buffer that has all weights. One buffer is one name to
//! look up in each request.

use super::config::Config;

/// A tensor of the file, and the place of its first number in the buffer.
#[derive(Debug, PartialEq, Eq)]
pub struct Tensor {
    /// As Hugging Face names it, without the prefix `bert.` that some files have.
    pub name: String,
    /// Rows and columns, or only columns.
    pub shape: Vec<usize>,
    /// Its place in the buffer, in numbers.
    pub at: u64,
    /// Where its rows become columns: from one row to the next there, in numbers.
    pub transposed: Option<u64>,
}

/// Places of the weights before the layers, but for those of words, which begin the buffer; of those of
/// each layer; and all tensors.
#[derive(Debug)]
pub struct Layout {
    pub positions: u64,
    pub types: u64,
    pub norm: Norm,
    pub layers: Vec<Layer>,
    /// All of them, in the order of the buffer.
    pub tensors: Vec<Tensor>,
    /// How many numbers the buffer has.
    pub len: u64,
}

/// A normalisation's factors and summands.
#[derive(Clone, Copy, Debug)]
pub struct Norm {
    pub gamma: u64,
    pub beta: u64,
}

/// A product's weights, a column for each of its results, and its bias. In the file they have a row for
/// each; a product takes a matrix the faster whose rows it can read as they lie.
#[derive(Clone, Copy, Debug)]
pub struct Linear {
    pub weight: u64,
    pub bias: u64,
}

/// The weights of a layer.
#[derive(Clone, Copy, Debug)]
pub struct Layer {
    /// Query, key and value beside one another: one product makes all three.
    pub attention: Linear,
    pub output: Linear,
    pub output_norm: Norm,
    pub up: Linear,
    pub down: Linear,
    pub down_norm: Norm,
}

impl Layout {
    /// The layout of a model of these sizes, which are [checked](Config::check).
    pub fn of(config: &Config) -> Layout {
        let size = |number: u32| number as usize;
        let (hidden, inner) = (size(config.hidden_size), size(config.intermediate));
        let mut places = Places::default();
        // First, so that the kernel finds a word by its id alone.
        places.take(
            "embeddings.word_embeddings.weight",
            &[size(config.vocabulary), hidden],
        );
        let positions = places.take(
            "embeddings.position_embeddings.weight",
            &[size(config.positions), hidden],
        );
        let types = places.take(
            "embeddings.token_type_embeddings.weight",
            &[size(config.types), hidden],
        );
        let norm = places.norm("embeddings.LayerNorm", hidden);
        let layers = (0..config.layers)
            .map(|index| {
                let layer = format!("encoder.layer.{index}");
                let parts = ["query", "key", "value"];
                let of = |part, kind| format!("{layer}.attention.self.{part}.{kind}");
                let weight = places.beside(parts.map(|part| of(part, "weight")), hidden, hidden);
                let biases = parts.map(|part| places.take(&of(part, "bias"), &[hidden]));
                Layer {
                    attention: Linear {
                        weight,
                        bias: biases[0],
                    },
                    output: places.linear(
                        &format!("{layer}.attention.output.dense"),
                        hidden,
                        hidden,
                    ),
                    output_norm: places
                        .norm(&format!("{layer}.attention.output.LayerNorm"), hidden),
                    up: places.linear(&format!("{layer}.intermediate.dense"), inner, hidden),
                    down: places.linear(&format!("{layer}.output.dense"), hidden, inner),
                    down_norm: places.norm(&format!("{layer}.output.LayerNorm"), hidden),
                }
            })
            .collect();
        Layout {
            positions,
            types,
            norm,
            layers,
            tensors: places.tensors,
            len: places.len,
        }
    }
}

#[derive(Default)]
struct Places {
    tensors: Vec<Tensor>,
    len: u64,
}

impl Places {
    fn take(&mut self, name: &str, shape: &[usize]) -> u64 {
        let at = self.len;
        self.tensors.push(Tensor {
            name: name.to_owned(),
            shape: shape.to_vec(),
            at,
            transposed: None,
        });
        // Of checked sizes, each factor is below 2^21, and there are below 2^11 tensors.
        self.len += shape.iter().map(|side| *side as u64).product::<u64>();
        at
    }

    /// Weights of as many products as there are names, each of so many results, as one matrix.
    fn beside<const N: usize>(&mut self, names: [String; N], rows: usize, columns: usize) -> u64 {
        let at = self.len;
        for (index, name) in names.into_iter().enumerate() {
            self.tensors.push(Tensor {
                name,
                shape: vec![rows, columns],
                at: at + (index * rows) as u64,
                transposed: Some((N * rows) as u64),
            });
        }
        self.len += (N * rows * columns) as u64;
        at
    }

    fn linear(&mut self, name: &str, rows: usize, columns: usize) -> Linear {
        Linear {
            weight: self.beside([format!("{name}.weight")], rows, columns),
            bias: self.take(&format!("{name}.bias"), &[rows]),
        }
    }

    fn norm(&mut self, name: &str, columns: usize) -> Norm {
        Norm {
            gamma: self.take(&format!("{name}.weight"), &[columns]),
            beta: self.take(&format!("{name}.bias"), &[columns]),
        }
    }
}
