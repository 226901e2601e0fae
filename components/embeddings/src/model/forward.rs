//! What a BERT computes of tokens: commands of one queue, without waiting in between. Texts are packed:
//! the tokens of all lie behind one another, so that products of matrices have no padding, whatever
//! the lengths, and only attention and pooling know where a text begins.

use tensor_wasm_guest::{Buffer, Device, Gemm, LaunchConfig, Matrix, Queue, Result, Vector};

use super::folder::Loaded;
use super::layout::{Linear, Norm};
use crate::kernels::{QUERIES, WARP, bert};

/// The most tokens that are computed together. More would be no faster, and need more memory: a token
/// takes some 30 KB with 384 numbers an embedding.
const MOST_TOGETHER: usize = 4096;

/// The embeddings of texts, given as tokens, one behind the other.
///
/// # Errors
/// Those of the device.
pub fn forward(
    device: &Device,
    queue: &Queue,
    model: &Loaded,
    weights: &Buffer<f32>,
    texts: &[Vec<u32>],
) -> Result<Vec<f32>> {
    let hidden = u64::from(model.config.hidden_size);
    let mut out = device.allocate(texts.len() as u64 * hidden)?;
    let batches = batches(texts);
    let most = batches.iter().map(|batch| batch.tokens).max();
    let mut work = Work::new(device, model, most.unwrap_or(0) as u64)?;
    for batch in &batches {
        let plan = queue.upload(&batch.plan(texts))?;
        work.compute(queue, model, weights, batch, &plan, &mut out)?;
    }
    queue.download(&out)
}

/// Texts that are computed together.
struct Batch {
    /// By their places among all texts.
    texts: Vec<usize>,
    /// How many they have in all.
    tokens: usize,
    /// How many tiles of queries attention has.
    tiles: u32,
}

/// Texts of one length are computed together as far as they can be, and long ones first: blocks of
/// attention take as long as their text is, and the last ones to begin should be short.
fn batches(texts: &[Vec<u32>]) -> Vec<Batch> {
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(texts[*index].len()));
    let mut batches: Vec<Batch> = Vec::new();
    for index in order {
        let tokens = texts[index].len();
        let tiles = tokens.div_ceil(QUERIES as usize) as u32;
        match batches.last_mut() {
            Some(batch) if batch.tokens + tokens <= MOST_TOGETHER => {
                batch.texts.push(index);
                batch.tokens += tokens;
                batch.tiles += tiles;
            }
            _ => batches.push(Batch {
                texts: vec![index],
                tokens,
                tiles,
            }),
        }
    }
    batches
}

impl Batch {
    /// What the kernels know of it, in one upload: ids of all tokens, their positions, tiles of queries,
    /// texts.
    fn plan(&self, texts: &[Vec<u32>]) -> Vec<u32> {
        let own = || self.texts.iter().map(|index| &texts[*index]);
        let mut plan: Vec<u32> = own().flatten().copied().collect();
        plan.extend(own().flat_map(|text| 0..text.len() as u32));
        let mut rows = Vec::with_capacity(self.texts.len() * 3);
        let mut first = 0;
        for index in &self.texts {
            let tokens = texts[*index].len() as u32;
            for query in (0..tokens).step_by(QUERIES as usize) {
                plan.extend([first, tokens, query]);
            }
            rows.extend([first, tokens, *index as u32]);
            first += tokens;
        }
        plan.append(&mut rows);
        plan
    }
}

/// Buffers between the steps, for the largest batch.
struct Work {
    /// What a layer takes and gives.
    x: Buffer<f32>,
    /// Query, key and value of each token.
    qkv: Buffer<f32>,
    /// What attention gives.
    attended: Buffer<f32>,
    /// Between the two products of the feed-forward part.
    inner: Buffer<f32>,
}

impl Work {
    fn new(device: &Device, model: &Loaded, tokens: u64) -> Result<Work> {
        let (hidden, inner) = (model.config.hidden_size, model.config.intermediate);
        Ok(Work {
            x: device.allocate(tokens * u64::from(hidden))?,
            qkv: device.allocate(tokens * u64::from(hidden) * 3)?,
            attended: device.allocate(tokens * u64::from(hidden))?,
            inner: device.allocate(tokens * u64::from(inner))?,
        })
    }

    fn compute(
        &mut self,
        queue: &Queue,
        model: &Loaded,
        weights: &Buffer<f32>,
        batch: &Batch,
        plan: &Buffer<u32>,
        out: &mut Buffer<f32>,
    ) -> Result<()> {
        let (config, layout) = (&model.config, &model.layout);
        let (hidden, head) = (config.hidden_size, config.head_size());
        let tokens = batch.tokens as u32;
        let rows = LaunchConfig::new(tokens, WARP);
        let tiles = LaunchConfig::new((batch.tiles, config.heads), WARP);
        let scale = 1.0 / (head as f32).sqrt();
        let (wide, inner) = (u64::from(hidden), u64::from(config.intermediate));

        let step = Step {
            queue,
            weights,
            tokens: batch.tokens as u64,
        };
        // Weights have fewer than 2^32 numbers: a file that was loaded is smaller than what a component
        // of 32 bits can count.
        let norm = |x: &mut Buffer<f32>, norm: Norm| {
            let (gamma, beta) = (norm.gamma as u32, norm.beta as u32);
            bert::normalize(queue, rows, weights, x, gamma, beta, hidden, config.epsilon)
        };
        let (positions, types) = (layout.positions as u32, layout.types as u32);
        bert::embed(
            queue,
            rows,
            weights,
            plan,
            &mut self.x,
            positions,
            types,
            tokens,
            hidden,
        )?;
        norm(&mut self.x, layout.norm)?;
        for layer in &layout.layers {
            step.product((&self.x, wide), layer.attention, (&self.qkv, 3 * wide))
                .submit()?;
            bert::attend(
                queue,
                tiles,
                &self.qkv,
                plan,
                &mut self.attended,
                2 * tokens,
                hidden,
                head,
                scale,
            )?;
            // What goes past attention is what `x` has: the product is added to it.
            step.product((&self.attended, wide), layer.output, (&self.x, wide))
                .beta(1.0)
                .submit()?;
            norm(&mut self.x, layer.output_norm)?;
            step.product((&self.x, wide), layer.up, (&self.inner, inner))
                .gelu()
                .submit()?;
            step.product((&self.inner, inner), layer.down, (&self.x, wide))
                .beta(1.0)
                .submit()?;
            norm(&mut self.x, layer.down_norm)?;
        }
        let texts = LaunchConfig::new(batch.texts.len() as u32, WARP);
        let at = 2 * tokens + 3 * batch.tiles;
        bert::pool(queue, texts, &self.x, plan, out, at, hidden)
    }
}

/// What products of a batch have in common.
struct Step<'a> {
    queue: &'a Queue,
    weights: &'a Buffer<f32>,
    tokens: u64,
}

impl<'a> Step<'a> {
    /// The product of rows, one a token, with weights, and their bias. Buffers come with their columns.
    fn product(
        &self,
        (from, columns): (&'a Buffer<f32>, u64),
        linear: Linear,
        (to, results): (&'a Buffer<f32>, u64),
    ) -> Gemm<'a, f32> {
        let weight = Matrix::new(self.weights.from_index(linear.weight), results, columns);
        let from = Matrix::new(from, self.tokens, columns);
        let to = Matrix::new(to, self.tokens, results);
        let bias = Vector::new(self.weights.from_index(linear.bias), results);
        self.queue.gemm(from, weight.transposed(), to).bias(bias)
    }
}
