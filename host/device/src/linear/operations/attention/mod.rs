//! Attention of several heads, in one kernel that keeps no matrix of scores: parts of 64 keys are gone
//! through with a running maximum and sum (FlashAttention: Dao et al. 2022, after Milakov and Gimelshein
//! 2018).

mod kernel;

pub(super) use kernel::module;

use std::iter;

use super::place::{Span, vector_pointer};
use super::{Operation, OperationKernel, OperationLaunches, check_element, finite};
use crate::{Argument, Buffer, Element, Error, Extent, LaunchConfig, Vector};
use kernel::{QUERIES, WARP, WARPS};

/// The most queries and keys.
const MOST_ROWS: u64 = 1 << 30;

/// The most elements of a head.
const MOST_SIZE: u64 = 256;

/// How many blocks a grid may have along y and along z.
const MOST_BLOCKS: u64 = 65_535;

/// Queries, keys, values or results of all heads, in a buffer. The elements of a row lie next to each other.
#[derive(Clone, Debug)]
pub struct HeadRows {
    /// Where they lie.
    pub buffer: Buffer,
    /// Where the first element lies, in bytes.
    pub offset: u64,
    /// From the first row of a head to the next row, in elements.
    pub row_stride: u64,
    /// From one head to the next, in elements.
    pub head_stride: u64,
    /// From one of the batch to the next, in elements.
    pub batch_stride: u64,
}

impl HeadRows {
    fn pointer(&self, batch: u64, size: u64) -> Argument {
        let bytes = batch.wrapping_mul(self.batch_stride).wrapping_mul(size);
        Argument::Pointer {
            buffer: self.buffer.clone(),
            offset: self.offset + bytes,
        }
    }
}

/// For each head of each of a batch: `output = softmax(scale * q * kᵀ) * v`.
#[derive(Clone, Debug)]
pub struct Attention {
    /// The type of all elements.
    pub element: Element,
    /// How many sequences.
    pub batch: u64,
    /// Heads of queries and results.
    pub heads: u64,
    /// Heads of keys and values, each of which serves equally many heads of queries that follow each other.
    pub key_heads: u64,
    /// The queries of each.
    pub queries: u64,
    /// The keys of each.
    pub keys: u64,
    /// The elements of each query, key, value and result: 256 at most.
    pub size: u64,
    /// What products of queries and keys are multiplied by.
    pub scale: f64,
    /// Whether the last query sees all keys, and each one before it one less.
    pub is_causal: bool,
    /// How many keys there are of each of the batch, as `u32`.
    pub lengths: Option<Vector>,
    /// Queries.
    pub q: HeadRows,
    /// Keys.
    pub k: HeadRows,
    /// Values.
    pub v: HeadRows,
    /// Results.
    pub output: HeadRows,
}

/// What the kernel's text depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Variant {
    element: Element,
    /// The elements of a value in registers and shared memory: a power of two of at least 32.
    padded_size: u32,
}

impl Attention {
    fn said(&self) -> String {
        let Attention {
            batch,
            heads,
            key_heads,
            queries,
            keys,
            size,
            ..
        } = self;
        format!(
            "attention of {queries} queries to {keys} keys of {size} elements, with {heads} heads, {key_heads} of keys, {batch} times"
        )
    }

    fn check(&self) -> Result<(), Error> {
        let said = self.said();
        let invalid = |message: &str| Err(Error::InvalidLaunch(format!("{said}: {message}")));
        check_element(&said, self.element)?;
        if self.queries.max(self.keys) > MOST_ROWS {
            return invalid(&format!(
                "there may be {MOST_ROWS} queries and keys each at most"
            ));
        }
        if self.size > MOST_SIZE {
            return invalid(&format!("a head may have {MOST_SIZE} elements at most"));
        }
        if self.heads > MOST_BLOCKS {
            return invalid(&format!("there may be {MOST_BLOCKS} heads at most"));
        }
        if self.key_heads == 0 || !self.heads.is_multiple_of(self.key_heads) {
            return invalid("the heads are no multiple of those of keys");
        }
        let output = self.span(&said, "output", &self.output, true)?;
        for (name, at, is_of_queries) in [
            ("q", &self.q, true),
            ("k", &self.k, false),
            ("v", &self.v, false),
        ] {
            output.check_apart(&said, &self.span(&said, name, at, is_of_queries)?)?;
        }
        if let Some(lengths) = &self.lengths {
            let lengths = Span::of_vector(&said, "lengths", lengths, self.batch, 4)?;
            output.check_apart(&said, &lengths)?;
        }
        match are_apart(self.dimensions(&self.output, true)) {
            true => Ok(()),
            false => invalid("results share elements; their strides are too small"),
        }
    }

    fn span<'a>(
        &self,
        said: &str,
        name: &'static str,
        at: &'a HeadRows,
        is_of_queries: bool,
    ) -> Result<Span<'a>, Error> {
        let dimensions = self.dimensions(at, is_of_queries);
        let size = self.element.factor_bytes();
        Span::of(said, name, &at.buffer, at.offset, &dimensions, size)
    }

    /// How many elements lie how far apart.
    fn dimensions(&self, at: &HeadRows, is_of_queries: bool) -> [[u64; 2]; 4] {
        let (heads, rows) = match is_of_queries {
            true => (self.heads, self.queries),
            false => (self.key_heads, self.keys),
        };
        [
            [self.batch, at.batch_stride],
            [heads, at.head_stride],
            [rows, at.row_stride],
            [self.size, 1],
        ]
    }
}

/// Whether no two elements are the same: from the dimension in which they lie closest on, each steps over
/// all of those before. The whole was found to lie within a buffer.
fn are_apart(mut dimensions: [[u64; 2]; 4]) -> bool {
    if dimensions.iter().any(|[count, _]| *count == 0) {
        return true;
    }
    dimensions.sort_by_key(|[_, stride]| *stride);
    let mut extent = 1;
    dimensions.into_iter().all(|[count, stride]| {
        let is_over = count == 1 || stride >= extent;
        extent += (count - 1) * stride;
        is_over
    })
}

impl Operation for Attention {
    fn buffers(&self) -> Vec<&Buffer> {
        let places = [&self.q, &self.k, &self.v, &self.output];
        let mut buffers = places.map(|place| &place.buffer).to_vec();
        buffers.extend(self.lengths.iter().map(|lengths| &lengths.buffer));
        buffers
    }

    fn launches(&self) -> Result<(OperationKernel, OperationLaunches<'_>), Error> {
        self.check()?;
        let scale = finite(&self.said(), "scale", self.scale)?;
        let kernel = OperationKernel::Attention(Variant {
            element: self.element,
            padded_size: (self.size as u32).next_power_of_two().max(32),
        });
        let Attention {
            batch,
            heads,
            queries,
            size,
            ..
        } = *self;
        if [batch, heads, queries, size].contains(&0) {
            return Ok((kernel, Box::new(iter::empty())));
        }
        let launch = move |first: u64| {
            let count = MOST_BLOCKS.min(batch - first);
            let config = LaunchConfig {
                grid: Extent {
                    x: queries.div_ceil(QUERIES.into()) as u32,
                    y: heads as u32,
                    z: count as u32,
                },
                block: Extent {
                    x: WARP,
                    y: WARPS,
                    z: 1,
                },
                shared_bytes: 0,
            };
            (config, self.arguments(first, scale))
        };
        let firsts = (0..batch.div_ceil(MOST_BLOCKS)).map(|part| part * MOST_BLOCKS);
        Ok((kernel, Box::new(firsts.map(launch))))
    }
}

impl Attention {
    fn arguments(&self, first: u64, scale: f32) -> Vec<Argument> {
        let size = self.element.factor_bytes();
        let places = [
            (&self.q, self.queries),
            (&self.k, self.keys),
            (&self.v, self.keys),
            (&self.output, self.queries),
        ];
        let mut arguments: Vec<Argument> = places
            .iter()
            .map(|(place, rows)| match rows {
                0 => Argument::U64(0),
                _ => place.pointer(first, size),
            })
            .collect();
        for (place, _) in places {
            for stride in [place.batch_stride, place.head_stride, place.row_stride] {
                // Where there is one alone, it may be any number.
                arguments.push(Argument::U64(stride.wrapping_mul(size)));
            }
        }
        let step = self.lengths.as_ref().map_or(0, |lengths| lengths.increment);
        let lengths = match vector_pointer(self.lengths.as_ref()) {
            Argument::Pointer { buffer, offset } => Argument::Pointer {
                buffer,
                offset: offset + first * step.wrapping_mul(4),
            },
            none => none,
        };
        arguments.extend([
            lengths,
            Argument::U64(step.wrapping_mul(4)),
            Argument::U32(self.queries as u32),
            Argument::U32(self.keys as u32),
            Argument::U32(self.size as u32),
            Argument::U32((self.heads / self.key_heads) as u32),
            Argument::U32(self.is_causal.into()),
            Argument::U32(self.lengths.is_some().into()),
            Argument::F32(scale),
        ]);
        arguments
    }
}
