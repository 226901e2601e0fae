//! What a BERT computes of tokens: commands of one queue, without waiting in between. Texts are packed:
//! the tokens of all lie behind one another, so that products of matrices have no padding, whatever
//! the lengths, and only attention and pooling know where a text begins.

use tensor_wasm_guest::{Buffer, Device, Gemm, LaunchConfig, Matrix, Queue, Result, Vector};

use super::folder::Loaded;
use super::layout::{Linear, Norm};
use crate::kernels::{WARP, bert};

/// The most tokens that are computed together. More would be no faster, and need more memory: a token
/// takes 14 KB with 384 numbers an embedding.
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
    let batches = batches(texts, model.config.heads as usize);
    let mut work = Work::new(device, model, &batches)?;
    for batch in &batches {
        let plan = queue.upload(&batch.plan(texts))?;
        work.compute(queue, model, weights, batch, &plan, &mut out)?;
    }
    queue.download(&out)
}

/// How many scores of attention there are at a time, unless one text has more.
const MOST_SCORES: usize = 1 << 22;

/// Texts that are computed together.
struct Batch {
    /// By their places among all texts.
    texts: Vec<usize>,
    /// How many they have in all.
    tokens: usize,
    /// The texts as attention takes them.
    groups: Vec<Group>,
}

/// Texts of the same length, which lie behind one another.
#[derive(Clone, Copy)]
struct Group {
    /// The first token of the first.
    first: usize,
    /// The tokens of each.
    tokens: usize,
    /// How many they are.
    texts: usize,
}

impl Group {
    /// The scores of its texts: of each pair of tokens, for each head.
    fn scores(self, heads: usize) -> usize {
        self.texts * heads * self.tokens * self.tokens
    }
}

/// Batches of texts in the order of their lengths, so that those of one length lie together.
fn batches(texts: &[Vec<u32>], heads: usize) -> Vec<Batch> {
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_by_key(|index| texts[*index].len());
    let mut batches: Vec<Batch> = Vec::new();
    for index in order {
        let tokens = texts[index].len();
        if batches
            .last()
            .is_none_or(|batch| batch.tokens + tokens > MOST_TOGETHER)
        {
            batches.push(Batch {
                texts: Vec::new(),
                tokens: 0,
                groups: Vec::new(),
            });
        }
        if let Some(batch) = batches.last_mut() {
            batch.push(index, tokens, heads);
        }
    }
    batches
}

impl Batch {
    fn push(&mut self, index: usize, tokens: usize, heads: usize) {
        let more = Group {
            first: self.tokens,
            tokens,
            texts: 1,
        };
        let room = MOST_SCORES.saturating_sub(more.scores(heads));
        match self.groups.last_mut() {
            Some(group) if group.tokens == tokens && group.scores(heads) <= room => {
                group.texts += 1;
            }
            _ => self.groups.push(more),
        }
        self.texts.push(index);
        self.tokens += tokens;
    }

    /// What the kernels know of it, in one upload: ids of all tokens, their positions, texts.
    fn plan(&self, texts: &[Vec<u32>]) -> Vec<u32> {
        let own = || self.texts.iter().map(|index| &texts[*index]);
        let mut plan: Vec<u32> = own().flatten().copied().collect();
        plan.extend(own().flat_map(|text| 0..text.len() as u32));
        let mut first = 0;
        for index in &self.texts {
            let tokens = texts[*index].len() as u32;
            plan.extend([first, tokens, *index as u32]);
            first += tokens;
        }
        plan
    }
}

/// Buffers between the steps, for the largest batch.
struct Work {
    /// What a layer takes and gives.
    x: Buffer<f32>,
    /// Query, key and value of each token.
    qkv: Buffer<f32>,
    /// Scores of attention, and their softmax.
    scores: Buffer<f32>,
    /// What attention gives.
    attended: Buffer<f32>,
    /// Between the two products of the feed-forward part.
    inner: Buffer<f32>,
}

impl Work {
    fn new(device: &Device, model: &Loaded, batches: &[Batch]) -> Result<Work> {
        let (hidden, inner) = (model.config.hidden_size, model.config.intermediate);
        let tokens = batches.iter().map(|batch| batch.tokens).max();
        let tokens = tokens.unwrap_or(0) as u64;
        let groups = batches.iter().flat_map(|batch| &batch.groups);
        let scores = groups.map(|group| group.scores(model.config.heads as usize));
        Ok(Work {
            x: device.allocate(tokens * u64::from(hidden))?,
            qkv: device.allocate(tokens * u64::from(hidden) * 3)?,
            scores: device.allocate(scores.max().unwrap_or(0) as u64)?,
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
        let hidden = config.hidden_size;
        let tokens = batch.tokens as u32;
        let rows = LaunchConfig::new(tokens, WARP);
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
            for group in &batch.groups {
                self.attend(queue, *group, config.heads, hidden)?;
            }
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
        bert::pool(queue, texts, &self.x, plan, out, 2 * tokens, hidden)
    }

    /// Attention of texts of one length. What differs from one product to the next is the head or the
    /// text: a batch of products goes along that of which there are more.
    fn attend(&mut self, queue: &Queue, group: Group, heads: u32, hidden: u32) -> Result<()> {
        let [heads, hidden] = [heads, hidden].map(u64::from);
        let [first, tokens, texts] = [group.first, group.tokens, group.texts].map(|n| n as u64);
        let head = hidden / heads;
        let row = 3 * hidden;
        // From a head and from a text to the next: of rows of three, of scores, and of results.
        let by_head = [head, tokens * tokens, head];
        let by_text = [tokens * row, heads * tokens * tokens, tokens * hidden];
        let (count, along, batch, within) = match texts > heads {
            true => (heads, by_head, texts, by_text),
            false => (texts, by_text, heads, by_head),
        };
        let part = |index: u64, which: u64| {
            let at = first * row + which * hidden + index * along[0];
            let part = Matrix::new(self.qkv.from_index(at), tokens, head);
            part.leading_dimension(row).stride(within[0])
        };
        let scores = |index: u64| {
            let scores = self.scores.from_index(index * along[1]);
            Matrix::new(scores, tokens, tokens).stride(within[1])
        };
        // A row a key, so that the softmax goes along columns, which lie beside each other.
        for index in 0..count {
            queue
                .gemm(part(index, 1), part(index, 0).transposed(), scores(index))
                .alpha(1.0 / (head as f64).sqrt())
                .batch(batch)
                .submit()?;
        }
        let blocks = (tokens as u32).div_ceil(WARP);
        let columns = LaunchConfig::new((texts * heads) as u32 * blocks, WARP);
        bert::softmax(queue, columns, &mut self.scores, tokens as u32, blocks)?;
        for index in 0..count {
            let at = first * hidden + index * along[2];
            let out = Matrix::new(self.attended.from_index(at), tokens, head)
                .leading_dimension(hidden)
                .stride(within[2]);
            let scores = Matrix::new(self.scores.from_index(index * along[1]), tokens, tokens);
            let shares = scores.stride(within[1]).transposed();
            queue
                .gemm(shares, part(index, 2), out)
                .batch(batch)
                .submit()?;
        }
        Ok(())
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
        let weight = Matrix::new(self.weights.from_index(linear.weight), columns, results);
        let from = Matrix::new(from, self.tokens, columns);
        let to = Matrix::new(to, self.tokens, results);
        let bias = Vector::new(self.weights.from_index(linear.bias), results);
        self.queue.gemm(from, weight, to).bias(bias)
    }
}
